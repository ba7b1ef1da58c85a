"""What all events share, and what an older reader makes of a newer one."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from copilot.domain.base import Value


class Event(Value):
    """Base of all events."""

    durable: ClassVar[bool] = False


class Unknown(Event):
    """An event of a newer version: kept whole, folded into nothing."""

    kind: Literal["Unknown"] = "Unknown"
    original_kind: str
    data: dict[str, Any]
