"""Hypotheses by rules: what this paper speaks of, matched against the interventions that the prototypes can test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from copilot.domain.idea import CENTRAL
from copilot.domain.wording import stems
from copilot.errors import CannotDo
from copilot.llm.offline.catalogue import Entry, Match, entries, lines, match, mentions
from copilot.llm.offline.experiment import MAX_CANDIDATES
from copilot.llm.offline.kinds import outside
from copilot.llm.offline.sentences import MENTIONED, PLAIN, Sentence, about, argues, sentences, spoken_of
from copilot.llm.offline.spoken import capital, claim, distance, limits, noise, novelty, refuted_by

COUNT = 4
LEAST = 3
"""Ideas to choose from, if there are words for as many."""
PER_PROTOTYPE = 3
QUOTES = 2
NAMED = 4.0
"""How much more a sentence is worth as evidence that names what is varied: more than any place in the paper gives."""
NEIGHBOUR = 0.3
"""Relevance of an idea that a question does not name, as a share of the best one's."""
BESIDE = 0.35
"""Share of the best idea's relevance below which another is left out: a paper about one thing mentions many."""
PRIORS = {"likely": (0.55, 2.8), "open": (0.16, 0.1), "unlikely": (0.11, -0.7)}
"""Probability of *supported*, and predicted effect in units of the smallest one that matters, by kind of bet.

Measured: the share (k + 1) / (n + 2) and the median over the catalogue's entries of that kind, each run on its own data
with six seeds that no run uses (docs/interventions.md). Never an entry's own outcome: that would answer the question.
"""
FLOOR = 0.15
"""Relevance from which on an idea is offered: a special term in passing gets 0.1, one in the abstract up to 0.6."""
PASSING = 0.05
"""Relevance that the best idea needs at least: below it nothing but chance words connect it with the paper."""
ASIDE = 1.01 * PLAIN
"""What any sentence is worth at least where an idea is filled in that the paper only touches on."""
OUTSIDE = 0.5
"""What is left of the relevance for a paper of a kind that nothing here can test (`kinds`): at best a side of it."""
ADVICE = (
    "ask about a training recipe, a small model or a data question (docs/prototypes.md lists what it can vary), or use "
    "a language model (--llm)"
)


def draft(documents: dict[str, Any], request: str) -> dict[str, Any]:
    """Drafts, best first. Raises CannotDo when nothing in the catalogue fits, with the reason."""
    if documents.get("options"):
        return {"about": "a task with data of its own", "ideas": _from_options(documents["options"])}
    cards = {card["name"]: card for card in documents.get("prototypes", [])}
    if paper := documents.get("paper"):
        ideas = _for_paper(paper, str(documents.get("question", "")), cards)
        return {"about": f"{about(paper)} {_how_far(ideas)}".strip(), "ideas": ideas}
    zones = {"title": f"{request} {documents.get('question', '')}"}
    chosen = _filled_up(_choose(match(zones, cards)), zones, cards)
    if len(chosen) < LEAST:
        raise CannotDo(f"offline knows too few interventions that this is about; {ADVICE}")
    top = chosen[0].relevance
    ideas = [_draft(replace(item, relevance=item.relevance / top), cards, [], {}, "") for item in chosen]
    return {"about": str(documents.get("question", "")).strip()[:400], "ideas": ideas}


def _for_paper(paper: dict[str, Any], asked: str, cards: dict[str, Any]) -> list[dict[str, Any]]:
    """Drafts that the paper has grounds for; where those are few, up to three with what it speaks of in passing.

    Raises CannotDo when there are no grounds and too little in passing.
    """
    kind = outside(paper)
    zones = _zones(paper, asked)
    share = OUTSIDE if kind else 1.0
    found = [replace(item, relevance=item.relevance * share) for item in match(zones, cards, within=zones)]
    known = list(sentences(paper))
    central = [sentence for sentence in known if not kind or sentence.weight > PLAIN]
    grounds = [item for item in found if item.relevance >= FLOOR]
    told = _with_evidence(_choose(grounds, 2 * COUNT), central)
    grounded = bool(told)
    if len(told) < LEAST and found and found[0].relevance >= PASSING:
        told += _in_passing(found, known, told)
    if not grounded and len(told) < LEAST:
        why = (
            f"it is about {kind}, which no bundled prototype can test"
            if kind
            else "of what the bundled prototypes can vary it speaks in passing at most"
        )
        raise CannotDo(f"offline has no experiment for this paper: {why}; {ADVICE}")
    return [_draft(item, cards, quotes, paper, kind) for item, quotes in told]


def _in_passing(
    found: list[Match], known: list[Sentence], told: list[tuple[Match, list[Sentence]]]
) -> list[tuple[Match, list[Sentence]]]:
    """What fills up to the least number of ideas: other interventions that the paper has words for, wherever."""
    groups = {item.entry.group for item, _ in told}
    used = {quote.text for _, quotes in told for quote in quotes}
    rest = [item for item in found if item.entry.group not in groups]
    free = [replace(sentence, weight=max(sentence.weight, ASIDE)) for sentence in known if sentence.text not in used]
    return _with_evidence(_choose(rest, 4 * COUNT, beside=0.0), free)[: LEAST - len(told)]


def _how_far(ideas: list[dict[str, Any]]) -> str:
    """A plain word where the bundled prototypes reach no more than the edge of the paper."""
    if max(idea["relevance"] for idea in ideas) >= CENTRAL:
        return ""
    some = "the one idea touches" if len(ideas) == 1 else f"the {len(ideas)} ideas touch"
    return f"(Its centre is beyond what the bundled prototypes can vary: {some} on a side of it.)"


def _zones(paper: dict[str, Any], asked: str) -> dict[str, str]:
    return {
        "title": f"{paper.get('title', '')}. {asked}",
        "abstract": paper.get("abstract", ""),
        "headings": ". ".join(section["title"].capitalize() for section in paper.get("sections", [])),
        "contributions": " ".join(
            item["quote"] for item in paper.get("claims", []) if item["kind"] == "method" and argues(item["quote"])
        ),
        "body": spoken_of(paper),
    }


def _choose(ranked: Iterable[Match], count: int = COUNT, beside: float = BESIDE) -> list[Match]:
    """The most relevant ones, no two variants of one idea, not all from one prototype, none far below the best."""
    groups: set[str] = set()
    per_prototype: Counter[str] = Counter()
    chosen: list[Match] = []
    later: list[Match] = []
    for item in ranked:
        entry = item.entry
        if entry.group in groups:
            continue
        if chosen and item.relevance < beside * chosen[0].relevance:
            break
        groups.add(entry.group)
        per_prototype[entry.prototype] += 1
        (chosen if per_prototype[entry.prototype] <= PER_PROTOTYPE else later).append(item)
    return [*chosen, *later][:count]


def _filled_up(chosen: list[Match], zones: dict[str, str], cards: dict[str, Any]) -> list[Match]:
    """A short question names one thing: add neighbours, other interventions in the same prototype, as less relevant.

    Those first whose mechanism is told in the same words. When nothing is named at all, a prototype counts as meant by
    its own title and tags.
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
    for entry in _nearest(chosen):
        if entry.prototype in near and entry.group not in groups and len(chosen) < COUNT:
            groups.add(entry.group)
            chosen.append(Match(entry, NEIGHBOUR * top, []))
    return chosen


def _nearest(chosen: list[Match]) -> list[Entry]:
    """All entries, those first that share words with the chosen ones; the fewer have a word, the more it tells."""
    told = {entry.id: stems(" ".join([entry.treatment, entry.why, *entry.terms])) for entry in entries()}
    rare = Counter(stem for found in told.values() for stem in found)
    meant: set[str] = set().union(*(told[item.entry.id] for item in chosen))
    return sorted(entries(), key=lambda entry: -sum(1 / rare[stem] for stem in meant & told[entry.id]))


def _draft(
    item: Match, cards: dict[str, Any], quotes: list[Sentence], paper: dict[str, Any], kind: str
) -> dict[str, Any]:
    entry, card = item.entry, cards[item.entry.prototype]
    probability, size = PRIORS[entry.prior]
    far = [f"the paper is about {kind}, which no prototype can test; this tests a side of it at most"] if kind else []
    touched = ["the paper only touches on this"] if paper and item.relevance < CENTRAL else []
    return {
        "title": f"{capital(entry.treatment)} against {entry.baseline}",
        "claim": claim(entry, card),
        "mechanism": entry.why,
        "evidence": [{"quote": quote.text, "page": quote.page} for quote in quotes],
        "refuted_by": refuted_by(card),
        "prototype": card["name"],
        "arms": [
            {"name": "baseline", "description": entry.baseline, "parameters": entry.against},
            {"name": "treatment", "description": entry.treatment, "parameters": {**entry.against, **entry.set}},
        ],
        "predicted_effect": round(size * card["minimum_effect"], 6),
        "probability": probability,
        "data": entry.data or card["dataset"],
        "novelty": novelty(entry, card, item.terms, quotes),
        "risks": [*far, *touched, distance(entry, card), *noise(card), *limits(card)],
        "relevance": round(item.relevance, 3),
    }


def _with_evidence(chosen: Iterable[Match], known: list[Sentence]) -> list[tuple[Match, list[Sentence]]]:
    """The first ideas that the paper has a sentence for, each with up to two; a sentence serves one idea only.

    A sentence goes to the idea of which it says most; every idea gets one before any gets a second.
    """
    items = list(chosen)
    found = {sentence.text: sentence for sentence in sorted(known, key=lambda sentence: sentence.weight)}
    pairs = [(worth, number, text) for number, item in enumerate(items) for text, worth in _worth(item, found.values())]
    pairs.sort(key=lambda pair: -pair[0])
    quotes: dict[int, list[Sentence]] = {}
    for most in range(1, QUOTES + 1):
        for _, number, text in pairs:
            if text in found and len(quotes.get(number, [])) < most:
                quotes.setdefault(number, []).append(found.pop(text))
    return [(item, quotes[number]) for number, item in enumerate(items) if number in quotes][:COUNT]


def _worth(item: Match, known: Iterable[Sentence]) -> Iterator[tuple[str, float]]:
    """The sentences that say something of it, with how much.

    How a run was set up, or what others did, is no evidence; words of the field alone are some only where the paper
    says what it did, found or left open.
    """
    for sentence in known:
        low = lines(sentence.text)
        hits = sum(1 / (1 + place) for place, term in enumerate(item.terms) if mentions(term, low))
        named = bool(hits) and item.entry.named_in(low)
        if hits and sentence.weight > (MENTIONED if named else PLAIN):
            yield sentence.text, hits * sentence.weight * (NAMED if named else 1.0)


def revise(documents: dict[str, Any]) -> dict[str, Any]:
    """Rules have no second thoughts: the same idea again."""
    idea = documents["idea"]
    kept = ("title", "claim", "mechanism", "refuted_by", "prototype", "arms", "predicted_effect", "probability")
    found = {name: idea[name] for name in kept}
    found["metric_name"], found["metric_direction"] = idea["metric"]["name"], idea["metric"]["direction"]
    found["evidence"] = [{"quote": item["quote"], "page": item["page"]} for item in idea["evidence"]]
    return found


def _from_options(options: dict[str, Any]) -> list[dict[str, Any]]:
    """For a task with data: the best of its candidates against the task's own baseline, then single ones."""
    first, *others = options["candidates"]
    tried = options["candidates"][:MAX_CANDIDATES]
    names = [_model(candidate).lower() for candidate in tried]
    found = [_alone(options, candidate) for candidate in others[: COUNT - 1]]
    if others:
        why = " ".join(f"{_model(candidate)}: {candidate['rationale']}" for candidate in tried)
        said = f"The best of {', '.join(names[:-1])} and {names[-1]}, chosen on validation data,"
        title = f"The best of {len(tried)} models against the baseline"
        best = _against_baseline(options, first, title, said, f"One of them suits the data. {why}")
    else:
        best = _alone(options, first)
    return [{**idea, "probability": round(0.9 - 0.05 * place, 2)} for place, idea in enumerate([best, *found])]


def _alone(options: dict[str, Any], candidate: dict[str, Any]) -> dict[str, Any]:
    name = _model(candidate)
    return _against_baseline(options, candidate, f"{name} against the baseline", name, candidate["rationale"])


def _against_baseline(
    options: dict[str, Any], candidate: dict[str, Any], title: str, what: str, why: str
) -> dict[str, Any]:
    reason = options["baseline_rationale"]
    return {
        "title": title,
        "claim": f"{what} predicts the held-out rows better than the baseline. Baseline: {reason}",
        "mechanism": why,
        "refuted_by": "a mean paired difference that is significantly below the smallest effect that matters",
        "prototype": options["prototype"],
        "arms": [
            {"name": "baseline", "parameters": options["baseline"], "description": reason},
            {"name": "treatment", "parameters": candidate["parameters"], "description": candidate["rationale"]},
        ],
        "predicted_effect": 0.05,
        "kind": "improvement",
        "relevance": 1.0,
    }


def _model(candidate: dict[str, Any]) -> str:
    parameters = candidate["parameters"]
    rest = ", ".join(f"{name} = {value}" for name, value in parameters.items() if name != "model")
    return capital(str(parameters.get("model", "treatment")).replace("_", " ")) + (f" ({rest})" if rest else "")
