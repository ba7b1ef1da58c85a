"""Sealed answers: what `grade.json` asks for, the truth by row key, and how keys, classes and cells are spelled.

Mistakes found here are the task's, so they raise SetupError and not Refused. Grading a submission is `grading`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from copilot.errors import CannotDo, SetupError
from copilot.lab import labelsets, metrics, texts
from copilot.lab.metrics import Scoring
from copilot.lab.tables import Refused, Row, read_rows

Key = tuple[str, ...]
COLUMNWISE = {"roc_auc", "average_precision", "log_loss"}
"""Metrics that several columns of flags have as a mean over the columns."""
POSITIVE_WORDS = ("1", "1.0", "true", "yes", "positive", "pos", "y", "t")
WHOLE = re.compile(r"[+-]?\d+(?:\.0+)?")


@dataclass(frozen=True)
class Spec:
    """What `grade.json` says.

    `target` has several names for numbers and for 0/1 flags; `group` are the columns of one sequence or one ordering;
    `separator` stands between several labels of a cell ("[]" for lists); `weight` is a column of the answers.
    """

    task: str
    scoring: Scoring
    key: tuple[str, ...]
    target: tuple[str, ...]
    positive: str = ""
    about: str = ""
    group: tuple[str, ...] = ()
    separator: str = ""
    weight: str = ""


@dataclass(frozen=True)
class Answers:
    """Sealed answers: one key and one truth per row, and what can be known from them about valid predictions."""

    spec: Spec
    keys: list[Key]
    truth: list[tuple[Any, ...]]
    whole_keys: bool
    classes: list[str] = field(default_factory=list)
    numeric_classes: bool = False
    groups: list[list[int]] = field(default_factory=list)
    weights: list[float] | None = None


def read_spec(path: Path) -> Spec:
    """`grade.json`: task, metric, direction, key, target; optional positive, k, quantile, group, separator, weight.

    Raises SetupError for what a person can mend, CannotDo for a metric that is not known here.
    """
    try:
        head = json.loads(path.read_text("utf-8"))
        key, target = _names(head["key"]), _names(head["target"])
        name, direction = str(head["metric"]), _direction(str(head.get("direction", "")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(f"{path} must be a JSON object with metric, key and target ({error!r})") from error
    scoring = _scoring(head, name, path)
    if direction and direction != scoring.direction:
        raise SetupError(f"{path}: direction {head['direction']!r} contradicts {scoring.name}")
    if len(target) > 1:
        scoring = _of_several(scoring, path)
    weight = str(head.get("weight", head.get("sample_weight", "")) or "")
    if weight and not scoring.weighted:
        raise SetupError(f"{path}: {scoring.name} has no form that weighs rows by {weight!r}")
    return Spec(
        task=str(head.get("task", path.parent.name)),
        scoring=scoring,
        key=key,
        target=target,
        positive=str(head.get("positive", head.get("pos_label", ""))),
        about=str(head.get("grading", "")),
        group=_names(head.get("group", head.get("groups", []))),
        separator=str(head.get("separator", head.get("delimiter", "")) or ""),
        weight=weight,
    )


def _scoring(head: dict[str, Any], name: str, path: Path) -> Scoring:
    """The metric that `grade.json` names, with its k or quantile."""
    quantile = head.get("quantile", head.get("alpha"))
    try:
        scoring = metrics.find(name, int(head.get("k", 5)), None if quantile is None else float(quantile))
    except (TypeError, ValueError) as error:
        raise SetupError(f"{path}: `k` and `quantile` must be single numbers") from error
    if scoring is None:
        raise CannotDo(f"no evaluator here computes the metric {name!r} (docs/tasks.md lists them)")
    if package := texts.missing(scoring.name):
        raise SetupError(f"{scoring.name} is computed by {package}, which is not installed: pip install {package}")
    return scoring


def _of_several(scoring: Scoring, path: Path) -> Scoring:
    """The form of a metric for several target columns: numbers as they are, flags as sets, scores column by column."""
    if scoring.form == "number":
        return scoring
    if scoring.name in COLUMNWISE:
        return replace(scoring, binary=False)
    sets = metrics.of_sets(scoring) if scoring.form == "label" else scoring
    if sets is None or sets.form != "labels":
        raise SetupError(f"{path}: {scoring.name} is not defined for several target columns")
    return sets


def read_answers(spec: Spec, path: Path) -> Answers:
    """The sealed answers, checked as strictly as a submission. Raises SetupError: they are ours to mend."""
    try:
        rows = read_rows(path)
        keys = row_keys(spec, rows, whole=False)
        whole = all(WHOLE.fullmatch(part) for key in keys for part in key)
        keys = row_keys(spec, rows, whole)
        truth = [tuple(cell_of(row, name) for name in spec.target) for row in rows]
        weights = [cell_of(row, spec.weight) for row in rows] if spec.weight else None
    except Refused as error:
        raise SetupError(f"sealed answers: {error}") from error
    if len(set(keys)) != len(keys) or not keys:
        raise SetupError(f"{path}: the key {', '.join(spec.key)} must be unique and there must be rows")
    if weights is not None and not all(is_finite(cell) and float(cell) >= 0 for cell in weights):
        raise SetupError(f"{path}: the weights in {spec.weight!r} must be finite and not negative")
    numbers = None if weights is None else [float(cell) for cell in weights]
    return _with_classes(Answers(spec, keys, truth, whole, weights=numbers), path)


def row_keys(spec: Spec, rows: Sequence[Row], whole: bool) -> list[Key]:
    return [tuple(_key_part(cell_of(row, name), whole) for name in spec.key) for row in rows]


def _key_part(cell: Any, whole: bool) -> str:
    """Keys are compared as text; where all answers have whole numbers, 7, 7.0 and 007 are the same."""
    text = str(cell).strip()
    return str(int(float(text))) if whole and len(text) < 16 and WHOLE.fullmatch(text) else text


def cell_of(row: Row, name: str) -> Any:
    if name not in row:
        raise Refused(f"a row has no {name!r}; its columns are {', '.join(map(str, row))}")
    return row[name]


def present(spec: Spec, row: Row, name: str, key: Key) -> Any:
    """The cell, refused when it is missing or empty (a blank that is not the empty text may be a class)."""
    cell = cell_of(row, name)
    if cell is None or cell == "" or cell == []:
        raise Refused(f"row {show_key(spec, key)} is empty in column {name!r}")
    return cell


def is_finite(cell: Any) -> bool:
    try:
        return math.isfinite(float(cell))
    except (TypeError, ValueError, OverflowError):
        return False


def class_of(answers: Answers, cell: Any) -> str:
    """One spelling per class: 7 and 7.0 where all classes are numbers; else text, a written \\n meaning a line end."""
    if answers.numeric_classes and is_finite(cell):
        value = float(cell)
        return str(int(value)) if value.is_integer() else repr(value)
    text = str(cell)
    if text != text.strip() and text.strip() and len(text) > 1:
        return text.strip()
    return {"\\n": "\n", "\\t": "\t", "\r\n": "\n"}.get(text, text)


def _natural(name: str) -> tuple[bool, float, str]:
    return (not is_finite(name), float(name) if is_finite(name) else 0.0, name)


def show_key(spec: Spec, key: Key) -> str:
    return ", ".join(f"{name}={short(part)}" for name, part in zip(spec.key, key, strict=True))


def short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def tags_of(cell: Any) -> list[str]:
    return [str(tag) for tag in cell] if isinstance(cell, list) else str(cell).split()


def _with_classes(answers: Answers, path: Path) -> Answers:
    """What the truth says about classes, the positive one, sequences or sets. Raises SetupError when it misfits."""
    answers = _in_form(answers, path)
    spec, form = answers.spec, answers.spec.scoring.form
    if form == "number" or form == "relevance":
        for values, key in zip(answers.truth, answers.keys, strict=True):
            if not all(is_finite(value) for value in values):
                raise SetupError(f"{path}: the answer of {show_key(spec, key)} is not a finite number")
        return replace(answers, groups=_groups(answers)) if form == "relevance" else answers
    if form == "tags":
        return replace(answers, groups=_groups(answers))
    if form == "text":
        return answers
    if form in {"labels", "ranked"} or len(spec.target) > 1:
        return _with_labels(answers, path)
    numeric = all(is_finite(values[0]) for values in answers.truth)
    named = replace(answers, numeric_classes=numeric)
    classes = sorted({class_of(named, values[0]) for values in answers.truth}, key=_natural)
    if spec.scoring.ordered and not numeric:
        raise SetupError(f"{path}: {spec.scoring.name} needs classes that are numbers")
    if spec.scoring.binary:
        spec = _with_positive(named, classes, path)
    return replace(named, spec=spec, classes=classes)


def _in_form(answers: Answers, path: Path) -> Answers:
    """The answers with the metric in the form that they call for: sets of labels, or groups of rows."""
    spec, cells = answers.spec, [values[0] for values in answers.truth]
    if grouped := metrics.of_groups(spec.scoring):
        several = bool(spec.group) or len(spec.key) > 1
        if several and all(is_finite(cell) for cell in cells):
            return replace(answers, spec=replace(spec, scoring=grouped))
        if spec.scoring.form == "relevance":
            raise SetupError(f"{path}: {spec.scoring.name} needs `group` or two key columns, and numbers as relevance")
    if spec.scoring.form != "label" or len(spec.target) > 1:
        return answers
    mark = spec.separator or labelsets.separator_of(cells)
    sets = metrics.of_sets(spec.scoring) if mark else None
    return answers if sets is None else replace(answers, spec=replace(spec, scoring=sets, separator=mark))


def _with_labels(answers: Answers, path: Path) -> Answers:
    """The answers as one list of labels per row; `classes` are all that occur, or the target columns themselves."""
    spec = answers.spec
    if len(spec.target) > 1:
        if not all(is_finite(cell) and float(cell) in (0.0, 1.0) for values in answers.truth for cell in values):
            raise SetupError(f"{path}: several target columns must hold 0 or 1 for {spec.scoring.name}")
        return replace(answers, classes=list(spec.target))
    cells = [values[0] for values in answers.truth]
    mark = spec.separator or labelsets.separator_of(cells)
    lists = mark or spec.scoring.form == "labels" or re.search(r"_at_\d", spec.scoring.name)
    truth = [(labelsets.labels_of(cell, mark) if lists else [cell],) for cell in cells]
    numeric = all(is_finite(label) for (labels,) in truth for label in labels)
    named = replace(answers, spec=replace(spec, separator=mark), numeric_classes=numeric)
    spelled = [([class_of(named, label) for label in labels],) for (labels,) in truth]
    if spec.scoring.form == "ranked" and not all(labels for (labels,) in spelled):
        raise SetupError(f"{path}: a row of the answers names no item")
    classes = sorted({label for (labels,) in spelled for label in labels}, key=_natural)
    return replace(named, truth=[*spelled], classes=classes)


def _with_positive(answers: Answers, classes: list[str], path: Path) -> Spec:
    """The spec with its positive class: as given, else the usual words, else the one class that `grading` mentions."""
    spec = answers.spec
    if len(classes) != 2:
        if spec.scoring.form == "label" and not spec.positive:
            raise SetupError(
                f"{path}: {spec.scoring.name} over {len(classes)} classes needs `positive` in grade.json, or name "
                f"macro_{spec.scoring.name}, micro_{spec.scoring.name} or weighted_{spec.scoring.name}"
            )
        return spec
    usual = [name for name in classes if name.lower() in POSITIVE_WORDS]
    mentioned = [name for name in classes if re.search(rf"\b{re.escape(name)}\b", spec.about)]
    positive = spec.positive or next((names[0] for names in (usual, mentioned) if len(names) == 1), "")
    if not positive or class_of(answers, positive) not in classes:
        raise SetupError(f"{path}: which of {', '.join(classes)} is `positive`? Say so in grade.json")
    return replace(spec, positive=positive)


def _groups(answers: Answers) -> list[list[int]]:
    """Row positions of each sequence: by `group`, else by all key columns but the last; one row each otherwise."""
    spec = answers.spec
    columns = [spec.key.index(name) for name in spec.group if name in spec.key] or [*range(len(spec.key) - 1)]
    if not columns:
        whole = all(len(tags_of(values[0])) == 1 for values in answers.truth)
        return [[*range(len(answers.keys))]] if whole else [[place] for place in range(len(answers.keys))]
    groups: dict[Key, list[int]] = {}
    for place, key in enumerate(answers.keys):
        groups.setdefault(tuple(key[column] for column in columns), []).append(place)
    return list(groups.values())


def _names(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(str(name) for name in value)


def _direction(text: str) -> str:
    words = {"higher": "maximize", "max": "maximize", "lower": "minimize", "min": "minimize"}
    plain = text.strip().lower().removesuffix("_is_better").removesuffix(" is better")
    return words.get(plain, plain)
