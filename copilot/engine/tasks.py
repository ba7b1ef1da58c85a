"""Tasks on disk: `problems/NAME/problem.md` with an optional YAML head, or a plain text file `problems/NAME`."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from copilot.config import Home
from copilot.domain.base import Value
from copilot.domain.task import Task, TaskBudget, TaskHead, TaskMetric
from copilot.errors import SetupError
from copilot.runs import check_name


def task_names(home: Home) -> list[str]:
    """All tasks in problems/, sorted."""
    if not home.problems.is_dir():
        return []
    found = [path.name for path in home.problems.iterdir() if path.is_file() or (path / "problem.md").is_file()]
    return sorted(name for name in found if not name.startswith(".") and name != "README.md")


def load_task(name: str, home: Home) -> Task:
    """The task, resolved. Raises SetupError for an unknown name (with the nearest ones) or a head that is wrong."""
    check_name(name)
    path = home.problems / name
    file = path if path.is_file() else path / "problem.md"
    if not file.is_file():
        raise SetupError(_unknown(name, home))
    head, body = split_head(file.read_text(encoding="utf-8", errors="replace"), file)
    folder = path if path.is_dir() else None
    starter = home.workspaces / name
    for own in (path, starter):
        _stays_inside(own)
    sealed = path / "sealed"
    if sealed.is_dir() and not any(file.is_file() for file in (sealed / "grade.json", path / "evaluate.py")):
        raise SetupError(f"{sealed} needs a grade.json, or {path} a grader of its own, evaluate.py (docs/tasks.md)")
    return Task(
        name=name,
        head=head,
        body=body.strip(),
        folder=str(folder) if folder else "",
        starter=str(starter) if starter.is_dir() and any(starter.iterdir()) else "",
        sealed=sealed.is_dir(),
    )


def _stays_inside(folder: Path) -> None:
    """Raises SetupError for a link that leads out: a task from a stranger shows the model no other file of a person."""
    top = folder.resolve()
    for root, folders, files in os.walk(top):
        for name in (*folders, *files):
            path = Path(root) / name
            if path.is_symlink() and not path.resolve().is_relative_to(top):
                raise SetupError(f"{path} is a link that leads out of {folder}; put the files themselves there")


def _unknown(name: str, home: Home) -> str:
    names = task_names(home)
    near = difflib.get_close_matches(name, names, 1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"no task {name!r} in {home.problems}{hint}; there are: {', '.join(names) or 'none'}"


def split_head(text: str, file: Path) -> tuple[TaskHead, str]:
    """The YAML head (between two lines '---') and the body. Raises SetupError naming the key that is wrong."""
    if not text.startswith("---\n"):
        return TaskHead(), text
    raw, mark, body = text[4:].partition("\n---\n")
    if not mark:
        raise SetupError(f"{file}: the head starts with '---' but has no closing '---' line")
    try:
        data: Any = yaml.safe_load(raw) or {}
        return TaskHead.model_validate(data), body
    except yaml.YAMLError as error:
        raise SetupError(f"{file}: the head is not YAML: {error}") from error
    except ValidationError as error:
        raise SetupError(f"{file}: in the head, {_wrong(error.errors()[0])}") from error


def _wrong(first: ErrorDetails) -> str:
    place = [str(part) for part in first["loc"]]
    if first["type"] != "extra_forbidden":
        return f"{'.'.join(place)}: {first['msg']}"
    inner: dict[str, type[Value]] = {"metric": TaskMetric, "budget": TaskBudget}
    known = inner.get(place[0], TaskHead).model_fields
    return f"unknown key {'.'.join(place)!r}; known are {', '.join(known)}"
