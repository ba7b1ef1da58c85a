"""The metrics a sealed task may name, each computed by scikit-learn or SciPy; here are names, forms, directions.

A metric's `form` says what a prediction must look like:

    label        one class per row                         number     one finite number (or several target columns)
    score        a number, larger for the positive class   ranked     several classes or items, best first
    probability  of the positive class, or one per class   relevance  a score that orders the rows of a group
    labels       several labels per row (`labelsets`)      text       written text (`texts`)
    tags         one tag per token, rows grouped into sequences

It reads no file and aligns nothing (`grading`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from copilot.lab import labelsets, ranking, tagging, texts

Form = Literal["label", "labels", "number", "score", "probability", "ranked", "relevance", "tags", "text"]
Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Scoring:
    """One metric. `compute(truth, predicted)` takes aligned arrays: class codes, numbers, or a rows x classes matrix.

    `binary` metrics are given 1 for the positive class; `ordered` ones need classes that are numbers. What is not
    `smooth` depends on single rows (a maximum, a median), so resampling rows says nothing about its error. `weighted`
    ones take `sample_weight`.
    """

    name: str
    form: Form
    direction: Direction
    compute: Callable[..., float]
    binary: bool = False
    ordered: bool = False
    smooth: bool = True
    weighted: bool = False


ALIASES = {
    "acc": "accuracy",
    "exact_match": "accuracy",
    "em": "accuracy",
    "zero_one_loss": "error_rate",
    "f1_macro": "macro_f1",
    "f1_micro": "micro_f1",
    "f1_weighted": "weighted_f1",
    "f1_score": "f1",
    "binary_f1": "f1",
    "precision_macro": "macro_precision",
    "recall_macro": "macro_recall",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "pr_auc": "average_precision",
    "auprc": "average_precision",
    "ap": "average_precision",
    "logloss": "log_loss",
    "cross_entropy": "log_loss",
    "nll": "log_loss",
    "brier_score": "brier",
    "bpc": "bits_per_character",
    "matthews_corrcoef": "mcc",
    "matthews": "mcc",
    "cohen_kappa": "kappa",
    "cohens_kappa": "kappa",
    "qwk": "quadratic_kappa",
    "quadratic_weighted_kappa": "quadratic_kappa",
    "mean_absolute_error": "mae",
    "mean_squared_error": "mse",
    "root_mean_squared_error": "rmse",
    "median_absolute_error": "medae",
    "mean_absolute_percentage_error": "mape",
    "r2_score": "r2",
    "r_squared": "r2",
    "pearsonr": "pearson",
    "spearmanr": "spearman",
    "kendalltau": "kendall",
    "span_f1": "entity_f1",
    "ner_f1": "entity_f1",
    "conll_f1": "entity_f1",
    "seqeval": "entity_f1",
    "seqeval_f1": "entity_f1",
    "tag_accuracy": "token_accuracy",
    "sentence_accuracy": "sequence_accuracy",
    "expected_calibration_error": "ece",
    "mean_reciprocal_rank": "mrr",
    "mean_average_precision": "map",
    "root_mean_squared_log_error": "rmsle",
    "root_mean_squared_logarithmic_error": "rmsle",
    "mean_squared_log_error": "msle",
    "mean_pinball_loss": "pinball",
    "pinball_loss": "pinball",
    "quantile_loss": "pinball",
    "word_error_rate": "wer",
    "character_error_rate": "cer",
    "char_error_rate": "cer",
    "sacrebleu": "bleu",
    "bleu_score": "bleu",
    "chrf2": "chrf",
    "f1_samples": "samples_f1",
    "sample_f1": "samples_f1",
    "dice": "samples_f1",
    "dice_score": "samples_f1",
    "jaccard_samples": "samples_jaccard",
    "jaccard_score": "jaccard",
    "iou": "jaccard",
    "jaccard_macro": "macro_jaccard",
    "jaccard_micro": "micro_jaccard",
    "jaccard_weighted": "weighted_jaccard",
    "subset_accuracy": "accuracy",
    "linear_weighted_kappa": "linear_kappa",
    "mean_roc_auc": "roc_auc",
    "mean_columnwise_roc_auc": "roc_auc",
    "columnwise_log_loss": "log_loss",
    "mean_columnwise_log_loss": "log_loss",
    "mean_poisson_deviance": "poisson_deviance",
    "wmape": "wape",
}

_RANKED = re.compile(r"(?:top_?(\d+)(?:_accuracy|_acc)?|(?:hits|hit_rate|accuracy|acc)_?at_?(\d+)|top_k_accuracy)")
_CUT = re.compile(r"(ndcg|map|mrr|recall|precision|average_precision|mean_average_precision)_?(?:at_?)?(\d+)")
_QUANTILE = re.compile(r"(?:mean_)?(?:pinball|quantile)(?:_loss)?_(?:at_)?(?:q_?)?(?:(\d)_(\d+)|(\d+))")
_GROUPED = re.compile(r"(ndcg|map|mrr|precision|recall)(?:_at_(\d+))?")


def canonical_name(name: str) -> str:
    """`Macro-F1`, `F1 (macro)` and `f1_macro` are the same metric."""
    plain = re.sub(r"[^a-z0-9]+", "_", name.strip().lower().replace("@", "_at_").replace("²", "2")).strip("_")
    return ALIASES.get(plain, plain)


def find(name: str, k: int = 5, quantile: float | None = None) -> Scoring | None:
    """The metric of that name (aliases and spellings included), or None.

    `k` is for `top_k_accuracy`, `quantile` (between 0 and 1) for `pinball`, which `pinball@0.9` may name as well.
    """
    plain = canonical_name(name)
    if ranked := _RANKED.fullmatch(plain):
        return _top_k(int(ranked[1] or ranked[2] or k))
    if cut := _CUT.fullmatch(plain):
        return _cut(cut[1].removeprefix("mean_"), max(1, int(cut[2])))
    if found := _QUANTILE.fullmatch(plain):
        return _pinball(float(f"{found[1]}.{found[2]}") if found[1] else float(found[3]) / 100)
    if plain == "pinball":
        return _pinball(0.5 if quantile is None else quantile)
    return _TABLE.get(plain)


def of_sets(scoring: Scoring) -> Scoring | None:
    """The same metric over sets of labels, or None where it has no such form."""
    found = labelsets.set_scores().get(scoring.name)
    if found is None or found[0] != scoring.direction:
        return None
    return Scoring(scoring.name, "labels", scoring.direction, found[1], weighted=True)


def of_groups(scoring: Scoring) -> Scoring | None:
    """The same metric over groups of rows with graded relevance, or None where it has no such form."""
    found = _GROUPED.fullmatch(scoring.name)
    if found is None or scoring.form not in {"ranked", "relevance"}:
        return None
    compute = ranking.over_groups(found[1], int(found[2]) if found[2] else None)
    return Scoring(scoring.name, "relevance", "maximize", compute)


def known_names() -> list[str]:
    """All canonical names, for a message."""
    cut = [f"{name}@<k>" for name in ("map", "mrr", "ndcg", "precision", "recall")]
    return sorted([*_TABLE, "pinball", "top_<k>_accuracy", *cut])


def _sk(function: str, **options: Any) -> Callable[[Any, Any], float]:
    def compute(truth: Any, predicted: Any, **more: Any) -> float:
        import sklearn.metrics

        return float(getattr(sklearn.metrics, function)(truth, predicted, **options, **more))

    return compute


def _correlation(function: str) -> Callable[[Any, Any], float]:
    """A rank or linear correlation; constant predictions say nothing about the order and score 0 by definition."""

    def compute(truth: Any, predicted: Any) -> float:
        import numpy as np
        import scipy.stats

        if np.ptp(predicted) == 0:
            return 0.0
        return float(getattr(scipy.stats, function)(truth, predicted).statistic)

    return compute


def _roc_auc(truth: Any, predicted: Any) -> float:
    import sklearn.metrics

    if predicted.ndim == 1 or truth.ndim == 2:
        return float(sklearn.metrics.roc_auc_score(truth, predicted))
    labels = range(predicted.shape[1])
    return float(sklearn.metrics.roc_auc_score(truth, predicted, multi_class="ovr", average="macro", labels=[*labels]))


def _average_precision(truth: Any, predicted: Any) -> float:
    import numpy as np
    import sklearn.metrics

    if predicted.ndim == 1 or truth.ndim == 2:
        return float(sklearn.metrics.average_precision_score(truth, predicted))
    return float(sklearn.metrics.average_precision_score(np.eye(predicted.shape[1])[truth], predicted))


def _log_loss(truth: Any, predicted: Any) -> float:
    import numpy as np
    import sklearn.metrics

    if truth.ndim == 2:
        return float(np.mean([_log_loss(truth[:, column], predicted[:, column]) for column in range(truth.shape[1])]))
    classes = 2 if predicted.ndim == 1 else predicted.shape[1]
    return float(sklearn.metrics.log_loss(truth, predicted, labels=[*range(classes)]))


def _brier(truth: Any, predicted: Any) -> float:
    import numpy as np

    if predicted.ndim == 1:
        return _sk("brier_score_loss")(truth, predicted)
    return float(((predicted - np.eye(predicted.shape[1])[truth]) ** 2).sum(axis=1).mean())


def _calibration_error(truth: Any, predicted: Any) -> float:
    """Expected calibration error, 15 equal bins of the confidence (Guo et al. 2017, eq. 3)."""
    import numpy as np

    chosen = predicted >= 0.5 if predicted.ndim == 1 else predicted.argmax(axis=1)
    sure = np.maximum(predicted, 1 - predicted) if predicted.ndim == 1 else predicted.max(axis=1)
    bins = np.minimum((sure * 15).astype(int), 14)
    right = chosen == truth
    gaps = [abs(right[bins == b].mean() - sure[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    return float(sum(gaps))


def _smape(truth: Any, predicted: Any) -> float:
    """Symmetric MAPE as a share (0 to 2): mean of |y - f| / ((|y| + |f|) / 2), 0 where both are 0."""
    import numpy as np

    scale = (np.abs(truth) + np.abs(predicted)) / 2
    return float(np.mean(np.divide(np.abs(truth - predicted), scale, out=np.zeros_like(scale), where=scale > 0)))


def _log_error(function: str) -> Callable[..., float]:
    """RMSLE or MSLE; a negative prediction counts as zero, the usual convention of competitions."""

    def compute(truth: Any, predicted: Any, **more: Any) -> float:
        import numpy as np

        return _sk(function)(truth, np.maximum(predicted, 0), **more)

    return compute


def _absolute_share(truth: Any, predicted: Any) -> float:
    """Sum of absolute errors over the sum of absolute truths (WAPE), as a share."""
    import numpy as np

    return float(np.abs(truth - predicted).sum() / np.abs(truth).sum())


def _pinball(quantile: float) -> Scoring | None:
    if not 0 < quantile < 1:
        return None
    name = f"pinball_{quantile:g}"
    return Scoring(name, "number", "minimize", _sk("mean_pinball_loss", alpha=quantile), weighted=True)


def _top_k(k: int) -> Scoring:
    return Scoring(f"top_{k}_accuracy", "ranked", "maximize", ranking.any_hit(k))


def _cut(measure: str, k: int) -> Scoring:
    """A measure of the first k items; `of_groups` makes the form for graded relevance of it."""
    made = {"recall": ranking.recall_at, "precision": ranking.precision_at, "ndcg": ranking.gain_at}
    made["mrr"] = ranking.reciprocal_rank_at
    name = "map" if measure == "average_precision" else measure
    return Scoring(f"{name}_at_{k}", "ranked", "maximize", made.get(name, ranking.average_precision_at)(k))


def _average(kind: str, average: str) -> Callable[[Any, Any], float]:
    return _sk(f"{kind}_score", average=average, zero_division=0)


_TABLE = {
    scoring.name: scoring
    for scoring in (
        Scoring("accuracy", "label", "maximize", _sk("accuracy_score")),
        Scoring("error_rate", "label", "minimize", _sk("zero_one_loss")),
        Scoring("balanced_accuracy", "label", "maximize", _sk("balanced_accuracy_score")),
        *(
            Scoring(kind, "label", "maximize", _average(kind, "binary"), binary=True)
            for kind in ("precision", "recall")
        ),
        Scoring("f1", "label", "maximize", _average("f1", "binary"), binary=True),
        Scoring("f2", "label", "maximize", _sk("fbeta_score", beta=2, zero_division=0), binary=True),
        Scoring("f0_5", "label", "maximize", _sk("fbeta_score", beta=0.5, zero_division=0), binary=True),
        *(
            Scoring(f"{average}_{kind}", "label", "maximize", _average(kind, average))
            for average in ("macro", "micro", "weighted")
            for kind in ("f1", "precision", "recall")
        ),
        Scoring("jaccard", "label", "maximize", _average("jaccard", "macro")),
        *(
            Scoring(f"{average}_jaccard", "label", "maximize", _average("jaccard", average))
            for average in ("macro", "micro", "weighted")
        ),
        *(
            Scoring(name, "labels", direction, compute)
            for name, (direction, compute) in labelsets.set_scores().items()
            if name.startswith("samples_") or name == "hamming_loss"
        ),
        Scoring("mcc", "label", "maximize", _sk("matthews_corrcoef")),
        Scoring("kappa", "label", "maximize", _sk("cohen_kappa_score")),
        Scoring("quadratic_kappa", "label", "maximize", _sk("cohen_kappa_score", weights="quadratic"), ordered=True),
        Scoring("linear_kappa", "label", "maximize", _sk("cohen_kappa_score", weights="linear"), ordered=True),
        Scoring("adjusted_rand", "label", "maximize", _sk("adjusted_rand_score")),
        Scoring("nmi", "label", "maximize", _sk("normalized_mutual_info_score")),
        Scoring("roc_auc", "score", "maximize", _roc_auc, binary=True),
        Scoring("average_precision", "score", "maximize", _average_precision, binary=True),
        Scoring("log_loss", "probability", "minimize", _log_loss, binary=True),
        Scoring("perplexity", "probability", "minimize", lambda a, b: math.exp(_log_loss(a, b)), binary=True),
        Scoring(
            "bits_per_character", "probability", "minimize", lambda a, b: _log_loss(a, b) / math.log(2), binary=True
        ),
        Scoring("brier", "probability", "minimize", _brier, binary=True),
        Scoring("ece", "probability", "minimize", _calibration_error, binary=True),
        Scoring("mae", "number", "minimize", _sk("mean_absolute_error")),
        Scoring("mse", "number", "minimize", _sk("mean_squared_error")),
        Scoring("rmse", "number", "minimize", _sk("root_mean_squared_error")),
        Scoring("medae", "number", "minimize", _sk("median_absolute_error"), smooth=False),
        Scoring("mape", "number", "minimize", _sk("mean_absolute_percentage_error")),
        Scoring("smape", "number", "minimize", _smape),
        Scoring("rmsle", "number", "minimize", _log_error("root_mean_squared_log_error")),
        Scoring("msle", "number", "minimize", _log_error("mean_squared_log_error")),
        Scoring("wape", "number", "minimize", _absolute_share),
        Scoring("poisson_deviance", "number", "minimize", _sk("mean_poisson_deviance")),
        Scoring("max_error", "number", "minimize", _sk("max_error"), smooth=False),
        Scoring("r2", "number", "maximize", _sk("r2_score")),
        Scoring("explained_variance", "number", "maximize", _sk("explained_variance_score")),
        Scoring("pearson", "number", "maximize", _correlation("pearsonr")),
        Scoring("spearman", "number", "maximize", _correlation("spearmanr")),
        Scoring("kendall", "number", "maximize", _correlation("kendalltau")),
        Scoring("mrr", "ranked", "maximize", ranking.reciprocal_rank_at(None)),
        *(Scoring(name, "relevance", "maximize", ranking.over_groups(name, None)) for name in ("ndcg", "map")),
        Scoring("wer", "text", "minimize", texts.word_error_rate),
        Scoring("cer", "text", "minimize", texts.character_error_rate),
        Scoring("bleu", "text", "maximize", texts.bleu),
        Scoring("chrf", "text", "maximize", texts.chrf),
        Scoring("entity_f1", "tags", "maximize", tagging.span_f1),
        Scoring("token_accuracy", "tags", "maximize", tagging.token_accuracy),
        Scoring("sequence_accuracy", "tags", "maximize", tagging.sequence_accuracy),
    )
}
_KINDS = ("f1", "precision", "recall", "jaccard")
_WEIGHTED = {
    *("accuracy", "error_rate", "balanced_accuracy", "f1", "f2", "f0_5", "precision", "recall", "jaccard", "mcc"),
    *("kappa", "quadratic_kappa", "linear_kappa", "hamming_loss", *(f"samples_{kind}" for kind in _KINDS)),
    *(f"{average}_{kind}" for average in ("macro", "micro", "weighted") for kind in _KINDS),
    *("mae", "mse", "rmse", "medae", "mape", "rmsle", "msle", "r2", "explained_variance", "poisson_deviance"),
}
_TABLE |= {name: replace(_TABLE[name], weighted=True) for name in _WEIGHTED}
