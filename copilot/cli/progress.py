"""One line per event as a run goes: stage, what happened, elapsed time, cost so far."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable
from typing import Any, TextIO

from copilot import events as ev
from copilot.journal import Entry
from copilot.runs import RunFolder
from copilot.state import RunState, apply

STAGES = {
    "read": "1 paper",
    "ideas": "1 ideas",
    "retrieve": "2 retrieve",
    "plan": "2 plan",
    "experiment": "3 explore",
    "trials": "3 trials",
    "verdict": "3 verdict",
    "report": "3 report",
}
WIDTH = 150
LIVE_LIMIT = 200_000
"""Characters of a streaming answer that viewers get to see."""


class Progress:
    """Prints to `out`; folds as it goes, so that every line knows the stage and the cost."""

    def __init__(self, out: TextIO, *, quiet: bool = False, numbered: bool = False) -> None:
        self.out = out
        self.quiet = quiet
        self.numbered = numbered
        """Put the entry's number first, as `copilot branch` takes it."""
        self.state = RunState()

    def remember(self, entries: Iterable[Entry]) -> None:
        """What a run did before it was taken up again: known, and not printed."""
        for entry in entries:
            apply(self.state, entry)

    def show(self, entry: Entry) -> None:
        """One more entry."""
        apply(self.state, entry)
        describe = _LINES.get(type(entry.event))
        if self.quiet or describe is None:
            return
        text = printable(describe(self.state, entry.event))
        if not text:
            return
        started = self.state.started or entry.time
        elapsed = int((entry.time - started).total_seconds())
        stage = STAGES.get(self.state.phase, self.state.phase)
        head = f"[{elapsed // 60:02d}:{elapsed % 60:02d}  ${self.state.cost_usd:.4f}]"
        number = f"{entry.seq:>5} " if self.numbered else ""
        print(f"{number}{head} {stage:<11} {shorten(text)}", file=self.out, flush=True)


class Live:
    """Model text as it streams, for viewers (`run.live`, the latest answer only) and for a terminal; no record."""

    def __init__(self, run: RunFolder, terminal: TextIO | None) -> None:
        self.run = run
        self.terminal = terminal
        self.size = 0

    def hear(self, text: str) -> None:
        """A piece of an answer."""
        if self.size < LIVE_LIMIT:
            self.size += len(text)
            with self.run.live.open("a", encoding="utf-8", errors="replace") as file:
                file.write(text)
        if self.terminal is not None:
            print("".join(c for c in text if c == "\n" or c.isprintable()), end="", file=self.terminal, flush=True)

    def see(self, entry: Entry) -> None:
        """The answer is whole and in the journal: the next one starts afresh."""
        if isinstance(entry.event, ev.ModelCalled | ev.ModelFailed) and self.size:
            self.size = 0
            self.run.live.unlink(missing_ok=True)
            if self.terminal is not None:
                print(file=self.terminal)


def printable(text: str) -> str:
    """One line without control or direction marks: what a stranger's text may do to a terminal."""
    flat = " ".join(text.split())
    return "".join(letter for letter in flat if not unicodedata.category(letter).startswith("C"))


def shorten(text: str) -> str:
    """At most WIDTH characters; a text that goes on ends at a word, with dots."""
    if len(text) <= WIDTH:
        return text
    return text[: WIDTH - 1].rsplit(" ", 1)[0] + "…"


def _trial(state: RunState, event: ev.TrialFinished) -> str:
    result = event.result
    total = len(state.protocol.seeds) * len(state.protocol.arms) if state.protocol else 0
    done = sum(1 for key in state.trials if key[0] == "confirm")
    value = f"{result.value:.4f}" if result.value is not None else f"{result.status}: {result.reason}"
    count = f"{done}/{total} " if result.purpose == "confirm" else f"probe {result.purpose} "
    return f"{count}{result.arm} seed {result.seed}: {value} ({result.seconds:.1f} s)"


def _command(state: RunState, event: ev.CommandRun) -> str:
    """Programs of the exploration; of the tuning only those that gave no number (`_setting` tells of the others)."""
    if event.purpose not in {"explore", "tune"} or event.call_id in {metric.call_id for metric in _tuning(state)}:
        return ""
    ended = f"exit code {event.exit_code}" if event.reason == "exit" else event.reason
    return f"ran {' '.join(event.argv[1:])}: {ended}, {event.seconds:.1f} s"


def _tuning(state: RunState) -> list[ev.MetricRecorded]:
    return [metric for metric in state.metrics if metric.call_id.startswith(ev.TUNE)]


def _setting(state: RunState, event: ev.MetricRecorded) -> str:
    """A number of the tuning, by what its arm was given otherwise than planned, which is an arm's first setting."""
    if not event.call_id.startswith(ev.TUNE):
        return ""
    first = next((one for one in _tuning(state) if one.call_id.startswith(f"{ev.TUNE}{event.arm}-0-")), None)
    planned = json.loads(first.note) if first else {}
    changed = [f"{name} {value}" for name, value in json.loads(event.note).items() if planned.get(name) != value]
    return f"tuning {event.arm}, {', '.join(changed) or 'as planned'}, seed {event.seed}: {event.value:.4f}"


def _tuned(state: RunState, event: ev.ArmsTuned) -> str:
    counts = {item.arm: sum(one.arm == item.arm for one in event.tried) for item in event.tried}
    tried = ", ".join(f"{arm} {count}" for arm, count in counts.items())
    return f"tuned on validation data, settings tried: {tried}"


def _tool(state: RunState, event: ev.ToolCalled) -> str:
    return f"step {event.step + 1}: {event.name}"


def _ideas(state: RunState, event: ev.IdeasProposed) -> str:
    word = "hypothesis" if len(event.ideas) == 1 else "hypotheses"
    return f"{len(event.ideas)} {word} by {event.model}: " + "; ".join(idea.title for idea in event.ideas)


def _reviews(event: ev.IdeaReviewed) -> str:
    accepted = sum(review.accepted for review in event.reviews)
    return f"review: {accepted} of {len(event.reviews)} ideas accepted"


def _chosen(state: RunState, event: ev.IdeaChosen) -> str:
    idea = state.chosen_idea
    return f"chosen by {event.by}: {idea.claim if idea else event.idea_id}"


def _frozen(state: RunState, event: ev.ProtocolFrozen) -> str:
    protocol = event.protocol
    return (
        f"protocol {event.hash[:12]} frozen: {len(protocol.arms)} arms x {len(protocol.seeds)} seeds, "
        f"{protocol.metric.name}, smallest effect {protocol.minimum_effect:g}, {protocol.trust}"
    )


def _paper(state: RunState, event: ev.PaperRead) -> str:
    title = f"“{event.title}”" if event.title else "a document without a title"
    return f"read {title} ({event.pages} {'page' if event.pages == 1 else 'pages'}, {event.seconds:.1f} s)"


def _check(state: RunState, event: ev.IntegrityChecked) -> str:
    word = {True: "passed", False: "FAILED", None: "not possible"}[event.check.passed]
    return f"check {event.check.name}: {word}. {event.check.evidence}"


_LINES: dict[type, Callable[[RunState, Any], str]] = {
    ev.RunStarted: lambda state, event: f"started {event.run} with {event.settings.llm}",
    ev.RunResumed: lambda state, event: "resumed" + (f"; {event.repaired}" if event.repaired else ""),
    ev.RunBranched: lambda state, event: f"branched from {event.parent} after entry {event.at}",
    ev.SandboxChosen: lambda state, event: f"sandbox {event.level}: {event.text}",
    ev.PaperRead: _paper,
    ev.ClaimsExtracted: lambda state, event: f"{len(event.claims)} claims in the ledger",
    ev.LiteratureFound: lambda state, event: f"{len(event.papers)} related papers ({event.source})",
    ev.IdeasProposed: _ideas,
    ev.IdeaReviewed: lambda state, event: _reviews(event),
    ev.IdeaEdited: lambda state, event: f"{event.idea.id} {event.how} by {event.by}",
    ev.IdeaRejected: lambda state, event: f"{event.idea_id} rejected: {event.reason}",
    ev.IdeaChosen: _chosen,
    ev.Retrieved: lambda state, event: f"{len(event.hits)} {event.what} hits ({event.source})",
    ev.PrototypeChosen: lambda state, event: f"starts from {event.name or 'nothing'} ({event.origin}): {event.reason}",
    ev.PlanMade: lambda state, event: f"plan by {event.by}: {' '.join(event.forecast[:1])}",
    ev.ModelSwitched: lambda state, event: f"{event.second} takes over from {event.first}: {event.text}",
    ev.ModelFailed: lambda state, event: f"{event.model} failed: {event.text}",
    ev.ToolCalled: _tool,
    ev.CommandRun: _command,
    ev.MetricRecorded: _setting,
    ev.QuestionAsked: lambda state, event: f"question {event.id}: {event.text}",
    ev.SuppliesFetched: lambda state, event: f"fetched {event.what} {event.name}, approved by {event.approved_by}",
    ev.FeedbackGiven: lambda state, event: f"{event.author} says: {event.choice} {event.text}",
    ev.ArmsTuned: _tuned,
    ev.ProtocolFrozen: _frozen,
    ev.ProtocolAmended: lambda state, event: f"AMENDED after {event.results_seen} results: {event.reason}",
    ev.TrialFinished: _trial,
    ev.IntegrityChecked: _check,
    ev.VerdictReached: lambda state, event: f"verdict: {event.verdict.word} ({event.verdict.trust})",
    ev.ReportWritten: lambda state, event: "report written",
    ev.Warned: lambda state, event: f"warning ({event.where}): {event.text}",
    ev.RunPaused: lambda state, event: f"paused ({event.reason}): {event.detail}",
    ev.RunFinished: lambda state, event: f"{event.status}: {event.detail}" if event.detail else event.status,
}
