"""Papers come in, are read, and are shown beside what was read."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from copilot.api.looking import state
from copilot.blobs import Blobs
from copilot.config import Home, find_home
from copilot.domain.paper import Paper
from copilot.runs import RunFolder
from copilot.state import RunState

if TYPE_CHECKING:
    from copilot.hosting.guests import Guest


def upload(content: bytes, name: str, home: Home | None = None, *, guest: Guest | None = None) -> Path:
    """Keep an uploaded PDF; its path, for `Ask.paper`. Raises SetupError, for a guest also OverQuota."""
    from copilot.hosting.reception import reception_for
    from copilot.hosting.uploads import keep

    home = home or find_home()
    if guest is not None:
        reception_for(home).upload(guest, len(content))
    return keep(content, name, home.cache)


def parse(source: str, *, home: Home | None = None, password: str | None = None, ocr: bool = False) -> Paper:
    """Read a paper (PDF path or arXiv id) with its claims ledger."""
    from copilot.paper.read import read_paper

    return read_paper(source, cache=(home or find_home()).cache, password=password, ocr=ocr)


def recognises_scans() -> bool:
    """True when the text of scanned pages can be recognised here (`Settings.ocr`): Tesseract is installed."""
    from copilot.paper.ocr import find_language_data

    return find_language_data() is not None


def paper_of(run: RunFolder, folded: RunState | None = None) -> Paper | None:
    """The parsed paper of a run."""
    folded = folded or state(run)
    return Paper.model_validate_json(Blobs(run.blobs).get(folded.paper.blob)) if folded.paper else None


def paper_file(run: RunFolder, folded: RunState, home: Home | None = None) -> Path | None:
    """The PDF to show of a run: its own copy, or what arXiv served for its paper. None where there is only text.

    Not what arXiv serves by now, when a newer version has come since the run read the paper.
    """
    if run.paper.is_file() and not run.paper.is_symlink():
        return run.paper
    from copilot.paper.arxiv import kept_pdf, parse_arxiv_id

    arxiv_id = parse_arxiv_id(folded.task.head.paper) if folded.task else None
    kept = kept_pdf(arxiv_id, cache=(home or find_home()).cache) if arxiv_id else None
    if kept and folded.paper and hashlib.sha256(kept.read_bytes()).hexdigest() != folded.paper.sha256:
        return None
    return kept
