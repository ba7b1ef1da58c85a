"""report.md as a PDF: CommonMark -> HTML -> pages, with figures, page numbers and working links. Changes no number.

Each measured number links to an appendix that says what it is and from which journal entries it follows. A heading
stays with what it heads, the head of a table with its first row, and a hash in one piece. The same text gives the same
bytes with the same library and fonts.
"""

from __future__ import annotations

import html
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from copilot.report.cells import Bound

Keep = tuple[str, str]
"""Ids of two elements, the first of which may not end a page that the second does not stand on."""
MAX_CELLS = 800
"""Cells in the appendix; all of them are in cells.json."""
MAX_MARKDOWN = 1 << 20
MAX_BREAKS = 40
"""Page breaks that are put where a heading or the head of a table would stand alone; each costs one more layout."""
MAX_PICTURE = 460
"""Points; pictures keep the size that they were drawn for below it (the width stands in a PNG's header)."""
PAGE = (595.0, 842.0)
MARGIN = 54.0
CSS = """
body { font-family: sans-serif; font-size: 9.5pt; line-height: 1.35; color: #111827; }
h1 { font-size: 17pt; margin: 0 0 6pt 0; }
h2 { font-size: 12.5pt; margin: 14pt 0 4pt 0; color: #0b3d6b; }
h3 { font-size: 10.5pt; margin: 8pt 0 2pt 0; }
p { margin: 3pt 0 5pt 0; }
ul { margin: 2pt 0 6pt 0; padding-left: 14pt; }
li { margin: 1pt 0; }
blockquote { margin: 4pt 0 6pt 10pt; color: #374151; }
code { font-family: monospace; font-size: 8pt; color: #1f2937; }
table { border-collapse: collapse; margin: 4pt 0 8pt 0; font-size: 8.2pt; }
th { text-align: left; border-bottom: 1px solid #6b7280; padding: 2pt 5pt; }
td { border-bottom: 1px solid #d1d5db; padding: 2pt 5pt; vertical-align: top; }
a { color: #0b4f9e; text-decoration: none; }
.where { font-size: 7pt; }
.hash { font-size: 6.5pt; }
"""
_IMAGE = re.compile(r'<img src="figures/([A-Za-z0-9_-]+)\.svg" alt="([^"]*)" ?/?>')
_HASH = re.compile(r"<code>([0-9a-f]{64})</code>")


def html_of(text: str, cells: Mapping[str, Bound], widths: Mapping[str, int]) -> tuple[str, list[Keep]]:
    """The HTML that is set, and what must stay together in it.

    Raw HTML in the text stays text, links leave only to the appendix.
    """
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = parser.parse(text[:MAX_MARKDOWN])
    keeps = list(_keeps(_named(tokens)))
    body = str(parser.renderer.render(tokens, parser.options, {}))
    body = _IMAGE.sub(lambda match: _picture(match[1], match[2], widths), body)
    body = _HASH.sub(lambda match: f'<code class="hash">{match[1]}</code>', body)
    known = dict(list(cells.items())[:MAX_CELLS])
    body = re.sub(r'<a href="#(cell-[^"]*)">([^<]*)</a>', lambda m: m[0] if m[1] in known else m[2], body)
    keeps += [("numbers", key) for key in list(known)[:1]]
    return body + _appendix(known, len(cells) - len(known)), keeps


def _named(tokens: Sequence[Any]) -> list[tuple[str, str]]:
    """Tag and id of each block and each table row in order, after giving them the id."""
    named: list[tuple[str, str]] = []
    for token in tokens:
        if token.nesting == 1 and (token.level == 0 or token.tag == "tr"):
            token.attrSet("id", f"block-{len(named)}")
            named.append((token.tag, token.attrGet("id")))
    return named


def _keeps(blocks: Sequence[tuple[str, str]]) -> Iterator[Keep]:
    """Headings and the sentence before a table with what follows; of a table that is its head and first row."""
    first = None
    for place, (tag, name) in enumerate(blocks):
        follows = blocks[place + 1][0] if place + 1 < len(blocks) else ""
        if tag == "tr":
            continue
        first = first or name
        if tag == "table":
            rows = [row for kind, row in blocks[place + 1 : place + 3] if kind == "tr"]
            yield first, rows[-1]
        elif tag.startswith("h") or (tag == "p" and follows == "table"):
            continue
        elif first != name:
            yield first, name
        first = None


def _picture(name: str, caption: str, widths: Mapping[str, int]) -> str:
    width = min(MAX_PICTURE, widths.get(name, MAX_PICTURE))
    return f'<img src="{name}.png" style="width: {width}px"/><br/><i>{caption}</i>'


def _appendix(cells: Mapping[str, Bound], left_out: int) -> str:
    rows = "".join(
        f'<tr><td id="{key}">{html.escape(bound.text)}</td><td>{html.escape(bound.what)}</td>'
        f"<td>{_entries(bound.entries)}</td></tr>"
        for key, bound in cells.items()
    )
    more = f"<p>{left_out} more are in cells.json.</p>" if left_out else ""
    head = "<tr><th>number</th><th>what it is</th><th>journal entries</th></tr>"
    return (
        '<h2 id="numbers">Where each number comes from</h2><p>In the order of the report. cells.json holds the '
        "exact values, also of the numbers that stand in recorded sentences.</p>"
        f'<table class="where">{head}{rows}</table>{more}'
    )


def _entries(entries: list[int]) -> str:
    shown = ", ".join(str(entry) for entry in entries[:8])
    return shown + (f" and {len(entries) - 8} more" if len(entries) > 8 else "")


def pdf_of(text: str, cells: Mapping[str, Bound], pictures: Mapping[str, bytes], footer: str) -> bytes:
    """The PDF. `pictures`: figure name -> PNG; `footer` stands on each page beside its number."""
    import pymupdf

    archive = pymupdf.Archive()
    for name, data in pictures.items():
        archive.add(data, f"{name}.png")
    widths = {name: round(0.36 * int.from_bytes(data[16:20])) for name, data in pictures.items()}
    body, keeps = html_of(text, cells, widths)
    css = _with_breaks(body, keeps, archive)
    document = pymupdf.Story(html=body, user_css=css, archive=archive).write_with_links(_page)
    for number, page in enumerate(document, start=1):
        _foot(page, f"{footer}   page {number} of {document.page_count}")
    document.set_metadata({"title": footer, "producer": "", "creator": "", "creationDate": "", "modDate": ""})
    document.set_toc([])
    out = io.BytesIO()
    document.save(out, garbage=3, deflate=True, no_new_id=True)
    document.close()
    return out.getvalue()


def _with_breaks(body: str, keeps: Sequence[Keep], archive: Any) -> str:
    """The style with a page break before each element that would end a page alone."""
    css, broken = CSS, set[str]()
    for _ in range(MAX_BREAKS):
        pages = _pages(body, css, archive)
        alone = (first for first, second in keeps if first not in broken and pages.get(first) != pages.get(second))
        if (first := next(alone, None)) is None:
            return css
        broken.add(first)
        css += f"#{first} {{ page-break-before: always; }}\n"
    return css


def _pages(body: str, css: str, archive: Any) -> dict[str, int]:
    """On which page each element with an id begins."""
    import pymupdf

    story = pymupdf.Story(html=body, user_css=css, archive=archive)
    pages: dict[str, int] = {}
    page, more = 0, True
    while more:
        more, _ = story.place(_page(page, None)[1])
        story.element_positions(lambda position: pages.setdefault(position.id or "", position.page), {"page": page})
        story.draw(None)
        page += 1
    return pages


def _page(number: int, filled: Any) -> tuple[Any, Any, None]:
    import pymupdf

    width, height = PAGE
    return pymupdf.Rect(0, 0, width, height), pymupdf.Rect(MARGIN, MARGIN, width - MARGIN, height - MARGIN), None


def _foot(page: Any, words: str) -> None:
    page.insert_text((MARGIN, PAGE[1] - 28), words, fontsize=7, fontname="helv", color=(0.42, 0.45, 0.5))


def text_of(data: bytes) -> str:
    """All words of a PDF in order. Raises ValueError when it is none."""
    import pymupdf

    try:
        with pymupdf.open(stream=data, filetype="pdf") as document:
            return "\n".join(str(page.get_text()) for page in document)
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"it is not a readable PDF: {error}") from error
