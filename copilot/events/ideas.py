"""Events of what was read and thought before anything ran: paper, related work, ideas, plan."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from copilot.domain.experiment import Plan as PlanValue
from copilot.domain.idea import Change, Idea, RelatedPaper, Review
from copilot.domain.paper import Claim
from copilot.events.base import Event


class PaperRead(Event):
    """The paper, parsed; the whole `Paper` is the blob."""

    kind: Literal["PaperRead"] = "PaperRead"
    durable: ClassVar[bool] = True
    source: str
    sha256: str
    title: str
    authors: list[str] = []
    pages: int = 0
    blob: str
    warnings: list[str] = []
    seconds: float = 0.0


class ClaimsExtracted(Event):
    """The claims ledger."""

    kind: Literal["ClaimsExtracted"] = "ClaimsExtracted"
    claims: list[Claim]
    by: str = "rules"


class LiteratureFound(Event):
    """Related work, and where it came from (also: that the network was not there)."""

    kind: Literal["LiteratureFound"] = "LiteratureFound"
    durable: ClassVar[bool] = True
    query: str
    papers: list[RelatedPaper] = []
    source: str = ""
    notes: list[str] = []


class PastRecalled(Event):
    """What earlier runs found, as the agents see it: dictionaries of `copilot.memory.past.PastVerdict`."""

    kind: Literal["PastRecalled"] = "PastRecalled"
    durable: ClassVar[bool] = True
    verdicts: list[dict[str, Any]] = []


class IdeasProposed(Event):
    """Drafted hypotheses; quotes already checked by code."""

    kind: Literal["IdeasProposed"] = "IdeasProposed"
    durable: ClassVar[bool] = True
    ideas: list[Idea]
    model: str
    about: str = ""
    """What the paper or question is about, in the proposer's words."""


class IdeaReviewed(Event):
    """The manager's judgement of the ideas, a whole round at once."""

    kind: Literal["IdeaReviewed"] = "IdeaReviewed"
    durable: ClassVar[bool] = True
    reviews: list[Review]
    model: str = ""


class IdeaEdited(Event):
    """A person (or a revision) changed, added, merged or duplicated an idea."""

    kind: Literal["IdeaEdited"] = "IdeaEdited"
    durable: ClassVar[bool] = True
    idea: Idea
    changes: list[Change] = []
    """Against the idea as it was, or against the first of the `sources`."""
    by: str = "person"
    how: Literal["edited", "added", "duplicated", "merged"] = "edited"
    sources: list[str] = []
    """The ideas that a copy or a merged one was made of."""


class IdeaRejected(Event):
    """An idea was put aside, with the reason."""

    kind: Literal["IdeaRejected"] = "IdeaRejected"
    durable: ClassVar[bool] = True
    idea_id: str
    reason: str
    by: str = "person"


class IdeaChosen(Event):
    """The one that will be tested."""

    kind: Literal["IdeaChosen"] = "IdeaChosen"
    durable: ClassVar[bool] = True
    idea_id: str
    by: Literal["person", "score", "timeout"]
    reason: str = ""


class Retrieved(Event):
    """What the Hub (or the offline index) had: dictionaries of `copilot.hub.values.Hit` and `Refusal`."""

    kind: Literal["Retrieved"] = "Retrieved"
    durable: ClassVar[bool] = True
    what: Literal["model", "dataset", "code"]
    query: str
    hits: list[dict[str, Any]] = []
    source: str = ""
    note: str = ""
    refusals: list[dict[str, Any]] = []


class PrototypeChosen(Event):
    """The code that the experiment starts from."""

    kind: Literal["PrototypeChosen"] = "PrototypeChosen"
    durable: ClassVar[bool] = True
    name: str
    origin: Literal["bundled", "starter", "model", "hub"]
    reason: str
    candidates: list[str] = []


class PlanMade(Event):
    """How the idea will be tested; a later one replaces it (`by` says who)."""

    kind: Literal["PlanMade"] = "PlanMade"
    durable: ClassVar[bool] = True
    plan: PlanValue
    by: str = "agent"
    forecast: list[str] = []
