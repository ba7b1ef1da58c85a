"""The catalogue: which prototype, baseline and candidate treatments fit a kind of task, and how to lay them out.

Candidates are ordered by what usually works; exploration on validation data picks among them. Not here: any score.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from copilot.domain.base import Value
from copilot.domain.idea import Scalar
from copilot.errors import SetupError
from copilot.lab.cards import Parameter
from copilot.lab.taskkind.describe import TaskKind

MOST_CHARACTERS = 3_000_000
"""Texts longer than this in all get no character runs."""
FOLDER = Path(__file__).resolve().parent.parent / "prototypes" / "task_kinds"
KIT = Path(__file__).resolve().parent / "kit"


class TaskCard(Value):
    """The card of a task prototype: like any prototype's, but metric and data come from the task."""

    name: str
    title: str
    summary: str
    tags: list[str] = []
    requires: str = ""
    metric: None = None
    seconds_per_trial: float
    parameters: dict[str, Parameter]
    body: str = ""


class Candidate(Value):
    """One treatment worth trying: what the arm is given and why."""

    parameters: dict[str, Scalar]
    rationale: str


class Choice(Value):
    """What to run for a task. `files` (name -> text) belong in the workspace, `experiment.py` among them.

    `starter` names the starter script whose untouched code is the baseline arm; empty when there is none.
    """

    prototype: str
    baseline: dict[str, Scalar]
    baseline_rationale: str
    candidates: list[Candidate]
    files: dict[str, str]
    starter: str = ""
    seconds_per_trial: float


def card(name: str) -> TaskCard:
    """The card of `task_NAME`; its model may also be `starter`, a task's own script.

    Raises SetupError when there is no such card or it cannot be read.
    """
    path = FOLDER / name.removeprefix("task_") / "card.md"
    if not path.is_file():
        raise SetupError(f"No bundled task prototype is called {name!r}.")
    _, head, body = path.read_text(encoding="utf-8").split("---\n", 2)
    try:
        head_values = yaml.safe_load(head)
        head_values["parameters"]["model"]["choices"].append("starter")
        return TaskCard.model_validate({**head_values, "body": body.strip()})
    except (yaml.YAMLError, ValidationError, TypeError) as error:
        raise SetupError(f"{path}: the head of this card cannot be read: {error}") from error


def _tabular(kind: TaskKind) -> list[Candidate]:
    why = {
        "hist_gradient_boosting": "Boosted trees are the usual winner on tables with mixed columns and missing values.",
        "blend": "Averaging boosting, extra trees and a linear model cancels part of each one's variance.",
        "extra_trees": "Randomised trees are strong on small noisy tables and hardly need tuning.",
        "random_forest": "A forest is robust to outliers and irrelevant columns.",
        "linear": "Regularised linear model on one-hot columns: hard to beat when rows are few or effects additive.",
        "rbf_svm": "A kernel machine fits smooth boundaries between scaled columns.",
    }
    names = list(why)
    small = kind.rows < 1500
    if small:
        names = ["linear", "blend", "extra_trees", "rbf_svm", "random_forest", "hist_gradient_boosting"]
    if kind.metric in {"roc_auc", "average_precision", "log_loss", "brier"}:
        names = [name for name in names if name != "rbf_svm"]
    if kind.metric.startswith("pinball_"):
        names = ["hist_gradient_boosting", "linear"]
        why |= {
            "hist_gradient_boosting": "Boosting with the quantile loss itself.",
            "linear": "Linear quantile regression, for few rows or additive effects.",
        }
    shares = kind.problem == "classification" and kind.metric in {"roc_auc", "average_precision", "log_loss", "brier"}
    leaf: dict[str, Scalar] = {"leaf": 4} if shares else {}
    grown = {"blend", "extra_trees", "random_forest"}
    if kind.rows > 6000:
        leaf |= {"trees": 120, "learning_rate": 0.1}
    found = [Candidate(parameters={"model": n, **(leaf if n in grown else {})}, rationale=why[n]) for n in names]
    if kind.metric.startswith("pinball_"):
        slow: dict[str, Scalar] = {"model": "hist_gradient_boosting", "learning_rate": 0.02, "trees": 600}
        found.append(Candidate(parameters=slow, rationale="The same with smaller steps: extreme quantiles are noisy."))
    if kind.metric in {"macro_f1", "balanced_accuracy"}:
        extra = {"model": "hist_gradient_boosting", "balanced": True}
        found.insert(
            1, Candidate(parameters=extra, rationale="This metric counts every class alike, so weigh rare ones up.")
        )
    if (
        kind.problem == "regression"
        and kind.skewed
        and not kind.metric.startswith("pinball_")
        and kind.metric not in {"rmsle", "msle"}
    ):
        extra = {"model": "blend", "log_target": True}
        found.insert(1, Candidate(parameters=extra, rationale="The target is skewed; its logarithm is easier to fit."))
    return found


def _text(kind: TaskKind) -> list[Candidate]:
    """Long texts make character runs slow: then words alone, and no more rows than a trial can read."""
    found = _text_models(kind)
    if kind.characters <= MOST_CHARACTERS:
        return found
    rows = max(500, min(20000, 4 * MOST_CHARACTERS * kind.rows // kind.characters))
    short = [
        Candidate(parameters={**c.parameters, "grams": "words", "max_rows": rows}, rationale=c.rationale) for c in found
    ]
    return [c for index, c in enumerate(short) if all(c.parameters != other.parameters for other in short[:index])]


def _text_models(kind: TaskKind) -> list[Candidate]:
    if kind.problem == "regression":
        linear, robust = "Ridge regression on n-gram weights.", "A linear margin bears outliers among the targets."
        return [
            Candidate(parameters={"model": "ridge", "grams": "words_and_chars"}, rationale=linear),
            Candidate(parameters={"model": "ridge", "grams": "words"}, rationale=linear),
            Candidate(parameters={"model": "linear_svm", "grams": "words"}, rationale=robust),
            Candidate(parameters={"model": "linear_svm", "grams": "words", "c": 0.1}, rationale=robust),
        ]
    both = "Character runs catch spelling and word forms that whole words miss."
    regular = "Word pairs with a linear margin: the strong classical choice for short texts."
    shares = "Calibrated shares come with logistic regression on the same n-grams."
    svm: dict[str, Scalar] = {"model": "linear_svm", "grams": "words_and_chars"}
    loose: dict[str, Scalar] = {"model": "logistic_regression", "grams": "words_and_chars", "c": 20.0}
    if kind.classes > 20:
        loose["grams"] = "words"
    if kind.metric in {"log_loss", "brier"} or (kind.metric == "roc_auc" and kind.positive is None):
        return [
            Candidate(parameters={**loose, "c": 5.0}, rationale=shares),
            Candidate(parameters=loose, rationale=shares),
            Candidate(parameters={"model": "naive_bayes"}, rationale="Naive Bayes needs little data."),
        ]
    return [
        Candidate(parameters=svm, rationale=both),
        Candidate(parameters={"model": "linear_svm", "grams": "words"}, rationale=regular),
        Candidate(parameters={**svm, "balanced": True}, rationale="Rare classes weigh more."),
        Candidate(parameters=loose, rationale=shares),
        Candidate(parameters={"model": "naive_bayes"}, rationale="Naive Bayes needs little data."),
    ]  # fmt: skip


def _models(*pairs: tuple[dict[str, Scalar], str]) -> Callable[[TaskKind], list[Candidate]]:
    found = [Candidate(parameters=parameters, rationale=why) for parameters, why in pairs]
    return lambda kind: found


def _images(kind: TaskKind) -> list[Candidate]:
    kernel = "A kernel machine on pixels is strong for small, centred images"
    found: list[tuple[dict[str, Scalar], str]] = [
        ({"model": "rbf_svm", "features": "gradients"}, "Gradient directions per cell bear shifts and lighting."),
        ({"model": "rbf_svm", "shifts": 1}, f"{kernel}; shifted copies teach it to bear a pixel's move."),
        ({"model": "rbf_svm"}, f"{kernel}."),
        ({"model": "rbf_svm", "features": "both"}, "Pixels and gradients together."),
        ({"model": "extra_trees", "features": "both"}, "Trees pick the few places that matter."),
        ({"model": "logistic_regression", "features": "both"}, "A linear model with calibrated shares."),
        ({"model": "logistic_regression", "features": "gradients"}, "The same on gradients alone."),
    ]
    if kind.metric in {"log_loss", "brier"} or (kind.metric == "roc_auc" and kind.positive is None):
        found = [item for item in found if item[0]["model"] != "rbf_svm"]
    return [Candidate(parameters=parameters, rationale=why) for parameters, why in found]


def _signals(kind: TaskKind) -> list[Candidate]:
    kernel = "rbf_svm" if kind.problem == "classification" else "ridge"
    found: list[tuple[dict[str, Scalar], str]] = [
        ({"model": kernel, "features": "both"}, "Spectra and how they change over the signal."),
        ({"model": kernel, "features": "spectra"}, "Cepstra and band energies, whatever the timing."),
        ({"model": "extra_trees", "features": "both"}, "Trees pick the bands and times that matter."),
        ({"model": "extra_trees", "features": "samples"}, "The form of the signal itself, for aligned signals."),
        ({"model": "logistic_regression", "features": "both"}, "A linear model with calibrated shares."),
    ]
    if kind.problem == "regression" or (kind.metric in {"log_loss", "brier"}):
        found = [item for item in found if item[0]["model"] not in {"rbf_svm", "logistic_regression"}] + (
            [({"model": "logistic_regression", "features": "spectra"}, "Calibrated shares.")] if kind.classes else []
        )
    return [Candidate(parameters=parameters, rationale=why) for parameters, why in found]


def _sequences(kind: TaskKind) -> list[Candidate]:
    shares = kind.metric in {"log_loss", "brier"} or (kind.metric == "roc_auc" and kind.positive is None)
    first = "ridge" if kind.problem == "regression" else "logistic_regression" if shares else "linear_svm"
    found: list[tuple[dict[str, Scalar], str]] = [
        ({"model": first}, "Short runs of symbols and what stands where, weighed by a linear model."),
        ({"model": first, "longest": 6}, "Longer runs catch longer motifs."),
        ({"model": first, "positions": False}, "Runs alone, where places do not line up."),
        ({"model": first, "c": 0.1}, "More regularisation, for few sequences."),
        ({"model": "extra_trees"}, "Trees on composition and leading components bear interactions."),
        ({"model": "hist_gradient_boosting"}, "Boosting on composition and leading components."),
        ({"model": "logistic_regression", "c": 10.0}, "A linear model with calibrated shares."),
    ]
    if kind.problem == "regression":
        found = [item for item in found if item[0]["model"] != "logistic_regression" and "c" not in item[0]]
    return [Candidate(parameters=parameters, rationale=why) for parameters, why in found]


def _graph(kind: TaskKind) -> list[Candidate]:
    if kind.roles["task"] == "nodes":
        pairs = [
            ("combined", "Own and neighbours' features and neighbours' known labels together."),
            ("propagated", "Features smoothed over two steps: neighbours resemble each other."),
            ("label_propagation", "Known labels spread along edges."),
            ("own_features", "Features without edges: does the graph help at all?"),
        ]
        pairs += [("boosting", "Boosting on the labels that reach a node.")]
    else:
        pairs = [
            ("structure", "Several measures of structure, weighed by a linear model."),
            ("boosting", "The same, boosted."),
            ("trees", "Randomised trees on the same measures, for few examples."),
        ]
        if kind.roles["task"] == "links":
            pairs.append(("common_neighbours", "Nodes with common neighbours tend to be linked."))
    return [Candidate(parameters={"model": name}, rationale=why) for name, why in pairs]


def _transduction(kind: TaskKind) -> list[Candidate]:
    """Words are aligned first where targets have several; characters where they are single words."""
    by_words = "Which words stay, go or become others, from the words around them."
    by_characters = "Which characters each character becomes, from the characters around it."
    found: list[tuple[dict[str, Scalar], str]] = [
        ({"model": "aligned", "symbols": "characters"}, by_characters),
        ({"model": "aligned", "symbols": "characters", "width": 5}, by_characters + " More context."),
        ({"model": "aligned", "symbols": "words"}, by_words),
        ({"model": "nearest"}, "What was written for the most similar source."),
    ]
    if kind.roles["words"]:
        found = [found[2], found[3], found[0]]
    return [Candidate(parameters=parameters, rationale=why) for parameters, why in found]


CATALOGUE: dict[str, tuple[Callable[[TaskKind], list[Candidate]], str]] = {
    "tabular": (_tabular, "constant"),
    "text": (_text, "constant"),
    "images": (_images, "constant"),
    "signals": (_signals, "constant"),
    "sequences": (_sequences, "constant"),
    "graph": (_graph, "constant"),
    "tagging": (
        _models(
            ({"model": "stacked"}, "A second pass sees the tags guessed around each word."),
            ({"model": "window"}, "Words, shapes and affixes around each word."),
            ({"model": "stacked", "epochs": 15}, "The same, trained longer."),
        ),
        "frequent_tag",
    ),
    "transduction": (_transduction, "copy"),
    "anomaly": (
        _models(
            ({"model": "distance"}, "Columns move together; a row that breaks the pattern is far from the centre."),
            ({"model": "nearest"}, "Strange rows have no near neighbours."),
            ({"model": "isolation_forest"}, "Strange rows are cut off by few random splits."),
            ({"model": "local_density"}, "Strange rows lie in thinner places than their neighbours."),
        ),
        "constant",
    ),
    "recommendation": (
        _models(
            ({"model": "item_neighbours"}, "Items that the same users took belong together."),
            ({"model": "walk"}, "A short random walk from the user's items, which favours rarer ones."),
            ({"model": "factors"}, "Leading patterns of taste."),
            ({"model": "item_neighbours", "again": True}, "The same, where users take things again."),
        ),
        "popular",
    ),
    "completion": (
        _models(
            ({"model": "ngram", "order": 7}, "Longer contexts pin down the word that is being written."),
            ({"model": "ngram", "order": 5}, "Five symbols of context with back-off: the classical choice."),
            ({"model": "ngram", "order": 9}, "Still longer contexts, where the text repeats itself."),
            ({"model": "ngram", "order": 3}, "Short contexts, where the text is small."),
            ({"model": "ngram", "order": 1}, "One symbol of context (a Markov chain)."),
        ),
        "unigram",
    ),
    "forecast": (
        _models(
            ({"model": "blend"}, "Past seasons and a fitted trend with seasons err in different ways; average them."),
            ({"model": "ridge"}, "Trend plus yearly and weekly seasons, recent rows weighing more."),
            ({"model": "same_season"}, "The same time of earlier seasons is hard to beat far ahead."),
            ({"model": "ridge", "trend": "none", "memory": 1.0}, "No trend, last season weighs most."),
            ({"model": "boosting"}, "Boosting over all series with calendar and given columns."),
            ({"model": "seasonal_naive"}, "The last season again."),
            ({"model": "recent_mean"}, "The recent level, where there is no season."),
        ),
        "last_value",
    ),
}


KIT_FILES = ("taskfiles.py", "taskrows.py", "taskscores.py", "taskfit.py")
STARTER_FILE = "starter.json"


def starter_of(workspace: Path) -> str:
    """The starter script that an imported workspace wraps as its baseline; empty when it wraps none."""
    path = workspace / STARTER_FILE
    return str(json.loads(path.read_text(encoding="utf-8"))["script"]) if path.is_file() else ""


def mark_starter(workspace: Path, script: str) -> None:
    """Say in the workspace that this script of it is the baseline arm."""
    (workspace / STARTER_FILE).write_text(json.dumps({"script": script}), encoding="utf-8")


def choose(kind: TaskKind, starter: str = "") -> Choice:
    """Prototype, baseline arm and ordered candidate treatments for a described task.

    With a `starter` script the baseline arm is that script as it stands; else the simplest honest predictor.
    """
    candidates, baseline = CATALOGUE[kind.kind]
    name = f"task_{kind.kind}"
    own = card(name)
    script = _script(name)
    files = {"task.json": kind.script_json(), **{f: (KIT / f).read_text(encoding="utf-8") for f in KIT_FILES}}
    files |= {p.name: p.read_text(encoding="utf-8") for p in sorted(_folder(name).glob("*.py"))}
    if starter:
        files |= {
            "experiment.py": _script("task_starter"),
            "learner.py": script,
            STARTER_FILE: json.dumps({"script": starter}),
        }
    why = f"The starter code {starter}, untouched." if starter else _baseline_reason(kind)
    return Choice(
        prototype=name,
        baseline={"model": "starter" if starter else baseline},
        baseline_rationale=why,
        candidates=[c for c in candidates(kind) if not _problems(own, c.parameters)],
        files=files,
        starter=starter,
        seconds_per_trial=own.seconds_per_trial,
    )


def _baseline_reason(kind: TaskKind) -> str:
    return f"The simplest honest predictor for this kind of data, chosen to suit {kind.metric}."


def _folder(name: str) -> Path:
    return FOLDER / name.removeprefix("task_")


def _script(name: str) -> str:
    return (_folder(name) / "experiment.py").read_text(encoding="utf-8")


def _problems(own: TaskCard, parameters: dict[str, Scalar]) -> list[str]:
    return [
        name for name, value in parameters.items() if name not in own.parameters or own.parameters[name].problem(value)
    ]


def prepare(choice: Choice, workspace: Path, arms: dict[str, dict[str, Any]] | None = None) -> None:
    """Write the choice's files into a workspace (what else is there stays), and `arms.json` when arms are given."""
    workspace.mkdir(parents=True, exist_ok=True)
    for name, text in choice.files.items():
        (workspace / name).write_text(text, encoding="utf-8")
    if arms is not None:
        (workspace / "arms.json").write_text(json.dumps(arms, indent=1), encoding="utf-8")
