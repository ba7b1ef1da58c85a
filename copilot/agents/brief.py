"""What the roles `idea` and `manager` are shown, as documents: bounded in size, and in an order whose beginning stays.

What is the same in every run comes first (the prototypes), then what is the same in one run, then the request: a
provider's cache can serve the beginning of the next question. Not here: the questions, and what is done with answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from copilot.domain.idea import Metric, RelatedPaper
from copilot.domain.paper import Claim, Paper, Section
from copilot.lab.cards import Card, Parameter
from copilot.llm.protocol import Document

MAX_PAPER_CHARACTERS = 80_000
MAX_CLAIMS = 120
MAX_ABSTRACT = 1500
MAX_CARD_BODY = 1500
TELLING = re.compile(r"conclu|discuss|limit|future", re.IGNORECASE)
"""Sections that are kept first where a paper is too long: they stand at its end and say what is open."""
MEASURED = ("claim", "prototype", "differs", "metric", "word", "trust", "effect")
"""What is shown of an earlier verdict: what was asked and what came out, not what somebody had foretold."""
LEFT_OUT = {"hyperparameter", "dataset"}
"""Kinds of claims that the text holds anyway and that no hypothesis starts from."""


@dataclass(frozen=True)
class Material:
    """What ideas are drafted from; `options` describes a task with data (see `copilot.lab.taskkind`)."""

    subject: str
    paper: Paper | None = None
    question: str = ""
    code: str = ""
    """What a person's own code says, shortened; the experiment starts from it."""
    cards: Mapping[str, Card] = field(default_factory=dict)
    related: list[RelatedPaper] = field(default_factory=list)
    past: list[dict[str, Any]] = field(default_factory=list)
    options: dict[str, Any] | None = None
    metric: Metric | None = None
    minimum_effect: float | None = None
    seeds: int = 8
    prototype: str = ""
    source: Literal["paper", "question", "task"] = "paper"


def for_ideas(material: Material) -> list[Document]:
    """All that an idea can be drafted from."""
    documents = [_document("prototypes", [card_digest(card) for card in material.cards.values()])]
    if material.paper:
        documents.append(_document("paper", paper_digest(material.paper)))
    if material.question:
        documents.append(Document(name="question", text=material.question))
    if material.code:
        documents.append(Document(name="code", text=material.code))
    if material.options:
        documents.append(_document("options", material.options))
    if material.related:
        documents.append(_document("related", _related(material.related)))
    if material.past:
        documents.append(_document("past_verdicts", _past(material.past)))
    return documents


def for_review(material: Material, prototypes: Iterable[str]) -> list[Document]:
    """What drafted ideas are judged against: the subject, what the paper leaves open, the prototypes that they name."""
    subject: dict[str, Any] = {"title": material.subject, "asked": material.question}
    if paper := material.paper:
        subject |= {"abstract": paper.abstract, "left_open": _left_open(paper)}
    cards = [material.cards[name] for name in dict.fromkeys(prototypes) if name in material.cards]
    found = {
        "subject": {name: value for name, value in subject.items() if value},
        "prototypes": [card_digest(card) for card in cards],
        "related": _related(material.related),
        "past_verdicts": _past(material.past),
    }
    return [_document(name, value) for name, value in found.items() if value]


def paper_digest(paper: Paper) -> dict[str, Any]:
    """What a model sees of a paper: title, abstract, what its ledger holds, and the text by section up to a bound."""
    kept = _within(paper.sections, MAX_PAPER_CHARACTERS)
    return {
        "title": paper.title,
        "authors": paper.authors,
        "abstract": paper.abstract,
        "claims": _claims(paper.claims),
        "sections": [
            {"title": section.title, "page": section.page, "text": text}
            for section, text in zip(paper.sections, kept, strict=True)
        ],
        "shortened": sum(map(len, kept)) < sum(len(section.text) for section in paper.sections),
    }


def card_digest(card: Card) -> dict[str, Any]:
    """A prototype's card without what only our own code reads."""
    digest = card.model_dump(mode="json", include={"name", "title", "summary", "tags", "metric", "minimum_effect"})
    return digest | {
        "noise": card.noise,
        "seconds_per_trial": card.seconds_per_trial,
        "dataset": card.dataset,
        "datasets": card.datasets,
        "parameters": {name: _parameter(parameter) for name, parameter in card.parameters.items()},
        "body": card.body[:MAX_CARD_BODY],
    }


def _document(name: str, value: Any) -> Document:
    return Document(name=name, text=json.dumps(value, ensure_ascii=False), media_type="application/json")


def _parameter(parameter: Parameter) -> dict[str, Any]:
    allowed = {"choices": parameter.choices} if parameter.choices is not None else {"range": parameter.range}
    return {"default": parameter.default, **allowed, "description": parameter.description}


def _within(sections: list[Section], room: int) -> list[str]:
    """The text of each section, or what fits of it; those that say what is open are served first."""
    kept = [""] * len(sections)
    served = [(section.appendix, not TELLING.search(section.title)) for section in sections]
    for number in sorted(range(len(sections)), key=served.__getitem__):
        kept[number] = sections[number].text[: max(0, room)]
        room -= len(kept[number])
    return kept


def _claims(claims: Iterable[Claim]) -> list[dict[str, Any]]:
    """Entries that code found in the paper, each said once, without empty fields."""
    found: dict[tuple[str, str, float | None], dict[str, Any]] = {}
    for claim in claims:
        if claim.grounded and claim.kind not in LEFT_OUT:
            told = claim.model_dump(include={"kind", "quote", "page", "number", "unit", "metric", "dataset", "model"})
            given = {name: value for name, value in told.items() if value not in ("", None)}
            found.setdefault((claim.kind, claim.quote, claim.number), given)
    return list(found.values())[:MAX_CLAIMS]


def _left_open(paper: Paper) -> list[str]:
    kinds = ("limitation", "future_work")
    return [claim.quote for claim in paper.claims if claim.grounded and claim.kind in kinds][:12]


def _related(papers: Iterable[RelatedPaper]) -> list[dict[str, Any]]:
    shown = (paper.model_dump(mode="json", include={"title", "url", "year", "abstract"}) for paper in papers)
    return [paper | {"abstract": paper["abstract"][:MAX_ABSTRACT]} for paper in shown]


def _past(verdicts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: verdict[name] for name in MEASURED if name in verdict} for verdict in verdicts]
