"""An abstract that no heading announces: the first long paragraph under the authors, if it is set apart from the text.

Looks at the title's page only. Abstracts with a heading are the matter of `front`.
"""

from __future__ import annotations

import re

from copilot.paper.flow import Document
from copilot.paper.heading_words import stands_out
from copilot.paper.lines import Line
from copilot.paper.names import is_name, split_names
from copilot.paper.words import hyphenated_words, join_lines

_LONG = 40
"""Words that a paragraph of a title page needs to be an abstract or running text, not an address."""
PICTURE = 0.72
"""Share of the running text's size below which text on a title page belongs to a picture or a footnote."""
_OPENING = re.compile(r"(?:(?:1|I)\b\.?\s*)?(?:introduction|background|motivation|main)\b.{0,40}", re.I)
_ADDRESS = re.compile(r"@|universit|institut|department|laborator|school of|correspond|edited by|\bUSA\b", re.I)


def unheaded_abstract(document: Document, after_title: list[int]) -> list[int]:
    """Indices of the abstract's lines among those that follow the title, or [] when nothing looks like one.

    The first long paragraph decides: it is an abstract when its type, size or width differs from the running text, or
    when the heading of the introduction comes after it.
    """
    lines = document.lines
    opening = next(
        (i for i in after_title if _OPENING.fullmatch(lines[i].text) and stands_out(document, lines[i])), None
    )
    before = [i for i in after_title if opening is None or i < opening]
    for paragraph in _paragraphs(document, before):
        text = " ".join(lines[i].text for i in paragraph)
        if len(text.split()) < _LONG or len(_ADDRESS.findall(text)) >= 2 or text[0].islower() or _lists_people(text):
            continue
        if lines[paragraph[0]].size < PICTURE * document.body.size:
            continue
        if opening is not None or all(_apart(document, lines[i]) for i in paragraph[:4]):
            return paragraph
        return []
    return []


def _lists_people(text: str) -> bool:
    listed = split_names(text)
    return sum(map(is_name, listed)) > 0.5 * len(listed)


def join_paragraph(document: Document, texts: list[str]) -> str:
    """Lines as one string, hyphens at line ends judged by how the whole paper spells its words."""
    return join_lines(texts, hyphenated_words(" ".join(line.text for line in document.lines))).strip()


def _paragraphs(document: Document, indices: list[int]) -> list[list[int]]:
    out: list[list[int]] = []
    for i in indices:
        if out and _goes_on(document, document.lines[out[-1][-1]], document.lines[i]):
            out[-1].append(i)
        else:
            out.append([i])
    return out


def _goes_on(document: Document, last: Line, line: Line) -> bool:
    below = last.column == line.column or (last.column == 2 and abs(last.x0 - line.x0) < 3)
    alike = abs(last.size - line.size) < 0.6 and last.bold == line.bold and below
    return alike and 0 <= line.base - last.base < 1.7 * last.size and line.role != "margin"


def _apart(document: Document, line: Line) -> bool:
    """Whether a line differs from running text: bold, italic, of another size, set in, or across both columns."""
    body = document.body
    if line.bold or line.italic or abs(line.size - body.size) >= 0.4:
        return True
    if document.columns.get(line.page) == 2:
        return line.column == 2
    return line.x0 > body.left + 10 and line.x1 < body.right - 10
