"""What a list of runs shows of each, from the first and the last lines of its journal: long journals stay cheap.

Not checked against the hash chain: opening a run does that.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, cast, get_args

from copilot.domain.experiment import VerdictWord
from copilot.runs import START_FORMAT, RunFolder
from copilot.state import Status
from copilot.ui.parts.text import fold_for_search, one_line

HEAD = 64_000
TAIL = 256_000
START_LENGTH = len("2026-11-20T09-07-46Z")
UNREAD = "A paper that is not read yet"
WAITING = "waiting for you"
GATES = ("ideas", "plan")
"""Gates that have a page of their own."""


@dataclass(frozen=True)
class Outline:
    """One run in a list. `haystack` is what a search looks in, folded."""

    run: RunFolder
    title: str
    llm: str
    status: Status
    verdict: VerdictWord | None
    started: datetime | None
    haystack: str
    asked: str = ""
    """The gate at which the run waits for a person's answer."""
    spent: bool = False
    """True when it is paused because it used up what it may cost."""
    stamps: int = 0
    """How many sentences stand beside the verdict."""
    claim: str = ""
    """What the verdict is about."""

    @property
    def page(self) -> str:
        """The page on which there is something to see or to do."""
        if self.verdict:
            return "results"
        return self.asked if self.asked in GATES else "run"


def of(run: RunFolder) -> Outline:
    """The outline of this run; read again only when its journal grew."""
    try:
        stat = run.journal.stat()
    except OSError:
        return _outline(run, [], [])
    return _read(run, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=4096)
def _read(run: RunFolder, size: int, changed: int) -> Outline:
    try:
        head, tail = _ends(run.journal, size)
    except OSError:
        head, tail = [], []
    return _outline(run, head, tail)


def _ends(path: Path, size: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    with path.open("rb") as file:
        head = file.read(HEAD).split(b"\n")
        file.seek(max(size - TAIL, 0))
        tail = file.read(TAIL).split(b"\n")
    return _lines(head[:12]), _lines(tail)


def _lines(raw: list[bytes]) -> list[dict[str, Any]]:
    found = []
    for line in raw:
        try:
            body = json.loads(line)
        except ValueError:
            continue
        if isinstance(body, dict) and isinstance(body.get("data"), dict):
            found.append(body)
    return found


def _outline(run: RunFolder, head: list[dict[str, Any]], tail: list[dict[str, Any]]) -> Outline:
    started = next((body for body in head if body.get("kind") == "RunStarted"), None)
    data: dict[str, Any] = started["data"] if started else {}
    title = _title(run, data, head)
    llm = str((data.get("settings") or {}).get("llm", "")) or "unknown model"
    status, verdict = _status(tail) if started else "empty", _verdict(tail)
    word = verdict.get("word") if verdict.get("word") in get_args(VerdictWord) else None
    asked = _asked(tail) if status in {"running", "paused"} else ""
    claim = next((one_line(str(item.get("claim", "")), 300) for item in verdict.get("comparisons") or []), "")
    haystack = fold_for_search(" ".join([title, run.name, llm, WAITING if asked else status, word or "", claim]))
    return Outline(
        run,
        title,
        llm,
        status,
        cast(VerdictWord | None, word),
        _began(run) or _time(started),
        haystack,
        asked,
        status == "paused" and _spent(tail),
        len(verdict.get("stamps") or []),
        claim,
    )


def _title(run: RunFolder, data: dict[str, Any], head: list[dict[str, Any]]) -> str:
    paper = next((body["data"].get("title") for body in head if body.get("kind") == "PaperRead"), UNREAD)
    task = data.get("task") or {}
    own = f"{task.get('name')}: {given}" if (given := _given(head)) else ""
    named = (task.get("head") or {}).get("title")
    texts = [paper if data.get("source") == "paper" else "", named, task.get("body"), own]
    return next((one_line(str(text), 160) for text in texts if text and str(text).strip()), run.name)


def _given(head: list[dict[str, Any]]) -> str:
    """What somebody's own code compares, if that is what the run is about."""
    proposed = [body["data"].get("ideas") for body in head if body.get("kind") == "IdeasProposed"]
    ideas = [idea for found in proposed if isinstance(found, list) for idea in found if isinstance(idea, dict)]
    return next((str(idea.get("title")) for idea in ideas if idea.get("kind") == "given"), "")


def _status(tail: list[dict[str, Any]]) -> Status:
    for body in reversed(tail):
        if body.get("kind") == "RunFinished" and body["data"].get("status") in get_args(Status):
            return cast(Status, body["data"]["status"])
        if body.get("kind") == "RunPaused":
            return "paused"
        if body.get("kind") == "RunResumed":
            return "running"
    return "running"


def _spent(tail: list[dict[str, Any]]) -> bool:
    pauses = [body["data"] for body in tail if body.get("kind") == "RunPaused"]
    return bool(pauses) and pauses[-1].get("reason") == "budget"


def _verdict(tail: list[dict[str, Any]]) -> dict[str, Any]:
    for body in reversed(tail):
        if body.get("kind") == "VerdictReached":
            return body["data"].get("verdict") or {}
    return {}


def _asked(tail: list[dict[str, Any]]) -> str:
    answers = {body["data"].get("question_id") for body in tail if body.get("kind") == "FeedbackGiven"}
    asked = [body["data"] for body in tail if body.get("kind") == "QuestionAsked"]
    return next((str(data.get("gate")) for data in reversed(asked) if data.get("id") not in answers), "")


def _began(run: RunFolder) -> datetime | None:
    """From the folder's name: the first line of a branch is that of its parent."""
    try:
        return datetime.strptime(run.path.name[:START_LENGTH], START_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def _time(started: dict[str, Any] | None) -> datetime | None:
    try:
        return datetime.fromisoformat(str(started.get("time"))) if started else None
    except ValueError:
        return None
