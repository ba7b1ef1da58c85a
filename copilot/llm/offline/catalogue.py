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
from copilot.llm.offline.sentences import split

FILE = Path(__file__).resolve().parent / "catalogue.yaml"
FREQUENCY = Path(__file__).resolve().parent / "frequency.json"
"""In how many of a mixed collection of papers each term stands (`benchmarks/term_frequency.py`)."""
ZONES = {"title": 1.0, "headings": 0.4}
"""How much of a paper a term speaks for, by the most telling place where it stands: the title says what the paper is
about, headings what it deals with."""
GROWING = {"abstract": (0.4, 0.6), "contributions": (0.2, 0.5), "body": (0.1, 0.4)}
"""The same for places that list and mention things: by how much the body speaks of them."""
TOPIC = 0.5
"""What a term counts for that belongs to the field of an intervention and does not name what is varied."""
OFTEN = 8
"""Sentences from which on the body speaks of a term as fully as it can."""
ELSEWHERE = 0.25
"""What is left of the relevance where title, abstract and headings do not speak of the setting of the experiment."""
HOME = 0.8
"""The same where they speak of it, but only in words that every paper says."""


class Setting(Value):
    """Where a prototype's interventions are at home; see the head of catalogue.yaml."""

    model: str
    setting: list[str]


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
    control: bool = False

    def named_in(self, text: str) -> bool:
        """True when the words name what is varied: what the treatment adds, or a control takes away."""
        if names_what_varies(self.treatment, self.baseline, text):
            return True
        return self.control and names_what_varies(self.baseline, self.treatment, text)


@dataclass(frozen=True)
class Match:
    """An entry with how much the text speaks of it (0 to 1), and by which terms, the most telling first."""

    entry: Entry
    relevance: float
    terms: list[str]


@functools.cache
def _file() -> dict[str, dict[str, Any]]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, dict[str, Any]] = yaml.load(FILE.read_text(encoding="utf-8"), Loader=loader)
    return found


@functools.cache
def entries() -> tuple[Entry, ...]:
    """All entries, in the order of the file."""
    return tuple(Entry(id=name, **fields) for name, fields in _file()["interventions"].items())


@functools.cache
def settings() -> dict[str, Setting]:
    """What each prototype's experiment is about."""
    return {name: Setting(**fields) for name, fields in _file()["settings"].items()}


def spoken_data(family: str) -> str:
    """A family of data sets as it reads in a sentence."""
    return str(_file()["data"].get(family, family.replace("_", " ")))


_FIRST = re.compile(r"[^a-z0-9]")


@functools.cache
def _pattern(term: str) -> re.Pattern[str]:
    stem = term.removesuffix("*")
    flexible = re.escape(stem).replace(r"\ ", r"[\s-]+").replace(r"\-", r"[\s-]?")
    return re.compile(rf"(?<![a-z]){flexible}" + ("" if stem != term else r"(?:s|es)?(?![a-z])"))


def mentions(term: str, text: str) -> int:
    """How often the term stands in the (lower-case) text, as words, in singular or plural, hyphenated or not.

    A term of several parts ("a + b") counts the lines that hold all of them: see `lines`.
    """
    parts = term.split(" + ")
    if not all(_FIRST.split(part, maxsplit=1)[0] in text for part in parts):
        return 0  # most terms are in most texts not at all, and that is quickly seen
    if len(parts) == 1:
        return sum(1 for _ in _pattern(term).finditer(text))
    return sum(all(_pattern(part).search(line) for part in parts) for line in text.splitlines())


def lines(text: str) -> str:
    """The text in lower case, one sentence a line."""
    return "\n".join(split(text)).lower()


@functools.cache
def vocabulary() -> frozenset[str]:
    """Every term of the catalogue, those that tell a setting included."""
    told = {term for entry in entries() for term in entry.terms}
    return frozenset(told | {word for one in settings().values() for word in one.setting})


@functools.cache
def _special() -> dict[str, float]:
    """How special each term is: the chance that neither of two papers drawn from the collection says it.

    From 0 (every paper does) to 1; unlike the logarithmic inverse document frequency it has no need of a largest value.
    """
    table = json.loads(FREQUENCY.read_text(encoding="utf-8"))
    papers, counts = table["papers"], table["mentioned_in"]
    return {term: (1 - counts.get(term, 0) / papers) ** 2 for term in vocabulary()}


@functools.cache
def _naming(entry_id: str) -> frozenset[str]:
    """Those terms of an entry that name what it varies, and not only the field that this belongs to."""
    entry = next(one for one in entries() if one.id == entry_id)
    return frozenset(term for term in entry.terms if entry.named_in(term))


def match(
    zones: Mapping[str, str], prototypes: Iterable[str], *, within: Mapping[str, str] | None = None
) -> list[Match]:
    """The entries that the text speaks of and that can run here, most relevant first.

    Relevance lies between 0 and 1 and is earned: each term counts by how special it is, where it stands, and whether it
    names what is varied. Terms that name it and share no word add up as independent evidence (1 - product of the
    complements); of those that name the field only the best counts. With `within`, the zones of a paper, what is left
    of it tells how much the paper is about the setting of the experiment.
    """
    low = {zone: lines(text) for zone, text in zones.items()}
    told = lines(". ".join(text for zone, text in (within or {}).items() if zone != "body"))
    at_home = {name: _at_home(name, told) if within else 1.0 for name in prototypes}
    special = _special()
    weights = {term: special[term] * _place(term, low) for entry in entries() for term in entry.terms}
    found = []
    for entry in entries():
        hits = {term: weights[term] for term in entry.terms if weights[term]}
        if hits and entry.prototype in at_home:
            relevance, ranked = _relevance(hits, _naming(entry.id))
            found.append(Match(entry, relevance * at_home[entry.prototype], ranked))
    return sorted(found, key=lambda item: -item.relevance)


def _relevance(hits: Mapping[str, float], naming: frozenset[str]) -> tuple[float, list[str]]:
    """How relevant terms of these weights make an entry, and the terms, the most telling first."""
    value = {term: weight * (1.0 if term in naming else TOPIC) for term, weight in hits.items()}
    ranked = sorted(value, key=lambda term: -value[term])
    topic = max((value[term] for term in ranked if term not in naming), default=0.0)
    named = _independent([term for term in ranked if term in naming])
    return 1 - (1 - topic) * math.prod(1 - value[term] for term in named), ranked


def _at_home(prototype: str, told: str) -> float:
    """How much a paper of these words is about a prototype's setting: a special word of it tells more than a common."""
    words = settings()[prototype].setting if prototype in settings() else []
    said = [_special()[word] for word in words if mentions(word, told)]
    return HOME + (1 - HOME) * max(said) if said else ELSEWHERE


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
    """The weight of the most telling zone with the term.

    In the body it grows with how often it is spoken of; in the abstract too, where a thing may just be listed. A title
    needs only the first part of a term whose parts stand together elsewhere.
    """
    often = min(1.0, max(0, mentions(term, zones.get("body", "")) - 1) / (OFTEN - 1))
    known = [zone for zone, text in zones.items() if mentions(term, text)]
    if known and mentions(term.partition(" + ")[0], zones.get("title", "")):
        return ZONES["title"]
    weights = {**ZONES, **{zone: low + (high - low) * often for zone, (low, high) in GROWING.items()}}
    return max((weights[zone] for zone in known), default=0.0)
