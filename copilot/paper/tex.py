"""LaTeX as text: comments, inputs, the author's own macros, and markup turned into plain words.

A reader for prose, headings and cells, not an engine: no TeX is run, macro expansion is bounded, unknown commands
lose their name and keep their words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_FLAT = 6_000_000
MAX_EXPANDED = 400_000
MAX_ADDED = 2_000_000
MAX_GROUP = 30_000
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_BRACES = re.compile(r"\\.|[{}]", re.S)
_ENDS = re.compile(r"[{}\]]")
_CONDITION = re.compile(r"\\(if ?0(?!\d)|if(?!f\b|thenelse\b)[A-Za-z@]+|else\b|fi\b)")
_INPUT = re.compile(
    r"\\(?:input|include|subfile)\s*\{([^{}]+)\}|\\input\s+([^\s{}\\]+)|\\(?:sub)?import\*?\s*\{([^{}]*)\}\s*\{([^{}]+)\}"
)
# fmt: off
_ACCENTS = {
    "`": "\u0300", "'": "\u0301", "^": "\u0302", "~": "\u0303", "=": "\u0304", "u": "\u0306", ".": "\u0307",
    "\"": "\u0308", "r": "\u030a", "H": "\u030b", "v": "\u030c", "d": "\u0323", "c": "\u0327", "k": "\u0328",
}
_LETTERS = {
    "ss": "ß", "o": "ø", "O": "Ø", "l": "ł", "L": "Ł", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "aa": "å",
    "AA": "Å", "i": "i", "j": "j", "dh": "ð", "th": "þ",
}
_SYMBOLS = {
    "ldots": "…", "dots": "…", "textellipsis": "…", "LaTeX": "LaTeX", "TeX": "TeX", "S": "§", "P": "¶",
    "copyright": "©", "textendash": "–", "textemdash": "—", "textquoteright": "’", "textquoteleft": "‘",
    "textbackslash": "\\", "textasciitilde": "~", "pounds": "£", "textregistered": "®", "texttrademark": "™",
    "quad": " ", "qquad": " ", "xspace": "", "checkmark": "✓", "cmark": "✓", "xmark": "✗", "item": "\n• ",
    "newline": " ", "par": "\n\n", "linebreak": " ",
}
_DROP = {
    "cite", "citep", "citet", "citealp", "citealt", "citeauthor", "citeyear", "citeyearpar", "parencite",
    "textcite", "autocite", "footcite", "nocite", "ref", "eqref", "autoref", "cref", "Cref", "pageref", "label",
    "vspace", "hspace", "footnote", "footnotetext", "footnotemark", "thanks", "includegraphics", "bibliography",
    "bibliographystyle", "input", "include", "setlength", "addtolength", "setcounter", "addcontentsline",
    "phantomsection", "vskip", "hskip", "color", "pagestyle", "thispagestyle", "captionsetup", "hypersetup",
    "index", "todo", "cmidrule", "cline", "arrayrulecolor", "rowcolor", "cellcolor", "columncolor",
    "hyperref@anchor", "raisebox", "rule", "resizebox", "scalebox", "pdfbookmark", "markboth", "looseness",
}
# fmt: on
_DROP_COUNT = {
    "setlength": 2,
    "addtolength": 2,
    "setcounter": 2,
    "addcontentsline": 3,
    "raisebox": 1,
    "rule": 2,
    "resizebox": 2,
    "markboth": 2,
}
_KEEP_LAST = {
    "href": 2,
    "textcolor": 2,
    "multicolumn": 3,
    "multirow": 3,
    "texorpdfstring": 1,
    "colorbox": 2,
    "hyperref": 1,
    "parbox": 2,
    "shortstack": 1,
    "makecell": 1,
    "mbox": 1,
    "foreignlanguage": 2,
}


@dataclass(slots=True)
class Macros:
    """The author's own commands: name -> (number of arguments, default of the first, body)."""

    table: dict[str, tuple[int, str | None, str]] = field(default_factory=dict)
    added: int = 0
    """Characters that expansion has added so far; past MAX_ADDED nothing more is expanded."""


def strip_comments(text: str) -> str:
    """LaTeX without comments: `%` to the line end, comment environments, `\\iffalse` blocks."""
    text = "\n".join(
        _COMMENT.sub(r"\1", line) if "%" in line else line
        for line in text.split("\n")
        if not line.lstrip().startswith("%")
    )
    return without_dead(cut(text, environments(text, "comment")))


@dataclass(slots=True)
class Environment:
    """`\\begin{name} body \\end{name}`; `start` and `end` enclose all of it."""

    name: str
    star: bool
    body: str
    start: int
    end: int


def environments(text: str, names: str) -> Iterator[Environment]:
    """Environments whose name matches `names` (a pattern), in order, none inside another; unclosed ones are left out.

    One pass, however many of them are never closed.
    """
    at = 0
    unclosed: set[str] = set()
    for match in re.finditer(rf"\\begin\{{({names})(\*?)\}}", text):
        closing = f"\\end{{{match.group(1)}{match.group(2)}}}"
        if match.start() < at or closing in unclosed:
            continue
        end = text.find(closing, match.end())
        if end < 0:
            unclosed.add(closing)
            continue
        at = end + len(closing)
        yield Environment(match.group(1), bool(match.group(2)), text[match.end() : end], match.start(), at)


def cut(text: str, found: Iterable[Environment], blank: str = "") -> str:
    """`text` without the environments `found`; with `blank`, as many of that character in their place."""
    out: list[str] = []
    at = 0
    for environment in found:
        out += [text[at : environment.start], blank * (environment.end - environment.start)]
        at = environment.end
    return "".join([*out, text[at:]])


def without_dead(text: str) -> str:
    """`text` without what `\\iffalse` and `\\if0` leave out; an `\\else` part stays, and what is never closed."""
    out: list[str] = []
    at = dead_from = depth = 0
    for match in _CONDITION.finditer(text):
        word = match.group(1)
        if not depth:
            if word in {"iffalse", "if0", "if 0"}:
                dead_from, depth = match.start(), 1
        elif word.startswith("if"):
            depth += 1
        elif word == "fi" or depth == 1:
            depth -= 1
            if not depth:
                out.append(text[at:dead_from])
                at = match.end()
    return "".join([*out, text[at:]])


def flatten(files: dict[str, str], main: str) -> str:
    """The main file with its inputs in place, comments gone. A file is taken once; missing ones vanish."""
    return _flatten(files, main, frozenset(), [0])[:MAX_FLAT]


def _flatten(files: dict[str, str], name: str, above: frozenset[str], size: list[int]) -> str:
    text = strip_comments(files[name]).partition("\\endinput")[0]
    size[0] += len(text)

    def put(match: re.Match[str]) -> str:
        wanted = match.group(1) or match.group(2) or f"{match.group(3) or ''}/{match.group(4) or ''}"
        target = _resolve(files, wanted.strip(), name)
        if target is None or target in above or target == name or len(above) > 8 or size[0] > MAX_FLAT:
            return ""
        return _flatten(files, target, above | {name}, size)

    return _INPUT.sub(put, text)


def _resolve(files: dict[str, str], wanted: str, inside: str) -> str | None:
    import posixpath

    wanted = wanted.strip("\"' ")
    for base in ("", posixpath.dirname(inside)):
        path = posixpath.normpath(posixpath.join(base, wanted))
        for candidate in (path, path + ".tex"):
            if candidate in files:
                return candidate
    return None


def braced(text: str, at: int, most: int = MAX_GROUP) -> tuple[str, int] | None:
    """The content of the brace group that begins at or after `at` (white space skipped), and the index behind it.

    None when there is none, or none that ends within `most` characters.
    """
    while at < len(text) and text[at] in " \t\n":
        at += 1
    if at >= len(text) or text[at] != "{":
        return None
    depth = 0
    for match in _BRACES.finditer(text, at, at + most):
        depth += (match.group() == "{") - (match.group() == "}")
        if depth == 0 and match.group() == "}":
            return text[at + 1 : match.start()], match.end()
    return None


def bracketed(text: str, at: int) -> tuple[str | None, int]:
    """An optional argument `[…]` at `at`, and the index behind it (None and `at` when there is none)."""
    match = re.compile(r"\s*\[").match(text, at)
    if not match:
        return None, at
    depth = 0
    for mark in _ENDS.finditer(text, match.end(), match.end() + 2000):
        depth += (mark.group() == "{") - (mark.group() == "}")
        if mark.group() == "]" and depth <= 0:
            return text[match.end() : mark.start()], mark.end()
    return None, at


def read_macros(text: str) -> Macros:
    """The author's `\\newcommand` and its kin, `\\DeclareMathOperator`, and simple `\\def`."""
    macros = Macros()
    head = re.compile(
        r"\\(?:(?:re|provide)?newcommand|providecommand|DeclareRobustCommand)\*?\s*\{?\s*\\([A-Za-z@]+)\s*\}?|\\def\s*\\([A-Za-z@]+)\s*((?:#\d)*)(?=\s*\{)"
    )
    for match in head.finditer(text):
        name = match.group(1) or match.group(2)
        count, at = len(match.group(3) or "") // 2, match.end()
        default = None
        if match.group(1):
            number, at = bracketed(text, at)
            count = int(number) if number and number.strip().isdigit() else 0
            default, at = bracketed(text, at)
        body = braced(text, at)
        if body and count <= 9 and len(body[0]) < 2000 and f"\\{name}" not in body[0]:
            macros.table[name] = (count, default, body[0])
    for match in re.finditer(r"\\DeclareMathOperator\*?\s*\{\s*\\([A-Za-z]+)\s*\}\s*\{([^{}]*)\}", text):
        macros.table[match.group(1)] = (0, None, match.group(2))
    return macros


def expand(text: str, macros: Macros) -> str:
    """`text` with the author's macros replaced, at most six deep and never past MAX_EXPANDED characters."""
    if not macros.table or macros.added > MAX_ADDED:
        return text
    pattern = re.compile(r"\\([A-Za-z@]+)(?![A-Za-z@])")
    for _ in range(6):
        out: list[str] = []
        at, changed = 0, False
        for match in pattern.finditer(text):
            if match.start() < at or match.group(1) not in macros.table:
                continue
            body, end = _apply(macros.table[match.group(1)], text, match.end())
            out += [text[at : match.start()], body]
            at, changed = end, True
        before, text = len(text), "".join([*out, text[at:]])
        macros.added += max(0, len(text) - before)
        if not changed or len(text) > MAX_EXPANDED:
            break
    return text[:MAX_EXPANDED]


def _apply(macro: tuple[int, str | None, str], text: str, at: int) -> tuple[str, int]:
    count, default, body = macro
    arguments: list[str] = []
    if default is not None:
        given, at = bracketed(text, at)
        arguments.append(default if given is None else given)
    while len(arguments) < count:
        group = braced(text, at)
        if group is None:
            break
        arguments.append(group[0])
        at = group[1]
    for number, value in enumerate(arguments, 1):
        body = body.replace(f"#{number}", value)
    if count == 0 and at < len(text) and text[at : at + 2] == "{}":
        at += 2
    return re.sub(r"#\d", "", body), at


def plain(text: str, macros: Macros | None = None) -> str:
    """Words of a piece of LaTeX. Mathematics stays as it is typed, without its dollars when it is a bare word."""
    text = expand(text, macros) if macros else text
    text = re.sub(
        r"\\xspace(?:\{\})?(\s*)(?=([^\s]?))",
        lambda m: " " if m.group(1) and m.group(2) not in ",.;:!?)'-}" else m.group(1),
        text,
    )
    text = _arguments(text)
    text = _accents(text)
    text = re.sub(r"\\(?:begin|end)\s*\{[^{}]*\}(?:\[[^\]]*\])?", " ", text)
    text = re.sub(r"\$\s*(?:\\(?:mathrm|textbf|mathbf|text|textsc)\s*)?\{?([A-Za-z0-9.+%±-]*)\}?\s*\$", r"\1", text)
    text = re.sub(r"\\\\(?:\[[^\]]*\])?|\\(?=\s)", " ", text)
    text = re.sub(
        r"\\([#$%&_{}])", lambda m: {"{": "\ue001", "}": "\ue002", "$": "\ue003"}.get(m.group(1), m.group(1)), text
    )
    text = re.sub(
        r"\\([A-Za-z@]+)\*?\s*",
        lambda m: _SYMBOLS.get(m.group(1), _LETTERS.get(m.group(1), " " if m.group(1) in _SPACERS else "")),
        _in_words(text),
    )
    text = (
        text.replace("\\,", " ")
        .replace("\\;", " ")
        .replace("\\ ", " ")
        .replace("\\/", "")
        .replace("\\-", "")
        .replace("\\!", "")
        .replace("\\@", "")
    )
    text = text.replace("---", "—").replace("--", "–").replace("``", "“").replace("''", "”").replace("~", " ")
    text = text.replace("{", "").replace("}", "").replace("\ue001", "{").replace("\ue002", "}").replace("\ue003", "$")
    text = re.sub(r"\(\s*[,;]*\s*\)|\[\s*\]", "", text)
    text = re.sub(r"[ \t]+", " ", re.sub(r"[ \t]*\n[ \t]*", "\n", text))
    text = re.sub(r"(?<!\n)\n(?!\n)", " ", text)
    return re.sub(r"\s+([,.;:)])", r"\1", re.sub(r"\n{2,}", "\n", text)).strip()


_SPACERS = {"quad", "qquad", "and", "And", "AND", "hfill", "newline", "enspace", "space", "hskip", "centering"}


def _in_words(text: str) -> str:
    """Commands inside mathematics keep their names, so that formulas stay readable."""
    parts = re.split(r"(\$\$.*?\$\$|\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\])", text, flags=re.S)
    return (
        "".join(part.replace("\\", "\ue004") if i % 2 else part for i, part in enumerate(parts)).replace("\ue004", "\\")
        if len(parts) == 1
        else _shield(parts)
    )


def _shield(parts: list[str]) -> str:
    return "".join(
        re.sub(r"\\([A-Za-z]+)", r"\1 ", part).replace("$", "") if i % 2 else part for i, part in enumerate(parts)
    )


def _arguments(text: str) -> str:
    """Drops the arguments of commands that print nothing here; keeps the printed one of those with several."""
    pattern = re.compile(r"\\([A-Za-z@]+)\*?")
    out: list[str] = []
    at = 0
    for match in pattern.finditer(text):
        name = match.group(1)
        if match.start() < at or (name not in _DROP and name not in _KEEP_LAST):
            continue
        out.append(text[at : match.start()])
        at = match.end()
        for _ in range(2):
            _, at = bracketed(text, at)
        count = _DROP_COUNT.get(name, 1) if name in _DROP else _KEEP_LAST[name]
        last = ""
        for _ in range(count):
            group = braced(text, at)
            if group is None:
                break
            last, at = group
        if name in _KEEP_LAST:
            out.append(_arguments(last))
    return "".join([*out, text[at:]])


def _accents(text: str) -> str:
    def join(match: re.Match[str]) -> str:
        letter = {"\\i": "i", "\\j": "j"}.get(match.group(2).strip(), match.group(2).strip())
        return unicodedata.normalize("NFC", letter + _ACCENTS[match.group(1)])

    text = re.sub(r"\\([`'^~=.\"])\s*\{?\s*(\\[ij](?![a-z])|[A-Za-z])(?:\s*\})?", join, text)
    text = re.sub(r"\\([uvHcdkr])(?:\s+|\s*\{\s*)(\\[ij](?![a-z])|[A-Za-z])(?:\s*\})?", join, text)
    return re.sub(r"\\(ss|o|O|l|L|ae|AE|oe|OE|aa|AA|dh|th|i|j)(?![A-Za-z])\s?", lambda m: _LETTERS[m.group(1)], text)
