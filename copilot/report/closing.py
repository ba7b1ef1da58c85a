"""What a verdict does not mean, what the run ran on and cost, and how to check or repeat it."""

from __future__ import annotations

from collections.abc import Iterable

from copilot.events import CommandRun, ModelCalled, ModelFailed, RunStarted
from copilot.report.cells import Cells
from copilot.report.markdown import bullets, code, quoted
from copilot.report.record import Record
from copilot.report.shared import alpha_cell


def limits(record: Record, cells: Cells) -> Iterable[str]:
    """Limits of the verdict, stated by code."""
    yield "## What this verdict does not say"
    yield bullets(_limits(record, cells))


def _limits(record: Record, cells: Cells) -> Iterable[str]:
    alpha, seq = record.protocol.analysis.alpha, [record.state.protocol_seq]
    half = cells.number("alpha-each", alpha / 2, "error rate of the test in one direction", seq)
    yield (
        "It is about these arms, this metric and these data. Another data set, a larger model or a longer training may "
        "give another answer."
    )
    yield ("The proposed explanation was not tested: a supported claim says that the treatment helped here, not why.")
    yield (
        f"By design the rule says supported wrongly with a probability of about {half} at most, and refuted likewise "
        f"(alpha {alpha_cell(record, cells)} is for both), where the arms are exchangeable when nothing is gained. "
        "Where the noise of one arm alone leans to one side, supported was wrong up to almost four times as often: the "
        "measured rates are in the documentation of the calibration. Choosing among several finished runs is not "
        "covered by it."
    )
    if record.verdict.word == "inconclusive":
        yield "Inconclusive is not evidence of no effect; see the smallest effect that this design could detect."
    if record.verdict.trust == "reported":
        yield "Nothing outside the experiment graded its numbers: an error or a trick in its scoring would stay unseen."
    yield (
        "`copilot verify` shows that everything here follows from the record. It cannot know whether the whole record "
        "was made up consistently: keep the protocol hash and the journal hash of the first page somewhere "
        "else, or repeat the trials."
    )


def environment(record: Record, cells: Cells) -> Iterable[str]:
    """Machine, time and money."""
    state = record.state
    started = next((entry.event for entry in record.entries if isinstance(entry.event, RunStarted)), None)
    yield "## Environment and cost"
    lines = []
    if started is not None:
        machine = ", ".join(code(f"{name} {value}", 60) for name, value in sorted(started.machine.items()))
        lines.append(f"Program version {code(started.version)} on {machine}.")
    lines.append(
        f"Started {code(record.entries[0].time.strftime('%Y-%m-%d %H:%M:%S'))} UTC; the verdict came after "
        + cells.number(
            "working-seconds",
            round(state.active_seconds, 1),
            "seconds that the engine worked before the verdict",
            [0, state.verdict_seq],
        )
        + " seconds of work, in which waiting for a person and pauses do not count."
    )
    calls = cells.number("calls", state.calls, "model calls", record.seqs(ModelCalled))
    seqs = record.seqs(ModelCalled, ModelFailed)
    usd = cells.number("cost-usd", round(state.cost_usd, 6), "model calls in dollars", seqs)
    tokens = cells.number("tokens", state.input_tokens + state.output_tokens, "tokens, input and output", seqs)
    names = sorted({entry.event.model for entry in record.entries if isinstance(entry.event, ModelCalled)})
    by = f" of {', '.join(code(name) for name in names)}" if names else ""
    lines.append(f"{calls} calls{by}, {tokens} tokens, {usd} dollars.")
    if state.unpriced_calls:
        unknown = cells.number("calls-unpriced", state.unpriced_calls, "calls without a known price", seqs)
        lines.append(f"For {unknown} calls no price is known; their cost is not in the sum.")
    if state.gpu_seconds:
        held = cells.number("gpu-seconds", round(state.gpu_seconds, 1), "seconds with a GPU", record.seqs(CommandRun))
        lines.append(f"Programs held the GPU for {held} seconds.")
    lines += [
        f"{code(item.first)} did not answer any more ({quoted(item.text, 300)}); {code(item.second)} took over as the "
        f"model of role {code(item.role)}."
        for item in state.switches
    ]
    lines += [
        f"Fetched from outside for the experiment: {item.what} {code(item.name)} "
        f"({code(', '.join(item.items) or item.revision, 600)}), approved by {code(item.approved_by)}."
        for item in state.supplies.values()
    ]
    lines += [f"Warning of {code(item.where)}: {quoted(item.text, 300)}" for item in state.warnings[:20]]
    yield bullets(lines)


def check(record: Record, cells: Cells) -> Iterable[str]:
    """Commands for the reader."""
    run = record.state.run
    yield "## How to check"
    yield bullets(
        [
            f"{code(f'copilot verify {run}')} recomputes every number, grade, check and the verdict from the record, "
            "offline; it takes `bundle.zip` too, on any machine.",
            "`python rerun.py` in the unpacked bundle runs all trials again, and says if the numbers come out again.",
            f"{code(f'copilot replay {run}')} does the whole run again from the recorded model answers.",
        ]
    )
