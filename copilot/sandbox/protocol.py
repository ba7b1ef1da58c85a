"""The seam to running code: a `Job` in, an `Outcome` out. Values and one Protocol; no mechanism is named here."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from pydantic import Field

from copilot.domain.base import Value

Level = Literal["namespace", "landlock", "container", "seccomp-only", "limits-only"]
"""What contains the program, strongest first; see `docs/sandbox.md` for what each one does and does not hold."""

LEVEL_TEXTS: dict[str, str] = {
    "namespace": "Isolated: own files, no network, own processes.",
    "landlock": "Restricted (Landlock): own files, no network. Can see names of other files and running programs.",
    "container": "Container: files of an image and its own, no network, own processes.",
    "seccomp-only": "NOT file-isolated: this code can read and change your files; network off.",
    "limits-only": "NOT ISOLATED: this code runs with your rights.",
}

EndReason = Literal["exit", "timeout", "memory", "disk", "output", "processes", "stopped", "setup", "machine"]
"""Why it ended: by itself (`exit`, see `exit_code`), by a limit of its own, because a person stopped it, it never
started, or the disk of the machine was full (`machine`), which says nothing about the program."""

Start = Literal["cold", "auto", "warm"]


class Limits(Value):
    """Hard limits of one job."""

    seconds: float = Field(default=600.0, gt=0)
    memory_mb: int = Field(default=4096, ge=64)
    processes: int = Field(default=256, ge=1)
    disk_mb: int = Field(default=2048, ge=1)
    output_mb: int = Field(default=64, ge=1)
    files: int = Field(default=20000, ge=1)
    cpus: int = Field(default=1, ge=1)
    """Threads that numeric libraries are told to use."""


class Job(Value):
    """One program to run. The environment is built from nothing: only `env` and what the level itself needs."""

    argv: list[str] = Field(min_length=1)
    """The program and its arguments; "python" as argv[0] means the interpreter of the trial environment."""
    workspace: Path
    """The working directory, the only writable place that outlives the job."""
    inputs: list[Path] = []
    """Readable, never writable; mounted at their own paths."""
    env: dict[str, str] = {}
    limits: Limits = Limits()
    log: Path
    """Full output goes here (bounded by `limits.output_mb`), outside the workspace."""
    gpu: bool = False
    start: Start = "cold"
    """May its first imports be done ahead? Never; where that gains something; or else it does not run at all."""


class Outcome(Value):
    """What happened. Output is sanitised text: head and tail of at most 16 KiB each; everything is in the log file."""

    reason: EndReason
    exit_code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    output_bytes: int = 0
    head: str = ""
    tail: str = ""
    level: Level
    start: Literal["cold", "warm"] = "cold"
    """Both contain it alike."""
    detail: str = ""
    """One sentence for a person when the reason is not a clean exit."""

    @property
    def ok(self) -> bool:
        """True for a clean exit with code 0."""
        return self.reason == "exit" and self.exit_code == 0


class Sandbox(Protocol):
    """A level in force on this machine."""

    level: Level

    def run(self, job: Job) -> Outcome:
        """Run to the end or a limit; every descendant is dead when this returns. Raises SetupError only."""
        ...
