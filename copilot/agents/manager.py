"""The manager: reviews drafted ideas before compute is spent; a bad one goes back with reasons, at most once.

Not here: choosing an idea. The review is an opinion of a model and is shown as such; it never touches a verdict.
"""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, Field

from copilot.agents.brief import Material, for_review
from copilot.agents.desk import Desk, ask_for, tool_for
from copilot.agents.prompts import render
from copilot.domain.idea import Idea, Review
from copilot.llm.protocol import Document, Message, Request, Text

MAX_ROUNDS = 2
REQUEST = "Review the ideas in the document `ideas`. They were drafted for what the document `subject` names."


class DraftReview(BaseModel):
    """The judgement of one idea."""

    model_config = ConfigDict(extra="forbid")
    idea_id: str
    accepted: bool
    clarity: float = Field(ge=0, le=1)
    novelty: float = Field(ge=0, le=1)
    feasibility: float = Field(ge=0, le=1)
    alignment: float = Field(ge=0, le=1)
    reasons: list[str] = Field(max_length=8)


class DraftReviews(BaseModel):
    """One review per idea."""

    model_config = ConfigDict(extra="forbid")
    reviews: list[DraftReview]


def review(desk: Desk, material: Material, ideas: list[Idea], round_: int) -> list[Review]:
    """A review of each idea, in their order."""
    shown = [idea.model_dump(mode="json", exclude={"related", "score"}) for idea in ideas]
    drafted = Document(name="ideas", text=json.dumps(shown, ensure_ascii=False), media_type="application/json")
    parts = [*for_review(material, [idea.prototype for idea in ideas]), drafted, Text(text=REQUEST)]
    request = Request(
        role="manager",
        system=render("manager"),
        messages=[Message(role="user", parts=parts)],
        tools=[tool_for("review_ideas", "Hand in the reviews.", DraftReviews)],
        require_tool="review_ideas",
    )
    wanted = {idea.id for idea in ideas}
    found = ask_for(desk, request, DraftReviews, check=lambda given: _missing(given, wanted))
    by_id = {item.idea_id: item for item in found.reviews}
    return [Review(**by_id[idea.id].model_dump(), round=round_) for idea in ideas]


def _missing(given: DraftReviews, wanted: set[str]) -> str:
    missing = wanted - {item.idea_id for item in given.reviews}
    return f"there is no review of {', '.join(sorted(missing))}" if missing else ""
