"""The record of one `sandbox run`: `log.jsonl` (hash-chained events) and `report.json`, out of the program's reach.

What the program printed is a JSON *value* in an event, never parsed: it cannot forge an event.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any

from copilot.sandbox import collect
from copilot.sandbox.protocol import LEVEL_TEXTS, Outcome

LOG_TEXT_LIMIT = 1 << 20
PROVENANCE = "self-reported by the program; nothing has recomputed it"
RESULT_NAMES = ("results.json", "result.json")


class EventLog:
    """Appends events, each with the SHA-256 of the line before it."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self._path = path
        self._previous = ""

    def add(self, event: str, **fields: Any) -> None:
        """One line; `fields` are JSON values."""
        line = json.dumps({"event": event, "time": round(time.time(), 3), **fields, "previous": self._previous})
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
        self._previous = hashlib.sha256(line.encode()).hexdigest()

    def add_output(self, path: Path) -> None:
        """What the program printed, whole lines at a time, at most 1 MiB of it; nothing if it never started."""
        if not path.exists():
            return
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            text = file.read(LOG_TEXT_LIMIT)
            cut = bool(file.read(1))
        block = ""
        for line in text.splitlines(keepends=True):
            if block and len(block) + len(line) > 32768:
                self.add("output", out=block)
                block = ""
            block += line
        if block:
            self.add("output", out=block)
        if cut:
            self.add("truncated", out="", kept_characters=LOG_TEXT_LIMIT)


def collected(workspace: Path) -> dict[str, Any]:
    """What the program left, read safely: its result (or why not) and the names of its files."""
    result, error = None, "no result file"
    for name in RESULT_NAMES:
        if (workspace / name).is_symlink() or (workspace / name).exists():
            try:
                result, error = collect.read_result_json(workspace / name, root=workspace), ""
            except collect.BadResult as bad:
                error = str(bad)
            break
    return {"provenance": PROVENANCE, "result": result, "error": error, "files": collect.list_names(workspace)}


def report(outcome: Outcome, skipped: list[str], workspace: Path) -> dict[str, Any]:
    """`report.json`: how it ended, under which level, and what was collected."""
    return {
        "level": outcome.level,
        "text": LEVEL_TEXTS[outcome.level],
        "start": outcome.start,
        "skipped": skipped,
        "killed": outcome.reason if outcome.reason not in ("exit", "setup") else None,
        "refused": outcome.detail if outcome.reason == "setup" else None,
        "reason": outcome.reason,
        "exit_code": outcome.exit_code,
        "detail": outcome.detail,
        "seconds": outcome.seconds,
        "cpu_seconds": outcome.cpu_seconds,
        "peak_memory_mb": outcome.peak_memory_mb,
        "output_bytes": outcome.output_bytes,
        "collected": collected(workspace),
    }
