"""`RunState`, the fold of a journal: pure, no I/O. What any viewer, the next prompt and the report know of a run.

`apply` changes the state that it is given (a thousand steps stay cheap); `fold` starts from an empty one, so the same
entries always give an equal state.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from copilot import events as ev
from copilot.domain.experiment import Check, Plan, Protocol, Purpose, TrialResult, Verdict
from copilot.domain.idea import Idea, Review
from copilot.domain.paper import Claim
from copilot.domain.task import Settings, Task, TaskBudget
from copilot.journal import Entry

Status = Literal["empty", "running", "paused", "done", "failed", "stopped", "cannot"]
TrialKey = tuple[Purpose, str, int]
"""purpose, arm, seed"""


@dataclass
class Turn:
    """One answer of the experiment agent; its tool calls are `ToolStep`s with ids `INDEX.POSITION`."""

    index: int
    seq: int
    reply: dict[str, Any]


SIDE_BY_SIDE = 16
"""More programs than ever run at once: how far back a program that was started again may have been recorded."""
PHASES = ("read", "ideas", "retrieve", "plan", "experiment", "freeze", "trials", "verdict", "report")


@dataclass
class ToolStep:
    """One tool call and its answer; `returned` is None while it runs or when the engine died in it."""

    called: ev.ToolCalled
    returned: ev.ToolReturned | None = None
    seq: int = 0
    before: str = ""
    """The snapshot that it started from: a call that the engine died in starts from there again."""


@dataclass
class RunState:
    """Everything that is known. Fields are in the order in which a run fills them."""

    status: Status = "empty"
    run: str = ""
    source: str = ""
    task: Task | None = None
    settings: Settings | None = None
    started: datetime | None = None
    ended: datetime | None = None
    stamps: list[str] = field(default_factory=list)
    sandbox: ev.SandboxChosen | None = None
    paper: ev.PaperRead | None = None
    claims: list[Claim] | None = None
    literature: ev.LiteratureFound | None = None
    past: list[dict[str, Any]] | None = None
    ideas: dict[str, Idea] = field(default_factory=dict)
    proposals: int = 0
    about: str = ""
    rejected: dict[str, str] = field(default_factory=dict)
    reviews: dict[str, list[Review]] = field(default_factory=dict)
    edits: list[ev.IdeaEdited] = field(default_factory=list)
    chosen: ev.IdeaChosen | None = None
    retrieved: dict[str, ev.Retrieved] = field(default_factory=dict)
    prototype: ev.PrototypeChosen | None = None
    plan: Plan | None = None
    plans: list[ev.PlanMade] = field(default_factory=list)
    replies: dict[str, dict[str, Any]] = field(default_factory=dict)
    """request hash -> recorded reply: an answer that was paid is never paid again."""
    calls: int = 0
    cost_usd: float = 0.0
    unpriced_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    switches: list[ev.ModelSwitched] = field(default_factory=list)
    gpu_seconds: float = 0.0
    """Wall seconds of programs that held the GPU."""
    turns: list[Turn] = field(default_factory=list)
    steps: list[ToolStep] = field(default_factory=list)
    snapshot: str = ""
    commands: list[ev.CommandRun] = field(default_factory=list)
    metrics: list[ev.MetricRecorded] = field(default_factory=list)
    questions: dict[str, ev.QuestionAsked] = field(default_factory=dict)
    answers: dict[str, ev.FeedbackGiven] = field(default_factory=dict)
    remarks: list[tuple[int, ev.FeedbackGiven]] = field(default_factory=list)
    """(sequence number, remark): what the agent is told; free remarks, and answers to its own questions."""
    inbox_line: int = 0
    stop_asked: bool = False
    """A person said stop: final, also when the engine died before it could end the run."""
    supplies: dict[tuple[str, str], ev.SuppliesFetched] = field(default_factory=dict)
    """(what, name) -> what was fetched from outside for the experiment, in order."""
    tuned: ev.ArmsTuned | None = None
    protocol: Protocol | None = None
    protocol_hash: str = ""
    protocol_seq: int = -1
    amendments: list[ev.ProtocolAmended] = field(default_factory=list)
    trial_starts: dict[TrialKey, int] = field(default_factory=dict)
    trial_times: dict[TrialKey, tuple[datetime, datetime]] = field(default_factory=dict)
    """When the last attempt at a cell started and when it ended (the start again while it runs)."""
    protocol_time: datetime | None = None
    first_trial_seq: int = -1
    trials: dict[TrialKey, TrialResult] = field(default_factory=dict)
    trial_seqs: dict[TrialKey, int] = field(default_factory=dict)
    checks: dict[str, Check] = field(default_factory=dict)
    verdict: Verdict | None = None
    verdict_seq: int = -1
    report: dict[str, str] | None = None
    warnings: list[ev.Warned] = field(default_factory=list)
    pause: ev.RunPaused | None = None
    finished: ev.RunFinished | None = None
    active_seconds: float = 0.0
    """Time that an engine worked: waiting for a person and time between engines do not count."""
    seq: int = -1
    last_time: datetime | None = None

    @property
    def open_questions(self) -> list[ev.QuestionAsked]:
        """Asked and not answered."""
        return [question for id_, question in self.questions.items() if id_ not in self.answers]

    @property
    def limits(self) -> TaskBudget:
        """The caps in force: the run's own, else the task's."""
        own, task = self.settings or Settings(), self.task.head.budget if self.task else TaskBudget()
        return TaskBudget(
            usd=task.usd if own.budget_usd is None else own.budget_usd,
            minutes=own.minutes or task.minutes,
            tokens=own.tokens or task.tokens,
            gpu_seconds=own.gpu_seconds or task.gpu_seconds,
        )

    @property
    def phase(self) -> str:
        """The phase that the run is in, one of PHASES."""
        if self.verdict is not None:
            return "report"
        if self.protocol is not None:
            confirm = [key for key in self.trials if key[0] == "confirm"]
            return "verdict" if len(confirm) == len(self.protocol.seeds) * len(self.protocol.arms) else "trials"
        if self.plan is not None:
            return "experiment"
        if self.chosen is not None:
            return "plan" if self.prototype is not None else "retrieve"
        return "ideas" if self.paper is not None or self.source != "paper" else "read"

    @property
    def chosen_idea(self) -> Idea | None:
        """The idea under test."""
        return self.ideas.get(self.chosen.idea_id) if self.chosen else None

    def steps_since(self, seq: int) -> list[ToolStep]:
        """Tool calls after this line, in order, at a cost that does not grow with the run."""
        return list(itertools.takewhile(lambda step: step.seq > seq, reversed(self.steps)))[::-1]

    @property
    def explored(self) -> bool:
        """True when the experiment agent has said that it is done."""
        return any(s.called.name == "finish" and s.returned and not s.returned.is_error for s in self.steps[-5:])

    @property
    def settings_tried(self) -> dict[str, int]:
        """Arm -> how many different parameter settings of it were explored."""
        seen: dict[str, set[str]] = {}
        for metric in self.metrics:
            seen.setdefault(metric.arm, set()).add(metric.note)
        return {arm: len(settings) for arm, settings in seen.items()}

    @property
    def attempts(self) -> int:
        """Exploration and tuning programs that ran, and ideas that were put aside, before the freeze."""
        return sum(1 for command in self.commands if command.purpose in {"explore", "tune"}) + len(self.rejected)


def fold(entries: Iterable[Entry]) -> RunState:
    """The state after these entries."""
    state = RunState()
    for entry in entries:
        apply(state, entry)
    return state


_FROM_OUTSIDE = ev.RunResumed | ev.RunBranched | ev.FeedbackGiven | ev.ProtocolAmended
"""What comes after time in which no engine worked, or only waited."""


def apply(state: RunState, entry: Entry) -> None:
    """One more entry. Unknown kinds change nothing but the sequence number."""
    if state.last_time is not None and not isinstance(entry.event, _FROM_OUTSIDE):
        state.active_seconds += (entry.time - state.last_time).total_seconds()
    state.seq, state.last_time = entry.seq, entry.time
    handler = _HANDLERS.get(type(entry.event))
    if handler is not None:
        handler(state, entry.event, entry)


def _run_started(state: RunState, event: ev.RunStarted, entry: Entry) -> None:
    state.status, state.run, state.source = "running", event.run, event.source
    state.task, state.settings = event.task, event.settings
    state.started, state.stamps = entry.time, list(event.stamps)


def _run_resumed(state: RunState, event: ev.RunResumed, entry: Entry) -> None:
    state.status, state.pause = "running", None
    state.settings = event.settings or state.settings


def _branched(state: RunState, event: ev.RunBranched, entry: Entry) -> None:
    """The messages that people left to the parent stay there, and so does what they decided about its end."""
    state.run, state.inbox_line, state.stop_asked, state.pause = event.run, 0, False, None
    state.status = "running"
    seen = f", when its verdict ({event.known}) was known" if event.known else ""
    state.stamps.append(
        f"Branched from the run {event.parent} after its entry {event.at}{seen}: read both, what was tried there is "
        "not counted here."
    )


def _sandbox(state: RunState, event: ev.SandboxChosen, entry: Entry) -> None:
    state.sandbox = event


def _paper(state: RunState, event: ev.PaperRead, entry: Entry) -> None:
    state.paper = event


def _claims(state: RunState, event: ev.ClaimsExtracted, entry: Entry) -> None:
    state.claims = list(event.claims)


def _literature(state: RunState, event: ev.LiteratureFound, entry: Entry) -> None:
    state.literature = event


def _past(state: RunState, event: ev.PastRecalled, entry: Entry) -> None:
    state.past = event.verdicts


def _ideas(state: RunState, event: ev.IdeasProposed, entry: Entry) -> None:
    state.proposals += 1
    state.about = event.about or state.about
    state.ideas.update({idea.id: idea for idea in event.ideas})


def _reviewed(state: RunState, event: ev.IdeaReviewed, entry: Entry) -> None:
    for review in event.reviews:
        state.reviews.setdefault(review.idea_id, []).append(review)


def _edited(state: RunState, event: ev.IdeaEdited, entry: Entry) -> None:
    state.ideas[event.idea.id] = event.idea
    state.rejected.pop(event.idea.id, None)
    state.edits.append(event)


def _rejected(state: RunState, event: ev.IdeaRejected, entry: Entry) -> None:
    state.rejected[event.idea_id] = event.reason


def _chosen(state: RunState, event: ev.IdeaChosen, entry: Entry) -> None:
    state.chosen = event


def _retrieved(state: RunState, event: ev.Retrieved, entry: Entry) -> None:
    state.retrieved[event.what] = event


def _prototype(state: RunState, event: ev.PrototypeChosen, entry: Entry) -> None:
    state.prototype = event


def _plan(state: RunState, event: ev.PlanMade, entry: Entry) -> None:
    state.plan = event.plan
    state.plans.append(event)


def _called(state: RunState, event: ev.ModelCalled, entry: Entry) -> None:
    state.replies[event.request_hash] = event.reply
    state.calls += 1
    if event.role == "experiment":
        state.turns.append(Turn(len(state.turns), entry.seq, event.reply))
    state.cost_usd += event.cost_usd or 0.0
    state.unpriced_calls += event.cost_usd is None
    state.input_tokens += event.input_tokens
    state.output_tokens += event.output_tokens


def _failed(state: RunState, event: ev.ModelFailed, entry: Entry) -> None:
    state.cost_usd += event.cost_usd or 0.0
    state.unpriced_calls += event.cost_usd is None
    state.input_tokens += event.input_tokens
    state.output_tokens += event.output_tokens


def _switched(state: RunState, event: ev.ModelSwitched, entry: Entry) -> None:
    state.switches.append(event)


def _tool_called(state: RunState, event: ev.ToolCalled, entry: Entry) -> None:
    if state.steps and state.steps[-1].called.call_id == event.call_id and state.steps[-1].returned is None:
        return  # the engine died inside this call and starts it again
    state.steps.append(ToolStep(event, seq=entry.seq, before=state.snapshot))


def _tool_returned(state: RunState, event: ev.ToolReturned, entry: Entry) -> None:
    for step in reversed(state.steps):
        if step.called.call_id == event.call_id:
            step.returned = event
            return


def _files(state: RunState, event: ev.FilesChanged, entry: Entry) -> None:
    state.snapshot = event.snapshot


def _command(state: RunState, event: ev.CommandRun, entry: Entry) -> None:
    state.gpu_seconds += event.seconds if event.gpu else 0.0
    if not event.call_id or all(known.call_id != event.call_id for known in state.commands[-SIDE_BY_SIDE:]):
        state.commands.append(event)


def _metric(state: RunState, event: ev.MetricRecorded, entry: Entry) -> None:
    seen = {(known.call_id, known.name) for known in state.metrics[-50:] if known.call_id}
    if (event.call_id, event.name) not in seen:
        state.metrics.append(event)


def _question(state: RunState, event: ev.QuestionAsked, entry: Entry) -> None:
    state.questions[event.id] = event


def _supplies(state: RunState, event: ev.SuppliesFetched, entry: Entry) -> None:
    state.supplies[(event.what, event.name)] = event


def _feedback(state: RunState, event: ev.FeedbackGiven, entry: Entry) -> None:
    state.inbox_line = max(state.inbox_line, event.inbox_line)
    state.stop_asked = state.stop_asked or (event.choice == "stop" and not event.question_id)
    if event.question_id in state.questions and event.question_id not in state.answers:
        state.answers[event.question_id] = event
        if state.questions[event.question_id].gate != "question":
            return
    state.remarks.append((entry.seq, event))


def _tuned(state: RunState, event: ev.ArmsTuned, entry: Entry) -> None:
    state.tuned = event


def _frozen(state: RunState, event: ev.ProtocolFrozen, entry: Entry) -> None:
    state.protocol, state.protocol_hash, state.protocol_seq = event.protocol, event.hash, entry.seq
    state.protocol_time = entry.time


def _amended(state: RunState, event: ev.ProtocolAmended, entry: Entry) -> None:
    state.protocol, state.protocol_hash = event.protocol, event.hash
    state.amendments.append(event)


def _trial_started(state: RunState, event: ev.TrialStarted, entry: Entry) -> None:
    key = (event.purpose, event.arm, event.seed)
    state.trial_starts[key] = event.attempt
    state.trial_times[key] = (entry.time, entry.time)
    if state.first_trial_seq < 0 and event.purpose == "confirm":
        state.first_trial_seq = entry.seq


def _trial_finished(state: RunState, event: ev.TrialFinished, entry: Entry) -> None:
    key = (event.result.purpose, event.result.arm, event.result.seed)
    if key not in state.trials:  # the first result of a cell is the result: no second try can replace it
        state.trials[key] = event.result
        state.trial_seqs[key] = entry.seq
        state.trial_times[key] = (state.trial_times.get(key, (entry.time, entry.time))[0], entry.time)


def _checked(state: RunState, event: ev.IntegrityChecked, entry: Entry) -> None:
    state.checks[event.check.name] = event.check


def _verdict(state: RunState, event: ev.VerdictReached, entry: Entry) -> None:
    state.verdict, state.verdict_seq = event.verdict, entry.seq


def _report(state: RunState, event: ev.ReportWritten, entry: Entry) -> None:
    state.report = dict(event.files)


def _warned(state: RunState, event: ev.Warned, entry: Entry) -> None:
    state.warnings.append(event)


def _paused(state: RunState, event: ev.RunPaused, entry: Entry) -> None:
    state.status, state.pause = "paused", event


def _finished(state: RunState, event: ev.RunFinished, entry: Entry) -> None:
    state.status, state.finished, state.ended = event.status, event, entry.time


_HANDLERS: dict[type, Callable[[RunState, Any, Entry], None]] = {
    ev.RunStarted: _run_started,
    ev.RunResumed: _run_resumed,
    ev.RunBranched: _branched,
    ev.SandboxChosen: _sandbox,
    ev.PaperRead: _paper,
    ev.ClaimsExtracted: _claims,
    ev.LiteratureFound: _literature,
    ev.PastRecalled: _past,
    ev.IdeasProposed: _ideas,
    ev.IdeaReviewed: _reviewed,
    ev.IdeaEdited: _edited,
    ev.IdeaRejected: _rejected,
    ev.IdeaChosen: _chosen,
    ev.Retrieved: _retrieved,
    ev.PrototypeChosen: _prototype,
    ev.PlanMade: _plan,
    ev.ModelCalled: _called,
    ev.ModelFailed: _failed,
    ev.ModelSwitched: _switched,
    ev.ToolCalled: _tool_called,
    ev.ToolReturned: _tool_returned,
    ev.FilesChanged: _files,
    ev.CommandRun: _command,
    ev.MetricRecorded: _metric,
    ev.QuestionAsked: _question,
    ev.SuppliesFetched: _supplies,
    ev.FeedbackGiven: _feedback,
    ev.ArmsTuned: _tuned,
    ev.ProtocolFrozen: _frozen,
    ev.ProtocolAmended: _amended,
    ev.TrialStarted: _trial_started,
    ev.TrialFinished: _trial_finished,
    ev.IntegrityChecked: _checked,
    ev.VerdictReached: _verdict,
    ev.ReportWritten: _report,
    ev.Warned: _warned,
    ev.RunPaused: _paused,
    ev.RunFinished: _finished,
}
