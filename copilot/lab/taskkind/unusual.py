"""Kinds of task whose answer is no label or number per labelled row: texts to write, strange rows, items to name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from copilot.lab.taskkind import facts as look
from copilot.lab.taskkind.facts import Facts

if TYPE_CHECKING:
    import pandas as pd

    from copilot.lab.taskkind.describe import TaskKind

STRANGE = re.compile(r"anomal|outlier|novelt|unusual|strange|intrusion|fault|defect|broken|fraud", re.I)
OWN = 0.7
"""Share of targets that are all different, from which on labels are taken for texts to write."""
LONGEST = 2000


def transduction(facts: Facts, base: TaskKind) -> TaskKind | None:
    """One text column in, a text out: by a metric of texts, or by targets that hardly ever repeat."""
    from copilot.lab.taskkind.describe import TEXTS
    from copilot.lab.taskkind.kit import taskrows

    if base.problem != "classification" or len(base.targets) != 1 or base.label_separator not in ("", " ", ","):
        return None
    rows, _ = taskrows.split_tables(base.model_dump(), facts.root)
    sources = _sources(rows, base)
    targets = rows[base.targets[0]].map(str)
    if len(sources) != 1 or (base.metric not in TEXTS and not _written(base, targets)):
        return None
    roles: dict[str, Any] = {
        "source": sources[0],
        "words": bool(targets.map(lambda text: len(text.split())).median() > 1),
    }
    return base.model_copy(update={"kind": "transduction", "label_separator": "", "roles": roles, "classes": 0})


def _sources(rows: pd.DataFrame, base: TaskKind) -> list[str]:
    """Columns of texts that may be rewritten; where there is none, of words."""
    kinds = {
        kind: [n for n, k in base.columns.items() if k == kind] for kind in ("text", "symbols", "name", "category")
    }
    found = kinds["text"] or kinds["symbols"] or kinds["name"] or kinds["category"]
    return [name for name in found if rows[name].map(lambda cell: len(str(cell))).max() <= LONGEST]


def _written(base: TaskKind, targets: pd.Series) -> bool:
    """True where exact answers are asked for and nearly every row has a target of its own."""
    return base.metric in {"accuracy", "error_rate"} and len(targets) >= 50 and targets.nunique() > OWN * len(targets)


def anomaly(facts: Facts, text: str) -> TaskKind | None:
    """Rows to score by strangeness, beside unlabelled rows of the same columns (or none but themselves)."""
    from copilot.lab.taskkind import special
    from copilot.lab.taskkind.kit import taskrows

    wording = facts.wording
    labelled, _ = look.labelled(facts)
    if labelled or len(wording.targets) != 1 or wording.metric not in {"roc_auc", "average_precision"}:
        return None
    tests = special.of_part(facts, "test") or [r for r in facts.tables if not look.part(r)]
    if not tests or not STRANGE.search(text):
        return None
    test = tests[0]
    columns = set(map(str, facts.tables[test].columns))
    train = [r for r in special.of_part(facts, "train") if columns & set(map(str, facts.tables[r].columns))] or [test]
    keys = {key: look.column_for(facts.tables[test], key, look.KEY_NAMES) for key in wording.keys}
    named = {name for name in columns if re.fullmatch(r"(row_?)?(id|idx|index|uid|uuid)|unnamed.*", name.lower())}
    rows, asked = facts.tables[train[0]], facts.tables[test]
    features = {
        name: taskrows.column_type(rows[name])
        for name in map(str, rows.columns)
        if name in asked.columns and name not in named | set(keys.values())
    }
    usable = {name: kind for name, kind in features.items() if kind in {"number", "category"}}
    if not usable:
        return None
    return special.make(
        facts, kind="anomaly", problem="unlabelled", positive=wording.positive or "1", train=train, test=test,
        key_from={key: name for key, name in keys.items() if name and name != key}, targets=wording.targets,
        columns=usable, rows=len(rows),
    )  # fmt: skip


def recommendation(facts: Facts, text: str) -> TaskKind | None:
    """Users (or baskets) to name items for, beside a table with a row per user and item."""
    from copilot.lab.taskkind import special
    from copilot.lab.taskkind.describe import RANKINGS

    wording = facts.wording
    train, targets = look.labelled(facts)
    if not train or len(targets) != 1 or len(wording.keys) != 1 or not RANKINGS.fullmatch(wording.metric):
        return None
    table, (item,) = facts.tables[train[0]], targets.values()
    user = look.column_for(table, wording.keys[0], ())
    test = look.unlabelled(facts, train, targets)
    if not user or not test or test == train[0] or not table[user].map(str).duplicated().any():
        return None
    asked = look.column_for(facts.tables[test], wording.keys[0], ())
    known = set(table[user].map(str))
    if not asked or not facts.tables[test][asked].map(str).isin(known).mean() > 0.5:
        return None
    name = next(iter(targets))
    return special.make(
        facts, kind="recommendation", problem="classification", train=train, test=test, targets=[item],
        key_from={} if asked == wording.keys[0] else {wording.keys[0]: asked}, roles={"user": user},
        answers={} if item == name else {item: name}, rows=len(table),
    )  # fmt: skip
