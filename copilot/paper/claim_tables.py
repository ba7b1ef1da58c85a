"""Results in tables: cells whose column or caption names a metric, with the row as printed for a quote.

Leaves out what is not the paper's own result: rows that cite another work, specifications, counts and settings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from copilot.domain.paper import Claim, Table
from copilot.paper.claim_words import KNOWN_DATA, METRIC, MODEL

_CELL = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:\s?%)?(?:\s?(?:±|\(|\+/-).*)?[*†‡]?")
_NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?")
_CITING = re.compile(r"\[\d+[\d,; –-]*\]|et al|\b(?:19|20)\d\d[a-z]?\)|\bprevious|\bprior\b|\bSOTA\b", re.I)
_OF_MODELS = re.compile(
    r"model|method|system|algorithm|approach|architecture|network|agent|classifier|team|variant|baseline"
    r"|configuration|optimi"
    r"|loss|activation|setting",
    re.I,
)
_OF_DATA = re.compile(r"data|corpus|benchmark|task", re.I)
_LONGEST = 8
"""Words of a row's name or a column's head; more are running text that was taken for a table."""
_SPECIFICATION = re.compile(
    r"\b(?:architectures?|specifications?|configurations?|hyper-?parameters?|statistics|notation|details? of"
    r"|settings? (?:of|used|for)"
    r"|summary of (?:the )?data)\b",
    re.I,
)
_NO_RESULT = re.compile(
    r"#|\bparam|\bsizes?\b|\bepochs?\b|\byear\b|\brank\b|\blayers?\b|\bsamples?\b|\binstances?\b|\bfeatures?\b"
    r"|\bnumber\b|\bno\.|"
    r"\bFLOP|\btimes?\b|\bhours?\b|\bdepth\b|\bclasses\b|\bdim|\bdata type\b|\bid\b|\bp-?value",
    re.I,
)


def from_table(table: Table) -> Iterator[Claim]:
    """One claim per number that a metric explains; ids are given by the caller."""
    header = _header(table)
    in_caption = metrics_in(table.caption)
    if not table.rows or (_SPECIFICATION.search(table.caption) and not in_caption):
        return
    if not in_caption and not any(metrics_in(cell) for cell in header):
        return
    caption_data = list(dict.fromkeys(match.group() for match in KNOWN_DATA.finditer(table.caption)))
    counting = _counting(table)
    for row, after in zip(table.rows, [*table.rows[1:], []], strict=True):
        at = next((place for place, cell in enumerate(row) if cell), 0)
        if _is_other(row, at, after) or _is_cited(row[at], table.caption):
            continue
        what, head_of_names = row[at], header[at] if at < len(header) else ""
        for place, cell in enumerate(row):
            head = header[place] if place < len(header) else ""
            number, metric = _number(cell), _metric(head, in_caption)
            if place in {at, *counting} or number is None or metric is None or len(head.split()) > _LONGEST:
                continue
            data = KNOWN_DATA.search(head)
            known = data.group() if data else caption_data[0] if len(caption_data) == 1 else ""
            model, named = _row_of(what, head_of_names, head)
            yield Claim(
                id="",
                kind="result",
                text=f"{table.label}: {what} — {head or 'value'}: {cell}",
                quote=" ".join(filter(None, row)),
                page=table.page,
                grounded=False,
                section=table.label,
                number=number,
                unit="%" if "%" in cell + head else "",
                metric=metric,
                dataset=known or named,
                model=model,
            )


def _row_of(what: str, names: str, head: str) -> tuple[str, str]:
    """(model, data set) of a cell: what a row is called is a model unless the column of names says otherwise."""
    if _OF_MODELS.search(names) or MODEL.search(what) or not names:
        return what[:80], ""
    other = "" if metrics_in(head) else head
    return (other, what[:80]) if _OF_DATA.search(names) else ("", "")


def _counting(table: Table) -> set[int]:
    """Columns that only count the lines of the page."""
    found = set()
    for place in range(max(map(len, table.rows))):
        cells = [row[place] for row in table.rows if place < len(row) and row[place]]
        numbers = [int(cell) for cell in cells if cell.isdecimal()]
        if len(numbers) > 2 and all(b == a + 1 for a, b in pairwise(numbers)):
            found.add(place)
    return found


def _is_other(row: list[str], at: int, after: list[str]) -> bool:
    """A row without a name, of running text, or with the number of another work (cited in this or the next line)."""
    name = row[at] if row else ""
    if sum(map(str.isalpha, name)) < 2 or _number(name) is not None or len(name.split()) > _LONGEST:
        return True
    told = row if any(_number(cell) is not None for cell in after) else [*row, *after]
    return bool(_CITING.search(" ".join(told)))


def _is_cited(name: str, caption: str) -> bool:
    """Whether the caption says that this row is of another work ("X is the model of (Smith et al., 2018)")."""
    told = re.search(rf"{re.escape(name)}[^.;]{{0,60}}", caption)
    return bool(told and _CITING.search(caption[told.start() : told.end() + 25]))


def _metric(head: str, in_caption: list[str]) -> str | None:
    """The metric of a column; None when its numbers are no results. Several in the caption leave it open which."""
    if found := metrics_in(head):
        return found[0]
    if not in_caption or _NO_RESULT.search(head):
        return None
    return in_caption[0] if len(in_caption) == 1 else ""


def metrics_in(text: str) -> list[str]:
    """The metrics that a text names, each once; general words (score, error) only where no other is named."""
    found = [name for name, pattern in METRIC.items() if pattern.search(text)]
    return [name for name in found if name not in {"score", "loss", "error rate"}] or found


def _header(table: Table) -> list[str]:
    """For each column, the words above its first numeric row, top to bottom."""
    heads: list[list[str]] = [[] for _ in max(table.rows, key=len)] if table.rows else []
    for row in table.rows:
        if sum(_number(cell) is not None for cell in row) >= max(1, sum(bool(cell) for cell in row) / 2):
            break
        if sum(bool(cell) for cell in row) < 2:
            continue
        for place, cell in enumerate(row):
            if cell:
                heads[place].append(_words_only(cell))
    return [" ".join(filter(None, words))[:120] for words in heads]


def _words_only(cell: str) -> str:
    """A head without the column of numbers that the reader joined to it ("Error (%) 3.62 3.58 ...")."""
    run = re.search(r"(?:\s[-−–]?\s?\d[\d.,]*%?\w?){2,}", cell)
    return cell[: run.start()].strip() if run else cell


def _number(cell: str) -> float | None:
    if not _CELL.fullmatch(cell.strip()):
        return None
    digits = _NUMBER.match(cell.strip())
    return float(digits.group().replace(",", "").replace("−", "-")) if digits else None
