"""A sandbox at each level that this machine has, and the folders of a job."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copilot.sandbox.choose import problem
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.protocol import Job, Level, Limits, Outcome

RunCode = Callable[..., Outcome]

EVERY_LEVEL = [
    pytest.param("namespace", marks=pytest.mark.sandbox),
    "landlock",
    "seccomp-only",
    "limits-only",
]
CONTAINING = EVERY_LEVEL[:2]
MAINLY_CONTAINING = [*CONTAINING, *(pytest.param(level, marks=pytest.mark.slow) for level in EVERY_LEVEL[2:])]
"""For tests that wait: the weaker levels differ in the filter only, and run with --slow."""


class Place:
    """A workspace beside its log, and a sandbox to run code in it."""

    def __init__(self, base: Path, level: Level) -> None:
        self.workspace, self.log, self.level = base / "work", base / "record" / "log.txt", level
        self.workspace.mkdir()
        self.sandbox = LocalSandbox(level)

    def job(self, code: str, *args: str, limits: dict[str, Any] | None = None, **fields: Any) -> Job:
        """A job that runs Python code; `limits` overrides small defaults."""
        small: dict[str, Any] = {"seconds": 20, "memory_mb": 512, "processes": 64, "disk_mb": 64, **(limits or {})}
        return Job(
            argv=["python", "-c", code, *args],
            workspace=self.workspace,
            log=self.log,
            limits=Limits.model_validate(small),
            **fields,
        )

    def run(self, code: str, *args: str, limits: dict[str, Any] | None = None, **fields: Any) -> Outcome:
        """Run it to its end."""
        return self.sandbox.run(self.job(code, *args, limits=limits, **fields))


def require(level: Level) -> None:
    """Skip where the level's self-test does not pass (no Landlock in the kernel, say); never for the plain ones."""
    if level in ("namespace", "landlock", "container") and (reason := problem(level)):
        pytest.skip(f"{level}: {reason}")


@pytest.fixture
def place(tmp_path: Path, request: pytest.FixtureRequest) -> Place:
    """A place at the level that the test was parametrised with (indirectly); namespace where it was not."""
    level: Level = getattr(request, "param", "namespace")
    require(level)
    return Place(tmp_path, level)
