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


GRADED = """
import argparse, csv, json, os, pathlib, random, statistics
given = argparse.ArgumentParser()
given.add_argument("--arm"); given.add_argument("--seed", type=int); given.add_argument("--out", type=pathlib.Path)
given = given.parse_args()
fits = json.loads(pathlib.Path("arms.json").read_text())[given.arm]["fits"]
train = list(csv.DictReader(open(os.environ["COPILOT_INPUTS"] + "/train.csv")))
x, y = zip(*[(float(row["x"]), float(row["y"])) for row in random.Random(given.seed).sample(train, 30)])
slope = statistics.linear_regression(x, y).slope if fits else 0.0
base = statistics.mean(y) - slope * statistics.mean(x)
rows = list(csv.DictReader(open(os.environ["COPILOT_INPUTS"] + "/test.csv")))
with open(given.out / "predictions.csv", "w") as file:
    file.write("id,y\\n")
    file.writelines(f"{row['id']},{base + slope * float(row['x'])}\\n" for row in rows)
wrong = sum(abs(float(row["y"]) - base - slope * float(row["x"])) for row in train) / len(train)
result = {"arm": given.arm, "seed": given.seed, "metrics": {"mae": wrong}}
(given.out / "result.json").write_text(json.dumps(result))
"""


@pytest.mark.sandbox
def test_a_task_with_sealed_answers_grades_the_arms_that_lie_beside_it(home: Home) -> None:
    """No part of the catalogue takes the place of an experiment that its author has written."""
    task, code = home.problems / "line", home.workspaces / "line"
    for folder in (task / "data", task / "sealed", code):
        folder.mkdir(parents=True)
    rows = [(i, (i * 37 % 90) / 10, 2 * ((i * 37 % 90) / 10) + (i * 13 % 7) / 7) for i in range(90)]
    (task / "problem.md").write_text(
        "---\nmetric: {name: mae, direction: minimize, minimum_effect: 0.1}\n---\nA line.\n"
    )
    (task / "data" / "train.csv").write_text("id,x,y\n" + "".join(f"{i},{x},{y}\n" for i, x, y in rows[:60]))
    (task / "data" / "test.csv").write_text("id,x\n" + "".join(f"{i},{x}\n" for i, x, _ in rows[60:]))
    (task / "sealed" / "answers.csv").write_text("id,y\n" + "".join(f"{i},{y}\n" for i, _, y in rows[60:]))
    (task / "sealed" / "grade.json").write_text(
        json.dumps({"metric": "mae", "direction": "lower", "key": ["id"], "target": "y"})
    )
    (code / "experiment.py").write_text(GRADED)
    (code / "arms.json").write_text(json.dumps({"baseline": {"fits": False}, "line": {"fits": True}}))
    state = outcome(start_run("line", "", "", Settings(seeds=6), home, ENV), home)
    assert state.verdict is not None and (state.verdict.word, state.verdict.trust) == ("supported", "graded")
    assert state.protocol is not None and [arm.name for arm in state.protocol.arms] == ["baseline", "line"]
    assert state.chosen_idea is not None and state.chosen_idea.source == "person"
