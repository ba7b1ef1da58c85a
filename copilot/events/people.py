"""Events of what passes between a run and people: questions, answers and remarks, supplies let in."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from copilot.events.base import Event


class QuestionAsked(Event):
    """Something waits for a person. `gate` says what an answer must look like."""

    kind: Literal["QuestionAsked"] = "QuestionAsked"
    durable: ClassVar[bool] = True
    id: str
    gate: Literal["ideas", "plan", "install", "budget", "question"]
    text: str
    options: list[str] = []
    default: str = ""
    timeout_seconds: float | None = None
    blob: str = ""
    """The exact thing that is asked about, where it is more than the text says (the lock of an install)."""


class FeedbackGiven(Event):
    """A person said something: an answer (`question_id`), an edit (`data`) or a remark. Copied from the inbox once."""

    kind: Literal["FeedbackGiven"] = "FeedbackGiven"
    durable: ClassVar[bool] = True
    inbox_line: int
    id: str
    author: str = "person"
    question_id: str = ""
    choice: str = ""
    text: str = ""
    data: dict[str, Any] = {}


class SuppliesFetched(Event):
    """Something from outside that was approved lies in the read-only store now, and every later program may read it."""

    kind: Literal["SuppliesFetched"] = "SuppliesFetched"
    durable: ClassVar[bool] = True
    what: Literal["packages", "model", "dataset", "code"]
    name: str
    """What was asked for: package requirements, or the id of a repository."""
    items: list[str] = []
    """The packages, `name==version`: all of the overlay, those of earlier requests included."""
    revision: str = ""
    """The commit of a repository."""
    lock: str = ""
    """The blob with the lock (packages) or the list of files (repository)."""
    sha256: str
    """Digest over the names and contents of all files."""
    bytes: int
    path: str
    """Where it lies, relative to the cache; the cache may be emptied, and is then filled again from the lock."""
    approved_by: str
    """The person who said so, or `policy: --allow NAME`."""
