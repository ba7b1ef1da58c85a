"""Hypotheses and their evidence, as the IdeaAgent proposes and a person edits them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copilot.domain.base import Value

Scalar = str | int | float | bool | None
CENTRAL = 0.6
"""Below this relevance an idea is beside what the paper is about."""


class Metric(Value):
    """What is measured and which way is better. Effects are always signed so that positive means better."""

    name: str
    direction: Literal["maximize", "minimize"]
    unit: str = ""


class Arm(Value):
    """One condition of the experiment; `parameters` are what the code is given."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")
    description: str = ""
    parameters: dict[str, Scalar] = {}


class Evidence(Value):
    """Words of the paper that motivate the idea. `grounded` is set by code; other quotes never show as evidence."""

    quote: str
    page: int | None = None
    section: str = ""
    grounded: bool = False


class RelatedPaper(Value):
    """A neighbour in the literature, from the paper's own references or from a search."""

    title: str
    url: str = ""
    year: int | None = None
    authors: list[str] = []
    abstract: str = ""
    source: str = ""
    similarity: float | None = None


class Reproduced(Value):
    """The claim of the paper that an idea repeats, and how far the experiment here is from the paper's own."""

    claim_id: str
    quote: str
    """Verbatim, and found in the paper by code."""
    page: int
    number: float | None = None
    unit: str = ""
    metric: str = ""
    distance: list[str] = []
    """Sentences: what is different here. A stand-in can go the same way; it cannot confirm the paper's number."""


class Idea(Value):
    """One testable hypothesis with everything needed to judge it.

    `predicted_effect` and `minimum_effect` are in units of the metric, positive meaning better; `probability` is the
    proposer's own that the verdict will be *supported*, scored later against what came out. `cost_seconds` is the
    estimate for the whole trial matrix on this machine.
    """

    id: str
    title: str
    claim: str
    mechanism: str
    evidence: list[Evidence] = []
    refuted_by: str = ""
    arms: list[Arm]
    metric: Metric
    predicted_effect: float
    probability: float = Field(ge=0, le=1)
    minimum_effect: float = Field(gt=0)
    seeds: int = Field(default=8, ge=2, le=200)
    data: str = ""
    prototype: str = ""
    """Name of the bundled prototype that can run it, or empty when the experiment has to be written."""
    cost_seconds: float = Field(default=0.0, ge=0)
    novelty: str = ""
    related: list[RelatedPaper] = []
    risks: list[str] = []
    relevance: float = Field(default=0.5, ge=0, le=1)
    """How central the idea is to the paper or question, as the proposer sees it."""
    score: float = 0.0
    kind: Literal["new", "reproduction", "improvement", "given"] = "new"
    """`given`: the comparison that somebody's own code brings; nobody foretold what comes out of it."""
    source: Literal["paper", "question", "task", "person"] = "paper"
    reproduces: Reproduced | None = None
    """Set by code for a claim of the paper's own ledger that is tested again here."""

    @property
    def touched_on(self) -> bool:
        """True when the paper does no more than touch on it, in its proposer's own view."""
        return self.source == "paper" and self.reproduces is None and self.relevance < CENTRAL

    @property
    def foretold(self) -> bool:
        """False where `probability` and `predicted_effect` are nobody's."""
        return self.kind != "given"


class Review(Value):
    """The manager's judgement of one idea: four scores from 0 to 1 and the reasons in words."""

    idea_id: str
    accepted: bool
    clarity: float
    novelty: float
    feasibility: float
    alignment: float
    reasons: list[str] = []
    round: int = 1


class Change(Value):
    """One edited field, as JSON text before and after: what a diff shows."""

    field: str
    before: str
    after: str
