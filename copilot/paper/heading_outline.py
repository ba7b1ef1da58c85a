"""Headings as the PDF's outline names them, each matched to the lines that print it.

Trusts an outline only when most of its entries are printed where it says.
"""

from __future__ import annotations

import re

from copilot.paper.flow import Document
from copilot.paper.heading_words import (
    ABSTRACT,
    APPENDIX,
    CAPTION,
    LETTERED,
    NUMBERED,
    ROMAN,
    Heading,
    Mark,
    bold_prefix,
    numbering,
    spanning,
)
from copilot.paper.words import join_lines, key, unspace


def told_headings(document: Document, outline: list[Mark], start: int) -> list[Heading]:
    """Headings of the outline, matched to the lines that print them; [] when it does not fit the text."""
    entries = [entry for entry in _without_root(outline) if not CAPTION.match(entry.title)]
    if sum(not ABSTRACT.fullmatch(entry.title) for entry in entries) < 3:
        return []
    top = min(entry.level for entry in entries if not ABSTRACT.fullmatch(entry.title))
    out: list[Heading] = []
    found = 0
    at = start
    taken: set[int] = set()
    for entry in entries:
        heading = _match(document, entry, at, [i for i in range(start, len(document.lines)) if i not in taken])
        if heading:
            found += 1
            taken.update(range(heading.first, heading.last + 1))
            at = heading.last + 1
        else:
            number, title = _split(entry.title)
            heading = Heading(title, number, 1, entry.page, None)
        depth = heading.number.count(".") + 1 if re.match(r"\d", heading.number) else 0
        nested = depth == 1 and any(re.fullmatch(r"[IVX]+|[A-Z]", h.number) and not h.appendix for h in out)
        heading.level = max(entry.level - top + 1, 1) if nested or not depth else depth
        if heading.title:
            out.append(heading)
    return [h for h in out if h.first >= 0] if found >= 0.6 * len(entries) else []


def _without_root(outline: list[Mark]) -> list[Mark]:
    """Drops a single top entry that holds all the others (the paper's own title); the abstract may stand before it."""
    named = [entry for entry in outline if not ABSTRACT.fullmatch(entry.title)]
    top = min((entry.level for entry in named), default=0)
    if len(named) > 3 and [entry for entry in named if entry.level == top] == named[:1]:
        return [entry for entry in outline if entry is not named[0]]
    return outline


def _split(text: str) -> tuple[str, str]:
    text = unspace(" ".join(text.split()))
    for pattern in (NUMBERED, ROMAN, APPENDIX, LETTERED):
        if match := pattern.fullmatch(text):
            if pattern is LETTERED and not re.match(r"[A-Z][.\d:]|Appendix", text) and match.group("num") in ("A", "I"):
                continue
            return match.group("num"), match.group("title")
    return "", text


def _match(document: Document, entry: Mark, at: int, free: list[int]) -> Heading | None:
    """The heading that prints an outline entry: near its place, on its page or the next, after the last found."""
    number, title = _split(entry.title)
    wanted = {key(title), key(entry.title)} - {""}
    if not wanted:
        return None
    spots = [i for i in free if abs(document.lines[i].page - entry.page) <= 1]
    spots.sort(key=lambda i: (i < at, abs(document.lines[i].page - entry.page), abs(document.lines[i].y0 - entry.y)))
    for i in spots:
        heading = _try(document, i, wanted)
        if heading:
            heading.number = heading.number or number
            return heading
    return None


def _try(document: Document, i: int, wanted: set[str]) -> Heading | None:
    """The heading printed at line `i`, over up to four lines, if it says one of `wanted` (number or not)."""
    line = document.lines[i]
    if not key(line.text):
        return None
    forms = [("", line.text)]
    if numbered := numbering(line):
        forms.insert(0, numbered)
    for number, text in forms:
        words = [text]
        for last in range(i, min(i + 4, len(document.lines))):
            if last > i:
                words.append(document.lines[last].text)
            said = unspace(join_lines(words))
            if key(said) in wanted or key(number + said) in wanted:
                return spanning(document, i, last, number, said)
            if last == i and number and (run_in := _run_in(document, i, number, text, wanted)):
                return run_in
            if not any(w.startswith((key(said), key(number + said))) for w in wanted):
                break
    return None


def _run_in(document: Document, i: int, number: str, text: str, wanted: set[str]) -> Heading | None:
    """A heading that is followed by text on its own line."""
    if not bold_prefix(document, document.lines[i]):
        return None
    best = next((w for w in wanted if len(w) > 5 and key(text).startswith(w)), None)
    return spanning(document, i, i, number, _cut(text, len(best))) if best else None


def _cut(text: str, count: int) -> str:
    """The beginning of `text` that holds `count` letters and digits."""
    seen = 0
    for position, ch in enumerate(text):
        seen += ch.isalnum()
        if seen >= count:
            return text[: position + 1]
    return text
