"""A list of runs is right whatever happened to the shortcuts beside the journals, and cheap when nothing did."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from copilot.domain.task import Settings, Task
from copilot.events import RunFinished, RunStarted, Warned
from copilot.journal import Journal, JournalDamaged
from copilot.projection import KEY_FILE, projected
from copilot.runs import RunFolder, list_runs, new_run
from copilot.state import RunState

LAST: TypeAdapter[str | None] = TypeAdapter(str | None)


def begin(logs: Path, word: str) -> RunFolder:
    run = new_run(logs, "demo")
    append(run, RunStarted(run=run.name, source="task", task=Task(name="demo"), settings=Settings(), version="0"))
    append(run, Warned(where="w", text=word))
    return run


def append(run: RunFolder, event: RunStarted | Warned | RunFinished) -> None:
    journal = Journal(run.journal)
    journal.append(event)
    journal.close()


class Reads:
    """The text of the last warning, and how often a journal was read for it."""

    def __init__(self) -> None:
        self.count = 0

    def of(self, run: RunFolder, logs: Path, name: str = "last") -> str | None:
        return projected(run, logs, name, LAST, self._make)

    def _make(self, state: RunState) -> str | None:
        self.count += 1
        return state.warnings[-1].text if state.warnings and state.finished is None else None


def kept(run: RunFolder) -> Path:
    return run.journal.with_name("last.projection")


def test_a_journal_is_read_once_and_again_when_the_run_went_on(tmp_path: Path) -> None:
    reads, run = Reads(), begin(tmp_path, "one")
    assert [reads.of(run, tmp_path) for _ in range(3)] == ["one"] * 3
    assert reads.count == 1
    append(run, Warned(where="w", text="two"))
    assert [reads.of(run, tmp_path) for _ in range(3)] == ["two"] * 3
    append(run, RunFinished(status="done", exit_code=0))
    assert [reads.of(run, tmp_path) for _ in range(3)] == [None] * 3
    assert reads.count == 3


def test_a_run_that_was_deleted_is_gone_from_the_list(tmp_path: Path) -> None:
    reads, runs = Reads(), [begin(tmp_path, word) for word in ("one", "two")]
    for run in runs:
        reads.of(run, tmp_path)
    shutil.rmtree(runs[0].path)
    assert [reads.of(run, tmp_path) for run in list_runs(tmp_path)] == ["two"]


def _forge(run: RunFolder, other: RunFolder) -> None:
    seal = kept(run).read_bytes().partition(b"\n")[0]
    kept(run).write_bytes(seal + b'\n"supported"')


def _exchange(run: RunFolder, other: RunFolder) -> None:
    kept(run).write_bytes(kept(other).read_bytes())


def _tear(run: RunFolder, other: RunFolder) -> None:
    kept(run).write_bytes(kept(run).read_bytes()[:-2])


def _empty(run: RunFolder, other: RunFolder) -> None:
    kept(run).write_bytes(b"")


def _garble(run: RunFolder, other: RunFolder) -> None:
    kept(run).write_bytes(b"\xff\x00" * 50)


def _remove(run: RunFolder, other: RunFolder) -> None:
    kept(run).unlink()


def _foreign(run: RunFolder, other: RunFolder) -> None:
    """Sealed with all care, by somebody else's key."""
    (run.path.parent.parent / KEY_FILE).unlink()


@pytest.mark.parametrize("spoil", [_forge, _exchange, _tear, _empty, _garble, _remove, _foreign])
def test_a_spoilt_shortcut_is_made_again(tmp_path: Path, spoil: Callable[[RunFolder, RunFolder], None]) -> None:
    reads, run, other = Reads(), begin(tmp_path, "one"), begin(tmp_path, "two")
    reads.of(run, tmp_path), reads.of(other, tmp_path)
    spoil(run, other)
    assert [reads.of(run, tmp_path) for _ in range(2)] == ["one"] * 2
    assert reads.count == 3


def test_a_projection_of_another_name_or_run_is_not_taken(tmp_path: Path) -> None:
    reads, run = Reads(), begin(tmp_path, "one")
    reads.of(run, tmp_path)
    shutil.copy(kept(run), run.journal.with_name("first.projection"))
    reads.of(run, tmp_path, "first")
    assert reads.count == 2
    moved = RunFolder(run.path.rename(run.path.with_name("2026-11-20T00-00-00Z")))
    assert reads.of(moved, tmp_path) == "one" and reads.count == 3


def test_a_journal_changed_in_its_place_is_found_although_its_times_were_set_back(tmp_path: Path) -> None:
    reads, run = Reads(), begin(tmp_path, "one")
    reads.of(run, tmp_path)
    before = run.journal.stat()
    text = run.journal.read_bytes()
    with run.journal.open("r+b") as file:
        file.seek(text.index(b'"demo"'))
        file.write(b'"dome"')
    os.utime(run.journal, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert run.journal.stat().st_size == before.st_size
    with pytest.raises(JournalDamaged):
        reads.of(run, tmp_path)


def test_nothing_is_left_beside_a_run_from_elsewhere(tmp_path: Path) -> None:
    reads, run = Reads(), begin(tmp_path / "bundle", "one")
    assert [reads.of(run, tmp_path / "logs") for _ in range(2)] == ["one"] * 2
    assert reads.count == 2 and not kept(run).exists() and not (tmp_path / "bundle" / KEY_FILE).exists()


def test_a_full_disk_only_costs_time(tmp_path: Path) -> None:
    reads, run = Reads(), begin(tmp_path, "one")
    kept(run).mkdir()
    (tmp_path / KEY_FILE).mkdir()
    assert [reads.of(run, tmp_path) for _ in range(2)] == ["one"] * 2


def test_reading_a_shortcut_does_not_grow_with_the_journal(tmp_path: Path) -> None:
    import time

    reads, run = Reads(), begin(tmp_path, "one")
    journal = Journal(run.journal)
    for number in range(3000):
        journal.append(Warned(where="w", text=str(number)))
    journal.close()
    began = time.perf_counter()
    reads.of(run, tmp_path)
    whole = time.perf_counter() - began
    began = time.perf_counter()
    for _ in range(20):
        assert reads.of(run, tmp_path) == "2999"
    assert reads.count == 1 and time.perf_counter() - began < whole
