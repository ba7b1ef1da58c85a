"""Tasks from import to grading, in kinds and packings beyond a table with a label; and what stays outside."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from copilot.errors import CannotDo, SetupError
from copilot.lab.evaluate import open_evaluator
from copilot.lab.importers import import_task
from copilot.lab.scan import sealed_labels
from copilot.lab.taskkind.choose import CATALOGUE
from copilot.lab.taskkind.describe import TaskKind
from copilot.lab.unpack import unpack_all
from tests.tasks.arms import recognise, run_arm
from tests.tasks.made import Made, page, rule
from tests.tasks.made_more import MORE

FAST = ["writing", "baskets"]


def bring(folder: Path, made: Made, data: Path) -> Path:
    """Write task.md and the grading folder, and import them."""
    (data / "task.md").write_text(made.text)
    grading = folder / "grading"
    grading.mkdir()
    (grading / "grade.json").write_text(json.dumps(made.grade))
    made.answers.to_csv(grading / "answers.csv", index=False)
    import_task(data, grading=grading, name="mine", problems=folder / "problems", workspaces=folder / "workspaces")
    return folder / "problems" / "mine"


def check(name: str, tmp_path: Path) -> None:
    """Import, recognise, run the baseline and the first treatments: the one picked on validation data is better."""
    data = tmp_path / "data"
    data.mkdir()
    made = MORE[name](data, np.random.default_rng(5))
    task = bring(tmp_path, made, data)
    kind, choice = recognise(task / "data", made.text, made.grade)
    assert kind.kind == made.kind
    evaluator = open_evaluator(task / "sealed")
    scores = []
    for place, parameters in enumerate([choice.baseline, choice.candidates[0].parameters]):
        workspace = tmp_path / f"arm{place}"
        run_arm(workspace, task / "data", choice, parameters)
        predictions = next((workspace / "out").glob("predictions.*"))
        scores.append(evaluator.grade(predictions) * (1 if kind.direction == "maximize" else -1))
    assert scores[1] > scores[0]


@pytest.mark.parametrize("name", FAST)
def test_a_treatment_beats_the_simplest_answer(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(MORE) - set(FAST)))
def test_a_treatment_beats_the_simplest_answer_in_the_other_forms(name: str, tmp_path: Path) -> None:
    check(name, tmp_path)


@pytest.mark.parametrize("name", sorted(set(MORE) - set(FAST)))
def test_other_forms_are_recognised(name: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    made = MORE[name](data, np.random.default_rng(5))
    task = bring(tmp_path, made, data)
    kind, choice = recognise(task / "data", made.text, made.grade)
    assert kind.kind == made.kind and len(choice.candidates) >= 3


def test_every_kind_has_three_treatments_for_every_metric() -> None:
    """A round of ideas needs three."""
    metrics = ["mae", "rmsle", "accuracy", "macro_f1", "f1", "roc_auc", "log_loss", "cer", "pinball_0.9", "ndcg_at_3"]
    roles: dict[str, list[dict[str, Any]]] = {
        "graph": [{"task": t} for t in ("nodes", "links", "graphs")],
        "transduction": [{"words": w} for w in (True, False)],
    }
    for name, (candidates, _) in CATALOGUE.items():
        for metric, problem, positive, rows, size in product(
            metrics, ("classification", "regression"), (None, "1"), (100, 9000), (10, 10**8)
        ):
            for own in roles.get(name, [{}]):
                kind: Any = {"kind": name, "problem": problem, "metric": metric, "direction": "maximize", "roles": own}
                rest = {"train": ["a"], "test": "b", "keys": ["id"], "targets": ["y"], "rows": rows, "characters": size}
                found = candidates(TaskKind(**kind, **rest, positive=positive, classes=3))
                assert len(found) >= 3, (name, metric, problem)


OUTSIDE = {
    "simulator": ("mean episode return", rule("episode_return", ["episode"], "return"), "none", CannotDo),
    "video": ("accuracy", rule("accuracy", ["clip"], "action"), "video", None),
    "survival": ("concordance index", rule("c_index", ["id"], "time"), "table", CannotDo),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_what_is_outside_the_catalogue_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    from copilot.lab.taskkind import describe, why_not

    metric, grade, files, refused = OUTSIDE[name]
    data = tmp_path / "data"
    data.mkdir()
    (data / "settings.json").write_text('{"gravity": 9.8}')
    if files == "video":
        (data / "train").mkdir()
        (data / "train" / "a.mp4").write_bytes(b"\0" * 99)
        pd.DataFrame({"clip": ["a"] * 20, "action": ["run"] * 20}).to_csv(data / "labels.csv", index=False)
    if files == "table":
        pd.DataFrame({"id": range(30), "x": 1.0, "time": 2.0}).to_csv(data / "train.csv", index=False)
        pd.DataFrame({"id": range(30, 40), "x": 1.0}).to_csv(data / "test.csv", index=False)
    text = page("Do it.", metric, "CSV.")
    task = bring(tmp_path, Made("", text, grade, pd.DataFrame({grade["key"][0]: ["a"], grade["target"]: ["1"]})), data)
    assert describe(task / "data", text, grade) is None
    said = why_not(task / "data", text, grade)
    assert said.endswith(".") and "\n" not in said
    if refused:
        with pytest.raises(refused, match="no evaluator here computes"):
            open_evaluator(task / "sealed")


def test_archives_stay_in_their_folder_and_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip
    import zipfile

    from copilot.lab import unpack

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("../out.csv", "x")
    with pytest.raises(SetupError, match="would leave the folder"):
        unpack_all(tmp_path)
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 nonsense")
    with pytest.raises(SetupError, match="cannot be unpacked"):
        unpack_all(tmp_path)
    (tmp_path / "a.zip").unlink()
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(b"1," * 4000))
    monkeypatch.setattr(unpack, "MOST_BYTES", 5000)
    with pytest.raises(SetupError, match="unpacks to more than"):
        unpack_all(tmp_path)
    monkeypatch.undo()
    (tmp_path / "b.csv").unlink()
    assert unpack_all(tmp_path) == 1 and [path.name for path in tmp_path.iterdir()] == ["b.csv"]


EVALUATIONS = {
    "folder": "def get_score(folder='../env'):\n    return error(os.path.join(folder, 'submission.csv'))\n",
    "file": "def evaluate(submission_path):\n    return {'mae': error(submission_path), 'n': 3}\n",
    "nothing": "def get_score():\n    return error('submission.csv')\n",
    "printed": "if __name__ == '__main__':\n    print('rows', 3)\n    print('MAE:', error('submission.csv'))\n",
    "argument": "if __name__ == '__main__':\n    print(json.dumps({'mae': error(sys.argv[1])}))\n",
    "modules": "def get_score(folder):\n    from helpers import read\n    return error(read(folder))\n",
}


@pytest.mark.parametrize("way", EVALUATIONS)
def test_evaluation_scripts_of_any_signature(way: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name in ("env", "scripts"):
        (source / name).mkdir(parents=True)
    rows = pd.DataFrame({"id": range(40), "x": range(40), "y": range(40)})
    rows.iloc[:30].to_csv(source / "env" / "train.csv", index=False)
    rows.iloc[30:].drop(columns="y").to_csv(source / "env" / "unseen.csv", index=False)
    (source / "env" / "helpers.py").write_text("def read(folder):\n    return folder + '/submission.csv'\n")
    (source / "scripts" / "truth.csv").write_text(rows.iloc[30:][["id", "y"]].to_csv(index=False))
    (source / "scripts" / "research_problem.txt").write_text("Lower the mean absolute error of `id,y`.")
    head = (
        "import json, os, sys\nimport pandas as pd\nHERE = os.path.dirname(os.path.abspath(__file__))\n"
        "def error(path):\n    said, true = pd.read_csv(path), pd.read_csv(os.path.join(HERE, 'truth.csv'))\n"
        "    return float((said.y - true.y).abs().mean())\n"
    )
    (source / "scripts" / "eval.py").write_text(head + EVALUATIONS[way])
    import_task(source, grading=None, name="mine", problems=tmp_path / "problems", workspaces=tmp_path / "workspaces")
    task = tmp_path / "problems" / "mine"
    predictions = tmp_path / "predictions.csv"
    rows.iloc[30:].assign(y=lambda table: table.y + 2.5)[["id", "y"]].to_csv(predictions, index=False)
    evaluator = open_evaluator(task / "sealed", task / "evaluate.py")
    assert evaluator.grade(predictions) == pytest.approx(2.5)
    workspace = tmp_path / "workspaces" / "mine"
    assert sealed_labels(workspace, task / "sealed", evaluator, {}, []).passed is True
    (workspace / "mine.csv").write_bytes((task / "sealed" / "truth.csv").read_bytes())
    assert sealed_labels(workspace, task / "sealed", evaluator, {}, []).passed is False
