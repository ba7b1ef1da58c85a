"""From recorded trials to a verdict: pure, the same answer for the same input, every reason a sentence.

The rule, per comparison, with d_s = treatment minus baseline at seed s, signed so that positive is better, and m the
smallest effect that matters:

* supported:    mean(d) >= m, and "no effect" is rejected (adjusted p <= alpha).
* refuted:      mean(d) < m, and "an effect of m" is rejected (adjusted p <= alpha).
* inconclusive: neither, or a trial of the comparison failed.
* invalid:      an integrity check failed or the matrix is not the frozen one; this takes all comparisons along.

Both rejections use the same exact test and the same Holm correction, so neither word is easier to get. p is the largest
of up to three: over all seeds; over the distinct outcomes only (seeds that repeat an outcome exactly are not
replicates); and, when evidence over test rows is given, over the rows. Arms on which the seed has no effect at all are
decided by the rows alone, or not. The error rates of this rule are measured in docs/calibration.md.

It reads no file, grades nothing and runs no check.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from copilot.domain.experiment import (
    Check,
    Comparison,
    ComparisonResult,
    Protocol,
    TrialResult,
    Verdict,
    VerdictWord,
)
from copilot.lab import statistics
from copilot.lab.matrix import Cell, confirmed, fingerprint, matrix_problems, name_cell, planned_cells, usable
from copilot.lab.rows import RowEvidence

Interval = tuple[float | None, float | None]
ROUNDING = 1e-9
EXACT = 1e-12
"""Share of the values below which two paired differences are the same number."""
FEWEST_EQUAL = 5
"""With fewer seeds a coarse metric gives equal differences too often."""


def decide(
    protocol: Protocol,
    results: Sequence[TrialResult],
    checks: Sequence[Check],
    *,
    attempts: int = 0,
    stamps: Sequence[str] = (),
    rows: Sequence[RowEvidence] = (),
    fixed_rows: bool = True,
) -> Verdict:
    """The verdict on `protocol` given everything that was recorded. Pure; never raises on bad results, it says so.

    `results` may be in any order and hold other purposes. `rows` is evidence over test rows by comparison id;
    `fixed_rows=False` says that each seed has test rows of its own, so that no such evidence is needed.
    """
    cells = confirmed(results)
    vetoes = [f"Integrity check {check.name!r} failed: {check.evidence}" for check in checks if check.passed is False]
    vetoes += [f"The matrix is not the frozen one: {problem}." for problem in matrix_problems(protocol, results)]
    by_id = {evidence.comparison: evidence for evidence in rows}
    measured = [_measure(protocol, one, cells, by_id.get(one.id)) for one in protocol.comparisons]
    compared = _judge(protocol, measured, vetoes)
    return Verdict(
        word=compared[0].word if compared else "invalid",
        trust=protocol.trust,
        comparisons=compared,
        reasons=vetoes or (compared[0].reasons if compared else ["There is no comparison to decide."]),
        protocol_hash=protocol.digest(),
        noise_floor=_noise_floor(protocol, cells),
        trials_planned=len(planned_cells(protocol)),
        trials_failed=sum(not usable(cells.get(cell)) for cell in planned_cells(protocol)),
        attempts=attempts,
        stamps=list(
            dict.fromkeys(
                [*stamps, *_stamps(protocol, checks, measured, fixed_rows), *_too_regular(protocol, measured, cells)]
            )
        ),
    )


def possible_verdicts(protocol: Protocol) -> list[str]:
    """What this design can and cannot find out, in sentences, to be shown before the first trial."""
    analysis, seeds = protocol.analysis, len(protocol.seeds)
    family = _family(protocol)
    needed = statistics.seeds_needed(analysis.alpha, family)
    smallest = statistics.smallest_p(seeds)
    over = f"{family} hypotheses" if family > 1 else "one hypothesis"
    if seeds < needed:
        return [
            f"With {seeds} seeds no p below {smallest:.3g} can come out; at alpha {analysis.alpha:g} over {over} the "
            f"only possible verdicts are inconclusive and invalid. At least {needed} seeds are needed.",
        ]
    multiple = statistics.detectable_effect(1.0, seeds, analysis.alpha / family)
    return [
        f"With {seeds} seeds the smallest possible p is {smallest:.3g}; supported and refuted are possible from "
        f"{needed} seeds on (alpha {analysis.alpha:g}, {over}).",
        f"Supported needs a mean effect of at least {_number(protocol.minimum_effect, protocol)} and an interval "
        f"above zero; refuted needs an interval below {_number(protocol.minimum_effect, protocol)}.",
        f"An effect of {multiple:.2g} standard deviations of the paired differences is found with probability 0.8.",
        "One failed trial in a comparison makes it inconclusive; it is never dropped. Seeds that repeat an outcome "
        "exactly do not count as further seeds.",
    ]


@dataclass(frozen=True)
class _Measured:
    """What one comparison gave, before any correction."""

    comparison: Comparison
    seeds: list[int]
    differences: list[float]
    distinct: int
    failed: list[Cell]
    effect: float | None
    interval: Interval
    p_none: float | None
    p_minimum: float | None
    detectable: float | None
    rows: RowEvidence | None


def _measure(
    protocol: Protocol, comparison: Comparison, cells: dict[Cell, TrialResult], rows: RowEvidence | None
) -> _Measured:
    arms = (comparison.baseline, comparison.treatment)
    failed = [(arm, seed) for seed in protocol.seeds for arm in arms if not usable(cells.get((arm, seed)))]
    broken = {seed for _, seed in failed}
    seeds = [seed for seed in protocol.seeds if seed not in broken]
    pairs = [(cells[arms[0], seed], cells[arms[1], seed]) for seed in seeds]
    sign = 1.0 if protocol.metric.direction == "maximize" else -1.0
    differences = [sign * ((new.value or 0.0) - (old.value or 0.0)) for old, new in pairs]
    first = {(fingerprint(old), fingerprint(new)): place for place, (old, new) in reversed([*enumerate(pairs)])}
    distinct = [differences[place] for place in sorted(first.values())]
    effect = math.fsum(differences) / len(differences) if differences else None
    base = _Measured(
        comparison, seeds, differences, len(distinct), failed, effect, (None, None), None, None, None, rows
    )
    if failed or effect is None:
        return base
    return _with_tests(protocol, base, distinct)


def _with_tests(protocol: Protocol, base: _Measured, distinct: list[float]) -> _Measured:
    """All tests that apply; the largest p, the widest interval and the largest detectable effect of them count."""
    alpha = protocol.analysis.alpha
    share = alpha / _family(protocol)
    level = 1 - alpha
    tests: list[Callable[[float], float]] = []
    intervals: list[Interval] = []
    detectable: list[float | None] = []
    if not (base.rows and base.distinct == 1):
        for sample in (base.differences, distinct):
            tests.append(partial(statistics.effect_p, sample))
            intervals.append(statistics.interval(sample, level))
        spread = statistics.standard_deviation(distinct)
        detectable.append(
            None
            if spread is None
            else statistics.detectable_effect(spread, len(distinct), share, minimum_effect=protocol.minimum_effect)
        )
    if base.rows:
        tests.append(base.rows.p)
        intervals.append(base.rows.interval(level))
        detectable.append(max(base.rows.detectable_effect(share), protocol.minimum_effect))
    known = [value for value in detectable if value is not None]
    return _Measured(
        base.comparison,
        base.seeds,
        base.differences,
        base.distinct,
        base.failed,
        base.effect,
        _hull(intervals),
        max(test(0.0) for test in tests),
        max(test(protocol.minimum_effect) for test in tests),
        max(known) if len(known) == len(detectable) else None,
        base.rows,
    )


def _hull(intervals: Sequence[Interval]) -> Interval:
    """The widest of several intervals: an end is open as soon as one of them is."""
    lows, highs = [low for low, _ in intervals], [high for _, high in intervals]
    low = None if None in lows else min(value for value in lows if value is not None)
    high = None if None in highs else max(value for value in highs if value is not None)
    return low, high


def _judge(protocol: Protocol, measured: Sequence[_Measured], vetoes: Sequence[str]) -> list[ComparisonResult]:
    family = _family(protocol)
    none = statistics.holm([one.p_none for one in measured], family)
    minimum = statistics.holm([one.p_minimum for one in measured], family)
    judged = []
    for one, p_none, p_minimum in zip(measured, none, minimum, strict=True):
        word, reasons = _word(protocol, one, p_none, p_minimum)
        judged.append(
            ComparisonResult(
                id=one.comparison.id,
                claim=one.comparison.claim,
                seeds=one.seeds,
                differences=one.differences,
                effect=one.effect,
                interval=one.interval,
                p=one.p_none,
                p_adjusted=p_none,
                word="invalid" if vetoes else word,
                reasons=[*vetoes, f"Without the veto the numbers would read {word}."] if vetoes else reasons,
                detectable_effect=one.detectable,
            )
        )
    return judged


def _word(
    protocol: Protocol, one: _Measured, p_none: float | None, p_minimum: float | None
) -> tuple[VerdictWord, list[str]]:
    alpha, minimum = protocol.analysis.alpha, protocol.minimum_effect
    if one.effect is None or p_none is None or p_minimum is None:
        return "inconclusive", _failed_reasons(protocol, one)
    reasons = [_effect_sentence(protocol, one), *_replicate_sentences(one)]
    matters = not _below(one.effect, minimum)
    if matters and p_none <= alpha * (1 + ROUNDING):
        return "supported", [
            *reasons,
            f"'No effect' is rejected (adjusted p {p_none:.3g} <= {alpha:g}) and the mean reaches the smallest effect "
            f"that matters, {_number(minimum, protocol)}.",
        ]
    if not matters and p_minimum <= alpha * (1 + ROUNDING):
        return "refuted", [
            *reasons,
            f"'At least {_number(minimum, protocol)}' is rejected (adjusted p {p_minimum:.3g} <= {alpha:g})."
            + (" A smaller effect may be real." if one.effect > 0 and p_none <= alpha else ""),
        ]
    return "inconclusive", [*reasons, *_why_not(protocol, one, p_none, p_minimum, matters)]


def _why_not(protocol: Protocol, one: _Measured, p_none: float, p_minimum: float, matters: bool) -> list[str]:
    alpha, family = protocol.analysis.alpha, _family(protocol)
    minimum = _number(protocol.minimum_effect, protocol)
    if matters:
        why = f"'No effect' cannot be excluded (adjusted p {p_none:.3g} > {alpha:g})."
    else:
        why = f"The mean stays below {minimum}, but an effect of {minimum} cannot be excluded (adjusted p "
        why += f"{p_minimum:.3g} > {alpha:g})."
    needed = statistics.seeds_needed(alpha, family)
    if one.detectable is not None:
        could = f"This design finds a true effect of {_number(one.detectable, protocol)} with probability 0.8."
    elif one.distinct < needed:
        outcomes = "1 distinct outcome" if one.distinct == 1 else f"{one.distinct} distinct outcomes"
        could = f"With {outcomes} no effect could have been found; {needed} are needed."
    else:
        could = "Which effect could have been found cannot be said from these numbers."
    return [why, could]


def _failed_reasons(protocol: Protocol, one: _Measured) -> list[str]:
    total = 2 * len(protocol.seeds)
    names = ", ".join(name_cell(cell) for cell in one.failed[:4]) + (", ..." if len(one.failed) > 4 else "")
    return [
        f"{len(one.failed)} of {total} trials of this comparison gave no number ({names}). They are not dropped: with "
        "a pair missing, neither supported nor refuted can be reached."
    ]


def _effect_sentence(protocol: Protocol, one: _Measured) -> str:
    effect, (low, high) = one.effect or 0.0, one.interval
    level = f"{100 * (1 - protocol.analysis.alpha):g} %"
    between = (
        f"{level} interval {_number(low, protocol)} to {_number(high, protocol)}"
        if low is not None and high is not None
        else f"too few replicates for a {level} interval"
    )
    ahead = sum(difference > 0 for difference in one.differences)
    return (
        f"{one.comparison.treatment} against {one.comparison.baseline}: {protocol.metric.name} is "
        f"{_number(abs(effect), protocol)} {'better' if effect >= 0 else 'worse'} on average over {len(one.seeds)} "
        f"paired seeds ({between}); ahead in {ahead} of {len(one.seeds)}."
    )


def _replicate_sentences(one: _Measured) -> list[str]:
    sentences = []
    if one.distinct < len(one.differences):
        sentences.append(
            f"Only {one.distinct} of the {len(one.differences)} seeds gave a different outcome; repeating the same "
            "outcome is not a replication and adds no evidence."
        )
    if one.rows and one.distinct == 1:
        sentences.append(f"The seed changes nothing, so the {one.rows.rows} test rows alone decide.")
    if one.rows:
        sentences.append(
            f"Over the {one.rows.rows} test rows the effect is {one.rows.effect:.4g} with standard error "
            f"{one.rows.standard_error:.3g}, p {one.rows.p(0.0):.3g} against no effect."
        )
    return sentences


def _stamps(protocol: Protocol, checks: Sequence[Check], measured: Sequence[_Measured], fixed_rows: bool) -> list[str]:
    stamps = []
    if protocol.trust == "reported":
        stamps.append("The numbers are reported by the experiment itself; nothing outside it graded them.")
    if not checks:
        stamps.append("No integrity check was run.")
    undone = [check.name for check in checks if check.passed is None]
    if undone:
        stamps.append(f"{len(undone)} of {len(checks)} integrity checks could not be done: {', '.join(undone)}.")
    if fixed_rows and protocol.trust == "graded" and not all(one.rows for one in measured):
        stamps.append("Repeated over seeds only: how far the result depends on these very test rows was not tested.")
    return stamps


def _too_regular(protocol: Protocol, measured: Sequence[_Measured], cells: dict[Cell, TrialResult]) -> list[str]:
    """Differences that are one number although the values they come from are not; no effect at all is another thing."""
    stamps = []
    for one in measured:
        arm = one.comparison.baseline, one.comparison.treatment
        pairs = [[cells[name, seed].value or 0.0 for name in arm] for seed in one.seeds]
        rounding = EXACT * max((abs(value) for pair in pairs for value in pair), default=0.0)
        varies = all(max(values) - min(values) > rounding for values in zip(*pairs, strict=True))
        steady = len(pairs) >= FEWEST_EQUAL and max(one.differences) - min(one.differences) <= rounding
        if steady and varies and abs(one.differences[0]) > rounding:
            stamps.append(
                f"The difference between {arm[1]} and {arm[0]} is the same number at every seed although the values "
                "vary, which measured noise hardly ever does: look whether it is computed from the seed instead of "
                "measured."
            )
    return stamps


def _noise_floor(protocol: Protocol, cells: dict[Cell, TrialResult]) -> float | None:
    if not protocol.comparisons:
        return None
    found = (cells.get((protocol.comparisons[0].baseline, seed)) for seed in protocol.seeds)
    values = [one.value for one in found if one is not None and usable(one) and one.value is not None]
    return statistics.standard_deviation(values)


def _family(protocol: Protocol) -> int:
    return max(protocol.analysis.family, len(protocol.comparisons))


def _below(effect: float, minimum: float) -> bool:
    return effect < minimum * (1 - ROUNDING)


def _number(value: float, protocol: Protocol) -> str:
    return f"{value:.4g}" + (f" {protocol.metric.unit}" if protocol.metric.unit else "")
