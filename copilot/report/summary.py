"""The first screen of a report: verdict, trust, effect, what must be read with it, and the hashes to compare.

Everything else in the report explains or proves what stands here.
"""

from __future__ import annotations

from collections.abc import Iterable

from copilot.domain.experiment import ComparisonResult
from copilot.events import IntegrityChecked
from copilot.report.cells import Cells
from copilot.report.markdown import bullets, code, escape, quoted, table
from copilot.report.record import Record
from copilot.report.shared import comparison_of, minimum_cell

MEANING = {
    "supported": "The treatment was better than the baseline by at least the smallest effect that matters, and by more "
    "than chance explains.",
    "refuted": "An effect as large as the smallest one that matters is ruled out.",
    "inconclusive": "The numbers neither show the claimed effect nor rule it out.",
    "invalid": "An integrity check failed, so no number below may be relied on.",
}
TRUST = {
    "graded": "The numbers that decide were **graded** by the engine against sealed labels that the experiment never "
    "saw.",
    "reported": "The numbers that decide were **reported by the experiment itself**; nothing outside it graded them.",
}


def summary(record: Record, cells: Cells) -> Iterable[str]:
    """Blocks of Markdown, one paragraph or table each."""
    verdict = record.verdict
    yield f"# {_title(record)}"
    trust = " (reported)" if verdict.trust == "reported" else " (graded)"
    yield f"**Verdict: {verdict.word.upper()}{trust}.** {MEANING[verdict.word]} {TRUST[verdict.trust]}"
    for place, item in enumerate(verdict.comparisons, start=1):
        yield f"> Claim, in the words of its proposer: {quoted(item.claim)}"
        yield effect_line(record, place, item, cells)
    notes = [
        cells.words(f"note-{n}", text, "a note to the verdict", [record.state.verdict_seq])
        for n, text in _notes(record)
    ]
    if notes:
        yield "**Read this with it:**"
        yield bullets(notes)
    yield table(["fact", "value"], _facts(record, cells))
    yield (
        f"Numbers are links to the journal entries that they follow from. Check all of them with "
        f"{code(f'copilot verify {record.state.run}')}."
    )


def _title(record: Record) -> str:
    state = record.state
    if state.task and state.task.head.title:
        return quoted(state.task.head.title, 160)
    if state.source == "objective" and state.task and state.task.body.strip():
        return quoted(state.task.body, 160)
    return quoted(state.chosen_idea.title, 160) if state.chosen_idea else escape(state.run)


def _notes(record: Record) -> Iterable[tuple[int, str]]:
    return enumerate(record.verdict.stamps, start=1)


def effect_line(record: Record, place: int, item: ComparisonResult, cells: Cells) -> str:
    """Effect, interval and p of one comparison in a sentence."""
    metric, seq = record.protocol.metric, [record.state.verdict_seq]
    one = comparison_of(record, item)
    unit = f" {escape(metric.unit, 20)}" if metric.unit else ""
    count = cells.number(f"seeds-{place}", len(item.seeds), "seeds with a number in both arms", seq)
    what = f"{code(one.treatment)} against {code(one.baseline)}"
    if item.effect is None:
        return f"{what}: no effect could be computed over {count} complete pairs of trials. *{item.word.capitalize()}.*"
    effect = cells.number(f"effect-{place}", item.effect, f"mean paired difference in {metric.name}", seq, signed=True)
    names = (f"lower-{place}", f"upper-{place}")
    ends = [
        cells.number(name, value, f"end of the interval of the difference in {metric.name}", seq, signed=True)
        for name, value in zip(names, item.interval, strict=True)
    ]
    level = cells.number(
        "level", 100 * (1 - record.protocol.analysis.alpha), "coverage of the interval", [record.state.protocol_seq]
    )
    between = f"{level} % interval {ends[0]} to {ends[1]}"
    if item.interval == (None, None):
        failed = len(item.seeds) < len(record.protocol.seeds)
        between = "no interval, because a trial failed" if failed else "too few distinct outcomes for an interval"
    p = cells.number(f"p-{place}", item.p_adjusted, "adjusted p of 'no effect at all'", seq, digits=3)
    better = "higher" if metric.direction == "maximize" else "lower"
    before = "What the numbers would say if they were valid: " if item.word == "invalid" else ""
    return (
        f"{before}**Effect of {what} on {escape(metric.name, 60)}** ({better} is better; a positive effect favours the "
        f"treatment): **{effect}**{unit}, {between}, over {count} paired seeds; the smallest effect that matters is "
        f"{minimum_cell(record, cells)}. "
        + (f'p of "no effect at all": {p}. ' if item.p_adjusted is not None else "")
        + f"*{item.word.capitalize()}.*"
    )


def _facts(record: Record, cells: Cells) -> Iterable[list[str]]:
    state, verdict = record.state, record.verdict
    seq = [state.verdict_seq]
    planned = cells.number("trials-planned", verdict.trials_planned, "trials in the frozen matrix", seq)
    failed = cells.number("trials-failed", verdict.trials_failed, "trials without a number", seq)
    yield ["trials", f"{planned} planned and kept, {failed} of them without a number"]
    yield ["integrity checks", _checks(record, cells)]
    count = cells.number("amendments", len(state.amendments), "changes after the freeze", [state.protocol_seq])
    yield ["changes after the freeze", f"{count}" if not state.amendments else f"**{count}**, see below"]
    if state.sandbox:
        yield ["sandbox", f"{code(state.sandbox.level)}: {escape(state.sandbox.text)}"]
        if state.sandbox.image:
            yield ["image of the sandbox", code(state.sandbox.image)]
    yield ["run", code(state.run)]
    yield ["protocol hash", f"{code(verdict.protocol_hash)}, frozen before the first trial"]
    yield ["journal hash at the verdict", code(record.head)]


def _checks(record: Record, cells: Cells) -> str:
    words = {True: "passed", False: "failed", None: "not possible"}
    seqs = record.seqs(IntegrityChecked)
    parts = []
    for outcome, word in words.items():
        count = sum(check.passed is outcome for check in record.state.checks.values())
        number = cells.number(f"checks-{outcome}", count, f"integrity checks: {word}", seqs)
        parts.append(f"**{number} {word}**" if outcome is False and count else f"{number} {word}")
    return ", ".join(parts)
