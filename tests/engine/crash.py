"""Real engines that die of events, one process after the other: `python -m tests.engine.crash RUN HOME SEEN MODE`.

`SEEN` is a file of the events they met already (without what a second attempt changes); each dies at the first new one,
so that a run is killed once at every event: by SIGKILL `after` it was written, or `within` the next write, of which the
kernel lets a few bytes through. The engines are forked from one process that has only imported (importing is most of a
new engine's time); for every line on stdin it sends the next one, and tells on stdout how that one ended.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import signal
import sys
from pathlib import Path

from copilot.config import Home
from copilot.engine.pipeline import drive
from copilot.events import RunResumed
from copilot.journal import Entry
from copilot.runs import RunFolder
from tests.engine.undisturbed import ENV

IMPORTED_LATE = ("scipy.stats", "sklearn.metrics", "pymupdf", "vl_convert", "altair", "pandas")
"""By the phases of a run."""
CHANGING = {"attempt", "seconds", "peak_memory_mb", "tail", "repaired", "pid", "evidence"}


def signature(entry: Entry) -> str:
    """The event without what differs between two attempts at it."""

    def strip(value: object) -> object:
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if key not in CHANGING}
        return [strip(item) for item in value] if isinstance(value, list) else value

    return json.dumps(strip(entry.event.model_dump(mode="json")), sort_keys=True)


def limit_writes(run: RunFolder, most: int) -> None:
    """The next line of the journal is cut short after `most` bytes, and the process killed by the kernel."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (run.journal.stat().st_size + most, hard))


def engine(run: RunFolder, home: Home, seen_file: Path, mode: str) -> None:
    """One engine, to its death or to the end of the run."""
    seen = set(seen_file.read_text().splitlines()) if seen_file.exists() else set()

    def die(entry: Entry) -> None:
        mark = signature(entry)
        if not isinstance(entry.event, RunResumed) and mark not in seen:
            seen.add(mark)
            with seen_file.open("a") as file:
                file.write(mark + "\n")
            if mode == "after":
                os.kill(os.getpid(), signal.SIGKILL)
            limit_writes(run, len(mark) % 60)

    drive(run, home, ENV, on_event=die)


def main() -> None:
    run, home, seen_file, mode = RunFolder(Path(sys.argv[1])), Home(Path(sys.argv[2])), Path(sys.argv[3]), sys.argv[4]
    for name in IMPORTED_LATE:
        importlib.import_module(name)
    for _ in sys.stdin:
        if (pid := os.fork()) == 0:
            engine(run, home, seen_file, mode)
            os._exit(0)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
