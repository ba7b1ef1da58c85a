"""Whether quoted words speak of what an idea varies, and what follows for its risks and its place in the order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.agents.brief import Material
from copilot.agents.idea import DraftEvidence, DraftIdea, _finish
from copilot.domain.idea import Arm, Idea, RelatedPaper
from copilot.domain.paper import Paper
from copilot.domain.wording import names_what_varies, stems

NEAR = "We find that dropout prevents the co-adaptation of hidden units in every task that we tried."
FAR = "We find that large networks are trained on many tasks by most of the groups in the field."


@pytest.mark.parametrize(
    ("treatment", "baseline", "quote", "said"),
    [
        ("dropout of 0.2", "no dropout", NEAR, True),
        ("Muon with weight decay", "Muon without weight decay", "Weight decay helps Muon.", True),
        ("batch normalisation", "no normalisation", "Batch normalization helps.", True),
        ("the Lion optimiser", "AdamW", "AdamW is the standard optimizer.", False),
        ("uncertain batches", "uniform shuffling", "A new batch selection.", True),
        ("the same", "the same", FAR, True),
    ],
)
def test_words_of_the_treatment_are_looked_for(treatment: str, baseline: str, quote: str, said: bool) -> None:
    assert names_what_varies(treatment, baseline, quote) is said


@given(st.text(max_size=200))
def test_any_text_names_itself(text: str) -> None:
    assert names_what_varies(text, "", text)
    assert all(len(stem) <= 7 for stem in stems(text))


def finished(quote: str, related: list[RelatedPaper] | None = None) -> Idea:
    arms = [
        Arm(name="baseline", description="no dropout"),
        Arm(name="treatment", description="dropout of 0.2", parameters={"dropout": 0.2}),
    ]
    draft = DraftIdea(
        title="Dropout against none", claim="Dropout raises the accuracy.", mechanism="Units stop to co-adapt.",
        evidence=[DraftEvidence(quote=quote)], refuted_by="no difference", arms=arms, metric_name="accuracy",
        predicted_effect=0.02, probability=0.5,
    )  # fmt: skip
    paper = Paper(source="x", sha256="0", title="t", pages=1, page_texts=[f"{NEAR} {FAR}"])
    return _finish(draft, "idea-1", Material(subject="t", paper=paper, related=related or []))


def test_evidence_that_only_stands_near_is_a_risk_and_counts_half() -> None:
    near, far = finished(NEAR), finished(FAR)
    assert all(item.grounded for idea in (near, far) for item in idea.evidence)
    assert not near.risks and far.risks == ["the quoted words of the paper do not speak of what is varied here"]
    assert near.score - far.score == pytest.approx(0.25 / 4)


def test_a_paper_about_something_else_is_no_neighbour() -> None:
    papers = [
        RelatedPaper(title="Dropout and the co-adaptation of hidden units"),
        RelatedPaper(title="A history of typewriters", abstract="Ribbons and keys."),
    ]
    assert [paper.title[:7] for paper in finished(NEAR, papers).related] == ["Dropout"]
