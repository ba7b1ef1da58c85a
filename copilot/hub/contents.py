"""What the file list and the configuration of a repository say about loading it. Names only: no file is opened here."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from copilot.hub.values import Record

PICKLE = (
    ".bin", ".pt", ".pth", ".pt2", ".ckpt", ".pkl", ".pickle", ".cloudpickle", ".joblib", ".npy", ".npz", ".dill",
    ".h5", ".hdf5", ".keras", ".pb", ".t7", ".model.pkl",
)  # fmt: skip
"""Weight files that can run code when loaded (Keras files hold marshalled lambdas, saved graphs can write files)."""
PACKED = (".zip", ".tar", ".tgz", ".gz", ".xz", ".7z", ".rar", ".nemo", ".mar")
"""Archives, which hide what they hold."""
PROGRAMS = (".exe", ".dll", ".so", ".dylib", ".sh", ".bat", ".ps1", ".llamafile", ".whl", ".jar", ".msi", ".scr")
SAFE_WEIGHTS = (".safetensors", ".onnx", ".gguf", ".msgpack")
DATA = (".parquet", ".csv", ".tsv", ".json", ".jsonl", ".txt", ".arrow")
DEPTH = 6


def plain_path(path: str) -> bool:
    """True for a printable relative path that stays in its folder."""
    parts = path.split("/")
    inside = "\\" not in path and ":" not in parts[0] and all(part and part not in (".", "..") for part in parts)
    return inside and path.isprintable()


def _any(record: Record, endings: tuple[str, ...]) -> bool:
    return any(name.lower().endswith(endings) for name in record.files or ())


def has_pickle(record: Record) -> bool:
    """Weights that run code when they are loaded; archives of models count, because nobody sees into them."""
    packed = record.kind == "model" and _any(record, PACKED)
    return packed or any(set(PurePosixPath(name.lower()).suffixes) & set(PICKLE) for name in record.files or ())


def pickle_only(record: Record) -> bool:
    """True when there are no safe weights (for a dataset: no plain data) beside them."""
    return has_pickle(record) and not _any(record, SAFE_WEIGHTS if record.kind == "model" else DATA)


def has_programs(record: Record) -> bool:
    """Programs among the files, which no model or dataset needs."""
    return record.kind != "code" and _any(record, PROGRAMS)


def own_code(record: Record) -> bool:
    """Python of its own that loading would run: named by its configuration, or a loading script of a dataset."""
    files = [name.lower() for name in record.files or ()]
    scripts = [name for name in files if name.endswith(".py")]
    if record.kind == "dataset":
        loader = f"{record.id.rsplit('/', 1)[-1].lower()}.py"
        return record.custom_code or loader in scripts or bool(scripts and not _any(record, DATA))
    return record.custom_code or (record.kind == "model" and bool(scripts))


def escaping(record: Record) -> str:
    """A file name that points out of the repository's folder, or ""."""
    return next((name for name in record.files or () if not plain_path(name)), "")


def names_code(config: Any, depth: int = DEPTH) -> bool:
    """True when a configuration, at any depth that is read, points at Python of the repository."""
    if not isinstance(config, Mapping) or depth == 0:
        return False
    if any(config.get(key) for key in ("auto_map", "custom_pipelines", "custom_class")):
        return True
    return any(names_code(value, depth - 1) for value in config.values())
