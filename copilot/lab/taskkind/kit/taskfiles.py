"""Read data files of a task into tables: CSV, JSON Lines, Parquet, npz, CoNLL, FASTA, folders of images or sounds.

Whatever the format, the answer is a table with a row per example; a cell may hold text, a number, a list or an array
(an image, a waveform). Text cells stay text, so labels are written back exactly as they were found. Nothing here is
unpickled or executed, and nothing here knows which column is the target.
"""

from __future__ import annotations

import csv
import json
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FASTA = {".fasta", ".fa", ".faa", ".fna"}
TABLES = {".csv", ".tsv", ".tab", ".jsonl", ".ndjson", ".json", ".npz", ".npy", ".parquet", *FASTA}
CONLL = {".conll", ".conllu", ".iob", ".iob2", ".bio"}
IMAGES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".pgm", ".ppm"}
SOUNDS = {".wav"}
TEXTS = {".txt"}
PARTS = {
    "train": ("train", "training", "labelled", "labeled", "tr", "history", "past"),
    "valid": ("valid", "validation", "val", "dev"),
    "test": ("test", "testing", "eval", "unlabelled", "unlabeled", "holdout", "te", "future", "predict"),
}
MISSING = {"", "na", "nan", "null", "none", "?", "n/a", "-"}
csv.field_size_limit(1 << 30)


def part_of(name: str) -> str:
    """`train`, `valid`, `test` or the empty string, from the words of a file, folder or array name."""
    words = [word for word in re.split(r"[^a-z]+", name.lower()) if word]
    for part in ("test", "valid", "train"):
        if any(word in PARTS[part] for word in words):
            return part
    return ""


def read_delimited(path: Path) -> pd.DataFrame:
    """A CSV or TSV file, every cell as text. The delimiter is the one that splits the header best."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as handle:
        head = handle.readline()
    delimiter = "\t" if path.suffix in {".tsv", ".tab"} else max(",;\t|", key=head.count)
    if delimiter not in head:
        delimiter = ","
    return pd.read_csv(
        path, sep=delimiter, dtype=object, keep_default_na=False, encoding="utf-8-sig", encoding_errors="replace"
    )


def read_json(path: Path) -> pd.DataFrame:
    """JSON Lines, or one JSON array of objects, or one object of equally long lists."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    if path.suffix == ".json":
        rows: Any = json.loads(text)
        if isinstance(rows, dict):
            lists = {name: value for name, value in rows.items() if isinstance(value, list)}
            longest = max((len(value) for value in lists.values()), default=0)
            return pd.DataFrame({name: pd.Series(value, dtype=object) for name, value in lists.items()
                                 if len(value) == longest})  # fmt: skip
    else:
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError(f"{path.name}: expected one JSON object per row")
    rows = [_flat(row) for row in rows]
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names})


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the members of inner objects as columns `outer.inner`."""
    result: dict[str, Any] = {}
    for name, value in row.items():
        if isinstance(value, dict):
            result |= {f"{name}.{inner}": member for inner, member in _flat(value).items()}
        else:
            result[name] = value
    return result


def read_parquet(path: Path) -> pd.DataFrame:
    """A Parquet file; text, numbers and lists as they are stored."""
    try:
        table = pd.read_parquet(path)
    except (ImportError, OSError, ArithmeticError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if not all(isinstance(name, int) or name is None for name in table.index.names):
        table = table.reset_index()
    for name in table.columns:
        if table[name].dtype.kind not in "iufb":
            cells = [cell.isoformat() if hasattr(cell, "isoformat") else cell for cell in table[name]]
            table[name] = pd.Series([c.tolist() if isinstance(c, np.ndarray) else c for c in cells], dtype=object)
    return table


def read_fasta(path: Path) -> pd.DataFrame:
    """Records `>id rest` with their letters: columns `id` and `sequence`, and what the headers hold beside the id.

    `name=value` words become columns; one more word in every header is the column `label`.
    """
    rows: list[dict[str, Any]] = []
    for record in re.split(r"^>", path.read_text(encoding="utf-8-sig", errors="replace"), flags=re.M)[1:]:
        header, _, letters = record.partition("\n")
        words = re.split(r"[\s|]+", header.strip())
        named = dict(word.split("=", 1) for word in words[1:] if "=" in word)
        rest = [word for word in words[1:] if word and "=" not in word]
        rows.append(
            {
                "id": words[0],
                "sequence": "".join(letters.split()),
                **named,
                **({"label": rest[0]} if len(rest) == 1 else {}),
            }
        )
    if not rows:
        raise ValueError(f"{path.name}: no record starts with >")
    table = pd.DataFrame(rows, dtype=object)
    return table.drop(columns=[name for name in table.columns if table[name].isna().any()])


def read_conll(path: Path) -> pd.DataFrame:
    """Token per line, blank line between sentences: columns `sentence`, `token` (both from 0), `form`, `c1`, ...

    Comment lines (`# key = value`, `-DOCSTART-`) are skipped; fields are split at tabs where there are any, else at
    white space. A row per token; fields past the shortest line are dropped.
    """
    rows: list[list[str]] = []
    places: list[tuple[int, int]] = []
    sentence = token = 0
    for line in path.read_text(encoding="utf-8-sig", errors="replace").split("\n"):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("-DOCSTART-"):
            sentence, token = sentence + (token > 0), 0
            continue
        fields = line.split("\t") if "\t" in line else line.split()
        if re.match(r"#\s*\w+.*[=:]", line) and len(fields) != (len(rows[0]) if rows else 0):
            continue
        rows.append(fields)
        places.append((sentence, token))
        token += 1
    width = min((len(row) for row in rows), default=1)
    frame = pd.DataFrame(
        [row[:width] for row in rows], columns=["form", *(f"c{i}" for i in range(1, width))], dtype=object
    )
    frame.insert(0, "sentence", [place[0] for place in places])
    frame.insert(1, "token", [place[1] for place in places])
    return frame


def looks_conll(path: Path) -> bool:
    """True when the file has blank lines between blocks of lines with the same small number of fields."""
    if path.suffix in CONLL:
        return True
    if path.suffix not in {".txt", ".tsv"}:
        return False
    with path.open(encoding="utf-8", errors="replace") as handle:
        lines = [handle.readline().rstrip("\n") for _ in range(400)]
    full = [line for line in lines if line.strip()]
    widths = {len(line.split("\t") if "\t" in line else line.split()) for line in full if line[:1] != "#"}
    blank = sum(1 for line in lines[: len(full)] if not line.strip())
    return (
        len(full) > 10
        and blank > 1
        and len(widths) == 1
        and min(widths) <= 12
        and (min(widths) > 1 or "test" in path.stem)
    )


def _column(values: np.ndarray) -> pd.Series:
    """One array as one column: 1-D as it is, more dimensions as one array per cell. Bytes become text."""
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.ndim == 1:
        return pd.Series(values.astype(object) if values.dtype.kind == "U" else values)
    column = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        column[index] = value
    return pd.Series(column)


def _ragged(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Cut flat arrays at `lengths` or `offsets`, and padded ones to their `lengths`; the cut marks are dropped."""
    marks = {name: a for name, a in arrays.items() if a.ndim == 1 and a.dtype.kind in "iu"
             and re.search(r"len|offset|start|indptr|boundar|split", name.lower())}  # fmt: skip
    result = {name: a for name, a in arrays.items() if name not in marks}
    for mark, cuts in marks.items():
        for name, flat in list(result.items()):
            lengths = np.diff(cuts) if "len" not in mark.lower() and len(cuts) > 1 and cuts[-1] == len(flat) else cuts
            if "len" not in mark.lower() and lengths is cuts:
                lengths = np.diff(np.append(cuts, len(flat)))
            if (
                flat.ndim == 1
                and len(flat) > len(lengths)
                and lengths.min(initial=1) >= 0
                and lengths.sum() == len(flat)
            ):
                pieces: list[Any] = np.split(flat, np.cumsum(lengths)[:-1])
            elif flat.ndim >= 2 and len(flat) == len(cuts) and "len" in mark.lower() and cuts.max() <= flat.shape[1]:
                pieces = [row[:length] for row, length in zip(flat, cuts, strict=True)]
            else:
                continue
            cells = np.empty(len(pieces), dtype=object)
            for index, piece in enumerate(pieces):
                cells[index] = piece
            result[name] = cells
    return result


def _edges(values: np.ndarray) -> pd.DataFrame:
    pairs = values.T if values.shape[0] == 2 and values.shape[1] != 2 else values
    return pd.DataFrame({"source": pairs[:, 0], "target": pairs[:, 1]})


def _strip(name: str) -> str:
    """An array's name without its part: `x_train` -> `x`."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", name) if part_of(word) == ""]
    return "_".join(words) or name


def read_npz(path: Path) -> dict[str, pd.DataFrame]:
    """Tables in an .npz or .npy file, never unpickled: `""` is the main one, `train`, `valid`, `test`, `edges` others.

    Arrays named after a part (`x_train`) go to that part's table; the rest are grouped by their length. A scalar (a
    sampling rate) becomes a constant column.
    """
    try:
        with path.open("rb") as file:  # numpy leaves a file open that begins like an archive and is none
            loaded = np.load(file, allow_pickle=False)
            arrays = {"x": loaded} if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except (EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"damaged: {error}") from error
    scalars = {name: a.reshape(-1)[0] for name, a in arrays.items() if a.size == 1}
    edges = {
        n: a for n, a in arrays.items() if "edge" in n.lower() and a.ndim == 2 and 2 in a.shape and part_of(n) == ""
    }
    groups: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        if name not in scalars and name not in edges:
            index_like = re.search(r"idx|index|mask|nodes", name.lower())
            part = "" if index_like and part_of(name) else part_of(name)
            groups.setdefault(part, {})[_strip(name) if part else name] = array
    tables = {name: table for part, group in groups.items() for name, table in _grouped(part, _ragged(group)).items()}
    for table in tables.values():
        for name, value in scalars.items():
            table[name] = value
    for array in edges.values():
        tables["edges"] = _edges(array)
    return tables


def _grouped(part: str, group: dict[str, np.ndarray]) -> dict[str, pd.DataFrame]:
    """Arrays of the length that most of them share form the table; a shorter one stands alone under its own name."""
    lengths = [len(a) for a in group.values()]
    if not lengths:
        return {}
    usual = max(set(lengths), key=lambda n: (lengths.count(n), n))
    together = {name: _column(a) for name, a in group.items() if len(a) == usual}
    alone = {name: pd.DataFrame({name: _column(a)}) for name, a in group.items() if len(a) != usual}
    return {part: pd.DataFrame(together), **(alone if not part else {})}


def read_folder(folder: Path) -> pd.DataFrame:
    """A folder of media files: `path` (from its parent), `id` (stem), `file` (name), `label` (its subfolder)."""
    files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in IMAGES | SOUNDS | TEXTS)
    frame = pd.DataFrame({"path": [str(f.relative_to(folder.parent)) for f in files], "id": [f.stem for f in files]})
    frame["file"] = [f.name for f in files]
    if files and all(f.parent != folder for f in files):
        frame["label"] = [f.parent.name for f in files]
    return frame


def read_tables(path: Path) -> dict[str, pd.DataFrame]:
    """Every table in a file or folder, by a name within it ("" for the only one). Raises ValueError on bad content."""
    if path.is_dir():
        return {"": read_folder(path)}
    if path.suffix in {".npz", ".npy"}:
        return read_npz(path)
    if looks_conll(path):
        return {"": read_conll(path)}
    if path.suffix in {".csv", ".tsv", ".tab"}:
        return {"": read_delimited(path)}
    if path.suffix == ".parquet":
        return {"": read_parquet(path)}
    if path.suffix in FASTA:
        return {"": read_fasta(path)}
    return {"": read_json(path)}


def read_table(root: Path, reference: str) -> pd.DataFrame:
    """The table that `file#name` (or `file`) points at."""
    name, _, inner = reference.partition("#")
    return read_tables(root / name)[inner]


def media_index(root: Path) -> dict[str, str]:
    """Media files below the folder: relative path, and name or stem where only one file has it -> relative path."""
    files = [f for f in sorted(root.rglob("*")) if f.suffix.lower() in IMAGES | SOUNDS | TEXTS and f.is_file()]
    found: dict[str, str] = {}
    for names in ([f.stem for f in files], [f.name for f in files]):
        counts = pd.Series(names, dtype=object).value_counts()
        found |= {n: str(f.relative_to(root)) for n, f in zip(names, files, strict=True) if counts[n] == 1}
    return found | {str(f.relative_to(root)): str(f.relative_to(root)) for f in files}


def with_paths(root: Path, table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The table with a column `path` of the files that `column` names (by path, name or stem)."""
    if not column or column not in table.columns or "path" in table.columns:
        return table
    index = media_index(root)
    return table.assign(path=[index.get(str(cell), str(cell)) for cell in table[column]])


def read_image(path: Path) -> np.ndarray:
    """An image file as an array (height, width[, 3])."""
    from PIL import Image

    with Image.open(path) as image:
        return np.asarray(image if image.mode == "L" else image.convert("RGB"))


def read_sound(path: Path) -> np.ndarray:
    """A wav file as a mono waveform of floats."""
    from scipy.io import wavfile

    _, wave = wavfile.read(path)
    wave = wave.astype(np.float32)
    return np.asarray(wave.mean(axis=1) if wave.ndim > 1 else wave)
