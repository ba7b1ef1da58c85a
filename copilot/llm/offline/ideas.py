"""Hypotheses by rules: what this paper speaks of, matched against the interventions that the prototypes can test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from copilot.domain.wording import names_what_varies
from copilot.errors import CannotDo
from copilot.llm.offline.catalogue import Match, entries, match, mentions
from copilot.llm.offline.kinds import outside
from copilot.llm.offline.sentences import Sentence, about, sentences

COUNT = 4
LEAST = 3
PER_PROTOTYPE = 3
QUOTES = 2
NAMED = 4.0
"""How much more a sentence is worth as evidence that names what is varied: more than any place in the paper gives."""
TOUCHED = 0.6
"""Relevance below which the paper only touches on an idea, as the stamp on the verdict has it."""
NEIGHBOUR = 0.3
"""Relevance of an idea that the text does not name, as a share of the best one's."""
PRIORS = {"likely": (0.65, 2.8), "open": (0.19, 0.1), "unlikely": (0.12, -0.3)}
"""Probability of *supported*, and predicted effect in units of the smallest one that matters, by kind of bet.

Measured: the share (k + 1) / (n + 2) and the median over the catalogue's entries of that kind, each run on its own data
with six seeds that no run uses (docs/interventions.md). Never an entry's own outcome: that would answer the question.
"""
FLOOR = 0.1
"""Relevance that one special term gets for standing in the body: below it a paper mentions a thing in passing."""
OUTSIDE = 0.5
"""What is left of the relevance for a paper of a kind that nothing here can test (`kinds`): at best a side of it."""
ADVICE = (
    "ask about a training recipe, a small model or a data question (docs/prototypes.md lists what it can vary), or use "
    "a language model (--llm)"
)
STAND_IN = "a small stand-in for the paper's own setting: the verdict is about this experiment and need not carry over"


def draft(documents: dict[str, Any], request: str) -> dict[str, Any]:
    """At least three drafts, best first. Raises CannotDo when nothing in the catalogue fits, with the reason."""
    if documents.get("options"):
        return {"about": "a task with data of its own", "ideas": _from_options(documents["options"])}
    cards = {card["name"]: card for card in documents.get("prototypes", [])}
    zones = _zones(documents, request)
    if paper := documents.get("paper"):
        return {"about": about(paper), "ideas": _for_paper(paper, zones, cards)}
    chosen = _filled_up(_choose(match(zones, cards)), zones, cards)
    if len(chosen) < LEAST:
        raise CannotDo(f"offline knows too few interventions that this is about; {ADVICE}")
    top = chosen[0].relevance
    ideas = [_draft(item, cards[item.entry.prototype], [], item.relevance / top, {}) for item in chosen]
    return {"about": str(documents.get("question", "")).strip()[:400], "ideas": ideas}


def _for_paper(paper: dict[str, Any], zones: dict[str, str], cards: dict[str, Any]) -> list[dict[str, Any]]:
    """Drafts that the paper has words for. Raises CannotDo when it is about nothing that can be varied here."""
    kind = outside(paper)
    share = OUTSIDE if kind else 1.0
    found = match(zones, cards)
    ranked = [replace(item, relevance=item.relevance * share) for item in found]
    if not found or found[0].relevance < FLOOR:
        why = (
            f"this paper is about {kind}" if kind else "this paper speaks of nothing that they vary, except in passing"
        )
        raise CannotDo(f"offline has no experiment for this paper: {why}; {ADVICE}")
    told = _with_evidence(_choose(ranked, 2 * COUNT), list(sentences(paper)))
    if len(told) < LEAST:
        raise CannotDo(f"offline found only {len(told)} interventions that this paper has words for; {ADVICE}")
    return [_draft(item, cards[item.entry.prototype], quotes, item.relevance, paper, kind) for item, quotes in told]


def _zones(documents: dict[str, Any], request: str) -> dict[str, str]:
    paper = documents.get("paper") or {}
    asked = str(documents.get("question", ""))
    return {
        "title": f"{paper.get('title', '')} {asked}" if paper else f"{request} {asked}",
        "abstract": paper.get("abstract", ""),
        "headings": " . ".join(section["title"] for section in paper.get("sections", [])),
        "contributions": " ".join(claim["quote"] for claim in paper.get("claims", []) if claim["kind"] == "method"),
        "body": " ".join(section["text"] for section in paper.get("sections", [])),
    }


def _choose(ranked: Iterable[Match], count: int = COUNT) -> list[Match]:
    """The most relevant ones, no two variants of one idea, not all from one prototype when another is relevant too."""
    groups: set[str] = set()
    per_prototype: Counter[str] = Counter()
    chosen: list[Match] = []
    later: list[Match] = []
    for item in ranked:
        if item.entry.group in groups:
            continue
        groups.add(item.entry.group)
        if per_prototype[item.entry.prototype] >= PER_PROTOTYPE:
            later.append(item)
            continue
        per_prototype[item.entry.prototype] += 1
        chosen.append(item)
    weak = [item for item in chosen[1:] if item.relevance < 0.2 * chosen[0].relevance] if chosen else []
    strong = [item for item in chosen if item not in weak]
    ordered = [*strong[:count], *later, *weak]
    return sorted(ordered[:count], key=lambda item: -item.relevance)


def _filled_up(chosen: list[Match], zones: dict[str, str], cards: dict[str, Any]) -> list[Match]:
    """A short question names one thing: add neighbours, other interventions in the same prototype, as less relevant.

    When nothing is named at all, a prototype counts as meant by its own title and tags.
    """
    if len(chosen) >= LEAST:
        return chosen
    text = " ".join(zones.values()).lower()
    near = [item.entry.prototype for item in chosen] or [
        name
        for name, card in cards.items()
        if any(mentions(tag.lower(), text) for tag in [card["title"], *card["tags"]])
    ]
    top = chosen[0].relevance if chosen else 1.0
    groups = {item.entry.group for item in chosen}
    for entry in entries():
        if entry.prototype in near and entry.group not in groups and len(chosen) < COUNT:
            groups.add(entry.group)
            chosen.append(Match(entry, NEIGHBOUR * top, []))
    return chosen


def _draft(
    item: Match,
    card: dict[str, Any],
    quotes: list[Sentence],
    relevance: float,
    paper: dict[str, Any],
    kind: str = "",
) -> dict[str, Any]:
    entry = item.entry
    probability, size = PRIORS[entry.prior]
    minimum = card["minimum_effect"]
    better = "higher" if card["metric"]["direction"] == "maximize" else "lower"
    metric, data = card["metric"]["name"], entry.data or card["dataset"]
    return {
        "title": f"{_capital(entry.treatment)} against {entry.baseline}",
        "claim": (
            f"With {entry.treatment} instead of {entry.baseline}, the {metric} on {_spoken(data)} is {better} by at "
            f"least {minimum:g} (prototype “{card['title'].lower()}”)."
        ),
        "mechanism": entry.why,
        "evidence": [{"quote": quote.text, "page": quote.page} for quote in quotes],
        "refuted_by": f"a mean paired difference over the seeds that is significantly below {minimum:g}",
        "prototype": card["name"],
        "arms": [
            {"name": "baseline", "description": entry.baseline, "parameters": entry.against},
            {"name": "treatment", "description": entry.treatment, "parameters": {**entry.against, **entry.set}},
        ],
        "predicted_effect": round(size * minimum, 6),
        "probability": probability,
        "data": data,
        "novelty": _novelty(item, paper),
        "risks": [STAND_IN, *_distance(relevance, kind if paper else "", bool(paper))],
        "relevance": round(relevance, 3),
    }


def _distance(relevance: float, kind: str, from_paper: bool) -> list[str]:
    """How far the experiment is from the paper, for the card."""
    told = [f"the paper is about {kind}, which no prototype can test; this tests a side of it at most"] if kind else []
    return [*told, "the paper only touches on this"] if from_paper and relevance < TOUCHED else told


def _novelty(item: Match, paper: dict[str, Any]) -> str:
    if not paper:
        return "a known intervention in a small setting; the question is whether it holds there"
    told = ", ".join(item.terms[:3]) or "related questions"
    return f"the paper speaks of {told}; whether the effect shows up in this small setting is not told there"


def _with_evidence(chosen: Iterable[Match], known: list[Sentence]) -> list[tuple[Match, list[Sentence]]]:
    """The first ideas that the paper has a sentence for, each with up to two; a sentence serves one idea only.

    Every idea gets its best sentence before any gets a second one.
    """
    used: set[str] = set()
    told: list[tuple[Match, list[Sentence]]] = []
    for item in chosen:
        if len(told) < COUNT and (best := _evidence(item, known, used)):
            told.append((item, [best]))
    for item, quotes in told:
        if (further := _evidence(item, known, used)) and len(quotes) < QUOTES:
            quotes.append(further)
    return told


def _evidence(item: Match, known: list[Sentence], used: set[str]) -> Sentence | None:
    """The unused sentence that says most about it; marked as used."""
    entry = item.entry

    def worth(sentence: Sentence) -> float:
        low = sentence.text.lower()
        hits = sum(1 / (1 + place) for place, term in enumerate(item.terms) if mentions(term, low))
        named = NAMED if hits and names_what_varies(entry.treatment, entry.baseline, low) else 1.0
        return hits * named * sentence.weight

    best = max((sentence for sentence in known if sentence.text not in used), key=worth, default=None)
    if best is None or worth(best) <= 0:
        return None
    used.add(best.text)
    return best


def _spoken(data: str) -> str:
    """`digits?n_train=400&label_noise=0.1` as a person would write it."""
    name, _, options = data.partition("?")
    told = ", ".join(option.replace("_", " ").replace("=", " = ") for option in options.split("&") if option)
    return name.replace("_", " ") + (f" ({told})" if told else "")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def revise(documents: dict[str, Any]) -> dict[str, Any]:
    """Rules have no second thoughts: the same idea again."""
    idea = documents["idea"]
    kept = ("title", "claim", "mechanism", "refuted_by", "prototype", "arms", "predicted_effect", "probability")
    found = {name: idea[name] for name in kept}
    found["metric_name"], found["metric_direction"] = idea["metric"]["name"], idea["metric"]["direction"]
    found["evidence"] = [{"quote": item["quote"], "page": item["page"]} for item in idea["evidence"]]
    return found


def _from_options(options: dict[str, Any]) -> list[dict[str, Any]]:
    """For a task with data: its candidates, each against the task's own baseline."""
    reason = options["baseline_rationale"]
    return [
        {
            "title": f"{_model(candidate)} against the baseline",
            "claim": f"{_model(candidate)} predicts the held-out rows better than the baseline. Baseline: {reason}",
            "mechanism": candidate["rationale"],
            "refuted_by": "a mean paired difference that is significantly below the smallest effect that matters",
            "prototype": options["prototype"],
            "arms": [
                {"name": "baseline", "parameters": options["baseline"], "description": reason},
                {"name": "treatment", "parameters": candidate["parameters"], "description": candidate["rationale"]},
            ],
            "predicted_effect": 0.05,
            "probability": round(0.9 - 0.05 * place, 2),
            "kind": "improvement",
            "relevance": 1.0,
        }
        for place, candidate in enumerate(options["candidates"][:COUNT])
    ]


def _model(candidate: dict[str, Any]) -> str:
    parameters = candidate["parameters"]
    rest = ", ".join(f"{name} = {value}" for name, value in parameters.items() if name != "model")
    return _capital(str(parameters.get("model", "treatment")).replace("_", " ")) + (f" ({rest})" if rest else "")
