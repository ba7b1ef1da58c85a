"""From a PDF page to lines of text with place, size and style; tells visible text from hidden and rotated text.

The only module that talks to PyMuPDF's text extraction. Does not know columns, reading order or what a line means.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from copilot.domain.paper import Box
from copilot.paper.ocr import even_sizes, recognise
from copilot.paper.words import clean, letters

_BOLD = re.compile(
    r"bold|medi(?!um ?ital)|black|heavy|demi|semib|cmbx|cmssbx|sfbx|ecbx|-bd|bx\d|[-,.]b(?:i|t)?$|(?-i:[a-z]BI?$)", re.I
)
_ITALIC = re.compile(r"ital|obli|cmti|cmsl|-it$|\.b?i$|slant|(?-i:[a-z]B?I$)", re.I)
_MONO = re.compile(r"mono|courier|typewr|cmtt|consol|inconsol|txtt|t1xtt|zi4|sftt|ectt|cmcsc.*tt|lmtt|menlo", re.I)
_MATH = re.compile(r"cmsy|cmmi|cmex|msam|msbm|symbol|math|stix|eufm|rsfs|txsy|pxsy|mtsy|mt2sy|mt2mi|txmi|pxmi", re.I)
_TABLE = re.compile(r"tab(?:le|\.)", re.I)
Word = tuple[float, float, float, float, str]
_CROWDED = 1500
"""Lines on a page from where on pieces without a word (the marks of a plot drawn as text) are left out."""
TINY = 2.0
"""Text below this size in points cannot be read on paper."""


@lru_cache(maxsize=4096)
def _named(pattern: re.Pattern[str], font: str) -> bool:
    return bool(pattern.search(font))


@dataclass(slots=True)
class Span:
    """A run of one style; `base` is its baseline in points from the top."""

    text: str
    box: Box
    size: float
    font: str
    base: float
    flags: int = 0
    """PyMuPDF's span flags: 2 italic, 8 monospaced, 16 bold, from the font's descriptor."""

    @property
    def bold(self) -> bool:
        return bool(self.flags & 16) or _named(_BOLD, self.font)

    @property
    def italic(self) -> bool:
        return bool(self.flags & 2) or _named(_ITALIC, self.font)

    @property
    def mono(self) -> bool:
        return _named(_MONO, self.font)

    @property
    def math(self) -> bool:
        return _named(_MATH, self.font)


@dataclass(slots=True)
class Line:
    """Horizontal text on one baseline. `size`, `font` are those of most of its letters."""

    spans: list[Span]
    page: int
    box: Box
    size: float = 0.0
    font: str = ""
    text: str = ""
    bold: bool = False
    italic: bool = False
    small_caps: bool = False
    base: float = 0.0
    column: int = 0
    role: str = ""

    @property
    def x0(self) -> float:
        return self.box[0]

    @property
    def x1(self) -> float:
        return self.box[2]

    @property
    def y0(self) -> float:
        return self.box[1]

    @property
    def y1(self) -> float:
        return self.box[3]

    @property
    def style(self) -> tuple[str, float]:
        return self.font, round(self.size * 2) / 2


@dataclass(slots=True)
class PageLines:
    """One page: visible horizontal lines in drawing order, and what was set aside."""

    number: int
    width: float
    height: float
    lines: list[Line]
    rotated: list[str] = field(default_factory=list)
    rotated_boxes: list[Box] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    images: list[Box] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    """Words with their boxes, only on pages that print a table's caption."""
    bad_chars: int = 0
    chars: int = 0
    recognised: bool = False
    """Whether the text comes from OCR."""


def read_page(page: Any, number: int, max_chars: int, language_data: str | None = None) -> PageLines:
    """Lines of a `pymupdf.Page`. At most `max_chars` characters are kept; a page with more is cut there.

    A page without text is given to OCR when `language_data` names Tesseract's folder.
    """
    text_page = _upright_text(page)
    recognised = bool(language_data) and len(text_page.extractText().strip()) < 20
    if language_data and recognised:
        text_page = recognise(page, language_data)
    data = text_page.extractDICT()
    out = PageLines(number, float(page.rect.width), float(page.rect.height), [])
    out.recognised = recognised
    if recognised:
        even_sizes(data["blocks"])
    contrast = _Contrast(page, _is_text_layer(data))
    drawn: set[tuple[str, int, int]] = set()
    if not any(block.get("lines") for block in data["blocks"]):
        out.images = [tuple(info["bbox"]) for info in page.get_image_info()[:50]]
    for block in data["blocks"]:
        for raw in block.get("lines", ()):
            if out.chars > max_chars:
                return out
            if not _drawn_before(raw, drawn):
                _take_line(out, raw, contrast)
    if any(_TABLE.match(line.text) for line in out.lines):
        words = [(w[0], w[1], w[2], w[3], w[4]) for w in text_page.extractWORDS()]
        out.words = [word for word in words if not _is_rotated(word, out)]
    return out


def _upright_text(page: Any) -> Any:
    """A page's `pymupdf.TextPage`, the page turned (in memory) so that its text runs from left to right.

    Landscape pages are turned by the PDF to be read; pages that were turned for a screen are turned back.
    """
    import pymupdf

    flags = pymupdf.TEXT_PRESERVE_WHITESPACE
    turn = page.rotation
    if turn:
        page.set_rotation(0)
    text_page = page.get_textpage(flags=flags)
    if turn:
        lines = [line for block in text_page.extractDICT()["blocks"] for line in block.get("lines", ())]
        if sum(abs(line["dir"][1]) > 0.5 or line["dir"][0] < -0.5 for line in lines) > 0.5 * len(lines):
            page.set_rotation(turn)
            return page.get_textpage(flags=flags, matrix=page.rotation_matrix)
    return text_page


def _is_text_layer(data: dict[str, Any]) -> bool:
    """Whether most of a page's text is unpainted, as in a scan that was recognised before."""
    painted: Counter[bool] = Counter()
    for block in data["blocks"]:
        for line in block.get("lines", ()):
            for span in line["spans"]:
                painted[not _is_unpainted(span)] += len(span["text"])
    return painted[False] > painted[True]


def _is_unpainted(span: dict[str, Any]) -> bool:
    return "char_flags" in span and not span["char_flags"] & 0b11000


def _drawn_before(raw: dict[str, Any], drawn: set[tuple[str, int, int]]) -> bool:
    """Whether a line stands where the same was drawn already: some programs draw twice to make type look bold."""
    spot = "".join(span["text"] for span in raw["spans"]), round(raw["bbox"][0]), round(raw["bbox"][1])
    again = spot in drawn and len(spot[0]) > 3
    drawn.add(spot)
    return again


def _take_line(out: PageLines, raw: dict[str, Any], contrast: _Contrast) -> None:
    direction = raw["dir"]
    if abs(direction[1]) > 0.05 or direction[0] < 0 or raw.get("wmode"):
        if text := "".join(span["text"] for span in raw["spans"]).strip():
            out.rotated.append(text)
            out.rotated_boxes.append(tuple(raw["bbox"]))
        return
    visible: list[dict[str, Any]] = []
    for span in raw["spans"]:
        text = span["text"]
        out.chars += len(text)
        out.bad_chars += text.count("\ufffd")
        if text.strip() and _is_hidden(span, out, contrast):
            out.hidden.append(text.strip())
        else:
            visible.append(span)
    if len(out.lines) > _CROWDED and sum(map(letters, (s["text"] for s in visible))) < 3:
        return
    if any(s["text"].strip() for s in visible):
        out.lines.append(make_line([_span(s) for s in visible], out.number))


def _is_rotated(word: Word, page: PageLines) -> bool:
    """Whether a word is part of rotated text (a watermark), which must not fall into table cells."""
    for text, (x0, y0, x1, y1) in zip(page.rotated, page.rotated_boxes, strict=True):
        if (
            word[4] in text.split()
            and x0 - 1 <= word[0]
            and word[2] <= x1 + 1
            and y0 - 1 <= word[1]
            and word[3] <= y1 + 1
        ):
            return True
    return False


def _span(raw: dict[str, Any]) -> Span:
    x0, y0, x1, y1 = raw["bbox"]
    base = float(raw["origin"][1])
    return Span(raw["text"], (x0, y0, x1, y1), float(raw["size"]), str(raw["font"]), base, int(raw["flags"]))


def make_line(spans: list[Span], page: int) -> Line:
    """A line from spans in reading order, with its text, dominant style and box worked out."""
    while len(spans) > 1 and not spans[0].text.strip():
        spans = spans[1:]
    while len(spans) > 1 and not spans[-1].text.strip():
        spans = spans[:-1]
    inked = [s for s in spans if s.text.strip()] or spans
    lefts, tops, rights, bottoms = zip(*(s.box for s in inked), strict=True)
    styles: Counter[tuple[str, float]] = Counter()
    bases: Counter[float] = Counter()
    bold = italic = weight = 0
    for span in inked:
        length = len(span.text.strip())
        styles[(span.font, round(span.size, 1))] += length
        bases[round(span.base, 1)] += 1
        weight += length
        bold += length * span.bold
        italic += length * span.italic
    font, size = max(styles, key=styles.__getitem__)
    line = Line(spans, page, (min(lefts), min(tops), max(rights), max(bottoms)), size, font)
    line.bold, line.italic = bold > 0.6 * weight, italic > 0.6 * weight
    line.small_caps = len(inked) > 1 and _is_small_caps(inked)
    if line.small_caps:
        line.size = max(s.size for s in inked)
    line.base = max(bases, key=bases.__getitem__)
    line.text = clean(_spell(spans, line.small_caps)).strip()
    return line


def _is_small_caps(spans: list[Span]) -> bool:
    """Capitals in two sizes on one baseline: "I" + "NTRODUCTION"."""
    wordy = [s for s in spans if any(ch.isalpha() for ch in s.text)]
    big = max((s.size for s in wordy), default=0.0)
    small = [s for s in wordy if 0.68 * big < s.size < 0.9 * big]
    if not small or any(any(ch.islower() for ch in s.text) for s in wordy):
        return False
    base = max(s.base for s in wordy)
    return all(abs(s.base - base) < 0.08 * big for s in small) and sum(len(s.text.strip()) for s in small) >= 3


def _spell(spans: list[Span], small_caps: bool) -> str:
    if not small_caps:
        return "".join(s.text for s in spans)
    big = max(s.size for s in spans if any(ch.isalpha() for ch in s.text))
    return "".join(s.text.lower() if s.size < 0.9 * big else s.text for s in spans)


def _is_hidden(span: dict[str, Any], page: PageLines, contrast: _Contrast) -> bool:
    x0, y0, x1, y1 = span["bbox"]
    if x1 <= 0 or y1 <= 0 or x0 >= page.width or y0 >= page.height:
        return True
    if span["size"] < TINY:
        return True
    color = int(span["color"])
    faint = min(color >> 16 & 255, color >> 8 & 255, color & 255) > 225
    clear = span.get("alpha", 255) < 26
    unpainted = _is_unpainted(span)
    return (faint or clear or unpainted) and not contrast.visible(span["bbox"], unpainted)


class _Contrast:
    """Whether ink can be seen in a rectangle: the page is drawn once, small and grey, and only when asked."""

    def __init__(self, page: Any, text_layer: bool) -> None:
        self._page = page
        self._text_layer = text_layer
        self._samples: bytes | None = None
        self._stride = 0
        self._shape = (0, 0)
        self._pictures: list[Box] | None = None

    def _over_picture(self, box: Box) -> bool:
        if self._pictures is None:
            self._pictures = [tuple(info["bbox"]) for info in self._page.get_image_info()[:50]]
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        return any(x0 <= x <= x1 and y0 <= y <= y1 for x0, y0, x1, y1 in self._pictures)

    def visible(self, box: Box, unpainted: bool) -> bool:
        """True where light and dark meet. Unpainted text counts only as the text layer of a scan, or over a picture."""
        if unpainted and not self._text_layer and not self._over_picture(box):
            return False
        if self._samples is None:
            import pymupdf

            pixels = self._page.get_pixmap(colorspace=pymupdf.csGRAY, alpha=False, annots=False)
            self._samples, self._stride = pixels.samples, pixels.stride
            self._shape = (pixels.width, pixels.height)
        x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
        x1, y1 = min(self._shape[0], int(box[2]) + 1), min(self._shape[1], int(box[3]) + 1)
        low, high = 255, 0
        for y in range(y0, y1):
            row = self._samples[y * self._stride + x0 : y * self._stride + x1]
            if row:
                low, high = min(low, *row, 255), max(high, *row, 0)
        return high - low > (25 if unpainted else 40)
