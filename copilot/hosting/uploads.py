"""An uploaded PDF on disk: named by its content, bounded in size and number. The name that it came with is no path."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path

from copilot.errors import SetupError

MAX_MB = 40
MAX_FOLDER_MB = 2_000
MEGABYTE = 1_000_000


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
    used = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    if used + extra > MAX_FOLDER_MB * MEGABYTE:
        raise SetupError(f"the upload folder is full ({MAX_FOLDER_MB} MB); delete old files in {folder}")
