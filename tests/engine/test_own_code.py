"""A person's own experiment: compared as it stands, on its own number, and nothing of the folder is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import OwnCode, Settings, TaskMetric
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.errors import SetupError
from copilot.journal import read
from copilot.lab.workspace import hash_tree
from copilot.memory.past import calibration, past_verdicts
from copilot.report.verify import verify_run
from copilot.runs import RunFolder, list_runs
from copilot.state import RunState, fold
from tests.engine.researcher import SCRIPT

ENV = {"COPILOT_OFFLINE": "1"}
SCORE = TaskMetric(name="score", direction="maximize", minimum_effect=0.01)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    (tmp_path / "problems").mkdir()
    return Home(tmp_path)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "experiment.py").write_text(SCRIPT)
    (folder / "arms.json").write_text(json.dumps({"faster": {"shift": 0.05}, "baseline": {"shift": 0.0}}))
    return folder


def begin(home: Home, code: Path, metric: TaskMetric | None = SCORE, **asked: str) -> RunFolder:
    given = {"task": "", "paper": "", "objective": "", **asked}
    return start_run(
        **given, settings=Settings(seeds=6), home=home, env=ENV, own=OwnCode(folder=str(code), metric=metric)
    )


def outcome(run: RunFolder, home: Home) -> RunState:
    drive(run, home, ENV)
    return fold(read(run.journal))


@pytest.mark.sandbox
def test_whole_experiments_run_without_a_model_and_without_touching_the_folder(home: Home, code: Path) -> None:
    before = hash_tree(code)
    run = begin(home, code)
    state = outcome(run, home)
    assert state.verdict is not None and state.verdict.word == "supported" and state.verdict.trust == "reported"
    assert state.protocol is not None and [arm.name for arm in state.protocol.arms] == ["baseline", "faster"]
    assert state.chosen_idea is not None and state.chosen_idea.source == "person"
    assert state.calls == sum(1 for turn in state.turns), "no model was asked for ideas"
    assert hash_tree(code) == before and verify_run(run.path) == []
    past = past_verdicts(home.logs)
    assert len(past) == 1 and calibration(past).count == 0, "nobody foretold it, so nobody is scored by it"


def test_what_is_changed_later_changes_no_run(home: Home, code: Path) -> None:
    run = begin(home, code)
    (code / "experiment.py").write_text("print('other')")
    assert (run.code / "experiment.py").read_text() == SCRIPT


def test_code_without_a_metric_is_asked_for_one(home: Home, code: Path) -> None:
    state = outcome(begin(home, code, None), home)
    assert state.status == "cannot" and state.finished is not None and state.finished.exit_code == 3
    assert "--metric" in state.finished.detail


def test_code_that_is_no_whole_experiment_needs_a_language_model(home: Home, code: Path) -> None:
    (code / "arms.json").unlink()
    state = outcome(begin(home, code), home)
    assert state.finished is not None and "offline cannot write an experiment" in state.finished.detail


def grow(folder: Path) -> None:
    """A file that is too large, without using the room."""
    (folder / "data.bin").touch()
    os.truncate(folder / "data.bin", 513 << 20)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda folder: folder.rename(folder.with_name("gone")), "is no folder"),
        (lambda folder: [path.unlink() for path in folder.iterdir()], "between 1 and"),
        (grow, "data outside"),
    ],
)
def test_a_folder_that_cannot_be_taken_makes_no_run(home: Home, code: Path, change: object, part: str) -> None:
    change(code)  # type: ignore[operator]
    with pytest.raises(SetupError, match=part):
        begin(home, code)
    assert list_runs(home.logs) == []


def test_code_and_a_task_together_are_refused(home: Home, code: Path) -> None:
    with pytest.raises(SetupError, match="workspaces/"):
        begin(home, code, task="demo")
