"""What headings share: how they are numbered, called and styled, and the values that stand for them.

Judges single lines. Chains of headings are the matter of `heading_sight` and `heading_outline`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from copilot.domain.paper import Box
from copilot.paper.flow import Document
from copilot.paper.lines import Line
from copilot.paper.words import letters, unspace

NUMBERED = re.compile(r"(?:Section\s+)?(?P<num>\d{1,2}(?:\.\d{1,2}){0,3})(?:\.|:|\))?\s+(?P<title>\S.*)")
LETTERED = re.compile(r"(?:(?:Appendix|APPENDIX)\s+)?(?P<num>[A-Z](?:[.-]\d{1,2}){0,3})(?:\.|:)?\s+(?P<title>\S.*)")
APPENDIX = re.compile(
    r"(?:appendix|supplement(?:ary)?)\s+(?P<num>[A-Z]|\d{1,2})(?:\s*[.:–—-]\s*|\s+|$)(?P<title>.*)", re.I
)
ROMAN = re.compile(r"(?P<num>[IVX]{1,5})\.\s+(?P<title>\S.*)")
LEADER = re.compile(r"(?:\.\s?){4,}|…|\s\d{1,3}$")
CAPTION = re.compile(r"(?:extended data )?(?:figure|fig\.?|table|algorithm|listing|scheme)\s+[\dIVXA-Z]", re.I)
STATEMENT = re.compile(
    r"(?:theorem|lemma|definition|proposition|corollary|claim|conjecture|example|remark|proof|assumption|observation)\b",
    re.I,
)
MAIN = re.compile(
    r"introduction|background|related works?|methods?|methodology|materials? (?:and|&) methods|results?|experiments?"
    r"|results (?:and|&) discussion|discussions?|conclusions?|conclusions? and future works?"
    r"|experimental (?:setup|results)"
    r"|preliminaries|evaluation|analysis|data|model|future works?|summary|summary and conclusions?|literature review"
    r"|statement of need|problem (?:statement|formulation)",
    re.I,
)
BACK = re.compile(
    r"references?(?: and notes)?|bibliography|works cited|literature cited|acknowledge?ments?(?: and .{3,40})?"
    r"|(?:author|individual) contributions?(?: statement)?|ethic(?:s|al).{0,30}|limitations?(?: and .{3,30})?"
    r"|broader impacts?(?: statement)?|impact statement|reproducibility(?: statement| checklist)?"
    r"|(?:data|code|software)(?: and (?:data|code|materials?|software))? availability(?: statement)?"
    r"|(?:declaration of )?(?:conflicts? of|competing) interests?|funding|appendix|appendices"
    r"|supplementa(?:ry|l) (?:materials?|information)|(?:neurips )?paper checklist|disclosure.{0,20}"
    r"|acknowledge?ments? .{0,30}|use of (?:large language models|ai).{0,30}|llm usage.{0,30}"
    r"|availability(?: of .{3,40}| statement)?",
    re.I,
)
REFERENCES = re.compile(
    r"(?:(?:\d{1,2}|[IVX]{1,5}|[A-Z])\.?\s+)?(?:references?(?: and notes)?|bibliography|works cited"
    r"|literature cited)[.:]?",
    re.I,
)
ABSTRACT = re.compile(r"abstract|summary", re.I)
Style = tuple[str, float, bool]


@dataclass(slots=True)
class Heading:
    """A heading in place. `first` and `last` index the document's lines that print it (-1 when not found there)."""

    title: str
    number: str
    level: int
    page: int
    box: Box | None
    first: int = -1
    last: int = -1
    appendix: bool = False
    style: Style = ("", 0.0, False)


@dataclass(slots=True)
class Mark:
    """An outline entry or a named destination: where the PDF itself says that something begins."""

    title: str
    level: int
    page: int
    y: float
    x: float | None = None


def style_of(line: Line) -> Style:
    """What makes two headings look alike: font, size to half a point, small capitals."""
    return line.font, round(line.size * 2) / 2, line.small_caps


def stands_out(document: Document, line: Line) -> bool:
    """Whether a line looks different from running text, as headings do."""
    body = document.body
    if line.role in {"margin", "front"} or line.size < body.size - 1.6 or letters(line.text) < 3:
        return False
    first = next((s for s in line.spans if letters(s.text) > 1), line.spans[0])
    if first.mono or (first.math and not re.search(r"[^\W\d_]{4}", first.text)):
        return False
    if line.size > body.size + 0.7 or line.small_caps:
        return True
    if line.bold or (line.text.isupper() and letters(line.text) >= 5):
        return True
    return line.italic and line.font != body.font


def bold_prefix(document: Document, line: Line) -> str:
    """The bold beginning of a line that goes on in running text ("3.1. Data. We use"), or ""."""
    if not re.match(r"\d{1,2}\.\d", line.text):
        return ""
    parts: list[str] = []
    for span in line.spans:
        if span.text.strip() and not span.bold:
            break
        parts.append(span.text)
    text = "".join(parts).strip()
    return text if letters(text) >= 4 else ""


def numbering(line: Line) -> tuple[str, str] | None:
    for pattern in (NUMBERED, ROMAN, APPENDIX, LETTERED):
        if (match := pattern.fullmatch(unspace(line.text))) and is_titlelike(match.group("title")):
            return match.group("num").replace("-", "."), match.group("title")
    return None


def is_titlelike(text: str) -> bool:
    return not text or (
        letters(text) >= 2 and (text[0].isupper() or text[0] in "\"“‘'([-$¿«" or text[0].isdigit() or letters(text) > 5)
    )


def is_bare_appendix(text: str) -> bool:
    """Whether a line says "Appendix A" and nothing more: its title may stand below."""
    match = APPENDIX.fullmatch(unspace(text))
    return match is not None and not match.group("title")


def roman_value(text: str) -> int:
    values = {"I": 1, "V": 5, "X": 10}
    total = 0
    for ch, after in zip(text, [*text[1:], ""], strict=True):
        total += -values[ch] if after and values[after] > values[ch] else values[ch]
    return total


def strip_number(text: str, number: str) -> str:
    if not number:
        return text
    printed = re.escape(number).replace(r"\.", "[.-]")
    return re.sub(
        rf"^(?:Section\s+|Appendix\s+|Supplement(?:ary)?\s+)?{printed}(?:\s*[.:)–—-])?\s*",
        "",
        text,
        flags=re.I,
    )


def spanning(document: Document, first: int, last: int, number: str, title: str) -> Heading:
    lines = document.lines[first : last + 1]
    box = (min(x.x0 for x in lines), min(x.y0 for x in lines), max(x.x1 for x in lines), max(x.y1 for x in lines))
    return Heading(title.strip(" .:"), number, 1, lines[0].page, box, first, last, style=style_of(lines[0]))
