"""Events of the course of a run: begun, resumed, branched, warned of, paused, ended."""

from __future__ import annotations

from typing import ClassVar, Literal

from copilot.domain.idea import Scalar
from copilot.domain.task import Settings, Task
from copilot.events.base import Event


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
    image: str = ""
    """At the level `container`: name and id of the image that all programs run in."""


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


class ReportWritten(Event):
    """The report's files and their hashes, relative to the run folder."""

    kind: Literal["ReportWritten"] = "ReportWritten"
    files: dict[str, str]


class RunFinished(Event):
    """Last line: `done` with a verdict, `failed`, `stopped` by a person, or `cannot` (exit code 3)."""

    kind: Literal["RunFinished"] = "RunFinished"
    durable: ClassVar[bool] = True
    status: Literal["done", "failed", "stopped", "cannot"]
    exit_code: int
    detail: str = ""
