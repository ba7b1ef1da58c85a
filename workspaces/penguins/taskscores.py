"""The metrics of a task on validation rows, by their usual names (scikit-learn, SciPy), and the best constants.

The sealed grader has an implementation of its own (`copilot.lab.metrics`); this one travels with the script.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

SCORES = {"roc_auc", "average_precision"}
RANKS = 10
"""How many classes an answer names, best first, where a metric ranks them (`mrr`, `top_K_accuracy`, `map_at_K`)."""


def ranked(metric: str) -> bool:
    """True for metrics that look at a ranking of classes or items."""
    return metric == "mrr" or metric.startswith("top_") or "_at_" in metric


def depth(metric: str) -> int:
    """How many places of a ranking count: the K of the metric, at most and by default `RANKS`."""
    cut = [int(part) for part in metric.split("_") if part.isdigit()]
    return min(cut[0], RANKS) if cut else RANKS


def quantile(metric: str) -> float:
    """The quantile that `pinball_0.9` asks for."""
    return float(metric.removeprefix("pinball_"))


def score(metric: str, truth: Any, guess: Any, positive: Any = None, labels: list[Any] | None = None) -> float:
    """The metric; 0 for a correlation that a constant leaves undefined.

    `guess` is labels, numbers, the positive class's score, or probabilities per class in the order of `labels`.
    """
    from sklearn import metrics as m

    truth, guess = np.asarray(truth), np.asarray(guess)
    if ranked(metric):
        return _rank_score(metric, truth, guess, labels or [])
    if metric.startswith("pinball_"):
        return float(m.mean_pinball_loss(truth, guess, alpha=quantile(metric)))
    mean, _, kind = metric.partition("_")
    if mean in {"macro", "micro", "weighted"} and kind in {"f1", "precision", "recall", "jaccard"}:
        return float(getattr(m, f"{kind}_score")(truth, guess, average=mean, zero_division=0))
    hit = np.asarray([str(value) == str(positive) for value in truth]) if positive is not None else truth
    known = _of_labels(truth, guess, hit, positive) | _of_scores(truth, guess, hit, labels) | _of_numbers(truth, guess)
    return float(known[metric]())


def _of_labels(truth: Any, guess: Any, hit: Any, positive: Any) -> dict[str, Callable[[], Any]]:
    from sklearn import metrics as m

    said = np.asarray([str(value) == str(positive) for value in guess]) if guess.ndim == 1 else guess
    return {
        "accuracy": lambda: m.accuracy_score(truth, guess),
        "balanced_accuracy": lambda: np.mean([np.mean(guess[truth == label] == label) for label in np.unique(truth)]),
        "f1": lambda: m.f1_score(hit, said, zero_division=0),
        "f2": lambda: m.fbeta_score(hit, said, beta=2, zero_division=0),
        "f0_5": lambda: m.fbeta_score(hit, said, beta=0.5, zero_division=0),
        "precision": lambda: m.precision_score(hit, said, zero_division=0),
        "recall": lambda: m.recall_score(hit, said, zero_division=0),
        "jaccard": lambda: m.jaccard_score(truth, guess, average="macro", zero_division=0),
        "error_rate": lambda: m.zero_one_loss(truth, guess),
        "token_accuracy": lambda: m.accuracy_score(truth, guess),
        "mcc": lambda: m.matthews_corrcoef(truth, guess),
        "kappa": lambda: m.cohen_kappa_score(truth, guess),
        "linear_kappa": lambda: m.cohen_kappa_score(_levels(truth), _levels(guess), weights="linear"),
        "quadratic_kappa": lambda: m.cohen_kappa_score(_levels(truth), _levels(guess), weights="quadratic"),
    }


def _of_scores(truth: Any, guess: Any, hit: Any, labels: list[Any] | None) -> dict[str, Callable[[], Any]]:
    from sklearn import metrics as m

    ovr: dict[str, Any] = {"multi_class": "ovr", "labels": labels}
    return {
        "roc_auc": lambda: m.roc_auc_score(hit, guess) if guess.ndim == 1 else m.roc_auc_score(truth, guess, **ovr),
        "average_precision": lambda: m.average_precision_score(hit, guess),
        "log_loss": lambda: m.log_loss(hit, guess) if guess.ndim == 1 else m.log_loss(truth, guess, labels=labels),
        "brier": lambda: np.mean((hit.astype(float) - guess) ** 2),
    }


def _of_numbers(truth: Any, guess: Any) -> dict[str, Callable[[], Any]]:
    from scipy import stats
    from sklearn import metrics as m

    return {
        "mae": lambda: m.mean_absolute_error(truth, guess),
        "explained_variance": lambda: m.explained_variance_score(truth, guess),
        "max_error": lambda: m.max_error(truth, guess),
        "mse": lambda: m.mean_squared_error(truth, guess),
        "rmse": lambda: m.root_mean_squared_error(truth, guess),
        "rmsle": lambda: m.root_mean_squared_log_error(np.maximum(truth, 0), np.maximum(guess, 0)),
        "msle": lambda: m.mean_squared_log_error(np.maximum(truth, 0), np.maximum(guess, 0)),
        "poisson_deviance": lambda: m.mean_poisson_deviance(truth, np.maximum(guess, 1e-9)),
        "wape": lambda: np.abs(truth - guess).sum() / np.abs(truth).sum(),
        "r2": lambda: m.r2_score(truth, guess),
        "mape": lambda: m.mean_absolute_percentage_error(truth, guess),
        "smape": lambda: np.mean(2 * np.abs(guess - truth) / np.maximum(np.abs(guess) + np.abs(truth), 1e-12)),
        "medae": lambda: m.median_absolute_error(truth, guess),
        "spearman": lambda: 0.0 if np.ptp(guess) == 0 else stats.spearmanr(truth, guess).statistic,
        "pearson": lambda: 0.0 if np.ptp(guess) == 0 else stats.pearsonr(truth, guess).statistic,
        "kendall": lambda: 0.0 if np.ptp(guess) == 0 else stats.kendalltau(truth, guess).statistic,
    }  # fmt: skip


def _rank_score(metric: str, truth: np.ndarray, scores: np.ndarray, labels: list[Any]) -> float:
    """A measure of where the one right class stands among the classes ordered by their scores."""
    names = np.asarray(labels)[np.argsort(-scores, axis=1)][:, : depth(metric)]
    return hit_score(metric, names == truth[:, None], np.ones(len(truth)))


def hit_score(metric: str, hits: np.ndarray, wanted: np.ndarray) -> float:
    """A ranking metric from rows x places (True where the item is right); `wanted` counts a row's right items."""
    places = np.arange(1, hits.shape[1] + 1)
    first = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, np.inf)
    kind, k = metric.split("_")[0], depth(metric)
    worth = 1 / np.log2(places + 1)
    best = np.concatenate([[0.0], worth.cumsum()])[np.minimum(wanted, len(worth)).astype(int)]
    found: dict[str, Any] = {
        "top": hits.any(axis=1),
        "recall": hits.sum(axis=1) / wanted,
        "precision": hits.sum(axis=1) / k,
        "mrr": 1 / first,
        "map": (hits * hits.cumsum(axis=1) / places).sum(axis=1) / np.minimum(wanted, k),
        "ndcg": (hits * worth).sum(axis=1) / best,
    }
    return float(np.mean(found[kind]))


def set_score(metric: str, truth: np.ndarray, guess: np.ndarray) -> float:
    """A metric of several labels per row, from rows x labels indicators; plain `f1` and its kin are means over rows."""
    from sklearn import metrics as m

    if metric in {"accuracy", "hamming_loss"}:
        return float(m.accuracy_score(truth, guess) if metric == "accuracy" else m.hamming_loss(truth, guess))
    average, _, kind = metric.rpartition("_")
    return float(getattr(m, f"{kind}_score")(truth, guess, average=average or "samples", zero_division=0))


def text_score(metric: str, truth: list[str], guess: list[str]) -> float:
    """Error rates by edit distance, share of equal texts, or BLEU and chrF where sacrebleu is installed."""
    if metric in {"wer", "cer"}:
        pairs = [(a.split(), b.split()) if metric == "wer" else (a, b) for a, b in zip(truth, guess, strict=True)]
        return sum(_edits(a, b) for a, b in pairs) / max(1, sum(len(a) for a, _ in pairs))
    if metric in {"bleu", "chrf"}:
        return float(getattr(importlib.import_module("sacrebleu"), f"corpus_{metric}")(guess, [truth]).score)
    return float(np.mean([a == b for a, b in zip(truth, guess, strict=True)]))


def _edits(one: Any, other: Any) -> int:
    """Levenshtein distance, row by row."""
    before = np.arange(len(other) + 1)
    steps = np.arange(len(other) + 1)
    for place, symbol in enumerate(one, 1):
        different = np.array([symbol != candidate for candidate in other], dtype=int)
        row = np.concatenate([[place], np.minimum(before[1:] + 1, before[:-1] + different)])
        before = np.minimum.accumulate(row - steps) + steps
    return int(before[-1])


def grouped_score(metric: str, truth: np.ndarray, guess: np.ndarray, groups: np.ndarray) -> float:
    """Mean of a ranking metric over groups with two rows or more and a relevant one; equal scores keep their order."""
    from sklearn.metrics import ndcg_score

    kind, _, cut = metric.partition("_at_")
    values = []
    for group in np.unique(groups):
        true, said = truth[groups == group], guess[groups == group]
        if len(true) < 2 or true.max() <= 0:
            continue
        if kind == "ndcg":
            values.append(ndcg_score(true[None], said[None], k=int(cut) if cut else None))
        else:
            k = int(cut) if cut else len(true)
            hits = (true > 0)[np.lexsort((true, -said))][None, :k]
            values.append(hit_score(f"{kind}_at_{k}", hits, np.array([(true > 0).sum()])))
    return float(np.mean(values)) if values else 0.0


def _levels(values: np.ndarray) -> list[int]:
    return [round(float(value)) for value in values]


def best_constant(metric: str, values: np.ndarray) -> float:
    """The one number that is best for a metric on these values: mean, median, a quantile, or their kin."""
    if metric in {"mae", "medae", "smape", "wape"}:
        return float(np.median(values))
    if metric.startswith("pinball_"):
        return float(np.quantile(values, quantile(metric)))
    if metric == "mape":
        order = np.argsort(values)
        weight = np.cumsum(1 / np.maximum(np.abs(values[order]), 1e-9))
        return float(values[order][np.searchsorted(weight, weight[-1] / 2)])
    if metric in {"rmsle", "msle"}:
        return float(np.expm1(np.mean(np.log1p(np.maximum(values, 0)))))
    return float(np.mean(values))
