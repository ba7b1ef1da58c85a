"""Several labels per row: how a cell spells them, and their scores by label, by row, or over all of them.

A set is a JSON list, or a text whose labels stand between `|`, `;`, `,` or spaces; several 0/1 target columns are sets
as well. Scores are scikit-learn's on the rows x labels indicator matrix.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, Literal

Direction = Literal["maximize", "minimize"]

MARKS = ("|", ";", ",", " ")
OFTEN = 0.05
"""Share of cells with a mark from which on the mark separates labels instead of belonging to them."""
AVERAGES = ("micro", "macro", "weighted", "samples")


def separator_of(cells: Sequence[Any]) -> str:
    """What separates the labels of a cell: "[]" for lists, else one of `MARKS`; empty for one label per cell.

    A mark counts where it is frequent, no set repeats a label, and labels recur in other combinations. A comma or a
    space is trusted only where half of the labels, or all, also stand alone: `Jones, Tom` and `New York` are one label.
    """
    cells = [cell for cell in cells if cell is not None and cell == cell][:2000]
    if cells and all(isinstance(cell, list) or _json_list(cell) for cell in cells):
        return "[]"
    texts = [str(cell) for cell in cells]
    for mark in MARKS:
        if _separates(mark, texts):
            return mark
    return ""


def _separates(mark: str, texts: Sequence[str]) -> bool:
    rows = [[part.strip() for part in text.split(mark) if part.strip()] for text in texts]
    labels = {label for row in rows for label in row}
    several = sum(len(row) > 1 for row in rows)
    if several <= OFTEN * len(texts) or any(len(set(row)) != len(row) for row in rows):
        return False
    alone = labels & {row[0] for row in rows if len(row) == 1}
    if len(alone) < {",": 0.5, " ": 1.0}.get(mark, 0.0) * len(labels):
        return False
    return len(labels) <= {"|": 1.0, ";": 1.0}.get(mark, 0.7) * len(set(texts))


def labels_of(cell: Any, mark: str) -> list[str]:
    """The labels of one cell; an empty cell is the empty set."""
    if isinstance(cell, str) and (mark == "[]" or cell.startswith("[")):
        cell = json.loads(cell) if _json_list(cell) else cell
    if isinstance(cell, list):
        return [str(label) for label in cell]
    text = "" if cell is None else str(cell)
    if mark in ("", "[]"):
        mark = next((one for one in MARKS if one in text), " ")
    return [part.strip() for part in text.split(mark) if part.strip()]


def _json_list(cell: Any) -> bool:
    if not isinstance(cell, str) or not cell.startswith("["):
        return False
    try:
        return isinstance(json.loads(cell), list)
    except ValueError:
        return False


def indicators(sets: Sequence[Sequence[str]], labels: Sequence[str]) -> Any:
    """rows x labels, 1 where the row has the label."""
    import numpy as np

    places = {label: place for place, label in enumerate(labels)}
    matrix = np.zeros((len(sets), len(labels)), dtype=int)
    for row, members in enumerate(sets):
        matrix[row, [places[label] for label in members]] = 1
    return matrix


def set_scores() -> dict[str, tuple[Direction, Callable[..., float]]]:
    """Name -> (direction, compute) of the scores over sets. Plain `f1` and `jaccard` are means over rows."""

    def score(function: str, **options: Any) -> Callable[..., float]:
        def compute(truth: Any, predicted: Any, **more: Any) -> float:
            import sklearn.metrics

            return float(getattr(sklearn.metrics, function)(truth, predicted, **options, **more))

        return compute

    found: dict[str, tuple[Direction, Callable[..., float]]] = {
        f"{average}_{kind}": ("maximize", score(f"{kind}_score", average=average, zero_division=0))
        for average in AVERAGES
        for kind in ("f1", "precision", "recall", "jaccard")
    }
    found |= {kind: found[f"samples_{kind}"] for kind in ("f1", "precision", "recall", "jaccard")}
    found["accuracy"] = ("maximize", score("accuracy_score"))
    found["hamming_loss"] = ("minimize", score("hamming_loss"))
    return found
