"""Prediction from a table: encode each column by its type, fit the arm's model. `card.md` lists the parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import taskfit
import taskrows
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, QuantileRegressor, RidgeCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC, SVR
from taskscores import quantile

TYPES: dict[str, str] = {}


def dates(table: pd.DataFrame) -> np.ndarray:
    """Year, month, day of month, day of week, hour and running day of each date column."""
    parts = []
    for name in table.columns:
        column = table[name].dt
        days = (table[name] - pd.Timestamp("2000-01-01")).dt.days
        parts += [column.year, column.month, column.day, column.day_of_week, column.hour, days]
    return np.column_stack(parts).astype(float)


def series(table: pd.DataFrame) -> np.ndarray:
    """Length, mean, spread and quantiles of each list of numbers; vectors of one length as they are."""
    parts = []
    for name in table.columns:
        cells = [np.asarray(cell, dtype=float).reshape(-1) for cell in table[name]]
        if len({len(cell) for cell in cells}) == 1 and len(cells[0]) <= 512:
            parts.append(np.stack(cells))
        cells = [cell if len(cell) else np.zeros(1) for cell in cells]
        parts.append(np.array([[len(c), c.mean(), c.std(), *np.quantile(c, [0, 0.25, 0.5, 0.75, 1])] for c in cells]))
    return np.hstack(parts)


class Joined(BaseEstimator, TransformerMixin):
    """A cell as one text: tokens joined by spaces."""

    def fit(self, x: Any, y: Any = None) -> Joined:
        return self

    def transform(self, x: pd.Series) -> list[str]:
        return [cell if isinstance(cell, str) else " ".join(cell) for cell in x]


def _text(kind: str, dense: bool) -> Pipeline:
    grams = {"analyzer": "char", "ngram_range": (1, 4)} if kind in {"symbols", "name"} else {"ngram_range": (1, 2)}
    words = TfidfVectorizer(sublinear_tf=True, min_df=2, max_features=30000, token_pattern=r"(?u)\b\w+\b", **grams)
    steps = [Joined(), words] + ([TruncatedSVD(24, random_state=0)] if dense else [])
    return make_pipeline(*steps)


def encoder(columns: list[str], dense: bool) -> ColumnTransformer:
    """Columns to numbers: for trees (`dense`) small codes and components, else scaled numbers and one-hot."""
    kinds = {kind: [name for name in columns if TYPES[name] == kind] for kind in set(TYPES.values())}
    parts: list[tuple[str, Any, Any]] = []
    if names := kinds.get("category", []):
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, max_categories=200)
        one_hot = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3)
        parts.append(("category", codes if dense else one_hot, names))
    if names := kinds.get("number", []):
        parts.append(("number", "passthrough" if dense else _scaled(), names))
    if names := kinds.get("date", []):
        parts.append(
            (
                "date",
                FunctionTransformer(dates) if dense else make_pipeline(FunctionTransformer(dates), _scaled()),
                names,
            )
        )
    if names := kinds.get("series", []):
        parts.append(
            (
                "series",
                FunctionTransformer(series) if dense else make_pipeline(FunctionTransformer(series), _scaled()),
                names,
            )
        )
    for kind in ("text", "tokens", "symbols"):
        parts += [(f"{kind}_{name}", _text(kind, dense), name) for name in kinds.get(kind, [])]
    return ColumnTransformer(parts, sparse_threshold=0.0 if dense else 0.3)


def _scaled() -> Pipeline:
    return make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), StandardScaler()
    )


class Ordinal(BaseEstimator, ClassifierMixin):
    """Classes that are whole numbers, fitted as numbers and answered as the nearest class."""

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, x: Any, y: Any) -> Ordinal:
        self.classes_ = np.array(sorted(set(y), key=float))
        self.regressor.fit(x, np.asarray(y).astype(float))
        return self

    def predict(self, x: Any) -> np.ndarray:
        levels = self.classes_.astype(float)
        return self.classes_[np.abs(self.regressor.predict(x)[:, None] - levels).argmin(axis=1)]


class Clipped(BaseEstimator, RegressorMixin):
    """A regressor whose answers stay within the range of the targets that it saw."""

    def __init__(self, regressor: Any) -> None:
        self.regressor = regressor

    def fit(self, x: Any, y: Any) -> Clipped:
        self.low, self.high = float(np.min(y)), float(np.max(y))
        self.regressor.fit(x, y)
        return self

    def predict(self, x: Any) -> np.ndarray:
        return np.clip(self.regressor.predict(x), self.low, self.high)


def learner(trial: taskfit.Trial, name: str, classify: bool) -> Any:
    """The bare scikit-learn model of that name."""
    trees, leaf = int(trial.number("trees", 300)), int(trial.number("leaf", 1))
    weight = "balanced" if trial.parameters.get("balanced") else None
    metric = str(trial.task["metric"])
    if name == "linear":
        if classify:
            return LogisticRegression(C=1.0, max_iter=2000, class_weight=weight)
        asked = metric.startswith("pinball_")
        return QuantileRegressor(quantile=quantile(metric), alpha=1e-3) if asked else RidgeCV(np.logspace(-2, 3, 11))
    if name == "hist_gradient_boosting":
        shared = {"learning_rate": trial.number("learning_rate", 0.06), "max_iter": trees, "early_stopping": True,
                  "n_iter_no_change": 15, "l2_regularization": 1.0, "random_state": trial.seed}  # fmt: skip
        if classify:
            return HistGradientBoostingClassifier(class_weight=weight, **shared)
        if metric.startswith("pinball_"):
            return HistGradientBoostingRegressor(loss="quantile", quantile=quantile(metric), **shared)
        loss = "absolute_error" if metric in {"mae", "mape", "smape", "medae", "wape"} else "squared_error"
        return HistGradientBoostingRegressor(loss="poisson" if metric == "poisson_deviance" else loss, **shared)
    if name in {"random_forest", "extra_trees"}:
        shared = {"n_estimators": trees, "min_samples_leaf": leaf, "random_state": trial.seed}
        if classify:
            kind = RandomForestClassifier if name == "random_forest" else ExtraTreesClassifier
            return kind(class_weight=weight, **shared)
        kind = RandomForestRegressor if name == "random_forest" else ExtraTreesRegressor
        return kind(max_features=0.4, **shared)
    if name == "nearest_neighbours":
        return KNeighborsClassifier(9, weights="distance") if classify else KNeighborsRegressor(9, weights="distance")
    return (
        SVC(C=3.0, class_weight=weight)
        if classify
        else TransformedTargetRegressor(SVR(C=3.0), transformer=StandardScaler())
    )


def pipeline(trial: taskfit.Trial, name: str, classify: bool) -> Any:
    """Encoder and model."""
    dense = name in {"hist_gradient_boosting", "random_forest", "extra_trees"}
    steps: list[Any] = [encoder(list(TYPES), dense)]
    if name in {"random_forest", "extra_trees"}:
        steps.append(SimpleImputer(strategy="median", keep_empty_features=True))
    return make_pipeline(*steps, learner(trial, name, classify))


def build(trial: taskfit.Trial, problem: str) -> Any:
    """The estimator of this arm."""
    ordinal = trial.task["metric"] in {"quadratic_kappa", "linear_kappa"} and problem == "classification"
    classify = problem == "classification" and not ordinal
    if trial.model == "blend":
        names = ["hist_gradient_boosting", "extra_trees", "linear"]
        members = [(name, pipeline(trial, name, classify)) for name in names]
        model: Any = VotingClassifier(members, voting="soft") if classify else VotingRegressor(members)
    else:
        model = pipeline(trial, trial.model, classify)
    if classify:
        return model
    if trial.parameters.get("log_target") or trial.task["metric"] in {"rmsle", "msle"}:
        model = TransformedTargetRegressor(model, func=np.log1p, inverse_func=np.expm1)
    return Ordinal(model) if ordinal else Clipped(model)


if __name__ == "__main__":
    asked = taskfit.start()
    rows = taskrows.load(asked.task, asked.inputs)
    TYPES.update(
        {name: kind for name, kind in rows.types.items() if kind not in {"name", "empty", "path", "image", "edges"}}
    )
    train, test = rows.train[list(TYPES)], rows.test[list(TYPES)]
    if rows.groups is not None:
        taskfit.run_groups(asked, train, rows.target.iloc[:, 0], rows.groups, test, rows.keys, build)
    else:
        taskfit.run(asked, train, rows.target, test, rows.keys, build)
