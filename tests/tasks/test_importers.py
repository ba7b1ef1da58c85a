"""Importing task folders: both known forms, whole or not at all, nothing executed, answers sealed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

from copilot.domain.task import TaskHead
from copilot.errors import SetupError
from copilot.lab.evaluate import ScriptEvaluator, open_evaluator
from copilot.lab.importers import import_task
from tests.tasks.made_rows import joined_tables


@pytest.fixture
def plain(tmp_path: Path) -> tuple[Path, Path]:
    """A task folder of the plain form and its grading folder."""
    source, grading = tmp_path / "source", tmp_path / "grading"
    source.mkdir()
    grading.mkdir()
    made = joined_tables(source, np.random.default_rng(0))
    (source / "task.md").write_text(made.text)
    (grading / "grade.json").write_text(json.dumps({**made.grade, "licence": "CC0-1.0"}))
    made.answers.to_csv(grading / "answers.csv", index=False)
    return source, grading


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    """A folder of the MLAgentBench form, whose prepare.py would leave a mark if it ran."""
    folder = tmp_path / "bench"
    (folder / "env").mkdir(parents=True)
    (folder / "scripts").mkdir()
    rows = "".join(f"{i},{i % 7},{2 * (i % 7) + i % 3}\n" for i in range(60))
    (folder / "env" / "train.csv").write_text("Id,size,price\n" + rows)
    (folder / "env" / "test.csv").write_text("Id,size\n" + "".join(f"{i},{i % 7}\n" for i in range(60, 80)))
    (folder / "env" / "train.py").write_text("import pandas as pd\n" + STARTER)
    (folder / "env" / "sub").mkdir()
    (folder / "env" / "sub" / "notes.md").write_text("notes")
    (folder / "scripts" / "research_problem.txt").write_text("Improve the baseline in train.py; save submission.csv.")
    (folder / "scripts" / "read_only_files.txt").write_text("train.csv\ntest.csv\n")
    (folder / "scripts" / "prepare.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    answers = "Id,price\n" + "".join(f"{i},{2 * (i % 7) + i % 3}\n" for i in range(60, 80))
    (folder / "scripts" / "answer.csv").write_text(answers)
    (folder / "scripts" / "eval.py").write_text(EVAL)
    return folder


STARTER = """
train, test = pd.read_csv("train.csv"), pd.read_csv("test.csv")
test.assign(price=train.price.mean())[["Id", "price"]].to_csv("submission.csv", index=False)
"""
EVAL = """
import os, pandas as pd
def get_score(submission_folder="../env"):
    print("noise")
    submission = pd.read_csv(os.path.join(submission_folder, "submission.csv"))
    answer = pd.read_csv(os.path.join(os.path.dirname(__file__), "answer.csv"))
    mae = sum(abs(submission["price"] - answer["price"])) / len(answer)
    return mae
"""


def bring(source: Path, tmp_path: Path, grading: Path | None = None, name: str = "mine") -> list[str]:
    return import_task(
        source, grading=grading, name=name, problems=tmp_path / "problems", workspaces=tmp_path / "workspaces"
    )


def head_of(folder: Path) -> TaskHead:
    return TaskHead.model_validate(yaml.safe_load((folder / "problem.md").read_text().split("---\n")[1]))


def test_the_plain_form(plain: tuple[Path, Path], tmp_path: Path) -> None:
    said = bring(plain[0], tmp_path, plain[1])
    task = tmp_path / "problems" / "mine"
    assert sorted(p.name for p in (task / "data").iterdir()) == [
        "customers.csv",
        "payments.csv",
        "test.csv",
        "train.csv",
    ]
    assert sorted(p.name for p in (task / "sealed").iterdir()) == ["answers.csv", "grade.json"]
    head = head_of(task)
    assert head.metric is not None
    assert (head.title, head.metric.name, head.metric.direction, head.licence) == (
        "A task",
        "rmse",
        "minimize",
        "CC0-1.0",
    )
    assert open_evaluator(task / "sealed").metric.name == "rmse"
    assert any("without a language model" in sentence for sentence in said)
    assert not (tmp_path / "workspaces" / "mine").exists()


def test_without_grading_it_says_that_numbers_are_only_reported(plain: tuple[Path, Path], tmp_path: Path) -> None:
    assert any("only be reported" in sentence for sentence in bring(plain[0], tmp_path))
    assert not (tmp_path / "problems" / "mine" / "sealed").exists()


def nothing_made(tmp_path: Path) -> bool:
    folders = [tmp_path / "problems", tmp_path / "workspaces"]
    return not any(entry for folder in folders if folder.exists() for entry in folder.iterdir())


def test_refusals_leave_nothing(plain: tuple[Path, Path], tmp_path: Path) -> None:
    source, grading = plain
    empty = tmp_path / "empty"
    empty.mkdir()
    for refused, match in (
        ((empty, None, "x"), "known form"),
        ((source, empty, "x"), "grade.json"),
        ((source, grading, "../x"), "name"),
    ):
        with pytest.raises(SetupError, match=match):
            bring(refused[0], tmp_path, refused[1], refused[2])
    (grading / "grade.json").write_text("{")
    with pytest.raises(SetupError, match="not JSON"):
        bring(source, tmp_path, grading)
    assert nothing_made(tmp_path)


def test_answers_in_the_open_are_refused(plain: tuple[Path, Path], tmp_path: Path) -> None:
    source, grading = plain
    (source / "hidden.csv").write_bytes((grading / "answers.csv").read_bytes())
    with pytest.raises(SetupError, match="same as the sealed answers"):
        bring(source, tmp_path, grading)
    assert nothing_made(tmp_path)


def test_a_taken_name_is_refused_and_kept(plain: tuple[Path, Path], tmp_path: Path) -> None:
    bring(plain[0], tmp_path, plain[1])
    before = (tmp_path / "problems" / "mine" / "problem.md").read_bytes()
    with pytest.raises(SetupError, match="exists already"):
        bring(plain[0], tmp_path, plain[1])
    assert (tmp_path / "problems" / "mine" / "problem.md").read_bytes() == before


def test_symbolic_links_are_left_out(plain: tuple[Path, Path], tmp_path: Path) -> None:
    (plain[0] / "passwd.csv").symlink_to("/etc/passwd")
    said = bring(plain[0], tmp_path, plain[1])
    assert not (tmp_path / "problems" / "mine" / "data" / "passwd.csv").exists()
    assert any("1 symbolic link" in sentence for sentence in said)


def test_the_benchmark_form_grades_by_id_and_wraps_the_starter(bench: Path, tmp_path: Path) -> None:
    said = bring(bench, tmp_path)
    task, workspace = tmp_path / "problems" / "mine", tmp_path / "workspaces" / "mine"
    rule = json.loads((task / "sealed" / "grade.json").read_text())
    assert rule == {"metric": "mae", "direction": "lower", "key": ["Id"], "target": "price"}
    assert (workspace / "train.py").read_text() == (bench / "env" / "train.py").read_text()
    assert {path.name for path in workspace.iterdir()} == {"train.py", "sub", "starter.json"}
    assert (workspace / "sub" / "notes.md").is_file() and not (workspace / "train.csv").exists()
    assert not (tmp_path / "ran").exists() and any("prepare.py was not run" in sentence for sentence in said)
    assert "train.csv, test.csv" in (task / "problem.md").read_text()
    assert not list((task / "data").rglob("answer*"))


def test_the_folders_own_eval_grades_where_no_rule_can_be_derived(bench: Path, tmp_path: Path) -> None:
    (bench / "env" / "test.csv").rename(bench / "env" / "unseen.csv")
    bring(bench, tmp_path)
    task = tmp_path / "problems" / "mine"
    evaluator = open_evaluator(task / "sealed", task / "evaluate.py")
    assert isinstance(evaluator, ScriptEvaluator)
    predictions = tmp_path / "predictions.csv"
    predictions.write_text("Id,price\n" + "".join(f"{i},{2 * (i % 7) + i % 3 + 1.5}\n" for i in range(60, 80)))
    assert evaluator.grade(predictions) == pytest.approx(1.5)
    assert not (task / "sealed" / "prepare.py").exists()


def test_a_benchmark_folder_without_data_names_its_prepare_script(bench: Path, tmp_path: Path) -> None:
    for name in ("train.csv", "test.csv"):
        (bench / "env" / name).unlink()
    with pytest.raises(SetupError, match=r"prepare\.py yourself"):
        bring(bench, tmp_path)
    assert nothing_made(tmp_path)


def test_every_shared_task_imports(shared: Path, tmp_path: Path) -> None:
    for source in sorted(path for path in (shared / "tasks").iterdir() if path.is_dir()):
        said = bring(source, tmp_path, shared / "tasks_grading" / source.name, source.name)
        assert any("can run without a language model" in sentence for sentence in said), (source.name, said)
