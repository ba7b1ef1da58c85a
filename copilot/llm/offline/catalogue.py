"""The catalogue of interventions (`catalogue.yaml`), and how much a text speaks of each."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from copilot.domain.base import Value
from copilot.domain.idea import Scalar
from copilot.domain.wording import names_what_varies, stems

FILE = Path(__file__).resolve().parent / "catalogue.yaml"
FREQUENCY = Path(__file__).resolve().parent / "frequency.json"
"""In how many of a mixed collection of papers each term stands (`benchmarks/term_frequency.py`)."""
ZONES = {"title": 1.0, "abstract": 0.6, "contributions": 0.6, "headings": 0.4, "body": 0.1}
"""How much of a paper a term speaks for, by the most telling place where it stands: the title says what the paper is
about, abstract and contributions what it did, the body what it mentions."""
TOPIC = 0.5
"""What a term counts for that belongs to the field of an intervention and does not name what is varied."""
OFTEN = 8
"""Mentions from which on the body speaks of a term as a heading would."""


class Entry(Value):
    """One intervention; see the head of catalogue.yaml."""

    id: str
    prototype: str
    group: str
    set: dict[str, Scalar]
    against: dict[str, Scalar] = {}
    data: str = ""
    treatment: str
    baseline: str
    why: str
    prior: Literal["likely", "open", "unlikely"]
    terms: list[str]


@dataclass(frozen=True)
class Match:
    """An entry with how much the text speaks of it (0 to 1), and by which terms, the most telling first."""

    entry: Entry
    relevance: float
    terms: list[str]


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All entries, in the order of the file."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, dict[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)
    return tuple(Entry(id=name, **fields) for name, fields in found.items())


@functools.cache
def _pattern(term: str) -> re.Pattern[str]:
    flexible = re.escape(term).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]?")
    return re.compile(rf"(?<![a-z]){flexible}(?:s|es)?(?![a-z])")


def mentions(term: str, text: str) -> int:
    """How often the term stands in the (lower-case) text, as words, in singular or plural, hyphenated or not."""
    return sum(1 for _ in _pattern(term).finditer(text))


@functools.cache
def _special() -> dict[str, float]:
    """How special each term is: the chance that neither of two papers drawn from the collection says it.

    From 0 (every paper does) to 1; unlike the logarithmic inverse document frequency it has no need of a largest value.
    """
    table = json.loads(FREQUENCY.read_text(encoding="utf-8"))
    papers, counts = table["papers"], table["mentioned_in"]
    terms = {term for entry in entries() for term in entry.terms}
    return {term: (1 - counts.get(term, 0) / papers) ** 2 for term in terms}


@functools.cache
def _naming(entry_id: str) -> frozenset[str]:
    """Those terms of an entry that name what it varies, and not only the field that this belongs to."""
    entry = next(one for one in entries() if one.id == entry_id)
    return frozenset(term for term in entry.terms if names_what_varies(entry.treatment, entry.baseline, term))


def match(zones: Mapping[str, str], prototypes: Iterable[str]) -> list[Match]:
    """The entries that the text speaks of and that can run here, most relevant first.

    Relevance lies between 0 and 1 and is earned: each term counts by how special it is, where it stands, and whether it
    names what is varied; terms that share no word add up as independent evidence (1 - product of the complements).
    """
    low = {zone: text.lower() for zone, text in zones.items()}
    weights = {term: special * _place(term, low) for term, special in _special().items()}
    usable = set(prototypes)
    found = []
    for entry in entries():
        naming = _naming(entry.id)
        hits = {term: weights[term] * (1.0 if term in naming else TOPIC) for term in entry.terms if weights[term]}
        if hits and entry.prototype in usable:
            ranked = sorted(hits, key=lambda term: -hits[term])
            relevance = 1 - math.prod(1 - hits[term] for term in _independent(ranked))
            found.append(Match(entry, relevance, ranked))
    return sorted(found, key=lambda item: -item.relevance)


def _independent(ranked: list[str]) -> list[str]:
    """The terms that share no word with one before them: "minibatch" and "mini-batch" are one piece of evidence."""
    seen: set[str] = set()
    chosen = []
    for term in ranked:
        words = stems(term.replace("-", " ")) | stems(term.replace("-", "")) or {term}
        if not words & seen:
            chosen.append(term)
        seen |= words
    return chosen


def _place(term: str, zones: Mapping[str, str]) -> float:
    """The weight of the most telling zone with the term."""
    best = 0.0
    for zone, text in zones.items():
        weight = ZONES[zone]
        if weight > best and (count := mentions(term, text)):
            best = max(best, ZONES["headings"] if zone == "body" and count >= OFTEN else weight)
    return best
