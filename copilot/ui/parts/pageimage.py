"""One page of a PDF as a PNG with a quote marked, drawn by a process of its own with bounded time and memory.

A PDF comes from a stranger: it is never opened in the process that serves everybody. Not here: reading the paper.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

DPI = 130
SECONDS = 20
MEMORY = 2 << 30
WORDS_OF_A_PIECE = 6
MAX_PIECES = 40


def png_of(path: Path, page: int, quote: str = "") -> bytes | None:
    """The page (from 1) as PNG, or None when it cannot be drawn."""
    try:
        stat = path.stat()
    except OSError:
        return None
    return _drawn(path, stat.st_mtime_ns, page, quote)


@lru_cache(maxsize=64)
def _drawn(path: Path, changed: int, page: int, quote: str) -> bytes | None:
    request = json.dumps({"path": str(path), "page": page, "quote": quote})
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=request.encode(),
            capture_output=True,
            timeout=2 * SECONDS,
            cwd=Path(__file__).resolve().parents[3],
            env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout.startswith(b"\x89PNG") else None


def _bound() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _pieces(quote: str) -> list[str]:
    words = quote.split()
    runs = [" ".join(words[i : i + WORDS_OF_A_PIECE]) for i in range(0, len(words), WORDS_OF_A_PIECE)]
    return [run for run in runs if run.count(" ") > 1][:MAX_PIECES]  # one or two words stand everywhere


def main() -> int:
    """Child: a request as JSON on stdin, the PNG on stdout."""
    _bound()
    for companion in ("pymupdf.layout", "pymupdf4llm"):  # loaded on import when they are found, for most of a second
        sys.modules.setdefault(companion, cast(Any, None))
    import pymupdf

    request = json.loads(sys.stdin.buffer.read())
    document = pymupdf.open(stream=Path(request["path"]).read_bytes(), filetype="pdf")
    page = document[request["page"] - 1]
    quote = request["quote"]
    if quote:
        places = page.search_for(quote, quads=True) or [
            quad for piece in _pieces(quote) for quad in page.search_for(piece, quads=True)
        ]
        if places:
            page.add_highlight_annot(places)
    sys.stdout.buffer.write(page.get_pixmap(dpi=DPI, alpha=False).tobytes("png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
