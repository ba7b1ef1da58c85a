"""Predictions against sealed answers: numbers from scikit-learn, and a clear refusal for everything else."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.errors import CannotDo, SetupError
from copilot.lab import metrics, texts
from copilot.lab.evaluate import FileEvaluator, Refused, open_evaluator
from copilot.lab.tagging import spans

from .builders import seal, write_csv

LABELS = ["spam", "ham", "ham", "spam", "ham", "ham"]
GUESSES = ["spam", "ham", "spam", "ham", "ham", "ham"]


def labelled(folder: Path, metric: str = "accuracy", **more: Any) -> FileEvaluator:
    rows = [{"id": 10 + place, "label": label} for place, label in enumerate(LABELS)]
    return FileEvaluator(seal(folder / "sealed", rows, metric, **more))


def submit(folder: Path, values: Sequence[Any] = tuple(GUESSES), column: str = "label") -> Path:
    return write_csv(folder / "predictions.csv", [{"id": 10 + i, column: value} for i, value in enumerate(values)])


def text(folder: Path, content: str, name: str = "predictions.csv") -> Path:
    path = folder / name
    path.write_text(content, encoding="utf-8")
    return path


def test_rows_are_graded_by_id_in_any_order(tmp_path: Path) -> None:
    evaluator = labelled(tmp_path)
    rows = [{"id": 10 + place, "label": guess} for place, guess in enumerate(GUESSES)]
    straight, backwards = submit(tmp_path), write_csv(tmp_path / "back.csv", rows[::-1])
    assert evaluator.grade(straight) == evaluator.grade(backwards) == pytest.approx(4 / 6)


def test_csv_json_lines_and_npz_are_the_same_to_it(tmp_path: Path) -> None:
    evaluator = labelled(tmp_path)
    lines = "".join(json.dumps({"id": 10 + i, "label": g}) + "\n" for i, g in enumerate(GUESSES))
    np.savez(tmp_path / "predictions.npz", id=np.arange(10, 16), label=np.array(GUESSES))
    files = [text(tmp_path, lines, "predictions.jsonl"), tmp_path / "predictions.npz"]
    assert [evaluator.grade(path) for path in files] == [pytest.approx(4 / 6)] * 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "empty"),
        ("id,label\n", "no rows"),
        ("id,label\n10,spam\n11,ham\n12,ham\n13,spam\n14,ham\n", "misses 1 of 6 rows, first id='15'"),
        ("id,label\n" + "".join(f"{10 + i},ham\n" for i in range(7)), "not asked for, first id='16'"),
        ("id,label\n10,ham\n10,ham\n11,ham\n12,ham\n13,ham\n14,ham\n15,ham\n", "duplicate rows, first for id='10'"),
        ("id,guess\n" + "".join(f"{10 + i},ham\n" for i in range(6)), "no 'label'"),
        ("row,label\n" + "".join(f"{10 + i},ham\n" for i in range(6)), "no column id; found row, label"),
        ("id,label\n10,\n" + "".join(f"{11 + i},ham\n" for i in range(5)), "row id='10' is empty"),
        ("id,label\n10,ham,more\n", "line 2 has 3 fields, the header has 2"),
        ("id,label,label\n", "names a column twice"),
        ('id,label\n10,"ham\n', "line 2 is not CSV: unexpected end of data"),
        ("[1, 2]", "not a JSON object"),
        ('{"id": 10, "label": "ham"', "is not JSON"),
        ("[" * 100_000, "is not JSON"),
    ],
)
def test_what_cannot_be_graded_is_refused_with_the_reason(tmp_path: Path, content: str, reason: str) -> None:
    evaluator = labelled(tmp_path)
    name = "predictions.json" if content.startswith(("[", "{")) else "predictions.csv"
    with pytest.raises(Refused, match=reason):
        evaluator.grade(text(tmp_path, content, name))


@pytest.mark.parametrize("cell", ["nan", "inf", "-inf", "1e400", "much", "", "0x10"])
def test_numbers_must_be_finite_numbers(tmp_path: Path, cell: str) -> None:
    rows = [{"id": place, "y": place / 2} for place in range(4)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, "mae", "lower"))
    bad = [{"id": place, "y": cell if place == 2 else 1} for place in range(4)]
    with pytest.raises(Refused, match="row id='2'"):
        evaluator.grade(write_csv(tmp_path / "predictions.csv", bad))


@pytest.mark.parametrize("content", ['{"id": 0, "y": NaN}', '{"id": 0, "y": null}', '{"id": 0, "y": [1]}'])
def test_json_cells_of_the_wrong_kind_are_refused(tmp_path: Path, content: str) -> None:
    evaluator = FileEvaluator(seal(tmp_path / "sealed", [{"id": 0, "y": 1.5}], "mae", "lower"))
    with pytest.raises(Refused, match="row id='0'"):
        evaluator.grade(text(tmp_path, content, "predictions.jsonl"))


def test_links_devices_folders_and_bombs_are_refused(tmp_path: Path) -> None:
    evaluator = labelled(tmp_path)
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "sealed" / "answers.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    big = text(tmp_path, "id,label\n" + "x" * (20 << 20), "big.csv")
    for path in (link, tmp_path / "pipe.csv", tmp_path, tmp_path / "none.csv", big):
        with pytest.raises(Refused):
            evaluator.grade(path)
    np.savez_compressed(tmp_path / "bomb.npz", id=np.zeros(40_000_000, dtype=np.int64))
    with pytest.raises(Refused, match="unpack"):
        evaluator.grade(tmp_path / "bomb.npz")


def test_pickles_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "predictions.npz", id=np.array([{"a": 1}] * 6, dtype=object))
    with pytest.raises(Refused, match="without pickles"):
        labelled(tmp_path).grade(tmp_path / "predictions.npz")


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.binary(max_size=300) | st.text(max_size=200).map(lambda s: ("id,label\n" + s).encode("utf-8", "ignore"))
)
def test_no_bytes_crash_the_grader(tmp_path: Path, content: bytes) -> None:
    if not (tmp_path / "sealed").exists():
        labelled(tmp_path)
    evaluator = FileEvaluator(tmp_path / "sealed")
    path = tmp_path / "predictions.csv"
    path.write_bytes(content)
    with pytest.raises(Refused):
        evaluator.grade(path)


def test_keys_and_numeric_classes_have_one_spelling(tmp_path: Path) -> None:
    rows = [{"id": f"{place:03d}", "digit": place % 3} for place in range(6)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, "accuracy"))
    guesses = [{"id": f"{place}.0", "digit": f"{place % 3}.0"} for place in range(6)]
    assert evaluator.grade(write_csv(tmp_path / "p.csv", guesses)) == 1.0
    with pytest.raises(Refused, match="'two' in column 'digit' is not a number"):
        evaluator.grade(write_csv(tmp_path / "p.csv", [{**row, "digit": "two"} for row in guesses]))


def test_white_space_can_be_a_class(tmp_path: Path) -> None:
    answers = [{"id": 0, "next": " "}, {"id": 1, "next": "\n"}, {"id": 2, "next": "e"}, {"id": 3, "next": ","}]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", answers, "accuracy"))
    assert evaluator.grade(write_csv(tmp_path / "p.csv", answers)) == 1.0
    written = [dict(row, next=row["next"] if row["id"] != 1 else "\\n") for row in answers]
    assert evaluator.grade(write_csv(tmp_path / "p.csv", written)) == 1.0
    lines = "".join(json.dumps(row) + "\n" for row in answers)
    assert evaluator.grade(text(tmp_path, lines, "p.jsonl")) == 1.0


def test_several_key_columns(tmp_path: Path) -> None:
    rows = [{"store": s, "day": d, "sales": s * 10 + d} for s in (1, 2) for d in (1, 2, 3)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, "rmse", "lower"))
    off = [{**row, "sales": row["sales"] + 2} for row in rows]
    assert evaluator.grade(write_csv(tmp_path / "p.csv", off[::-1])) == pytest.approx(2.0)
    with pytest.raises(Refused, match="store='1', day='1'"):
        evaluator.grade(write_csv(tmp_path / "p.csv", off[1:]))


def test_several_targets(tmp_path: Path) -> None:
    rows = [{"id": i, "x": float(i), "y": 2.0 * i} for i in range(5)]
    seal(tmp_path / "sealed", rows, "mae", "lower", key=["id"], target=["x", "y"])
    evaluator = FileEvaluator(tmp_path / "sealed")
    off = [{**row, "y": row["y"] + 1} for row in rows]
    assert evaluator.grade(write_csv(tmp_path / "p.csv", off)) == pytest.approx(0.5)


@pytest.mark.parametrize("metric", ["f1", "precision", "recall"])
def test_the_positive_class_is_the_one_named(tmp_path: Path, metric: str) -> None:
    expected = getattr(sk, f"{metric}_score")(LABELS, GUESSES, pos_label="spam")
    assert labelled(tmp_path, metric, positive="spam").grade(submit(tmp_path)) == pytest.approx(expected)
    mentioned = labelled(tmp_path, metric, grading="F1 with spam as the positive class")
    assert mentioned.grade(submit(tmp_path)) == pytest.approx(expected)
    with pytest.raises(SetupError, match="which of ham, spam is `positive`"):
        labelled(tmp_path, metric)


@pytest.mark.parametrize(
    ("metric", "function", "options"),
    [
        ("macro_f1", "f1_score", {"average": "macro"}),
        ("f1-micro", "f1_score", {"average": "micro"}),
        ("Weighted F1", "f1_score", {"average": "weighted"}),
        ("balanced accuracy", "balanced_accuracy_score", {}),
        ("mcc", "matthews_corrcoef", {}),
        ("cohen_kappa", "cohen_kappa_score", {}),
        ("macro_recall", "recall_score", {"average": "macro"}),
    ],
)
def test_label_metrics_are_scikit_learns(tmp_path: Path, metric: str, function: str, options: dict[str, str]) -> None:
    expected = getattr(sk, function)(LABELS, GUESSES, **options)
    assert labelled(tmp_path, metric).grade(submit(tmp_path)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("metric", "function"),
    [
        ("mae", "mean_absolute_error"),
        ("mse", "mean_squared_error"),
        ("rmse", "root_mean_squared_error"),
        ("mape", "mean_absolute_percentage_error"),
        ("rmsle", "root_mean_squared_log_error"),
        ("r2", "r2_score"),
        ("medae", "median_absolute_error"),
    ],
)
def test_number_metrics_are_scikit_learns(tmp_path: Path, metric: str, function: str) -> None:
    truth, guess = [1.0, 2.5, 4.0, 3.0, 8.0], [1.5, 2.0, 4.0, 5.0, 7.0]
    direction = "higher" if metric == "r2" else "lower"
    rows = [{"id": i, "y": y} for i, y in enumerate(truth)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, metric, direction))
    path = write_csv(tmp_path / "p.csv", [{"id": i, "y": y} for i, y in enumerate(guess)])
    assert evaluator.grade(path) == pytest.approx(getattr(sk, function)(truth, guess))


def test_correlations_and_their_constant(tmp_path: Path) -> None:
    rows = [{"id": i, "y": y} for i, y in enumerate([1.0, 2.0, 4.0, 3.0])]
    for metric, expected in (("spearman", 1.0), ("pearson", 0.9), ("kendall", 1.0)):
        evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, metric))
        grown = write_csv(tmp_path / "p.csv", [{**row, "y": row["y"] ** 3} for row in rows])
        assert evaluator.grade(grown) >= expected
        assert evaluator.grade(write_csv(tmp_path / "p.csv", [{**row, "y": 2} for row in rows])) == 0.0


def test_smape_is_symmetric_and_bounded() -> None:
    smape = metrics.find("smape")
    assert smape is not None
    assert smape.compute(np.array([0.0, 1.0]), np.array([0.0, 3.0])) == pytest.approx(0.5)


SCORES = [0.9, 0.2, 0.6, 0.4, 0.1, 0.3]
TRUTH = [1, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("metric", "direction", "expected"),
    [
        ("roc_auc", "higher", sk.roc_auc_score(TRUTH, SCORES)),
        ("pr_auc", "higher", sk.average_precision_score(TRUTH, SCORES)),
        ("log_loss", "lower", sk.log_loss(TRUTH, SCORES)),
        ("brier", "lower", sk.brier_score_loss(TRUTH, SCORES)),
        ("perplexity", "lower", math.exp(sk.log_loss(TRUTH, SCORES))),
    ],
)
def test_scores_of_the_positive_class(tmp_path: Path, metric: str, direction: str, expected: float) -> None:
    rows = [{"id": i, "bad": value} for i, value in enumerate(TRUTH)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, metric, direction))
    path = write_csv(tmp_path / "p.csv", [{"id": i, "bad": value} for i, value in enumerate(SCORES)])
    assert evaluator.grade(path) == pytest.approx(expected)


def test_probabilities_must_be_probabilities(tmp_path: Path) -> None:
    rows = [{"id": i, "bad": value} for i, value in enumerate(TRUTH)]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, "log_loss", "lower"))
    with pytest.raises(Refused, match="row id='3' has a probability outside 0 to 1"):
        over = [{"id": i, "bad": 1.5 if i == 3 else 0.5} for i in range(6)]
        evaluator.grade(write_csv(tmp_path / "p.csv", over))


def three(folder: Path, metric: str, direction: str) -> FileEvaluator:
    rows = [{"id": i, "kind": "abc"[i % 3]} for i in range(6)]
    return FileEvaluator(seal(folder / "sealed", rows, metric, direction))


def test_one_probability_per_class_as_columns_or_as_an_object(tmp_path: Path) -> None:
    matrix = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]] * 2)
    columns = [{"id": i, "prob_a": r[0], "prob_b": r[1], "prob_c": r[2]} for i, r in enumerate(matrix)]
    lines = "".join(
        json.dumps({"id": i, "kind": dict(zip("abc", r, strict=True))}) + "\n" for i, r in enumerate(matrix.tolist())
    )
    expected = sk.log_loss([0, 1, 2] * 2, matrix)
    evaluator = three(tmp_path, "log_loss", "lower")
    assert evaluator.grade(write_csv(tmp_path / "p.csv", columns)) == pytest.approx(expected)
    assert evaluator.grade(text(tmp_path, lines, "p.jsonl")) == pytest.approx(expected)
    assert three(tmp_path, "roc_auc", "higher").grade(tmp_path / "p.csv") == 1.0
    assert three(tmp_path, "ece", "lower").grade(tmp_path / "p.csv") == pytest.approx(0.4)
    with pytest.raises(Refused, match="add up to 1"):
        three(tmp_path, "log_loss", "lower").grade(
            write_csv(tmp_path / "p.csv", [{**row, "prob_a": 1.0} for row in columns])
        )
    with pytest.raises(Refused, match="no column for class 'b'"):
        partial = [{"id": row["id"], "prob_a": 1.0} for row in columns]
        three(tmp_path, "log_loss", "lower").grade(write_csv(tmp_path / "p.csv", partial))


def test_top_k_and_reciprocal_rank(tmp_path: Path) -> None:
    guesses = [{"id": i, "kind": cell} for i, cell in enumerate(["a b", "a|b", "a;b", "c,b,a", "c", "b a c"])]
    path = write_csv(tmp_path / "p.csv", guesses)
    assert three(tmp_path, "top-2 accuracy", "higher").grade(path) == pytest.approx(2 / 6)
    assert three(tmp_path, "hits@3", "higher").grade(path) == pytest.approx(4 / 6)
    assert three(tmp_path, "mrr", "higher").grade(path) == pytest.approx((1 + 0.5 + 0 + 1 / 3 + 0 + 1 / 3) / 6)


def tagged(folder: Path, metric: str) -> FileEvaluator:
    tags = [["B-PER", "I-PER", "O"], ["O", "B-LOC"]]
    rows = [{"sentence": s, "token": t, "tag": tag} for s, line in enumerate(tags) for t, tag in enumerate(line)]
    return FileEvaluator(seal(folder / "sealed", rows, metric))


def test_tag_sequences_by_token_rows(tmp_path: Path) -> None:
    guess = [["B-PER", "O", "O"], ["O", "B-LOC"]]
    rows = [{"sentence": s, "token": t, "tag": tag} for s, line in enumerate(guess) for t, tag in enumerate(line)]
    path = write_csv(tmp_path / "p.csv", rows)
    assert tagged(tmp_path, "entity_f1").grade(path) == pytest.approx(0.5)
    assert tagged(tmp_path, "token_accuracy").grade(path) == pytest.approx(0.8)
    assert tagged(tmp_path, "sequence_accuracy").grade(path) == pytest.approx(0.5)


def test_tag_sequences_as_one_row_each(tmp_path: Path) -> None:
    rows = [{"id": 0, "tags": "B-PER I-PER O"}, {"id": 1, "tags": "O B-LOC"}]
    evaluator = FileEvaluator(seal(tmp_path / "sealed", rows, "seqeval"))
    assert evaluator.grade(write_csv(tmp_path / "p.csv", rows)) == 1.0
    with pytest.raises(Refused, match="2 tags for 3 tokens"):
        evaluator.grade(write_csv(tmp_path / "p.csv", [{"id": 0, "tags": "O O"}, rows[1]]))
    lines = '{"id": 0, "tags": ["B-PER", "I-PER", "O"]}\n{"id": 1, "tags": ["O", "O"]}\n'
    assert evaluator.grade(text(tmp_path, lines, "p.jsonl")) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        (["B-PER", "I-PER", "B-PER"], {(0, 2, "PER"), (2, 3, "PER")}),
        (["I-PER", "I-LOC", "O"], {(0, 1, "PER"), (1, 2, "LOC")}),
        (["O", "S-ORG", "B-PER", "E-PER"], {(1, 2, "ORG"), (2, 4, "PER")}),
        (["B", "I", "O", "B"], {(0, 2, "span"), (3, 4, "span")}),
        (["O", "O"], set()),
    ],
)
def test_spans_of_the_usual_schemes(tags: list[str], expected: set[tuple[int, int, str]]) -> None:
    assert spans(tags) == expected


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"direction": "lower"}, "contradicts accuracy"),
        ({"key": ["row"]}, "no 'row'"),
        ({"target": ["label", "id"]}, "must hold 0 or 1"),
        ({"metric": "kappa", "target": ["label", "id"]}, "not defined for several target columns"),
        ({"metric": "ndcg@5", "group": "label", "target": "id", "weight": "id"}, "no form that weighs rows"),
        ({"quantile": "most"}, "must be single numbers"),
        ({"key": 7}, "must be a JSON object"),
    ],
)
def test_mistakes_of_the_task_are_the_persons_to_mend(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    labelled(tmp_path)
    path = tmp_path / "sealed" / "grade.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(SetupError, match=said):
        open_evaluator(tmp_path / "sealed")


def test_a_metric_that_nobody_computes_is_outside_the_catalogue(tmp_path: Path) -> None:
    sealed = seal(tmp_path, [{"id": 1, "y": 1}], "vibes")
    with pytest.raises(CannotDo, match="no evaluator here computes the metric 'vibes'"):
        open_evaluator(sealed)


def test_sealed_answers_are_checked_too(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="must be unique"):
        FileEvaluator(seal(tmp_path / "a", [{"id": 1, "y": 1}, {"id": 1, "y": 2}], "mae", "lower"))
    with pytest.raises(SetupError, match="not a finite number"):
        FileEvaluator(seal(tmp_path / "b", [{"id": 1, "y": "NaN"}], "mae", "lower"))
    with pytest.raises(SetupError, match="needs `positive`"):
        FileEvaluator(seal(tmp_path / "c", [{"id": i, "y": "abc"[i]} for i in range(3)], "f1"))
    with pytest.raises(SetupError, match="is missing"):
        open_evaluator(tmp_path / "nowhere")


COMPUTED = [name for name in metrics.known_names() if "<" not in name and not texts.missing(name)]


@pytest.mark.parametrize("name", COMPUTED)
def test_every_metric_prefers_the_truth_to_noise(name: str) -> None:
    scoring = metrics.find(name)
    assert scoring is not None
    rng = np.random.default_rng(3)
    truth: Any = rng.integers(0, 2, 60)
    noise: Any = rng.permutation(truth)
    if scoring.form == "tags":
        truth = [["B-X", "O", "I-X"], ["O", "B-Y"]]
        noise = [["O", "O", "B-X"], ["B-Y", "O"]]
    if scoring.form == "ranked":
        truth, noise = np.tile(np.arange(3), (60, 1)), np.array([rng.permutation(6)[:3] for _ in range(60)])
    if scoring.form == "labels":
        truth, noise = rng.integers(0, 2, (60, 4)), rng.integers(0, 2, (60, 4))
        truth[:, 0] = 1
    if scoring.form == "text":
        truth, noise = ["a b c d e", "d e f g h"], ["a c x d e", "x y z"]
    if scoring.form == "relevance":
        truth, noise = (
            [np.array([0.0, 2.0, 1.0]), np.array([1.0, 0.0])],
            [np.array([3.0, 1.0, 2.0]), np.array([0.0, 1.0])],
        )
    if scoring.form == "number":
        truth, noise = truth + rng.random(60), noise + rng.random(60)
    if scoring.form == "probability":
        truth, right = np.array(truth), np.array(truth).astype(float)
        good, bad = scoring.compute(truth, right), scoring.compute(truth, 0.2 + 0.6 * (1 - right))
    else:
        good, bad = scoring.compute(truth, truth), scoring.compute(truth, noise)
    assert (good > bad) == (scoring.direction == "maximize") and good != bad


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_shared_answers_score_perfectly_and_the_constants_as_published(shared: Path, tmp_path: Path) -> None:
    for folder in sorted((shared / "tasks_grading").iterdir()):
        evaluator = open_evaluator(folder)
        assert isinstance(evaluator, FileEvaluator)
        perfect = evaluator.grade(folder / "answers.csv")
        assert perfect == (1.0 if evaluator.metric.direction == "maximize" else 0.0)
        references = json.loads((folder / "grade.json").read_text())["reference_scores"]
        train = shared / "tasks" / folder.name / "train.csv"
        if not train.is_file():
            continue
        key, target = evaluator.spec.key[0], evaluator.spec.target[0]
        learned = [row[target] for row in _rows(train)]
        for name in sorted(references.keys() & {"mean", "constant", "all_spam"}):
            value = "spam" if name == "all_spam" else float(np.mean([float(v) for v in learned if v]))
            guess = [{key: row[key], target: value} for row in _rows(folder / "answers.csv")]
            score = evaluator.grade(write_csv(tmp_path / f"{folder.name}.csv", guess))
            assert score == pytest.approx(references[name], abs=0.002 * max(1.0, abs(references[name])))
