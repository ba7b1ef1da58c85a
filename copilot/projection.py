"""What a list wants of each of many runs, kept beside the journal that it was read from, so that listing stays cheap.

A kept projection is a shortcut and never a source: it is sealed together with the state of its journal (size, times,
last hash) under a key that lies outside all runs. Where the seal does not fit, because the run went on, was copied or
restored, or the file was torn or forged, the journal is read again, whole. Not here: which projections there are.
Damage to a journal that leaves no trace in its times is found when the run is opened, not by a list.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter

from copilot import __version__
from copilot.disk import place
from copilot.journal import read
from copilot.runs import RunFolder
from copilot.state import RunState, fold

T = TypeVar("T")
KEY_FILE, KEY_BYTES = ".projections.key", 32
TAIL_BYTES = 80
"""Of a journal: they hold the hash of its last line."""


def projected(run: RunFolder, logs: Path, name: str, shape: TypeAdapter[T], make: Callable[[RunState], T]) -> T:
    """`make` of the run's folded journal, from the file `name` beside the journal when that is as it was then.

    `make` may depend on nothing but the state and the run's name. Raises JournalDamaged.
    """
    if run.path.parent.parent != logs:
        return make(fold(read(run.journal)))
    path = run.journal.with_name(f"{name}.projection")
    mark, key = f"{__version__} {name} {run.name} {_mark(run.journal)}".encode(), _key(logs)
    with contextlib.suppress(OSError, ValueError):
        seal, _, text = path.read_bytes().partition(b"\n")
        if hmac.compare_digest(seal, _seal(key, mark, text)):
            return shape.validate_json(text)
    found = make(fold(read(run.journal)))
    text = shape.dump_json(found)
    with contextlib.suppress(OSError):  # a read-only or full disk: it is read again next time
        place(path, _seal(key, mark, text) + b"\n" + text)
    return found


def _mark(journal: Path) -> str:
    """What differs between any two states of this file. Setting a file's times back changes when it was changed."""
    try:
        with journal.open("rb") as file:
            status = os.fstat(file.fileno())
            file.seek(max(0, status.st_size - TAIL_BYTES))
            tail = file.read(TAIL_BYTES).hex()
    except FileNotFoundError:
        return ""
    return f"{status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns} {tail}"


def _seal(key: bytes, mark: bytes, text: bytes) -> bytes:
    return hmac.new(key, mark + b"\n" + text, "sha256").hexdigest().encode()


def _key(logs: Path) -> bytes:
    """Made on first use, outside all runs: what a stranger's run brings along is not sealed by it."""
    path = logs / KEY_FILE
    with contextlib.suppress(OSError):
        if len(key := path.read_bytes()) == KEY_BYTES:
            return key
    key = secrets.token_bytes(KEY_BYTES)
    with contextlib.suppress(OSError):
        place(path, key)
    return key
