"""Recognising kinds of task, the wording of metrics, the catalogue's cards, and what is honestly refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copilot.lab import metrics
from copilot.lab.taskkind import choose, describe, why_not
from copilot.lab.taskkind.choose import CATALOGUE, card
from copilot.lab.taskkind.describe import NUMBERS, TaskKind
from copilot.lab.taskkind.kit import taskfiles, taskrows
from copilot.lab.taskkind.wording import canonical, read_wording, submission_columns
from tests.tasks.made import page, rule
from tests.tasks.synthetic import ALL


@pytest.mark.parametrize("name", sorted(ALL))
def test_kinds_are_recognised_and_arms_fit_their_cards(name: str, tmp_path: Path) -> None:
    made = ALL[name](tmp_path, np.random.default_rng(2))
    kind = describe(tmp_path, made.text, made.grade)
    assert kind is not None, why_not(tmp_path, made.text, made.grade)
    assert kind.kind == made.kind and why_not(tmp_path, made.text, made.grade) == ""
    choice = choose(kind)
    own = card(choice.prototype)
    assert len(choice.candidates) >= 2
    for parameters in (choice.baseline, *(candidate.parameters for candidate in choice.candidates)):
        for parameter, value in parameters.items():
            assert own.parameters[parameter].problem(value) == ""
    assert TaskKind.model_validate_json(choice.files["task.json"]) == kind


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_text_alone_says_enough_for_most(name: str, tmp_path: Path) -> None:
    """Without a grading rule, metric and columns come from the words."""
    made = ALL[name](tmp_path, np.random.default_rng(2))
    said = read_wording(made.text, None)
    known = metrics.find(str(made.grade["metric"]))
    assert known is not None
    assert said.metric in {known.name, "token_accuracy"} and said.keys == made.grade["key"][:1]
    assert (said.direction == "minimize") == (made.grade["direction"] == "lower")


@pytest.mark.parametrize("name", metrics.known_names())
def test_metric_names_of_the_graders_are_understood(name: str) -> None:
    name = name.replace("<k>", "3")
    said, known = read_wording("", {"metric": name, "key": "id", "target": "y"}), metrics.find(name)
    assert known is not None
    assert said.metric == known.name


def test_sentences_name_metrics() -> None:
    for sentence, metric in {
        "Area under the ROC curve of the submitted score": "roc_auc",
        "Unweighted mean of per-class F1.": "macro_f1",
        "F1 of the class spam (higher is better).": "f1",
        "Mean absolute error on the log scale.": "mae",
        "Root mean squared error.": "rmse",
        "Share of exactly equal characters (newline and space count).": "accuracy",
        "RMSLE": "rmsle",
        "accuracy of the single best guess": "accuracy",
        "the beauty of the answer": "",
    }.items():
        assert canonical(sentence) == metric, sentence


def test_submission_columns_from_either_spelling() -> None:
    assert submission_columns("## Submission\nCSV `ds,y`.") == ["ds", "y"]
    assert submission_columns("## Submission\nJSON Lines or CSV with `id` and `next` (one character).") == [
        "id",
        "next",
    ]


def test_what_is_outside_the_catalogue_is_refused_with_a_reason(tmp_path: Path) -> None:
    empty, other = tmp_path / "empty", tmp_path / "other"
    empty.mkdir()
    other.mkdir()
    (other / "paper.pdf").write_bytes(b"%PDF-1.7")
    (other / "train.csv").write_text("id,x\n" + "".join(f"{i},{i}\n" for i in range(30)))
    accuracy = rule("accuracy", ["id"], "label")
    cases: list[tuple[Path, str, dict[str, Any] | None, str]] = [
        (empty, "", accuracy, "no data files"),
        (other, page("Write a poem.", "Beauty", "a poem"), None, "metric"),
        (other, "", accuracy, "target label"),
        (other, "", rule("accuracy", [], []), "key and target"),
    ]
    for data, text, grade, reason in cases:
        assert describe(data, text, grade) is None
        assert reason in why_not(data, text, grade)
    (other / "test.csv").write_text("id,x\n1,2\n")
    assert "not numbers" in why_not(_with_words(tmp_path / "words"), "", rule("mae", ["id"], "y", "lower"))


def _with_words(folder: Path) -> Path:
    folder.mkdir()
    (folder / "train.csv").write_text("id,x,y\n" + "".join(f"{i},{i},w{i % 3}\n" for i in range(30)))
    (folder / "test.csv").write_text("id,x\n" + "".join(f"{i},{i}\n" for i in range(30, 40)))
    return folder


def test_grading_rules_never_reach_the_script(tmp_path: Path) -> None:
    """task.json holds names of columns and files, nothing of the answers or the reference scores."""
    made = ALL["one_file"](tmp_path, np.random.default_rng(2))
    kind = describe(tmp_path, made.text, {**made.grade, "reference_scores": {"secret": 0.123456}})
    assert kind is not None and "0.123456" not in json.dumps(choose(kind).files)


def test_every_kind_has_a_card_and_a_script(tmp_path: Path) -> None:
    for name in CATALOGUE:
        own = card(f"task_{name}")
        assert own.name == f"task_{name}" and own.parameters["model"].default in (own.parameters["model"].choices or [])


def test_shared_tasks_are_recognised(shared: Path) -> None:
    kinds = {
        "adult_income": "tabular", "banking77": "text", "digits_8x8": "images", "pageviews_forecast": "forecast",
        "penguin_mass": "tabular", "shakespeare_next_char": "completion", "sms_spam": "text",
        "wine_quality_red": "tabular",
    }  # fmt: skip
    for name, expected in kinds.items():
        data = shared / "tasks" / name
        text, grade = (
            (data / "task.md").read_text(),
            json.loads((shared / "tasks_grading" / name / "grade.json").read_text()),
        )
        for rules in (grade, None):
            kind = describe(data, text, rules)
            assert kind is not None and (kind.kind, kind.metric) == (expected, grade["metric"]), (name, kind)
            assert (kind.problem == "regression") == (kind.metric in NUMBERS)


CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=14),
    st.sampled_from(["accuracy", "mae", "roc_auc", "f1"]),
)
def test_describe_survives_any_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], metric: str
) -> None:
    import csv

    folder = tmp_path_factory.mktemp("any")
    for name, columns in (("train", ["id", "x", "y"]), ("test", ["id", "x"])):
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as handle:
            csv.writer(handle).writerows([columns, *(row[: len(columns)] for row in rows)])
    grade = rule(metric, ["id"], "y")
    found = describe(folder, "", grade)
    assert (found is None) == bool(why_not(folder, "", grade))


@settings(max_examples=60, deadline=None)
@example(b"PK\x03\x04 an archive by its first bytes", ".npz")
@given(st.binary(max_size=200), st.sampled_from([".csv", ".jsonl", ".npz", ".conll", ".tsv", ".json"]))
def test_describe_survives_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / f"train{suffix}").write_bytes(data)
    (folder / f"test{suffix}").write_bytes(data)
    assert describe(folder, "", rule("accuracy", ["id"], "y")) is None


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", x=np.array([{"a": 1}] * 20, dtype=object), y=np.arange(20))
    np.savez(tmp_path / "test.npz", x=np.arange(5))
    assert "could not read train.npz" in why_not(tmp_path, "", rule("accuracy", ["id"], "label"))


def test_column_types() -> None:
    import pandas as pd

    for kind, cells in {
        "number": ["1", "2.5", "", "NA"] * 5,
        "date": ["2024-01-02", "2024-02-03"],
        "category": ["red", "blue"] * 20,
        "text": [f"this is sentence number {i} of many" for i in range(30)],
        "symbols": ["ACGTACGTACGTACGT" + "ACGT"[i % 4] * i for i in range(30)],
        "tokens": [["a", "b"], ["c"]],
        "series": [[0.5, 1.5], [2.5, 3.25, 1.0]],
        "edges": [[[0, 1], [1, 2]], [[0, 2]]],
        "empty": ["", None],
    }.items():
        assert taskrows.column_type(pd.Series(cells, dtype=object)) == kind


def test_conll_keeps_sentences_and_skips_comments(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("-DOCSTART-\n\n# id = 1\nAda\tPER\nran\tO\n\n\nRome\tLOC\n")
    frame = taskfiles.read_conll(path)
    assert frame.values.tolist() == [[0, 0, "Ada", "PER"], [0, 1, "ran", "O"], [1, 0, "Rome", "LOC"]]
