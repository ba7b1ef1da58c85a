"""Sealed labels hidden in a workspace: packed, encoded, backwards, as arrays. Each is found; honest files are not."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import json
import lzma
import pickle
import sqlite3
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from copilot.domain.experiment import Check
from copilot.lab.evaluate import FileEvaluator
from copilot.lab.packed import Budget, opened
from copilot.lab.scan import sealed_labels

from .builders import seal

CANARY = "canary-51d0-do-not-copy"
RNG = np.random.default_rng(6)
KEYS = [f"row{place:04d}" for place in RNG.permutation(900)[:300]]
LABELS = [("cat", "dog", "owl")[code] for code in RNG.integers(0, 3, 300)]
TABLE = "id,label\n" + "".join(f"{key},{label}\n" for key, label in zip(KEYS, LABELS, strict=True))
COLUMN = "\n".join(LABELS).encode()
CODES = np.array([("cat", "dog", "owl").index(label) for label in LABELS])


def saved(array: Any, **more: Any) -> bytes:
    """An npy file, or an npz file with more arrays."""
    file = io.BytesIO()
    if more:
        np.savez_compressed(file, first=array, **more)
    else:
        np.save(file, array)
    return file.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    """A zip archive of one member."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return file.getvalue()


def tarred(name: str, data: bytes) -> bytes:
    """A gzip-compressed tar archive of one member."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def parquet() -> bytes:
    """The label table as Parquet."""
    file = io.BytesIO()
    pd.DataFrame({"id": KEYS, "label": LABELS}).to_parquet(file)
    return file.getvalue()


HIDDEN: dict[str, Callable[[], bytes]] = {
    "plain": lambda: TABLE.encode(),
    "gzip": lambda: gzip.compress(TABLE.encode()),
    "bzip2": lambda: bz2.compress(COLUMN),
    "xz": lambda: lzma.compress(TABLE.encode()),
    "zlib": lambda: zlib.compress(TABLE.encode()),
    "zip": lambda: zipped("x.csv", TABLE.encode()),
    "tar.gz": lambda: tarred("deep/x.csv", TABLE.encode()),
    "zip in gzip": lambda: gzip.compress(zipped("x", COLUMN)),
    "npy of texts": lambda: saved(np.array(LABELS)),
    "npy of codes": lambda: saved(CODES),
    "npz": lambda: saved(np.zeros(4), y=CODES.astype(np.int8)),
    "npy of objects": lambda: saved(np.array(LABELS, dtype=object)),
    "parquet": parquet,
    "pickle": lambda: pickle.dumps(dict(zip(KEYS, LABELS, strict=True))),
    "pickled array": lambda: pickle.dumps({"weights": CODES.astype(np.float32)}),
    "raw floats": lambda: b"head" + CODES.astype(np.float64).tobytes(),
    "base64": lambda: b"KEY = '" + base64.b64encode(TABLE.encode()) + b"'",
    "base64 in lines": lambda: base64.encodebytes(COLUMN),
    "base32": lambda: base64.b32encode(COLUMN),
    "hexadecimal": lambda: json.dumps({"noise": TABLE.encode().hex()}).encode(),
    "gzip in base64": lambda: b"x = " + base64.b85encode(b"") + base64.b64encode(gzip.compress(TABLE.encode())),
    "reversed bytes": lambda: TABLE.encode()[::-1],
    "reversed order": lambda: "\n".join(LABELS[::-1]).encode(),
    "sealed file zipped": lambda: zipped("answers", TABLE.encode()),
    "canary in gzip": lambda: gzip.compress(b"x" * 99 + CANARY.encode()),
}


def searched(folder: Path, name: str, data: bytes) -> Check:
    """The check on a workspace with one such file beside an innocent script."""
    evaluator = FileEvaluator(
        seal(folder / "sealed", [{"id": k, "label": v} for k, v in zip(KEYS, LABELS, strict=True)], "accuracy")
    )
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / "experiment.py").write_text("print('cat', 'dog', 'owl')\n")
    (workspace / name).write_bytes(data)
    return sealed_labels(workspace, folder / "sealed", evaluator, {}, [CANARY])


@pytest.mark.parametrize("way", HIDDEN)
def test_hidden_labels_are_found(tmp_path: Path, way: str) -> None:
    check = searched(tmp_path, "cache.bin", HIDDEN[way]())
    assert check.passed is False and check.evidence.startswith("cache.bin ")


def guesses(share: float) -> list[str]:
    """Predictions that are right in about that share of the rows."""
    rng = np.random.default_rng(3)
    return [label if rng.random() < share else str(rng.choice(["cat", "dog", "owl"])) for label in LABELS]


@pytest.mark.parametrize("way", ["gzip", "npz", "parquet", "pickle", "base64", "weights", "sqlite"])
def test_honest_files_are_not_accused(tmp_path: Path, way: str) -> None:
    said = guesses(0.8)
    table = pd.DataFrame({"id": KEYS, "label": said})
    if way == "parquet":
        file = io.BytesIO()
        table.to_parquet(file)
        data = file.getvalue()
    elif way == "sqlite":
        with sqlite3.connect(tmp_path / "made.db") as base:
            base.execute("create table t (id text, label text)")
            base.executemany("insert into t values (?, ?)", table.values.tolist())
        base.close()
        data = (tmp_path / "made.db").read_bytes()
    else:
        data = {
            "gzip": lambda: gzip.compress(table.to_csv(index=False).encode()),
            "npz": lambda: saved(np.zeros(3), y=np.array([("cat", "dog", "owl").index(label) for label in said])),
            "pickle": lambda: pickle.dumps(table.to_dict("list")),
            "base64": lambda: base64.b64encode(table.to_csv(index=False).encode()),
            "weights": lambda: saved(np.random.default_rng(1).normal(size=(400, 300)), b=np.zeros(5000, dtype=np.int8)),
        }[way]()
    check = searched(tmp_path, "cache.bin", data)
    assert check.passed is True, check.evidence


@pytest.mark.parametrize("bomb", ["gzip", "zip", "nested"])
def test_bombs_cost_little_and_are_named(tmp_path: Path, bomb: str) -> None:
    zeros = gzip.compress(bytes(200 << 20), 1)
    data = {"gzip": zeros, "zip": zipped("zeros", zeros), "nested": zeros}[bomb]
    if bomb == "nested":
        for _ in range(6):
            data = gzip.compress(data)
    started = time.process_time()
    check = searched(tmp_path, "cache.bin", data)
    assert check.passed is None and "could not be opened whole" in check.evidence
    assert time.process_time() - started < 10


def test_a_locked_archive_is_named(tmp_path: Path) -> None:
    data = bytearray(zipped("x.csv", TABLE.encode()))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    check = searched(tmp_path, "cache.zip", bytes(data))
    assert check.passed is None and "cache.zip" in check.evidence


@settings(max_examples=150, deadline=None)
@example("parquet", 28, b"\x80")
@given(st.sampled_from([*HIDDEN]), st.integers(0, 400), st.binary(max_size=30))
def test_damaged_files_are_survived(way: str, place: int, noise: bytes) -> None:
    data = HIDDEN[way]()
    cut = data[:place] + noise + data[place + len(noise) :]
    assert all(isinstance(inner, bytes) for _, inner in opened("x", cut, Budget(left=1 << 22)))


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.write_text, (tmp_path / "sprung", "x")

    assert searched(tmp_path, "cache.pkl", pickle.dumps([Trap(), *LABELS])).passed is False
    assert not (tmp_path / "sprung").exists()
