"""“Reproduce the paper's claim first”: an idea made by code from the claims ledger, offered beside those of any model.

A claim is taken when its words, found verbatim in the paper, compare something that a bundled prototype can vary. No
model takes part, so the offer is there with every one and with none. What it is not: a repetition of the paper's own
experiment. How far the one here is from it stands in `Reproduced.distance`, and a stamp stands beside its verdict.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from copilot.agents.brief import Material
from copilot.agents.idea import PROBE_TRIALS, arms_problem, score
from copilot.domain.idea import Arm, Evidence, Idea, Reproduced
from copilot.domain.paper import Claim, Paper
from copilot.domain.wording import names_what_varies
from copilot.lab.cards import Card
from copilot.llm.offline.catalogue import Entry, Match, match
from copilot.llm.offline.ideas import PRIORS
from copilot.llm.offline.sentences import readable
from copilot.llm.offline.spoken import claim as spoken_claim
from copilot.llm.offline.spoken import refuted_by

ID = "reproduce-1"
LEAST_TOLD = 0.5
"""Relevance of a quote alone: one term that names what is varied and that most papers do not say."""
BETTER = re.compile(
    r"\b(outperform|improv|better|higher|lower|faster|fewer|reduc|increas|gain|superior|exceed|beats?\b|decreas|boost)",
    re.IGNORECASE,
)
NOT_BETTER = re.compile(
    r"\b(worse|hurts?|degrad\w*|fails?|failed|no (significant )?(improvement|gain|benefit)|not (\w+ )?improv\w*|might"
    r"|could|future work|hypothesi[sz]e|diminish\w*)\b",
    re.IGNORECASE,
)

MEASURE = re.compile(
    r"\b((validation|training|test) )?(loss|perplexity|accuracy|error( rate)?|F1|BLEU|speed|efficiency|convergence)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Testable:
    """A claim with what the catalogue would vary to test it."""

    claim: Claim
    entry: Entry
    terms: list[str]
    worth: float


def offer(material: Material, claims: Sequence[Claim]) -> Idea | None:
    """The claim of the paper that can best be tested here, as an idea; None when no prototype can test any."""
    if material.paper is None or material.options is not None:
        return None
    for found in testable(material.paper, claims, material):
        idea = _idea(found, material.cards[found.entry.prototype], material)
        if not arms_problem(idea.arms, idea.prototype, material.cards):
            return idea
    return None


def testable(paper: Paper, claims: Sequence[Claim], material: Material) -> list[Testable]:
    """Claims that say that something is better, which a prototype can vary; the best one first."""
    zones = _zones(paper)
    about = {item.entry.id: item.relevance for item in match(zones, material.cards, within=zones)}
    found = [
        Testable(claim, item.entry, item.terms, _worth(claim, item, about[item.entry.id]))
        for claim in claims
        if claim.grounded and claim.kind in {"result", "finding"} and _says_better(claim.quote)
        for item in match({"title": claim.quote}, material.cards)
        if item.relevance >= LEAST_TOLD
        and item.entry.id in about
        and names_what_varies(item.entry.treatment, item.entry.baseline, claim.quote)
    ]
    return sorted(found, key=lambda one: -one.worth)


def _zones(paper: Paper) -> dict[str, str]:
    return {
        "title": paper.title,
        "abstract": paper.abstract,
        "headings": " . ".join(section.title for section in paper.sections),
        "body": " ".join(section.text for section in paper.sections),
    }


def _says_better(quote: str) -> bool:
    return readable(quote) and bool(BETTER.search(quote)) and not NOT_BETTER.search(quote)


def _worth(claim: Claim, item: Match, about: float) -> float:
    """How much the claim speaks of it, how much the paper does, and whether there is a number to hold on to."""
    if claim.number is None:
        return item.relevance * about
    effect = re.search(rf"\bby (?:\w+ ){{0,2}}{re.escape(f'{claim.number:g}')}(?!\d)", claim.quote)
    return item.relevance * about * (2.0 if effect else 1.5)


def _idea(found: Testable, card: Card, material: Material) -> Idea:
    claim, entry = found.claim, found.entry
    probability, size = PRIORS[entry.prior]
    metric = card.metric or material.metric
    assert metric is not None, "a card without a metric belongs to a task with data, and those are left out"
    minimum = card.minimum_effect
    told = card.model_dump(mode="json")
    here = spoken_claim(entry, told)
    data = entry.data or card.dataset
    distance = _distance(found, card, data)
    idea = Idea(
        id=ID,
        title=f"Reproduce first: {entry.treatment} against {entry.baseline}",
        claim=f"What the paper says of its own setting on page {claim.page} holds here: {here[:1].lower()}{here[1:]}",
        mechanism=entry.why,
        evidence=[Evidence(quote=claim.quote, page=claim.page, section=claim.section, grounded=True)],
        refuted_by=refuted_by(told),
        arms=[
            Arm(name="baseline", description=entry.baseline, parameters=entry.against),
            Arm(name="treatment", description=entry.treatment, parameters={**entry.against, **entry.set}),
        ],
        metric=metric,
        predicted_effect=round(size * minimum, 6),
        probability=probability,
        minimum_effect=minimum,
        seeds=material.seeds,
        data=data,
        prototype=card.name,
        cost_seconds=round(card.seconds_per_trial * (2 * material.seeds + PROBE_TRIALS), 1),
        novelty="none is claimed: this repeats what the paper says",
        risks=distance,
        relevance=1.0,
        kind="reproduction",
        reproduces=Reproduced(
            claim_id=claim.id,
            quote=claim.quote,
            page=claim.page,
            number=claim.number,
            unit=claim.unit,
            metric=claim.metric,
            distance=distance,
        ),
    )
    return idea.model_copy(update={"score": score(idea)})


def _distance(found: Testable, card: Card, data: str) -> list[str]:
    """How far the experiment here is from the paper's own, in sentences."""
    claim = found.claim
    words = ", ".join(f"“{term}”" for term in found.terms[:3])
    theirs = ", ".join(text for text in (claim.model, claim.dataset) if text) or "its own models and data"
    measured = claim.metric or _measure(claim.quote) or "its own measure"
    metric = card.metric.name if card.metric else ""
    figure = f"{claim.number:g}{'' if claim.unit in ('', '%') else ' '}{claim.unit}" if claim.number is not None else ""
    said = f"the paper's number ({figure})" if figure else "the paper's result"
    return [
        f"Set-up: the paper used {theirs}; here it is the prototype “{card.title}” on {data.partition('?')[0]}, about "
        f"{card.seconds_per_trial:g} s a trial.",
        f"Measure: {measured} there, {metric} here.",
        f"Matched by the words {words}: whether what is varied here is what the paper did is for a reader to judge.",
        f"A small stand-in can go the same way or not; it can neither confirm nor refute {said}.",
    ]


def _measure(quote: str) -> str:
    """The measure that the words name, where the ledger has none."""
    found = MEASURE.search(quote)
    return found[0].lower() if found else ""
