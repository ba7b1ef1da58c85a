"""What can happen in a run, one class per event, past tense. Values only; who writes them is `copilot.journal`.

`durable` marks the events whose loss in a power cut would lose money or truth: the journal fsyncs after them, and with
them whatever came before; what the others say is found out again. Adding an event or an optional field is compatible;
an older reader keeps what it does not know as `Unknown`.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter

from copilot.domain.base import Value
from copilot.domain.experiment import Check, Protocol, Purpose, TrialResult, TriedSetting, Verdict
from copilot.domain.experiment import Plan as PlanValue
from copilot.domain.idea import Change, Idea, RelatedPaper, Review, Scalar
from copilot.domain.paper import Claim
from copilot.domain.task import Settings, Task


class Event(Value):
    """Base of all events."""

    durable: ClassVar[bool] = False


class RunStarted(Event):
    """First line of every journal: what was asked, by which program, on what machine."""

    kind: Literal["RunStarted"] = "RunStarted"
    durable: ClassVar[bool] = True
    run: str
    source: Literal["task", "paper", "objective"]
    task: Task
    settings: Settings
    version: str
    machine: dict[str, Scalar] = {}
    stamps: list[str] = []


class RunResumed(Event):
    """An engine took over again. `repaired` says what an interrupted write had left."""

    kind: Literal["RunResumed"] = "RunResumed"
    pid: int
    repaired: str = ""
    settings: Settings | None = None
    """Set when the person resumed with other limits."""


class RunBranched(Event):
    """The entries so far are those of another run, copied; from here on this run goes its own way."""

    kind: Literal["RunBranched"] = "RunBranched"
    durable: ClassVar[bool] = True
    run: str
    parent: str
    at: int
    """The last entry that both have; `hash` is its own."""
    hash: str
    known: str = ""
    """The parent's verdict, when it had one by then."""
    by: str = "person"


class SandboxChosen(Event):
    """The level that contains every program of this run, and why better ones were skipped."""

    kind: Literal["SandboxChosen"] = "SandboxChosen"
    level: str
    text: str
    skipped: list[str] = []


class PaperRead(Event):
    """The paper, parsed; the whole `Paper` is the blob."""

    kind: Literal["PaperRead"] = "PaperRead"
    durable: ClassVar[bool] = True
    source: str
    sha256: str
    title: str
    authors: list[str] = []
    pages: int = 0
    blob: str
    warnings: list[str] = []
    seconds: float = 0.0


class ClaimsExtracted(Event):
    """The claims ledger."""

    kind: Literal["ClaimsExtracted"] = "ClaimsExtracted"
    claims: list[Claim]
    by: str = "rules"


class LiteratureFound(Event):
    """Related work, and where it came from (also: that the network was not there)."""

    kind: Literal["LiteratureFound"] = "LiteratureFound"
    durable: ClassVar[bool] = True
    query: str
    papers: list[RelatedPaper] = []
    source: str = ""
    notes: list[str] = []


class PastRecalled(Event):
    """What earlier runs found, as the agents see it: dictionaries of `copilot.memory.past.PastVerdict`."""

    kind: Literal["PastRecalled"] = "PastRecalled"
    durable: ClassVar[bool] = True
    verdicts: list[dict[str, Any]] = []


class IdeasProposed(Event):
    """Drafted hypotheses; quotes already checked by code."""

    kind: Literal["IdeasProposed"] = "IdeasProposed"
    durable: ClassVar[bool] = True
    ideas: list[Idea]
    model: str
    about: str = ""
    """What the paper or question is about, in the proposer's words."""


class IdeaReviewed(Event):
    """The manager's judgement of the ideas, a whole round at once."""

    kind: Literal["IdeaReviewed"] = "IdeaReviewed"
    durable: ClassVar[bool] = True
    reviews: list[Review]
    model: str = ""


class IdeaEdited(Event):
    """A person (or a revision) changed, added, merged or duplicated an idea."""

    kind: Literal["IdeaEdited"] = "IdeaEdited"
    durable: ClassVar[bool] = True
    idea: Idea
    changes: list[Change] = []
    """Against the idea as it was, or against the first of the `sources`."""
    by: str = "person"
    how: Literal["edited", "added", "duplicated", "merged"] = "edited"
    sources: list[str] = []
    """The ideas that a copy or a merged one was made of."""


class IdeaRejected(Event):
    """An idea was put aside, with the reason."""

    kind: Literal["IdeaRejected"] = "IdeaRejected"
    durable: ClassVar[bool] = True
    idea_id: str
    reason: str
    by: str = "person"


class IdeaChosen(Event):
    """The one that will be tested."""

    kind: Literal["IdeaChosen"] = "IdeaChosen"
    durable: ClassVar[bool] = True
    idea_id: str
    by: Literal["person", "score", "timeout"]
    reason: str = ""


class Retrieved(Event):
    """What the Hub (or the offline index) had: dictionaries of `copilot.hub.values.Hit` and `Refusal`."""

    kind: Literal["Retrieved"] = "Retrieved"
    durable: ClassVar[bool] = True
    what: Literal["model", "dataset", "code"]
    query: str
    hits: list[dict[str, Any]] = []
    source: str = ""
    note: str = ""
    refusals: list[dict[str, Any]] = []


class PrototypeChosen(Event):
    """The code that the experiment starts from."""

    kind: Literal["PrototypeChosen"] = "PrototypeChosen"
    durable: ClassVar[bool] = True
    name: str
    origin: Literal["bundled", "starter", "model", "hub"]
    reason: str
    candidates: list[str] = []


class PlanMade(Event):
    """How the idea will be tested; a later one replaces it (`by` says who)."""

    kind: Literal["PlanMade"] = "PlanMade"
    durable: ClassVar[bool] = True
    plan: PlanValue
    by: str = "agent"
    forecast: list[str] = []


class ModelCalled(Event):
    """A paid answer: the request by hash (whole in the blob) and the reply whole, so that it is never paid twice."""

    kind: Literal["ModelCalled"] = "ModelCalled"
    durable: ClassVar[bool] = True
    role: str
    model: str
    request_hash: str
    request_blob: str
    reply: dict[str, Any]
    cost_usd: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    seconds: float = 0.0


class ModelFailed(Event):
    """A call that brought no answer; `text` never contains a key."""

    kind: Literal["ModelFailed"] = "ModelFailed"
    role: str
    model: str
    text: str
    retryable: bool
    input_tokens: int = 0
    """What its attempts were, or may have been, billed for."""
    output_tokens: int = 0
    cost_usd: float | None = 0.0


class ModelSwitched(Event):
    """A role's model did not answer any more and another took over for good: a deviation, stamped on the verdict."""

    kind: Literal["ModelSwitched"] = "ModelSwitched"
    durable: ClassVar[bool] = True
    role: str
    first: str
    second: str
    text: str
    """Why, as the first one's provider said it."""


class ToolCalled(Event):
    """The agent used a tool."""

    kind: Literal["ToolCalled"] = "ToolCalled"
    call_id: str
    name: str
    input: dict[str, Any]
    step: int


class ToolReturned(Event):
    """What it got back; `text` is what the model sees. A call that a power cut took is carried out again."""

    kind: Literal["ToolReturned"] = "ToolReturned"
    call_id: str
    text: str
    is_error: bool = False
    seconds: float = 0.0


class FileChange(Value):
    """One file of a change."""

    path: str
    status: Literal["added", "modified", "removed"]
    bytes: int = 0


class FilesChanged(Event):
    """The workspace after a change, as a snapshot id of `copilot.lab.workspace`."""

    kind: Literal["FilesChanged"] = "FilesChanged"
    snapshot: str
    files: list[FileChange] = []
    reason: str = ""


class CommandRun(Event):
    """A program ran to its end or a limit; a failing one is data."""

    kind: Literal["CommandRun"] = "CommandRun"
    argv: list[str]
    purpose: str
    call_id: str = ""
    """The tool call that it belongs to: a call carried out again after a kill counts once."""
    reason: str
    exit_code: int | None = None
    seconds: float = 0.0
    peak_memory_mb: float = 0.0
    output_bytes: int = 0
    tail: str = ""
    log: str = ""
    level: str = ""
    gpu: bool = False
    """True when it was given the GPU: its seconds count against the cap."""
    start: str = ""
    """`warm` when its first imports had been done ahead, `cold` when not; "" in older journals."""


TUNE = "tune-"
"""How the call id of a tuning program and of its number begins: `tune-ARM-SETTING-SEED`."""


class MetricRecorded(Event):
    """A number from an exploration run (validation data only)."""

    kind: Literal["MetricRecorded"] = "MetricRecorded"
    name: str
    value: float
    arm: str
    seed: int
    split: str = "validation"
    note: str = ""
    call_id: str = ""


class QuestionAsked(Event):
    """Something waits for a person. `gate` says what an answer must look like."""

    kind: Literal["QuestionAsked"] = "QuestionAsked"
    durable: ClassVar[bool] = True
    id: str
    gate: Literal["ideas", "plan", "install", "budget", "question"]
    text: str
    options: list[str] = []
    default: str = ""
    timeout_seconds: float | None = None
    blob: str = ""
    """The exact thing that is asked about, where it is more than the text says (the lock of an install)."""


class SuppliesFetched(Event):
    """Something from outside that was approved lies in the read-only store now, and every later program may read it."""

    kind: Literal["SuppliesFetched"] = "SuppliesFetched"
    durable: ClassVar[bool] = True
    what: Literal["packages", "model", "dataset", "code"]
    name: str
    """What was asked for: package requirements, or the id of a repository."""
    items: list[str] = []
    """The packages, `name==version`: all of the overlay, those of earlier requests included."""
    revision: str = ""
    """The commit of a repository."""
    lock: str = ""
    """The blob with the lock (packages) or the list of files (repository)."""
    sha256: str
    """Digest over the names and contents of all files."""
    bytes: int
    path: str
    """Where it lies, relative to the cache; the cache may be emptied, and is then filled again from the lock."""
    approved_by: str
    """The person who said so, or `policy: --allow NAME`."""


class FeedbackGiven(Event):
    """A person said something: an answer (`question_id`), an edit (`data`) or a remark. Copied from the inbox once."""

    kind: Literal["FeedbackGiven"] = "FeedbackGiven"
    durable: ClassVar[bool] = True
    inbox_line: int
    id: str
    author: str = "person"
    question_id: str = ""
    choice: str = ""
    text: str = ""
    data: dict[str, Any] = {}


class ArmsTuned(Event):
    """Before the freeze every arm was tuned alike, on validation data; `chosen` is what is frozen."""

    kind: Literal["ArmsTuned"] = "ArmsTuned"
    durable: ClassVar[bool] = True
    metric: str
    seeds: list[int]
    tried: list[TriedSetting]
    """In the order of trying; the first of each arm is the one that was planned."""
    chosen: dict[str, dict[str, Scalar]]
    """Arm -> parameters."""


class ProtocolFrozen(Event):
    """From here on the protocol decides; `hash` is `protocol.digest()`."""

    kind: Literal["ProtocolFrozen"] = "ProtocolFrozen"
    durable: ClassVar[bool] = True
    protocol: Protocol
    hash: str


class ProtocolAmended(Event):
    """A change after the freeze: never silent, always shown beside the verdict."""

    kind: Literal["ProtocolAmended"] = "ProtocolAmended"
    durable: ClassVar[bool] = True
    protocol: Protocol
    hash: str
    changes: list[Change]
    results_seen: int
    reason: str
    by: str


class TrialStarted(Event):
    """One cell of the matrix began; `attempt` counts from 1 (a killed engine starts it again)."""

    kind: Literal["TrialStarted"] = "TrialStarted"
    purpose: Purpose
    arm: str
    seed: int
    attempt: int = 1
    argv: list[str] = []


class TrialFinished(Event):
    """One cell of the matrix ended, well or not. A graded one opened the sealed labels once."""

    kind: Literal["TrialFinished"] = "TrialFinished"
    durable: ClassVar[bool] = True
    result: TrialResult


class IntegrityChecked(Event):
    """One integrity check."""

    kind: Literal["IntegrityChecked"] = "IntegrityChecked"
    check: Check


class VerdictReached(Event):
    """What code decided."""

    kind: Literal["VerdictReached"] = "VerdictReached"
    durable: ClassVar[bool] = True
    verdict: Verdict


class ReportWritten(Event):
    """The report's files and their hashes, relative to the run folder."""

    kind: Literal["ReportWritten"] = "ReportWritten"
    files: dict[str, str]


class Warned(Event):
    """Something a person should know; never needed for the verdict to be right."""

    kind: Literal["Warned"] = "Warned"
    where: str
    text: str


class RunPaused(Event):
    """Stopped at a safe point; `copilot resume` goes on."""

    kind: Literal["RunPaused"] = "RunPaused"
    durable: ClassVar[bool] = True
    reason: str
    detail: str


class RunFinished(Event):
    """Last line: `done` with a verdict, `failed`, `stopped` by a person, or `cannot` (exit code 3)."""

    kind: Literal["RunFinished"] = "RunFinished"
    durable: ClassVar[bool] = True
    status: Literal["done", "failed", "stopped", "cannot"]
    exit_code: int
    detail: str = ""


class Unknown(Event):
    """An event of a newer version: kept whole, folded into nothing."""

    kind: Literal["Unknown"] = "Unknown"
    original_kind: str
    data: dict[str, Any]


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
