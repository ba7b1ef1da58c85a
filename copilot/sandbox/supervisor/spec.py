"""What the engine tells a supervisor, and what it hears back. Plain tuples over one JSON line each way."""

from __future__ import annotations

import json
from typing import NamedTuple

SCRATCH_PREFIX = "copilot-job-"
"""Scratch folders are named by it, the pid of their supervisor, and something random."""


class StartError(Exception):
    """The job could not be started as asked; nothing of it ran. The text is for a person."""


class Spec(NamedTuple):
    """One job with every path resolved and every choice made."""

    level: str
    argv: list[str]
    env: dict[str, str]
    workspace: str
    scratch_root: str
    """An existing folder on disk, outside every workspace, below which the job's own home and tmp are made."""
    log: str
    inputs: list[str] = []
    read_only: list[str] = []
    """The interpreter and its packages: readable and executable, never writable."""
    seconds: float = 600.0
    memory_mb: int = 4096
    processes: int = 256
    disk_mb: int = 2048
    output_mb: int = 64
    files: int = 20000
    gpu: bool = False
    bwrap: str = ""
    """Where bubblewrap is, for the level that needs it."""
    bwrap_options: list[str] = []
    """Those of its newer options that the installed one has."""
    prlimit: str = ""
    engine: list[str] = []
    """The command of podman or docker with the options that make it work here, for the level that needs it."""
    image: str = ""
    warm: bool = False
    """The program is run by a process that has its modules already; `argv` is then the interpreter and a file."""

    def to_json(self) -> str:
        """One line."""
        return json.dumps(self._asdict())

    @classmethod
    def from_json(cls, line: str) -> Spec:
        """The inverse of `to_json`; raises TypeError or ValueError for anything else."""
        return cls(**json.loads(line))


class Result(NamedTuple):
    """How the job ended; `reason` is one of `copilot.sandbox.protocol.EndReason`."""

    reason: str = "setup"
    exit_code: int | None = None
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    output_bytes: int = 0
    head: str = ""
    tail: str = ""
    detail: str = ""
