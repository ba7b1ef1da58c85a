"""The ExperimentAgent: a loop of model turns and tool calls over one workspace, until it says that it is done.

Every turn is a projection of the record, every answer is recorded before it is acted on, and a call that the engine
died in is carried out again from the snapshot before it: so the loop can be killed and resumed anywhere. Not here: what
a run means.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from copilot.agents.context import Context, call_id, shorten
from copilot.agents.desk import Desk
from copilot.agents.prompts import render
from copilot.agents.tools import MAX_TEXT, Toolbox
from copilot.domain.experiment import Plan
from copilot.domain.idea import Idea
from copilot.errors import Retry
from copilot.events import ToolCalled, ToolReturned
from copilot.lab.cards import Card
from copilot.llm.protocol import Document, Message, Part, Reply, Request, Text, ToolSpec, ToolUse
from copilot.state import Turn


def explore(desk: Desk, box: Toolbox, brief: list[Part], max_turns: int, safe_point: Callable[[], None]) -> None:
    """Turn after turn until `finish`, or `max_turns`. `safe_point` is called between steps and may raise Paused."""
    context = Context(brief, bounded=desk.model("experiment").name != "offline")
    specs = box.specs()
    while not desk.state.explored:
        if desk.state.turns:
            _act(desk, box, desk.state.turns[-1], safe_point)
        if desk.state.explored or len(desk.state.turns) >= max_turns:
            break
        safe_point()
        desk.ask(request_of(box.plan.metric.name, context.messages(desk.state), specs))
    if not desk.state.explored:
        desk.warn("experiment", f"the agent did not finish within {max_turns} turns; its last workspace is used")


def request_of(metric: str, messages: list[Message], specs: list[ToolSpec]) -> Request:
    """The agent's next question."""
    return Request(role="experiment", system=render("experiment", metric=metric), messages=messages, tools=specs)


def _act(desk: Desk, box: Toolbox, turn: Turn, safe_point: Callable[[], None]) -> None:
    """Carry out the tool calls of a turn that have no answer yet."""
    steps = desk.state.steps_since(turn.seq)
    returned = {step.called.call_id for step in steps if step.returned is not None}
    for position, use in enumerate(Reply.model_validate(turn.reply).tool_uses()):
        identity = call_id(turn.index, position)
        if desk.state.explored:
            return  # what a model put after `finish` is not carried out
        if identity not in returned:
            safe_point()
            _call(desk, box, identity, use, len(desk.state.steps))


def _call(desk: Desk, box: Toolbox, identity: str, use: ToolUse, step: int) -> None:
    died_in = next((item for item in desk.state.steps[-1:] if item.called.call_id == identity), None)
    if died_in is not None and died_in.before != desk.state.snapshot:
        box.bench.workspace.restore(died_in.before)
    desk.record(ToolCalled(call_id=identity, name=use.name, input=use.input, step=step))
    began = time.monotonic()
    try:
        if use.problem:
            raise Retry(f"the arguments could not be read: {use.problem}")
        box.call_id = identity
        text, is_error = box.use(use.name, use.input), False
    except Retry as error:
        text, is_error = str(error), True
    seconds = round(time.monotonic() - began, 3)
    desk.record(ToolReturned(call_id=identity, text=shorten(text, MAX_TEXT), is_error=is_error, seconds=seconds))


def brief(idea: Idea, plan: Plan, card: Card | None, extra: dict[str, Any]) -> list[Part]:
    """The first message: what is to be made ready, as our words and as documents."""
    goal = {
        "claim": idea.claim,
        "mechanism": idea.mechanism,
        "metric": plan.metric.model_dump(mode="json"),
        "arms": [arm.model_dump(mode="json") for arm in plan.arms],
        "minimum_effect": plan.minimum_effect,
        "prototype": plan.prototype,
        "notes": plan.notes,
    } | extra
    parts: list[Part] = [
        Text(text="Make this experiment ready. The document `goal` says what is tested."),
        _document("goal", goal),
    ]
    if card is not None:
        parts.append(_document("card", card.model_dump(mode="json")))
    return parts


def _document(name: str, value: Any) -> Document:
    return Document(name=name, text=json.dumps(value, ensure_ascii=False), media_type="application/json")
