"""Which runs there are, and how one goes on. Nothing here changes a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from copilot.config import Home, find_home
from copilot.journal import Entry, Reader, read
from copilot.memory.past import Calibration, PastVerdict
from copilot.runs import RunFolder, find_run, list_runs, run_named
from copilot.state import RunState, apply, fold

if TYPE_CHECKING:
    from copilot.hosting.guests import Guest
    from copilot.hosting.line import Place
    from copilot.hosting.reception import Reception


PATIENCE = 15.0


def tasks(home: Home | None = None) -> list[str]:
    """Names of the tasks in problems/."""
    from copilot.engine.tasks import task_names

    return task_names(home or find_home())


def find(text: str, home: Home | None = None) -> RunFolder:
    """A run by TASK/START, TASK (its latest) or path: for the command line, never for a name from a browser."""
    return find_run(text, (home or find_home()).logs)


def named(text: str, home: Home | None = None, *, guest: Guest | None = None) -> RunFolder:
    """The run TASK/START below the logs. Raises NoSuchRun, also for a run of another guest."""
    from copilot.hosting.guests import may_see
    from copilot.hosting.refusals import NoSuchRun

    run = run_named(text, (home or find_home()).logs)
    if run is None or not may_see(run, guest):
        raise NoSuchRun
    return run


def runs(home: Home | None = None, *, guest: Guest | None = None) -> list[RunFolder]:
    """All runs, newest first; a guest's own ones."""
    found = list_runs((home or find_home()).logs)
    return found if guest is None or guest.owner else [run for run in found if run.owner == guest.name]


def past(home: Home | None = None, *, guest: Guest | None = None) -> list[PastVerdict]:
    """Verdicts of the latest runs in short, newest first; a guest's own ones."""
    from copilot.memory.past import past_verdicts

    home = home or find_home()
    found = past_verdicts(home.logs)
    mine = {run.name for run in runs(home, guest=guest)}
    return [item for item in found if item.run in mine]


def predictions(verdicts: list[PastVerdict]) -> Calibration:
    """How the proposers' probabilities of *supported* compare with what came out (Brier score, reliability)."""
    from copilot.memory.past import calibration

    return calibration(verdicts)


def state(run: RunFolder) -> RunState:
    """The whole journal, folded."""
    return fold(read(run.journal))


class Following:
    """A run as it goes on: `new()` again and again, until `over`."""

    def __init__(self, run: RunFolder) -> None:
        self.run, self.state, self._reader = run, RunState(), Reader(run.journal)
        self._worked = time.monotonic()

    def new(self) -> list[Entry]:
        """Entries that came since the last call. Raises JournalDamaged."""
        entries = list(self._reader.new())
        for entry in entries:
            apply(self.state, entry)
        return entries

    @property
    def over(self) -> bool:
        """True when the run ended or paused, or nobody works on it for a while (its engine was killed)."""
        if engine_alive(self.run) or place(self.run) is not None:
            self._worked = time.monotonic()
            return self.state.finished is not None
        return self.state.status not in {"empty", "running"} or time.monotonic() - self._worked > PATIENCE


def follow(run: RunFolder, *, poll_seconds: float = 0.3) -> Iterator[Entry]:
    """Entries as they come, until there is nothing to wait for."""
    following = Following(run)
    while True:
        yield from following.new()
        if following.over:
            return
        time.sleep(poll_seconds)


def diff(run: RunFolder, before: str, after: str) -> str:
    """What changed in the workspace between two snapshots of a run, as a unified diff."""
    from copilot.lab.diffs import unified
    from copilot.lab.workspace import Workspace

    return unified(Workspace(run.workspace, run.history), before, after)


def place(run: RunFolder) -> Place | None:
    """Where the run waits in the line of a shared server; None when it does not."""
    desk = reception_of(run)
    return desk.line.place(run) if desk else None


def engine_alive(run: RunFolder) -> bool:
    """True while some engine holds the journal's lock, or was started for a run that had its turn."""
    from copilot.engine.launch import is_running

    desk = reception_of(run)
    return is_running(run) or (desk is not None and desk.line.works_on(run))


def reception_of(run: RunFolder) -> Reception | None:
    """The reception that keeps this run in its line; None for a run without a ticket."""
    if not run.ticket.is_file():
        return None
    from copilot.hosting.reception import reception

    return reception(find_home())
