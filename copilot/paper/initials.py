"""Large first letters ("drop capitals") put back before the line that they begin.

Works on one page's lines. Changes no other line.
"""

from __future__ import annotations

from dataclasses import replace

from copilot.paper.lines import Line, PageLines, make_line

_LARGE = 1.8
"""Times the size of the running text from where on a lone capital is a drop capital."""


def join_initials(page: PageLines, size: float) -> None:
    """Joins each lone capital much larger than `size` (points) to the line right of its top."""
    for capital in [line for line in page.lines if _is_initial(line, size)]:
        beside = [line for line in page.lines if _begins_beside(capital, line)]
        first = min(beside, key=lambda line: abs(line.y0 - capital.y0), default=None)
        if first is None:
            continue
        box = (capital.x0, first.y0, first.x0, first.y1)
        spans = [replace(capital.spans[0], text=capital.text, box=box, size=first.size, base=first.base), *first.spans]
        page.lines[page.lines.index(first)] = make_line(spans, page.number)
        page.lines.remove(capital)


def _is_initial(line: Line, size: float) -> bool:
    return len(line.text) == 1 and line.text.isupper() and line.size > _LARGE * size


def _begins_beside(capital: Line, line: Line) -> bool:
    """Whether a line of ordinary size starts right of a capital, at its height."""
    near = -2 < line.x0 - capital.x1 < 0.4 * capital.size
    return near and line.size < capital.size / 1.5 and capital.y0 - 2 < (line.y0 + line.y1) / 2 < capital.base + 2
