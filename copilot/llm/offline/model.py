"""`OfflineModel`: answers by role. No network, no weights, no cost; deterministic."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from copilot.errors import CannotDo
from copilot.llm.offline.experiment import next_call
from copilot.llm.offline.ideas import draft, revise
from copilot.llm.offline.manager import review
from copilot.llm.protocol import Document, Reply, Request, Text, ToolUse, Usage

LABEL = "No language model took part: hypotheses and choices came from the rule-based planner “offline”."


class OfflineModel:
    """The embedded planner as a `Model`."""

    name = "offline"
    honest_label = LABEL

    def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """One tool call by rule. Raises CannotDo for a role or a request outside its rules."""
        documents = read_documents(request)
        if request.role == "idea" and "idea" in documents:
            call = {"ideas": [revise(documents)]}
        elif request.role == "idea":
            call = draft(documents, _words(request))
        elif request.role == "manager":
            call = {"reviews": review(documents)}
        elif request.role == "experiment":
            name, call = next_call(documents, request.messages)
            return _reply(name, call, len(request.messages))
        else:
            raise CannotDo(f"offline has no rules for the role {request.role!r}; use a language model (--llm)")
        return _reply(request.require_tool, call, len(request.messages))

    def worst_case_usd(self, request: Request) -> float | None:
        """Nothing: it runs here."""
        return 0.0

    def cost_usd(self, usage: Usage) -> float | None:
        """Nothing: it runs here."""
        return 0.0


def _reply(tool: str, given: dict[str, Any], turn: int) -> Reply:
    use = ToolUse(id=f"offline-{turn}", name=tool, input=given)
    return Reply(parts=[use], stop="tool_use", model="offline")


def read_documents(request: Request) -> dict[str, Any]:
    """The documents of a request by name, JSON ones parsed."""
    found: dict[str, Any] = {}
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, Document):
                found[part.name] = json.loads(part.text) if part.media_type == "application/json" else part.text
    return found


def _words(request: Request) -> str:
    """Our own text of the first message."""
    return "\n".join(part.text for part in request.messages[0].parts if isinstance(part, Text))
