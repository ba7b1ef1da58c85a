"""What to search the literature for, as a language model sees it: tasks, gaps and search terms of a paper or question.

Better with a model and never needed: `offline`, and a model that gives no usable answer, leave it to the rules of
`copilot.literature.terms`, and a note says so. Asked only when there is a network to search. Not here: searching.
"""

from __future__ import annotations

import json

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copilot.agents.desk import Desk, tool_for
from copilot.agents.prompts import render
from copilot.domain.paper import Paper
from copilot.llm.protocol import Document, Message, Part, Request, Text

TOOL = "name_keywords"
MOST_SECTIONS = 40


class Keywords(BaseModel):
    """What the paper or question is about, for a search."""

    model_config = ConfigDict(extra="forbid")
    tasks: list[str] = Field(default=[], max_length=4, description="the tasks that it works on, in a few words each")
    gaps: list[str] = Field(default=[], max_length=4, description="what it leaves open, in a few words each")
    terms: list[str] = Field(default=[], max_length=6, description="search terms of one to three words each")

    def told(self) -> list[str]:
        """Notes for a person."""
        parts = {"tasks": self.tasks, "gaps": self.gaps, "search terms": self.terms}
        said = [f"{name}: {', '.join(found)}" for name, found in parts.items() if found]
        return [f"As the model sees it: {'; '.join(said)}."] if said else []


def keywords(desk: Desk, paper: Paper | None, question: str) -> Keywords:
    """What the model of role `idea` would search for; empty when rules have to do. Raises Paused like any question."""
    model = desk.model("idea")
    if model.name == "offline":
        return Keywords()
    request = Request(
        role="idea",
        system=render("keywords"),
        messages=[Message(role="user", parts=_parts(paper, question))],
        tools=[tool_for(TOOL, "Hand in tasks, gaps and search terms.", Keywords)],
        require_tool=TOOL,
        max_tokens=1024,
    )
    for use in desk.ask(request).tool_uses():
        if use.name == TOOL and not use.problem:
            try:
                return Keywords.model_validate(use.input)
            except ValidationError:
                break
    desk.warn("literature", f"{model.name} named no usable search terms; those of the rules are used")
    return Keywords()


def _parts(paper: Paper | None, question: str) -> list[Part]:
    parts: list[Part] = [Text(text="Name what to search the literature for.")]
    if paper is not None:
        seen = {
            "title": paper.title,
            "abstract": paper.abstract,
            "headings": [section.title for section in paper.sections[:MOST_SECTIONS]],
            "left_open": [
                claim.quote for claim in paper.claims if claim.grounded and claim.kind in {"limitation", "future_work"}
            ][:8],
        }
        text = json.dumps(seen, ensure_ascii=False)
        parts.append(Document(name="paper", text=text, media_type="application/json"))
    if question:
        parts.append(Document(name="question", text=question[:8000]))
    return parts
