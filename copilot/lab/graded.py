"""A submission aligned with the answers, ready to be scored on all rows or some; and reading one cell of it strictly.

It opens no file and knows no metric: aligning and dispatch are `grading`, forms with lists in them `grading_lists`.
"""

from __future__ import annotations

import math
import threading
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from copilot.lab.answers import Answers, Key, Spec, class_of, present, short, show_key
from copilot.lab.metrics import Scoring
from copilot.lab.tables import Refused, Row

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Positions = NDArray[np.intp]

_FILTERS = threading.Lock()
"""Warning filters belong to the process, trials are graded in threads."""


@dataclass(frozen=True)
class Graded:
    """One submission, aligned with the answers. A unit is a test row, or a sequence for tagging metrics."""

    scoring: Scoring
    truth: Any
    predicted: Any
    plain: list[str]
    """One text per unit, to compare predictions with each other."""
    weights: Any = None
    """One weight per unit, or None where all count alike. A weight belongs to the row, not to the prediction."""

    @property
    def units(self) -> int:
        return len(self.plain)

    def score(self, rows: Positions | None = None, predicted_rows: Positions | None = None) -> float:
        """The metric over all units, or over those at `rows`; `predicted_rows` takes predictions from other units.

        Raises ValueError where the metric is not defined on such a subset, or no evidence may be drawn from subsets.
        """
        if rows is None:
            return _compute(self.scoring, self.truth, self.predicted, self.weights)
        if predicted_rows is None and not self.scoring.smooth:
            raise ValueError(f"{self.scoring.name} depends on single rows")
        other = rows if predicted_rows is None else predicted_rows
        weights = None if self.weights is None else self.weights[rows]
        return _compute(self.scoring, _take(self.truth, rows), _take(self.predicted, other), weights)


def _compute(scoring: Scoring, truth: Any, predicted: Any, weights: Any) -> float:
    more = {} if weights is None else {"sample_weight": weights}
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined parts are counted as zero by design, or end as a non-finite score
        return scoring.compute(truth, predicted, **more)


def _take(values: Any, rows: Positions) -> Any:
    return [values[row] for row in rows] if isinstance(values, list) else values[rows]


def keyed(answers: Answers, rows: list[Row]) -> Iterable[tuple[Row, Key]]:
    return zip(rows, answers.keys, strict=True)


def number(spec: Spec, row: Row, name: str, key: Key) -> float:
    return finite(spec, present(spec, row, name, key), name, key)


def finite(spec: Spec, cell: Any, name: str, key: Key) -> float:
    try:
        value = float(cell)
    except (TypeError, ValueError, OverflowError):
        raise Refused(f"row {show_key(spec, key)}: {short(cell)} in column {name!r} is not a number") from None
    if not math.isfinite(value):
        raise Refused(f"row {show_key(spec, key)}: {short(cell)} in column {name!r} is not finite")
    return value


def label(answers: Answers, row: Row, name: str, key: Key) -> str:
    cell = present(answers.spec, row, name, key)
    if isinstance(cell, list | dict):
        raise Refused(f"row {show_key(answers.spec, key)}: {short(cell)} in column {name!r} is not one class")
    if answers.numeric_classes:
        finite(answers.spec, cell, name, key)
    return class_of(answers, cell)
