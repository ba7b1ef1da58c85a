"""Why the verdict is what it is: the two questions behind it, every trial, every integrity check."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

from copilot.domain.experiment import ComparisonResult, Purpose, TrialResult
from copilot.events import IntegrityChecked
from copilot.report.cells import Cells, spell
from copilot.report.figure import Figure
from copilot.report.markdown import bullets, code, escape, quoted, table
from copilot.report.record import Record
from copilot.report.shared import alpha_cell, comparison_of, minimum_cell

P_MINIMUM = re.compile(r"(?:^'At least|^The mean stays below).*adjusted p (\S+) (?:<=|>)")
"""Where the deciding code says the p of "the effect is at least the smallest that matters"."""
DETECTABLE = "This design finds a true effect of"
"""How the deciding code says the smallest effect that could have been found, where it is a reason."""
MAX_DECIMALS = 6


def why(record: Record, cells: Cells) -> Iterable[str]:
    """The rule applied to these numbers; which p belongs to which question."""
    yield "## Why this verdict"
    vetoes = [check for check in record.state.checks.values() if check.passed is False]
    if record.verdict.word == "invalid" or vetoes:
        yield "The following sentences veto any other verdict; what the numbers alone would say does not count."
    else:
        yield (
            'Two questions are put to the same test, and neither verdict is easier to reach: **supported** needs "no '
            'effect at all" to be rejected and a mean of at least the smallest effect that matters; **refuted** needs '
            '"the effect is at least the smallest that matters" to be rejected. Each has a p of its own, so a refuted '
            'claim may well have a large p against "no effect".'
        )
    for place, item in enumerate(record.verdict.comparisons, start=1):
        if len(record.verdict.comparisons) > 1:
            yield f"### {code(comparison_of(record, item).treatment)}: {item.word}"
        if item.p_adjusted is not None and item.word != "invalid":
            yield table(
                ["assumption put to the test", "adjusted p", "rejected?", "its rejection is needed for"],
                _questions(record, place, item, cells),
            )
        yield "In the words of the deciding code:"
        said = [
            cells.words(f"reason-{place}-{n}", text, "a reason for the verdict", [record.state.verdict_seq])
            for n, text in enumerate(item.reasons, start=1)
        ]
        yield bullets([*said, *_power(record, place, item, cells)])


def _questions(record: Record, place: int, item: ComparisonResult, cells: Cells) -> Iterable[list[str]]:
    alpha, seq = record.protocol.analysis.alpha, [record.state.verdict_seq]
    p = cells.number(f"p-{place}", item.p_adjusted, "adjusted p of 'no effect at all'", seq, digits=3)
    rejected = item.p_adjusted is not None and item.p_adjusted <= alpha * (1 + 1e-9)
    limit = alpha_cell(record, cells)
    yes = f"yes (alpha {limit})"
    no = f"no (alpha {limit})"
    yield ["there is no effect at all", p, yes if rejected else no, "supported"]
    found = next((match[1] for text in item.reasons if (match := P_MINIMUM.search(text))), None)
    minimum = minimum_cell(record, cells)
    question = f"the effect is at least {minimum}"
    if found is None:
        yield [question, "not asked, the mean reaches it", "no", "refuted"]
        return
    bound = cells.words(f"p-minimum-{place}", found, "adjusted p of 'at least the smallest effect that matters'", seq)
    yield [question, bound, yes if item.word == "refuted" else no, "refuted"]


def _power(record: Record, place: int, item: ComparisonResult, cells: Cells) -> Iterable[str]:
    seq = [record.state.verdict_seq]
    if item.detectable_effect is not None and not any(DETECTABLE in text for text in item.reasons):
        what = "true effect that this design would have called supported with probability 0.8"
        able = cells.number(f"detectable-{place}", item.detectable_effect, what, seq)
        power = cells.number("power", 0.8, "probability that the detectable effect refers to", seq)
        yield f"Smallest effect that this design could detect (with probability {power}): {able}."
    if place == 1 and record.verdict.noise_floor is not None:
        floor = cells.number(
            "noise-floor", record.verdict.noise_floor, "standard deviation of the baseline over seeds", seq
        )
        yield f"Noise floor (standard deviation of the baseline over its seeds): {floor}."


def trials(record: Record, figures: Sequence[Figure], cells: Cells) -> Iterable[str]:
    """The whole matrix, with what failed; then the probes."""
    protocol = record.protocol
    yield "## Every trial"
    unit = f" in {escape(protocol.metric.unit, 20)}" if protocol.metric.unit else ""
    yield (
        f"{escape(protocol.metric.name, 60).capitalize()}{unit}, per seed and arm, and the paired differences (signed "
        "so that positive favours the treatment). Crashed, late and refused trials stay in the table."
    )
    head = ["seed", *(code(arm.name) for arm in protocol.arms)]
    head += [f"{code(one.treatment)} gains" for one in protocol.comparisons]
    yield table(head, [*_rows(record, cells), _means(record, cells)])
    failed = [_failed(result) for _, result in sorted(record.state.trials.items()) if result.status != "ok"]
    if failed:
        yield "Trials without a number (counted, never dropped):"
        yield bullets(failed)
    for figure in figures:
        yield figure.link
    yield from _probes(record, cells)


def _rows(record: Record, cells: Cells) -> Iterable[list[str]]:
    protocol, trials = record.protocol, record.state.trials
    for seed in protocol.seeds:
        row = [code(seed)]
        row += [trial_cell(record, "confirm", arm.name, seed, cells) for arm in protocol.arms]
        for place, one in enumerate(protocol.comparisons, start=1):
            pair = [trials.get(("confirm", arm, seed)) for arm in (one.baseline, one.treatment)]
            row.append(_difference(record, place, seed, pair, cells))
        yield row


def trial_cell(record: Record, purpose: Purpose, arm: str, seed: int, cells: Cells) -> str:
    """The bound number of one trial, or in words why there is none."""
    result = record.state.trials.get((purpose, arm, seed))
    if result is None:
        return "**missing**"
    if result.value is None:
        return f"**{result.status}**"
    seq = [record.state.trial_seqs[(purpose, arm, seed)]]
    what = f"{record.protocol.metric.name} of {arm}, seed {seed}" + ("" if purpose == "confirm" else f" ({purpose})")
    name = f"trial-{purpose}-{arm}-{seed}"
    return cells.number(name, result.value, what, seq, decimals=_decimals(record), arm=arm, seed=seed)


def _difference(record: Record, place: int, seed: int, pair: Sequence[TrialResult | None], cells: Cells) -> str:
    old, new = pair
    if old is None or new is None or old.value is None or new.value is None:
        return "none"
    sign = 1.0 if record.protocol.metric.direction == "maximize" else -1.0
    seqs = [record.state.trial_seqs[("confirm", one.arm, seed)] for one in (old, new)]
    what = f"paired difference at seed {seed}"
    difference, decimals = sign * (new.value - old.value), _decimals(record)
    return cells.number(f"difference-{place}-{seed}", difference, what, seqs, decimals=decimals, signed=True, seed=seed)


def _decimals(record: Record) -> int:
    """One number of decimals for all values: enough for four digits of each value and each mean difference."""
    shown = [result.value for result in record.state.trials.values()]
    shown += [item.effect for item in record.verdict.comparisons]
    fractions = [spell(value).partition("e")[0].partition(".")[2] for value in shown]
    return min(MAX_DECIMALS, max(map(len, fractions), default=0))


def _means(record: Record, cells: Cells) -> list[str]:
    row, decimals = ["mean"], _decimals(record)
    for arm in record.protocol.arms:
        seeds = record.protocol.seeds
        found = [record.state.trials.get(("confirm", arm.name, seed)) for seed in seeds]
        values = [one.value for one in found if one is not None and one.value is not None]
        mean = math.fsum(values) / len(values) if len(values) == len(seeds) else None
        seqs = [record.state.trial_seqs[("confirm", arm.name, one.seed)] for one in found if one is not None]
        what = f"mean over all seeds of {arm.name}"
        row.append(cells.number(f"mean-{arm.name}", mean, what, seqs, decimals=decimals, arm=arm.name))
    for place, item in enumerate(record.verdict.comparisons, start=1):
        name = f"mean paired difference in {record.protocol.metric.name}"
        seqs = [record.state.verdict_seq]
        key = f"mean-difference-{place}"
        row.append(cells.number(key, item.effect, name, seqs, decimals=decimals, signed=True))
    return row


def _failed(result: TrialResult) -> str:
    why_not = quoted(result.reason, 300) if result.reason else "no reason is recorded"
    return f"{result.purpose}, {code(result.arm)}, seed {code(result.seed)}: **{result.status}**, {why_not}"


def _probes(record: Record, cells: Cells) -> Iterable[str]:
    keys = sorted(key for key in record.state.trials if key[0] != "confirm")
    if not keys:
        return
    yield (
        "Probes decide nothing by themselves; integrity checks read them. *repeat*: the same seed again. *shuffle*: "
        "trained on shuffled labels, so a good number would be a leak."
    )
    rows = [[key[0], code(key[1]), code(key[2]), trial_cell(record, *key, cells)] for key in keys]
    yield table(["probe", "arm", "seed", escape(record.protocol.metric.name, 60)], rows)


def integrity(record: Record, cells: Cells) -> Iterable[str]:
    """Each check with its evidence."""
    yield "## Integrity checks"
    yield "One failed check makes the verdict invalid. A check that was not possible is named beside it."
    words = {True: "passed", False: "**FAILED**", None: "not possible"}
    seqs = {entry.event.check.name: entry.seq for entry in record.entries if isinstance(entry.event, IntegrityChecked)}
    rows = []
    for name, check in record.state.checks.items():
        evidence = cells.words(f"check-{name}", check.evidence, f"evidence of the check {name}", [seqs[name]])
        rows.append([code(name), words[check.passed], evidence])
    yield table(["check", "outcome", "evidence"], rows)
