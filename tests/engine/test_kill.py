"""Kill the engine after every single event of a run; what comes out is what an undisturbed run gives."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.events import ModelCalled, RunFinished
from copilot.journal import read
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from copilot.state import fold

ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "problems").mkdir()
    return Home(tmp_path)


def begin(home: Home) -> RunFolder:
    return start_run("", "", QUESTION, Settings(seeds=2, tuning=2), home, ENV)


@pytest.mark.sandbox
@pytest.mark.timeout(400)
def test_a_run_killed_after_every_event_ends_in_the_same_verdict(home: Home) -> None:
    undisturbed, killed = begin(home), begin(home)
    drive(undisturbed, home, ENV)
    wanted = fold(read(undisturbed.journal))
    deaths = 0
    command = [sys.executable, "-m", "tests.engine.crash", str(killed.path), str(home.root), str(home.root / "seen")]
    for _ in range(300):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        deaths += 1
    entries = list(read(killed.journal))
    state = fold(entries)
    assert deaths >= 40
    assert state.verdict == wanted.verdict
    assert state.trials.keys() == wanted.trials.keys()
    assert {key: result.value for key, result in state.trials.items()} == {
        key: result.value for key, result in wanted.trials.items()
    }
    calls = Counter(entry.event.request_hash for entry in entries if isinstance(entry.event, ModelCalled))
    assert set(calls.values()) == {1}
    assert sum(isinstance(entry.event, RunFinished) for entry in entries) == 1
    assert verify_run(killed.path) == []
    assert len((home.root / "seen").read_text().splitlines()) == deaths
