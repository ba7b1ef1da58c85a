"""What changed in a workspace between two snapshots, as a unified diff to read. Bounded; never applied to anything."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from copilot.lab.workspace import Workspace

MOST_FILES = 20
MOST_LINES = 400
"""Lines shown of one file's difference."""
MOST_BYTES = 200_000
"""Larger files are named, not compared."""


def unified(workspace: Workspace, before: str, after: str) -> str:
    """The difference between two snapshots ("" is nothing at all). Raises RunFailed when the history is damaged."""
    old, new = (workspace.manifest(name) if name else {} for name in (before, after))
    changed = sorted(path for path in old.keys() | new.keys() if old.get(path) != new.get(path))
    parts = [_file(workspace, path, old.get(path), new.get(path)) for path in changed[:MOST_FILES]]
    if len(changed) > MOST_FILES:
        parts.append(f"{len(changed) - MOST_FILES} more files changed")
    return "\n".join(parts)


def _file(workspace: Workspace, path: str, old: str | None, new: str | None) -> str:
    one, other = (workspace.content(digest) if digest else b"" for digest in (old, new))
    if b"\0" in one + other or max(len(one), len(other)) > MOST_BYTES:
        return f"{path}: {len(one):,} bytes before, {len(other):,} now (not shown: binary or large)"
    names = (f"a/{path}" if old else "/dev/null", f"b/{path}" if new else "/dev/null")
    return "\n".join(_clipped(difflib.unified_diff(_lines(one), _lines(other), *names, lineterm="")))


def _lines(data: bytes) -> list[str]:
    return data.decode("utf-8", "replace").splitlines()


def _clipped(lines: Iterator[str]) -> Iterator[str]:
    for number, line in enumerate(lines):
        if number == MOST_LINES:
            yield "(the rest is not shown)"
            return
        yield line
