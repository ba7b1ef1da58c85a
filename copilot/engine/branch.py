"""A new run from a step of another one: the same past, another future.

The journal is a chain, so a prefix of it is a whole journal: a branch is that prefix, copied, with one event that says
where it comes from, and goes on as a run does whose engine was killed there. Only steps before the freeze can be
branched from: afterwards the protocol decides, and another protocol is another run. What was known of the parent's
result when the branch was made stands beside the verdict.
"""

from __future__ import annotations

import shutil
from itertools import takewhile
from pathlib import Path

from copilot import inbox
from copilot.config import Home
from copilot.disk import settle_tree
from copilot.errors import SetupError
from copilot.events import RunBranched
from copilot.journal import Entry, Journal, read
from copilot.runs import RunFolder, new_run
from copilot.state import RunState, fold

COPIED = ("blobs", "history", "env_log", "trials/tune")
"""Folders that the entries of an unfrozen run may name."""


def branch(parent: RunFolder, at: int, home: Home, *, say: str = "", by: str = "person") -> RunFolder:
    """The run that shares `parent`'s entries up to number `at`, with `say` as the first remark to its agent.

    Raises SetupError when there is no such entry or the protocol was frozen by then; then nothing was made.
    """
    entries = list(read(parent.journal))
    state = fold(entries)
    _check(at, entries, state)
    run = new_run(home.logs, parent.path.parent.name)
    try:
        _copy(parent, run)
        known = state.verdict.word if state.verdict else ""
        event = RunBranched(run=run.name, parent=parent.name, at=at, hash=entries[at].hash, known=known, by=by)
        _begin(run, _lines(parent.journal, at + 1), event)
        if say:
            inbox.leave(run.inbox, inbox.Message(action="say", text=say, author=by))
    except (OSError, ValueError) as error:
        shutil.rmtree(run.path, ignore_errors=True)
        raise SetupError(f"the branch could not be made: {error}") from error
    return run


def _check(at: int, entries: list[Entry], state: RunState) -> None:
    last = state.protocol_seq - 1 if state.protocol_seq >= 0 else len(entries) - 1
    if state.finished is not None and state.protocol_seq < 0:
        last = len(entries) - 2
    if not 0 <= at < len(entries):
        raise SetupError(f"the run has entries 0 to {len(entries) - 1}, none with number {at}")
    if at > last:
        raise SetupError(
            f"entry {at} comes after the protocol was frozen or the run ended; branch from an entry up to {last}, "
            "or start a new run"
        )


def _begin(run: RunFolder, past: bytes, event: RunBranched) -> None:
    """The journal appears whole, with the event that says what it is: a copy without it would pass for the parent."""
    making = run.journal.with_suffix(".making")
    making.parent.mkdir(parents=True)
    making.write_bytes(past)
    journal = Journal(making)
    journal.append(event)
    journal.close()
    making.replace(run.journal)
    settle_tree(run.path)


def _copy(parent: RunFolder, run: RunFolder) -> None:
    for name in COPIED:
        if (parent.path / name).is_dir():
            shutil.copytree(parent.path / name, run.path / name, symlinks=True)
    if parent.paper.is_file():
        shutil.copyfile(parent.paper, run.paper)
    settle_tree(run.path)


def _lines(journal: Path, count: int) -> bytes:
    with journal.open("rb") as file:
        return b"".join(line for _, line in takewhile(lambda pair: pair[0] < count, enumerate(file)))
