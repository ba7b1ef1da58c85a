"""An uploaded PDF on disk: named by its content, bounded in size and number. The name that it came with is no path."""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

from copilot.errors import SetupError

MAX_MB = 40
MAX_FOLDER_MB = 2_000
MEGABYTE = 1_000_000
OLD_SECONDS = 600.0


def keep(content: bytes, name: str, cache: Path) -> Path:
    """Store the PDF below `cache`/uploads and return its path. Raises SetupError with what to do instead.

    The given name serves only as a readable beginning: letters, digits and hyphens of it, then the content hash.
    """
    if len(content) > MAX_MB * MEGABYTE:
        raise SetupError(f"this file is larger than {MAX_MB} MB; upload a smaller PDF")
    if b"%PDF-" not in content[:1024]:
        raise SetupError("this file is not a PDF; upload the paper as PDF")
    folder = cache / "uploads"
    words = re.sub(r"[^a-z0-9]+", "-", name.lower().removesuffix(".pdf")).strip("-")[:32].strip("-")
    path = folder / f"{words or 'paper'}-{hashlib.sha256(content).hexdigest()[:12]}.pdf"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _check_room(folder, len(content))
    temporary = folder / f".{path.name}.{os.getpid()}"
    temporary.write_bytes(content)
    temporary.chmod(0o600)
    temporary.replace(path)
    return path


def _check_room(folder: Path, extra: int) -> None:
    """Every run has its own copy, so old uploads make room for new ones. Raises SetupError when none is old."""
    kept = sorted((file.stat().st_mtime, file.stat().st_size, file) for file in folder.iterdir() if file.is_file())
    over = sum(size for _, size, _ in kept) + extra - MAX_FOLDER_MB * MEGABYTE
    for changed, size, file in kept:
        if over <= 0 or changed > time.time() - OLD_SECONDS:
            break
        file.unlink(missing_ok=True)
        over -= size
    if over > 0:
        raise SetupError(f"the upload folder is full ({MAX_FOLDER_MB} MB); try again later")
