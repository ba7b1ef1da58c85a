"""What a model is shown: bounded, without repetition, and with what is open kept when a paper is too long."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from copilot.agents.brief import MAX_PAPER_CHARACTERS, Material, card_digest, for_ideas, for_review, paper_digest
from copilot.domain.paper import Claim, Paper, Section
from copilot.lab.cards import load_cards

CARDS = load_cards()
PAST = {
    "run": "r",
    "claim": "c",
    "word": "refuted",
    "effect": -0.1,
    "probability": 0.5,
    "foretold": False,
    "model": "m",
}


def claim(kind: Any, quote: str, number: float | None = None, *, grounded: bool = True) -> Claim:
    return Claim(id="c", kind=kind, text=quote, quote=quote, page=2, grounded=grounded, number=number)


def paper(sections: list[Section], claims: list[Claim] | None = None) -> Paper:
    return Paper(source="x", sha256="0" * 64, title="T", abstract="A.", sections=sections, claims=claims or [])


def test_a_long_paper_keeps_what_it_says_of_its_limits() -> None:
    body = Section(title="Method", page=1, text="m" * MAX_PAPER_CHARACTERS)
    end = Section(title="Conclusion and limitations", page=30, text="It holds for small sets only.")
    rest = Section(title="Conclusions of the appendix", page=40, text="a" * 100, appendix=True)
    digest = paper_digest(paper([body, end, rest]))
    texts = [section["text"] for section in digest["sections"]]
    assert texts[1] == end.text and texts[2] == "" and 0 < len(texts[0]) < len(body.text) and digest["shortened"]


@given(st.lists(st.tuples(st.sampled_from(["Method", "Discussion"]), st.integers(0, 60_000)), max_size=6))
def test_no_paper_is_shown_beyond_the_bound(shape: list[tuple[str, int]]) -> None:
    digest = paper_digest(paper([Section(title=title, page=1, text="w" * size) for title, size in shape]))
    shown = sum(len(section["text"]) for section in digest["sections"])
    assert shown == min(MAX_PAPER_CHARACTERS, sum(size for _, size in shape))
    assert digest["shortened"] == (shown < sum(size for _, size in shape))


def test_the_ledger_is_shown_once_and_without_what_nobody_found() -> None:
    result = claim("result", "It gains 2 points.", 2.0)
    given_claims = [result, result, claim("result", "made up", grounded=False), claim("hyperparameter", "We use 8.")]
    assert paper_digest(paper([], given_claims))["claims"] == [
        {"kind": "result", "quote": "It gains 2 points.", "page": 2, "number": 2.0}
    ]


def test_an_earlier_verdict_is_shown_without_what_somebody_foretold() -> None:
    shown = {document.name: document.text for document in for_ideas(Material(subject="s", past=[PAST]))}
    assert json.loads(shown["past_verdicts"]) == [{"claim": "c", "word": "refuted", "effect": -0.1}]


def test_a_review_sees_the_prototypes_that_the_ideas_name() -> None:
    open_question = claim("limitation", "It was not tried on text.")
    material = Material(subject="T", paper=paper([], [open_question]), cards=CARDS)
    shown = {item.name: json.loads(item.text) for item in for_review(material, ["transfer", "", "transfer"])}
    assert [card["name"] for card in shown["prototypes"]] == ["transfer"]
    assert shown["subject"] == {"title": "T", "abstract": "A.", "left_open": [open_question.quote]}


def test_every_card_says_how_noisy_its_metric_is() -> None:
    for card in CARDS.values():
        assert card.noise is not None and 0 < card.noise < 50 * card.minimum_effect, card.name
        assert card_digest(card)["noise"] == card.noise
