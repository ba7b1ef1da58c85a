"""What was tested and under which locked rules: claim, arms, equal treatment, protocol, amendments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from copilot.domain.experiment import FrozenArm
from copilot.domain.idea import Idea
from copilot.events import CommandRun, IdeaEdited, IdeasProposed, ProtocolAmended
from copilot.report.cells import Cells
from copilot.report.markdown import bullets, code, escape, quoted, table
from copilot.report.record import Record
from copilot.report.shared import alpha_cell, minimum_cell
from copilot.report.tuning import tuning

MAX_SHOWN = 12


def tested(record: Record, cells: Cells) -> Iterable[str]:
    """The claim and the arms."""
    yield "## What was tested"
    idea = record.state.chosen_idea
    if idea is not None:
        yield "In the words of its proposer (numbers in quotation marks are predictions or settings, never results):"
        yield bullets(_words(idea))
        yield from _evidence(record, idea, cells)
    yield "The arms, as frozen:"
    yield table(["arm", "parameters", "code snapshot"], _arms(record))
    if shared := _shared(record.protocol.arms):
        settings = ", ".join(code(f"{name} = {value}") for name, value in sorted(shared.items()))
        yield f"Set alike in every arm: {settings}."
    yield f"Smallest effect that matters: {minimum_cell(record, cells)} ({escape(record.protocol.metric.name, 60)})."
    yield from _treatment(record, cells)


def _words(idea: Idea) -> Iterable[str]:
    yield f"Claim: {quoted(idea.claim)}"
    if idea.mechanism:
        yield f"Why it should hold: {quoted(idea.mechanism)}"
    if idea.refuted_by:
        yield f"What would refute it: {quoted(idea.refuted_by)}"


def _evidence(record: Record, idea: Idea, cells: Cells) -> Iterable[str]:
    grounded = [item for item in idea.evidence if item.grounded]
    seq = record.seqs(*_idea_kinds())
    for place, item in enumerate(grounded, start=1):
        page = cells.number(f"evidence-page-{place}", item.page, "page of a quote", seq) if item.page else "unknown"
        yield f"> The paper, page {page} (found there verbatim by code): {quoted(item.quote)}"
    if grounded and _planned_by_rules(record, idea):
        yield (
            "The rule-based planner chose these passages by words that they share with the idea. It cannot judge "
            "whether they speak for it, nor whether the experiment is what the paper is about."
        )
    if len(grounded) < len(idea.evidence):
        yield "Other quotes that the proposer gave were not found in the paper and are not shown as evidence."


def _planned_by_rules(record: Record, idea: Idea) -> bool:
    """Whether no language model proposed this idea."""
    proposals = [entry.event for entry in record.entries if isinstance(entry.event, IdeasProposed)]
    return any(event.model == "offline" and idea.id in {one.id for one in event.ideas} for event in proposals)


def _idea_kinds() -> tuple[type, ...]:
    return IdeasProposed, IdeaEdited


def _arms(record: Record) -> Iterable[list[str]]:
    arms = record.protocol.arms
    shared = _shared(arms)
    for arm in arms:
        own = {name: value for name, value in arm.parameters.items() if name not in shared}
        words = ", ".join(code(f"{name} = {value}") for name, value in sorted(own.items()))
        rest = "only what is set in every arm" if shared else "as the code has them"
        yield [code(arm.name), words or rest, code(arm.snapshot[:12])]


def _shared(arms: Sequence[FrozenArm]) -> dict[str, object]:
    """Parameters that every arm sets to the same value."""
    common = set.intersection(*(set(arm.parameters) for arm in arms)) if arms else set()
    return {name: arms[0].parameters[name] for name in common if len({repr(arm.parameters[name]) for arm in arms}) == 1}


def _treatment(record: Record, cells: Cells) -> Iterable[str]:
    """Whether the arms were treated alike, in counts."""
    protocol = record.protocol
    same_code = len({arm.snapshot for arm in protocol.arms}) == 1
    yield "Equal treatment of the arms: " + " ".join(
        [
            "all run the same code snapshot and differ in parameters only;"
            if same_code
            else "they run different code snapshots;",
            "all run on the same seeds, input files and limits.",
            "The baseline was tuned with the same budget as the treatment."
            if protocol.tuned_baseline
            else "The baseline was not tuned further: it is the starting code as planned.",
        ]
    )
    yield table(["arm", "exploration runs before the freeze", "trials", "seconds in trials"], _efforts(record, cells))
    yield from tuning(record, cells)
    counts = [len(_explored(record, arm.name)) for arm in protocol.arms]
    if not protocol.tuned_baseline and max(counts[1:], default=0) > counts[0]:
        yield (
            "**A treatment was explored more often than the baseline:** a part of its advantage may come from tuning. "
            "The trials themselves used seeds and sealed labels that no exploration saw."
        )


def _efforts(record: Record, cells: Cells) -> Iterable[list[str]]:
    for arm in record.protocol.arms:
        explored = _explored(record, arm.name)
        ran = [
            (record.state.trial_seqs[key], one)
            for key, one in record.state.trials.items()
            if key[1] == arm.name and key[0] == "confirm"
        ]
        seqs = [seq for seq, _ in ran]
        name = arm.name
        yield [
            code(name),
            cells.number(f"explored-{name}", len(explored), f"exploration runs of {name}", explored, arm=name),
            cells.number(f"trials-of-{name}", len(ran), f"trials of {name}", seqs, arm=name),
            cells.number(
                f"seconds-of-{name}",
                math.fsum(one.seconds for _, one in ran),
                f"seconds in trials of {name}",
                seqs,
                arm=name,
            ),
        ]


def commands(record: Record, purpose: str) -> list[tuple[int, CommandRun]]:
    """Programs that ran for this purpose, each once, with the number of their entry."""
    counted = {id(command) for command in record.state.commands}
    return [
        (entry.seq, entry.event)
        for entry in record.entries
        if isinstance(entry.event, CommandRun) and entry.event.purpose == purpose and id(entry.event) in counted
    ]


def _explored(record: Record, arm: str) -> list[int]:
    return [seq for seq, command in commands(record, "explore") if _arm_of(command) == arm]


def _arm_of(command: CommandRun) -> str:
    return command.argv[command.argv.index("--arm") + 1] if "--arm" in command.argv[:-1] else ""


def protocol(record: Record, cells: Cells) -> Iterable[str]:
    """The locked object and what was changed in it afterwards."""
    frozen, state = record.protocol, record.state
    seq = [state.protocol_seq]
    yield "## Protocol"
    entry = cells.number("frozen-at", state.protocol_seq, "journal entry of the freeze", seq)
    first = cells.number(
        "first-trial", state.first_trial_seq, "journal entry of the first trial", [max(state.first_trial_seq, 0)]
    )
    family = cells.number("family", frozen.analysis.family, "hypotheses that the correction is over", seq)
    hypotheses = "hypothesis" if frozen.analysis.family == 1 else "hypotheses"
    files = cells.number("input-files", len(frozen.data), "input files with a hash in the protocol", seq)
    limit = cells.number("trial-limit", frozen.seconds_per_trial, "seconds that one trial may take", seq)
    yield bullets(
        [
            f"Frozen at journal entry {entry}; the first trial is entry {first}. Hash {code(state.protocol_hash)}.",
            f"Seeds: {', '.join(code(seed) for seed in frozen.seeds)}. Stop rule: {escape(frozen.stop_rule)}.",
            f"Analysis: exact paired sign-flip test, two-sided, alpha {alpha_cell(record, cells)}, Holm correction "
            f"over {family} {hypotheses}; the interval inverts the same test.",
            f"Evaluator and sealed labels: {code(frozen.evaluator or 'none')}.",
            f"Environment lock: {code(frozen.environment or 'none')}. Input files: {files}, each with its hash.",
            f"A trial may take {limit} seconds.",
        ]
    )
    yield from _amendments(record, cells)


def _amendments(record: Record, cells: Cells) -> Iterable[str]:
    seqs = record.seqs(ProtocolAmended)
    if not seqs:
        yield "Nothing was changed after the freeze."
    for place, (seq, item) in enumerate(zip(seqs, record.state.amendments, strict=True), start=1):
        seen = cells.number(f"amended-after-{place}", item.results_seen, "results seen before the amendment", [seq])
        yield f"**Amended after {seen} results had been seen**, by {quoted(item.by, 60)}: {quoted(item.reason)}"
        changes = [[code(one.field, 60), code(one.before), code(one.after)] for one in item.changes[:MAX_SHOWN]]
        yield table(["field", "before", "after"], changes)
