"""What can happen in a run, one class per event, past tense. Values only; who writes them is `copilot.journal`.

`durable` marks the events whose loss in a power cut would lose money or truth: the journal fsyncs after them, and with
them whatever came before; what the others say is found out again. Adding an event or an optional field is compatible;
an older reader keeps what it does not know as `Unknown`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from copilot.events.base import Event, Unknown
from copilot.events.course import (
    ReportWritten,
    RunBranched,
    RunFinished,
    RunPaused,
    RunResumed,
    RunStarted,
    SandboxChosen,
    Warned,
)
from copilot.events.ideas import (
    ClaimsExtracted,
    IdeaChosen,
    IdeaEdited,
    IdeaRejected,
    IdeaReviewed,
    IdeasProposed,
    LiteratureFound,
    PaperRead,
    PastRecalled,
    PlanMade,
    PrototypeChosen,
    Retrieved,
)
from copilot.events.judging import (
    ArmsTuned,
    IntegrityChecked,
    ProtocolAmended,
    ProtocolFrozen,
    TrialFinished,
    TrialStarted,
    VerdictReached,
)
from copilot.events.people import FeedbackGiven, QuestionAsked, SuppliesFetched
from copilot.events.work import (
    TUNE,
    CommandRun,
    FileChange,
    FilesChanged,
    MetricRecorded,
    ModelCalled,
    ModelFailed,
    ModelSwitched,
    ToolCalled,
    ToolReturned,
)

__all__ = [
    "EVENTS",
    "TUNE",
    "AnyEvent",
    "ArmsTuned",
    "ClaimsExtracted",
    "CommandRun",
    "Event",
    "FeedbackGiven",
    "FileChange",
    "FilesChanged",
    "IdeaChosen",
    "IdeaEdited",
    "IdeaRejected",
    "IdeaReviewed",
    "IdeasProposed",
    "IntegrityChecked",
    "LiteratureFound",
    "MetricRecorded",
    "ModelCalled",
    "ModelFailed",
    "ModelSwitched",
    "PaperRead",
    "PastRecalled",
    "PlanMade",
    "ProtocolAmended",
    "ProtocolFrozen",
    "PrototypeChosen",
    "QuestionAsked",
    "ReportWritten",
    "Retrieved",
    "RunBranched",
    "RunFinished",
    "RunPaused",
    "RunResumed",
    "RunStarted",
    "SandboxChosen",
    "SuppliesFetched",
    "ToolCalled",
    "ToolReturned",
    "TrialFinished",
    "TrialStarted",
    "Unknown",
    "VerdictReached",
    "Warned",
]

AnyEvent = Annotated[
    RunStarted
    | RunResumed
    | RunBranched
    | SandboxChosen
    | PaperRead
    | ClaimsExtracted
    | LiteratureFound
    | PastRecalled
    | IdeasProposed
    | IdeaReviewed
    | IdeaEdited
    | IdeaRejected
    | IdeaChosen
    | Retrieved
    | PrototypeChosen
    | PlanMade
    | ModelCalled
    | ModelFailed
    | ModelSwitched
    | ToolCalled
    | ToolReturned
    | FilesChanged
    | CommandRun
    | MetricRecorded
    | QuestionAsked
    | SuppliesFetched
    | FeedbackGiven
    | ArmsTuned
    | ProtocolFrozen
    | ProtocolAmended
    | TrialStarted
    | TrialFinished
    | IntegrityChecked
    | VerdictReached
    | ReportWritten
    | Warned
    | RunPaused
    | RunFinished
    | Unknown,
    Field(discriminator="kind"),
]

EVENTS: TypeAdapter[AnyEvent] = TypeAdapter(AnyEvent)
