"""What a language model adds to the claims ledger: entries that the rules missed, each checked like theirs.

A proposal enters only if code finds its words, its number and its names in the paper (`claim_check`); what fails is
dropped, and a warning counts it by reason. The entries of the rules stay as they are. Never needed: `offline`, and a
model that gives no usable answer, leave the ledger to the rules.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from copilot.agents.brief import paper_digest
from copilot.agents.desk import Desk, tool_for
from copilot.agents.prompts import render
from copilot.domain.paper import Claim, Paper
from copilot.llm.protocol import Document, Message, Request, Text
from copilot.paper.claim_check import checked
from copilot.paper.words import key

TOOL = "add_claims"
MOST = 40


class Entry(BaseModel):
    """One thing that the paper says of its own work."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["result", "finding", "limitation", "future_work", "hyperparameter"]
    quote: str = Field(max_length=800, description="the sentence, or the row of a table, as printed")
    page: int = Field(ge=1)
    number: float | None = Field(default=None, description="as printed in the quote, without its unit")
    unit: str = Field(default="", max_length=20)
    metric: str = Field(default="", max_length=60, description="the metric of the number, or the name of the setting")
    dataset: str = Field(default="", max_length=80)
    model: str = Field(default="", max_length=80)


class Entries(BaseModel):
    """What the ledger lacks."""

    model_config = ConfigDict(extra="forbid")
    entries: list[Entry] = Field(default=[], max_length=MOST)


def ledger(desk: Desk, paper: Paper) -> list[Claim]:
    """The paper's ledger with what the model of role `idea` adds to it. Raises Paused like any question."""
    model = desk.model("idea")
    if model.name == "offline" or not paper.looks_like_paper:
        return paper.claims
    request = Request(
        role="idea",
        system=render("ledger"),
        messages=[Message(role="user", parts=[_document(paper), Text(text="Add what the ledger lacks.")])],
        tools=[tool_for(TOOL, "Hand in entries for the ledger.", Entries)],
        require_tool=TOOL,
        max_tokens=8192,
    )
    for use in desk.ask(request).tool_uses():
        given = use.input.get("entries") if use.name == TOOL and not use.problem else None
        if isinstance(given, list):
            return _joined(desk, paper, given[:MOST])
    desk.warn("claims", f"{model.name} gave no usable entries for the claims ledger; it holds what rules found")
    return paper.claims


def _document(paper: Paper) -> Document:
    tables = [
        {
            "label": table.label,
            "caption": table.caption,
            "page": table.page,
            "rows": [" ".join(filter(None, row)) for row in table.rows],
        }
        for table in paper.tables
    ]
    text = json.dumps({**paper_digest(paper), "tables": tables}, ensure_ascii=False)
    return Document(name="paper", text=text, media_type="application/json")


def _joined(desk: Desk, paper: Paper, given: list[Any]) -> list[Claim]:
    """The ledger with the entries that pass; a warning counts the others."""
    known = {_identity(claim) for claim in paper.claims}
    added: list[Claim] = []
    faults: Counter[str] = Counter()
    for one in given:
        found = _passed(paper, one)
        if isinstance(found, str):
            faults[found] += 1
        elif _identity(found) not in known:
            known.add(_identity(found))
            added.append(found.model_copy(update={"id": f"c{len(paper.claims) + len(added) + 1}"}))
    if faults:
        reasons = ", ".join(f"{count} because {reason}" for reason, count in faults.most_common())
        dropped = (
            f"{faults.total()} of {len(given)} entries that {desk.model('idea').name} proposed for the claims ledger"
        )
        desk.warn("claims", f"{dropped} were dropped: {reasons}")
    return [*paper.claims, *added]


def _passed(paper: Paper, given: Any) -> Claim | str:
    """The claim that an entry makes, or why it makes none."""
    try:
        entry = Entry.model_validate(given)
    except ValidationError:
        return "it does not fit the schema"
    return checked(paper, Claim(id="", text=entry.quote, grounded=False, **entry.model_dump()))


def _identity(claim: Claim) -> tuple[str, str, float | None]:
    return claim.kind, key(claim.quote), claim.number
