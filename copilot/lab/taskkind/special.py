"""Kinds of task that are more than one row per example: tagging, graphs, completion, forecasts. Looks at tables."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from copilot.lab.taskkind import facts as look
from copilot.lab.taskkind.facts import Facts

if TYPE_CHECKING:
    import pandas as pd

    from copilot.lab.taskkind.describe import TaskKind

CONTEXTS = ("context", "prompt", "prefix", "history", "input", "text", "sequence", "left", "past")
FROM_ONE = re.compile(r"(?:count|number|start)[\w\s]{0,12}(?:from|at|with) (?:1|one)\b|1-based", re.I)
STEPS = re.compile(
    r"(t|time|step|timestep|time_step|week|month|hour|day|period|index|year|quarter|timestamp|epoch)", re.I
)


def make(facts: Facts, **fields: Any) -> TaskKind:
    """A TaskKind with what the wording settles filled in."""
    from copilot.lab.taskkind.describe import TaskKind

    wording = facts.wording
    given = {"metric": wording.metric, "direction": wording.direction, "form": wording.form, "keys": wording.keys}
    return TaskKind(**{"problem": "classification", **given, **fields})


def key_columns(facts: Facts, test: str) -> dict[str, str]:
    """Submission key -> column of the test table where the names differ."""
    found = {key: look.column_for(facts.tables[test], key, look.KEY_NAMES) for key in facts.wording.keys}
    return {key: name for key, name in found.items() if name and name != key}


def of_part(facts: Facts, part: str) -> list[str]:
    """References of the tables of a part, in order."""
    return [reference for reference in facts.tables if look.part(reference) == part]


def completion(facts: Facts, text: str) -> TaskKind | None:
    """Contexts to complete, beside a training text (or a table of contexts and what followed)."""
    from copilot.lab.taskkind.describe import numeric

    if not re.search(r"\bnext\b|complet|continu|language model|following (?:char|word|item)", text, re.I):
        return None
    if numeric(facts.wording.metric):
        return None
    for test in of_part(facts, "test"):
        table = facts.tables[test]
        context = next((str(n) for n in table.columns if str(n).lower() in CONTEXTS), "")
        if not context:
            continue
        texts = sorted((n for n in facts.texts if look.part(n) != "test"), key=lambda n: look.part(n) != "train")
        column = facts.wording.targets[0]
        pairs = [
            r
            for r in facts.tables
            if look.part(r) in {"train", "valid"} and {context, column} <= set(map(str, facts.tables[r].columns))
        ]
        if not texts and not pairs:
            continue
        level = symbol_level(table[context], text)
        used = texts if texts else pairs
        roles = {"context": context, "level": level, "texts": bool(texts)}
        size = (
            sum((facts.root / n).stat().st_size for n in texts) if texts else sum(len(facts.tables[r]) for r in pairs)
        )
        return make(
            facts,
            kind="completion",
            train=used,
            test=test,
            key_from=key_columns(facts, test),
            targets=[column],
            roles=roles,
            rows=size,
        )
    return None


def symbol_level(column: pd.Series, text: str) -> str:
    """`character`, `word` or `items` (lists, or codes between spaces), from the cells and the wording."""
    cells = [cell for cell in column[:50] if cell is not None]
    if any(isinstance(cell, list) for cell in cells):
        return "items"
    if re.search(r"next[\w\s-]{0,20}character|character[- ]level|\bchars?\b", text, re.I):
        return "character"
    codes = [item for cell in cells for item in str(cell).split()]
    coded = codes and sum(bool(re.fullmatch(r"[A-Za-z]*[_-]?\d+", item)) for item in codes) > 0.8 * len(codes)
    if coded and len(codes) > len(cells):
        return "items"
    return (
        "word"
        if re.search(r"next[\w\s-]{0,20}(?:word|token)", text, re.I)
        else ("character" if len(codes) <= 1.1 * len(cells) else "word")
    )


def forecast(facts: Facts, base: TaskKind) -> TaskKind | None:
    """Rows to predict that all lie after the labelled ones in time, one per step and series."""
    from copilot.lab.taskkind.kit import taskrows

    if base.problem != "regression" or base.train[0] == base.test:
        return None
    rows, asked = taskrows.split_tables(base.model_dump(), facts.root)
    shared = [str(n) for n in rows.columns if n in asked.columns and str(n) not in base.targets]
    kinds = {name: taskrows.column_type(asked[name]) for name in shared}
    keyed = {base.key_from.get(key, key) for key in base.keys}
    dated = [name for name in shared if kinds[name] == "date"]
    stepped = [n for n in shared if kinds[n] == "number" and STEPS.fullmatch(n) and (n in keyed or len(shared) <= 3)]
    for name in [*dated, *stepped]:
        series = _series_columns(rows, asked, name, [n for n in shared if n != name], kinds)
        if series is None or not _later(rows[name], asked[name], name in dated):
            continue
        columns = {n: "category" if n in series else kind for n, kind in base.columns.items() if n != name}
        columns |= {n: "category" for n in series}
        roles = {"time": name, "series": series, "dated": name in dated}
        return base.model_copy(update={"kind": "forecast", "columns": columns, "roles": roles})
    return None


def _later(before: pd.Series, after: pd.Series, dated: bool) -> bool:
    import pandas as pd

    from copilot.lab.taskkind.kit import taskrows

    if dated:
        return bool(pd.to_datetime(after, format="mixed").min() > pd.to_datetime(before, format="mixed").max())
    return bool(taskrows.numbers(after).min() > taskrows.numbers(before).max())


def _series_columns(
    rows: pd.DataFrame, asked: pd.DataFrame, time: str, others: list[str], kinds: dict[str, str]
) -> list[str] | None:
    """The fewest columns that tell the series apart (no two rows of one at one time); None when there are none."""
    if not rows[time].map(str).duplicated().any():
        return []
    names = [
        n
        for n in others
        if 1 < rows[n].map(str).nunique() <= len(rows) / 5 and kinds[n] in {"category", "number", "name"}
    ]
    names = [n for n in names if set(asked[n].map(str)) <= set(rows[n].map(str))]
    options = [[n] for n in names] + [[a, b] for i, a in enumerate(names) for b in names[i + 1 :]]
    for option in options:
        if not rows[[time, *option]].astype(str).duplicated().any():
            return option
    return None


def tagging(facts: Facts, text: str) -> TaskKind | None:
    """Token tagging: CoNLL files, tables with a row per token, or rows with lists of tokens and of tags."""
    from copilot.lab.taskkind.kit import taskfiles

    column = facts.wording.targets[0]
    files = [r for r in facts.tables if r in facts.conll]
    test = next((r for r in files if look.part(r) == "test"), "")
    train = [r for r in files if look.part(r) in {"train", "valid"}]
    if files and test and train:
        return _conll(facts, train, test, text)
    for test in of_part(facts, "test"):
        for reference in of_part(facts, "train"):
            table, asked = facts.tables[reference], facts.tables[test]
            if taskfiles.PARTS and _paired_lists(table, asked, column):
                tokens = _paired_lists(table, asked, column)
                roles: dict[str, Any] = {
                    "layout": "lists",
                    "tokens": tokens,
                    "tag": look.column_for(table, column, look.TARGET_NAMES),
                }
                return _tagging(facts, [reference], test, roles, len(table))
            sentence = next(
                (
                    n
                    for n in map(str, table.columns)
                    if re.fullmatch(r"(sent(ence)?(_?(id|idx|no|number|index))?|doc_id|sid)", n, re.I)
                ),
                "",
            )
            form = next((n for n in map(str, table.columns) if re.fullmatch(r"(token|word|form|text)s?", n, re.I)), "")
            tag = look.column_for(table, column, look.TARGET_NAMES)
            if sentence and form and tag and sentence in asked.columns and form in asked.columns:
                roles = {"layout": "rows", "sentence": sentence, "form": form, "tag": tag, "extra": []}
                return _tagging(facts, [reference], test, roles, len(table))
    return None


def _paired_lists(table: pd.DataFrame, asked: pd.DataFrame, column: str) -> str:
    """The column of token lists that is as long, row by row, as the column of tag lists; empty when there is none."""
    tag = look.column_for(table, column, look.TARGET_NAMES)
    if not tag or not all(isinstance(cell, list) for cell in table[tag][:50]):
        return ""
    for name in map(str, table.columns):
        if name == tag or name not in asked.columns or not all(isinstance(cell, list) for cell in table[name][:50]):
            continue
        if all(len(a) == len(b) for a, b in zip(table[name][:200], table[tag][:200], strict=True)):
            return name
    return ""


def _conll(facts: Facts, train: list[str], test: str, text: str) -> TaskKind | None:
    """Roles of the CoNLL columns: tag last in training, an id column where the test file prints numbers."""
    table, asked = facts.tables[train[0]], facts.tables[test]
    width, seen = table.shape[1] - 2, asked.shape[1] - 2
    names = ["form", *(f"c{i}" for i in range(1, max(width, seen)))]
    counted = _counts(asked[names[0]])
    extra_id = counted and seen == width and not _counts(table[names[0]])
    masked = _masked(table, asked, names) if seen == width and not extra_id else ""
    tag = masked or names[width - 1]
    train_names = [name for name in names[:width] if name != tag]
    test_names = names[1:seen] if extra_id else [name for name in names[:seen] if name != masked]
    form = 1 if counted and not extra_id and len(train_names) > 1 else 0
    if not train_names or len(test_names) <= form:
        return None
    roles = {
        "layout": "conll", "tag": tag, "form": train_names[form], "test_form": test_names[form],
        "extra": [list(pair) for pair in zip(train_names, test_names, strict=False) if pair[0] != train_names[form]],
        "id": names[0] if counted and (extra_id or asked[names[0]].is_unique or len(facts.wording.keys) == 2) else "",
        "first": int(bool(FROM_ONE.search(text))),
    }  # fmt: skip
    return _tagging(facts, train, test, roles, len(table))


def _masked(table: pd.DataFrame, asked: pd.DataFrame, names: list[str]) -> str:
    """The first column that is one and the same mark in the test file but varies in training."""
    for name in names:
        if asked[name].nunique() == 1 and 1 < table[name].nunique() <= 200:
            return name
    return ""


def _counts(column: pd.Series) -> bool:
    return bool(column.map(lambda cell: str(cell).isdigit()).mean() > 0.99)


def _tagging(facts: Facts, train: list[str], test: str, roles: dict[str, Any], rows: int) -> TaskKind:
    target = roles["tag"]
    name = facts.wording.targets[0]
    return make(
        facts, kind="tagging", train=train, test=test, key_from=key_columns(facts, test), targets=[target],
        answers={} if name == target else {target: name}, roles=roles, rows=rows,
    )  # fmt: skip


def _pairs(table: pd.DataFrame) -> bool:
    """True for two or three columns whose first two hold single values out of one set."""
    if table.shape[1] not in (2, 3) or any(
        hasattr(cell, "__len__") and not isinstance(cell, str) for cell in table.iloc[0]
    ):
        return False
    left, right = set(table.iloc[:, 0].map(str)), set(table.iloc[:, 1].map(str))
    return len(left & right) > 0.1 * min(len(left), len(right))


def graph(facts: Facts, text: str) -> TaskKind | None:
    """Node classification (or regression) beside an edge list, or prediction of links between pairs of nodes."""
    named = {r: look.ends_of(t) for r, t in facts.tables.items() if look.ends_of(t)}
    for reference, table in facts.tables.items():
        if reference not in named and re.search(r"edge|link|citation", reference, re.I) and _pairs(table):
            named[reference] = [str(table.columns[0]), str(table.columns[1])]
    if not named or not re.search(r"graph|edge|link|network|node|citation|neighbou?r", text + " ".join(named), re.I):
        return None
    train, targets = look.labelled(facts)
    test = look.unlabelled(facts, train, targets) if train else ""
    if test and look.edge_lists(facts, train[0], test):
        return None
    asked = [r for r in named if look.part(r) == "test"]
    return _links(facts, named, asked[0]) if asked else _nodes(facts, named)


def _links(facts: Facts, named: dict[str, list[str]], test: str) -> TaskKind | None:
    from copilot.lab.taskkind.describe import positive_of, problem_of

    train = sorted((r for r in named if r != test), key=lambda r: look.part(r) != "train")
    if not train:
        return None
    target = look.column_for(facts.tables[train[0]], facts.wording.targets[0], look.TARGET_NAMES)
    target = "" if target in named[train[0]] else target
    edges = [r for r in train if not target or target not in facts.tables[r].columns]
    nodes = _node_table(facts, set(named))
    roles = {"task": "links", "ends": named[train[0]], "test_ends": named[test], "edges": edges,
             "edge_ends": [named[r] for r in edges], "nodes": nodes, "label": target}  # fmt: skip
    name = facts.wording.targets[0]
    positive, problem = "1", "classification"
    if target:
        column = facts.tables[train[0]][target]
        positive, problem = positive_of(facts.wording, column) or "", problem_of(facts.wording, column)
    return make(
        facts, kind="graph", problem=problem, positive=positive or None,
        train=train[:1], test=test, key_from=key_columns(facts, test), targets=[target or name],
        answers={} if not target or name == target else {target: name}, roles=roles, rows=len(facts.tables[train[0]]),
    )  # fmt: skip


def _node_table(facts: Facts, skip: set[str]) -> list[str]:
    """[reference, id column] of a table with a row per node; empty when there is none."""
    for reference, table in facts.tables.items():
        if reference in skip or look.part(reference) or table.shape[1] < 2:
            continue
        key = next(
            (n for n in map(str, table.columns) if n.lower() in ("node", "node_id", "id", "paper", "user", "name")), ""
        )
        if key and table[key].map(str).is_unique:
            return [reference, key]
    for reference, table in facts.tables.items():
        if reference not in skip and not look.part(reference) and hasattr(table.iloc[0, 0], "shape"):
            return [reference, ""]
    return []


def _nodes(facts: Facts, named: dict[str, list[str]]) -> TaskKind | None:
    from copilot.lab.taskkind.describe import positive_of, problem_of

    edges = next(iter(named))
    side = Facts(facts.root, facts.wording, {r: t for r, t in facts.tables.items() if r not in named})
    train, targets = look.labelled(side)
    indexed = _indexed(side, targets)
    roles: dict[str, Any] = {"task": "nodes", "edges": [edges], "edge_ends": [named[edges]]}
    if indexed:
        train, test, roles = indexed[0], indexed[1], {**roles, **indexed[2]}
    else:
        test = look.unlabelled(side, train, targets) if train else ""
    if not train or not test:
        return None
    column = facts.tables[train[0]][next(iter(targets.values()))]
    problem = problem_of(facts.wording, column)
    if problem not in ("classification", "regression"):
        return None
    keys = key_columns(facts, test)
    node = keys.get(facts.wording.keys[0], facts.wording.keys[0])
    roles.setdefault("nodes", _node_table(side, {train[0], test} if train[0] != test else set()))
    roles.setdefault("key", node if node in facts.tables[test].columns else "")
    return make(
        facts, kind="graph", problem=problem, positive=positive_of(facts.wording, column), train=train, test=test,
        key_from=keys, targets=list(targets.values()), answers={c: n for n, c in targets.items() if c != n},
        roles=roles, rows=len(facts.tables[train[0]]), classes=column.map(str).nunique(),
    )  # fmt: skip


def _indexed(facts: Facts, targets: dict[str, str]) -> tuple[list[str], str, dict[str, Any]] | None:
    """Arrays of one file with all nodes, and index or mask arrays that say which are labelled and which are asked."""
    for reference, table in facts.tables.items():
        names = list(map(str, table.columns))
        masks = {look.part(n.replace("_", " ")): n for n in names if "mask" in n.lower()}
        base = reference.partition("#")[0]
        inner = {look.part("x#" + r.partition("#")[2]): r for r in facts.tables if r.startswith(base + "#")}
        if not targets or next(iter(targets.values())) not in names:
            continue
        if "train" in masks and "test" in masks:
            return (
                [reference],
                reference,
                {"nodes": [reference, ""], "masks": [masks["train"], masks["test"]], "key": ""},
            )
        if "train" in inner and "test" in inner:
            return (
                [reference],
                inner["test"],
                {"nodes": [reference, ""], "indexes": [inner["train"], inner["test"]], "key": ""},
            )
    return None
