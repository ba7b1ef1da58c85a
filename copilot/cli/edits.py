"""The ideas as `copilot answer` changes them: options in, one `Edits` out. What an edit is worth, the engine says."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copilot import api
from copilot.domain.edits import Edits, Origin
from copilot.domain.idea import Idea
from copilot.errors import SetupError
from copilot.runs import RunFolder


def edits_of(arguments: argparse.Namespace, folder: RunFolder) -> Edits:
    """What --merge, --duplicate, --edit and --reject say, in this order: a copy can be edited in the same answer.

    Raises SetupError naming the idea, the field or the file that is wrong.
    """
    known, edits = api.state(folder).ideas, Edits()
    for pair in arguments.merge:
        names = [name.strip() for name in pair.split(",")]
        if len(names) != 2 or names[0] == names[1]:
            raise SetupError(f"--merge {pair}: name two ideas with a comma between them")
        edits = edits.merge(_named(names[0], known, edits), _named(names[1], known, edits), known)
    for name in arguments.duplicate:
        edits = edits.duplicate(_named(name, known, edits), known)
    for item in _items(Path(arguments.edit)) if arguments.edit else []:
        edits = _edited(edits, item, known)
    for text in arguments.reject:
        name, _, reason = text.partition("=")
        edits = edits.reject(_named(name, known, edits).id, reason)
    return edits


def _named(name: str, known: dict[str, Idea], edits: Edits) -> Idea:
    ideas = known | edits.ideas
    if name not in ideas:
        raise SetupError(f"there is no idea {name!r}; there are: {', '.join(ideas)}")
    return ideas[name]


def _items(file: Path) -> list[dict[str, Any]]:
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(f"--edit {file}: {error}") from error
    items = found if isinstance(found, list) else [found]
    if not all(isinstance(item, dict) and isinstance(item.get("id"), str) for item in items):
        raise SetupError(f"--edit {file}: an idea is an object with its `id`, or a list of such")
    return items


def _edited(edits: Edits, item: dict[str, Any], known: dict[str, Idea]) -> Edits:
    """An idea with some fields changed, or a new one when nothing has its id."""
    before = (known | edits.ideas).get(item["id"])
    base: dict[str, Any] = before.model_dump(mode="json") if before else {"source": "person"}
    try:
        after = Idea.model_validate(base | item)
    except ValidationError as error:
        first = error.errors()[0]
        raise SetupError(f"idea {item['id']!r}, {'.'.join(map(str, first['loc']))}: {first['msg']}") from error
    return edits.change(after, before) if before else edits.add(after, Origin(how="added"))
