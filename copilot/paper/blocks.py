"""Rows that run across columns taken apart, so that what stands side by side is never read as one sentence.

For places whose columns the reading order did not see: a short stretch in two columns (under an abstract on a first
page), captions side by side. Looks at gaps between words only. Cells of tables are left as they are: a row of short
pieces is one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from copilot.paper.lines import Line, Span, make_line
from copilot.paper.words import letters

WIDE = 0.5
"""A gap between two words wider than this share of the type size may be the space between columns."""
WORDY = 12
"""Letters that each side has on average: less is a cell of a table or a label."""
Gap = tuple[float, float]


def unlaced(lines: Sequence[Line]) -> list[Line]:
    """The lines, with each stretch of two or more rows that share a gap given column by column, left one first."""
    rows = _rows(lines)
    out: list[Line] = []
    at = 0
    while at < len(rows):
        end, gap = _stretch(rows, at)
        if gap is None:
            out += rows[at]
            at += 1
            continue
        left, right = _sides(rows[at:end], gap)
        out += [*left, *unlaced(right)]
        at = end
    return out


def _rows(lines: Sequence[Line]) -> list[list[Line]]:
    """Lines that follow each other on one baseline, left to right, together."""
    rows: list[list[Line]] = []
    for line in lines:
        last = rows[-1][-1] if rows else None
        if last and last.page == line.page and abs(last.base - line.base) < 0.3 * line.size and last.x1 < line.x0:
            rows[-1].append(line)
        else:
            rows.append([line])
    return rows


def _spans(row: Sequence[Line]) -> list[Span]:
    return [span for line in row for span in line.spans if span.text.strip()]


def _gaps(row: Sequence[Line]) -> list[Gap]:
    return [(a.box[2], b.box[0]) for a, b in pairwise(_spans(row)) if b.box[0] - a.box[2] > WIDE * max(a.size, b.size)]


def _stretch(rows: Sequence[list[Line]], at: int) -> tuple[int, Gap | None]:
    """Where the rows end that share a gap with the row `at`, and that gap; None when it is no space between columns."""
    for gap in _gaps(rows[at]):
        end, shared, two_sided = at + 1, gap, 1
        while end < len(rows) and _follows(rows[end - 1], rows[end]):
            common = _common(shared, rows[end])
            if common is None:
                break
            two_sided += _is_two_sided(rows[end], common)
            shared, end = common, end + 1
        if two_sided > 1 and _is_wordy(rows[at:end], shared, two_sided):
            return end, shared
    return at, None


def _follows(row: Sequence[Line], after: Sequence[Line]) -> bool:
    return row[0].page == after[0].page and 0 < after[0].base - row[0].base < 2 * row[0].size


def _common(gap: Gap, row: Sequence[Line]) -> Gap | None:
    """What of the gap stays free of ink in this row too."""
    left, right = gap
    for span in _spans(row):
        if span.box[0] < (left + right) / 2:
            left = max(left, span.box[2])
        else:
            right = min(right, span.box[0])
    return (left, right) if right - left > WIDE * row[0].size else None


def _is_two_sided(row: Sequence[Line], gap: Gap) -> bool:
    return row[0].x0 < gap[0] < gap[1] < row[-1].x1


def _is_wordy(rows: Sequence[list[Line]], gap: Gap, two_sided: int) -> bool:
    middle = (gap[0] + gap[1]) / 2
    total = [0, 0]
    for row in rows:
        for span in _spans(row):
            total[span.box[0] >= middle] += letters(span.text)
    return min(total) >= WORDY * two_sided


def _sides(rows: Sequence[list[Line]], gap: Gap) -> tuple[list[Line], list[Line]]:
    middle = (gap[0] + gap[1]) / 2
    left: list[Line] = []
    right: list[Line] = []
    for row in rows:
        spans = _spans(row)
        for side, part in (
            (left, [s for s in spans if s.box[0] < middle]),
            (right, [s for s in spans if s.box[0] >= middle]),
        ):
            if part:
                side.append(_piece(part, row[0]))
    return left, right


def _piece(spans: list[Span], of: Line) -> Line:
    line = make_line(spans, of.page)
    line.column, line.role = of.column, of.role
    return line
