"""Whether a cover stands before a paper: archives and publishers put a page there that says where the file comes from.

Looks at what that page says and at what is printed again after it. Reads no title block.
"""

from __future__ import annotations

import re

from copilot.paper.flow import Document
from copilot.paper.words import key, letters

_COVER = re.compile(
    r"see discussions, stats|scroll down for|was downloaded (?:by|from)|downloaded from|research collection"
    r"|scholarlycommons|digital commons|open access archive|archive ouverte|to cite this (?:article|version|paper|item)"
    r"|(?:suggested|recommended) citation|citation for published|published version|accepted manuscript|postprint"
    r"|permanent link|link to (?:publication|published|record)|persistent (?:link|url)|general rights|terms of use"
    r"|jstor|repository|this is the author|users may download|is included in the proceedings",
    re.I,
)
_LAST = 3
"""A cover may have a second page; the paper begins here at the latest."""


def title_after_cover(document: Document) -> list[int]:
    """Indices of the lines that print the title where the paper begins, or [] when no cover stands before it.

    A cover says that it is one, and the title stands on it as well as in large type on a page behind it.
    """
    first = document.on_page(1)
    if not _COVER.search(" ".join(line.text for line in first)):
        return []
    told = key(" ".join(line.text for line in first))
    best: list[int] = []
    for number in range(2, _LAST + 1):
        found = max((_repeated(document, i, told) for i in _large(document, number)), key=len, default=[])
        best = found or best
    return best


def _large(document: Document, number: int) -> list[int]:
    """Lines of a page's upper part in larger type than the running text."""
    if number > len(document.pages):
        return []
    page = document.pages[number - 1]
    return [
        i
        for i, line in enumerate(document.lines)
        if line.page == number and line.size > document.body.size + 1 and line.y0 < 0.6 * page.height
    ]


def _repeated(document: Document, start: int, told: str) -> list[int]:
    """The longest run of lines of one size from `start` whose words `told` holds; [] for less than a title's length."""
    lines = document.lines
    text, run = "", []
    for i in range(start, min(start + 7, len(lines))):
        alike = lines[i].page == lines[start].page and abs(lines[i].size - lines[start].size) < 0.8
        text += key(lines[i].text)
        if not alike or text not in told:
            break
        run.append(i)
    return run if sum(letters(lines[i].text) for i in run) >= 18 else []
