"""What a task's text says about its metric, its submission and its subject. Reads words only, never data."""

from __future__ import annotations

import re
from typing import Any, Literal

from copilot.domain.base import Value
from copilot.lab.metrics import Scoring, find

Direction = Literal["maximize", "minimize"]
LOWER = {
    *("error_rate", "max_error", "mae", "rmse", "mse", "rmsle", "msle", "mape", "smape", "wape", "medae", "log_loss"),
    *("brier", "wer", "cer", "hamming_loss", "poisson_deviance"),
}
PATTERNS: list[tuple[str, str]] = [
    ("wer", r"\bwer\b|word[\s_-]*error[\s_-]*rate"),
    ("cer", r"\bcer\b|char(?:acter)?[\s_-]*error[\s_-]*rate"),
    ("bleu", r"bleu\b"),
    ("chrf", r"\bchrf"),
    ("ndcg", r"\bndcg\b|normali[sz]ed discounted cumulative gain"),
    ("roc_auc", r"\broc[\s_-]*auc|\bau[\s_-]?roc\b|area under the (?:roc|receiver)|\bauc\b(?![\s_-]*pr)"),
    (
        "average_precision",
        r"average[\s_-]+precision|\bau[\s_-]?prc?\b|\bpr[\s_-]*auc|\bauc[\s_-]*pr\b|precision[\s-]+recall curve",
    ),
    (
        "entity_f1",
        r"(?:entity|span|chunk|conll|seqeval)[\s_-]*(?:level[\s_-]*)?(?:micro[\s_-]*)?f1"
        r"|f1 (?:of|over) (?:the )?(?:entit|span|chunk)",
    ),
    ("quadratic_kappa", r"quadratic(?:ally)?[\s_-]*(?:weighted)?[\s_-]*(?:cohen'?s?[\s_-]*)?kappa|\bqwk\b"),
    ("macro_f1", r"macro[\s_-]*(?:averaged?[\s_-]*)?f1|\bf1[\s_-]*macro|unweighted mean of per[- ]class f1"),
    ("micro_f1", r"micro[\s_-]*(?:averaged?[\s_-]*)?f1|\bf1[\s_-]*micro"),
    ("weighted_f1", r"weighted[\s_-]*(?:averaged?[\s_-]*)?f1|\bf1[\s_-]*weighted"),
    ("samples_f1", r"samples?[\s_-]*(?:averaged?[\s_-]*)?f1|\bf1[\s_-]*samples"),
    ("samples_jaccard", r"samples?[\s_-]*jaccard|jaccard[\s\w]{0,20}(?:over|per|of) (?:rows?|samples?|the rows)"),
    ("jaccard", r"\bjaccard"),
    ("hamming_loss", r"hamming"),
    ("linear_kappa", r"linear(?:ly)?[\s_-]*(?:weighted)?[\s_-]*(?:cohen'?s?[\s_-]*)?kappa"),
    ("mcc", r"matthews|\bmcc\b"),
    ("kappa", r"\bkappa\b"),
    ("balanced_accuracy", r"balanced[\s_-]*accuracy|\buar\b|unweighted average recall"),
    ("log_loss", r"log[\s_-]*loss|cross[\s_-]*entropy|log[\s_-]*likelihood"),
    ("brier", r"\bbrier"),
    ("rmsle", r"\brmsle\b|root[\s_-]*mean[\s_-]*squared?[\s_-]*log"),
    ("msle", r"\bmsle\b|mean[\s_-]*squared?[\s_-]*log"),
    ("wape", r"\bwm?ape\b"),
    ("poisson_deviance", r"poisson[\s_-]*deviance"),
    ("rmse", r"\brmse\b|root[\s_-]*mean[\s_-]*square"),
    ("medae", r"median[\s_-]*absolute[\s_-]*error"),
    ("smape", r"\bsmape\b|symmetric mean absolute percentage"),
    ("mape", r"\bmape\b|mean absolute percentage"),
    ("mae", r"\bmae\b|mean[\s_-]*absolute[\s_-]*(?:error|deviation)"),
    ("mse", r"\bmse\b|mean[\s_-]*squared?[\s_-]*error|\bneg_mean_squared_error"),
    ("r2", r"\br2\b|\br²|\br\^2|r[\s_-]squared|coefficient of determination"),
    ("spearman", r"spearman"),
    ("pearson", r"pearson"),
    ("kendall", r"kendall"),
    ("mrr", r"\bmrr\b|mean reciprocal rank"),
    ("error_rate", r"error rate|misclassif"),
    ("sequence_accuracy", r"(?:sequence|sentence)[\s_-]accuracy"),
    (
        "token_accuracy",
        r"(?:token|tag|tagging|per[- ]token)[\s_-]accuracy|accuracy (?:over|of|per) (?:the )?(?:token|tag)",
    ),
    ("macro_precision", r"macro[\s_-]*precision"),
    ("macro_recall", r"macro[\s_-]*recall"),
    ("accuracy", r"accuracy|share of (?:exactly )?(?:equal|correct)|fraction correct"),
    ("f1", r"\bf1\b|\bf[\s_-]?1[\s_-]?score|\bf-measure"),
]


POSITIVE = re.compile(
    r"(?:of the|for|of) class [`'\"]?(\w+)|positive class (?:is )?[`'\"]?(\w+)|(\w+)[`'\"]? as the positive"
)


class Wording(Value):
    """What the text and the grading rule settle. Empty where neither says so."""

    metric: str = ""
    direction: Direction = "maximize"
    positive: str | None = None
    keys: list[str] = []
    targets: list[str] = []
    columns: list[str] = []
    """All columns of the submission, in order, where they could be read."""
    form: Literal["csv", "jsonl"] = "csv"
    groups: list[str] = []
    """Columns that name the group within which rows are ordered."""


def canonical(name: str) -> str:
    """The metric that a name or a sentence speaks of, by our name for it; empty when none is known."""
    lowered = name.lower().strip()
    if found := re.search(r"\b(map|ndcg|mean average precision|precision)\s*(?:@|at)\s*(\d+)", lowered):
        return f"{'map' if found[1].startswith('m') else found[1]}_at_{found[2]}"
    if found := re.search(r"(?:pinball|quantile)[\s_-]*(?:loss)?[\s\w(]{0,20}?(0\.\d+)", lowered):
        return f"pinball_{found[1]}"
    if found := re.search(r"\btop[\s_-]*(\d+)[\s_-]*acc|\b(?:hits|accuracy|recall)\s*@\s*(\d+)", lowered):
        return f"top_{found[1] or found[2]}_accuracy"
    return next((metric for metric, pattern in PATTERNS if metric == lowered or re.search(pattern, lowered)), "")


def section(text: str, *titles: str) -> str:
    """The text under the first Markdown heading whose title starts with one of `titles`, without case; else empty."""
    for title in titles:
        found = re.search(rf"^#+\s*{title}[^\n]*\n(.*?)(?=^#+\s|\Z)", text, re.I | re.M | re.S)
        if found:
            return found[1].strip()
    return ""


def title(text: str) -> str:
    """The first heading or the first line that says anything, at most 120 characters."""
    lines = [line.strip("# *").strip() for line in text.splitlines() if line.strip("# *-").strip()]
    return lines[0][:120] if lines else ""


def submission_columns(text: str) -> list[str]:
    """The columns of the submission: a code span with a comma, or single code spans, in the section about it."""
    where = section(text, "submission", "output", "predictions?", "format")
    if not where:
        where = next(
            (line for line in text.splitlines() if re.search(r"submi|predictions? file|columns?", line, re.I)), ""
        )
    spans: list[str] = re.findall(r"`([^`\n]+)`", where)
    listed = [span for span in spans if "," in span and re.fullmatch(r"[\w\s,.\-]+", span)]
    if listed:
        return [name.strip() for name in listed[0].split(",") if name.strip()]
    return [span for span in spans if re.fullmatch(r"[A-Za-z_]\w*", span)]


def read_wording(text: str, grade: dict[str, Any] | None) -> Wording:
    """Metric, direction, positive class and columns, from the grading rule where there is one, else from the text."""
    grade = grade or {}
    said = section(text, "metric", "evaluation", "scor", "grading") or text
    named = _named(grade) if grade.get("metric") else None
    metric = named.name if named else canonical(str(grade.get("metric", ""))) or canonical(said)
    columns = submission_columns(text)
    keys = _names(grade.get("key")) or columns[:1]
    targets = _names(grade.get("target")) or [name for name in columns if name not in keys]
    word = str(grade.get("direction", "")) or (said if re.search(r"lower|minimi|higher|maximi", said, re.I) else "")
    lower = bool(re.search(r"lower|min", word, re.I)) if word else metric in LOWER
    where = section(text, "submission", "output", "predictions?", "format") or text
    form: Literal["csv", "jsonl"] = (
        "jsonl" if re.search(r"json\s*lines|jsonl", where, re.I) and "CSV" not in where else "csv"
    )
    positive = grade.get("positive", grade.get("pos_label"))
    if positive is None and (found := POSITIVE.search(f"{said}\n{grade.get('grading', '')}")):
        positive = next(group for group in found.groups() if group)
    return Wording(
        metric=metric,
        direction="minimize" if lower else "maximize",
        positive=None if positive is None else str(positive),
        keys=keys,
        targets=targets,
        columns=columns,
        form=form,
        groups=_names(grade.get("group", grade.get("groups"))) or keys[:-1],
    )


def _named(grade: dict[str, Any]) -> Scoring | None:
    """The metric of a grading rule; None where its numbers cannot be read (the evaluator says so)."""
    k, quantile = grade.get("k", 5), grade.get("quantile", grade.get("alpha"))
    if not isinstance(k, int) or not isinstance(quantile, int | float | None):
        return None
    return find(str(grade["metric"]), k, quantile)


def _names(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else [str(item) for item in value]
