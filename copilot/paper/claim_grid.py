"""A table's cells as heads, row names and numbers: what stands above and beside each number.

Works on cells as they were read, without places on the page: what spans several columns or rows is spread only where
the count of cells leaves no doubt, else it is unknown (None). Knows no metrics.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

_PLAIN = r"[-+−]?(?:\d{1,3}(?:,\d{3})+|0|[1-9]\d*)(?:\.\d+)?|[-+−]?\.\d+"
_CELL = re.compile(
    rf"[*†‡]?(?P<n>{_PLAIN})(?:[eE][-+−]?\d+)?\s?(?P<u>%|[x×](?!\d)|ms|s|dB|mm|cm)?(?:\s?(?:±|\+/-)\s?[\d.e−-]+%?"
    rf"|\s?\([-+−±↑↓]?\s?[\d.]+%?\)|\s?[↑↓][\d.]*)?\s?[*†‡§¶]{{0,2}}"
)
_EMPTY = re.compile(r"[-–—−✓✗×/]+|N/?A|OOM|inf|[<>]\s?[\d.,]+")
"""What stands where a number could."""
_AMOUNT = re.compile(rf"[≈~<>$]?\s?(?:{_PLAIN})\s?(?:[KMBTG]B?|[a-z]{{1,5}}\.?)")
"""A number with letters behind it ("1.5 GB", "2.7M"): no result, but a sign that the row is one of numbers."""
_JOINED = re.compile(r"(?:\s[-−–]?\s?\d[\d.,]*%?\w?){2,}|[A-Za-z)]\s\d{1,3}\.\d{2,}$")
"""Numbers that the reader joined to a head ("Error (%) 3.62 3.58"): rows of the table are lost in it."""
_LONGEST = 8
"""Words of a row's name or a column's head; more are running text that was taken for a table."""


@dataclass(frozen=True)
class Number:
    """One cell's number with its unit, "%" or "×" where the cell prints one."""

    value: float
    unit: str


@dataclass
class Line:
    """One row of numbers: its names (None: a span that could not be told), its cells, the title that it is under."""

    names: list[str | None]
    cells: list[str]
    section: str
    after: list[str] = field(default_factory=list)


@dataclass
class Grid:
    """`labels` are the columns that name rows, `heads` the words above each column from the top down."""

    labels: list[int]
    numeric: list[int]
    heads: list[list[str | None]]
    lines: list[Line]

    def last(self, column: int) -> list[str]:
        """The words above a column from the nearest up."""
        return [part for part in reversed(self.heads[column]) if part]

    def head(self, column: int) -> str | None:
        """The words above a column in one string; None when one of them is unknown."""
        parts = self.heads[column]
        return None if None in parts else " ".join(filter(None, parts))


def number_in(cell: str) -> Number | None:
    """The number of a cell that prints one, maybe with a deviation; None for two numbers or numbers within words."""
    found = _CELL.fullmatch(cell.strip())
    if not found:
        return None
    unit = {"x": "×", None: ""}.get(found["u"], found["u"])
    exponent = re.search(r"[eE]([-+−]?\d+)", cell[: found.end("n") + 5])
    plain = found["n"].replace(",", "").replace("−", "-") + (f"e{exponent[1].replace('−', '-')}" if exponent else "")
    return Number(float(plain), unit or "")


def read_grids(rows: Sequence[Sequence[str]]) -> list[Grid]:
    """The grids of a table, one for each time that heads begin anew; none where no heads stand above numbers."""
    width = max(map(len, rows), default=0)
    full = [[cell.strip() for cell in row] + [""] * (width - len(row)) for row in rows]
    skip = _counting(full)
    found = (_grid(part, skip, width) for part in _parts(full, skip))
    return [grid for grid in found if grid]


def _parts(rows: list[list[str]], skip: set[int]) -> Iterator[list[list[str]]]:
    """The rows, cut where below numbers a row of words stands over the columns of numbers."""
    begin, last = 0, -1
    for at, row in enumerate(rows):
        words = [cell for j, cell in enumerate(row) if j not in skip and j and is_name(cell)]
        if _is_data(row, skip):
            last = at
        elif last >= begin and len(words) > 1 and len(words) * 2 >= len(row) - 1 - len(skip):
            yield rows[begin : last + 1]
            begin = last + 1
    yield rows[begin:]


def _grid(full: list[list[str]], skip: set[int], width: int) -> Grid | None:
    first = next((i for i, row in enumerate(full) if _is_data(row, skip)), None)
    if first is None:
        return None
    if any(_JOINED.search(cell) for row in full[:first] for cell in row):
        return None
    body = full[first:]
    numeric = [j for j in range(width) if j not in skip and _mostly_numbers([row[j] for row in body])]
    if not numeric or numeric[0] == 0 or (first == 0 and len(numeric) > 1):
        return None
    numeric = _first_of_two(full[:first], numeric, width)
    labels = [j for j in range(numeric[0]) if j not in skip and _names([row[j] for row in body])]
    if not labels:
        return None
    heads = _heads(full[:first], numeric, width)
    return Grid(labels, numeric, heads, _lines(body, labels, numeric))


def _is_data(row: Sequence[str], skip: set[int]) -> bool:
    cells = [cell for j, cell in enumerate(row) if cell and j not in skip and not _EMPTY.fullmatch(cell)]
    numbers = sum(number_in(cell) is not None for cell in cells)
    amounts = sum(bool(_AMOUNT.fullmatch(cell)) for cell in cells[1:])
    return (
        len(cells) > 1
        and number_in(cells[0]) is None
        and numbers + max(0, amounts - 1) > 0
        and numbers + amounts >= len(cells) / 2 - 1
    )


def _mostly_numbers(cells: Sequence[str]) -> bool:
    told = [cell for cell in cells if cell and not _EMPTY.fullmatch(cell)]
    return bool(told) and sum(number_in(cell) is not None for cell in told) >= 0.6 * len(told)


def _first_of_two(heads: Sequence[Sequence[str]], numeric: list[int], width: int) -> list[int]:
    """The columns of the first of two tables side by side, which both begin with the same head; else all."""
    for row in heads:
        begin = next((j for j in range(numeric[0]) if row[j]), None)
        again = next((j for j in range(numeric[0] + 1, width) if begin is not None and row[j] == row[begin]), None)
        if again is not None:
            return [j for j in numeric if j < again]
    return numeric


def _names(cells: Sequence[str]) -> bool:
    """Whether a column before the numbers holds names, not amounts ("24.6 GB", "640×640")."""
    told = [cell for cell in cells if cell]
    return sum(not re.match(r"[-+~≈]?[\d.]+\s?(?:[×xkKMBGT%]|$)", cell) for cell in told) * 2 > len(told)


def _counting(rows: Sequence[Sequence[str]]) -> set[int]:
    """Columns that only count the lines of the page."""
    found = set()
    for place in range(len(rows[0]) if rows else 0):
        numbers = [int(row[place]) for row in rows if row[place].isdecimal()]
        if len(numbers) > 2 and all(b == a + 1 for a, b in pairwise(numbers)):
            found.add(place)
    return found


def _heads(rows: Sequence[Sequence[str]], numeric: Sequence[int], width: int) -> list[list[str | None]]:
    """The words above each column; rows of the head from the top down, spans spread."""
    heads: list[list[str | None]] = [[] for _ in range(width)]
    rows = [row for row in rows if sum(map(bool, row)) > 1 or any(row[j] for j in numeric)]
    for level, row in enumerate(rows):
        spread = _spread(row, rows[level + 1 :], numeric)
        for j in range(width):
            heads[j].append(spread.get(j, row[j]))
    return heads


def _spread(row: Sequence[str], below: Sequence[Sequence[str]], numeric: Sequence[int]) -> dict[int, str | None]:
    """What a row of spanning heads says of each numeric column; None where that is open."""
    told = [i for i, j in enumerate(numeric) if row[j]]
    if not told or len(told) == len(numeric) or not below:
        return {}
    under = [" ".join(filter(None, (r[j] for r in below))) for j in numeric]
    lonely = [i for i in told if not under[i]]
    told = [i for i in told if i not in lonely]
    free = [i for i in range(len(numeric)) if i not in lonely]
    size, rest = divmod(len(free), len(told)) if told else (0, 1)
    out: dict[int, str | None] = {numeric[i]: row[numeric[i]] for i in lonely}
    over = all(_heads_block(free.index(i), at, size) for at, i in enumerate(told))
    if rest == 0 and size > 1 and over and (len(told) > 1 or not lonely):
        return out | {numeric[i]: row[numeric[told[at // size]]] for at, i in enumerate(free)}
    return out | {numeric[i]: row[numeric[i]] or (None if under[i] else "") for i in free}


def _heads_block(place: int, block: int, size: int) -> bool:
    """Whether a head at this place stands at the beginning or about the middle of its block of columns."""
    return 0 <= (at := place - block * size) < size and (at == 0 or abs(at - (size - 1) / 2) <= 1)


def _lines(body: Sequence[Sequence[str]], labels: Sequence[int], numeric: Sequence[int]) -> list[Line]:
    """Rows of numbers with their names; a row of one text cell is a title of those below, or a name of those around."""
    rows = [row for row in body if any(number_in(row[j]) for j in numeric)]
    shared = {j for j in labels if sum(not row[j] for row in rows) * 2 > len(rows)}
    lines: list[Line] = []
    section, name = "", dict[int, str]()
    for row, after in zip(body, [*body[1:], [""] * len(body[0])], strict=True):
        told = [j for j, cell in enumerate(row) if cell]
        if any(number_in(row[j]) for j in numeric):
            rest = [] if any(number_in(after[j]) for j in numeric) else list(after)
            lines.append(Line([row[j] or name.pop(j, "") for j in labels], list(row), section, rest))
        elif len(told) == 1 and told[0] in shared:
            name[told[0]] = row[told[0]]
        elif len(told) == 1 and len(row[told[0]].split()) <= _LONGEST:
            section = row[told[0]]
    for place in range(len(labels)):
        for line, spread in zip(lines, _filled([line.names[place] or "" for line in lines]), strict=True):
            line.names[place] = spread
    return lines


def _filled(names: Sequence[str]) -> list[str | None]:
    """Names of rows with what spans several of them spread: from its top, or over equal blocks; else None."""
    told = [i for i, name in enumerate(names) if name]
    if not told or len(told) == len(names):
        return list(names)
    size, rest = divmod(len(names), len(told))
    if rest == 0 and all(i // size == k for k, i in enumerate(told)):
        return [names[told[i // size]] for i in range(len(names))]
    if told[0] == 0 and len(told) > 1 and min(b - a for a, b in pairwise(told)) > 1:
        return [names[max(i for i in told if i <= at)] for at in range(len(names))]
    return [name or None for name in names]


def is_name(text: str) -> bool:
    """Whether a cell can be a row's name or a column's head: some letters, not a number, no running text."""
    if "±" in text or re.search(r"\d\.\d.*\s\d+\.\d", text):
        return False
    return sum(map(str.isalpha, text)) >= 1 and number_in(text) is None and len(text.split()) <= _LONGEST
