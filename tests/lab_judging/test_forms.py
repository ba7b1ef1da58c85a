"""Metrics whose cells are more than one label or number: sets, orderings, texts, flags, quantiles, weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import SetupError
from copilot.lab import metrics
from copilot.lab.evaluate import FileEvaluator, Refused
from copilot.lab.labelsets import separator_of
from copilot.lab.texts import edit_distance

from .builders import seal, write_csv


def graded(folder: Path, answers: list[dict[str, Any]], given: list[dict[str, Any]], metric: str, **rule: Any) -> float:
    """The score of `given` against `answers`."""
    first, second, *_ = answers[0]
    evaluator = FileEvaluator(seal(folder / "sealed", answers, metric, **{"key": first, "target": second, **rule}))
    return evaluator.grade(write_csv(folder / "predictions.csv", given))


TRUE = ["a|b", "b", "c|a", "a", "b|c", "a|b|c", "c"]
SETS: list[dict[str, Any]] = [{"id": place, "y": cell} for place, cell in enumerate(TRUE, 1)]
GUESSED = ["b", "b", "a|c", "a|c", "c|b", "a|b", "c"]


@pytest.mark.parametrize(
    ("metric", "function", "options"),
    [
        ("micro_f1", sk.f1_score, {"average": "micro"}),
        ("macro F1", sk.f1_score, {"average": "macro"}),
        ("samples_f1", sk.f1_score, {"average": "samples"}),
        ("dice", sk.f1_score, {"average": "samples"}),
        ("samples_jaccard", sk.jaccard_score, {"average": "samples"}),
        ("jaccard_macro", sk.jaccard_score, {"average": "macro"}),
        ("hamming_loss", sk.hamming_loss, {}),
        ("accuracy", sk.accuracy_score, {}),
    ],
)
def test_sets_of_labels_are_scored_as_scikit_learn_does(
    tmp_path: Path, metric: str, function: Any, options: dict[str, Any]
) -> None:
    given = [{"id": row["id"], "y": cell} for row, cell in zip(SETS, GUESSED, strict=True)]

    def matrix(cells: list[str]) -> Any:
        return np.array([[label in cell.split("|") for label in "abc"] for cell in cells]).astype(int)

    expected = function(matrix([row["y"] for row in SETS]), matrix(GUESSED), **options)
    direction = "lower" if metric == "hamming_loss" else "higher"
    assert graded(tmp_path / "cell", SETS, given, metric, direction=direction) == pytest.approx(expected)
    flags = [
        [
            {"id": row["id"], **{f: int(f in cell.split("|")) for f in "abc"}}
            for row, cell in zip(SETS, cells, strict=True)
        ]
        for cells in ([row["y"] for row in SETS], GUESSED)
    ]
    asked = {"direction": direction, "target": ["a", "b", "c"]}
    assert graded(tmp_path / "flags", flags[0], flags[1], metric, **asked) == pytest.approx(expected)


def test_an_empty_set_is_an_answer_and_a_doubled_label_is_none(tmp_path: Path) -> None:
    given = [{"id": row["id"], "y": "" if row["id"] == 1 else row["y"]} for row in SETS]
    assert graded(tmp_path / "a", SETS, given, "accuracy") == pytest.approx(6 / 7)
    given[1]["y"] = "b|b"
    with pytest.raises(Refused, match="names a class twice"):
        graded(tmp_path / "b", SETS, given, "accuracy")
    with pytest.raises(Refused, match="must be 0 or 1"):
        graded(
            tmp_path / "c", [{"id": 1, "a": 1, "b": 0}], [{"id": 1, "a": 0.4, "b": 0}], "micro_f1", target=["a", "b"]
        )


def test_marks_within_a_label_separate_nothing() -> None:
    assert separator_of(["New York", "Los Angeles", "New York", "Rome"] * 9) == ""
    assert separator_of(["Jones, Tom", "Smith, Ann", "Smith, Tom"] * 9) == ""
    assert separator_of(["a|b", "a", "b|c"] * 9) == "|"
    assert separator_of(["red blue", "red", "blue", "green", "green red", "blue green red"] * 9) == " "
    assert separator_of([["a"], ["b", "c"]]) == "[]"


RELEVANCE = [("a", 1, 3), ("a", 2, 0), ("a", 3, 1), ("b", 1, 0), ("b", 2, 2), ("c", 1, 0), ("c", 2, 0), ("d", 1, 1)]
QUERIES = [{"q": q, "d": d, "y": y} for q, d, y in RELEVANCE]


def test_rows_are_ordered_within_their_group(tmp_path: Path) -> None:
    given = [{**row, "y": score} for row, score in zip(QUERIES, [0.1, 0.9, 0.5, 0.2, 0.3, 1, 2, 3], strict=True)]
    rule: dict[str, Any] = {"key": ["q", "d"], "target": "y"}
    expected = np.mean([sk.ndcg_score([[3, 0, 1]], [[0.1, 0.9, 0.5]], k=2), 1.0])
    assert graded(tmp_path / "a", QUERIES, given, "NDCG@2", **rule) == pytest.approx(expected)
    precision = sk.average_precision_score([1, 0, 1], [0.1, 0.9, 0.5])
    assert graded(tmp_path / "b", QUERIES, given, "MAP", **rule) == pytest.approx((precision + 1) / 2)
    assert graded(tmp_path / "c", QUERIES, given, "mrr", **rule) == pytest.approx((1 / 2 + 1) / 2)
    assert graded(tmp_path / "d", QUERIES, given, "precision@1", **rule) == pytest.approx(1 / 2)
    with pytest.raises(SetupError, match="needs `group` or two key columns"):
        graded(tmp_path / "e", [{"id": 1, "y": 1}], [{"id": 1, "y": 1}], "ndcg")


def test_items_are_named_best_first(tmp_path: Path) -> None:
    answers = [{"user": "u1", "item": "3 7"}, {"user": "u2", "item": "5"}]
    given = [{"user": "u1", "item": "7 1 3"}, {"user": "u2", "item": "1 2 5"}]
    rule: dict[str, Any] = {"key": "user", "target": "item"}
    for metric, expected in {
        "map@3": ((1 + 2 / 3) / 2 + 1 / 3) / 2,
        "recall@2": (1 / 2 + 0) / 2,
        "precision@3": (2 / 3 + 1 / 3) / 2,
        "mrr@2": (1 + 0) / 2,
        "ndcg@3": ((1 + 1 / 2) / (1 + 1 / np.log2(3)) + 1 / 2) / 2,
    }.items():
        assert graded(tmp_path / metric, answers, given, metric, **rule) == pytest.approx(expected)
    given[0]["item"] = "7 7"
    with pytest.raises(Refused, match="twice"):
        graded(tmp_path / "twice", answers, given, "map@3", **rule)


def test_texts_are_scored_by_edits(tmp_path: Path) -> None:
    answers = [{"id": 1, "y": "the cat sat"}, {"id": 2, "y": "on a mat"}]
    given = [{"id": 1, "y": "the bat sat down"}, {"id": 2, "y": "on a mat"}]
    rule: dict[str, Any] = {"direction": "lower"}
    assert graded(tmp_path / "w", answers, given, "WER", **rule) == pytest.approx(2 / 6)
    assert graded(tmp_path / "c", answers, given, "character error rate", **rule) == pytest.approx(6 / 19)
    given[1]["y"] = "  "
    with pytest.raises(Refused, match="has no text"):
        graded(tmp_path / "e", answers, given, "WER", **rule)


@given(st.text("abc", max_size=9), st.text("abcd", max_size=9))
def test_edit_distance_is_levenshteins(one: str, other: str) -> None:
    rows = [[*range(len(other) + 1)]]
    for a in one:
        row = [rows[-1][0] + 1]
        for place, b in enumerate(other):
            row.append(min(row[-1] + 1, rows[-1][place + 1] + 1, rows[-1][place] + (a != b)))
        rows.append(row)
    assert edit_distance(one, other) == rows[-1][-1] == edit_distance(other, one)


def test_a_quantile_and_weights_come_from_the_rule(tmp_path: Path) -> None:
    answers = [{"id": i, "y": float(i), "w": 1 + i % 3} for i in range(1, 9)]
    given = [{"id": i, "y": i + (-1) ** i} for i in range(1, 9)]
    truth, said = np.arange(1.0, 9), np.array([i + (-1.0) ** i for i in range(1, 9)])
    low = {"direction": "lower"}
    expected = sk.mean_pinball_loss(truth, said, alpha=0.9)
    assert graded(tmp_path / "a", answers, given, "pinball", quantile=0.9, **low) == pytest.approx(expected)
    assert graded(tmp_path / "b", answers, given, "pinball loss @ 0.9", **low) == pytest.approx(expected)
    weights = [1 + i % 3 for i in range(1, 9)]
    squares = sk.mean_squared_error(truth, said + truth / 9, sample_weight=weights)
    bent = [{"id": i, "y": s + t / 9} for i, s, t in zip(range(1, 9), said, truth, strict=True)]
    assert graded(tmp_path / "c", answers, bent, "mse", weight="w", **low) == pytest.approx(squares)
    with pytest.raises(SetupError, match="no form that weighs"):
        graded(tmp_path / "d", answers, given, "spearman", weight="w")


def test_scores_of_several_flags_are_means_over_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    answers = [{"id": i, "a": int(i % 2), "b": int(i % 3 == 0)} for i in range(30)]
    given = [{"id": i, "a": round(rng.random(), 3), "b": round(rng.random(), 3)} for i in range(30)]
    columns = [([row[name] for row in answers], [row[name] for row in given]) for name in "ab"]
    rule: dict[str, Any] = {"target": ["a", "b"]}
    expected = np.mean([sk.roc_auc_score(*pair) for pair in columns])
    assert graded(tmp_path / "a", answers, given, "roc_auc", **rule) == pytest.approx(expected)
    losses = np.mean([sk.log_loss(*pair) for pair in columns])
    assert graded(tmp_path / "b", answers, given, "log_loss", direction="lower", **rule) == pytest.approx(losses)


def test_chance_of_an_ordering_is_not_the_ordering_itself(tmp_path: Path) -> None:
    from copilot.lab.leaks import _chance

    rows = [{"q": q, "d": d, "y": int(d == q % 6)} for q in range(40) for d in range(6)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, "ndcg", key=["q", "d"]))
    perfect = evaluator.open_rows(write_csv(tmp_path / "predictions.csv", rows))
    assert perfect.score() == 1.0 and perfect.units == 40
    mean, spread = _chance(perfect)
    assert mean < 0.75 and 0 < spread < 0.1


def test_metrics_with_a_number_in_their_name() -> None:
    names = {
        "NDCG@10": "ndcg_at_10",
        "map at 5": "map_at_5",
        "Hit rate @ 3": "top_3_accuracy",
        "pinball_0.25": "pinball_0.25",
    }
    for name, expected in names.items():
        found = metrics.find(name)
        assert found is not None and found.name == expected
    assert metrics.find("pinball", quantile=1.5) is None
