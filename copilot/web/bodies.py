"""What calls carry and what they get back. The same classes check the calls and make the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SecretStr

from copilot import api
from copilot.domain.base import Value
from copilot.domain.experiment import Plan, Protocol
from copilot.domain.idea import Idea, Review
from copilot.domain.task import OwnCode, Settings
from copilot.hosting.line import Place
from copilot.state import Status

NAME_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$"
MAX_KEY = 400


def _usable(key: SecretStr) -> SecretStr:
    value = key.get_secret_value()
    if not (value.isascii() and value.isprintable()) or " " in value:
        raise ValueError("a key has no spaces and no odd characters")
    return key


Key = Annotated[SecretStr, Field(min_length=1, max_length=MAX_KEY), AfterValidator(_usable)]
Keys = Annotated[
    dict[str, Key],
    Field(
        default_factory=dict,
        max_length=20,
        description="Environment variable -> key, for example ANTHROPIC_API_KEY. Kept in memory until the engine of "
        "this run has started, given to nothing else, and never written down.",
    ),
]


class Start(Value):
    """What to do: exactly one of `task`, `paper` (an arXiv id; a PDF is uploaded beside this), `objective`.

    `code` is a folder on the server's machine, alone or beside a paper or an objective; only the owner may name one.
    """

    task: str = Field(default="", pattern=f"^$|{NAME_PATTERN}", max_length=80)
    paper: str = Field(default="", max_length=100)
    objective: str = Field(default="", max_length=4000)
    code: OwnCode | None = None
    settings: Settings = Settings()
    keys: Keys


class Resume(Value):
    """Keys to go on with, and new caps for the whole run."""

    keys: Keys
    budget_usd: float | None = Field(default=None, ge=0, le=1e6)
    minutes: float | None = Field(default=None, gt=0, le=1e6)
    tokens: int | None = Field(default=None, gt=0, le=10**12)
    gpu_seconds: float | None = Field(default=None, gt=0, le=1e9)


class Branch(Value):
    """The last entry that both runs share, and what to tell the agent at once."""

    at: int = Field(ge=0, le=2**53)
    say: str = Field(default="", max_length=20_000)
    keys: Keys


class Amendment(Value):
    """What to change of the frozen protocol, and why: at least three words. Seeds can only be added."""

    seeds: int | None = Field(default=None, ge=2, le=200)
    seconds_per_trial: float | None = Field(default=None, gt=0, le=1e6)
    reason: str = Field(min_length=1, max_length=1000)


class Answer(Value):
    """An answer to a question. `data`: for the gate `ideas`, `ideas` and `rejected`; for `plan`, a `plan`."""

    question: str = Field(min_length=1, max_length=200)
    choice: str = Field(default="", max_length=200)
    text: str = Field(default="", max_length=20_000)
    data: dict[str, Any] = {}
    keys: Keys


class Remark(Value):
    """Something to say to the agent; it reads it before its next step."""

    text: str = Field(min_length=1, max_length=20_000)


class Nothing(Value):
    """An empty object."""


class Paging(Value):
    """Which part of a list."""

    limit: int = Field(default=20, ge=1, le=100)
    offset: int = Field(default=0, ge=0, le=1_000_000)


class After(Value):
    """Where to go on: the number of the last event that was seen."""

    after: int = Field(default=-1, ge=-1, le=2**53)


class Item(Value):
    """A run in the list."""

    run: str
    title: str
    model: str
    status: Status
    verdict: str | None
    started: datetime | None
    place: Place | None


class RunList(Value):
    """A part of the list, newest first, and how many there are."""

    runs: list[Item]
    total: int


class Question(Value):
    """An open question; `gate` says what an answer must look like."""

    id: str
    gate: str
    text: str
    options: list[str]
    default: str
    timeout_seconds: float | None


File = Literal["report.md", "report.pdf", "bundle.zip"]


class Detail(api.Summary):
    """Where a run stands."""

    report: str | None = Field(default=None, exclude=True)
    title: str
    phase: str
    working: bool
    place: Place | None
    questions: list[Question]
    files: list[File]


class TaskList(Value):
    """Names of tasks."""

    tasks: list[str]


class IdeaList(Value):
    """Hypotheses in the order in which they were proposed; reviews by idea, the latest last; reasons of rejections."""

    ideas: list[Idea]
    reviews: dict[str, list[Review]]
    rejected: dict[str, str]
    chosen: str | None


class PlanShown(Value):
    """The latest plan with its forecast in sentences; the protocol and its hash once it is frozen."""

    plan: Plan | None
    forecast: list[str]
    protocol: Protocol | None
    protocol_hash: str | None


class Verified(Value):
    """What does not follow from the record, in sentences; empty when everything does."""

    problems: list[str]


class Accepted(Value):
    """The call was taken; the event stream says what came of it."""

    run: str
