"""Repeating a claim of the paper: which can be tested, what is said of the distance, and a run to its verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot import api
from copilot.agents.brief import Material
from copilot.agents.reproduce import ID, offer
from copilot.config import Home
from copilot.domain.paper import Claim, Paper, Section
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.lab.cards import load_cards
from copilot.report.verify import verify_run

TOLD = "Our results show that dropout improves the test accuracy of deep networks by 2.4 points on ImageNet."


def paper(*quotes: str, grounded: bool = True, number: float | None = 2.4) -> tuple[Paper, list[Claim]]:
    text = " ".join(quotes)
    found = Paper(
        source="x.pdf",
        sha256="0",
        title="A study of dropout and co-adaptation",
        abstract="We study dropout as a regulariser of deep networks.",
        sections=[Section(title="Results", page=1, text=text)],
        page_texts=[text],
        pages=1,
    )
    claims = [
        Claim(
            id=f"c{n}", kind="result", text=quote, quote=quote, page=1, grounded=grounded,
            number=number, unit="points", metric="accuracy", dataset="ImageNet", model="ResNet-50",
        )
        for n, quote in enumerate(quotes)
    ]  # fmt: skip
    return found.model_copy(update={"claims": claims}), claims


def offered(*quotes: str, **more: object) -> object:
    found, claims = paper(*quotes, **more)  # type: ignore[arg-type]
    return offer(Material(subject="x", paper=found, cards=load_cards()), claims)


def test_a_claim_becomes_an_idea_with_its_words_number_page_and_distance() -> None:
    found, claims = paper(TOLD)
    idea = offer(Material(subject="x", paper=found, cards=load_cards(), seeds=6), claims)
    assert idea is not None and idea.reproduces is not None
    assert (idea.id, idea.kind, idea.seeds) == (ID, "reproduction", 6)
    assert (idea.reproduces.quote, idea.reproduces.page, idea.reproduces.number) == (TOLD, 1, 2.4)
    assert idea.evidence[0].quote == TOLD and idea.evidence[0].grounded
    assert "dropout" in idea.title.lower()
    said = " ".join(idea.reproduces.distance)
    assert all(
        word in said for word in ("ResNet-50", "ImageNet", "neither confirm nor refute", "2.4 points", "dropout")
    )
    assert idea.arms[0].name == "baseline" and idea.arms[0].parameters != idea.arms[1].parameters


@pytest.mark.parametrize(
    "quote",
    [
        "We observed that dropout hurts the test accuracy of very deep networks by 2.4 points on ImageNet.",
        "We study in this section what dropout does to the units of a deep network during training.",
        "Our new loss for video generation improves the inception score of all models by 2.4 points.",
    ],
)
def test_what_is_no_testable_claim_is_not_offered(quote: str) -> None:
    assert offered(quote) is None


def test_words_that_are_not_in_the_paper_are_not_offered() -> None:
    assert offered(TOLD, grounded=False) is None


def test_a_claim_with_the_number_of_its_effect_comes_first() -> None:
    other = "Dropout improves the test accuracy of 2.4 billion parameter networks in all of our settings."
    idea = offered(other, TOLD)
    assert getattr(idea, "reproduces").quote == TOLD  # noqa: B009 - `offered` is typed for either outcome


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.sandbox
def test_it_runs_to_a_verdict_that_says_what_it_cannot_say(shared: Path, tmp_path: Path) -> None:
    home, env = Home(tmp_path), {"COPILOT_OFFLINE": "1"}
    home.problems.mkdir()
    pdf = next((shared / "papers" / "litgraph_naacl2018").glob("*.pdf"))
    run = start_run("", str(pdf), "", Settings(approve="ask", seeds=6, tuning=1), home, env)
    drive(run, home, env)
    state = api.state(run)
    assert state.ideas[ID].reproduces is not None and ID in state.open_questions[0].options
    assert ID not in state.reviews and state.open_questions[0].default != ID
    api.answer(run, "gate-ideas", choice=ID)
    drive(run, home, env)
    api.answer(run, "gate-plan", choice="approve")
    drive(run, home, env)
    state = api.state(run)
    assert state.verdict is not None, state.finished
    assert any("neither confirms nor refutes" in stamp for stamp in state.verdict.stamps)
    assert verify_run(run.path) == []
