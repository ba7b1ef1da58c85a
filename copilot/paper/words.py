"""Text repairs that every reader of PDF text needs: accents, ligatures, small capitals, hyphens, numbering.

Pure functions over strings. Knows nothing about pages, fonts or papers as a whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_COMBINING = {
    "´": "\u0301", "¨": "\u0308", "ˆ": "\u0302", "˜": "\u0303", "ˇ": "\u030c", "˘": "\u0306",
    "¯": "\u0304", "˚": "\u030a", "˙": "\u0307", "˝": "\u030b", "`": "\u0300",
}  # fmt: skip
_ACCENT_FIRST = re.compile(r"(?<=[^\W\d_])?([´¨ˆ˜ˇ˘¯˚˙˝])\s?([A-Za-zıȷ])")
_GRAVE_FIRST = re.compile(r"(?<=[A-Za-z])`([aeiouAEIOU])(?=[a-z])")
_CEDILLA = re.compile(r"([cCsStT])\s?¸|¸\s?([cCsStT])")
_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"}
_LIGATURE = re.compile("[" + "".join(_LIGATURES) + "]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ue000-\uf8ff\u00ad\u200b-\u200f\u2060-\u2064\ufeff]")
_SPACED_LETTERS = re.compile(r"\b(?:(?:[A-Z] ){3,}[A-Z]|(?:[a-z] ){5,}[a-z])\b")
_WORD = re.compile(r"[^\W\d_][\w'’]*")


def clean(text: str) -> str:
    """One string of PDF text with composed accents, plain ligatures, no control characters, single spaces."""
    text = _LIGATURE.sub(lambda m: _LIGATURES[m.group()], text)
    text = _CONTROL.sub("", text)
    if any(mark in text for mark in _COMBINING) or "¸" in text:
        text = compose_accents(text)
    return re.sub(r"\s+", " ", text)


def compose_accents(text: str) -> str:
    """Joins the loose accents that OT1 fonts leave before (cedilla: after) their letter: "´ı" becomes "í"."""

    def join(match: re.Match[str]) -> str:
        letter = {"ı": "i", "ȷ": "j"}.get(match.group(2), match.group(2))
        joined = unicodedata.normalize("NFC", letter + _COMBINING[match.group(1)])
        return joined if len(joined) == 1 else match.group()

    text = re.sub(r"([A-Za-z])\s(?=[´¨ˆˇ˘˚˙˝][a-zı])", r"\1", _ACCENT_FIRST.sub(join, text))
    text = _GRAVE_FIRST.sub(lambda m: unicodedata.normalize("NFC", m.group(1) + "\u0300"), text)
    return _CEDILLA.sub(lambda m: unicodedata.normalize("NFC", (m.group(1) or m.group(2)) + "\u0327"), text)


def unspace(text: str) -> str:
    """ "A B S T R A C T" becomes "ABSTRACT"."""
    return _SPACED_LETTERS.sub(lambda m: m.group().replace(" ", ""), text)


def key(text: str) -> str:
    """A form for comparing titles and headings: case, punctuation, accents, spacing and numbering marks dropped."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(ch for ch in plain if ch.isalnum())


def join_lines(lines: Iterable[str], hyphenated: frozenset[str] = frozenset()) -> str:
    """Lines of a paragraph as one string. A hyphen at a line end goes, unless `hyphenated` holds the word with it."""
    out = ""
    for line in lines:
        line = line.strip()
        if not line:
            continue
        out = _append(out, line, hyphenated) if out else line
    return out


def _append(out: str, line: str, hyphenated: frozenset[str]) -> str:
    if not out.endswith("-") or out.endswith(("--", " -")) or not line[0].isalpha():
        return out + ("" if out.endswith("-") and not out.endswith(" -") else " ") + line
    head = re.search(r"[\w'’]+(?:-[\w'’]+)*-$", out)
    tail = _WORD.match(line)
    if head and tail and line[0].islower():
        compound = "-" in head.group()[:-1]
        if compound or (head.group() + tail.group()).casefold() in hyphenated:
            return out + line
        return out[:-1] + line
    return out + line


def hyphenated_words(text: str) -> frozenset[str]:
    """Words that the text prints with a hyphen inside a line ("state-of-the-art"): their hyphen is real."""
    return frozenset(m.group().casefold() for m in re.finditer(r"[^\W\d_]+(?:-[^\W\d_]+)+", text))


def letters(text: str) -> int:
    """How many letters a string has."""
    return sum(map(str.isalpha, text))


def sentences(text: str) -> list[str]:
    """Sentences of plain text, verbatim. Abbreviations and decimal points do not end one."""
    out: list[str] = []
    start = 0
    for match in re.finditer(r"[.!?][\"”’)\]]*\s+(?=[\"“(\[]?[A-Z0-9•])", text):
        before = text[start : match.start() + 1]
        last = re.search(r"[\w.&]+$", before)
        if last and _ABBREVIATION.fullmatch(last.group()):
            continue
        out.append(text[start : match.end()].strip())
        start = match.end()
    if text[start:].strip():
        out.append(text[start:].strip())
    return out


_ABBREVIATION = re.compile(
    r"(?:e\.?g|i\.?e|cf|vs|al|etc|resp|approx|Figs?|Fig|Secs?|Sec|Eqs?|Eq|Tabs?|Tab|Refs?|No|Nos|Dr|Prof|Mr|Ms|St|Vol|pp|w\.r\.t"
    r"|Alg|App|Thm|Def|Prop|Lem|Cor|Ch|ca|[A-Z])\.",
)
