"""Submissions whose cells are lists or texts: rankings, sets of labels, tags, written text; and rows that are ordered.

Each function aligns nothing (the rows come in the order of the answers) and returns what `graded.Graded` scores.
"""

from __future__ import annotations

from collections.abc import Callable

from copilot.lab import labelsets
from copilot.lab.answers import Answers, Key, cell_of, class_of, present, show_key, tags_of
from copilot.lab.graded import Graded, keyed, number
from copilot.lab.ranking import FILLING, NOTHING
from copilot.lab.tables import Refused, Row

DEEPEST = 1000
"""How many items of a ranking are looked at."""


def ranks(answers: Answers, rows: list[Row], scores_of: Callable[[Answers, Row, Key], list[float]]) -> Graded:
    """The target holds classes or items best first (a list, or text with separators), or there are class scores."""
    import numpy as np

    named = [_ranking(answers, row, key, scores_of)[:DEEPEST] for row, key in keyed(answers, rows)]
    codes = {name: code for code, name in enumerate(answers.classes)}
    relevant = [labels for (labels,) in answers.truth]
    truth = np.full((len(rows), max(len(labels) for labels in relevant)), FILLING)
    predicted = np.full((len(rows), max(len(items) for items in named)), NOTHING)
    for place, (labels, items) in enumerate(zip(relevant, named, strict=True)):
        truth[place, : len(labels)] = [codes[label] for label in labels]
        predicted[place, : len(items)] = [codes.get(item, NOTHING) for item in items]
    return Graded(answers.spec.scoring, truth, predicted, ["|".join(items) for items in named])


def _ranking(answers: Answers, row: Row, key: Key, scores_of: Callable[[Answers, Row, Key], list[float]]) -> list[str]:
    spec, cell = answers.spec, row.get(answers.spec.target[0])
    if isinstance(cell, dict) or cell is None:
        scores = dict(zip(answers.classes, scores_of(answers, row, key), strict=True))
        return sorted(scores, key=lambda name: -scores[name])
    given = labelsets.labels_of(cell, spec.separator if isinstance(cell, str) and spec.separator in cell else "")
    if not given:
        raise Refused(f"row {show_key(spec, key)} names no class in {spec.target[0]!r}")
    return _without_doubles(answers, key, given)


def _without_doubles(answers: Answers, key: Key, given: list[str]) -> list[str]:
    named = [class_of(answers, name) for name in given]
    if len(set(named)) != len(named):
        raise Refused(f"row {show_key(answers.spec, key)} names a class twice")
    return named


def sets(answers: Answers, rows: list[Row]) -> Graded:
    """Several labels per row: a list, a text with separators, or one 0/1 column per label."""
    if len(answers.spec.target) > 1:
        given = [_flags(answers, row, key) for row, key in keyed(answers, rows)]
        true = [[n for n, cell in zip(answers.classes, values, strict=True) if float(cell)] for values in answers.truth]
    else:
        given = [_label_set(answers, row, key) for row, key in keyed(answers, rows)]
        true = [labels for (labels,) in answers.truth]
    labels = [*answers.classes, *sorted({name for names in given for name in names} - set(answers.classes))]
    plain = ["|".join(sorted(names)) for names in given]
    scoring = answers.spec.scoring
    return Graded(scoring, labelsets.indicators(true, labels), labelsets.indicators(given, labels), plain)


def _flags(answers: Answers, row: Row, key: Key) -> list[str]:
    values = {name: number(answers.spec, row, name, key) for name in answers.spec.target}
    if wrong := [name for name, value in values.items() if value not in (0.0, 1.0)]:
        raise Refused(f"row {show_key(answers.spec, key)}: column {wrong[0]!r} must be 0 or 1")
    return [name for name, value in values.items() if value]


def _label_set(answers: Answers, row: Row, key: Key) -> list[str]:
    """The labels of one row; an empty cell says that there are none."""
    cell = cell_of(row, answers.spec.target[0])
    if isinstance(cell, dict):
        raise Refused(f"row {show_key(answers.spec, key)} holds no list of labels")
    if isinstance(cell, str) and cell in answers.classes:
        return [cell]
    return _without_doubles(answers, key, labelsets.labels_of(cell, answers.spec.separator))


def relevance(answers: Answers, rows: list[Row]) -> Graded:
    """A score per row; the rows of a group are ordered by it. A unit is a group."""
    import numpy as np

    target = answers.spec.target[0]
    given = np.array([number(answers.spec, row, target, key) for row, key in keyed(answers, rows)])
    true = np.array([float(values[0]) for values in answers.truth])
    predicted = [given[group] for group in answers.groups]
    plain = [repr(scores.tolist()) for scores in predicted]
    return Graded(answers.spec.scoring, [true[group] for group in answers.groups], predicted, plain)


def written(answers: Answers, rows: list[Row]) -> Graded:
    """Free text per row, compared as it stands but for white space at the ends; it must not be empty."""
    target = answers.spec.target[0]
    given = [_text(answers, row, target, key) for row, key in keyed(answers, rows)]
    return Graded(answers.spec.scoring, [str(values[0]).strip() for values in answers.truth], given, given)


def _text(answers: Answers, row: Row, target: str, key: Key) -> str:
    cell = present(answers.spec, row, target, key)
    if not isinstance(cell, str | int | float) or not str(cell).strip():
        raise Refused(f"row {show_key(answers.spec, key)} has no text in column {target!r}")
    return str(cell).strip()


def tags(answers: Answers, rows: list[Row]) -> Graded:
    """Either one row per token, grouped by the leading key columns, or one row per sequence with all its tags."""
    target = answers.spec.target[0]
    true = [tags_of(values[0]) for values in answers.truth]
    given = []
    for (row, key), wanted in zip(keyed(answers, rows), true, strict=True):
        mine = tags_of(present(answers.spec, row, target, key))
        if len(mine) != len(wanted):
            raise Refused(f"row {show_key(answers.spec, key)} has {len(mine)} tags for {len(wanted)} tokens")
        given.append(mine)
    truth = [[tag for place in group for tag in true[place]] for group in answers.groups]
    predicted = [[tag for place in group for tag in given[place]] for group in answers.groups]
    return Graded(answers.spec.scoring, truth, predicted, [" ".join(own) for own in predicted])
