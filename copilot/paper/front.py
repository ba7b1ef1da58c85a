"""The title block: title, authors and abstract, told apart by size, style, order and the shape of names.

Looks at the first two pages only. Does not read sections.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from copilot.paper.authors import read_authors
from copilot.paper.cover import title_after_cover
from copilot.paper.flow import Document
from copilot.paper.heading_words import stands_out
from copilot.paper.lines import Line, Span, make_line
from copilot.paper.names import is_name, tidy_name
from copilot.paper.unheaded import PICTURE, join_paragraph, unheaded_abstract
from copilot.paper.words import clean, hyphenated_words, join_lines, key, letters, unspace

_ABSTRACT_HEAD = re.compile(r"(?:\d\.?\s+)?(?:abstract|summary)\s*[.:—–-]*", re.I)
_ABSTRACT_RUN_IN = re.compile(r"(?:abstract|summary)\s*(?:[.:|—–-]+\s*|\s(?=[A-Z]))(?=\S)", re.I)
_AFTER_ABSTRACT = re.compile(
    r"(?:index terms|key ?words?(?: and phrases)?|ccs concepts|acm reference format|categories and subject"
    r"|general terms"
    r"|mathematics subject|msc \d|jel (?:codes?|classification)|(?:1|I)\.?\s+introduction|introduction$|contents$"
    r"|pacs|highlights"
    r"|table of contents|editors?:|plain language summary|code:|project page|significance statement)\b",
    re.I,
)
_BANNER = re.compile(
    r"arxiv:|doi\b|https?://|issn|vol(?:ume|\.)?\s*\d|published (?:as|in)|under review|^preprint|^received"
    r"|^submitted|^accepted"
    r"|copyright|©|contents lists|sciencedirect|open access$|replication /|^article$|^letter$|^review$|draft$|^paper$"
    r"|^(?:\w+ ){0,2}technical report$|^(?:review|survey) (?:article|paper)$|^research article"
    r"|^original (?:article|paper|research)|anonymous .{0,30}submission|^paper id",
    re.I,
)
_MASTHEAD = re.compile(r"(?:journal )?home ?page:|contents lists? available at", re.I)
"""A line of the head of a journal's page: the title stands below it."""
_POSTER = 6
"""Times the size of the running text from where on words are a decoration, not a title."""
_TITLE_LABEL = re.compile(r"(?:paper |article |manuscript )?title\s*:\s*", re.I)
_VENUE = re.compile(
    r"proceedings|journal of|conference|workshop|elsevier|usenix|ieee transactions|transactions on|manuscript", re.I
)
_ANONYMOUS = re.compile(
    r"anonymous (?:authors?|submission|\w+ submission|for)|double[- ]blind|^anonymous\b\W*$"
    r"|authors? (?:names? )?(?:withheld|omitted)",
    re.I,
)


@dataclass(slots=True)
class Front:
    """What stands before the first section. `end` is the index of the first line after the title and the authors."""

    title: str = ""
    authors: list[str] = field(default_factory=list)
    abstract: str = ""
    abstract_page: int = 0
    anonymous: bool = False
    end: int = 0
    title_lines: list[int] = field(default_factory=list)


def read_front(document: Document, meta_title: str, meta_author: str) -> Front:
    """Title, authors and abstract. The PDF's own metadata only fill in or confirm, never override what is printed."""
    front = Front()
    lines = document.lines
    behind_cover = title_after_cover(document)
    number = lines[behind_cover[0]].page if behind_cover else lines[0].page if lines else 1
    abstract = _abstract_start(document, number)
    first_page = [i for i, line in enumerate(lines) if line.page == number and line.role != "margin"]
    front.title_lines = behind_cover or _title_lines(document, first_page, abstract, meta_title)
    front.title = _title_text([lines[i] for i in front.title_lines])
    front.end = (max(front.title_lines) + 1) if front.title_lines else 0
    if abstract is not None:
        front.abstract = _abstract(document, abstract)
        front.abstract_page = lines[abstract].page
    elif unheaded := unheaded_abstract(document, [i for i in first_page if i >= front.end]):
        abstract = unheaded[0]
        front.abstract = join_paragraph(document, [lines[i].text for i in unheaded])
        front.abstract_page = lines[abstract].page
    block = _block(document, front, first_page, abstract)
    for line in block:
        line.role = "front"
    front.anonymous = any(_ANONYMOUS.search(line.text) for line in block)
    if not front.anonymous:
        front.authors = read_authors(block) or _from_meta(meta_author, document)
    return front


# --- title ----------------------------------------------------------------------------------------------------------


def _title_lines(document: Document, first_page: list[int], abstract: int | None, meta_title: str) -> list[int]:
    lines = document.lines
    if not first_page:
        return []
    height = document.pages[lines[first_page[0]].page - 1].height
    limit = (
        lines[abstract].y0
        if abstract is not None and lines[abstract].page == lines[first_page[0]].page
        else 0.62 * height
    )
    if limit < 0.12 * height:
        limit = 0.62 * height
    masthead = max((lines[i].base for i in first_page if _MASTHEAD.match(lines[i].text)), default=0.0)
    above = [i for i in first_page if masthead < lines[i].base and lines[i].y0 < limit and i != abstract]
    if named := _named_by_meta(document, above, meta_title):
        return named
    wordy = [i for i in above if letters(lines[i].text) >= 4 and not _BANNER.search(lines[i].text)]
    wordy = _without_venue(lines, [i for i in wordy if lines[i].size < _POSTER * document.body.size])
    if not wordy:
        return []
    biggest = max(_weight(lines[i], above, lines) for i in wordy)
    if biggest < document.body.size + 0.9:
        return _same_size_title(document, wordy)
    first = next(i for i in wordy if _weight(lines[i], above, lines) >= biggest - 0.4)
    return _title_run(document, _title_top(document, first, above))


def _title_top(document: Document, first: int, above: list[int]) -> int:
    """The title's first line: a line right above in the same type belongs to it, be it called like a meeting."""
    while first - 1 in above:
        line, before = document.lines[first], document.lines[first - 1]
        gap = line.base - before.base
        if not (_same_type(line, before) and before.font == line.font and 0 < gap < 1.5 * line.size):
            break
        first -= 1
    return first


def _without_venue(lines: list[Line], wordy: list[int]) -> list[int]:
    """Drops names of journals and meetings, unless nothing else is set as large: titles speak of workshops, too."""
    plain = [i for i in wordy if not _VENUE.search(lines[i].text)]
    size = max((lines[i].size for i in plain), default=0.0)
    return [i for i in wordy if i in plain or lines[i].size > 1.15 * size]


def _weight(line: Line, above: list[int], lines: list[Line]) -> float:
    """Size of a line; a single short word (a logo, a drop capital) counts only when it is the only one of its size."""
    if len(line.text.split()) >= 2 or letters(line.text) >= 12:
        return line.size
    near = [i for i in above if abs(lines[i].size - line.size) < 0.5 and letters(lines[i].text) >= 12]
    return line.size if near else 0.0


def _title_run(document: Document, first: int) -> list[int]:
    lines = document.lines
    head = lines[first]
    run = [first]
    for i in range(first + 1, min(first + 7, len(lines))):
        line, last = lines[i], lines[run[-1]]
        alike = _same_type(head, line) or _promised(head, last, line)
        beside = abs(line.base - last.base) < 0.3 * head.size
        below = 0 < line.base - last.base < 2.3 * head.size
        if line.page != head.page or not alike or not (beside or below) or _ABSTRACT_HEAD.fullmatch(unspace(line.text)):
            break
        run.append(i)
    return run


def _same_type(head: Line, line: Line) -> bool:
    """Whether a line is set like the title's first; a line of small capitals may hold no capital ("HENSION")."""
    if head.small_caps and not line.small_caps and line.font == head.font and line.text.isupper():
        return 0.68 * head.size < line.size < head.size + 0.8
    return abs(line.size - head.size) < 0.8 and line.bold == head.bold and line.small_caps == head.small_caps


def _promised(head: Line, last: Line, line: Line) -> bool:
    """Whether a title that stops at a colon or a dash goes on in another type of about its size."""
    return bool(re.search(r"[:–—-]$", last.text)) and abs(line.size - head.size) < 0.15 * head.size


def _same_size_title(document: Document, wordy: list[int]) -> list[int]:
    """A title no larger than the text (plain reports): the first bold or centred lines."""
    lines = document.lines
    for i in wordy[:6]:
        line = lines[i]
        middle = (document.body.left + document.body.right) / 2
        centred = abs((line.x0 + line.x1) / 2 - middle) < 12 and line.x0 > document.body.left + 12
        labelled = _TITLE_LABEL.match(line.text)
        if (line.bold or centred or line.text.isupper() or labelled) and letters(line.text) >= 10:
            return _title_run(document, i)
    return []


def _named_by_meta(document: Document, above: list[int], meta_title: str) -> list[int]:
    """The lines that print the title given in the metadata, if they do and it is more than a file name."""
    wanted = key(meta_title)
    if (
        len(meta_title.split()) < 3
        or len(wanted) < 12
        or re.search(r"\.(?:tex|docx?|pdf|dvi)$|^microsoft word|^untitled", meta_title, re.I)
    ):
        return []
    for start in range(len(above)):
        text, run = "", []
        for i in above[start : start + 7]:
            text += key(document.lines[i].text)
            run.append(i)
            if not wanted.startswith(text[: len(wanted)]):
                break
            if text == wanted:
                return run
    return []


def _title_text(lines: list[Line]) -> str:
    kept: list[str] = []
    for line in lines:
        spans = [s for s in line.spans if not _is_mark(s, line)]
        text = make_line(spans, line.page).text if spans and not line.small_caps else line.text
        only_small = lines[0].small_caps and not line.small_caps and line.size < 0.9 * lines[0].size
        kept.append(text.lower() if only_small else text)
    text = unspace(join_lines(kept, hyphenated_words(" ".join(kept))))
    return re.sub(r"[\s∗*†‡§¶]+$|(?<=[a-z])[∗*†‡]+", "", _TITLE_LABEL.sub("", text)).strip()


def _is_mark(span: Span, line: Line) -> bool:
    text = span.text.strip()
    raised = span.size < 0.82 * line.size and line.base - span.base > 0.12 * line.size
    return bool(text) and (
        (raised and len(text) <= 4 and not text.isupper()) or text in {"∗", "*", "†", "‡", "§", "¶", "⋆"}
    )


# --- authors --------------------------------------------------------------------------------------------------------


def _block(document: Document, front: Front, first_page: list[int], abstract: int | None) -> list[Line]:
    """Lines between title and abstract (or first section), top to bottom, on the title's page."""
    lines = document.lines
    if not front.title_lines:
        return []
    bottom = max(lines[i].base for i in front.title_lines)
    page = lines[front.title_lines[0]].page
    end = 0.6 * document.pages[page - 1].height
    if abstract is not None and lines[abstract].page == page and lines[abstract].base > bottom:
        end = lines[abstract].y0
    else:
        for i in first_page:
            line = lines[i]
            if (
                line.base > bottom
                and re.match(r"(?:(?:1|I)\.?\s+)?introduction\b", line.text, re.I)
                and stands_out(document, line)
            ):
                end = line.y0
                break
    block = [
        lines[i]
        for i in first_page
        if bottom < lines[i].base
        and lines[i].y1 <= end + 3
        and lines[i].role != "margin"
        and i not in front.title_lines
    ]
    return _row_by_row(block)


def _row_by_row(block: list[Line]) -> list[Line]:
    """Lines top to bottom and left to right: names stand in a grid, whatever columns the text has."""
    rows: list[list[Line]] = []
    for line in sorted(block, key=lambda line: line.base):
        if rows and line.base - rows[-1][0].base < 0.3 * line.size:
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.x0)]


def _from_meta(meta_author: str, document: Document) -> list[str]:
    """Authors of the metadata, but only those whose name is printed on the first page."""
    printed = key(" ".join(line.text for line in document.on_page(1)))
    names = [tidy_name(part) for part in re.split(r"[;,]| and ", clean(meta_author))]
    return [name for name in names if is_name(name) and key(name) in printed]


# --- abstract -------------------------------------------------------------------------------------------------------


def _abstract_start(document: Document, number: int) -> int | None:
    """Where the abstract begins, on page `number` or one of the two after it."""
    for i, line in enumerate(document.lines):
        if line.page < number:
            continue
        if line.page > number + 2:
            return None
        text = unspace(line.text)
        if _ABSTRACT_HEAD.fullmatch(text):
            return i
        if (match := _ABSTRACT_RUN_IN.match(text)) and _run_in_style(document, line, match.end()):
            return i
    return None


def _run_in_style(document: Document, line: Line, end: int) -> bool:
    """Whether "Abstract" at the head of a line is set off from what follows, by type or by punctuation."""
    first = line.spans[0]
    distinct = first.bold or first.italic or line.small_caps or first.text.strip().isupper() or line.bold
    uniform = len({(s.font, s.text.isupper()) for s in line.spans if letters(s.text) > 1}) < 2
    pointed = line.text[max(end - 2, 0) : end].strip() in {".", ":", "|", "—", "–", "-"}
    return pointed or (distinct and not uniform)


def _abstract(document: Document, start: int) -> str:
    lines = document.lines
    head = lines[start]
    kept: list[Line] = []
    texts: list[str] = []
    text = unspace(head.text)
    if not _ABSTRACT_HEAD.fullmatch(text) and (match := _ABSTRACT_RUN_IN.match(text)):
        texts.append(text[match.end() :])
        kept.append(head)
    aligned = any(abs(line.x0 - head.x0) < 3 for line in lines[start + 1 : start + 4])
    for line in lines[start + 1 :]:
        if line.role == "margin" or ((kept or aligned) and _left_of(line, kept, head)):
            continue
        if line.size < PICTURE * document.body.size or _is_footnote(document, line, kept):
            continue
        if _ends_abstract(document, line, kept, head):
            break
        if _beside(line, kept):
            continue
        kept.append(line)
        texts.append(line.text)
    return join_paragraph(document, texts)


def _ends_abstract(document: Document, line: Line, kept: list[Line], head: Line) -> bool:
    if len(kept) > 90 or line.page > head.page + 1:
        return True
    if _AFTER_ABSTRACT.match(unspace(line.text)):
        return True
    if not kept:
        return False
    if line.page > kept[-1].page and re.search(r"[.!?]$", kept[-1].text):
        return True
    first = kept[0] if kept[0] is not head or len(kept) == 1 else kept[1]
    if stands_out(document, line) and not stands_out(document, first) and _is_own_line(line) and not line.italic:
        return True
    gap = line.base - kept[-1].base
    if (
        line.page == kept[-1].page
        and line.column == kept[-1].column
        and gap > 2.6 * max(first.size, 9)
        and len(kept) > 3
    ):
        return True
    return abs(line.size - first.size) > 1.2 and len(kept) > 2


def _is_own_line(line: Line) -> bool:
    inked = [s for s in line.spans if letters(s.text) > 1]
    return all((s.bold, s.font) == (inked[0].bold, inked[0].font) for s in inked) or line.bold or line.small_caps


def _is_footnote(document: Document, line: Line, kept: list[Line]) -> bool:
    low = line.y0 > 0.7 * document.pages[line.page - 1].height
    return low and len(kept) > 1 and _beside(line, kept) and not _AFTER_ABSTRACT.match(line.text)


def _beside(line: Line, kept: list[Line]) -> bool:
    """Footnotes and side notes: smaller than the abstract."""
    if not kept:
        return letters(line.text) < 2
    return line.size < _first(kept).size - 0.9


def _left_of(line: Line, kept: list[Line], head: Line) -> bool:
    """Key words and dates in a box of their own, left of an abstract that does not begin there."""
    if line.page != head.page:
        return False
    if not kept:
        return line.x1 < head.x0
    return line.x1 < _first(kept).x0 and head.y0 < line.y1 and line.y0 < kept[-1].y1 + kept[-1].size


def _first(kept: list[Line]) -> Line:
    """The line that shows the abstract's own type: the second, when the first begins with the heading."""
    return kept[-1] if len(kept) == 1 else kept[1]
