"""One trial of a task: read the arm, split by seed, fit, measure on validation rows, predict the test rows, write.

What a seed changes, honestly: which share `rows` of the training rows is used at all (so that repeated trials differ
as they would with other training data; overlapping shares understate that spread), which of them validate, and the
model's own random state. The metric written here is measured on validation rows only.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING or __package__:
    from copilot.lab.taskkind.kit.taskscores import (
        RANKS,
        SCORES,
        best_constant,
        grouped_score,
        ranked,
        score,
        set_score,
    )
else:
    from taskscores import RANKS, SCORES, best_constant, grouped_score, ranked, score, set_score

__all__ = ["best_constant", "grouped_score", "ranked", "score"]

PROBABILITIES = {"log_loss", "brier"}
MOST_USUAL = 30


@dataclass
class Trial:
    """What one call asked for. `parameters` are those of the arm; `task` is the description in `task.json`."""

    arm: str
    seed: int
    out: Path
    inputs: Path
    parameters: dict[str, Any]
    task: dict[str, Any]

    @property
    def model(self) -> str:
        """The model's name, as the arm says."""
        return str(self.parameters.get("model", "constant"))

    def number(self, name: str, default: float) -> float:
        """A numeric parameter of the arm."""
        return float(self.parameters.get(name, default))


def start() -> Trial:
    """Read the command line, `arms.json` and `task.json`; ends the program with one sentence when one is missing."""
    parser = argparse.ArgumentParser(
        description="One arm, one seed: fit, measure on validation rows, predict the test rows."
    )
    parser.add_argument("--arm", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    arms = json.loads(Path("arms.json").read_text(encoding="utf-8")) if Path("arms.json").is_file() else {}
    if not Path("task.json").is_file():
        parser.error("task.json is missing: the task's data have not been described yet")
    if asked.arm not in arms and asked.arm != "baseline":
        parser.error(f"arms.json has no arm {asked.arm!r}")
    task = json.loads(Path("task.json").read_text(encoding="utf-8"))
    if arms.get(asked.arm, {}).get("model") == "starter" and not Path("starter.json").is_file():
        parser.error("this task has no starter code to run as an arm")
    asked.out.mkdir(parents=True, exist_ok=True)
    inputs = Path(os.environ.get("COPILOT_INPUTS", "data"))
    return Trial(asked.arm, asked.seed, asked.out, inputs, arms.get(asked.arm, {}), task)


class Constant:
    """The simplest honest predictor: what scores best without looking at a single feature."""

    def __init__(self, metric: str, positive: str | None = None) -> None:
        self.metric, self.positive = metric, positive

    def fit(self, x: Any, y: Any) -> Constant:
        """Learn the classes' shares, or the best constant number."""
        y = np.asarray(y)
        if y.dtype.kind == "f":
            self.number = best_constant(self.metric, y)
            return self
        self.classes_, counts = np.unique(y, return_counts=True)
        self.shares = counts / counts.sum()
        self.answer = self.classes_[np.argmax(counts)]
        if self.metric == "f1" and self.positive is not None and self.positive in self.classes_:
            self.answer = self.positive
        if self.metric == "quadratic_kappa":
            self.answer = sorted(y, key=float)[len(y) // 2]
        return self

    def predict(self, x: Any) -> np.ndarray:
        """The same answer for every row."""
        return np.full(len(x), self.number if hasattr(self, "number") else self.answer)

    def predict_proba(self, x: Any) -> np.ndarray:
        """The shares of the classes, for every row."""
        return np.tile(self.shares, (len(x), 1))


Build = Callable[[Trial, str], Any]
"""(trial, problem) -> an unfitted estimator with scikit-learn's methods; `problem` is classification or regression."""


def predict(model: Any, x: Any, metric: str, positive: str | None, problem: str) -> np.ndarray:
    """What the metric wants: labels, numbers, the positive class's score, or probabilities per class."""
    if ranked(metric) and problem != "regression":
        share = getattr(model, "predict_proba", None) or model.decision_function
        scores = np.asarray(share(x))
        return scores if scores.ndim == 2 else np.column_stack([-scores, scores])
    if problem == "regression" or metric not in SCORES | PROBABILITIES:
        return np.asarray(model.predict(x))
    if metric in SCORES and positive is not None and not hasattr(model, "predict_proba"):
        margin = np.asarray(model.decision_function(x))
        return margin if str(model.classes_[1]) == positive else -margin
    shares = np.asarray(model.predict_proba(x))
    if positive is None:
        return shares
    return np.asarray(shares[:, [str(label) for label in model.classes_].index(positive)])


def _tuned(model: Any, metric: str, positive: str | None, trial: Trial, y: np.ndarray) -> Any:
    """The classifier with its decision threshold chosen on out-of-fold scores, for F1 of one class."""
    wanted = trial.parameters.get("threshold", "tuned") == "tuned" and not isinstance(model, Constant)
    counts = np.unique(y, return_counts=True)[1]
    if metric != "f1" or positive is None or not wanted or len(counts) != 2 or counts.min() < 3:
        return model
    from sklearn.metrics import f1_score, make_scorer
    from sklearn.model_selection import StratifiedKFold, TunedThresholdClassifierCV

    scorer = make_scorer(f1_score, pos_label=positive, zero_division=0)
    folds = StratifiedKFold(3, shuffle=True, random_state=trial.seed)
    return TunedThresholdClassifierCV(model, scoring=scorer, cv=folds)


def sample(y: np.ndarray, share: float, limit: int, rng: np.random.Generator, classes: bool) -> np.ndarray:
    """Row numbers of a random share of the rows without replacement; every class keeps at least one row."""
    order = rng.permutation(len(y))
    take = order[: max(2, min(limit, round(share * len(y))))]
    if classes:
        lost = [order[y[order] == label][0] for label in np.setdiff1d(y, y[take])]
        take = np.concatenate([take, np.asarray(lost, dtype=int)])
    return take


def split(y: np.ndarray, share: float, seed: int, classes: bool) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers to fit on and to validate on; stratified where every class has two rows and there is room."""
    from sklearn.model_selection import train_test_split

    size = max(2, round(share * len(y)))
    labels, counts = np.unique(y, return_counts=True) if classes else (np.zeros(0), np.zeros(0))
    stratify = y if classes and counts.min() >= 2 and size >= len(labels) and len(y) - size >= len(labels) else None
    fit, valid = train_test_split(np.arange(len(y)), test_size=size, random_state=seed, stratify=stratify)
    return np.asarray(fit), np.asarray(valid)


def fit_target(trial: Trial, build: Build, train: pd.DataFrame, y: np.ndarray, test: pd.DataFrame,
               take: np.ndarray) -> tuple[float, np.ndarray, Any]:  # fmt: skip
    """Fit on part of the taken rows, score the rest, fit on all taken rows, predict the test rows.

    Returns the validation score, the test predictions and the last model.
    """
    metric, problem = str(trial.task["metric"]), str(trial.task["problem"])
    positive = trial.task.get("positive")
    x, y = train.iloc[take].reset_index(drop=True), y[take]
    fit, valid = split(y, trial.number("validation", 0.2), trial.seed, problem != "regression")

    def fitted(rows: np.ndarray) -> Any:
        model = Constant(metric, positive) if trial.model == "constant" else build(trial, problem)
        if problem != "regression":
            model = _tuned(model, metric, positive, trial, y[rows])
        return model.fit(x.iloc[rows], y[rows])

    model = fitted(fit)
    guess = predict(model, x.iloc[valid], metric, positive, problem)
    value = score(metric, y[valid], guess, positive, list(getattr(model, "classes_", [])))
    model = fitted(np.arange(len(y)))
    return value, predict(model, test, metric, positive, problem), model


def run(
    trial: Trial, train: pd.DataFrame, target: pd.DataFrame, test: pd.DataFrame, keys: pd.DataFrame, build: Build
) -> None:
    """The whole trial for a task with one row per example and one or more target columns."""
    if trial.task.get("label_separator"):
        write(trial, *_label_sets(trial, build, train, target, test, keys))
        return
    rng = np.random.default_rng(trial.seed)
    answers, values = keys.copy(), []
    classes = trial.task["problem"] != "regression"
    for name in target.columns:
        original, answer = target[name], trial.task.get("answers", {}).get(name, name)
        y = np.asarray([str(cell) for cell in original]) if classes else original.astype(float).to_numpy()
        take = sample(y, trial.number("rows", 0.9), int(trial.number("max_rows", 20000)), rng, classes)
        value, guess, model = fit_target(trial, build, train, y, test, take)
        values.append(value)
        if classes and ranked(str(trial.task["metric"])):
            best = model.classes_[np.argsort(-guess, axis=1)][:, :RANKS].tolist()
            mark = "|" if any(set(" ,") & set(str(label)) for label in model.classes_) else " "
            answers[answer] = pd.Series(best if trial.task["form"] == "jsonl" else [mark.join(row) for row in best])
        elif guess.ndim == 2:
            for label, shares in zip(model.classes_, guess.T, strict=True):
                answers[str(label)] = shares
        elif classes and guess.dtype.kind not in "fO" and trial.task["form"] == "jsonl":
            same = {str(cell): cell for cell in original}
            answers[answer] = [same[str(label)] for label in guess]
        else:
            answers[answer] = guess
    write(trial, float(np.mean(values)), answers)


def run_groups(
    trial: Trial, train: pd.DataFrame, relevance: pd.Series, groups: pd.Series, test: pd.DataFrame,
    keys: pd.DataFrame, build: Build,
) -> None:  # fmt: skip
    """The whole trial for rows that are ordered within groups: whole groups are drawn, and whole groups validate."""
    rng = np.random.default_rng(trial.seed)
    names, y, metric = rng.permutation(groups.unique()), relevance.astype(float).to_numpy(), str(trial.task["metric"])
    drawn = names[: max(2, round(trial.number("rows", 0.9) * len(names)))]
    held = groups.isin(drawn[: max(1, round(trial.number("validation", 0.2) * len(drawn)))]).to_numpy()
    used = groups.isin(drawn).to_numpy()

    def guess(rows: np.ndarray, where: pd.DataFrame) -> np.ndarray:
        model = Constant(metric) if trial.model == "constant" else build(trial, "regression")
        return np.asarray(model.fit(train[rows].reset_index(drop=True), y[rows]).predict(where))

    value = grouped_score(metric, y[held], guess(used & ~held, train[held]), groups[held].to_numpy())
    name = trial.task["targets"][0]
    write(trial, value, keys.assign(**{trial.task.get("answers", {}).get(name, name): guess(used, test)}))


def _label_sets(trial: Trial, build: Build, train: pd.DataFrame, target: pd.DataFrame, test: pd.DataFrame,
                keys: pd.DataFrame) -> tuple[float, pd.DataFrame]:  # fmt: skip
    """Several labels per row: one yes/no model per label. Returns the validation score and the answers."""
    mark, renamed = str(trial.task["label_separator"]), trial.task.get("answers", {})
    labels, known = _members(target, mark)
    rng = np.random.default_rng(trial.seed)
    order = np.zeros(len(known))
    take = sample(order, trial.number("rows", 0.9), int(trial.number("max_rows", 20000)), rng, False)
    truth, x = known[take], train.iloc[take].reset_index(drop=True)
    fit, valid = split(truth[:, 0], trial.number("validation", 0.2), trial.seed, False)
    value = set_score(
        str(trial.task["metric"]), truth[valid], _hits(trial, build, x.iloc[fit], truth[fit], x.iloc[valid])
    )
    hits = _hits(trial, build, x, truth, test)
    if mark == "flags":
        return value, keys.assign(**{renamed.get(n, n): hits[:, place] for place, n in enumerate(labels)})
    named = [[str(label) for label, hit in zip(labels, row, strict=True) if hit] for row in hits]
    cells = np.empty(len(named), dtype=object)
    for place, row in enumerate(named):
        cells[place] = row if trial.task["form"] == "jsonl" else ("|" if mark == "[]" else mark).join(row)
    name = str(target.columns[0])
    return value, keys.assign(**{renamed.get(name, name): cells})


def _members(target: pd.DataFrame, mark: str) -> tuple[list[str], np.ndarray]:
    """The labels, and rows x labels with 1 where a row has the label."""
    if mark == "flags":
        return [str(name) for name in target.columns], target.astype(float).to_numpy().astype(int)
    cells = [
        cell if isinstance(cell, list) else str(cell).split(None if mark == " " else mark) for cell in target.iloc[:, 0]
    ]
    sets = [{str(label).strip() for label in cell if str(label).strip()} for cell in cells]
    labels = sorted(set().union(*sets))
    return labels, np.array([[label in own for label in labels] for own in sets]).astype(int)


def _usual_set(metric: str, truth: np.ndarray) -> np.ndarray:
    """The commonest labels, as many as score best as the answer to every row."""
    order = np.argsort(-truth.sum(axis=0), kind="stable")[:MOST_USUAL]
    tried = [np.isin(np.arange(truth.shape[1]), order[:count]).astype(int) for count in range(len(order) + 1)]
    sign = -1.0 if metric == "hamming_loss" else 1.0
    return max(tried, key=lambda one: sign * set_score(metric, truth, np.tile(one, (len(truth), 1))))


def _hits(trial: Trial, build: Build, x: pd.DataFrame, truth: np.ndarray, where: pd.DataFrame) -> np.ndarray:
    """Which labels are said yes to. Where every known row has a label, a row without one gets the commonest."""
    if trial.model == "constant":
        return np.tile(_usual_set(str(trial.task["metric"]), truth), (len(where), 1))
    columns = []
    for column in truth.T.astype(str):
        constant = len(set(column)) < 2
        model = Constant("accuracy") if constant else _tuned(build(trial, "classification"), "f1", "1", trial, column)
        columns.append(np.asarray(model.fit(x, column).predict(where)) == "1")
    hits = np.stack(columns, axis=1)
    if truth.any(axis=1).all():
        hits[~hits.any(axis=1), int(truth.sum(axis=0).argmax())] = True
    return hits.astype(int)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def write(trial: Trial, value: float, answers: pd.DataFrame) -> None:
    """Write `result.json` (the validation metric) and the predictions in the task's form, whole files only."""
    metric = str(trial.task["metric"])
    result = {"arm": trial.arm, "seed": trial.seed, "split": "validation", "metrics": {metric: value}}
    if trial.task["form"] == "jsonl":
        rows = [{name: _plain(cell) for name, cell in row.items()} for row in answers.to_dict("records")]
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (trial.out / "predictions.jsonl").write_text(text, encoding="utf-8")
    else:
        answers.to_csv(trial.out / "predictions.csv", index=False, lineterminator="\n")
    (trial.out / "result.json").write_text(json.dumps(result, allow_nan=False), encoding="utf-8")
    step = {"step": 0, "name": f"validation_{metric}", "value": value}
    (trial.out / "metrics.jsonl").write_text(json.dumps(step) + "\n", encoding="utf-8")
