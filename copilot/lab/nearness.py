"""Near duplicates between training and test rows: what repeats a training row up to rounding, one cell, or a few words.

Three views, chosen by what the rows hold: cells (numbers and categories), words (texts, token sequences, strings), and
vectors (images, signals, long rows of pixels). In each, two rows are twins by a published threshold below. Natural data
have twins too, so what counts is the share of test rows with a twin in training, compared with that share among the
training rows themselves. Candidates come from hashes and neighbours in few dimensions; every pair is then compared in
full. Time is bounded: at most `QUERIES` rows of either part look for a twin, among all training rows.

Exact copies, and what stands verbatim in running text, is `leaks.train_test_overlap`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.domain.experiment import Check

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Matrix = NDArray[np.float64]
    Twins = dict[int, int]
    """Query row -> a training row that it nearly repeats."""

NAME = "near_duplicates"
CELL = 0.01
"""Numbers are near when they differ by at most this share of the column's standard deviation over training rows."""
LOOSE_CELLS = 1
"""How many cells of a row may differ altogether (in tables of `WIDE` columns or more)."""
WIDE = 4
WORDS = 0.7
"""Texts are near at this Jaccard index of their words and word pairs (of 5-letter runs where there are no words)."""
VECTOR = 0.15
"""Vectors are near when the root mean square of their difference is this share of their own standard deviation."""
SLACK = 0.02
"""How far the share of test rows with a twin may exceed that of training rows, beyond three standard errors."""
QUERIES = 1500
MOST_FILES = 3000
MOST_CHARACTERS = 8_000_000
MOST_COLUMNS = 64
SIDE, POINTS = 16, 256
BATCH = 250
FEWEST = 4
"""Texts with fewer shingles than this, together, say nothing."""


@dataclass(frozen=True)
class Found:
    """Twins of the sampled rows: across the split, and among training rows; and how many rows were asked."""

    across: Twins
    within: Twins
    asked: tuple[int, int]


def near_duplicates(data: Path | None, label: str, key: Sequence[str], *, given: bool) -> Check:
    """Whether more test rows than natural nearly repeat a training row.

    It vetoes only where the split is not the task's own (`given`); with seed folders, one is read.
    """
    if data is None or not data.is_dir():
        return _unknown("there is no data folder")
    data = min((path for path in data.glob("seed_*") if path.is_dir()), default=data)
    parts = _parts(data)
    if isinstance(parts, str):
        return _unknown(parts)
    train, test = parts
    columns = sorted((set(train.columns) & set(test.columns)) - {label, *key})
    found = _compare(train[columns], test[columns], data) if columns else None
    if found is None:
        return _unknown("training and test rows share nothing that could be compared")
    return _judged(found, test, [name for name in key if name in test.columns], given)


def _judged(found: Found, test: pd.DataFrame, key: Sequence[str], given: bool) -> Check:
    across, within = (len(one) / n for one, n in zip((found.across, found.within), found.asked, strict=True))
    noise = 3 * math.sqrt(max(within * (1 - within), 1e-4) * (1 / found.asked[0] + 1 / found.asked[1]))
    said = (
        f"{100 * across:.2g} % of {found.asked[0]} test rows nearly repeat a training row; "
        f"among {found.asked[1]} training rows it is {100 * within:.2g} %"
    )
    pairs = sorted(found.across.items())[:3]
    if pairs and across > within:
        said += "; for example " + ", ".join(f"test row {_named(test, a, key)} and training row {b}" for a, b in pairs)
    details = {"across": across, "within": within, "rows": found.asked[0], "warning": across > within}
    excess = across - within - noise > SLACK
    if excess and not given:
        return Check(name=NAME, passed=False, evidence=said + ": test rows were trained on", details=details)
    if excess:
        said += "; the task came like this and both arms see it alike, so scores are too good in both"
    return Check(name=NAME, passed=True, evidence=said, details=details)


def _named(test: pd.DataFrame, row: int, key: Sequence[str]) -> str:
    return f"{row} ({', '.join(f'{name}={str(test[name].iloc[row])[:40]}' for name in key)})" if key else str(row)


def _parts(data: Path) -> tuple[pd.DataFrame, pd.DataFrame] | str:
    """The training and the test table of a folder, or what is missing. Media files that a column names are listed."""
    import pandas as pd

    from copilot.lab.taskkind import facts as look
    from copilot.lab.taskkind.kit import taskfiles
    from copilot.lab.taskkind.wording import Wording

    facts = look.gather(data, Wording())
    found = {part: [t for r, t in facts.tables.items() if look.part(r) == part] for part in ("train", "test")}
    if not found["train"] or not found["test"]:
        return "the data folder holds no table of training rows beside one of test rows"
    widest = {part: max(tables, key=lambda table: table.shape[1]) for part, tables in found.items()}
    tables = []
    for part, widest_table in widest.items():
        same = [table for table in found[part] if list(table.columns) == list(widest_table.columns)]
        whole = _sentences(pd.concat(same, ignore_index=True))
        tables.append(taskfiles.with_paths(data, whole, look.file_column(facts, whole)))
    return tables[0], tables[1]


def _sentences(table: pd.DataFrame) -> pd.DataFrame:
    """A table of tokens as one text per sentence; any other table as it is."""
    import pandas as pd

    if not {"sentence", "token", "form"} <= set(table.columns):
        return table
    return pd.DataFrame({"form": table.groupby("sentence")["form"].agg(lambda words: " ".join(map(str, words)))})


def _compare(train: pd.DataFrame, test: pd.DataFrame, root: Path) -> Found | None:
    """Twins in the view that suits the columns; None where there is nothing to compare."""
    from copilot.lab.taskkind.kit import taskrows

    kinds = {name: taskrows.column_type(train[name].iloc[:2000], root) for name in map(str, train.columns)}
    if "path" in kinds and str(train["path"].iloc[0]).lower().endswith(".txt"):
        return _word_twins(_written(train, root), _written(test, root), spaced=True)
    arrays = [name for name, kind in kinds.items() if kind in {"image", "series", "path"}]
    wordy = [name for name, kind in kinds.items() if kind in {"text", "tokens", "symbols"}]
    cells = [name for name, kind in kinds.items() if kind in {"number", "category", "name", "date"}]
    if arrays:
        sizes = min(len(train), MOST_FILES), min(len(test), MOST_FILES)
        vectors = _vectors(train[arrays[0]].iloc[: sizes[0]], root), _vectors(test[arrays[0]].iloc[: sizes[1]], root)
        return None if vectors[0] is None or vectors[1] is None else _vector_twins(vectors[0], vectors[1])
    if wordy:
        return _word_twins(*(_texts(table, wordy) for table in (train, test)), spaced=kinds[wordy[0]] != "symbols")
    if len(cells) > MOST_COLUMNS and all(kinds[name] == "number" for name in cells):
        numbers = [table[cells].apply(taskrows.numbers).fillna(0).to_numpy() for table in (train, test)]
        return _vector_twins(numbers[0], numbers[1])
    return _cell_twins(*_coded(train[cells], test[cells], kinds)) if cells else None


def _sampled(size: int) -> NDArray[np.intp]:
    """At most `QUERIES` row numbers, evenly taken."""
    import numpy as np

    return np.unique(np.linspace(0, size - 1, min(size, QUERIES)).astype(int))


def _coded(train: pd.DataFrame, test: pd.DataFrame, kinds: dict[str, str]) -> tuple[Matrix, Matrix]:
    """Cells as numbers in units of `CELL`: numbers by their spread, categories as codes far apart."""
    import numpy as np
    import pandas as pd

    from copilot.lab.taskkind.kit import taskrows

    parts: list[list[Any]] = [[], []]
    for name in list(train.columns)[:MOST_COLUMNS]:
        if kinds[name] == "number":
            columns = [taskrows.numbers(table[name]).to_numpy() for table in (train, test)]
            spread = float(np.nanstd(columns[0])) if np.isfinite(columns[0]).any() else 0.0
            columns = [np.nan_to_num(column / (CELL * (spread or 1.0)), nan=-1e6) for column in columns]
        else:
            codes = pd.factorize(pd.concat([train[name], test[name]]).map(str))[0].astype(float) * 1000
            columns = [codes[: len(train)], codes[len(train) :]]
        for part, column in zip(parts, columns, strict=True):
            part.append(column)
    return np.column_stack(parts[0]), np.column_stack(parts[1])


def _cell_twins(train: Matrix, test: Matrix) -> Found:
    loose = LOOSE_CELLS if train.shape[1] >= WIDE else 0

    def twins(asked: Matrix, own: NDArray[np.intp] | None) -> Twins:
        found: Twins = {}
        for candidate in _candidates(train, asked, own, bool(loose)):
            near = ((abs(asked - train[candidate]) > 1).sum(axis=1) <= loose) & (candidate >= 0)
            found = {int(place): int(candidate[place]) for place in near.nonzero()[0]} | found
        return found

    return _both(train, test, twins)


def _both(train: Any, test: Any, twins: Callable[[Any, Any], Twins]) -> Found:
    """Twins of sampled test rows, and of sampled training rows among the other training rows; by row number."""
    rows, own = _sampled(test.shape[0]), _sampled(train.shape[0])
    across, within = twins(test[rows], None), twins(train[own], own)
    named = {int(rows[query]): row for query, row in across.items()}
    return Found(named, {int(own[query]): row for query, row in within.items()}, (len(rows), len(own)))


def _candidates(train: Matrix, asked: Matrix, own: NDArray[np.intp] | None, loose: bool) -> Iterator[NDArray[np.intp]]:
    """Training rows worth comparing, one or -1 per query: first neighbours, then what equals it but for a column."""
    import numpy as np

    yield from _neighbours(train, asked, own).T
    if not loose:
        return
    dealer = np.random.default_rng(0)
    keys = dealer.integers(1, 1 << 62, train.shape[1], dtype=np.int64)
    with np.errstate(over="ignore"):
        coded = [_mixed(np.floor(cells).astype(np.int64), keys) for cells in (train, asked)]
        for column in range(train.shape[1]):
            known, wanted = (mixed.sum(axis=1) - mixed[:, column] for mixed in coded)
            yield _same(known, wanted, own)


def _mixed(cells: Any, keys: Any) -> Any:
    """A hash per cell (wrapping 64-bit arithmetic), so that a row without one column is a subtraction."""
    mixed = (cells + keys) * keys
    return (mixed ^ (mixed >> 29)) * keys


def _same(known: Any, wanted: Any, own: NDArray[np.intp] | None) -> NDArray[np.intp]:
    """For each wanted hash a row of `known` with it, other than the query itself, or -1."""
    import numpy as np

    order = np.argsort(known, kind="stable")
    place = np.searchsorted(known, wanted, sorter=order)
    found = np.full(len(wanted), -1)
    for step in (0, 1):
        at = np.minimum(place + step, len(order) - 1)
        row = order[at]
        fits = (known[row] == wanted) & (found < 0)
        fits &= True if own is None else row != own
        found[fits] = row[fits]
    return found


def _neighbours(train: Matrix, asked: Matrix, own: NDArray[np.intp] | None, count: int = 2) -> NDArray[np.intp]:
    """The nearest training rows in at most 8 random directions; -1 in place of the query itself."""
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    if train.shape[1] > 8:
        directions = np.random.default_rng(1).normal(size=(train.shape[1], 8))
        train, asked = train @ directions, asked @ directions
    most = min(len(train), count + (own is not None))
    found = NearestNeighbors(n_neighbors=most).fit(train).kneighbors(asked, return_distance=False)
    return found if own is None else np.where(found == own[:, None], -1, found)


def _vector_twins(train: Matrix, test: Matrix) -> Found | None:
    """Rows of the same length, each without its mean: twins by the root mean square of their difference."""
    import numpy as np

    if not len(train) or not len(test) or train.shape[1] != test.shape[1] or train.shape[1] < 8:
        return None
    train, test = (vectors - vectors.mean(axis=1, keepdims=True) for vectors in (train, test))

    def twins(asked: Matrix, own: NDArray[np.intp] | None) -> Twins:
        found: Twins = {}
        spread = asked.std(axis=1)
        for column in _neighbours(train, asked, own, 3).T:
            differ = np.sqrt(((asked - train[column]) ** 2).mean(axis=1))
            hits = np.flatnonzero((differ <= VECTOR * spread) & (spread > 0) & (column >= 0))
            found = {int(place): int(column[place]) for place in hits} | found
        return found

    return _both(train, test, twins)


def _vectors(column: pd.Series, root: Path) -> Matrix | None:
    """Arrays, or the files that the cells name, as vectors of one length; None where they cannot be read."""
    import numpy as np

    from copilot.lab.taskkind.kit import taskfiles, taskrows

    def read(cell: Any) -> Any:
        if isinstance(cell, str) and Path(cell[:200]).suffix.lower() in taskfiles.IMAGES:
            return taskfiles.read_image(root / cell)
        if isinstance(cell, str) and Path(cell[:200]).suffix.lower() in taskfiles.SOUNDS:
            return taskfiles.read_sound(root / cell)
        return np.asarray(taskrows.series_of(cell), dtype=float)

    try:
        return np.stack([_resized(read(cell)) for cell in column])
    except (OSError, ValueError, TypeError):
        return None


def _resized(array: Any) -> Any:
    """An image as 16 x 16 grey means, anything longer as 256 points."""
    import numpy as np

    array = np.asarray(array, dtype=float)
    if array.ndim == 3:
        array = array.mean(axis=2 if array.shape[2] <= 4 else 0)
    if array.ndim == 2 and min(array.shape) > SIDE:
        rows, columns = (np.linspace(0, size - 1, SIDE + 1).astype(int)[:-1] for size in array.shape)
        sums = np.add.reduceat(np.add.reduceat(array, rows, axis=0), columns, axis=1)
        return (sums / np.add.reduceat(np.add.reduceat(np.ones_like(array), rows, axis=0), columns, axis=1)).ravel()
    flat = array.ravel()
    if len(flat) <= 1024 and array.ndim == 2:
        return flat
    return np.interp(np.linspace(0, 1, POINTS), np.linspace(0, 1, max(2, len(flat))), flat if len(flat) > 1 else [0, 0])


def _written(table: pd.DataFrame, root: Path) -> list[str]:
    """The beginnings of the text files that a table names."""

    def beginning(name: str) -> str:
        with (root / name).open(encoding="utf-8", errors="replace") as file:
            return file.read(20_000)

    return [beginning(str(name)) for name in table["path"].iloc[:MOST_FILES]]


def _texts(table: pd.DataFrame, columns: list[str]) -> list[str]:
    """The words of each row as one text."""

    def text(cell: Any) -> str:
        return " ".join(map(str, cell)) if isinstance(cell, list) else str(cell)

    return [" ".join(row) for row in zip(*(table[name].map(text) for name in columns), strict=True)]


def _word_twins(train: list[str], test: list[str], *, spaced: bool) -> Found | None:
    """Texts whose words and word pairs overlap by `WORDS`; candidates share one that is not everywhere."""
    import numpy as np

    if not train or not test:
        return None
    longest = max(200, MOST_CHARACTERS // (len(train) + len(test)))
    known, asked = (_shingles([text[:longest] for text in texts], spaced) for texts in (train, test))
    common = np.asarray(known.sum(axis=0)).ravel() > max(50, 0.01 * len(train))
    rare = known @ _diagonal(~common)
    sizes = np.asarray(known.sum(axis=1)).ravel()

    def twins(rows: Any, own: NDArray[np.intp] | None) -> Twins:
        found: Twins = {}
        for first in range(0, rows.shape[0], BATCH):
            batch = rows[first : first + BATCH]
            shared = (batch @ rare.T).toarray()
            if own is not None:
                shared[np.arange(batch.shape[0]), own[first : first + BATCH]] = 0
            best = shared.argmax(axis=1)
            both = np.asarray(batch.multiply(known[best]).sum(axis=1)).ravel()
            either = np.asarray(batch.sum(axis=1)).ravel() + sizes[best] - both
            hits = (both >= WORDS * either) & (either >= FEWEST) & (shared.max(axis=1) > 0)
            found |= {int(first + place): int(best[place]) for place in hits.nonzero()[0]}
        return found

    return _both(known, asked, twins)


def _shingles(texts: list[str], spaced: bool) -> Any:
    """texts x hashed shingles, 1 where the text has it: words and word pairs, or runs of five letters."""
    import numpy as np
    from sklearn.feature_extraction.text import HashingVectorizer

    words: dict[str, Any] = {"token_pattern": r"(?u)\b\w+\b", "ngram_range": (1, 2)}
    grams = words if spaced else {"analyzer": "char", "ngram_range": (5, 5)}
    code = HashingVectorizer(
        n_features=1 << 20, binary=True, norm=None, alternate_sign=False, dtype=np.float32, **grams
    )
    return code.transform(texts)


def _diagonal(kept: Any) -> Any:
    from scipy import sparse

    return sparse.diags(kept.astype("float32"), format="csr")


def _unknown(evidence: str) -> Check:
    return Check(name=NAME, passed=None, evidence=evidence)
