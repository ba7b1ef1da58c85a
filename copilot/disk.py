"""Writing so that a kill, a power cut or a full disk leaves the old or the new, never half of it. Knows no format.

A group of files costs one wait: `place` each of them, then `settle` all. Only what was settled may be named in a
journal.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterable
from pathlib import Path

SPARE_BYTES = 64 << 20
"""What the machine keeps free while a program of ours writes; with less, nothing new is started."""
SIDE_BY_SIDE = 16


def out_of_room(error: OSError) -> bool:
    """True when the disk, a quota or a size limit is the reason: a person's to mend, nobody's failure."""
    return error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def free_bytes(folder: Path) -> int:
    """What an ordinary user can still write beside `folder`, which need not be there yet."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def place(path: Path, data: bytes) -> None:
    """The whole file or nothing, for every reader; on the disk only when it is settled.

    Nothing is written when it is there already, whole: a power cut may have left an empty one.
    """
    if _holds(path, data):
        return
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def write_atomic(path: Path, data: bytes) -> None:
    """`place` and `settle` one file."""
    place(path, data)
    settle([path])


def make_folder(folder: Path) -> None:
    """The folder with all that are missing above it, their names on the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def settle(paths: Iterable[Path]) -> None:
    """Put these files and their names on the disk: one wait for the group, since the disk takes them together."""
    files = list(paths)
    due = dict.fromkeys([*files, *(path.parent for path in files)])
    if not due:
        return
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(len(due), SIDE_BY_SIDE)) as pool:
        list(pool.map(sync, due))


def settle_tree(folder: Path) -> None:
    """Put a folder with everything in it, and its own name, on the disk."""
    settle(path for path in (folder, *folder.rglob("*")) if not path.is_symlink())


def sync(path: Path) -> None:
    """Put one file's content, or one folder's names, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
