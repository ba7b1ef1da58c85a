"""One readable sentence for each hit: why it is here and what to know before using it. Words only, no judgement."""

from __future__ import annotations

import re
from functools import partial

import psutil

from copilot.hub.query import bare
from copilot.hub.rank import Ranked
from copilot.hub.safety import printable
from copilot.hub.values import Filters, Hit, Record
from copilot.hub.wishes import parameters

BYTES_PER_WEIGHT = 4
OVERHEAD = 1.3
"""Memory to run a model over its bare weights in 32-bit floats: a rule of thumb."""


def human(count: float) -> str:
    """1234567 -> "1.2M"."""
    for limit, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if count >= limit:
            return f"{count / limit:.1f}".removesuffix(".0") + unit
    return f"{count:.0f}"


def _gigabytes(size: float) -> str:
    return f"{size / 1e9:.1f} GB" if size >= 1e8 else f"{size / 1e6:.0f} MB"


def memory_bytes(filters: Filters) -> int:
    """The memory to judge by: as given, else this machine's available memory."""
    return filters.memory_bytes if filters.memory_bytes is not None else int(psutil.virtual_memory().available)


def _fit(record: Record, filters: Filters) -> str:
    weights = parameters(record)
    if not weights or record.kind != "model":
        return ""
    needed = weights * BYTES_PER_WEIGHT * OVERHEAD
    verb = "fits" if needed <= memory_bytes(filters) else "does not fit"
    return f"{verb} this machine's memory (about {_gigabytes(needed)} needed)"


def _size(record: Record) -> str:
    weights = parameters(record)
    if record.kind == "model":
        return f"{human(weights)} parameters" if weights else "size unknown"
    if record.rows:
        return f"{human(record.rows)} rows"
    named = next((tag.split(":", 1)[1] for tag in record.tags if tag.startswith("size_categories:")), "")
    return f"{named} rows" if named else ""


def _popularity(record: Record) -> str:
    if record.downloads is None:
        return "downloads unknown"
    likes = f", {human(record.likes)} likes" if record.likes is not None else ""
    return f"{human(record.downloads)} downloads{likes}"


def _languages(record: Record) -> str:
    codes = record.languages[:4]
    more = f" and {len(record.languages) - 4} more" if len(record.languages) > 4 else ""
    return f"languages {', '.join(codes)}{more}" if codes else ""


def _match(item: Ranked) -> str:
    parts = item.parts
    reasons = [
        ("the paper links to it", parts.get("ours", 0) > 0.1),
        ("the task fits", parts.get("task", 0) > 0.1),
        ("it is a standard dataset of this topic", parts.get("benchmark", 0) > 0.1),
        ("it is much used for work in such words", parts.get("benchmark", 1) <= 0.1 and parts["near"] > 0.15),
        ("the request names it", parts.get("name", 0) > 0.4),
        ("its text matches the words", parts.get("words", 0) > 0.15),
    ]
    return ", ".join([reason for reason, holds in reasons if holds][:3]) or "a weak match by words"


def _mentions(name: str, data: str) -> bool:
    """True when whole parts of a repository's name spell a dataset (`bert-sst2` sst2, `x-squad-v2` squad)."""
    parts = re.split(r"[^a-z0-9]+", name.lower())
    version = "" if data[-1].isdigit() else r"(?:v?\d)?"
    runs = ("".join(parts[start:end]) for start in range(len(parts)) for end in range(start + 1, start + 5))
    return any(re.fullmatch(re.escape(data) + version, run) for run in runs)


def overlap(record: Record, filters: Filters) -> str:
    """A warning when a model says that it was trained on the data that it would be tested on."""
    tested = {bare(name) for name in filters.task_data if len(bare(name)) >= 3}
    for name in record.datasets:
        if bare(name) in tested:
            return f"train/test overlap: it was trained on {printable(name, 60)}, which the task tests on"
    if record.kind == "model" and (name := next(filter(partial(_mentions, record.id), sorted(tested)), "")):
        return f"possible train/test overlap: its name mentions {printable(name, 60)}, which the task tests on"
    if record.kind == "dataset" and bare(record.id) in tested:
        return "this is the data that the task tests on"
    return ""


def why(item: Ranked, filters: Filters) -> str:
    """The sentence shown with the hit."""
    record = item.record
    if record.local:
        weak = f", a weak hit ({item.weak})" if item.weak else ""
        return f"Bundled prototype, ready to run here{weak}: {printable(record.description, 240)}"
    facts = [
        f"task {record.task}" if record.task else "no task tag",
        f"data {', '.join(printable(name, 40) for name in record.datasets[:2])}" if record.datasets else "",
        f"licence {printable(record.licence, 40)}" if record.licence else "licence not stated",
        _languages(record),
        _size(record),
        _popularity(record),
        f"changed {record.modified}" if record.modified else "",
        "gated" if record.gated else "",
        _fit(record, filters),
    ]
    start = f"a weak hit, {item.weak}" if item.weak else _match(item)
    return f"{start[0].upper()}{start[1:]}: {', '.join(printable(fact, 160) for fact in facts if fact)}."


def hit_from(item: Ranked, filters: Filters) -> Hit:
    """The hit that a person and a program see."""
    record = item.record
    warning = overlap(record, filters)
    return Hit(
        id=printable(record.id, 200),
        kind=record.kind,
        score=round(item.score, 4),
        why=why(item, filters),
        task=printable(record.task, 60),
        licence=printable(record.licence, 60),
        downloads=record.downloads,
        revision=record.sha,
        url=printable(record.url, 400),
        warnings=[*item.judged.warnings, *([warning] if warning else [])],
        refused=item.judged.refused,
        weak=item.weak,
    )
