"""What is known of a run: the values that a journal folds into."""

from __future__ import annotations

import itertools
from collections.abc import Callable
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


Handler = Callable[[RunState, Any, Entry], None]
"""Changes the state by one event of its kind."""
