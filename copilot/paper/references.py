"""The bibliography: where entries begin, and what an entry's authors, title, year, venue and identifiers are.

Entries are found by the PDF's cite destinations, by numbers, or by hanging indents. Looks nothing up.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from copilot.domain.paper import Reference
from copilot.paper.flow import Document
from copilot.paper.heading_words import REFERENCES, Heading, Mark, stands_out, style_of
from copilot.paper.lines import Line
from copilot.paper.names import PARTICLES
from copilot.paper.words import join_lines, unspace

_BRACKET = re.compile(r"\[(\d{1,3})\]")
_DOTTED = re.compile(r"(\d{1,3})\.(?=\s)")
_PLAIN = re.compile(r"\(?(\d{1,3})\)?(?=\s+[A-Z“\"])")
_LABEL = re.compile(r"\[([A-Za-z+&\s.,-]{1,30}\d{2,4}[a-z]?)\]")
_YEAR = re.compile(r"(?<![\d.])((?:19|20)\d{2})[a-z]?(?![\d])")
_DOI = re.compile(r"\b(10\.\d{4,9}/[^\s,;\"<>]+[^\s,;.\"<>)\]])", re.I)
_ARXIV = re.compile(
    r"(?:arxiv(?:\.org)?(?:/(?:abs|pdf)/|[:\s]+(?:preprint\s+)?(?:arxiv:)?\s*)|abs/)((?:\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7}))",
    re.I,
)
_REFERS = re.compile(r"(?:19|20)\d{2}|arxiv|https?://|doi|to appear|in press|forthcoming|n\.\s?d\.", re.I)
_URL = re.compile(r"https?://[^\s,;\"<>]+[^\s,;.\"<>)\]]")
_AFTER = re.compile(
    r"(?:conflicts? of interest|competing interests?|address(?:es)? (?:of|for) |author(?:s['’]?|['’]s)? address"
    r"|received:|citation:|copyright\b|©|publisher['’]?s note|about the authors?|correspondence(?: to)?:"
    r"|manus[ck]ript (?:received|submitted|eingereicht)|view publication stats)",
    re.I,
)
"""What journals print right behind the last entry."""
_AUTHOR_START = re.compile(
    r"(?:[A-Z][\w'’‘.-]+,?\s+(?:[A-Z]\.|[A-Z][\w'’-]+)|[A-Z]\.\s*(?:[A-Z]\.\s*)*[A-Z][\w'’-]+|[A-Z][\w-]+\.\s|[A-Z]\w+-?\w*,\s|(?:van|de|von|del|der)\s+[A-Z])"
)


@dataclass(slots=True)
class Span:
    """The lines of the bibliography: indices into the document, end exclusive."""

    first: int
    end: int
    page: int


def find_spans(document: Document, headings: list[Heading]) -> list[Span]:
    """The lines of every bibliography (an appendix may have its own): from its heading to the next main heading."""
    heads = [
        h for h in headings if REFERENCES.fullmatch(h.title) or REFERENCES.fullmatch(f"{h.number} {h.title}".strip())
    ]
    spots = [(h.last, h.page) for h in heads if h.last >= 0]
    if not spots:
        spots = [
            (i, line.page)
            for i, line in enumerate(document.lines)
            if REFERENCES.fullmatch(line.text)
            and (stands_out(document, line) or line.text.isupper() or line.size >= document.body.size)
        ]
    if not spots:
        return _unheaded_span(document)
    spots = [spot for i, spot in enumerate(spots) if i == 0 or not _nothing_between(document, spots[i - 1][0], spot[0])]
    stops = [h.first for h in headings if h.level == 1 or (h.appendix and h.number)]
    return [
        Span(at + 1, min((stop for stop in stops if stop > at + 2), default=len(document.lines)), page)
        for at, page in spots
    ]


def _unheaded_span(document: Document) -> list[Span]:
    """A bibliography that no heading announces: eight or more rising numbers in the second half that refer to works."""
    middle = len(document.lines) // 2
    tail = document.lines[middle:]
    for pattern in (_BRACKET, _DOTTED):
        starts = _numbered(tail, pattern)
        entries = [" ".join(x.text for x in tail[i:j]) for i, j in pairwise([*starts, len(tail)])]
        if len(entries) >= 8 and sum(bool(_REFERS.search(text[:600])) for text in entries) >= 0.8 * len(entries):
            first = middle + starts[0]
            return [Span(first, len(document.lines), document.lines[first].page)]
    return []


def _nothing_between(document: Document, first: int, second: int) -> bool:
    """Whether only a blank lies between two headings ("References", then "Primary studies")."""
    return not any(len(line.text) > 30 for line in document.lines[first + 1 : second])


def read_references(document: Document, spans: list[Span], cites: list[Mark], floats: set[int]) -> list[Reference]:
    """All entries in order of print. Cite destinations, when there are enough, decide where entries begin.

    `floats` are lines of figures and tables that stand among the entries.
    """
    seen: list[tuple[list[Line], int]] = []
    for span in spans:
        end = _next_heading(document, span)
        inside = (document.lines[i] for i in range(span.first, end) if i not in floats)
        lines = _without_end_matter([line for line in inside if line.role != "margin" and re.search(r"\w", line.text)])
        seen += [(entry, entry[0].page) for entry in split_entries(document, lines)]
    loose = any(mark.x is None and document.columns.get(mark.page) == 2 for mark in cites)
    if loose:
        closest = min(seen, _at_marks(seen, cites), key=lambda entries: abs(len(entries) - len(cites)))
        if abs(len(closest) - len(cites)) <= 0.1 * len(cites):
            return [parse_reference(join_lines(x.text for x in entry), page) for entry, page in closest]
    marked = _by_destination(document, cites, floats)
    if marked and (not seen or len(marked) >= 0.5 * len(seen)):
        return [parse_reference(text, page) for text, page in marked]
    return [parse_reference(join_lines(x.text for x in entry), page) for entry, page in seen]


def _without_end_matter(lines: list[Line]) -> list[Line]:
    """The lines up to what journals print behind the entries, when that stands in the last half."""
    half = len(lines) // 2
    end = next((i for i, line in enumerate(lines) if i > half and _AFTER.match(line.text)), len(lines))
    return lines[:end]


def _next_heading(document: Document, span: Span) -> int:
    """The first line after the bibliography's heading set like that heading or far larger, or the span's end."""
    head = document.lines[span.first - 1]
    if not REFERENCES.fullmatch(unspace(head.text)):
        return span.end
    for i in range(span.first + 2, span.end):
        line = document.lines[i]
        alike = style_of(line) == style_of(head) and line.bold == head.bold
        if (alike or line.size > head.size + 3) and stands_out(document, line):
            return i
    return span.end


# --- where entries begin --------------------------------------------------------------------------------------------


def _by_destination(document: Document, cites: list[Mark], floats: set[int]) -> list[tuple[str, int]]:
    """Entry texts cut at the named destinations "cite.KEY" (one per entry in hyperref documents)."""
    if len(cites) < 2:
        return []
    starts: dict[int, Mark] = {}
    for mark in cites:
        i = _line_at(document, mark)
        if i is not None:
            starts.setdefault(i, mark)
    if len(starts) < 0.7 * len(cites):
        return [("", mark.page) for mark in cites]
    order = sorted(starts)
    out: list[tuple[str, int]] = []
    for i, j in zip(order, [*order[1:], min(order[-1] + 12, len(document.lines))], strict=True):
        lines = _entry_lines(document, range(i, j), floats, last=j not in starts)
        out.append((join_lines(line.text for line in lines), document.lines[i].page))
    missing = len(cites) - len(out)
    return out + [("", cites[-1].page)] * missing


def _at_marks(seen: list[tuple[list[Line], int]], cites: list[Mark]) -> list[tuple[list[Line], int]]:
    """Entries as seen, those at whose height no destination stands joined to the one before.

    For destinations that name a height but no column.
    """
    out: list[tuple[list[Line], int]] = []
    for entry, page in seen:
        told = any(mark.page == page and -6 < entry[0].y0 - mark.y < 26 for mark in cites)
        if told or not out:
            out.append((entry, page))
        else:
            out[-1] = ([*out[-1][0], *entry], out[-1][1])
    return out


def _line_at(document: Document, mark: Mark) -> int | None:
    best: tuple[float, int] | None = None
    for i, line in enumerate(document.lines):
        if line.page != mark.page or not line.text:
            continue
        if document.columns.get(line.page) == 2 and mark.x is not None and not line.x0 - 40 < mark.x < line.x1:
            continue
        distance = abs(line.y0 - mark.y)
        if -6 < line.y0 - mark.y < 26 and (best is None or distance < best[0]):
            best = (distance, i)
    return best[1] if best else None


def _entry_lines(document: Document, indices: range, floats: set[int], last: bool) -> list[Line]:
    lines = [document.lines[i] for i in indices if i not in floats and document.lines[i].role != "margin"]
    if not last:
        return lines
    kept = lines[:1]
    for line in lines[1:]:
        same = line.page == kept[-1].page and line.column == kept[-1].column
        if not same or line.base - kept[-1].base > 1.6 * line.size or abs(line.size - kept[0].size) > 0.8:
            break
        if stands_out(document, line) and line.bold:
            break
        kept.append(line)
    return kept


def split_entries(document: Document, lines: list[Line]) -> list[list[Line]]:
    """Lines of a bibliography as entries: by a rising number at the margin, else by label, else by hanging indent."""
    for pattern in (_BRACKET, _DOTTED, _PLAIN):
        if (found := _numbered(lines, pattern)) and len(found) >= 2:
            return _cut(lines, found)
    labels = [i for i, line in enumerate(lines) if _LABEL.match(line.text)]
    if len(labels) >= 3:
        return _cut(lines, labels)
    return _unlabelled(document, lines)


def _numbered(lines: list[Line], pattern: re.Pattern[str]) -> list[int]:
    """Indices of lines that begin with 1, 2, 3, …; up to two numbers that are printed nowhere may be left out."""
    numbers = [(i, int(match.group(1))) for i, line in enumerate(lines) if (match := pattern.match(line.text))]
    printed = {number for _, number in numbers}
    found: list[int] = []
    expected = 1
    for i, number in numbers:
        missing = range(expected, number)
        if number == expected or (len(found) >= 3 and 1 <= len(missing) <= 2 and printed.isdisjoint(missing)):
            found.append(i)
            expected = number + 1
    return found


def _cut(lines: list[Line], starts: list[int]) -> list[list[Line]]:
    ends = [*starts[1:], len(lines)]
    entries = [lines[i:j] for i, j in zip(starts, ends, strict=True)]
    return [*entries[:-1], _trim(entries[-1])] if entries else []


def _trim(entry: list[Line]) -> list[Line]:
    kept = entry[:1]
    for line in entry[1:]:
        same = line.page == kept[-1].page and line.column == kept[-1].column
        if (
            (same and line.base - kept[-1].base > 2.2 * line.size)
            or abs(line.size - entry[0].size) > 0.9
            or len(kept) > 12
        ):
            break
        kept.append(line)
    return kept


def _unlabelled(document: Document, lines: list[Line]) -> list[list[Line]]:
    usual = Counter(round(line.size * 2) / 2 for line in lines[:40]).most_common(1)
    lines = [line for line in lines if usual and abs(line.size - usual[0][0]) <= 0.8]
    starts: list[int] = []
    hanging = _hanging(lines)
    leading = _usual_gap(lines)
    for i in range(len(lines)):
        if i == 0 or _begins(lines, i, hanging, leading):
            starts.append(i)
    entries = _cut(lines, starts) if lines else []
    while entries and not _REFERS.search(" ".join(line.text for line in entries[-1])):
        entries.pop()
    return entries


def _margins(lines: list[Line]) -> dict[tuple[int, int], float]:
    """Left edge of every page's columns."""
    edges: dict[tuple[int, int], float] = {}
    for line in lines:
        spot = (line.page, line.column)
        edges[spot] = min(edges.get(spot, line.x0), line.x0)
    return edges


def _hanging(lines: list[Line]) -> dict[int, bool]:
    """For each line index, whether it starts at its column's left edge; {} when entries have no hanging indent."""
    edges = _margins(lines)
    at_edge = {i: line.x0 - edges[(line.page, line.column)] < 3.5 for i, line in enumerate(lines)}
    indented = [i for i, line in enumerate(lines) if 4 < line.x0 - edges[(line.page, line.column)] < 45]
    return at_edge if len(indented) >= 0.25 * len(lines) else {}


def _usual_gap(lines: list[Line]) -> float:
    gaps = Counter(
        round(b.base - a.base)
        for a, b in pairwise(lines)
        if a.page == b.page and a.column == b.column and b.base > a.base
    )
    return float(min((gap for gap, n in gaps.items() if n >= 0.15 * sum(gaps.values())), default=12))


def _begins(lines: list[Line], i: int, hanging: dict[int, bool], leading: float) -> bool:
    line, before = lines[i], lines[i - 1]
    if hanging:
        return hanging[i] and not _starts_low(line.text)
    same = line.page == before.page and line.column == before.column
    starts_like_one = bool(_AUTHOR_START.match(line.text))
    if same:
        return line.base - before.base > 1.18 * leading and starts_like_one
    return (starts_like_one and before.text.rstrip().endswith((".", ")", "]"))) or (
        starts_like_one and bool(re.search(r"(?:19|20)\d{2}[a-z]?\.?$|\d\.$", before.text))
    )


def _starts_low(text: str) -> bool:
    """Whether a line goes on in the middle of a sentence; names may begin low, too ("van den Oord", "d'Autume")."""
    first = re.split(r"[\s'’]", text, maxsplit=1)[0]
    return first[:1].islower() and first not in PARTICLES and len(first) > 1


# --- what an entry says ---------------------------------------------------------------------------------------------


def parse_reference(text: str, page: int | None) -> Reference:
    """One entry split into its parts. Parts that could not be told apart stay empty; `text` is always whole."""
    text = text.strip()
    body = re.sub(r"^(?:\[[^\]]{1,40}\]|\(?\d{1,3}[.)]|\d{1,3}(?=\s+[A-Z]))\s*", "", text)
    year = _year(body)
    authors_text, rest = _split_authors(body, year)
    title, venue = _title_and_venue(rest)
    doi = _DOI.search(_unbroken(body))
    arxiv = _ARXIV.search(body)
    url = _URL.search(_unbroken(body))
    return Reference(
        text=text,
        authors=reference_authors(authors_text),
        title=title,
        year=year,
        venue=venue,
        doi=doi.group(1) if doi else "",
        arxiv_id=arxiv.group(1) if arxiv else "",
        url=url.group() if url else "",
        page=page,
    )


def _unbroken(text: str) -> str:
    return re.sub(r"(https?:|doi:|10\.\d{4,9}/)\s+", r"\1", re.sub(r"(https?://\S*[/._-])\s+(?=[\w])", r"\1", text))


def _year(text: str) -> int | None:
    without = _URL.sub(" ", _ARXIV.sub(" ", text))
    in_parens = re.search(r"\(((?:19|20)\d{2})[a-z]?\)", without)
    years = [int(y) for y in _YEAR.findall(without) if int(y) <= 2035]
    if in_parens:
        return int(in_parens.group(1))
    return years[-1] if years else None


def _split_authors(text: str, year: int | None) -> tuple[str, str]:
    """Author part and the rest: cut at the year after the authors, at a quotation mark, or at the first full stop."""
    match = re.match(r"(.{3,600}?)[\s,]*\(((?:19|20)\d{2})[a-z]?(?:,[^)]*)?\)[.,:]?\s+", text)
    if match and "“" not in match.group(1) and _looks_like_authors(match.group(1)):
        return match.group(1), text[match.end() :]
    match = re.match(r"(.{3,600}?)[.,]\s+((?:19|20)\d{2})[a-z]?\.\s+", text)
    if match and _looks_like_authors(match.group(1)):
        return match.group(1), text[match.end() :]
    if match := re.match(r"(.{3,600}?)[,.:]?\s*[“\"]", text):
        return match.group(1), text[match.end() - 1 :]
    for match in re.finditer(
        r"(?<=[^\W\d_]{2})[.:]\s+(?=[A-Z\d“\[$])|(?<=et al)\.\s+|(?<=\b[A-Z])\.\s+(?=[A-Z][a-z]*\s[a-z])"
        r"|(?<=[A-Z]\.):\s",
        text,
    ):
        head = text[: match.start()]
        if len(head) > 3 and _looks_like_authors(head):
            return head, text[match.end() :]
    return "", text


def _looks_like_authors(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text)
    if not words or len(text) > 900:
        return False
    lower = [w for w in words if w[0].islower() and w not in PARTICLES and w not in {"and", "et", "others"}]
    return len(lower) <= 0.12 * len(words) and (len(words) >= 2 or text.endswith(".") or len(words) == 1)


def _title_and_venue(rest: str) -> tuple[str, str]:
    rest = re.sub(r"^\(?(?:19|20)\d{2}[a-z]?\)?[.,]\s*", "", rest.strip())
    if quoted := re.match(r"[“\"](.{5,400}?)[,.]?[”\"]", rest):
        return quoted.group(1).strip(" ,."), rest[quoted.end() :].strip(" ,.")
    if match := re.match(
        r"(.{8,400}?[?!])\s+(?=[A-Z]|arXiv)|(.{8,400}?)\.\s+(?=[A-Z\d(h]|arXiv|http)|(.{8,400}?)\.?$", rest
    ):
        title = re.sub(r",\s*(?:19|20)\d\d[a-z]?$", "", next(group for group in match.groups() if group).strip(" ,."))
        return title, rest[match.end() :].strip(" ,.")
    return rest[:300].strip(" ,."), ""


def reference_authors(text: str) -> list[str]:
    """Names of an author list in any of the usual orders ("A. B. Cee", "Cee, A. B.", "Ann Cee")."""
    text = re.sub(r"\bet al\.?|\betal\b|\band others\b", "", text)
    text = re.sub(r"\s*(?:,\s*)?(?:&|\band\b)\s*", ", ", text).strip(" ,;")
    parts = [part.strip() for part in re.split(r"[;,]", text) if part.strip(" .")]
    out: list[str] = []
    for part in parts:
        initials = re.fullmatch(r"(?:[A-Z][.\s-]*){1,4}|(?:[A-Z]\.[\s-]*)+[A-Z]?|Jr\.?|III?", part)
        if initials and out and not re.search(r"\b[A-Z]\.", out[-1]):
            out[-1] = f"{part} {out[-1]}"
        elif len(part) > 1:
            out.append(part)
    return out[:100]
