"""The door of the room: a path or an arXiv id in, a `Paper` out, read in a bounded child process and cached.

Raises SetupError with one sentence for everything that a person can mend; lets nothing of a document run.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from pydantic import ValidationError

import copilot
from copilot.domain.base import canonical_json, sha256_text
from copilot.domain.paper import Paper
from copilot.errors import SetupError
from copilot.paper.arxiv_id import ArxivId, parse_arxiv_id
from copilot.paper.limits import MEBIBYTE, ReadLimits
from copilot.paper.ocr import find_language_data, with_time

__all__ = ["ReadLimits", "read_paper"]

READER_VERSION = 10
"""Part of the cache key: raise it when reading the same file would give another result."""
_DEFAULT = ReadLimits()


def read_paper(
    source: str | Path,
    *,
    cache: Path,
    password: str | None = None,
    ocr: bool = False,
    limits: ReadLimits = _DEFAULT,
) -> Paper:
    """The paper at a path or of an arXiv id (any spelling), with its claims ledger.

    `ocr` has pages without text recognised by Tesseract. What a password opens is not cached. Raises SetupError when
    there is no such file, it is no readable PDF, it is locked, Tesseract is missing, or arXiv cannot be reached.
    """
    text = str(source).strip()
    path = Path(text).expanduser()
    if not path.exists() and (arxiv_id := parse_arxiv_id(text)):
        return _read_arxiv(arxiv_id, cache, limits)
    _check(path, limits)
    request = {"path": str(path.resolve()), "password": password, "language_data": find_language_data(), "ocr": ocr}
    return _read(request, path.name, text, cache, with_time(limits) if ocr else limits)


def _read_arxiv(arxiv_id: ArxivId, cache: Path, limits: ReadLimits) -> Paper:
    from copilot.paper.arxiv import fetch

    fetched = fetch(arxiv_id, cache=cache)
    if fetched.pdf:
        _check(fetched.pdf, limits)
    request = {
        "path": str(fetched.pdf.resolve()) if fetched.pdf else None,
        "source": str(fetched.source.resolve()) if fetched.source else None,
        "record": fetched.record.model_dump(),
    }
    return _read(request, f"arXiv:{fetched.record.id}", f"arXiv:{fetched.record.id}", cache, limits)


def _read(request: dict[str, Any], name: str, source: str, cache: Path, limits: ReadLimits) -> Paper:
    stored = cache / "papers" / f"{_cache_key(request, limits)}.json"
    locked = request.get("password") is not None
    paper = None if locked else _stored(stored)
    if paper is None:
        paper = _checked(_run_child({**request, "limits": limits.model_dump()}, name, limits), name)
        if not locked:
            _store(stored, paper)
    return paper.model_copy(update={"source": source})


def _check(path: Path, limits: ReadLimits) -> None:
    if not path.exists():
        raise SetupError(f"No such paper: {path} is neither a file nor an arXiv id (for example 2408.14033).")
    if not path.is_file():
        raise SetupError(f"{path} is not a file; give the path of a PDF.")
    if not os.access(path, os.R_OK):
        raise SetupError(f"{path} may not be read by this user; change its permissions.")
    size = path.stat().st_size
    if size == 0:
        raise SetupError(f"{path} is empty; get a whole copy of the PDF.")
    if size > limits.max_bytes:
        raise SetupError(f"{path} has {size // MEBIBYTE} MiB; the limit is {limits.max_bytes // MEBIBYTE} MiB.")


def _cache_key(request: dict[str, Any], limits: ReadLimits) -> str:
    files = [hashlib.sha256(Path(request[k]).read_bytes()).hexdigest() for k in ("path", "source") if request.get(k)]
    parts = [
        READER_VERSION,
        files,
        request.get("record"),
        limits.max_pages,
        limits.max_page_chars,
        bool(request.get("ocr")),
    ]
    return sha256_text(canonical_json(parts))[:40]


def _stored(target: Path) -> Paper | None:
    try:
        return Paper.model_validate_json(target.read_bytes())
    except (OSError, ValidationError):
        return None


def _store(target: Path, paper: Paper) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(f".{os.getpid()}.part")
    part.write_text(paper.model_dump_json(), encoding="utf-8")
    part.replace(target)


def _run_child(request: dict[str, Any], name: str, limits: ReadLimits) -> bytes:
    """What the child wrote. Raises SetupError when it ran out of time or memory, or wrote too much."""
    root = Path(copilot.__file__).resolve().parent.parent
    env = {"PYTHONPATH": str(root), "LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-s", "-P", "-m", "copilot.paper.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=env,
        cwd="/",
    )
    try:
        out, _ = process.communicate(json.dumps(request).encode(), timeout=limits.seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise SetupError(
            f"{name} could not be read within {limits.seconds:g} seconds; it is damaged or far too complex."
        ) from None
    if process.returncode != 0 or len(out) > limits.max_reply_bytes:
        raise SetupError(
            f"{name} could not be read within the limits of memory and time; it is damaged, hostile or far too complex."
        )
    return out


def _checked(reply: bytes, name: str) -> Paper:
    try:
        data = json.loads(reply)
        if "refused" not in data:
            return Paper.model_validate(data["paper"])
    except (ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{name} could not be read: the reader's answer was not whole.") from error
    raise SetupError(str(data.get("text", f"{name} could not be read."))[:500])
