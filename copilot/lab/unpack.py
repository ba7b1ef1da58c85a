"""Archives in a task's data folder, unpacked beside themselves with bounds; the archives go, their files stay.

A file that lies there already is kept as it is.
Known are zip and tar (also compressed), and single files in gzip, bzip2 or xz. Nothing is executed, no link or device
is made, no member leaves the folder, and the unpacked bytes are counted while they come (a header may lie).
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from copilot.errors import SetupError

SINGLE: dict[str, Callable[[Path], Any]] = {".gz": gzip.GzipFile, ".bz2": bz2.BZ2File, ".xz": lzma.LZMAFile}
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
MOST_BYTES = 8 << 30
MOST_FILES = 200_000
PIECE = 1 << 20
DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, tarfile.TarError, RuntimeError)


def unpack_all(folder: Path) -> int:
    """Unpack every archive in `folder`; how many there were. Raises SetupError for one that is damaged or too large."""
    archives = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_archive(path.name)]
    budget = [MOST_FILES, MOST_BYTES]
    for path in archives:
        try:
            for name, source in _members(path):
                _write(path, name, source, budget)
        except DAMAGE as error:
            raise SetupError(f"{path.name} cannot be unpacked: {error}") from error
        path.unlink()
    return len(archives)


def is_archive(name: str) -> bool:
    lowered = name.lower()
    return lowered.endswith((".zip", *TARS)) or Path(lowered).suffix in SINGLE


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and open content of each regular file; a single file is called like its archive, without the last suffix."""
    lowered = path.name.lower()
    if lowered.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not info.is_dir():
                    with archive.open(info) as source:
                        yield info.filename, source
    elif lowered.endswith(TARS):
        with tarfile.open(path) as tar:
            for member in tar:
                opened = tar.extractfile(member) if member.isreg() else None
                if opened is not None:
                    yield member.name, opened
    else:
        with SINGLE[path.suffix.lower()](path) as source:
            yield path.name[: -len(path.suffix)], source


def _write(archive: Path, name: str, source: IO[bytes], budget: list[int]) -> None:
    place = PurePosixPath(name.replace("\\", "/"))
    if place.is_absolute() or ".." in place.parts:
        raise SetupError(f"{archive.name} holds {name!r}, which would leave the folder")
    target = archive.parent / place
    if "__MACOSX" in place.parts or place.name.startswith(".") or target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    budget[0] -= 1
    with target.open("xb") as file:
        while piece := source.read(PIECE):
            budget[1] -= len(piece)
            if min(budget) < 0:
                raise SetupError(f"{archive.name} unpacks to more than {MOST_FILES} files or {MOST_BYTES >> 30} GB")
            file.write(piece)
