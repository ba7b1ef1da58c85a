"""Two engines on one run: one works, the other is told. Two runs on one task: neither notices the other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.launch import is_running
from copilot.engine.start import start_run
from copilot.errors import SetupError
from copilot.journal import Journal, read
from copilot.report.verify import verify_run
from copilot.runs import RunFolder, find_run
from copilot.state import fold

ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "problems").mkdir()
    return Home(tmp_path)


def begin(home: Home) -> RunFolder:
    return start_run("", "", QUESTION, Settings(seeds=2, tuning=1), home, ENV)


def engine(run: RunFolder, home: Home) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "copilot", "resume", str(run.path), "--quiet"]
    env = {**os.environ, **ENV, "COPILOT_HOME": str(home.root)}
    return subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def test_a_second_engine_is_told_who_works_and_changes_nothing(home: Home) -> None:
    run = begin(home)
    first = Journal(run.journal)
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert is_running(run)
    second = engine(run, home)
    _, said = second.communicate()
    assert second.returncode == 2 and "another engine is working on this run" in said and "Traceback" not in said
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == before
    first.close()
    assert not is_running(run)


@pytest.mark.slow
@pytest.mark.sandbox
@pytest.mark.timeout(300)
def test_two_runs_of_one_question_at_once_come_to_the_same_verdict(home: Home) -> None:
    runs = [begin(home), begin(home)]
    engines = [engine(run, home) for run in runs]
    assert [working.communicate() and working.returncode for working in engines] == [0, 0]
    first, second = (fold(read(run.journal)) for run in runs)
    assert first.verdict == second.verdict and first.verdict is not None
    assert {key: result.value for key, result in first.trials.items()} == {
        key: result.value for key, result in second.trials.items()
    }
    assert [verify_run(run.path) for run in runs] == [[], []]


def test_a_run_that_never_began_is_not_resumed(home: Home) -> None:
    run = begin(home)
    run.journal.write_bytes(run.journal.read_bytes()[:-20])
    working = engine(run, home)
    _, said = working.communicate()
    assert working.returncode == 2 and "never began" in said
    with pytest.raises(SetupError, match="never began"):
        find_run(run.name, home.logs)
