"""What people say to a run: viewers append lines, the engine copies each into the journal once. No meaning attached."""

from __future__ import annotations

import fcntl
import json
import os
import uuid
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from copilot.disk import make_folder, sync
from copilot.domain.base import Value

MAX_LINE = 1 << 20

Action = Literal["answer", "say", "edit", "pause", "stop"]


class Message(Value):
    """One thing said. `edit` carries changed ideas or a changed plan in `data`; `answer` names its question."""

    id: str = Field(default_factory=lambda: uuid.uuid4().hex)
    action: Action = "say"
    author: str = "person"
    question_id: str = ""
    choice: str = ""
    text: str = Field(default="", max_length=100_000)
    data: dict[str, Any] = {}


def leave(inbox: Path, message: Message) -> None:
    """Append one message, whole or not at all; on the disk when this returns. Safe with several writers.

    A line that a power cut took would be counted in the journal already, and the next one taken for it.
    """
    line = json.dumps(message.model_dump(mode="json"), ensure_ascii=True, allow_nan=False).encode() + b"\n"
    if len(line) > MAX_LINE:
        raise ValueError("this message is too long: at most 1 MB")
    make_folder(inbox.parent)
    descriptor = os.open(inbox, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        end = os.fstat(descriptor).st_size
        if end and os.pread(descriptor, 1, end - 1) != b"\n":
            line = b"\n" + line  # a writer was killed in its line: that must not spoil this one
        try:
            left = memoryview(line)
            while left:
                left = left[file.write(left) :]
            os.fsync(descriptor)
        except OSError:
            file.truncate(end)
            raise
        if not end:
            sync(inbox.parent)


def messages(inbox: Path, after_line: int) -> list[tuple[int, Message | None]]:
    """Whole lines after the first `after_line` ones, numbered from 1; None for a line that is no message."""
    try:
        lines = inbox.read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [(number, _message(line)) for number, line in enumerate(lines, 1) if number > after_line]


def _message(line: bytes) -> Message | None:
    try:
        return Message.model_validate_json(line)
    except ValidationError:
        return None
