"""Reading order: columns, margins, running heads and line numbers of a whole document; lines in, ordered lines out.

Works on geometry and repetition only. Does not know what a heading or a title is.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from itertools import pairwise

from copilot.domain.paper import Box
from copilot.paper.blocks import unlaced
from copilot.paper.initials import join_initials
from copilot.paper.lines import Line, PageLines, Span, make_line
from copilot.paper.words import letters

_NUMBER_ONLY = re.compile(r"[-–— ]*(\d{1,4})[-–— ]*")
_PAGE_OF = re.compile(r"(?:page )?\d{1,4}(?: ?(?:/|of) ?\d{1,4})?|[ivxlc]{1,6}", re.I)
_HEADING_NUMBER = re.compile(r"(?:\d{1,3}(?:\.\d{1,2})*|[IVX]{1,5}|[A-H])\.?")
_EDGE = 0.09
"""Share of the page height, top and bottom, where running heads stand."""


@dataclass(slots=True)
class Body:
    """The style of the running text and where it stands: left and right edge in points."""

    font: str
    size: float
    left: float
    right: float
    leading: float

    @property
    def width(self) -> float:
        return self.right - self.left


@dataclass(slots=True)
class Document:
    """All pages after sorting. `lines` is the reading order without running heads, page and line numbers."""

    pages: list[PageLines]
    body: Body
    lines: list[Line] = field(default_factory=list)
    columns: dict[int, int] = field(default_factory=dict)
    running: list[str] = field(default_factory=list)

    def on_page(self, number: int) -> list[Line]:
        """Reading-order lines of one page, from 1."""
        return [line for line in self.lines if line.page == number]


def arrange(pages: list[PageLines]) -> Document:
    """Puts the lines of all pages into reading order and drops what repeats in the margins."""
    body = _body(pages)
    for page in pages:
        join_initials(page, body.size)
    running = _drop_running(pages, body)
    _drop_line_numbers(pages, body)
    _drop_small_numbers(pages, body)
    document = Document(pages, body, running=running)
    gutters = [_gutter(page, body, strict=False) for page in pages]
    mostly_two = sum(gutter is not None for gutter in gutters) >= 0.5 * len(pages)
    if not mostly_two:
        gutters = [_gutter(page, body, strict=True) for page in pages]
    for page, gutter in zip(pages, gutters, strict=True):
        document.columns[page.number] = 1 if gutter is None else 2
        ordered = _order(page, gutter, body)
        document.lines.extend(unlaced(ordered) if gutter is None and mostly_two else ordered)
    document.body.leading = _leading(document.lines, body)
    return document


def _body(pages: list[PageLines]) -> Body:
    weight: Counter[tuple[str, float]] = Counter()
    for page in pages:
        for line in page.lines:
            weight[(line.font, round(line.size * 2) / 2)] += letters(line.text)
    if not weight:
        return Body("", 10.0, 0.0, 612.0, 12.0)
    sizes: Counter[float] = Counter()
    for (_, size), count in weight.items():
        sizes[size] += count
    size = sizes.most_common(1)[0][0]
    font = max((count, name) for (name, s), count in weight.items() if abs(s - size) <= 0.5)[1]
    lefts, rights = Counter[int](), Counter[int]()
    for page in pages:
        for line in page.lines:
            if abs(line.size - size) <= 0.75 and letters(line.text) > 15:
                lefts[round(line.x0 / 3)] += 1
                rights[round(line.x1 / 3)] += 1
    return Body(font, size, _edge(lefts, low=True), _edge(rights, low=False), size * 1.2)


def _edge(counts: Counter[int], low: bool) -> float:
    """Outermost position that at least 6 % of the text lines share."""
    total = sum(counts.values())
    strong = [spot for spot, count in counts.items() if count >= 0.06 * total]
    if not strong:
        return 72.0 if low else 540.0
    return 3.0 * (min(strong) if low else max(strong))


def _drop_running(pages: list[PageLines], body: Body) -> list[str]:
    seen: defaultdict[str, list[tuple[PageLines, Line]]] = defaultdict(list)
    for page in pages:
        for line in page.lines:
            at_edge = line.y1 < _EDGE * page.height or line.y0 > (1 - _EDGE) * page.height
            if at_edge and not _numbers_what_follows(page, line, body):
                seen[re.sub(r"\d+", "#", line.text)].append((page, line))
    dropped: list[str] = []
    for text, spots in seen.items():
        numbers = {page.number for page, _ in spots}
        if len(numbers) >= max(2, 0.2 * len(pages)) or _PAGE_OF.fullmatch(spots[0][1].text):
            dropped.append(text)
            for page, line in spots:
                page.lines.remove(line)
    _drop_page_numbers(pages, body)
    return dropped


def _numbers_what_follows(page: PageLines, line: Line, body: Body) -> bool:
    """Whether a short number belongs to the heading or entry right of it ("3  Results" at the top of page 3)."""
    if not _HEADING_NUMBER.fullmatch(line.text):
        return False
    if not (line.text.endswith(".") or line.bold or line.small_caps or line.size > body.size + 0.7):
        return False
    return any(
        other.style == line.style and abs(other.base - line.base) < 1 and 0 < other.x0 - line.x1 < 3 * line.size
        for other in page.lines
    )


def _drop_page_numbers(pages: list[PageLines], body: Body) -> None:
    """Numbers that stand alone as first or last line and grow with the page, wherever on the page they stand."""
    offsets: Counter[int] = Counter()
    found: list[tuple[PageLines, Line, int]] = []
    for page in pages:
        if not page.lines:
            continue
        ordered = sorted(page.lines, key=lambda line: line.base)
        for line in {id(x): x for x in (*ordered[:2], *ordered[-2:])}.values():
            match = _NUMBER_ONLY.fullmatch(line.text)
            if match and not _numbers_what_follows(page, line, body):
                offset = int(match.group(1)) - page.number
                offsets[offset] += 1
                found.append((page, line, offset))
    if offsets and (best := offsets.most_common(1)[0])[1] >= max(2, 0.4 * len(pages)):
        for page, line, offset in found:
            if offset == best[0]:
                page.lines.remove(line)


def _drop_line_numbers(pages: list[PageLines], body: Body) -> None:
    for page in pages:
        groups: defaultdict[int, list[Line]] = defaultdict(list)
        for line in page.lines:
            if _NUMBER_ONLY.fullmatch(line.text):
                groups[round(line.x1 / 6)].append(line)
        for group in groups.values():
            if _counts_up(group) and _in_margin(group, page, body):
                for line in group:
                    page.lines.remove(line)


def _drop_small_numbers(pages: list[PageLines], body: Body) -> None:
    """Line numbers that a page has too few of to tell: small numbers that count up through the whole document.

    They stand between columns too, where captions and an abstract cross their place.
    """
    sizes: defaultdict[float, list[tuple[PageLines, Line, int]]] = defaultdict(list)
    for page in pages:
        for line in page.lines:
            if line.size <= body.size - 1.5 and (match := _NUMBER_ONLY.fullmatch(line.text)):
                sizes[round(line.size, 1)].append((page, line, int(match.group(1))))
    for found in sizes.values():
        values = sorted({value for _, _, value in found})
        steps = Counter(b - a for a, b in pairwise(values))
        if len(values) >= 12 and len(values) >= 0.9 * len(found) and steps.most_common(1)[0][1] >= 0.7 * len(values):
            for page, line, _ in found:
                page.lines.remove(line)


def _counts_up(group: list[Line]) -> bool:
    ordered = sorted(group, key=lambda line: line.base)
    values = [int(m.group(1)) for line in ordered if (m := _NUMBER_ONLY.fullmatch(line.text))]
    steps = Counter(b - a for a, b in pairwise(values))
    return (
        len(values) >= 4
        and bool(steps)
        and steps.most_common(1)[0][0] > 0
        and steps.most_common(1)[0][1] >= 0.7 * (len(values) - 1)
    )


def _in_margin(group: list[Line], page: PageLines, body: Body) -> bool:
    x0, x1 = min(line.x0 for line in group), max(line.x1 for line in group)
    tall = max(line.y1 for line in group) - min(line.y0 for line in group) > 0.3 * page.height
    if x1 <= body.left + 2 or x0 >= body.right - 2:
        return tall or len(group) >= 8
    covered = sum(1 for line in page.lines if line.x0 < x1 and line.x1 > x0 and letters(line.text) > 15)
    return tall and covered <= 2


def _gutter(page: PageLines, body: Body, strict: bool) -> float | None:
    """x of the gap between two columns, or None for a page set in one; `strict` for papers mostly set in one."""
    lines = [line for line in page.lines if letters(line.text) >= 8]
    total = sum(len(line.text) for line in lines)
    if total < 200 or body.width < 200:
        return None
    middle = (body.left + body.right) / 2
    spots = [middle + step * body.width / 100 for step in range(-6, 7)]
    best = min(spots, key=lambda x: (_crossing(lines, x), abs(x - middle)))
    half = [line for line in lines if 0.25 * body.width < line.x1 - line.x0 < 0.56 * body.width]
    left = sum(len(line.text) for line in half if line.x1 <= best + 4)
    right = sum(len(line.text) for line in half if line.x0 >= best - 4)
    crossing = _crossing(lines, best)
    share = 0.3 if strict else 0.08
    if min(left, right) >= share * total and left + right >= 0.35 * total and left + right > 0.5 * crossing:
        return best
    if not strict and left >= 0.7 * total and crossing <= 0.1 * total:
        return best
    return None


def _crossing(lines: list[Line], x: float) -> int:
    return sum(len(line.text) for line in lines if line.x0 < x - 2 and line.x1 > x + 2)


_HANGING = re.compile(r"\(?(?:\d{1,2}(?:\.\d{1,2})*|[A-Z](?:\.\d{1,2})*|[IVX]+|•|–|-|\*)[.)]?")


def _order(page: PageLines, gutter: float | None, body: Body) -> list[Line]:
    """Lines of one page in reading order; notes in the outer margins come last, with the role "margin"."""
    edge = _side_note_edge(page, body)
    notes = [line for line in page.lines if _is_margin_note(line, body) or _is_side_note(line, edge, body)]
    for line in notes:
        line.role = "margin"
    main = [line for line in page.lines if line.role != "margin"]
    return _order_columns(page, main, gutter) + sorted(notes, key=lambda line: line.base)


def _is_margin_note(line: Line, body: Body) -> bool:
    outside = line.x1 < body.left - 2 or line.x0 > body.right + 2
    return outside and not _HANGING.fullmatch(line.text)


def _side_note_edge(page: PageLines, body: Body) -> Box | None:
    """The box of the wide lines of a first page, when a narrow column of smaller notes stands left of them.

    Journals set "Edited by", "Received" and "Correspondence" beside abstract and text there.
    """
    if page.number != 1:
        return None
    set_in = [line for line in page.lines if line.x0 > body.left + 2 * body.size and line.size > body.size - 0.8]
    wide = [line for line in set_in if line.x1 - line.x0 > 0.5 * body.width]
    if len(wide) < 4:
        return None
    left = Counter(round(line.x0) for line in wide).most_common(1)[0][0]
    beside = [line for line in wide if abs(line.x0 - left) < 3]
    box = (left - 3.0, min(line.y0 for line in beside) - body.leading, page.width, max(line.y1 for line in beside))
    return box if sum(_is_side_note(line, box, body) for line in page.lines) >= 4 else None


def _is_side_note(line: Line, edge: Box | None, body: Body) -> bool:
    small = line.size < body.size - 1.1
    return edge is not None and small and line.x1 <= edge[0] and line.y0 >= edge[1]


def _order_columns(page: PageLines, lines: list[Line], gutter: float | None) -> list[Line]:
    if gutter is None:
        return _merge(lines)
    slack = 0.03 * page.width
    out: list[Line] = []
    sides: tuple[list[Line], list[Line]] = ([], [])
    across = [line for line in lines if line.x0 < gutter - slack and line.x1 > gutter + slack]
    taken = {id(line) for line in across}
    cuts: list[Line] = []
    for line in sorted(across, key=lambda line: line.base):
        pieces = [other for other in lines if id(other) not in taken and _touches(line, other)]
        taken.update(map(id, pieces))
        cuts += _merge([line, *pieces])
    rest = sorted((line for line in lines if id(line) not in taken), key=lambda line: line.base)
    for line in rest:
        line.column = 0 if (line.x0 + line.x1) / 2 < gutter else 1
    for cut in [*cuts, None]:
        while rest and (cut is None or rest[0].base < cut.base - 1):
            line = rest.pop(0)
            sides[line.column].append(line)
        if cut is not None and sides != ([], []) and _splits_nothing(cut, sides, rest):
            continue
        out += _merge(sides[0]) + _merge(sides[1])
        sides[0].clear()
        sides[1].clear()
        if cut is not None:
            cut.column = 2
            out.append(cut)
    return out


def _touches(line: Line, other: Line) -> bool:
    """Whether another piece of text carries on a line on its baseline, or is a label before it ("Abstract:")."""
    after, before = other.x0 - line.x1, line.x0 - other.x1
    near = 0 <= after < 1.2 * line.size or 0 <= before < 4 * line.size
    return near and abs(other.base - line.base) < 0.2 * line.size


def _splits_nothing(cut: Line, sides: tuple[list[Line], list[Line]], rest: list[Line]) -> bool:
    """A short label across the gutter with no words in it (a rule of dots, a lone number) orders nothing."""
    if letters(cut.text) >= 3:
        return False
    sides[0].append(cut)
    return True


def _merge(lines: list[Line]) -> list[Line]:
    """Fragments on one baseline become one line, left to right; lines come top to bottom."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda item: (item.base, item.x0)):
        if rows and _same_row(rows[-1], line):
            rows[-1].append(line)
        else:
            rows.append([line])
    out: list[Line] = []
    for row in rows:
        out.extend(_join_row(sorted(row, key=lambda item: item.x0)))
    return out


def _same_row(row: list[Line], line: Line) -> bool:
    anchor = max(row, key=lambda item: item.size)
    if anchor.size > 2 * line.size:
        return abs(line.base - anchor.base) < 0.3 * line.size
    close = abs(line.base - anchor.base) < 0.3 * max(anchor.size, line.size)
    inside = line.size < anchor.size and abs(line.base - anchor.base) < 0.45 * anchor.size
    return close or inside


def _join_row(row: list[Line]) -> list[Line]:
    """Fragments of one row, joined where no wide gap parts them; the longest so far says how wide is wide."""
    runs: list[list[tuple[Line, bool]]] = [[(row[0], False)]]
    chief, end = row[0], row[0].x1
    for line in row[1:]:
        gap = line.x0 - end
        if -0.5 * chief.size < gap < 2.3 * max(chief.size, line.size):
            runs[-1].append((line, gap > 0.15 * chief.size))
            chief, end = max(chief, line, key=lambda item: len(item.text)), max(end, line.x1)
        else:
            runs.append([(line, False)])
            chief, end = line, line.x1
    return [_join(run) for run in runs]


def _join(run: list[tuple[Line, bool]]) -> Line:
    """One line from fragments, each with whether a space goes before it."""
    first = run[0][0]
    if len(run) == 1:
        return first
    spans: list[Span] = []
    for line, spaced in run:
        if spaced:
            spans[-1] = replace(spans[-1], text=spans[-1].text + " ")
        spans += line.spans
    joined = make_line(spans, first.page)
    joined.column = first.column
    return joined


def _leading(lines: list[Line], body: Body) -> float:
    gaps: Counter[float] = Counter()
    for a, b in pairwise(lines):
        if a.page == b.page and a.column == b.column and abs(a.size - body.size) < 0.6 and 0 < b.base - a.base < 40:
            gaps[round(b.base - a.base, 0)] += 1
    return gaps.most_common(1)[0][0] if gaps else body.size * 1.2
