"""Events of what agents and programs did: model calls, tool calls, files, commands, values."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from copilot.domain.base import Value
from copilot.events.base import Event


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
