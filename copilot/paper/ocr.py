"""Text recognition of scanned pages: Tesseract as MuPDF carries it, inside the bounded child, only when asked for.

Needs Tesseract's language data on this machine. Does not judge how good the recognised words are; what was read this
way says so wherever it is shown.
"""

from __future__ import annotations

import os
import shutil
import statistics
from pathlib import Path
from typing import Any

from copilot.paper.limits import ReadLimits

DPI = 300
FONT = "GlyphLessFont"
"""The name that Tesseract gives to the invisible type of recognised words."""
WARNING = (
    "The text was recognised by OCR (Tesseract): words, names and numbers may be wrong, and quotes are of that text."
)
_DATA = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/opt/homebrew/share/tessdata")


def find_language_data() -> str | None:
    """The folder with Tesseract's data for English, or None when Tesseract is not installed."""
    if not shutil.which("tesseract"):
        return None
    named = [Path(os.environ["TESSDATA_PREFIX"])] if os.environ.get("TESSDATA_PREFIX") else []
    usual = [found for pattern in _DATA for found in sorted(Path("/").glob(pattern.lstrip("/")))]
    return next((str(folder) for folder in [*named, *usual] if (folder / "eng.traineddata").is_file()), None)


def hint(language_data: str | None) -> str:
    """What a person can do about a scan, given what is installed here."""
    if language_data:
        return "Tesseract is installed: `--ocr` recognises the text (some seconds a page)."
    return "Install Tesseract and use `--ocr` to recognise the text, or get the original PDF."


def with_time(limits: ReadLimits) -> ReadLimits:
    """Limits for recognition, which takes seconds a page: ten minutes, the same memory."""
    return limits.model_copy(
        update={"seconds": max(limits.seconds, 600.0), "cpu_seconds": max(limits.cpu_seconds, 590)}
    )


def recognise(page: Any, language_data: str) -> Any:
    """A `pymupdf.TextPage` of what Tesseract reads on a page."""
    import pymupdf

    flags = pymupdf.TEXT_PRESERVE_WHITESPACE
    return page.get_textpage_ocr(flags=flags, dpi=DPI, full=True, language="eng", tessdata=language_data)


def even_sizes(blocks: list[dict[str, Any]]) -> None:
    """Gives the words of a recognised line one size, near sizes the usual one: Tesseract guesses each word's anew."""
    lines = [[span for span in line["spans"] if span["text"].strip()] for b in blocks for line in b.get("lines", ())]
    sizes = [statistics.median(span["size"] for span in line) for line in lines if line]
    usual = statistics.median(sizes) if sizes else 0.0
    for line, size in zip((line for line in lines if line), sizes, strict=True):
        for span in line:
            span["size"] = round(2 * (usual if abs(size - usual) < 0.3 * usual else size)) / 2
