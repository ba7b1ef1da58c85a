"""Scores of orderings: items named best first per row, or a score per row that orders the rows of a group.

Item lists come as codes: `predicted` is rows x depth (-1 where nothing more was named), `truth` rows x relevant items
(-2 as filling). Groups come as two lists of arrays: graded relevance, and the scores that order it. scikit-learn has
the gain of a group and average precision; what it lacks (measures of cut lists) is written here after its source.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hits = NDArray[np.bool_]

NOTHING, FILLING = -1, -2


def hits_at(truth: Any, predicted: Any, k: int) -> Hits:
    """rows x k: whether the item at that place is relevant. Each item may stand once in a row."""
    import numpy as np

    found = (predicted[:, :k, None] == truth[:, None, :]).any(axis=2)
    return np.pad(found, ((0, 0), (0, max(0, k - found.shape[1]))))


def any_hit(k: int) -> Callable[[Any, Any], float]:
    """Share of rows with a relevant item among the first k (top-k accuracy where one item is right)."""
    return lambda truth, predicted: float(hits_at(truth, predicted, k).any(axis=1).mean())


def recall_at(k: int) -> Callable[[Any, Any], float]:
    """Mean share of a row's relevant items among the first k."""
    return lambda truth, predicted: float(
        (hits_at(truth, predicted, k).sum(axis=1) / (truth != FILLING).sum(axis=1)).mean()
    )


def precision_at(k: int) -> Callable[[Any, Any], float]:
    """Mean share of relevant items among k places; an empty place counts as a miss."""
    return lambda truth, predicted: float((hits_at(truth, predicted, k).sum(axis=1) / k).mean())


def average_precision_at(k: int) -> Callable[[Any, Any], float]:
    """MAP@k as in trec_eval with a cut: precision at each hit, summed, over the number of hits possible within k."""

    def compute(truth: Any, predicted: Any) -> float:
        import numpy as np

        hits = hits_at(truth, predicted, k)
        precision = hits.cumsum(axis=1) / np.arange(1, k + 1)
        possible = np.minimum((truth != FILLING).sum(axis=1), k)
        return float(((precision * hits).sum(axis=1) / possible).mean())

    return compute


def gain_at(k: int) -> Callable[[Any, Any], float]:
    """NDCG@k with relevance 0 or 1 (Järvelin and Kekäläinen 2002, ACM TOIS 20, logarithm to the base of 2)."""

    def compute(truth: Any, predicted: Any) -> float:
        import numpy as np

        worth = 1 / np.log2(np.arange(2, k + 2))
        best = np.concatenate([[0.0], worth.cumsum()])[np.minimum((truth != FILLING).sum(axis=1), k)]
        return float(((hits_at(truth, predicted, k) * worth).sum(axis=1) / best).mean())

    return compute


def reciprocal_rank_at(k: int | None) -> Callable[[Any, Any], float]:
    """Mean of 1 / place of the first relevant item; 0 for a row without one (among the first k)."""

    def compute(truth: Any, predicted: Any) -> float:
        import numpy as np

        hits = hits_at(truth, predicted, k or predicted.shape[1])
        return float(np.where(hits.any(axis=1), 1 / (hits.argmax(axis=1) + 1), 0.0).mean())

    return compute


def over_groups(measure: str, k: int | None) -> Callable[[Any, Any], float]:
    """Mean of `ndcg`, `map`, `mrr`, `precision` or `recall`, cut at `k`, over groups.

    Raises ValueError when no group can be ordered wrongly: groups with one row, or without any relevant one, say
    nothing about an ordering and are left out of the mean.
    """

    def compute(truth: Sequence[Any], predicted: Sequence[Any]) -> float:
        values = [
            _of_group(measure, k, true.tobytes(), guess.tobytes())
            for true, guess in zip(truth, predicted, strict=True)
            if len(true) > 1 and true.max() > 0
        ]
        if not values:
            raise ValueError("no group has two rows and a relevant one")
        return sum(values) / len(values)

    return compute


@lru_cache(maxsize=1 << 16)
def _of_group(measure: str, k: int | None, truth: bytes, predicted: bytes) -> float:
    """One group. Kept: the evidence over groups asks for the same ones many times."""
    import numpy as np
    import sklearn.metrics

    true, guess = np.frombuffer(truth), np.frombuffer(predicted)
    if measure == "ndcg":
        return float(sklearn.metrics.ndcg_score(true[None], guess[None], k=k))
    if measure == "map" and k is None:
        return float(sklearn.metrics.average_precision_score(true > 0, guess))
    hits = (true > 0)[np.lexsort((true, -guess))]  # among equal scores the irrelevant ones count as first
    k = len(hits) if k is None else k
    top = hits[:k]
    if measure == "mrr":
        return 1.0 / (1 + int(top.argmax())) if top.any() else 0.0
    if measure == "map":
        return float((top.cumsum() / np.arange(1, len(top) + 1) * top).sum() / min(k, hits.sum()))
    return float(top.sum() / (k if measure == "precision" else hits.sum()))
