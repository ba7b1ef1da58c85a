"""Predictions against sealed answers, row by row: aligned by key, refused with a reason, scored by `metrics`.

Order never matters, everything else does: a missing, doubled or unknown row, a cell that is empty, not a number, not
finite or not a probability refuses the whole submission. Nothing is filled in and nothing is a silent zero.

It opens nothing but the submission; the answers come from `answers`, hashes and the time of grading from `evaluate`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from copilot.lab import grading_lists
from copilot.lab.answers import Answers, Key, class_of, row_keys, show_key
from copilot.lab.graded import Graded, finite, keyed, label, number
from copilot.lab.tables import Refused, Row, read_rows

__all__ = ["Graded", "grade"]
PROBABILITY_PREFIXES = ("", "prob_", "proba_", "p_", "score_", "probability_")
SUM_TOLERANCE = 0.02
"""How far the probabilities of one row may be from adding up to 1 (rounding in a text file) before they are refused."""


def grade(answers: Answers, predictions: Path) -> Graded:
    """The submission aligned with the answers. Raises Refused with one sentence."""
    rows = read_rows(predictions, limit=min(256 << 20, (16 << 20) + 4096 * len(answers.keys)))
    ordered = _align(answers, rows, predictions.name)
    graded = _graded(answers, ordered)
    if answers.weights is None:
        return graded
    import numpy as np

    return replace(graded, weights=np.array(answers.weights))


def _graded(answers: Answers, rows: list[Row]) -> Graded:
    form = answers.spec.scoring.form
    if form == "number":
        return _graded_numbers(answers, rows)
    if form == "label":
        return _graded_labels(answers, rows)
    if form == "ranked":
        return grading_lists.ranks(answers, rows, class_scores)
    if form in {"score", "probability"} and len(answers.spec.target) > 1:
        return _graded_columns(answers, rows, bounded=form == "probability")
    if form in {"score", "probability"}:
        return _graded_scores(answers, rows, bounded=form == "probability")
    lists = {"tags": grading_lists.tags, "labels": grading_lists.sets, "relevance": grading_lists.relevance}
    return lists.get(form, grading_lists.written)(answers, rows)


def _align(answers: Answers, rows: list[Row], name: str) -> list[Row]:
    """Rows in the order of the answers."""
    spec = answers.spec
    if not rows:
        raise Refused(f"{name} has no rows, expected {len(answers.keys)}")
    missing = [column for column in spec.key if column not in rows[0]]
    if missing:
        raise Refused(f"{name} has no column {', '.join(missing)}; found {', '.join(map(str, rows[0]))}")
    keys = row_keys(spec, rows, answers.whole_keys)
    by_key = dict(zip(keys, rows, strict=True))
    if len(by_key) != len(keys):
        double = Counter(keys).most_common(1)[0][0]
        raise Refused(f"{name} has {len(keys) - len(by_key)} duplicate rows, first for {show_key(spec, double)}")
    wanted = set(answers.keys)
    if extra := [key for key in keys if key not in wanted]:
        raise Refused(f"{name} has {len(extra)} rows that were not asked for, first {show_key(spec, extra[0])}")
    if lost := [key for key in answers.keys if key not in by_key]:
        raise Refused(f"{name} misses {len(lost)} of {len(wanted)} rows, first {show_key(spec, lost[0])}")
    return [by_key[key] for key in answers.keys]


def _graded_numbers(answers: Answers, rows: list[Row]) -> Graded:
    import numpy as np

    spec = answers.spec
    given = [[number(spec, row, name, key) for name in spec.target] for row, key in keyed(answers, rows)]
    truth = np.array([[float(value) for value in values] for values in answers.truth])
    predicted = np.array(given)
    plain = [repr(values) for values in given]
    if len(spec.target) == 1:
        truth, predicted = truth[:, 0], predicted[:, 0]
    return Graded(spec.scoring, truth, predicted, plain)


def _graded_labels(answers: Answers, rows: list[Row]) -> Graded:
    import numpy as np

    given = [label(answers, row, answers.spec.target[0], key) for row, key in keyed(answers, rows)]
    codes = _codes(answers, given)
    true = [class_of(answers, values[0]) for values in answers.truth]
    if answers.spec.scoring.binary:
        positive = class_of(answers, answers.spec.positive)
        return Graded(
            answers.spec.scoring,
            np.array([t == positive for t in true]).astype(int),
            np.array([g == positive for g in given]).astype(int),
            given,
        )
    return Graded(answers.spec.scoring, np.array([codes[t] for t in true]), np.array([codes[g] for g in given]), given)


def _codes(answers: Answers, given: Iterable[str]) -> dict[str, int]:
    """Class -> code: known classes first; a class that the answers do not have gets a code behind them."""
    order = [*answers.classes, *sorted(set(given) - set(answers.classes))]
    if answers.spec.scoring.ordered:
        return {name: round(float(name)) for name in order}
    return {name: code for code, name in enumerate(order)}


def _graded_scores(answers: Answers, rows: list[Row], *, bounded: bool) -> Graded:
    """Binary: the score of the positive class in the target column. Otherwise one number per class."""
    import numpy as np

    spec, classes = answers.spec, answers.classes
    true = [class_of(answers, values[0]) for values in answers.truth]
    target = spec.target[0]
    if len(classes) == 2 and target in rows[0] and not isinstance(rows[0][target], dict | list):
        predicted = np.array([number(spec, row, target, key) for row, key in keyed(answers, rows)])
        if bounded:
            _check_probabilities(answers, predicted[:, None])
        positive = class_of(answers, spec.positive)
        return Graded(
            spec.scoring,
            np.array([t == positive for t in true]).astype(int),
            predicted,
            [repr(value) for value in predicted.tolist()],
        )
    matrix = np.array([class_scores(answers, row, key) for row, key in keyed(answers, rows)])
    if bounded or spec.scoring.name == "roc_auc":
        _check_probabilities(answers, matrix)
        matrix = matrix / matrix.sum(axis=1, keepdims=True)
    codes = {name: code for code, name in enumerate(classes)}
    return Graded(spec.scoring, np.array([codes[t] for t in true]), matrix, [repr(v) for v in matrix.tolist()])


def _graded_columns(answers: Answers, rows: list[Row], *, bounded: bool) -> Graded:
    """Several columns of flags, one score each."""
    import numpy as np

    spec = answers.spec
    given = [[number(spec, row, name, key) for name in spec.target] for row, key in keyed(answers, rows)]
    predicted, truth = np.array(given), np.array(answers.truth, dtype=float).astype(int)
    wrong = ((predicted < 0) | (predicted > 1)).any(axis=1)
    if bounded and wrong.any():
        raise Refused(f"row {show_key(spec, answers.keys[int(wrong.argmax())])} has a probability outside 0 to 1")
    return Graded(spec.scoring, truth, predicted, [repr(values) for values in given])


def class_scores(answers: Answers, row: Row, key: Key) -> list[float]:
    """One number per class from columns named after the classes, or from a JSON object or list in the target."""
    spec, target = answers.spec, answers.spec.target[0]
    cell = row.get(target)
    if isinstance(cell, list) and len(cell) == len(answers.classes):
        return [finite(spec, value, target, key) for value in cell]
    if isinstance(cell, dict):
        given = {class_of(answers, name): value for name, value in cell.items()}
        return [finite(spec, given.get(name, 0.0), name, key) for name in answers.classes]
    columns = []
    for name in answers.classes:
        names = [prefix + name for prefix in (*PROBABILITY_PREFIXES, f"{target}_")]
        found = next((column for column in names if column in row), None)
        if found is None:
            raise Refused(
                f"row {show_key(spec, key)} has no column for class {name!r} (one number per class is needed)"
            )
        columns.append(number(spec, row, found, key))
    return columns


def _check_probabilities(answers: Answers, matrix: Any) -> None:
    wrong = (matrix < 0) | (matrix > 1)
    if wrong.any():
        place = int(wrong.any(axis=1).argmax())
        raise Refused(f"row {show_key(answers.spec, answers.keys[place])} has a probability outside 0 to 1")
    if matrix.shape[1] > 1:
        off = abs(matrix.sum(axis=1) - 1)
        if off.max() > SUM_TOLERANCE:
            place = int(off.argmax())
            raise Refused(f"row {show_key(answers.spec, answers.keys[place])}: the probabilities do not add up to 1")
