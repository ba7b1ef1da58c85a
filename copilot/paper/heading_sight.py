"""Headings as the eye finds them: the chain 1, 2, 3, … in one style, what looks like it, and what is usually so called.

Uses no outline. Works on lines in reading order.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from copilot.paper.flow import Document
from copilot.paper.heading_words import (
    ABSTRACT,
    APPENDIX,
    BACK,
    CAPTION,
    LEADER,
    MAIN,
    NUMBERED,
    REFERENCES,
    ROMAN,
    STATEMENT,
    Heading,
    Mark,
    Style,
    bold_prefix,
    is_bare_appendix,
    is_titlelike,
    numbering,
    roman_value,
    stands_out,
    strip_number,
    style_of,
)
from copilot.paper.lines import Line
from copilot.paper.ocr import FONT as OCR_FONT
from copilot.paper.words import join_lines, letters, unspace


def seen_headings(document: Document, anchors: list[Mark], start: int) -> list[Heading]:
    """All headings by sight, in reading order; `anchors` are the PDF's section destinations."""
    anchored = _anchored(document, anchors)
    contents = _contents_lines(document)
    candidates = [
        (i, line)
        for i, line in enumerate(document.lines)
        if i >= start
        and (
            i in anchored
            or stands_out(document, line)
            or bold_prefix(document, line)
            or _recognised(document, i)
            or (line.bold and REFERENCES.fullmatch(line.text))
        )
        and i not in contents
        and _may_head(line)
    ]
    chain = _best_chain(document, candidates)
    if len(chain) >= 2:
        return _numbered_paper(document, candidates, chain)
    return _unnumbered_paper(document, candidates)


def _recognised(document: Document, i: int) -> bool:
    """Whether a line of a scan is set apart and numbered or called like a heading: OCR tells no bold type."""
    line = document.lines[i]
    number = numbering(line)
    named = (number and number[1][:1].isupper()) or MAIN.fullmatch(line.text) or BACK.fullmatch(line.text)
    return line.font == OCR_FONT and len(line.text) < 70 and bool(named) and _set_apart(document, i)


def _anchored(document: Document, anchors: list[Mark]) -> set[int]:
    found: set[int] = set()
    for mark in anchors:
        for i, line in enumerate(document.lines):
            if line.page == mark.page and mark.y - 4 < line.y0 < mark.y + 30 and numbering(line):
                found.add(i)
                break
    return found


def _may_head(line: Line) -> bool:
    text = line.text
    if len(text) > 160 or CAPTION.match(text) or text.count("=") > 1 or ("=" in text and letters(text) < 12):
        return False
    return not re.search(r"(?:\.\s?){5,}", text)


def _contents_lines(document: Document) -> set[int]:
    """Entries of a list of contents: lines that end in dots or a page number, be it apart at the right edge."""
    pages = _contents_pages(document)
    return {
        i
        for i, line in enumerate(document.lines)
        if (line.page in pages and LEADER.search(line.text)) or _number_follows(document, i)
    }


def _number_follows(document: Document, i: int) -> bool:
    line, after = document.lines[i], document.lines[i + 1 : i + 2]
    edge = document.body.right - 40
    return any(re.fullmatch(r"\d{1,3}", x.text) and abs(x.base - line.base) < 2 and x.x0 > edge for x in after)


def _contents_pages(document: Document) -> set[int]:
    """Pages that say so, or where most lines end in a page number or a row of dots."""
    lines, ends = Counter[int](), Counter[int]()
    for line in document.lines:
        lines[line.page] += 1
        ends[line.page] += bool(re.search(r"\s\d{1,3}$|(?:\.\s?){4,}", line.text))
        if re.fullmatch(r"(?:table of )?contents", unspace(line.text), re.I) and stands_out(document, line):
            ends[line.page] += 1000
    return {page for page, count in lines.items() if count >= 8 and ends[page] > 0.4 * count}


def _number_style(line: Line) -> Style:
    """Style of the number itself: a heading's words may change type halfway ("3 *Recency Bias* COMPONENTS")."""
    first = line.spans[0]
    return first.font, round(first.size * 2) / 2, False


def _best_chain(document: Document, candidates: list[tuple[int, Line]]) -> list[int]:
    """Line indices of main headings numbered 1, 2, 3, … (or I, II, III, …) in one style; the longest such chain."""
    best: list[int] = []
    for kind, style in ((k, s) for k in ("arabic", "roman") for s in (style_of, _number_style)):
        by_style: defaultdict[Style, list[tuple[int, int]]] = defaultdict(list)
        for i, line in candidates:
            value = _main_number(line, kind)
            if value is not None:
                by_style[style(line)].append((i, value))
        for chain in map(_chain, by_style.values()):
            if _worth(document, chain) > _worth(document, best):
                best = chain
    return best


def _worth(document: Document, chain: list[int]) -> tuple[int, float]:
    return (len(chain), document.lines[chain[0]].size) if chain else (0, 0.0)


def _main_number(line: Line, kind: str) -> int | None:
    if kind == "roman":
        match = ROMAN.fullmatch(unspace(line.text))
        return roman_value(match.group("num")) if match else None
    match = NUMBERED.fullmatch(line.text)
    if not match or "." in match.group("num") or not is_titlelike(match.group("title")):
        return None
    return int(match.group("num"))


def _chain(entries: list[tuple[int, int]]) -> list[int]:
    """Longest run of consecutive numbers in order, from 0 or 1; later starts win only by length.

    One number that is printed nowhere may be left out, when three stand before it.
    """
    best: list[int] = []
    printed = {value for _, value in entries}
    for begin, (_, value) in enumerate(entries):
        if value not in (0, 1):
            continue
        chain: list[int] = []
        expected = value
        for index, number in entries[begin:]:
            skips = number == expected + 1 and expected not in printed and len(chain) >= 3
            if number == expected or skips:
                chain.append(index)
                expected = number + 1
        if len(chain) > len(best):
            best = chain
    return best


def _numbered_paper(document: Document, candidates: list[tuple[int, Line]], chain: list[int]) -> list[Heading]:
    main_style = style_of(document.lines[chain[0]])
    roman = _main_number(document.lines[chain[0]], "arabic") is None
    out: list[Heading] = []
    taken: set[int] = set()
    for i, line in candidates:
        if i in taken:
            continue
        heading = _classify(document, i, line, chain, main_style, roman, out)
        if heading:
            taken.update(range(heading.first, heading.last + 1))
            out.append(heading)
    return out


def _classify(
    document: Document, i: int, line: Line, chain: list[int], main_style: Style, roman: bool, before: list[Heading]
) -> Heading | None:
    number = numbering(line)
    if i in chain and number:
        return _heading(document, i, number[0], 1)
    if roman and number and re.fullmatch(r"[A-Z]", number[0]) and style_of(line) != main_style:
        return _heading(document, i, number[0], 2) if before and _next_letter(before, number[0]) else None
    if number and "." in number[0]:
        return _sub_heading(document, i, line, number[0], before)
    if (
        number
        and style_of(line) == main_style
        and re.fullmatch(r"[A-Z]", number[0])
        and _appendix_letter(before, number[0])
    ):
        return _heading(document, i, number[0], 1)
    if number and re.match(r"(?i)appendix", line.text) and (line.bold or line.size > document.body.size):
        return _heading(document, i, number[0], 1)
    if REFERENCES.fullmatch(unspace(line.text)):
        return _heading(document, i, "", 1)
    if line.role == "float":
        return None
    same = style_of(line) == main_style or (line.font == main_style[0] and abs(line.size - main_style[1]) < 0.3)
    opening = line.text.lower() == "abstract" and not any(h.number for h in before)
    if BACK.fullmatch(line.text.rstrip(".:")) or (ABSTRACT.fullmatch(line.text) and same) or opening:
        return _heading(document, i, "", 1) if _alone(document, i) else None
    if same and not number and _heading_text(line.text) and _alone(document, i) and before and not _runs_in(line):
        return _heading(document, i, "", 1)
    return None


def _next_letter(before: list[Heading], letter: str) -> bool:
    letters_so_far = []
    for heading in reversed(before):
        if heading.level == 1:
            break
        if heading.level == 2:
            letters_so_far.append(heading.number)
    return letter == (chr(ord(max(letters_so_far)) + 1) if letters_so_far else "A")


def _appendix_letter(before: list[Heading], letter: str) -> bool:
    used = [h.number for h in before if re.fullmatch(r"[A-Z]", h.number) and h.level == 1]
    return letter == (chr(ord(used[-1]) + 1) if used else "A")


def _sub_heading(document: Document, i: int, line: Line, number: str, before: list[Heading]) -> Heading | None:
    parts = number.split(".")
    parent = next((h.number for h in reversed(before) if h.level == 1 and h.number), "")
    in_roman = bool(parent) and set(parent) <= set("IVX") and parts[0] == str(roman_value(parent))
    if parts[0] != parent and not in_roman:
        return None
    heading = _heading(document, i, number, min(len(parts), 4))
    prefix = bold_prefix(document, line)
    if prefix and not stands_out(document, line):
        heading.title = re.sub(r"^[\d.]+\s*", "", prefix).strip(" .:")
    return heading


def _heading_text(text: str) -> bool:
    return (
        letters(text) >= 3
        and len(text) < 110
        and len(text.split()) <= 16
        and text[0].isupper()
        and not text.endswith((",", ";"))
    )


def _runs_in(line: Line) -> bool:
    """Whether a line is bold at its beginning alone: a heading of a paragraph, followed by the paragraph."""
    wordy = [s for s in line.spans if letters(s.text) > 1]
    return bool(wordy) and wordy[0].bold and not wordy[-1].bold and bool(re.search(r"[.:)] ", line.text))


def _alone(document: Document, i: int) -> bool:
    """Whether a line stands by itself: nothing beside it, and it does not run on into its neighbour."""
    line = document.lines[i]
    for j in (i - 1, i + 1):
        if 0 <= j < len(document.lines):
            other = document.lines[j]
            beside = (
                other.page == line.page
                and other.column == line.column
                and abs(other.base - line.base) < 0.4 * line.size
            )
            if beside and letters(other.text) > 0:
                return False
    return True


def _heading(document: Document, i: int, number: str, level: int) -> Heading:
    first = document.lines[i]
    last = i
    while last + 1 < len(document.lines) and last - i < 3 and _continues(document, i, last, document.lines[last + 1]):
        last += 1
    lines = document.lines[i : last + 1]
    text = unspace(join_lines(line.text for line in lines))
    title = strip_number(text, number) or text
    box = (min(x.x0 for x in lines), min(x.y0 for x in lines), max(x.x1 for x in lines), max(x.y1 for x in lines))
    return Heading(title.strip(" .:"), number, level, first.page, box, i, last, style=style_of(first))


def _continues(document: Document, first: int, last: int, line: Line) -> bool:
    head, previous = document.lines[first], document.lines[last]
    if line.page != head.page or line.column != head.column or style_of(line) != style_of(head):
        return False
    if not 0.5 * head.size < line.base - previous.base < 1.45 * head.size + 1:
        return False
    if head.bold != line.bold or numbering(line) or BACK.fullmatch(line.text) or BACK.fullmatch(head.text):
        return False
    if first == last and is_bare_appendix(head.text):
        return True
    if numbering(head) and not _same_level_follows(document, last + 1):
        shouted = head.text.isupper() and line.text.isupper()
        return head.size > document.body.size or head.bold or head.small_caps or shouted
    room = document.body.width / (2 if document.columns.get(head.page) == 2 and head.column != 2 else 1)
    return previous.x1 - previous.x0 > 0.6 * room and (head.size > document.body.size or head.bold or head.small_caps)


def _same_level_follows(document: Document, i: int) -> bool:
    """Whether a line is a heading of its own: space under the numbered heading above sets it apart."""
    line, before = document.lines[i], document.lines[i - 1]
    return line.base - before.base > 1.35 * line.size


def _unnumbered_paper(document: Document, candidates: list[tuple[int, Line]]) -> list[Heading]:
    main = _style_of_usual_names(document, candidates) or _style_of_what_stands_apart(document, candidates)
    if main is None:
        return []
    counts = Counter(style_of(line) for _, line in candidates)
    capitals = _in_capitals(candidates, main)
    out: list[Heading] = []
    taken: set[int] = set()
    for i, line in candidates:
        if i in taken or line.role == "float" or not _heading_text(line.text) or not _alone(document, i):
            continue
        if _runs_in(line):
            continue
        level = _unnumbered_level(line, main, counts)
        if level == 1 and capitals and style_of(line) == main and not line.text.isupper():
            level = 2
        if level == 1 or (level and _set_apart(document, i)):
            lettered = APPENDIX.fullmatch(line.text)
            heading = _heading(document, i, lettered.group("num") if lettered else "", level)
            taken.update(range(heading.first, heading.last + 1))
            out.append(heading)
    return out


def _style_of_usual_names(document: Document, candidates: list[tuple[int, Line]]) -> Style | None:
    """The style in which most headings with usual names ("Methods", "References") are set; words in tables aside.

    Italic ones count half: headings below the main ones bear usual names, too ("Background", "Analysis").
    """
    votes: defaultdict[Style, float] = defaultdict(float)
    for i, line in candidates:
        name = line.text.rstrip(".:")
        if line.role == "float" or not _alone(document, i):
            continue
        if MAIN.fullmatch(name) or BACK.fullmatch(name):
            votes[style_of(line)] += (2 if MAIN.fullmatch(name) else 1) * (0.5 if line.italic else 1)
    return max(votes, key=lambda style: (votes[style], style[1])) if votes else None


def _in_capitals(candidates: list[tuple[int, Line]], main: Style) -> bool:
    """Whether capitals alone tell main headings from those below them, which share their font and size."""
    alike = [line.text for _, line in candidates if style_of(line) == main]
    named = [text for text in alike if MAIN.fullmatch(text.rstrip(".:"))]
    return len(named) >= 2 and all(text.isupper() for text in named) and not all(text.isupper() for text in alike)


def _style_of_what_stands_apart(document: Document, candidates: list[tuple[int, Line]]) -> Style | None:
    """The largest upright style of three or more short lines, on two pages or more, with space above each."""
    pages: defaultdict[Style, list[int]] = defaultdict(list)
    for i, line in candidates:
        plain = not line.italic and not line.text.endswith(".") and line.role != "float"
        if plain and _heading_text(line.text) and _alone(document, i) and _set_apart(document, i):
            pages[style_of(line)].append(line.page)
    often = [style for style, seen in pages.items() if len(seen) >= 3 and len(set(seen)) >= 2]
    return max(often, key=lambda style: style[1], default=None)


def _set_apart(document: Document, i: int) -> bool:
    """Whether a line has space above it, or begins its column."""
    line, before = document.lines[i], document.lines[i - 1] if i else None
    if before is None or (before.page, before.column) != (line.page, line.column):
        return True
    return line.base - before.base > 1.2 * max(document.body.leading, before.size) or line.base < before.base


def _unnumbered_level(line: Line, main: Style, counts: Counter[Style]) -> int:
    if style_of(line) == main or BACK.fullmatch(line.text.rstrip(".:")) or line.text.casefold() == "abstract":
        return 1
    if STATEMENT.match(line.text):
        return 0
    if line.size <= main[1] and counts[style_of(line)] >= 2 and not line.text.endswith("."):
        return 2
    return 0
