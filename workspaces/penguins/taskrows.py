"""Turn a described task into rows a model can learn from: typed feature columns, targets, and the keys to answer.

The description (`task.json`, a dictionary) says which files, keys, targets and column types; this module only follows
it. It never looks at anything outside the data folder and never sees a sealed label.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING or __package__:
    from copilot.lab.taskkind.kit import taskfiles
else:
    import taskfiles

DATE = re.compile(r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?([ T]\d{1,2}:\d{2}.*)?$|\d{1,2}[/.]\d{1,2}[/.]\d{4}( .*)?$")


@dataclass
class Rows:
    """What `load` returns: `train` and `test` have the same typed feature columns, in the same order.

    `target` keeps the cells as found; `keys` are the key columns of the rows to answer; `types` is column -> type;
    `groups` names the group of each training row where rows are ordered within groups.
    """

    train: pd.DataFrame
    target: pd.DataFrame
    test: pd.DataFrame
    keys: pd.DataFrame
    types: dict[str, str]
    groups: pd.Series | None = None


def missing(value: Any) -> bool:
    """True for None, NaN and the usual words for a missing cell."""
    if isinstance(value, str):
        return value.strip().lower() in taskfiles.MISSING
    return value is None or (isinstance(value, float | np.floating) and bool(np.isnan(value)))


def numbers(column: pd.Series) -> pd.Series:
    """The column as floats; what is missing or no number becomes NaN."""
    if column.dtype.kind in "iufb":
        return column.astype(float)
    text = column.map(lambda value: np.nan if missing(value) else value)
    return pd.to_numeric(text, errors="coerce").astype(float)


def column_type(column: pd.Series, root: Path | None = None) -> str:
    """One of number, date, category, text, symbols, tokens, series, image, edges, path, name, empty.

    `symbols` are long strings without spaces (DNA, SMILES), `tokens` lists of discrete items, `series` lists of
    numbers, `name` short strings that hardly ever repeat.
    """
    if column.dtype.kind in "iufb":
        return "number"
    values = [value for value in column if isinstance(value, list | dict | np.ndarray) or not missing(value)][:2000]
    if not values:
        return "empty"
    if isinstance(values[0], list | np.ndarray):
        return _list_type(values)
    if all(isinstance(value, int | float | bool | np.generic) for value in values):
        return "number"
    return _text_type([value if isinstance(value, str) else json.dumps(value) for value in values], root)


def _list_type(values: list[Any]) -> str:
    arrays = [value for value in values if len(value)]
    if not arrays:
        return "empty"
    first = arrays[0]
    if isinstance(first, np.ndarray):
        return "image" if first.ndim > 1 else "series"
    if isinstance(first[0], list):
        return "edges" if all(len(pair) in (2, 3) for pair in first) and not isinstance(first[0][0], float) else "image"
    flat = [item for value in arrays[:200] for item in value]
    if all(isinstance(item, int | float) and not isinstance(item, bool) for item in flat):
        few = len(set(flat)) < max(20, 0.1 * len(flat))
        return "tokens" if all(isinstance(item, int) for item in flat) and few else "series"
    return "tokens"


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _text_type(values: list[str], root: Path | None) -> str:
    if all(_is_number(value) for value in values):
        return "number"
    if all(DATE.match(value.strip()) for value in values[:200]):
        return "date"
    suffix = Path(values[0][:200]).suffix.lower()
    files = taskfiles.IMAGES | taskfiles.SOUNDS | taskfiles.TEXTS
    if root is not None and suffix in files and (root / values[0]).is_file():
        return "path"
    split = [value.split() for value in values]
    words = float(np.mean([len(parts) for parts in split]))
    if words >= 3 and all(_is_number(item) for parts in split[:200] for item in parts):
        return "tokens" if all(item.lstrip("-").isdigit() for parts in split[:200] for item in parts) else "series"
    distinct = len(set(values)) / len(values)
    if words < 1.2 and distinct > 0.3 and np.median([len(value) for value in values]) >= 12:
        return "symbols"
    if (words >= 3 and distinct > 0.1) or (words > 1.3 and distinct > 0.5 and len(values) > 20):
        return "text"
    return "name" if distinct > 0.9 and len(values) > 20 else "category"


def _cells(items: list[Any], index: pd.Index) -> pd.Series:
    cells = np.empty(len(items), dtype=object)
    for position, item in enumerate(items):
        cells[position] = item
    return pd.Series(cells, index=index)


def _tokens(value: Any) -> list[str]:
    if isinstance(value, str):
        return value.split()
    if value is None or isinstance(value, float):
        return []
    return [token for item in value for token in _item_tokens(item)]


def _item_tokens(item: Any) -> list[str]:
    """An item as tokens: itself, or for an object `name=value`, numbers by their power of two."""
    if not isinstance(item, dict):
        return [str(item)]
    found = []
    for name, value in item.items():
        coarse = isinstance(value, float) or (
            isinstance(value, int) and not isinstance(value, bool) and abs(value) > 20
        )
        found.append(f"{name}~{int(np.log2(1 + abs(value)))}" if coarse and np.isfinite(value) else f"{name}={value}")
    return found


def series_of(value: Any) -> np.ndarray:
    if isinstance(value, str):
        value = [float(item) for item in value.split()]
    return np.zeros(0) if value is None or isinstance(value, float) else np.asarray(value, dtype=float)


def convert(column: pd.Series, kind: str, root: Path) -> pd.Series:
    """The column in the form that models get for its type (see `column_type`); `path` is read to an array here."""
    if kind == "number":
        return numbers(column)
    if kind == "date":
        return pd.to_datetime(column, errors="coerce", format="mixed")
    if kind == "path" and Path(str(column.iloc[0])).suffix.lower() in taskfiles.TEXTS:
        return column.map(lambda name: (root / str(name)).read_text(encoding="utf-8", errors="replace")).astype(object)
    if kind == "path":
        sound = Path(str(column.iloc[0])).suffix.lower() in taskfiles.SOUNDS
        reader = taskfiles.read_sound if sound else taskfiles.read_image
        return _cells([reader(root / str(value)) for value in column], column.index)
    if kind == "tokens":
        return _cells([_tokens(value) for value in column], column.index)
    if kind == "series":
        return _cells([series_of(value) for value in column], column.index)
    if kind in {"image", "edges"}:
        return _cells([np.asarray(value) for value in column], column.index)
    return column.map(lambda value: "" if value is None or value != value else str(value)).astype(object)


def aggregate(table: pd.DataFrame, key: str) -> pd.DataFrame:
    """A table with one row per key: count, mean, spread and range of numbers, commonest word and how many of them."""
    parts: list[Any] = [table.groupby(key, sort=False).size().rename("rows")]
    for name in table.columns.drop(key):
        groups = (numbers(table[name]) if column_type(table[name]) == "number" else table[name]).groupby(table[key])
        if column_type(table[name]) == "number":
            parts.append(groups.agg(["mean", "std", "min", "max"]).add_prefix(f"{name}_"))
        else:
            parts.append(groups.agg(lambda cells: cells.mode().iloc[0]).rename(f"{name}_mode"))
            parts.append(groups.nunique().rename(f"{name}_distinct"))
    gathered: pd.DataFrame = pd.concat(parts, axis=1)
    return gathered.reset_index(names=key)


def join(table: pd.DataFrame, other: pd.DataFrame, key: str) -> pd.DataFrame:
    """`table` with the columns of `other`, matched by `key` as text; columns that both have stay the table's own."""
    other = other.drop(columns=[name for name in other.columns if name in table.columns and name != key])
    other = other.assign(**{key: other[key].map(str)})
    if other[key].duplicated().any():
        other = aggregate(other, key)
    matched = table[[key]].assign(**{key: table[key].map(str)}).merge(other, on=key, how="left")
    return pd.concat([table.reset_index(drop=True), matched.drop(columns=key)], axis=1)


def joined(task: dict[str, Any], root: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table with every side table of the task joined to it, and the edges of each row's graph gathered."""
    for reference, key in task.get("joins", []):
        if key in table.columns:
            table = join(table, taskfiles.read_table(root, reference), key)
    if gathers := task.get("gathers", []):
        reference, key, *ends = gathers
        edges = taskfiles.read_table(root, reference)
        lists = {str(name): part[ends].values.tolist() for name, part in edges.groupby(edges[key].map(str))}
        table = table.assign(edges=_cells([lists.get(str(name), []) for name in table[key]], table.index))
    return table


def split_tables(task: dict[str, Any], root: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The labelled and the unlabelled rows, side tables joined. One table may hold both: then no target means test."""
    train = pd.concat([taskfiles.read_table(root, reference) for reference in task["train"]], ignore_index=True)
    target = task["targets"][0]
    if task["test"] == task["train"][0]:
        unknown = train[target].map(missing).to_numpy(dtype=bool)
        train, test = train[~unknown].reset_index(drop=True), train[unknown].reset_index(drop=True)
    else:
        asked = [task["test"], *task.get("more_tests", [])]
        test = pd.concat([taskfiles.read_table(root, reference) for reference in asked], ignore_index=True)
    train, test = (taskfiles.with_paths(root, table, str(task.get("names_files", ""))) for table in (train, test))
    train, test = joined(task, root, train), joined(task, root, test)
    if task.get("problem") != "unlabelled" and target in train.columns:
        known = ~train[target].map(missing).to_numpy(dtype=bool)
        train = train[known].reset_index(drop=True)
    return train, test


def load(task: dict[str, Any], root: Path) -> Rows:
    """Read the files of a row-per-example task. Keys that the test file does not print are its row numbers from 0."""
    train, test = split_tables(task, root)
    where = {key: task.get("key_from", {}).get(key, key) for key in task["keys"]}
    keys = pd.DataFrame({k: test[name] if name in test.columns else np.arange(len(test)) for k, name in where.items()})
    types = {name: kind for name, kind in task["columns"].items() if name in train.columns and name in test.columns}
    features = [
        pd.DataFrame({name: convert(table[name], kind, root) for name, kind in types.items()}, index=table.index)
        for table in (train, test)
    ]
    by = task.get("groups", [])
    groups = train[by].astype(str).agg("|".join, axis=1) if by else None
    target = train[[name for name in task["targets"] if name in train.columns]]
    return Rows(features[0], target, features[1], keys, types, groups)
