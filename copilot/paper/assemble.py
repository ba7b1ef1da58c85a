"""From an opened PDF to a `Paper`: asks each reader for its part and puts the parts together.

Runs inside the bounded child process. Opens files; starts nothing and fetches nothing.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from copilot.domain.paper import Paper, Section
from copilot.paper.arxiv_id import find_stamp
from copilot.paper.blocks import unlaced
from copilot.paper.caution import injection_warnings, looks_like_paper, scrambled, unreadable
from copilot.paper.floats import equations, figures_and_tables, links
from copilot.paper.flow import Document, arrange
from copilot.paper.front import Front, read_front
from copilot.paper.heading_words import Heading, Mark
from copilot.paper.headings import find_headings
from copilot.paper.limits import ReadLimits
from copilot.paper.lines import Line, PageLines, read_page
from copilot.paper.ocr import WARNING, hint
from copilot.paper.references import find_spans, read_references
from copilot.paper.words import clean, hyphenated_words, join_lines

MAX_LINKS = 2000
"""Links of one page that are looked at."""


class Refused(Exception):
    """This file cannot be read as a paper; the text is one sentence for a person. `kind` is a word for code."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def parse_pdf(
    path: Path, password: str | None, limits: ReadLimits, language_data: str | None = None, ocr: bool = False
) -> Paper:
    """The paper in a PDF file. With `ocr`, pages without text are recognised by Tesseract, whose data lie in
    `language_data`. Raises Refused with one clear sentence."""
    data = path.read_bytes()
    pdf = open_pdf(data, path.name, password)
    warnings: list[str] = []
    if pdf.is_repaired:
        warnings.append("The file is damaged; it was repaired while reading, and parts may be missing.")
    if ocr and not language_data:
        raise Refused("no_ocr", "OCR was asked for, but Tesseract (with its data for English) is not installed here.")
    pages = _read_pages(pdf, limits, warnings, language_data if ocr else None)
    if not pages:
        raise Refused("empty", f"{path.name} has no page that could be read; get an undamaged copy.")
    if any(page.recognised for page in pages):
        warnings.append(WARNING)
    _check_text(pages, warnings, language_data)
    paper = _assemble(pdf, pages, warnings, hashlib.sha256(data).hexdigest(), str(path))
    pdf.close()
    return paper


def open_pdf(data: bytes, name: str, password: str | None) -> Any:
    """An opened `pymupdf.Document`, unlocked. Raises Refused for what is not a readable PDF."""
    import pymupdf

    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    if re.match(rb"\s*(?:<!doctype html|<html)", data[:200], re.I):
        raise Refused("not_pdf", f"{name} is a web page, not a PDF (a login page or an error?); get the PDF itself.")
    if b"%PDF-" not in data[:1024]:
        raise Refused("not_pdf", f"{name} is not a PDF file (it does not begin like one).")
    try:
        pdf = pymupdf.open(stream=data, filetype="pdf")
        if pdf.needs_pass and not (password and pdf.authenticate(password)):
            why = "the password given does not open it" if password else "give it with --password"
            raise Refused("password", f"{name} is encrypted and needs a password: {why}.")
        if pdf.page_count < 1:
            raise Refused("empty", f"{name} has no pages; it is damaged or not a PDF.")
    except faults() as error:
        raise Refused("damaged", f"{name} cannot be opened as a PDF: it is damaged or not a PDF.") from error
    return pdf


def faults() -> tuple[type[Exception], ...]:
    """What PyMuPDF raises on a damaged document: its own errors, and Python's where its code trips over one."""
    import pymupdf

    mupdf_error: type[Exception] = pymupdf.mupdf.FzErrorBase
    return RuntimeError, ValueError, TypeError, KeyError, IndexError, AttributeError, OSError, mupdf_error


def _read_pages(pdf: Any, limits: ReadLimits, warnings: list[str], language_data: str | None) -> list[PageLines]:
    pages: list[PageLines] = []
    deadline = time.monotonic() + 0.6 * limits.seconds
    broken: list[int] = []
    for number in range(1, min(pdf.page_count, limits.max_pages) + 1):
        if time.monotonic() > deadline:
            warnings.append(f"Reading took too long: only the first {number - 1} of {pdf.page_count} pages were read.")
            break
        try:
            pages.append(read_page(pdf[number - 1], number, limits.max_page_chars, language_data))
        except faults():
            broken.append(number)
            pages.append(PageLines(number, 612.0, 792.0, []))
    if broken:
        warnings.append(f"{len(broken)} of {pdf.page_count} pages could not be read (first: page {broken[0]}).")
        if len(broken) == len(pages):
            return []
    if pdf.page_count > limits.max_pages:
        warnings.append(f"Only the first {limits.max_pages} of {pdf.page_count} pages were read.")
    return pages


def _assemble(pdf: Any, pages: list[PageLines], warnings: list[str], sha256: str, source: str) -> Paper:
    rotated = [text for page in pages for text in page.rotated]
    hidden = [(page.number, text) for page in pages for text in page.hidden]
    bad, chars = sum(p.bad_chars for p in pages), sum(p.chars for p in pages) - sum(len(text) for _, text in hidden)
    legible = sum(len(line.text) for page in pages for line in page.lines)
    document = arrange(pages)
    outline, anchors, cites = _marks(pdf, document)
    meta = pdf.metadata or {}
    front = read_front(document, meta.get("title") or "", meta.get("author") or "")
    figures, tables, taken = figures_and_tables(document)
    for i in taken:
        document.lines[i].role = document.lines[i].role or "float"
    headings = find_headings(document, outline, anchors, front.end, front.title)
    references = read_references(document, find_spans(document, headings), cites, taken)
    texts = page_texts(document, taken)
    garbled = unreadable(bad, chars, legible, texts) or scrambled(texts)
    if garbled:
        warnings.append(
            "The text layer is unreadable (its fonts do not say which characters they show); OCR would be needed."
        )
    warnings.extend(injection_warnings(texts, hidden))
    paperlike = looks_like_paper(texts, [h.title for h in headings], len(references), bool(front.abstract), front.title)
    paperlike = paperlike and not garbled
    if not paperlike and not any(text.startswith("No text layer") for text in warnings):
        warnings.append("This does not look like a research paper: it lacks most of abstract, sections and references.")
    return Paper(
        source=source,
        sha256=sha256,
        title=front.title,
        authors=front.authors,
        abstract=front.abstract,
        sections=_sections(document, headings, taken, front),
        references=references,
        figures=figures,
        tables=tables,
        equations=equations(document),
        links=links(document, _embedded_links(pdf, len(pages))),
        warnings=warnings,
        pages=pdf.page_count,
        page_texts=texts,
        arxiv_id=find_stamp(rotated, texts[0] if texts else ""),
        looks_like_paper=paperlike,
        recognised=any(page.recognised for page in pages),
    )


def _check_text(pages: list[PageLines], warnings: list[str], language_data: str | None) -> None:
    """Warns, or names OCR, when there is nothing to read. Vertical writing is text; a stamp on a margin is not."""
    wordless = [page for page in pages if page.chars < 20 and sum(map(len, page.rotated)) < 200]
    empty = [page for page in wordless if page.chars == 0 or page.images]
    pictures = [page for page in wordless if _is_picture(page)]
    if len(empty) == len(pages):
        warnings.append("No text layer: the pages are pictures (a scan). " + hint(language_data))
    elif missing := empty if len(empty) > 0.5 * len(pages) > 1 else pictures:
        count = f"{len(missing)} of {len(pages)} pages have no text layer (first: page {missing[0].number})"
        warnings.append(f"{count}: what they show was not read. " + hint(language_data))


def _is_picture(page: PageLines) -> bool:
    """Whether one picture covers most of a page, as in a scan."""
    return any((x1 - x0) * (y1 - y0) > 0.6 * page.width * page.height for x0, y0, x1, y1 in page.images)


def page_texts(document: Document, floats: set[int]) -> list[str]:
    """Plain text of each page: the running text in reading order, then captions, tables and margin notes.

    A blank line stands where the text does not go on: no quote may run across it.
    """
    hyphens = hyphenated_words(" ".join(line.text for line in document.lines))
    main: defaultdict[int, list[Line]] = defaultdict(list)
    aside: defaultdict[int, list[Line]] = defaultdict(list)
    for i, line in enumerate(document.lines):
        (aside if i in floats or line.role == "margin" else main)[line.page].append(line)
    out: list[str] = []
    for page in document.pages:
        parts = (_paragraphs(document, unlaced(lines[page.number]), hyphens) for lines in (main, aside))
        text = "\n\n".join("\n".join(part) for part in parts if part)
        out.append(text or clean("\n".join(page.rotated)))
    return out


def _paragraphs(document: Document, lines: list[Line], hyphens: frozenset[str]) -> list[str]:
    paragraphs: list[list[str]] = []
    last: Line | None = None
    for line in lines:
        if last is None or _breaks(document, last, line):
            paragraphs.append([])
        paragraphs[-1].append(line.text)
        last = line
    return [join_lines(paragraph, hyphens) for paragraph in paragraphs]


def _breaks(document: Document, last: Line, line: Line) -> bool:
    if last.text.endswith("-") and line.text[:1].islower():
        return False
    if last.page != line.page or last.column != line.column:
        return bool(re.search(r"[.!?:]$", last.text)) or abs(last.size - line.size) > 0.7
    gap = line.base - last.base
    if gap > 1.35 * document.body.leading or gap < -1 or abs(last.size - line.size) > 0.9 or last.bold != line.bold:
        return True
    indent = line.x0 - last.x0
    return bool(7 < indent < 40 and re.search(r"[.!?:]$", last.text))


def _sections(document: Document, headings: list[Heading], taken: set[int], front: Front) -> list[Section]:
    hyphens = hyphenated_words(" ".join(line.text for line in document.lines))
    out: list[Section] = []
    ends = [*(heading.first for heading in headings[1:]), len(document.lines)]
    for heading, end in zip(headings, ends, strict=False):
        lines = [
            document.lines[i]
            for i in range(heading.last + 1, end)
            if i not in taken and document.lines[i].role != "margin"
        ]
        text = "\n".join(_paragraphs(document, lines, hyphens))
        if re.fullmatch(r"abstract|summary", heading.title, re.I) and front.abstract:
            text = front.abstract
        out.append(
            Section(
                title=heading.title,
                level=heading.level,
                number=heading.number,
                page=heading.page,
                box=heading.box,
                text=text,
                appendix=heading.appendix,
            )
        )
    return out


def _marks(pdf: Any, document: Document) -> tuple[list[Mark], list[Mark], list[Mark]]:
    """Outline entries, section destinations and cite destinations. A damaged outline counts as none."""
    try:
        outline = [_outline_mark(document, entry) for entry in pdf.get_toc(simple=False)[:2000]]
    except faults():
        outline = []
    try:
        names = pdf.resolve_names()
    except faults():
        names = {}
    anchors, cites = [], []
    for name, target in list(names.items())[:20_000]:
        mark = _name_mark(name, target, document)
        if mark and re.match(r"(?:sub)*section\.|appendix\.", name):
            anchors.append(mark)
        elif mark and re.match(r"cite\.", name):
            cites.append(mark)
    order = {page.number: page.number for page in document.pages}
    return (
        [m for m in outline if m],
        anchors,
        sorted((c for c in _distinct(cites) if c.page in order), key=lambda m: m.page),
    )


def _outline_mark(document: Document, entry: list[Any]) -> Mark:
    level, title, page = int(entry[0]), str(entry[1]), int(entry[2])
    to = entry[3].get("to") if len(entry) > 3 and isinstance(entry[3], dict) else None
    known = to is not None and 1 <= page <= len(document.pages)
    y = document.pages[page - 1].height - float(to.y) if known and to is not None else 0.0
    return Mark(" ".join(title.split()), level, max(page, 1), y)


def _name_mark(name: str, target: dict[str, Any], document: Document) -> Mark | None:
    page = int(target.get("page", -1)) + 1
    to = target.get("to")
    if not 1 <= page <= len(document.pages) or to is None:
        return None
    x = float(to[0]) or None  # 0 stands for "wherever the page is": a destination of the kind FitH
    return Mark(name, 1, page, document.pages[page - 1].height - float(to[1]), x)


def _distinct(cites: list[Mark]) -> list[Mark]:
    """One mark per citation key: biblatex adds a reference-section number before the same key ("cite.0@key")."""
    seen: dict[str, Mark] = {}
    for mark in cites:
        seen.setdefault(re.sub(r"^cite\.(?:\d+@)?", "", mark.title), mark)
    return list(seen.values())


def _page_links(page: Any) -> list[str]:
    """Addresses that a page links to, through MuPDF's own list: `Page.get_links` looks each one up anew.

    At most MAX_LINKS links are looked at.
    """
    import pymupdf

    mupdf = pymupdf.mupdf
    out: list[str] = []
    link = mupdf.fz_load_links(page.this)
    for _ in range(MAX_LINKS):
        if not link.m_internal:
            break
        if mupdf.fz_is_external_link(link.m_internal.uri):
            out.append(str(link.m_internal.uri))
        after = link.m_internal.next
        link = mupdf.FzLink(mupdf.ll_fz_keep_link(after)) if after else mupdf.FzLink()
    return out


def _embedded_links(pdf: Any, count: int) -> list[tuple[str, int]]:
    out: list[tuple[str, int]] = []
    for number in range(count):
        try:
            out.extend((uri, number + 1) for uri in _page_links(pdf[number]))
        except faults():
            continue
    return out
