"""A paper from its LaTeX source: title, abstract, headings with text, tables with cells, equations, bibliography.

Takes files in memory (see `eprint`). What the source does not say (pages, boxes) is left to `merge`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field
from itertools import islice

from copilot.paper.tex import (
    Macros,
    braced,
    bracketed,
    cut,
    environments,
    expand,
    flatten,
    plain,
    read_macros,
    strip_comments,
)

MAX_HEADINGS = 2000
MAX_TITLE = 2000
_LEVELS = {"part": 0, "chapter": 0, "section": 1, "subsection": 2, "subsubsection": 3, "paragraph": 4}
_HEADING = re.compile(
    r"\\((?:sub){0,2}section|chapter)(\*?)\s*(?=[\[{])|\\(appendix|appendices)\b|\\begin\{(appendix|appendices)\}"
)
_EQUATION = "equation|align|gather|multline|eqnarray|displaymath"
_TABLE = "(?:side(?:ways)?|wrap|long)?table"
_FIGURE = "(?:wrap|side(?:ways)?)?figure"
_LISTING = "verbatim|Verbatim|lstlisting|minted|alltt"


@dataclass(slots=True)
class SourceHeading:
    """A heading as typed, with the text up to the next one."""

    title: str
    level: int
    numbered: bool
    appendix: bool
    text: str = ""
    number: str = ""


@dataclass(slots=True)
class SourceTable:
    """Caption and cells of a table."""

    caption: str
    rows: list[list[str]]


@dataclass(slots=True)
class SourcePaper:
    """What the source of a paper says."""

    title: str = ""
    abstract: str = ""
    headings: list[SourceHeading] = field(default_factory=list)
    tables: list[SourceTable] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    equations: list[tuple[str, str]] = field(default_factory=list)
    """(LaTeX, number or "")."""
    references: list[str] = field(default_factory=list)


def find_main(files: dict[str, str]) -> str | None:
    """The file that LaTeX would be run on: it has a document class and a body; files in side folders come last."""

    def rank(name: str) -> tuple[int, int, int, int]:
        text = files[name]
        aside = name.count("/") + 3 * bool(re.search(r"(?:^|/)_*(?:old|backup|archive|template|example)", name, re.I))
        return (-aside, "\\title" in text, posixpath.splitext(name)[0] + ".bbl" in files, len(text))

    names = [
        name
        for name, text in files.items()
        if name.endswith((".tex", ".ltx", ".txt")) or "." not in posixpath.basename(name)
        if re.search(r"^[^%\n]*\\document(?:class|style)", text, re.M) and "\\begin{document}" in text
    ]
    return max(names, key=rank, default=None)


def read_source(files: dict[str, str]) -> SourcePaper | None:
    """The paper that the files say, or None when there is no main file."""
    main = find_main(files)
    if main is None:
        return None
    text = flatten(files, main)
    macros = read_macros(text)
    head, _, body = text.partition("\\begin{document}")
    body = body.partition("\\end{document}")[0]
    body = cut(body, environments(body, _LISTING))
    out = SourcePaper(title=_command(text, "title", macros), abstract=_abstract(head, body, macros))
    out.tables = [table for found in environments(body, _TABLE) if (table := _table(found.body, macros))]
    out.figures = [
        caption for found in environments(body, _FIGURE) if (caption := _command(found.body, "caption", macros))
    ]
    out.equations = _equations(body)
    out.headings = _headings(body, macros)
    out.references = _references(files, main, body, macros)
    return out


def _command(text: str, name: str, macros: Macros) -> str:
    for match in re.finditer(rf"\\{name}\*?(?![A-Za-z])", text):
        _, at = bracketed(text, match.end())
        if group := braced(text, at):
            return " ".join(plain(group[0], macros).split())
    return ""


def _abstract(head: str, body: str, macros: Macros) -> str:
    if found := next(environments(head + body, "abstract"), None):
        return plain(found.body, macros)
    return _command(head + body, "abstract", macros)


def _headings(body: str, macros: Macros) -> list[SourceHeading]:
    spots: list[tuple[int, int, SourceHeading]] = []
    appendix = False
    for match in islice(_HEADING.finditer(body), MAX_HEADINGS):
        if match.group(3) or match.group(4):
            appendix = True
            continue
        _, at = bracketed(body, match.end())
        group = braced(body, at, MAX_TITLE)
        if group is None:
            continue
        title = " ".join(plain(group[0], macros).split()).strip(" .")
        if title:
            spots.append(
                (match.start(), group[1], SourceHeading(title, _LEVELS[match.group(1)], not match.group(2), appendix))
            )
    floats = cut(body, environments(body, f"{_TABLE}|{_FIGURE}"), " ")
    floats = re.sub(r"\\begin\{thebibliography\}.*", lambda m: " " * len(m.group()), floats, flags=re.S)
    ends = [*(start for start, _, _ in spots[1:]), len(body)]
    for (_, begin, heading), end in zip(spots, ends, strict=False):
        heading.text = plain(floats[begin:end], macros)
    headings = [heading for _, _, heading in spots]
    _count(headings)
    return headings


def _count(headings: list[SourceHeading]) -> None:
    """Gives numbered headings the numbers that LaTeX would print."""
    counters = [0, 0, 0, 0]
    lettered = False
    for heading in headings:
        if not heading.numbered or not 1 <= heading.level <= 3:
            continue
        if heading.appendix and not lettered:
            counters, lettered = [0, 0, 0, 0], True
        counters[heading.level] += 1
        counters[heading.level + 1 :] = [0] * (3 - heading.level)
        first = chr(64 + min(counters[1], 26)) if lettered else str(counters[1])
        heading.number = ".".join([first, *map(str, counters[2 : heading.level + 1])])


def _table(body: str, macros: Macros) -> SourceTable | None:
    inner = re.search(r"\\begin\{(tabular[x*y]?|tabulary|longtable|array)\}(.*?)\\end\{\1\}", body, re.S)
    if not inner:
        return None
    text = inner.group(2)
    at = 0
    _, at = bracketed(text, at)
    for _ in range(2 if inner.group(1) in {"tabularx", "tabular*", "tabulary"} else 1):
        _, at = bracketed(text, at)
        if group := braced(text, at):
            at = group[1]
    rows = []
    for row in re.split(r"\\\\(?:\[[^\]]*\])?|\\tabularnewline", expand(text[at:], macros)):
        row = re.sub(r"\\cmidrule\s*(?:\([^)]*\))?\s*\{[^{}]*\}|\\cline\{[^{}]*\}", "", row)
        row = re.sub(
            r"\\(?:toprule|midrule|bottomrule|hline|hdashline|addlinespace|specialrule)(?:\[[^\]]*\])?", "", row
        )
        cells = [" ".join(plain(cell).split()) for cell in re.split(r"(?<!\\)&", row)]
        if any(cells):
            rows.append(cells)
    return SourceTable(_command(body, "caption", macros), rows) if rows else None


def _equations(body: str) -> list[tuple[str, str]]:
    out: list[tuple[str, str]] = []
    number = 0
    for found in environments(_with_brackets_named(body), _EQUATION):
        tex = found.body
        lines = 1 if found.name in {"equation", "multline"} else tex.count("\\\\") + 1
        numbered = not found.star and found.name != "displaymath"
        silent = len(re.findall(r"\\nonumber|\\notag", tex))
        if numbered:
            number += max(0, lines - silent)
        text = re.sub(r"\\label\{[^{}]*\}|\\nonumber|\\notag", "", tex)
        out.append((" ".join(text.split()), str(number) if numbered and lines - silent > 0 else ""))
    return out[:300]


def _with_brackets_named(body: str) -> str:
    r"""`\\[ … \\]` written as the environment that it stands for."""
    body = re.sub(r"(?<!\\)\\\[", lambda _: r"\begin{displaymath}", body)
    return re.sub(r"(?<!\\)\\\]", lambda _: r"\end{displaymath}", body)


def _references(files: dict[str, str], main: str, body: str, macros: Macros) -> list[str]:
    text = body if "\\bibitem" in body else ""
    stem = posixpath.splitext(main)[0]
    if not text:
        bibs = [name for name in files if name.endswith(".bbl")]
        best = stem + ".bbl" if stem + ".bbl" in files else min(bibs, key=len, default="")
        text = strip_comments(files[best]) if best else ""
    if "\\bibitem" in text:
        items = re.split(r"\\bibitem\b", text.partition("\\end{thebibliography}")[0])[1:]
        return [entry for item in items if (entry := _bibitem(item, macros))]
    if "\\entry{" in text:
        return [_biblatex(entry) for entry in re.split(r"\\entry\{", text)[1:]]
    return _cited(files, body)


def _bibitem(item: str, macros: Macros) -> str:
    _, at = bracketed(item, 0)
    group = braced(item, at)
    if group is None:
        return ""
    text = item[group[1] :].replace("\\newblock", " ").replace("\\urlprefix", "").replace("\\penalty0", "")
    return " ".join(plain(text, macros).split())


def _biblatex(entry: str) -> str:
    names = re.findall(r"family=\{?([^,{}]+)\}?.*?given=\{?([^,{}]+)\}?", entry, re.S)
    title = re.search(r"\\field\{title\}\{(.*?)\}\n", entry, re.S)
    year = re.search(r"\\field\{year\}\{(\d{4})\}", entry)
    authors = ", ".join(f"{given} {family}" for family, given in names[:30])
    return " ".join(f"{authors}. {plain(title.group(1)) if title else ''}. {year.group(1) if year else ''}.".split())


def _cited(files: dict[str, str], body: str) -> list[str]:
    """Entries of the .bib files that the text cites, when the bibliography was not typeset into the source."""
    keys = {
        key.strip()
        for match in re.finditer(r"\\[A-Za-z]*cite[A-Za-z]*\*?(?:\[[^\[\]]{0,300}\]){0,2}\{([^{}]+)\}", body)
        for key in match.group(1).split(",")
    }
    out: list[str] = []
    for name, text in files.items():
        if not name.endswith(".bib"):
            continue
        for match in re.finditer(r"@\w+\s*\{\s*([^,\s]+)\s*,(.*?)(?=\n\s*@|\Z)", text, re.S):
            if match.group(1) in keys or "*" in keys:
                keys.discard(match.group(1))
                out.append(_bib_text(match.group(2)))
    return out


def _bib_text(body: str) -> str:
    def value(name: str) -> str:
        match = re.search(rf"\b{name}\s*=\s*(?=[{{\"\d])", body, re.I)
        if not match:
            return ""
        if group := braced(body, match.end()):
            return " ".join(plain(group[0]).split())
        simple = re.match(r'"([^"]*)"|(\d+)', body[match.end() :])
        return " ".join(plain(simple.group(1) or simple.group(2) or "").split()) if simple else ""

    authors = ", ".join(
        " ".join(reversed([part.strip() for part in name.split(",", 1)]))
        for name in re.split(r"\s+and\s+", value("author"))
    )
    parts = [authors, value("title"), value("journal") or value("booktitle"), value("year")]
    return ". ".join(part.strip(" .") for part in parts if part) + "."
