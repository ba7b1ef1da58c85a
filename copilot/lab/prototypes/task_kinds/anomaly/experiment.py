"""How strange each row is, learned without labels. `card.md` lists the parameters and how validation is done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import taskfit
import taskrows
from sklearn.compose import ColumnTransformer
from sklearn.covariance import LedoitWolf
from sklearn.ensemble import IsolationForest
from sklearn.impute import SimpleImputer
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, RobustScaler

NEIGHBOURS = 10


def encoder(types: dict[str, str]) -> ColumnTransformer:
    """Numbers scaled by their quartiles, categories as columns of 0 and 1."""
    numbers = [name for name, kind in types.items() if kind == "number"]
    words = [name for name, kind in types.items() if kind == "category"]
    scaled = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True), RobustScaler()
    )
    marked = OneHotEncoder(handle_unknown="ignore", min_frequency=2, sparse_output=False)
    return ColumnTransformer([("number", scaled, numbers), ("category", marked, words)], sparse_threshold=0.0)


def strangeness(trial: taskfit.Trial, known: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """A score per asked row, larger for stranger ones."""
    if trial.model == "constant":
        return np.zeros(len(asked))
    if trial.model == "distance":
        return np.asarray(LedoitWolf().fit(known).mahalanobis(asked))
    if trial.model == "isolation_forest":
        return np.asarray(-IsolationForest(300, random_state=trial.seed).fit(known).score_samples(asked))
    count = min(NEIGHBOURS, len(known) - 1)
    if trial.model == "nearest":
        return np.asarray(NearestNeighbors(n_neighbors=count).fit(known).kneighbors(asked)[0][:, -1])
    return np.asarray(-LocalOutlierFactor(n_neighbors=2 * count, novelty=True).fit(known).score_samples(asked))


def dealt(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same table with the cells of every column in another order: rows that never were."""
    return pd.DataFrame({name: rng.permutation(table[name].to_numpy()) for name in table.columns})


def main() -> None:
    """The trial: choose on made-up strange rows, fit on all drawn rows, score the test rows."""
    trial = taskfit.start()
    task = trial.task
    rows: Any = taskrows.load(task, trial.inputs)
    types = {name: kind for name, kind in rows.types.items() if kind in {"number", "category"}}
    rng = np.random.default_rng(trial.seed)
    most = int(trial.number("max_rows", 20000))
    take = taskfit.sample(np.zeros(len(rows.train)), trial.number("rows", 0.9), most, rng, False)
    table = rows.train[list(types)].iloc[take].reset_index(drop=True)
    fit, valid = taskfit.split(np.zeros(len(table)), trial.number("validation", 0.2), trial.seed, False)
    code = encoder(types).fit(table.iloc[fit])
    asked = pd.concat([table.iloc[valid], dealt(table.iloc[valid], rng)], ignore_index=True)
    guess = strangeness(trial, code.transform(table.iloc[fit]), code.transform(asked))
    truth = np.array(["0"] * len(valid) + ["1"] * len(valid))
    value = taskfit.score(str(task["metric"]), truth, guess, "1")
    code = encoder(types).fit(table)
    name = task["targets"][0]
    scores = strangeness(trial, code.transform(table), code.transform(rows.test[list(types)]))
    taskfit.write(trial, value, rows.keys.assign(**{task["answers"].get(name, name): scores}))


if __name__ == "__main__":
    main()
