"""Starting a run: everything that can be wrong is found before a folder is made. Nothing runs here."""

from __future__ import annotations

import importlib.util
import itertools
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from copilot import __version__
from copilot.config import PAPER_PASSWORD, Home
from copilot.disk import settle, settle_tree
from copilot.domain.idea import Scalar
from copilot.domain.paper import Paper
from copilot.domain.task import OwnCode, Settings, Task
from copilot.engine.services import open_models
from copilot.engine.tasks import load_task
from copilot.errors import SetupError
from copilot.events import RunStarted
from copilot.journal import Journal
from copilot.lab.cards import prototype_folder, read_card
from copilot.lab.workspace import MAX_BYTES, MAX_FILES, Workspace, walk_regular
from copilot.runs import RunFolder, clear_abandoned, new_run

MAX_PAPER_MB = 100
RECOGNISED = "The paper's text comes from OCR: its quotes, names and numbers may be wrong."
COMMON_NAMES = {"paper", "main", "article", "manuscript", "download", "document"}


def start_run(
    task: str,
    paper: str,
    objective: str,
    settings: Settings,
    home: Home,
    env: Mapping[str, str],
    stamps: Sequence[str] = (),
    own: OwnCode | None = None,
) -> RunFolder:
    """Make the run folder with its first event. Raises SetupError; then nothing was made."""
    if sum(bool(given) for given in (task, paper, objective)) != 1 and not (own and not task and not paper):
        raise SetupError(
            "give exactly one of: a task, --paper PDF_OR_ARXIV_ID, --objective 'question', or --code DIR with --metric,"
            " which may stand beside a paper or a question"
        )
    found, source = _resolve(task, paper, objective, home) if not own else _with_code(own, task, paper, objective, home)
    _check_prototype(found)
    pdf = _paper_file(found, home if task else None)
    label = open_models(settings, found, env)
    if own is not None and label:
        label = "No language model took part: the arms are those of the given code."
    recognised = pdf is not None and _read_once(pdf, home, settings, env).recognised
    clear_abandoned(home.logs)
    run = new_run(home.logs, found.name)
    if pdf is not None:
        shutil.copyfile(pdf, run.paper)
        settle([run.paper])
    if own is not None:
        found = found.model_copy(update={"starter": str(_keep(Path(own.folder), run))})
    journal = Journal(run.journal)
    started = RunStarted(
        run=run.name,
        source=source,
        task=found,
        settings=settings,
        version=__version__,
        machine=machine(),
        stamps=[*([label] if label else []), *([RECOGNISED] if recognised else []), *stamps],
    )
    journal.append(started)
    journal.close()
    return run


def _check_prototype(task: Task) -> None:
    """A prototype that the task names is there, with the package that it needs. Raises SetupError."""
    if not task.head.prototype:
        return
    card = read_card(prototype_folder(task.head.prototype) / "card.md")
    if card.requires and importlib.util.find_spec(card.requires) is None:
        raise SetupError(
            f"the task {task.name!r} needs {card.requires}, which is not installed: "
            "pip install -c constraints.txt -e '.[ml]'"
        )


def _read_once(pdf: Path, home: Home, settings: Settings, env: Mapping[str, str]) -> Paper:
    """Read the paper into the cache, so that a locked or broken file is refused before anything is made."""
    from copilot.paper.read import read_paper

    return read_paper(pdf, cache=home.cache, password=env.get(PAPER_PASSWORD), ocr=settings.ocr)


Source = Literal["task", "paper", "objective"]
_ASKED: Source = "objective"


def _resolve(task: str, paper: str, objective: str, home: Home) -> tuple[Task, Source]:
    if task:
        return load_task(task, home), "task"
    if paper:
        from copilot.domain.task import TaskHead

        return Task(name=slug(_paper_name(paper)), head=TaskHead(paper=paper)), "paper"
    if len(objective.split()) < 3:
        raise SetupError("--objective needs a question of at least three words")
    return Task(name=slug(" ".join(objective.split()[:6])), body=objective), "objective"


def _with_code(own: OwnCode, task: str, paper: str, objective: str, home: Home) -> tuple[Task, Source]:
    """A run from a person's own code, with a paper or a question beside it or with neither."""
    folder = Path(own.folder)
    if task:
        raise SetupError("a task has its code in workspaces/; --code goes with a paper, a question, or alone")
    if not folder.is_dir() or folder.is_symlink():
        raise SetupError(f"{own.folder!r} is no folder")
    files = list(itertools.islice(walk_regular(folder), MAX_FILES + 1))
    if not files or len(files) > MAX_FILES or sum(entry.st_size for _, entry in files) > MAX_BYTES:
        raise SetupError(
            f"{folder} must hold between 1 and {MAX_FILES} files and at most {MAX_BYTES >> 20} MB; leave data outside"
        )
    name = slug(folder.resolve().name)
    plain = Task(name=name)
    found, source = _resolve("", paper, objective, home) if paper or objective else (plain, _ASKED)
    return found.model_copy(update={"head": found.head.model_copy(update={"metric": own.metric})}), source


def _keep(folder: Path, run: RunFolder) -> Path:
    """A copy of the code as it is now: what the person changes later changes no run."""
    kept = Workspace(run.code, run.history)
    kept.copy_from(folder)
    settle_tree(run.code)
    return run.code


def _paper_name(paper: str) -> str:
    """The file's name, or its folder's when the file is called like every other."""
    path = Path(paper)
    if path.suffix.lower() != ".pdf":
        return paper
    return path.resolve().parent.name if path.stem.lower() in COMMON_NAMES else path.stem


def slug(text: str) -> str:
    """A folder name from any text."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.").lower()[:60] or "run"


def _paper_file(task: Task, home: Home | None) -> Path | None:
    """The PDF, checked, or None (no paper, or an arXiv id). Raises SetupError.

    With `home` the paper is named by a task, which may come from a stranger: then it must lie in the task's folder.
    """
    from copilot.paper.arxiv import parse_arxiv_id

    named = task.head.paper
    if not named:
        return None
    folder = Path(task.folder) if task.folder else (home.problems if home else Path())
    path = folder / named
    if home is not None and not path.resolve().is_relative_to(folder.resolve()):
        raise SetupError(f"the task names the paper {named!r}, which is outside its folder {folder}; copy it there")
    if path.is_file():
        if path.stat().st_size > MAX_PAPER_MB << 20:
            raise SetupError(f"{path} is larger than {MAX_PAPER_MB} MB")
        with path.open("rb") as file:
            if b"%PDF-" not in file.read(1024):
                raise SetupError(f"{path} is not a PDF file")
        return path
    if parse_arxiv_id(named) is None:
        raise SetupError(f"{named!r} is neither a PDF file nor an arXiv id such as 2408.14033")
    return None


def machine() -> dict[str, Scalar]:
    """What the run ran on, without anything personal."""
    return {
        "python": platform.python_version(),
        "system": platform.system(),
        "release": platform.release(),
        "architecture": platform.machine(),
        "cpus": len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count(),
    }
