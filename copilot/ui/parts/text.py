"""Untrusted text made safe to show, and numbers made short. Pure functions; no Streamlit here.

Streamlit renders labels and Markdown bodies as Markdown. Text that we did not write goes through `plain` (one line, for
labels) or `st.text`; a whole Markdown document of ours that quotes such text goes through `safe_markdown`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from datetime import UTC, datetime

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>$:&^=])")
_INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_AUTOLINK = re.compile(r"https?:(?=//)|\bwww(?=\.)|@", re.I)
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]{1,200}(?:/[A-Za-z0-9._~/?=&%#-]{0,300})?")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_UNESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)(!(?=\[)|\$)")
_CODE_SPAN = re.compile(r"(`+)(?:(?!`).)+?\1(?!`)")


def visible(text: str) -> str:
    """The text without control characters and without marks that reverse the reading direction."""
    return _INVISIBLE.sub("", text)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, with an ellipsis when something is left out."""
    return text if len(text) <= limit else text[: max(limit - 1, 0)].rstrip() + "…"


def one_line(text: str, limit: int = 300) -> str:
    """White space folded, invisible characters gone, bounded."""
    return clip(" ".join(visible(text).split()), limit)


def plain(text: str, limit: int = 300) -> str:
    """One line in which no Markdown sign has a meaning and no address becomes a link: for labels and messages."""
    return _SPECIAL.sub(r"\\\1", _AUTOLINK.sub("\\g<0>\u200b", one_line(text, limit)))


def sentence(text: str, limit: int = 1000) -> str:
    """As `plain`, with a capital at its beginning: errors and details are written to stand within a line."""
    return plain(text[:1].upper() + text[1:], limit)


def about(label: str, thing: str) -> str:
    """A label with what it is about, which only screen readers say: several buttons may show the same word."""
    return f"{label} *{plain(thing, 80)}*" if thing.strip() else label


def web_address(url: str) -> str:
    """A web address as a Markdown link that shows itself; plain text when it is not clearly one."""
    return f"<{url}>" if _ADDRESS.fullmatch(url) else plain(url)


def safe_markdown(text: str) -> str:
    """A Markdown document in which images cannot be loaded and a dollar sign is a dollar sign. Code is left alone."""
    lines, fence = [], ""
    for line in visible(text).split("\n"):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence) and not line.strip(" `~"):
                fence = ""
            lines.append(line)
        elif mark:
            fence = mark[1]
            lines.append(line)
        else:
            lines.append(_outside_code(line))
    return "\n".join(lines)


def _outside_code(line: str) -> str:
    parts, end = [], 0
    for span in _CODE_SPAN.finditer(line):
        parts += [_defuse(line[end : span.start()]), span[0]]
        end = span.end()
    return "".join([*parts, _defuse(line[end:])])


def _defuse(text: str) -> str:
    return _UNESCAPED.sub(r"\1\\\2", text)


def number(value: float | None, digits: int = 4) -> str:
    """A number for a person: significant digits, no exponent where it can be avoided; a dash when there is none."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    return text.replace("-", "−") if "e" not in text else text


def signed(value: float | None, digits: int = 3) -> str:
    """A number with its sign."""
    text = number(value, digits)
    return f"+{text}" if value is not None and value > 0 else text


def seconds(value: float | None) -> str:
    """A duration that no line break tears apart: `0.4 s`, `12 s`, `3 min`, `3 min 05 s`, `2 h 10 min`."""
    if value is None:
        return "–"
    whole = round(value)
    if value < 10:
        text = f"{value:.1f} s"
    elif whole < 60:
        text = f"{whole} s"
    else:
        text = _in_two(whole, "min", "s") if whole < 3600 else _in_two(whole // 60, "h", "min")
    return text.replace(" ", "\N{NO-BREAK SPACE}")


def _in_two(value: int, large: str, small: str) -> str:
    first, rest = divmod(value, 60)
    return f"{first} {large} {rest:02d} {small}" if rest else f"{first} {large}"


def dollars(value: float) -> str:
    """Money, as `0.00 USD`; four digits when it is small."""
    return f"{value:.4f} USD" if 0 < value < 0.1 else f"{value:.2f} USD"


def count(value: int, one: str, many: str = "") -> str:
    """`1 seed`, `8 seeds`."""
    return f"{value:,} {one if value == 1 else many or one + 's'}"


def ago(then: datetime, now: datetime | None = None) -> str:
    """How long ago, in words; the date when it is more than a week."""
    past = ((now or datetime.now(UTC)) - then).total_seconds()
    if past < 60:
        return "just now"
    if past < 3600:
        return f"{int(past // 60)} min ago"
    if past < 86400:
        return f"{int(past // 3600)} h ago"
    return f"{int(past // 86400)} d ago" if past < 7 * 86400 else then.strftime("%Y-%m-%d")


def fold_for_search(text: str) -> str:
    """Case and accents folded, white space single: what a search compares."""
    decomposed = unicodedata.normalize("NFKD", text)
    return " ".join("".join(c for c in decomposed if not unicodedata.combining(c)).casefold().split())
