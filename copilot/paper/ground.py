"""Is this quote really in the paper, and where: the check that every piece of evidence has to pass.

Forgives what typesetting changes (white space, line-end hyphens, ligatures, quote and dash spellings, Unicode
composition) and nothing else: not a changed digit, not a joined pair of pieces, not a word cut short. A quote lies
within the running text of a page or goes on from one paragraph to the next in reading order; a blank line in a page's
text (`Paper.page_texts`) is where the text does not go on, and no quote runs across it. A row of a table counts as
printed, cell by cell.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from copilot.domain.paper import Box, Paper

MIN_CHARS = 12
MIN_WORDS = 2
_DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹘﹣－"), "-")
_QUOTES = {**dict.fromkeys(map(ord, "‘’‚‛′`´ʼ"), "'"), **dict.fromkeys(map(ord, "“”„‟″«»"), '"')}
_GONE = dict.fromkeys([0x00AD, *range(0x200B, 0x2010), 0x2060, 0xFEFF], None)
_SPELLING = {**_DASHES, **_QUOTES, **_GONE}
_SPELLING_ASCII = {"`": "'"}


def ground(paper: Paper, quote: str, page: int | None = None) -> tuple[bool, int | None]:
    """Whether `quote` is verbatim in the paper, and the page where it begins (`page` is tried first)."""
    needle = _needle(quote)
    if needle is None:
        return False, None
    texts = tuple(paper.page_texts)
    if page is not None and 1 <= page <= len(texts) and _contains(_fold(texts[page - 1]), needle):
        return True, page
    for number, text in enumerate(texts, 1):
        if _contains(_fold(text), needle):
            return True, number
    for find in (_across, _in_tables, _in_two_parts):
        if (start := find(paper, needle)) is not None:
            return True, start
    return False, None


def _in_tables(paper: Paper, needle: str) -> int | None:
    """The page of a table that has the quote in one row, its cells in their order."""
    rows = ((table.page, " ".join(filter(None, row))) for table in paper.tables for row in table.rows)
    return next((page for page, row in rows if _contains(_fold(row), needle)), None)


def _in_two_parts(paper: Paper, needle: str) -> int | None:
    """The page where a sentence begins that goes on behind a figure or a note: whole in its section, cut on its pages.

    The first part has to end a paragraph of the page and the second one to begin a paragraph there or on the next page,
    so that two columns that were read across each other make no sentence.
    """
    if not any(_contains(_fold(section.text), needle) for section in paper.sections):
        return None
    pages = [[_fold(part)[0] for part in text.split("\n")] for text in paper.page_texts]
    for number, parts in enumerate(pages, 1):
        after = [*parts, *(pages[number] if number < len(pages) else [])]
        for part in parts:
            cut = _overlap(part, needle)
            if cut >= MIN_CHARS and any(text.startswith(needle[cut:]) for text in after):
                return number
    return None


def _overlap(text: str, needle: str) -> int:
    """Length of the longest beginning of `needle`, not all of it, with which `text` ends."""
    at = text.find(needle[:MIN_CHARS], max(0, len(text) - len(needle) + 1))
    while at >= 0:
        if needle.startswith(text[at:]):
            return len(text) - at
        at = text.find(needle[:MIN_CHARS], at + 1)
    return 0


def _needle(quote: str) -> str | None:
    """The quote in comparable form, or None when it is too short to be evidence."""
    words = quote.split()
    if len(words) < MIN_WORDS or sum(ch.isalnum() for ch in quote) < MIN_CHARS:
        return None
    folded, _ = _fold(" ".join(words))
    return folded if len(folded) >= MIN_CHARS else None


@lru_cache(maxsize=512)
def _fold(text: str) -> tuple[str, tuple[int, ...]]:
    """Comparable form of a text and, for each of its characters, the index in `text` that it came from.

    White space goes, except between two numbers ("3 5" is not "35") and for a blank line, which stays as one line end;
    a hyphen goes between letters, but stays beside a digit ("-0.5" is not "0.5").
    """
    plain, origin = _spelled(text)
    out: list[str] = []
    back: list[int] = []
    spaced = False
    for i, ch in enumerate(plain):
        if ch.isspace():
            if ch == "\n" and plain[i - 1 : i] == "\n" and out and out[-1] != "\n":
                out.append("\n")
                back.append(origin[i])
            spaced = True
            continue
        if ch == "-" and not _beside_digit(plain, i):
            continue
        if spaced and ch.isdigit() and _ends_number(out):
            out.append(" ")
            back.append(origin[i])
        spaced = False
        out.append(ch)
        back.append(origin[i])
    return "".join(out), tuple(back)


def _spelled(text: str) -> tuple[str, Sequence[int]]:
    """The text in one spelling (NFKC, plain quotes and dashes), and where each character came from."""
    if text.isascii():
        return text.translate(_SPELLING), range(len(text))
    chars: list[str] = []
    origin: list[int] = []
    i = 0
    while i < len(text):
        j = i + 1
        while j < len(text) and text[j] >= "\u0300" and unicodedata.combining(text[j]):
            j += 1
        piece = text[i:j]
        for ch in piece if piece.isascii() else unicodedata.normalize("NFKC", piece).translate(_SPELLING):
            chars.append(_SPELLING_ASCII.get(ch, ch))
            origin.append(i)
        i = j
    return "".join(chars), origin


def _ends_number(out: list[str]) -> bool:
    return bool(out) and (out[-1].isdigit() or (out[-1] in ".," and len(out) > 1 and out[-2].isdigit()))


def _beside_digit(text: str, i: int) -> bool:
    """A hyphen that may be a minus sign or a range: a digit or a point right after it, or a digit right before it."""
    after = text[i + 1 : i + 2]
    before = text[i - 1 : i] if i else ""
    return after.isdigit() or after == "." or before.isdigit()


def _contains(folded: tuple[str, tuple[int, ...]], needle: str) -> bool:
    return _find(folded[0], needle) >= 0


def _find(hay: str, needle: str) -> int:
    """Index of `needle` where it does not begin or end inside a number, or -1."""
    at = hay.find(needle)
    while at >= 0:
        before, after = hay[at - 1 : at] if at else "", hay[at + len(needle) : at + len(needle) + 2]
        cut_left = needle[0].isdigit() and (
            before.isdigit() or (before in {".", ",", "-"} and hay[at - 2 : at - 1].isdigit()) or before == "-"
        )
        cut_right = needle[-1].isdigit() and (after[:1].isdigit() or (after[:1] in {".", ","} and after[1:].isdigit()))
        if not cut_left and not cut_right:
            return at
        at = hay.find(needle, at + 1)
    return -1


def _across(paper: Paper, needle: str) -> int | None:
    """The page where a quote begins that ends on the next page."""
    texts = paper.page_texts
    for number in range(1, len(texts)):
        tail = _fold(texts[number - 1])[0][-len(needle) :]
        if 0 <= _find(tail + _fold(texts[number])[0][: len(needle)], needle) < len(tail):
            return number
    return None


def locate(paper_pdf: Path, quote: str, page: int) -> list[Box]:
    """Boxes on `page` (from 1) around the words of `quote`, one per line, for highlighting; [] when it is not there.

    Opens the file in this process: call it only for a file that the reader has read within its limits.
    """
    import pymupdf

    from copilot.paper.flow import arrange
    from copilot.paper.lines import read_page

    wanted = _fold(quote)[0]
    pymupdf.TOOLS.mupdf_display_errors(False)
    try:
        with pymupdf.open(paper_pdf, filetype="pdf") as pdf:
            if not wanted or not 1 <= page <= pdf.page_count:
                return []
            lines = arrange([read_page(pdf[page - 1], 1, 200_000)]).lines
    except (RuntimeError, ValueError, OSError):
        return []
    return _line_boxes([(line.text, line.box) for line in lines], wanted)


def _line_boxes(lines: list[tuple[str, Box]], wanted: str) -> list[Box]:
    """The parts of the lines that print `wanted`; widths are by share of characters, good enough to highlight."""
    text, spots = "", list[tuple[int, int]]()
    for index, (words, _) in enumerate(lines):
        text += words + "\n"
        spots += [(index, i) for i in range(len(words) + 1)]
    folded, back = _fold(text)
    at = folded.find(wanted)
    if at < 0:
        return []
    used: dict[int, list[int]] = {}
    for i in range(at, at + len(wanted)):
        index, column = spots[back[i]]
        used.setdefault(index, []).append(column)
    return [_part(lines[index], min(columns), max(columns) + 1) for index, columns in sorted(used.items())]


def _part(line: tuple[str, Box], first: int, end: int) -> Box:
    words, (x0, y0, x1, y1) = line
    step = (x1 - x0) / max(1, len(words))
    return (x0 + first * step, y0, x0 + end * step, y1)
