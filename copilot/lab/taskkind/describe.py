"""Which kind of task this is: `describe` looks at the files, the wording and the grading rule, and names the roles.

Nothing here is measured or fitted. What fits no kind gets None, and `why_not` says in one sentence what was missing.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from copilot.domain.base import Value
from copilot.lab.taskkind import facts as look
from copilot.lab.taskkind.wording import Wording, read_wording

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 10
"""Labelled rows without which nothing is measured."""
Kind = Literal[
    "tabular", "text", "sequences", "images", "signals", "completion", "forecast", "tagging", "graph",
    "transduction", "anomaly", "recommendation",
]  # fmt: skip
Problem = Literal["classification", "regression", "unlabelled"]
NUMBERS = {
    "explained_variance",
    "poisson_deviance",
    "msle",
    "wape",
    "max_error",
    "mae",
    "rmse",
    "mse",
    "r2",
    "rmsle",
    "mape",
    "smape",
    "medae",
    "spearman",
    "pearson",
    "kendall",
}
SETS = {"hamming_loss", *(f"samples_{kind}" for kind in ("f1", "precision", "recall", "jaccard"))}
"""Metrics that need several labels per row."""
LABELS = {
    "accuracy", "error_rate", "balanced_accuracy", "mcc", "kappa", "linear_kappa", "quadratic_kappa", "entity_f1",
    "token_accuracy", "sequence_accuracy", "jaccard", *SETS,
    *(f"{mean}_{kind}" for mean in ("macro", "micro", "weighted") for kind in ("f1", "precision", "recall", "jaccard")),
}  # fmt: skip
BINARY = {"f1", "f2", "f0_5", "precision", "recall", "roc_auc", "average_precision", "log_loss", "brier"}
RANKINGS = re.compile(r"mrr|top_\d+_accuracy|(?:map|recall|precision|ndcg)_at_\d+")
GROUPED = re.compile(r"ndcg(?:_at_\d+)?|map|mrr")
TEXTS = {"wer", "cer", "bleu", "chrf"}
YES = ("1", "1.0", "true", "yes", "y", "positive", "pos", "t")
IMAGE_WORDS = re.compile(r"imag|pixel|pictur|photo|digit|glyph|handwrit|greyscale|grayscale|thumbnail", re.I)
SOUND_WORDS = re.compile(
    r"sound|audio|wave|speech|spoken|record|acoustic|music|sampl(?:e|ing) rate|\bhz\b|sensor|signal|"
    r"acceleromet|\beeg\b|\becg\b|vibration|time series",
    re.I,
)


class TaskKind(Value):
    """What was found. Names of files and columns are as in the data folder; see `kit/` for how scripts use them."""

    kind: Kind
    problem: Problem
    metric: str
    direction: Literal["maximize", "minimize"]
    positive: str | None = None
    """The class that a binary metric counts, as its label is written."""
    train: list[str]
    test: str
    more_tests: list[str] = []
    """Further tables of rows to answer, with the same columns."""
    names_files: str = ""
    """Column whose cells name media files."""
    keys: list[str]
    """Key columns of the submission, in order."""
    key_from: dict[str, str] = {}
    """Submission key -> column of the test table, where the names differ; a key that is neither is the row number."""
    targets: list[str]
    """Target columns of the training table."""
    answers: dict[str, str] = {}
    """Training target -> submission column, where the names differ."""
    columns: dict[str, str] = {}
    """Feature column -> type (`kit.taskrows.column_type`)."""
    joins: list[tuple[str, str]] = []
    gathers: list[str] = []
    """Edge table, its column that names the graph, and its two ends: a list of edges per row of train and test."""
    form: Literal["csv", "jsonl"] = "csv"
    label_separator: str = ""
    """Not empty when a row may have several labels: what separates them, "[]" for lists, "flags" for 0/1 columns."""
    groups: list[str] = []
    """Training columns that name the group within which rows are ordered by their target."""
    roles: dict[str, Any] = {}
    """What only this kind needs: pixel columns and shape, time column, edges, ..."""
    rows: int = 0
    classes: int = 0
    skewed: bool = False
    characters: int = 0
    """About how many characters the text cells of the labelled rows hold."""

    def script_json(self) -> str:
        """What a prototype's script reads as `task.json`."""
        return json.dumps(self.model_dump(mode="json"), indent=1, ensure_ascii=False)

    def sentence(self) -> str:
        """The description in one sentence, for a person."""
        what = (
            f"{self.problem} ({self.classes} classes)"
            if self.problem == "classification" and self.classes
            else self.problem
        )
        of = f"{what} of {', '.join(self.targets)} from {self.rows} labelled rows"
        return f"{self.kind}: {of}, scored by {self.metric} ({self.direction})"


def describe(data: Path, text: str, grade: dict[str, Any] | None = None) -> TaskKind | None:
    """The kind of the task in `data`, whose text is `text`; None when it is outside the catalogue (see `why_not`)."""
    found = examine(data, text, grade)
    return found if isinstance(found, TaskKind) else None


def why_not(data: Path, text: str, grade: dict[str, Any] | None = None) -> str:
    """One sentence that says why `describe` gave None; empty when it did not."""
    found = examine(data, text, grade)
    return found if isinstance(found, str) else ""


def examine(data: Path, text: str, grade: dict[str, Any] | None = None) -> TaskKind | str:
    """The kind, or the sentence that says what is missing."""
    from copilot.lab.taskkind import special, unusual

    wording = read_wording(text, grade)
    if not data.is_dir() or not any(data.iterdir()):
        return "The task has no data files, so there is nothing to learn from without a language model."
    if not measurable(wording.metric):
        named = str((grade or {}).get("metric") or "none that is named")
        return f"The metric of the task ({named}) is not one that the bundled prototypes can measure."
    if not wording.targets:
        return "Neither the grading rule nor the text names the key and target columns of the submission."
    facts = look.gather(data, wording)
    for shape in (special.tagging, special.graph, special.completion, unusual.recommendation, unusual.anomaly):
        found = shape(facts, text)
        if found is not None and found.rows < FEWEST:
            return f"Only {found.rows} labelled rows were found; that is too few to measure anything."
        if found is not None:
            return found
    return rows_kind(facts, text)


def numeric(metric: str) -> bool:
    """True for metrics of numbers."""
    return metric in NUMBERS or metric.startswith("pinball_")


def measurable(metric: str) -> bool:
    """True for metrics that some bundled prototype can measure on validation rows."""
    known = metric in NUMBERS | LABELS | BINARY | TEXTS or numeric(metric)
    return known or bool(RANKINGS.fullmatch(metric) or GROUPED.fullmatch(metric))


def rows_kind(facts: look.Facts, text: str) -> TaskKind | str:
    """A task with one row per example: table, texts, sequences, images, sounds or a forecast."""
    train, targets = look.labelled(facts)
    seen = ", ".join(list(facts.tables) + facts.texts) or "no readable table"
    if not train:
        trouble = f"; could not read {', '.join(facts.unreadable)}" if facts.unreadable else ""
        return (
            f"No training table with the target {', '.join(facts.wording.targets)} was found (seen: {seen}{trouble})."
        )
    test = look.unlabelled(facts, train, targets)
    if not test:
        return f"No table of rows to predict was found (seen: {seen})."
    base = _base(facts, train, test, targets)
    if isinstance(base, str):
        return base
    from copilot.lab.taskkind import special, unusual

    if found := special.forecast(facts, base) or unusual.transduction(facts, base):
        return found
    if base.metric in TEXTS:
        return f"The metric {base.metric} needs one column of texts to write from, and there is none or several."
    if not base.columns:
        return "No column that the training and the test rows share can serve as a feature."
    return _modality(facts, base, text)


def _base(facts: look.Facts, train: list[str], test: str, targets: dict[str, str]) -> TaskKind | str:
    from copilot.lab.taskkind.kit import taskrows

    wording, tables = facts.wording, facts.tables
    joins = look.side_tables(facts, train[0], test) if train[0] != test else []
    raw: dict[str, Any] = {"train": train, "test": test, "joins": joins, "targets": list(targets.values())}
    raw["names_files"] = look.file_column(facts, tables[train[0]])
    raw["more_tests"] = look.more_of(facts, test)
    raw["gathers"] = look.edge_lists(facts, train[0], test)
    rows, asked = taskrows.split_tables(raw, facts.root)
    if len(rows) < FEWEST or not len(asked):
        return f"Only {len(rows)} labelled rows and {len(asked)} rows to predict were found; that is too few."
    keys = {key: _key_column(tables[train[0]], tables[test], key) for key in wording.keys}
    drop = set(targets.values()) | _mere_keys(rows, asked, keys)
    columns = {}
    for name in (str(n) for n in rows.columns if n in asked.columns and n not in drop):
        both = taskrows.column_type(rows[name], facts.root), taskrows.column_type(asked[name], facts.root)
        columns[name] = _common(both[0], both[1])
    target = rows[next(iter(targets.values()))]
    problem = problem_of(wording, target)
    if isinstance(problem, str) and problem not in ("classification", "regression"):
        return problem
    mark = label_mark(rows[list(targets.values())], wording.metric) if problem == "classification" else ""
    if mark == "" and wording.metric in SETS:
        return f"The metric {wording.metric} needs several labels per row, but the target has one."
    groups = [look.column_for(tables[train[0]], name, ()) for name in wording.groups]
    return TaskKind(
        kind="tabular", problem="regression" if problem == "regression" else "classification", metric=wording.metric,
        direction=wording.direction, positive=positive_of(wording, target), train=train, test=test, keys=list(keys),
        more_tests=raw["more_tests"], names_files=raw["names_files"],
        key_from={k: c for k, c in keys.items() if c and c != k}, targets=list(targets.values()),
        answers={column: name for name, column in targets.items() if column != name},
        columns={name: kind for name, kind in columns.items() if kind != "empty"}, joins=joins, form=wording.form,
        label_separator=mark, groups=groups if _ordered(wording, target) else [], gathers=raw["gathers"],
        rows=len(rows), classes=0 if problem == "regression" else target.map(str).nunique(),
        characters=_characters(rows, columns), skewed=problem == "regression" and _skewed(taskrows.numbers(target)),
    )  # fmt: skip


def _key_column(train: pd.DataFrame, test: pd.DataFrame, key: str) -> str:
    """The test column that a submission key means; of a listed folder the one spelled as in the training table."""
    if {"path", "id", "file"} <= set(test.columns) and key in train.columns:
        cells = set(train[key].map(str).iloc[:50])
        return "path" if any("/" in c for c in cells) else "file" if any(Path(c).suffix for c in cells) else "id"
    return look.column_for(test, key, look.KEY_NAMES)


def _mere_keys(rows: pd.DataFrame, asked: pd.DataFrame, keys: dict[str, str]) -> set[str]:
    """Key columns that only count rows (and columns named like one); a key that repeats is a feature."""
    named = {
        str(name)
        for name in rows.columns
        if re.fullmatch(r"(row_?)?(id|idx|index|uid|uuid)|unnamed.*|", str(name).lower())
    }
    unique = {
        c for c in keys.values() if c in rows.columns and rows[c].map(str).is_unique and asked[c].map(str).is_unique
    }
    return named | unique


def _common(first: str, second: str) -> str:
    if first == second or second == "empty":
        return first
    if "empty" in (first, second):
        return "empty"
    order = ["number", "category", "name", "text", "symbols", "tokens"]
    known = [kind for kind in (first, second) if kind in order]
    if {"number", "tokens"} == {first, second}:
        return "category"
    return max(known, key=order.index) if len(known) == 2 and "number" not in known else "category"


def problem_of(wording: Wording, target: pd.Series) -> str:
    """`classification` or `regression` by the metric, or a sentence when the target does not fit the metric."""
    from copilot.lab.taskkind.kit import taskrows

    if numeric(wording.metric) or _ordered(wording, target):
        values = taskrows.numbers(target)
        return (
            "regression"
            if values.notna().all()
            else f"The metric {wording.metric} needs a numeric target, but some cells are not numbers."
        )
    if (
        wording.metric in BINARY
        and positive_of(wording, target) is None
        and wording.metric not in {"log_loss", "roc_auc", "f1"}
    ):
        return f"The metric {wording.metric} needs two classes, but the target has {target.map(str).nunique()}."
    return "classification"


def positive_of(wording: Wording, target: pd.Series) -> str | None:
    """The positive class as its label is written: the named one, else the usual word, else the rarer of the two."""
    labels = [str(label) for label in target.map(str).value_counts().index]
    if wording.metric not in BINARY:
        return None
    if wording.positive is not None:
        return next((label for label in labels if label.lower() == wording.positive.lower()), None)
    if len(labels) != 2:
        return None
    return next((label for label in labels if label.lower() in YES), labels[1])


def _ordered(wording: Wording, target: pd.Series) -> bool:
    """True where rows carry a relevance and are ordered within groups."""
    from copilot.lab.taskkind.kit import taskrows

    return bool(GROUPED.fullmatch(wording.metric) and wording.groups and taskrows.numbers(target).notna().all())


def label_mark(targets: pd.DataFrame, metric: str) -> str:
    """How a row's labels are written where it may have several (`TaskKind.label_separator`); empty for one label."""
    from copilot.lab.labelsets import separator_of

    if targets.shape[1] > 1:
        return "flags" if metric in LABELS | {"f1", "precision", "recall"} and _flags(targets) else ""
    return separator_of(list(targets.iloc[:, 0]))


def _flags(targets: pd.DataFrame) -> bool:
    from copilot.lab.taskkind.kit import taskrows

    return all(taskrows.numbers(targets[name]).isin([0.0, 1.0]).all() for name in targets.columns)


def _characters(rows: pd.DataFrame, columns: dict[str, str]) -> int:
    texts = [name for name, kind in columns.items() if kind in {"text", "name"}]
    return int(sum(rows[name].iloc[:500].map(lambda cell: len(str(cell))).mean() * len(rows) for name in texts))


def _skewed(values: pd.Series) -> bool:
    return bool(values.to_numpy().min() >= 0 and ((values - values.mean()) ** 3).mean() > 1.5 * values.std() ** 3)


def pixel_columns(columns: dict[str, str], text: str) -> dict[str, Any]:
    """Columns that are one flattened image: same stem with a running number, a square (or three squares) of them."""
    stems: dict[str, list[str]] = {}
    for name, kind in columns.items():
        if kind == "number" and re.search(r"\d", name):
            stems.setdefault(re.sub(r"\d+", "", name), []).append(name)
    for names in sorted(stems.values(), key=len, reverse=True):
        shape = image_shape(len(names))
        if (
            shape
            and (len(names) >= 49 and len(names) > 0.9 * len(columns))
            and (IMAGE_WORDS.search(text) or "pix" in names[0])
        ):
            return {"pixels": names, "shape": shape}
    return {}


def image_shape(size: int) -> list[int]:
    """[side, side] or [side, side, 3] for that many values; empty when it is no square."""
    for channels in (1, 3):
        side = math.isqrt(size // channels)
        if side * side * channels == size and side >= 4:
            return [side, side] if channels == 1 else [side, side, channels]
    return []


def _pictured(text: str) -> bool | None:
    """Whether the words speak more of pictures than of signals; None when of neither."""
    pictures, signals = len(IMAGE_WORDS.findall(text)), len(SOUND_WORDS.findall(text))
    return None if pictures == signals == 0 else pictures > signals


def _narrow(column: pd.Series) -> bool:
    """True for arrays that look like channels over time: a side of at most 6, or lengths that differ."""
    import numpy as np

    shapes = [np.shape(cell) for cell in column.iloc[:200]]
    return len({shape[0] for shape in shapes}) > 1 or min(shapes[0][:2]) <= 6


def _modality(facts: look.Facts, base: TaskKind, text: str) -> TaskKind | str:
    from copilot.lab.taskkind.kit import taskfiles, taskrows

    rows, _ = taskrows.split_tables(base.model_dump(), facts.root)
    types = base.columns
    by_type = {kind: [name for name in types if types[name] == kind] for kind in set(types.values())}
    others = len(by_type.get("number", [])) + len(by_type.get("category", []))
    edges = by_type.get("edges", [])
    if edges and not re.search(r"graph|edge|bond|link|network|molecul", text + " ".join(edges), re.I):
        columns = {name: "image" if kind == "edges" else kind for name, kind in types.items()}
        return base.model_copy(update={"kind": "signals", "columns": columns, "roles": {"column": edges[0]}})
    if edges:
        named = next((n for n in by_type.get("tokens", []) if re.search("node|label|atom", n, re.I)), "")
        return base.model_copy(
            update={"kind": "graph", "roles": {"task": "graphs", "column": edges[0], "labels": named}}
        )
    paths = by_type.get("path", [])
    if paths and Path(str(rows[paths[0]].iloc[0])).suffix.lower() in taskfiles.TEXTS:
        return base.model_copy(update={"kind": "text"})
    if paths:
        sound = Path(str(rows[paths[0]].iloc[0])).suffix.lower() in taskfiles.SOUNDS
        return base.model_copy(update={"kind": "signals" if sound else "images", "roles": {"column": paths[0]}})
    if arrays := by_type.get("image"):
        waves = not _pictured(text) if _pictured(text) is not None else _narrow(rows[arrays[0]])
        return base.model_copy(update={"kind": "signals" if waves else "images", "roles": {"column": arrays[0]}})
    if pixels := pixel_columns(types, text):
        return base.model_copy(update={"kind": "images", "roles": pixels})
    if lists := by_type.get("series"):
        lengths = [len(taskrows.series_of(cell)) for cell in rows[lists[0]].iloc[:200]]
        if _pictured(text) and len(set(lengths)) == 1 and image_shape(lengths[0]):
            return base.model_copy(
                update={"kind": "images", "roles": {"column": lists[0], "shape": image_shape(lengths[0])}}
            )
        if sorted(lengths)[len(lengths) // 2] >= 32:
            return base.model_copy(update={"kind": "signals", "roles": {"column": lists[0]}})
    strings = [name for kind in ("symbols", "tokens") for name in by_type.get(kind, [])]
    if strings and others <= 2:
        return base.model_copy(update={"kind": "sequences", "roles": {"columns": strings}})
    prose = by_type.get("text", []) + (by_type.get("name", []) if "text" not in by_type else [])
    if prose and others <= 2:
        return base.model_copy(update={"kind": "text"})
    if not set(types.values()) - {"name", "empty"}:
        return f"The columns {', '.join(types)} are of a kind that the bundled prototypes have no features for."
    return base
