"""Run folders: their layout, making a new one, finding one by name. What their journals say is not read here.

A run begins with the first line of its journal. What a kill left before that is no run: it is not listed, and later
starts clear it away.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from copilot.disk import make_folder, sync
from copilot.errors import SetupError

START_FORMAT = "%Y-%m-%dT%H-%M-%SZ"
NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")
PAPER_FILE = "paper.pdf"
STARTED = re.compile(r"^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?$")
ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True)
class RunFolder:
    """logs/TASK/START: where everything of one run lies."""

    path: Path

    @property
    def name(self) -> str:
        """TASK/START, as the command line takes it."""
        return f"{self.path.parent.name}/{self.path.name}"

    @property
    def journal(self) -> Path:
        """The single source of truth."""
        return self.path / "agent_log" / "full_log.jsonl"

    @property
    def begun(self) -> bool:
        """False where a start was interrupted: the journal has no whole line, and nothing lies beside it."""
        try:
            with self.journal.open("rb") as file:
                if file.readline().endswith(b"\n"):
                    return True
            return any(item.name not in {"agent_log", PAPER_FILE} for item in self.path.iterdir())
        except OSError:
            return False

    @property
    def paper(self) -> Path:
        """The PDF that the run was given, if any."""
        return self.path / PAPER_FILE

    @property
    def code(self) -> Path:
        """The code that the run was given, as it was then."""
        return self.path / "code"

    @property
    def inbox(self) -> Path:
        """What people say; copied into the journal by the engine."""
        return self.path / "agent_log" / "inbox.jsonl"

    @property
    def owner_file(self) -> Path:
        """On a shared server: the name of the guest whose run it is."""
        return self.path / "agent_log" / "owner.txt"

    @property
    def owner(self) -> str:
        """The guest whose run it is, or empty: then it belongs to whoever runs this installation."""
        try:
            return self.owner_file.read_text(encoding="ascii", errors="replace").strip()
        except OSError:
            return ""

    @property
    def ticket(self) -> Path:
        """On a shared server: that the run waits for its turn, or has it."""
        return self.path / "agent_log" / "ticket.json"

    @property
    def live(self) -> Path:
        """Model text as it streams: a convenience for viewers, no record."""
        return self.path / "agent_log" / "live.txt"

    @property
    def engine_log(self) -> Path:
        """What a background engine printed."""
        return self.path / "agent_log" / "engine.txt"

    @property
    def env_log(self) -> Path:
        """Full, bounded output of every execution."""
        return self.path / "env_log"

    @property
    def blobs(self) -> Path:
        """Large texts by content hash."""
        return self.path / "blobs"

    @property
    def workspace(self) -> Path:
        """The run's working copy."""
        return self.path / "workspace"

    @property
    def history(self) -> Path:
        """Snapshots of the workspace."""
        return self.path / "history"

    @property
    def data(self) -> Path:
        """What the lab prepared: `inputs/` that trials may read and `sealed/` that they may not."""
        return self.path / "data"

    @property
    def trials(self) -> Path:
        """What trials left: PURPOSE/ARM/SEED/."""
        return self.path / "trials"

    @property
    def report(self) -> Path:
        """report.md, report.pdf, figures/, bundle.zip."""
        return self.path / "report"


def new_run(logs: Path, task: str, now: datetime | None = None) -> RunFolder:
    """Make an empty run folder, private to this user. Two runs started in the same second get different folders."""
    check_name(task)
    start = (now or datetime.now(UTC)).strftime(START_FORMAT)
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        path = logs / task / f"{start}{suffix}"
        make_folder(path.parent)
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            continue
        sync(path.parent)
        return RunFolder(path)
    raise SetupError(f"cannot make a new run folder below {logs / task}")


def clear_abandoned(logs: Path) -> None:
    """Remove what starts left that were killed before the first event; a young one may be under way elsewhere."""
    for path in logs.glob("*/*"):
        if not STARTED.match(path.name) or path.is_symlink() or RunFolder(path).begun:
            continue
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                shutil.rmtree(path)


def check_name(name: str) -> str:
    """The name back, when it is fit for a folder. Raises SetupError."""
    if not NAME.fullmatch(name):
        raise SetupError(
            f"{name!r} is not a name: use letters, digits, '_', '-' and '.', starting with a letter or digit"
        )
    return name


def find_run(text: str, logs: Path) -> RunFolder:
    """A run by TASK/START, by path, or TASK alone for its latest. Raises SetupError naming what there is."""
    parts = text.split("/")
    named = all(NAME.fullmatch(part) for part in parts)
    candidates = [logs / text] if named and len(parts) == 2 else []
    candidates.append(Path(text))
    for path in candidates:
        folder = RunFolder(path.resolve())
        if folder.begun:
            return folder
        if folder.journal.is_file():
            raise SetupError(
                f"the run {folder.name} never began: its start was interrupted, and nothing was done in it; "
                f"start it anew (its folder {folder.path} can be deleted)"
            )
    if named and len(parts) == 1 and (runs := [run for run in list_runs(logs) if run.path.parent.name == text]):
        return runs[0]
    raise SetupError(f"no run {text!r}; `copilot runs` lists what is in {logs}")


def run_named(text: str, logs: Path) -> RunFolder | None:
    """The run TASK/START below the logs, or None: nothing else is a run's name, and no link leads out."""
    parts = text.split("/")
    if len(parts) != 2 or not all(NAME.fullmatch(part) for part in parts):
        return None
    logs = logs.resolve()
    folder = RunFolder((logs / parts[0] / parts[1]).resolve())
    return folder if folder.path.is_relative_to(logs) and folder.journal.is_file() else None


def list_runs(logs: Path) -> list[RunFolder]:
    """All runs that began, newest first."""
    found = (RunFolder(path.parent.parent) for path in logs.glob("*/*/agent_log/full_log.jsonl"))
    begun = (run for run in found if run.begun)
    return sorted(begun, key=lambda run: (run.path.name, run.path.parent.name), reverse=True)
