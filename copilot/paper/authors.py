"""Authors of a title block: runs of one style, cut at marks and gaps, kept when they have the shape of names.

Takes the block's lines; `names` judges the strings. Does not find the block.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from copilot.paper.lines import Line, Span, make_line
from copilot.paper.names import is_name, is_organisation, is_place, spell_name, split_names, tidy_name
from copilot.paper.words import key, letters

_OTHER_ROLE = re.compile(r"(?:academic |action |handling )?editors?\b|edited by|reviewed by|recommended by|advis", re.I)


@dataclass(slots=True)
class _Piece:
    text: str
    size: float
    bold: bool
    italic: bool
    x0: float
    x1: float
    base: float
    wraps: bool = False

    @property
    def style(self) -> tuple[float, bool, bool]:
        return round(self.size), self.bold, self.italic


def read_authors(block: list[Line]) -> list[str]:
    """Names in order of print, each once, from the lines between title and abstract."""
    pieces = [piece for line in block for piece in _pieces(line)]
    pieces = _rejoin(pieces)
    rows: list[tuple[_Piece, list[str]]] = []
    for piece in pieces:
        rows.append((piece, [name for name in split_names(piece.text) if is_name(name)]))
    rows = [(piece, _called_like_a_place(piece, rows) or names) for piece, names in rows]
    first = next((piece for piece, names in rows if names and not _tainted(piece, names)), None)
    if first is None:
        return []
    out: list[str] = []
    blocked: list[_Piece] = []
    accepted: list[_Piece] = []
    for piece, names in rows:
        in_row = any(
            abs(piece.base - other.base) < 2 and abs(piece.size - other.size) < 0.15 * piece.size for other in accepted
        )
        usual = piece.style == first.style or sum(other.style == piece.style for other in accepted) >= 2
        if not names or not (usual or in_row) or _tainted(piece, names):
            if is_organisation(piece.text) or _looks_like_address(piece.text):
                blocked.append(piece)
            continue
        if _in_address(piece, blocked, rows) or _OTHER_ROLE.match(_row_start(piece, rows)):
            continue
        accepted.append(piece)
        out.extend(name for name in names if name not in out)
    hosts = _mail_hosts(block)
    return [spell_name(name) for name in out if not any(key(name) in host for host in hosts)]


def _row_start(piece: _Piece, rows: list[tuple[_Piece, list[str]]]) -> str:
    """The text at the left end of a piece's line ("Editor:" before a name that is no author's)."""
    return min((p for p, _ in rows if abs(p.base - piece.base) < 2), key=lambda p: p.x0).text


def _mail_hosts(block: list[Line]) -> list[str]:
    """Hosts of the block's mail addresses: what looks like a name and is called like one is a company."""
    return [key(host) for line in block for host in re.findall(r"@\s?([\w.-]+)", line.text)]


def _called_like_a_place(piece: _Piece, rows: list[tuple[_Piece, list[str]]]) -> list[str]:
    """Names ending like a city ("Kieran Milan") in a piece that stands on one line with other people."""
    beside = [names for other, names in rows if other.style == piece.style and abs(other.base - piece.base) < 2]
    listed = split_names(piece.text)
    if sum(map(len, beside)) < 2 or not all(is_name(name, beside_people=True) for name in listed):
        return []
    return listed


def _tainted(piece: _Piece, names: list[str]) -> bool:
    """Whether a piece is an address or a sentence: most of what it lists is no name, or it is "City, Country".

    "Name, Institute" is none.
    """
    listed = split_names(piece.text)
    if names == listed[:1] and len(listed) == 2 and is_place(listed[1]):
        return True
    if names == listed[:1] and is_organisation(listed[1] if len(listed) > 1 else ""):
        return False
    return len(names) * 2 <= len(listed) - 1 or bool(re.match(r"editors?\b|edited by", piece.text, re.I))


def _looks_like_address(text: str) -> bool:
    return bool(re.search(r"@|\d{4,}", text))


def _in_address(piece: _Piece, blocked: list[_Piece], rows: list[tuple[_Piece, list[str]]]) -> bool:
    """Whether a name-like piece continues the address right above it (a city, a street), in the same style."""
    above = [b for b in blocked if b.base < piece.base - 1 and min(b.x1, piece.x1) - max(b.x0, piece.x0) > 0]
    if not above:
        return False
    nearest = max(above, key=lambda b: b.base)
    if "@" in nearest.text:
        return False
    return nearest.style == piece.style and piece.base - nearest.base < 1.6 * piece.size


def _pieces(line: Line) -> list[_Piece]:
    """Runs of one style on a line, cut at wide gaps; raised marks become separators."""
    runs: list[list[Span]] = [[]]
    words = max((s for s in line.spans if letters(s.text) > 1), key=lambda s: s.size, default=line.spans[0])
    for span in line.spans:
        text = span.text.strip()
        if not text:
            if runs[-1]:
                runs[-1].append(span)
            continue
        mark = _is_mark(span, words) and not line.small_caps
        if mark or span.mono or "@" in text or (span.math and span.font != line.font and letters(text) < 4):
            runs.append([])
            if "@" in text or span.mono:
                runs[-1].append(span)
                runs.append([])
            continue
        if runs[-1] and _breaks(runs[-1], span):
            runs.append([])
        runs[-1].append(span)
    return [piece for run in runs if (piece := _piece(run, line))]


def _is_mark(span: Span, words: Span) -> bool:
    """Whether a span is smaller than the names on its line, as marks and ORCID numbers are.

    Small letters on the names' baseline are no marks: they are small capitals ("A" + "ntonio").
    """
    small_capitals = span.text.strip()[:1].islower() and letters(span.text) > 1 and abs(span.base - words.base) < 0.5
    return span.size < 0.82 * words.size and not small_capitals


def _breaks(run: list[Span], span: Span) -> bool:
    last = next((s for s in reversed(run) if s.text.strip()), run[-1])
    word = next((s for s in reversed(run) if letters(s.text) > 1), None)
    changed = word is not None and (word.bold, word.italic) != (span.bold, span.italic) and letters(span.text) > 0
    at_word = span.text[:1].isspace() or last.text[-1:].isspace()
    resized = word is not None and letters(span.text) > 1 and abs(span.size - word.size) > 0.12 * word.size
    return changed or (resized and at_word) or span.box[0] - last.box[2] > 0.55 * max(span.size, 6)


def _piece(run: list[Span], line: Line) -> _Piece | None:
    inked = [s for s in run if s.text.strip()]
    if not inked:
        return None
    made = make_line(run, line.page)
    text = made.text
    if letters(text) < 2:
        return None
    return _Piece(text, made.size, made.bold, made.italic, made.x0, made.x1, line.base, run[-1] is line.spans[-1])


def _rejoin(pieces: list[_Piece]) -> list[_Piece]:
    """A name cut by a line end ("… , Kyle" / "Lo, …") is put together again."""
    out: list[_Piece] = []
    for piece in pieces:
        last = out[-1] if out else None
        if last and last.wraps and last.style == piece.style and 1 < piece.base - last.base < 2.2 * piece.size:
            tail = tidy_name(re.split(r",|;|·|•|\band\b", last.text)[-1])
            listed = "," in last.text and not last.text.rstrip().endswith((",", ";"))
            if (listed and len(tail.split()) == 1 and letters(tail) > 1) or re.search(r"[^\W\d_] [A-Z]\.$", tail):
                last.text += " " + piece.text
                last.base, last.wraps = piece.base, piece.wraps
                continue
        out.append(piece)
    return out
