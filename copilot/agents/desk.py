"""`Desk`: what an agent has before it: the record to read and write, and a model that is never paid twice.

Not here: prompts, tools, the order of phases.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from copilot.blobs import Blobs
from copilot.domain.base import canonical_json
from copilot.errors import Paused
from copilot.events import Event, ModelCalled, ModelFailed, ModelSwitched, Warned
from copilot.journal import Entry, Journal
from copilot.llm.budget import Budget
from copilot.llm.fallback import FallbackModel
from copilot.llm.protocol import (
    Message,
    Model,
    ProviderError,
    Reply,
    Request,
    Text,
    ToolResult,
    ToolSpec,
)
from copilot.state import RunState, apply

Shape = TypeVar("Shape", bound=BaseModel)
MAX_REPAIRS = 3


@dataclass
class Desk:
    """One run as its agents see it. `model_for` gives the model of a role."""

    journal: Journal
    state: RunState
    blobs: Blobs
    model_for: Callable[[str], Model]
    on_text: Callable[[str], None] | None = None
    fallback_for: Callable[[str], Model | None] = lambda role: None
    """The model that takes over for a role whose own one does not answer, if there is one."""
    opened: dict[str, Model] = field(default_factory=dict)

    def record(self, event: Event) -> Entry:
        """Append to the journal and fold into the state."""
        entry = self.journal.append(event)
        apply(self.state, entry)
        return entry

    def warn(self, where: str, text: str) -> None:
        """Record something that a person should know, once."""
        if not any(known.where == where and known.text == text for known in self.state.warnings):
            self.record(Warned(where=where, text=text))

    def model(self, role: str) -> Model:
        """The model of this role, opened once; its fall-back from the switch on, also in a resumed run."""
        if role not in self.opened:
            second = self.fallback_for(role)
            if second is None:
                self.opened[role] = self.model_for(role)
            elif any(switch.role == role for switch in self.state.switches):
                self.opened[role] = second
            else:
                self.opened[role] = FallbackModel(self.model_for(role), second, partial(self._switch, role))
        return self.opened[role]

    def _switch(self, role: str, first: Model, second: Model, error: ProviderError) -> None:
        self._failed(role, first, error)
        self.record(ModelSwitched(role=role, first=first.name, second=second.name, text=str(error)))

    def _failed(self, role: str, model: Model, error: ProviderError) -> None:
        """A call without an answer, settled: its attempts may have been billed."""
        self.record(
            ModelFailed(
                role=role,
                model=model.name,
                text=str(error),
                retryable=error.retryable,
                input_tokens=error.usage.input + error.usage.cache_read + error.usage.cache_write,
                output_tokens=error.usage.output,
                cost_usd=model.cost_usd(error.usage),
            )
        )

    def budget(self) -> Budget:
        """The caps of this run, and what is spent of each by the record."""
        state, caps = self.state, self.state.limits
        return Budget(
            limit_usd=caps.usd,
            spent_usd=state.cost_usd,
            limit_tokens=caps.tokens,
            spent_tokens=state.input_tokens + state.output_tokens,
            limit_minutes=caps.minutes,
            spent_minutes=state.active_seconds / 60,
            limit_gpu_s=caps.gpu_seconds,
            spent_gpu_s=state.gpu_seconds,
        )

    def _known(self, request: Request, model: Model) -> dict[str, Any] | None:
        """The answer that was paid before, also by the model that answered before a switch."""
        names = [model.name, *(switch.first for switch in self.state.switches if switch.role == request.role)]
        return next((found for name in names if (found := self.state.replies.get(request.digest(name)))), None)

    def ask(self, request: Request) -> Reply:
        """The answer to this request: from the journal when it was paid before, else from the model, within budget.

        Raises Paused when the budget or the provider does not allow a call now; the run can be resumed.
        """
        model = self.model(request.role)
        known = self._known(request, model)
        if known is not None:
            return Reply.model_validate(known)
        self.budget().reserve(model, request)
        began = time.monotonic()
        try:
            reply = model.complete(request, self.on_text)
        except ProviderError as error:
            self._failed(request.role, model, error)
            raise Paused("provider", str(error)) from error
        self._remember(request, model, reply, time.monotonic() - began)
        return reply

    def _remember(self, request: Request, model: Model, reply: Reply, seconds: float) -> None:
        usage = reply.usage
        self.record(
            ModelCalled(
                role=request.role,
                model=model.name,
                request_hash=request.digest(model.name),
                request_blob=self.blobs.put(canonical_json(request.model_dump(mode="json"))),
                reply=reply.model_dump(mode="json"),
                cost_usd=model.cost_usd(usage),
                input_tokens=usage.input + usage.cache_read + usage.cache_write,
                output_tokens=usage.output,
                seconds=round(seconds, 3),
            )
        )


def tool_for(name: str, description: str, shape: type[BaseModel]) -> ToolSpec:
    """A tool whose input is this value."""
    schema: dict[str, Any] = _untitled(shape.model_json_schema())
    schema.pop("description", None)
    return ToolSpec(name=name, description=description, schema_=schema)


def _untitled(schema: Any) -> Any:
    """A schema without the titles that only repeat its names: they would be sent with every request."""
    if isinstance(schema, dict):
        return {k: _untitled(v) for k, v in schema.items() if not (k == "title" and isinstance(v, str))}
    return [_untitled(item) for item in schema] if isinstance(schema, list) else schema


def ask_for(
    desk: Desk, request: Request, shape: type[Shape], *, check: Callable[[Shape], str] = lambda found: ""
) -> Shape:
    """A structured answer: the input of `request.require_tool`, validated against `shape` and by `check`.

    `check` gives what is wrong in words, or an empty text. An answer that does not fit goes back to the
    model with what is wrong, a few times; then the run pauses.
    """
    problem = ""
    for _ in range(MAX_REPAIRS + 1):
        reply = desk.ask(request)
        use = next((use for use in reply.tool_uses() if use.name == request.require_tool), None)
        problem = f"the reply did not call {request.require_tool} (it ended with {reply.stop!r})"
        if use is not None:
            problem = use.problem
            if not problem:
                try:
                    found = shape.model_validate(use.input)
                    problem = check(found)
                except ValidationError as error:
                    problem = _short(error)
                else:
                    if not problem:
                        return found
        request = _with_problem(request, reply, problem)
    raise Paused("provider", f"the model of role {request.role!r} gave no usable answer: {problem}")


def _short(error: ValidationError) -> str:
    lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:12]]
    return "the input does not fit the schema: " + "; ".join(lines)


def _with_problem(request: Request, reply: Reply, problem: str) -> Request:
    """The same question, with the answer so far and what was wrong with it."""
    uses = reply.tool_uses()
    complaint = f"{problem}. Call {request.require_tool} again with a corrected input."
    parts: list[Text | ToolResult] = [ToolResult(id=use.id, text=complaint, is_error=True) for use in uses]
    if not uses:
        parts = [Text(text=complaint)]
    answered = reply.parts or [Text(text="(empty)")]
    turns = [Message(role="assistant", parts=answered), Message(role="user", parts=list(parts))]
    return request.model_copy(update={"messages": [*request.messages, *turns]})
