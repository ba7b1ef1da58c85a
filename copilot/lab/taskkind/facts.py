"""The tables of a data folder and the roles they can play: labelled, unlabelled, side table. Reads files only."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from copilot.lab.taskkind.wording import Wording

if TYPE_CHECKING:
    import pandas as pd

IGNORED = re.compile(r"task\.md|readme|licen[cs]e|notice|sample_?submission|\.pdf$|\.py$|description|problem", re.I)
TARGET_NAMES = ("label", "labels", "y", "target", "targets", "class", "category", "tag", "tags", "score", "value")
KEY_NAMES = ("id", "ids", "index", "idx", "row_id", "key", "name", "node", "file", "path", "filename")
ENDS = (
    ("source", "target"), ("src", "dst"), ("from", "to"), ("u", "v"), ("node1", "node2"), ("head", "tail"),
    ("source_id", "target_id"), ("node_1", "node_2"), ("a", "b"), ("citing", "cited"), ("from_id", "to_id"),
    ("follower", "followee"), ("id1", "id2"), ("i", "j"), ("left", "right"), ("node_a", "node_b"),
    ("atom1", "atom2"), ("begin", "end"),
)  # fmt: skip
MAX_BYTES = 400 << 20


@dataclass
class Facts:
    """What is in the folder. `tables` maps a reference (`file` or `file#inner`) to its table."""

    root: Path
    wording: Wording
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    """Plain text files (no table)."""
    conll: set[str] = field(default_factory=set)
    unreadable: list[str] = field(default_factory=list)


def gather(root: Path, wording: Wording) -> Facts:
    """Read every table in the folder; what cannot be read is named in `unreadable`, never raised."""
    from copilot.lab.taskkind.kit import taskfiles

    facts = Facts(root, wording)
    for path in _candidates(root):
        name = str(path.relative_to(root))
        if path.is_file() and path.suffix == ".txt" and not taskfiles.looks_conll(path):
            facts.texts.append(name)
            continue
        try:
            tables = taskfiles.read_tables(path)
        except (ValueError, OSError, KeyError, UnicodeError, json.JSONDecodeError) as error:
            facts.unreadable.append(f"{name} ({error})")
            continue
        if path.is_file() and taskfiles.looks_conll(path):
            facts.conll.add(name)
        facts.tables |= {f"{name}#{inner}" if inner else name: t for inner, t in tables.items() if len(t)}
    return facts


def _candidates(root: Path) -> list[Path]:
    from copilot.lab.taskkind.kit import taskfiles

    known = taskfiles.TABLES | taskfiles.CONLL | {".txt"}
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or IGNORED.search(path.name) or len(path.relative_to(root).parts) > 3:
            continue
        if path.is_file() and path.suffix.lower() in known and path.stat().st_size <= MAX_BYTES:
            found.append(path)
    holders = [path for path in root.iterdir() if path.is_dir() and taskfiles.part_of(path.name)]
    return found + [
        path
        for path in holders
        if any(f.suffix.lower() in taskfiles.IMAGES | taskfiles.SOUNDS | taskfiles.TEXTS for f in path.rglob("*"))
    ]


def part(reference: str) -> str:
    """`train`, `valid`, `test` or "" for a table, from its inner name, then its file name, then its folder."""
    from copilot.lab.taskkind.kit import taskfiles

    name, _, inner = reference.partition("#")
    return taskfiles.part_of(inner) or taskfiles.part_of(Path(name).stem) or taskfiles.part_of(str(Path(name).parent))


def column_for(table: pd.DataFrame, wanted: str, others: tuple[str, ...]) -> str:
    """The table's column for a name of the submission: the same name, without case, or a usual alias; else ""."""
    names = {str(name).lower(): str(name) for name in table.columns}
    if wanted.lower() in names:
        return names[wanted.lower()]
    inner = [name for lowered, name in names.items() if wanted and lowered.endswith("." + wanted.lower())]
    if len(inner) == 1:
        return inner[0]
    if not others:
        return ""
    if wanted.lower() in others or wanted == "":
        return next((names[alias] for alias in others if alias in names), "")
    if others is TARGET_NAMES:
        return next((names[alias] for alias in TARGET_NAMES[:7] if alias in names), "")
    return next((names[alias] for alias in KEY_NAMES[:4] if alias in names), "")


def labelled(facts: Facts) -> tuple[list[str], dict[str, str]]:
    """References of the tables with every target, training part first, and submission target -> column.

    An alias of a target (`label`, `y`) counts only where no table has the target by its own name.
    """
    best: list[tuple[int, str]] = []
    columns: dict[str, str] = {}
    for aliases in ((), TARGET_NAMES):
        for reference, table in facts.tables.items():
            found = {name: column_for(table, name, aliases) for name in facts.wording.targets}
            if found and all(found.values()) and part(reference) != "test" and not (aliases and ends_of(table)):
                columns = columns or found
                if found == columns:
                    best.append(({"train": 0, "valid": 1, "": 2}[part(reference)], reference))
        if best:
            break
    ranks = {rank for rank, _ in best}
    named = [reference for rank, reference in sorted(best) if rank < 2]
    return (named if ranks & {0, 1} else [reference for _, reference in sorted(best)][:1]), columns


def unlabelled(facts: Facts, train: list[str], columns: dict[str, str]) -> str:
    """Reference of the table to answer; the labelled one itself when it has empty targets; else ""."""
    from copilot.lab.taskkind.kit import taskrows

    tests = [r for r in facts.tables if part(r) == "test" and r not in train]
    tests.sort(key=lambda r: (-_key_count(facts, r), r))
    if tests:
        return tests[0]
    target = next(iter(columns.values()), "")
    if train and target and facts.tables[train[0]][target].map(taskrows.missing).any():
        return train[0]
    return next((r for r in facts.tables if r not in train and _asks(facts, r, columns)), "")


def _key_count(facts: Facts, reference: str) -> int:
    return sum(bool(column_for(facts.tables[reference], key, KEY_NAMES)) for key in facts.wording.keys)


def _asks(facts: Facts, reference: str, columns: dict[str, str]) -> bool:
    """True for a table of no named part with every key column by name, and without the targets."""
    names = set(map(str, facts.tables[reference].columns))
    whole = bool(facts.wording.keys) and set(facts.wording.keys) <= names
    return whole and not part(reference) and not names & set(columns.values())


def more_of(facts: Facts, test: str) -> list[str]:
    """Further tables of rows to answer: those of the test part with the very columns of the first."""
    columns = list(facts.tables[test].columns)
    same = [r for r, table in facts.tables.items() if part(r) == "test" and list(table.columns) == columns]
    return [r for r in same if r != test] if part(test) == "test" else []


def ends_of(table: pd.DataFrame) -> list[str]:
    """The two columns that name an edge's ends, or nothing."""
    names = {str(n).lower(): str(n) for n in table.columns}
    for a, b in ENDS:
        if a in names and b in names:
            return [names[a], names[b]]
    return []


def edge_lists(facts: Facts, train: str, test: str) -> list[str]:
    """[table, graph column, two ends] of an edge table that names a graph per edge, for rows that are whole graphs."""
    rows, asked = facts.tables[train], facts.tables[test]
    for reference, table in facts.tables.items():
        ends = ends_of(table)
        if reference in {train, test} or not ends:
            continue
        for name in (str(n) for n in table.columns if str(n) not in ends):
            graphs = set(table[name].map(str)) if name in rows.columns and name in asked.columns else set()
            if graphs and len(graphs) < 0.7 * len(table) and len(graphs & set(asked[name].map(str))) > 0.5 * len(asked):
                return [reference, name, *ends]
    return []


def file_column(facts: Facts, rows: pd.DataFrame) -> str:
    """The column whose cells name media files of the data folder (by path, name or stem); empty when there is none."""
    from copilot.lab.taskkind.kit import taskfiles

    if "path" in rows.columns:
        return ""
    index = taskfiles.media_index(facts.root)
    for name in map(str, rows.columns) if index else ():
        cells = [str(cell) for cell in rows[name].iloc[:500]]
        if len(set(cells)) > 1 and sum(cell in index for cell in cells) > 0.95 * len(cells):
            return name
    return ""


def side_tables(facts: Facts, train: str, test: str) -> list[tuple[str, str]]:
    """(reference, column) of tables that share a key-like column with both the labelled and the unlabelled rows."""
    left = {str(name) for name in facts.tables[train].columns} & {str(name) for name in facts.tables[test].columns}
    found = []

    skipped = {train, test, *edge_lists(facts, train, test)[:1]}

    def known(name: str) -> set[str]:
        return set(facts.tables[test][name].map(str)) | set(facts.tables[train][name].map(str))

    for reference, table in facts.tables.items():
        if reference in skipped or (part(reference) in {"train", "test"} and facts.tables[train].shape[1] > 2):
            continue
        shared = [name for name in map(str, table.columns) if name in left and table[name].map(str).nunique() > 1]
        keyed = [name for name in shared if known(name) & set(table[name].map(str))]
        if len(keyed) == 1 and table.shape[1] > 1:
            found.append((reference, keyed[0]))
    return found
