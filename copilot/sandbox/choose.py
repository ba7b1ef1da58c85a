"""Which level holds on this machine: found by running the real thing once, never by reading version numbers.

`auto` walks from the strongest level down to `landlock` and stops there: anything weaker is used only when a person
names it. A level is offered only if its self-test passes; the answer is kept for the life of the process.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import get_args

from copilot.errors import SetupError
from copilot.sandbox import containers, probe, tools
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.protocol import LEVEL_TEXTS, Level

AUTOMATIC: tuple[Level, ...] = ("namespace", "landlock")
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True)
class Chosen:
    """The level in force, ready to run jobs, and in words why no better one is."""

    sandbox: LocalSandbox
    skipped: list[str]

    @property
    def level(self) -> Level:
        """Its name."""
        return self.sandbox.level

    @property
    def text(self) -> str:
        """What it holds, in one sentence for a badge or a report."""
        return LEVEL_TEXTS[self.level]

    @property
    def image(self) -> str:
        """Name and id of the image that jobs run in; "" at every level but `container`."""
        return containers.identity() if self.level == "container" else ""


@cache
def problem(level: Level) -> str:
    """Why this level cannot be used here, "" if its self-test passes. Takes a tenth of a second, once per process."""
    return probe.failure(LocalSandbox(level))


def choose(level: str = "auto") -> Chosen:
    """The strongest level that holds here, or exactly the one that was named.

    Raises SetupError when none (or not the named one) holds; the text says how to mend it.
    """
    if level == "auto":
        return _strongest()
    for known in LEVELS:
        if known == level:
            if reason := problem(known):
                raise SetupError(f"The sandbox level {level} does not work on this machine: {reason}")
            return Chosen(LocalSandbox(known), [])
    raise SetupError(f"There is no sandbox level {level!r}; the levels are auto, {', '.join(LEVELS)}.")


def _strongest() -> Chosen:
    skipped: list[str] = []
    for level in AUTOMATIC:
        reason = problem(level)
        if not reason:
            return Chosen(LocalSandbox(level), skipped)
        skipped.append(f"{level}: {reason}")
    raise SetupError(
        f"Generated code cannot be contained on this machine ({'; '.join(skipped)}). {tools.INSTALL_BUBBLEWRAP}. "
        "To run it without file isolation all the same, choose so by name: --sandbox seccomp-only or "
        "--sandbox limits-only."
    )
