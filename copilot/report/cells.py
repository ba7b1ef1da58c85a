"""Bindings: every number in the report is a link to a *cell*, and the cell says which journal entries it came from.

`[0.9123](#cell-trial-confirm-baseline-1)` in report.md belongs to the key of the same name in cells.json. A number that
is not bound cannot be written through this module; `verify` compares both files with what the journal gives.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from copilot.domain.base import Value
from copilot.report.markdown import escape

MISSING = "n/a"
NUMBER = re.compile(r"(?<![\w.])(?<!\w-)[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?(?!\w|-\w)")
"""A number in a sentence of ours: not a part of a word, a hash or a version."""


class Bound(Value):
    """One bound number: its exact value, how it is printed, and where it came from (journal sequence numbers)."""

    value: float | None
    text: str
    what: str
    entries: list[int]
    arm: str = ""
    seed: int | None = None


class Cells:
    """The bindings of one report, filled while it is rendered."""

    def __init__(self) -> None:
        self.bound: dict[str, Bound] = {}
        self.spoken: set[str] = set()
        """Keys of numbers that stand in recorded sentences, bound as they stand there."""

    def number(
        self,
        name: str,
        value: float | None,
        what: str,
        entries: Sequence[int],
        *,
        digits: int = 4,
        decimals: int | None = None,
        signed: bool = False,
        arm: str = "",
        seed: int | None = None,
    ) -> str:
        """The number as a Markdown link to its cell, in significant digits, or with `decimals` as its column has them.

        Raises ValueError when the name already means another number.
        """
        value = None if value is None or not math.isfinite(value) else float(value)
        text = spell(value, digits, signed) if decimals is None else aligned(value, decimals, signed)
        bound = Bound(value=value, text=text, what=what, entries=list(entries), arm=arm, seed=seed)
        return self._bind(name, bound)

    def words(self, name: str, sentence: str, what: str, entries: Sequence[int]) -> str:
        """A sentence that code wrote into the journal, as Markdown with each of its numbers bound as it stands."""
        parts, end = [], 0
        for place, match in enumerate(NUMBER.finditer(sentence), start=1):
            value = float(match[0])
            bound = Bound(
                value=value if math.isfinite(value) else None, text=match[0], what=what, entries=list(entries)
            )
            self.spoken.add(key_of(f"{name}-{place}"))
            parts += [escape(sentence[end : match.start()], edges=True), self._bind(f"{name}-{place}", bound)]
            end = match.end()
        return "".join([*parts, escape(sentence[end:], edges=True)]).strip()

    def _bind(self, name: str, bound: Bound) -> str:
        key = key_of(name)
        if self.bound.setdefault(key, bound) != bound:
            raise ValueError(f"the cell {key} is bound twice to different numbers")
        return f"[{bound.text}](#{key})"

    def dump(self) -> dict[str, Any]:
        """What cells.json holds."""
        return {key: bound.model_dump(mode="json") for key, bound in self.bound.items()}


def key_of(name: str) -> str:
    """The key of a cell in cells.json and in links."""
    return "cell-" + re.sub(r"[^a-z0-9_-]+", "-", name.lower()).strip("-")


def spell(value: float | None, digits: int = 4, signed: bool = False) -> str:
    """A number in `digits` significant digits (rounded half to even from its exact value); whole numbers in full."""
    if value is None or not math.isfinite(value):
        return MISSING
    if value == int(value) and abs(value) < 10**12:
        return f"{int(value):+d}" if signed else str(int(value))
    return f"{value:+.{digits}g}" if signed else f"{value:.{digits}g}"


def aligned(value: float | None, decimals: int, signed: bool = False) -> str:
    """A number with so many decimals; one that they would make zero is spelled in significant digits."""
    if value is None or not math.isfinite(value) or (value and abs(value) < 10.0**-decimals):
        return spell(value, signed=signed)
    return f"{value:{'+' if signed else ''}.{decimals}f}"
