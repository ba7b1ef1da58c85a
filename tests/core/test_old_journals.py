"""Journals that an earlier version wrote, byte by byte: they open, mean what they meant, and go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.events import PrototypeChosen, Unknown
from copilot.journal import Journal, read
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from copilot.state import fold

OLD = Path(__file__).with_name("journals") / "before_tuning.jsonl"


def test_an_old_journal_means_what_it_meant() -> None:
    entries = list(read(OLD))
    state = fold(entries)
    assert len(entries) == 106 and not any(isinstance(entry.event, Unknown) for entry in entries)
    assert state.status == "done" and state.verdict is not None and state.protocol is not None
    assert state.verdict.word == "inconclusive" and state.verdict.trust == "graded"
    assert state.verdict.protocol_hash == state.protocol.digest()
    assert len(state.trials) == 20 and all(result.status == "ok" for result in state.trials.values())


def test_an_old_journal_is_written_on(tmp_path: Path) -> None:
    path = tmp_path / "full_log.jsonl"
    shutil.copyfile(OLD, path)
    journal = Journal(path)
    journal.append(Unknown(original_kind="DreamtOf", data={"sheep": 3}))
    journal.close()
    assert path.read_bytes().startswith(OLD.read_bytes()) and len(list(read(path))) == 107


@pytest.mark.sandbox
@pytest.mark.timeout(200)
def test_an_old_run_with_an_event_from_the_future_is_resumed_to_its_verdict(tmp_path: Path) -> None:
    """Up to the choice of the prototype by an earlier version, the rest by this one."""
    entries = list(read(OLD))
    chosen = next(entry.seq for entry in entries if isinstance(entry.event, PrototypeChosen))
    run = RunFolder(tmp_path / "logs" / fold(entries).run)
    run.journal.parent.mkdir(parents=True)
    run.journal.write_bytes(b"".join(OLD.read_bytes().splitlines(keepends=True)[: chosen + 1]))
    journal = Journal(run.journal)
    journal.append(Unknown(original_kind="DreamtOf", data={"sheep": 3}))
    journal.close()
    drive(run, Home(tmp_path), {"COPILOT_OFFLINE": "1"}, settings=Settings(seeds=2, tuning=1))
    state = fold(read(run.journal))
    assert state.status == "done" and state.verdict is not None, state.finished
    assert state.verdict.word == "inconclusive" and len(state.verdict.comparisons[0].seeds) == 2
    assert all("stored text" in problem for problem in verify_run(run.path))
