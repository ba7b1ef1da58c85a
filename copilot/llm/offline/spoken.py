"""How an experiment reads: claim, distance from the paper and what it adds, in sentences. Decides nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from copilot.llm.offline.catalogue import Entry, settings, spoken_data
from copilot.llm.offline.sentences import Sentence

POINTS = {"accuracy"}
"""Metrics that are shares, whose differences are told in percentage points."""
SAID = {
    "abstract": "names it in its abstract",
    "limitation": "names it as a limitation",
    "future_work": "leaves it to future work",
    "finding": "reports an effect of it in its own setting",
    "result": "reports a result with it in its own setting",
    "method": "uses it in its method",
}
"""What a quote of this kind means for the idea that it stands beside."""


def claim(entry: Entry, card: dict[str, Any]) -> str:
    """One testable sentence: what is varied, on what, and which number moves which way by how much."""
    metric = card["metric"]
    moves = "rises" if metric["direction"] == "maximize" else "falls"
    return (
        f"With {entry.treatment} instead of {entry.baseline}, the test {_metric(metric['name'])} of "
        f"{settings()[card['name']].model} on {data_in_words(entry.data or card['dataset'])} {moves} by at least "
        f"{effect(metric['name'], card['minimum_effect'])}."
    )


def refuted_by(card: dict[str, Any]) -> str:
    """What would sink the claim, by the rule of the verdict."""
    least = effect(card["metric"]["name"], card["minimum_effect"])
    return f"the confidence interval of the mean paired difference over the seeds lies wholly below {least}"


def effect(metric: str, size: float) -> str:
    """A difference of the metric as a person would say it."""
    if metric in POINTS:
        points = f"{100 * size:g}"
        return f"{points} percentage point{'' if points == '1' else 's'}"
    return f"{size:g}"


def data_in_words(name: str) -> str:
    """`digits?n_train=400&label_noise=0.1` as a person would write it."""
    family, _, options = name.partition("?")
    told = [_option(*option.split("=", 1)) for option in options.split("&") if "=" in option]
    return spoken_data(family) + (f" ({', '.join(told)})" if told else "")


def _option(name: str, value: str) -> str:
    if name == "n_train":
        return f"{value} training rows"
    if name == "label_noise":
        return f"{100 * float(value):g} % of the labels wrong"
    return f"{name.replace('_', ' ')} {value}"


def _metric(name: str) -> str:
    return {"rmse": "RMSE", "mae": "MAE"}.get(name, name.replace("_", " "))


def novelty(entry: Entry, card: dict[str, Any], terms: Sequence[str], quotes: Sequence[Sentence]) -> str:
    """What the paper says of it and what the experiment would add; similarity is never called novelty."""
    if not quotes:
        return "a known intervention in a small setting; the question is whether it holds there"
    words = " and ".join(f"“{_term(term)}”" for term in terms[:2])
    said = _said(entry, quotes[0]).format(words=words)
    return (
        f"the intervention is known; {said}. What is not told there: whether it shows in "
        f"{settings()[card['name']].model} on {data_in_words(entry.data or card['dataset'])}"
    )


def _said(entry: Entry, quote: Sentence) -> str:
    page = f" (page {quote.page})" if quote.page else ""
    if entry.named_in(quote.text):
        return f"the paper {SAID.get(quote.place, 'speaks of it')}{page}, in the words {{words}}"
    return f"the paper speaks of the question{page} in the words {{words}}, and not of this answer to it"


def _term(term: str) -> str:
    return term.replace(" + ", " … ").replace("*", "…")


def distance(entry: Entry, card: dict[str, Any]) -> str:
    """That the experiment is a small one of its own."""
    return (
        f"a small stand-in: {settings()[card['name']].model} on {data_in_words(entry.data or card['dataset'])}; the "
        "verdict is about this experiment and need not carry over"
    )


def limits(card: dict[str, Any]) -> list[str]:
    """The first sentence of what the card says that its prototype cannot tell."""
    found = re.search(r"Limits: (.+?)(?:\.\s|\.?$)", card.get("body", ""), re.DOTALL)
    return [" ".join(found[1].split())] if found else []


def noise(card: dict[str, Any]) -> list[str]:
    """Where one seed differs from the next by more than what matters: that few seeds may decide nothing."""
    metric, minimum = card["metric"]["name"], card["minimum_effect"]
    if (card.get("noise") or 0.0) <= minimum:
        return []
    return [
        f"from seed to seed a paired difference moves by about {effect(metric, card['noise'])}, and "
        f"{effect(metric, minimum)} would matter: with few seeds the verdict may be inconclusive"
    ]


def capital(text: str) -> str:
    """The text as the beginning of a sentence."""
    return text[:1].upper() + text[1:]
