"""Results in tables: cells whose metric is known, with the row as printed for a quote.

Leaves out what is not the paper's own result: rows and columns of other works where the paper's own are marked, rows
that cite, specifications, counts and settings. A cell whose head could not be told is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from copilot.domain.paper import Claim, Table
from copilot.paper.claim_grid import Grid, Line, is_name, number_in, read_grids
from copilot.paper.claim_heads import (
    ABLATED,
    ARROW,
    AVERAGE,
    CITING,
    DATA_SETS,
    GENERIC,
    NEVER,
    NO_RESULT,
    OF_BASELINES,
    OF_DATA,
    OF_MODELS,
    OURS,
    PROPER,
    RESULTS,
    SPECIFICATION,
    WITHOUT,
)
from copilot.paper.claim_metrics import GENERAL, Named, is_possible, metrics_in
from copilot.paper.claim_names import KNOWN_DATA, data_in, models_in, own_in


@dataclass(frozen=True)
class _Caption:
    """What a caption says of every number of its table."""

    metric: Named | None
    several: bool
    dataset: str
    unit: str
    of_data: bool
    """Whether the columns may be data sets: the caption speaks of several."""
    ranked: str = ""
    """What "Top-1" in a head is of: "accuracy" or "error"."""


@dataclass(frozen=True)
class _Column:
    place: int
    head: str
    metric: Named | None
    dataset: str
    model: str
    own: bool
    apart: str
    """What the nearest head says beside the metric: tells columns of one metric apart."""


def from_table(table: Table, own: Sequence[str] = ()) -> Iterator[Claim]:
    """One claim per number that a metric or a data set explains; ids are given by the caller.

    `own` are the names of what the paper proposes.
    """
    caption = _caption(table.caption)
    if NEVER.search(" ".join(table.caption.split()[:10])) or (
        SPECIFICATION.search(table.caption) and caption.metric is None
    ):
        return
    for grid in read_grids(table.rows):
        columns = _columns(grid, own)
        told = _caption_for(caption, columns)
        roles = _roles(grid, columns, own, told.of_data)
        lines = [line for line in _own_lines(grid, table.caption, own, columns) if _is_unique(line, grid)]
        for line in lines:
            cells = [(column, _claim(table, told, roles, line, column)) for column in _own_columns(columns)]
            yield from _told_apart([(column, claim) for column, claim in cells if claim is not None], told.of_data)


def _caption_for(caption: _Caption, columns: Sequence[_Column]) -> _Caption:
    """The caption's metric is that of no column when some name their own; known data sets in heads are no chance."""
    if any(column.metric for column in columns):
        caption = replace(caption, metric=None)
    return replace(caption, of_data=caption.of_data or any(KNOWN_DATA.search(column.head) for column in columns))


def _told_apart(cells: Sequence[tuple[_Column, Claim]], of_data: bool) -> Iterator[Claim]:
    """Cells of one row; those that would read alike with the words of their heads that tell them apart."""
    keys = Counter((claim.metric, claim.dataset, claim.model) for _, claim in cells)
    for column, claim in cells:
        own = column.apart if len(column.apart.split()) <= 5 else ""
        if keys[claim.metric, claim.dataset, claim.model] == 1 or not ARROW.sub("", own).strip("- ()") or len(own) > 40:
            yield claim
        elif column.model and claim.model == column.model:
            yield claim.model_copy(update={"model": own})
        elif of_data and PROPER.fullmatch(own) and not claim.dataset:
            yield claim.model_copy(update={"dataset": own})
        elif claim.metric:
            yield claim.model_copy(update={"metric": f"{claim.metric} ({own})"})


def _beside_metric(head: str) -> str:
    """A head without the metrics, units and arrows in it."""
    plain = ARROW.sub(" ", head)
    for one in reversed(metrics_in(plain)):
        plain = plain[: one.start] + plain[one.end :]
    words = " ".join(re.sub(r"\btop-?\d+|\(%?\)|\[\d*\]|%", " ", plain, flags=re.I).split())
    return words[1:-1] if words.startswith("(") and words.endswith(")") else words


def _caption(text: str) -> _Caption:
    if second := re.search(r"\bTable \d+[:.]", text):
        text = text[: second.start()]
    named = metrics_in(text)
    special = [m for m in named if m.kind not in GENERAL]
    general = [m for m in named if m.kind in GENERAL and len(text[: m.start].split()) <= 5 and m.name != "score"]
    kinds = list(dict.fromkeys(m.name for m in special or general))
    sets = list(dict.fromkeys(one.name for one in data_in(text)))
    unit = "%" if re.search(r"\(\s?(?:in )?%\s?\)|\bin (?:%|percent)|\[%\]|percentage", text) else ""
    metric = (special or general)[0] if len(kinds) == 1 else None
    ranked = next((word for word in ("accuracy", "error") if word[:5] in text.lower()), "")
    return _Caption(
        metric, len(kinds) > 1, sets[0] if len(sets) == 1 else "", unit, bool(DATA_SETS.search(text)), ranked
    )


def _columns(grid: Grid, own: Sequence[str]) -> list[_Column]:
    """The columns of numbers whose heads are known; beside metrics only those that are metrics or data sets, too."""
    told = _told_columns(grid, own)
    if any(column.metric for column in told):
        return [column for column in told if column.metric or column.dataset]
    return told


def _told_columns(grid: Grid, own: Sequence[str]) -> list[_Column]:
    """The columns of numbers whose heads are known and that are no counts or settings."""
    out: list[_Column] = []
    if any(re.fullmatch(r"F[02-9]", grid.head(place) or "") for place in grid.numeric):
        return out  # variants called F0, F1, … and no F1 score
    if any(_is_joined(grid.head(place) or "") for place in grid.numeric):
        return []
    for place in grid.numeric:
        head = grid.head(place)
        if head is None or (not head and len(grid.numeric) > 1) or len(head.split()) > 12:
            continue
        metric = _metric(head)
        if metric is None and NO_RESULT.search(head):
            continue
        beside = _beside_metric(head)
        apart = next(filter(None, map(_beside_metric, grid.last(place))), "")
        data = [] if AVERAGE.search(head) else [one.name for one in data_in(head)]
        marked = bool(OURS.search(head) or (own_in(head, own) and not WITHOUT.search(head)))
        named = [one for one in models_in(beside, own) if (one.end - one.start) * 2 >= len(beside)]
        model = _tidy(beside) if not data and len(beside.split()) <= 4 and (named or marked) else ""
        out.append(_Column(place, head, metric, data[-1] if len(set(data)) == 1 else "", model, marked, apart))
    return out


def _is_joined(head: str) -> bool:
    """Whether a head has swallowed the first number below it ("BLEU 19.71")."""
    return any(re.match(r"\s[-−]?\d+\.\d", head[one.end :]) for one in metrics_in(head))


def _metric(text: str) -> Named | None:
    """The metric that a head names: one of the known, or what an arrow says is one."""
    plain = ARROW.sub(" ", text)
    known = [m for m in metrics_in(plain) if not NO_RESULT.search(plain[m.end : m.end + 10])]
    special = [m for m in known if m.kind not in GENERAL] or [m for m in known if m.name != "loss"]
    if special:
        return special[-1]
    arrow = re.search(r"([\w@./-]{2,20})(?:\s?\([^()]*\))?\s?\(?[↑↓⇑⇓]", text) or re.search(
        r"([\w@./-]{2,20})\s?\(%\)$", text
    )
    if arrow and not (NO_RESULT.search(text) or GENERIC.match(arrow[1]) or KNOWN_DATA.search(arrow[1])):
        return Named(0, 0, arrow[1], "")
    return None


def _own_columns(columns: Sequence[_Column]) -> list[_Column]:
    """Those of the paper's own models, where columns are models and some are marked as its own."""
    return [c for c in columns if c.own] if _are_models(columns) else list(columns)


def _are_models(columns: Sequence[_Column]) -> bool:
    """Whether the columns are models, some of them the paper's own, and not metrics or data sets."""
    return any(c.own for c in columns) and not any(c.dataset or (c.metric and not c.model) for c in columns)


def _own_lines(grid: Grid, caption: str, own: Sequence[str], columns: Sequence[_Column]) -> list[Line]:
    """Lines with names that are not of other works; only those of the paper's own models where some are marked so."""
    lines = [line for line in grid.lines if _is_named(line) and not _is_cited(line, caption)]
    marked = [line for line in lines if _is_own(line, own)]
    if marked:
        return [line for line in lines if _is_own(line, own) or _is_ablated(line)]
    if any(column.own for column in columns):
        return lines
    return [] if OF_BASELINES.search(caption) or (own and _are_known(lines)) else lines


def _are_known(lines: Sequence[Line]) -> bool:
    """Whether most rows are well-known models; in a paper with a model of its own those are what it compares with."""
    known = sum(any(models_in(name) for name in line.names if name) for line in lines)
    return known * 2 > len(lines)


def _is_ablated(line: Line) -> bool:
    return any(ABLATED.match(name) for name in line.names if name)


def _is_own(line: Line, own: Sequence[str]) -> bool:
    name = " ".join(filter(None, line.names))
    return bool(OURS.search(name) or own_in(name, own))


def _is_named(line: Line) -> bool:
    names = [name for name in line.names if name]
    return (
        bool(names)
        and all(is_name(name) and not re.match(r"[-–]\w", name) for name in names)
        and sum(map(str.isalpha, "".join(names))) >= 2
    )


def _is_cited(line: Line, caption: str) -> bool:
    """Whether the row, the line after it or the caption says that this is another work's number."""
    if CITING.search(" ".join([*line.cells, *line.after, line.section])):
        return True
    name = re.escape(line.names[-1] or "\0")
    told = re.search(rf"(?<!\w){name}(?!\w)[^.;]{{0,60}}", caption)
    return bool(told and CITING.search(caption[told.start() : told.end() + 25]))


@dataclass(frozen=True)
class _Roles:
    """Which name of a row is what: places among its names, None where there is no such name."""

    model: int | None
    data: int | None
    metric: int | None
    some_metrics: bool
    """Whether some row's name is a metric: then the caption's is not that of the others."""

    def name(self, line: Line, place: int | None) -> str:
        return (line.names[place] or "") if place is not None else ""


def _is_unique(line: Line, grid: Grid) -> bool:
    """Whether no other row has the same names: what tells such rows apart was lost."""
    return sum(other.names == line.names and other.section == line.section for other in grid.lines) == 1


def _roles(grid: Grid, columns: Sequence[_Column], own: Sequence[str], of_data: bool) -> _Roles:
    """What the names of rows are: by the paper's own among them, the head above, or what most of them are."""
    found: dict[str, int] = {}
    worth: dict[str, int] = {}
    for at in reversed(range(len(grid.labels))):
        head = " ".join(filter(None, grid.heads[grid.labels[at]]))
        names = [line.names[at] or "" for line in grid.lines]
        role = _role(head, names, own)
        if role is None and at == len(grid.labels) - 1 and not head:
            role = _unnamed(names, columns, of_data)
        distinct = len(set(names)) * 2 > len(names)
        marked = distinct and any(OURS.search(name) or own_in(name, own) for name in names)
        told = 2 if marked else int(bool(OF_MODELS.search(head)))
        if role and told > worth.get(role, -1):
            found[role], worth[role] = at, told
    some = any(_metric(name) and not models_in(name, own) for line in grid.lines for name in line.names if name)
    return _Roles(found.get("model"), found.get("data"), found.get("metric"), some)


def _unnamed(names: Sequence[str], columns: Sequence[_Column], of_data: bool) -> str | None:
    """What rows under an empty head are: data sets beside columns of models, else models."""
    if _are_models(columns):
        proper = sum(bool(PROPER.fullmatch(name)) and not GENERIC.match(name) for name in names)
        return "data" if of_data and len(names) > 2 and proper * 2 > len(names) else None
    codes = sum(bool(re.fullmatch(r"[a-z]{1,3}(?:[-→][a-z]{1,3})?", name)) for name in names)
    return None if any(column.model for column in columns) or codes * 2 > len(names) else "model"


def _role(head: str, names: Sequence[str], own: Sequence[str]) -> str | None:
    """ "metric", "data" or "model"; None for a condition."""

    def most(told: Iterable[bool]) -> bool:
        return sum(told) * 2 > sum(map(bool, names))

    if most(_metric(name) is not None for name in names):
        return "metric"
    if any(OURS.search(name) or own_in(name, own) for name in names):
        return "model"
    if most(bool(KNOWN_DATA.search(name)) for name in names) or OF_DATA.fullmatch(head):
        return "data"
    spelt = most(bool(re.search(r"[A-Z0-9]", name)) for name in names)
    return "model" if (OF_MODELS.search(head) and spelt) or most(bool(models_in(name)) for name in names) else None


def _claim(table: Table, caption: _Caption, roles: _Roles, line: Line, column: _Column) -> Claim | None:
    number = number_in(line.cells[column.place])
    beside = " ".join(filter(None, line.names))
    if number is None or (roles.model is None and NO_RESULT.search(beside)):
        return None
    metric, named = _metric_of(caption, roles, line, column)
    model, dataset = _model_and_data(line, column, roles, caption)
    if not (model or dataset) or (
        not named and not (dataset and model and column.head and RESULTS.search(table.caption))
    ):
        return None
    if metric is not None and not is_possible(metric.kind, number.value):
        return None
    return Claim(
        id="",
        kind="result",
        text=f"{table.label}: {beside} — {column.head or 'value'}: {line.cells[column.place]}",
        quote=" ".join(filter(None, line.cells)),
        page=table.page,
        grounded=False,
        section=table.label,
        number=number.value,
        unit=number.unit or ("%" if "%" in column.head else caption.unit if column.metric is None else ""),
        metric=named,
        dataset=dataset,
        model=model,
    )


def _names_data(roles: _Roles, line: Line, column: _Column, dataset: str) -> bool:
    """Whether the cell itself is on a data set, or is the average over those of the caption."""
    named = column.dataset or roles.name(line, roles.data) or _tidy(column.head) == dataset
    return bool(dataset and (named or AVERAGE.search(column.head)))


def _metric_of(caption: _Caption, roles: _Roles, line: Line, column: _Column) -> tuple[Named | None, str]:
    """The metric of a cell and how the ledger names it; neither where the caption leaves it open."""
    own = column.metric or _metric(roles.name(line, roles.metric)) or _metric(line.section)
    if own is None and roles.some_metrics:
        return None, ""
    if own is not None:
        return own, own.name
    top = re.search(r"\btop-?\d+", column.head, re.I)
    if top and caption.ranked:
        return Named(0, 0, f"{top.group()} {caption.ranked}", "accuracy"), f"{top.group()} {caption.ranked}"
    if caption.metric is None or caption.several or not (column.head == "" or is_name(column.head)):
        return None, ""
    return caption.metric, caption.metric.name


def _model_and_data(line: Line, column: _Column, roles: _Roles, caption: _Caption) -> tuple[str, str]:
    """(model, data set) of a cell."""
    row, grouped = _tidy(roles.name(line, roles.model)), roles.name(line, roles.data)
    section = line.section if KNOWN_DATA.search(line.section) else ""
    proper = (
        not models_in(column.head)
        and column.metric is None
        and bool(PROPER.fullmatch(column.head))
        and not (AVERAGE.search(column.head) or GENERIC.match(column.head))
    )
    measured = _beside_metric(roles.name(line, roles.metric))
    section = section or (measured if PROPER.fullmatch(measured) else "")
    model, dataset = column.model, column.dataset or _tidy(grouped) or section
    if row:
        model = f"{row} ({column.model})" if column.model and column.model != row else row
        dataset = dataset or (_tidy(column.head) if proper and caption.of_data and not column.model else "")
    elif not model and grouped and proper:
        model = _tidy(column.head)
    return model[:80], (dataset or ("" if None in line.names else caption.dataset))[:80]


def _tidy(name: str) -> str:
    """A name without citation, mark and "(ours)"."""
    plain = re.sub(r"\s*(?:\[[\d, ]+\]|\((?:ours?|proposed)\)|[*†‡§¶⋆]+)\s*", " ", name, flags=re.I).strip()
    return plain or name
