"""Prediction from texts: n-gram TF-IDF and a linear model. `card.md` lists the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import taskfit
import taskrows
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.naive_bayes import ComplementNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MaxAbsScaler, OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC, LinearSVR

TEXTS: list[str] = []
NUMBERS: list[str] = []
CATEGORIES: list[str] = []


def texts(column: pd.Series) -> list[str]:
    """Each cell as one text."""
    return [cell if isinstance(cell, str) else " ".join(cell) for cell in column]


def shape(column: pd.Series) -> np.ndarray:
    """What n-grams lose: length, share of digits and capitals, marks of excitement."""
    rows = [
        (len(t), sum(c.isdigit() for c in t), sum(c.isupper() for c in t), t.count("!"), t.count("?"))
        for t in texts(column)
    ]
    return np.log1p(np.array(rows, dtype=float))


def overlap(table: pd.DataFrame) -> np.ndarray:
    """How alike two texts are: shared words over all words, share of each text's words, difference in length."""
    rows = []
    for left, right in zip(texts(table.iloc[:, 0]), texts(table.iloc[:, 1]), strict=True):
        a, b = set(left.lower().split()), set(right.lower().split())
        both = len(a & b)
        rows.append((both / max(1, len(a | b)), both / max(1, len(a)), both / max(1, len(b)), abs(len(a) - len(b))))
    return np.array(rows, dtype=float)


def grams(kind: str) -> FeatureUnion:
    """The n-gram extractors of an arm."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, token_pattern=r"(?u)\b\w+\b|[^\w\s]")
    chars = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True, min_df=2, max_features=200_000)
    parts = {
        "words": [("words", words)],
        "chars": [("chars", chars)],
        "words_and_chars": [("words", words), ("chars", chars)],
    }
    return make_pipeline(FunctionTransformer(texts), FeatureUnion(parts[kind]))


def encoder(kind: str) -> ColumnTransformer:
    """All columns as one sparse matrix."""
    parts: list[tuple[str, Any, Any]] = []
    for name in TEXTS:
        parts.append((f"grams_{name}", grams(kind), name))
        parts.append((f"shape_{name}", make_pipeline(FunctionTransformer(shape), MaxAbsScaler()), name))
    if len(TEXTS) == 2:
        parts.append(("overlap", make_pipeline(FunctionTransformer(overlap), MaxAbsScaler()), TEXTS))
    if NUMBERS:
        parts.append(
            (
                "numbers",
                make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), MaxAbsScaler()),
                NUMBERS,
            )
        )
    if CATEGORIES:
        parts.append(("categories", OneHotEncoder(handle_unknown="ignore"), CATEGORIES))
    return ColumnTransformer(parts, sparse_threshold=1.0)


def build(trial: taskfit.Trial, problem: str) -> Any:
    """The estimator of this arm."""
    c, weight = trial.number("c", 1.0), "balanced" if trial.parameters.get("balanced") else None
    if problem == "regression" and trial.model == "linear_svm":
        svm = LinearSVR(C=c, epsilon=0.05, max_iter=5000, random_state=trial.seed)
        model: Any = TransformedTargetRegressor(svm, transformer=StandardScaler())
    elif problem == "regression" or trial.model == "ridge":
        model = RidgeCV(np.logspace(-1, 2, 7))
    elif trial.model == "naive_bayes":
        return make_pipeline(
            encoder(str(trial.parameters.get("grams", "words"))), FunctionTransformer(abs), ComplementNB(alpha=0.3)
        )
    elif trial.model == "logistic_regression":
        model = LogisticRegression(C=c, max_iter=1000, class_weight=weight)
    else:
        model = LinearSVC(C=c, class_weight=weight, random_state=trial.seed)
    return make_pipeline(encoder(str(trial.parameters.get("grams", "words"))), model)


if __name__ == "__main__":
    asked = taskfit.start()
    rows = taskrows.load(asked.task, asked.inputs)
    TEXTS += [name for name, kind in rows.types.items() if kind in {"text", "tokens", "name", "symbols", "path"}]
    NUMBERS += [name for name, kind in rows.types.items() if kind == "number"]
    CATEGORIES += [name for name, kind in rows.types.items() if kind == "category"]
    taskfit.run(asked, rows.train, rows.target, rows.test, rows.keys, build)
