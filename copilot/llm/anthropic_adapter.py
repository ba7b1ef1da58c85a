"""Anthropic Messages API over the official SDK: how a `Request` is written and how its events become a `Reply`.

Caching: four blocks carry `cache_control` (the most that the API takes): the tool list, the system text, the last
document of the first message, where older turns end when a conversation is compacted, and the newest tool result. A
growing conversation is read from the cache up to there. Retries live in `remote`.
"""

from __future__ import annotations

import json
import warnings
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from copilot.llm.assemble import merged, tool_names, tool_use, whole
from copilot.llm.fence import FENCE_NOTE, clean, fenced_document, fenced_result
from copilot.llm.keys import Keys
from copilot.llm.names import ModelName
from copilot.llm.protocol import (
    Document,
    Message,
    Part,
    Reply,
    Request,
    StopReason,
    Text,
    Thinking,
    ToolResult,
    ToolSpec,
    ToolUse,
    Usage,
)
from copilot.llm.remote import Answer, RemoteModel, StreamFault, Wire

_CACHE = {"type": "ephemeral"}
_REDACTED = "redacted:"
_FOREIGN = ("responses:", "extra:", "reasoning_content")
_STOPS: dict[str, StopReason] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "tool_use",
    "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens",
    "refusal": "refusal",
}


def anthropic_model(who: ModelName, base_url: str, keys: Keys, wire: Wire) -> RemoteModel:
    """A model of the Messages API at `base_url` (with or without its `/v1`)."""
    return RemoteModel(who, AnthropicStyle(who, base_url, keys, wire), keys, wire)


class AnthropicStyle:
    """Wire format of the Messages API."""

    optional: tuple[str, ...] = ("temperature", "tool_choice")

    def __init__(self, who: ModelName, base_url: str, keys: Keys, wire: Wire) -> None:
        import anthropic
        import httpx2

        self.where = base_url.rstrip("/").removesuffix("/v1")
        self.sdk_errors: type[Exception] = anthropic.AnthropicError
        self._model = who.model
        http = anthropic.DefaultHttpxClient(follow_redirects=False)
        self.client = anthropic.Anthropic(
            api_key=keys.secret(who.how.key_names),
            base_url=self.where,
            max_retries=0,
            timeout=httpx2.Timeout(wire.read_s, connect=wire.connect_s),
            http_client=http,
        )
        weakref.finalize(self, http.close)

    def params(self, request: Request) -> dict[str, Any]:
        """The request body."""
        params: dict[str, Any] = {
            "model": self._model,
            "max_tokens": request.max_tokens,
            "system": _system(request),
            "messages": _messages(request),
        }
        if request.tools:
            params["tools"] = _tools(request.tools)
        if request.require_tool:
            params["tool_choice"] = {"type": "tool", "name": request.require_tool, "disable_parallel_tool_use": True}
        if request.temperature is not None:
            params["temperature"] = request.temperature
        return params

    @contextmanager
    def open(self, params: dict[str, Any]) -> Iterator[Answer]:
        """Send it. `temperature` travels in the extra body: the SDK has no argument for it any more.

        The SDK warns of models that will retire; until they do, that is no reason to write on a person's terminal.
        """
        known = dict(params)
        extra = {"temperature": known.pop("temperature")} if "temperature" in known else None
        create = self.client.messages.with_streaming_response.create
        with ExitStack() as stack:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                answer: Answer = stack.enter_context(create(stream=True, extra_body=extra, **known))
            yield answer

    def assembly(self, request: Request) -> AnthropicAssembly:
        """An empty answer."""
        return AnthropicAssembly()

    def probe(self, timeout_s: float) -> str:
        """Ask for the list of models; the content type of the answer."""
        answer = self.client.models.with_raw_response.list(timeout=timeout_s)
        return str(answer.headers.get("content-type", ""))

    def status_error(self, error: Exception) -> tuple[int, dict[str, str], object] | None:
        """HTTP status, headers and body of an error of this SDK."""
        import anthropic

        if not isinstance(error, anthropic.APIStatusError):
            return None
        return error.status_code, dict(error.response.headers), error.body


class AnthropicAssembly:
    """A message under construction: blocks by index, usage, stop reason."""

    def __init__(self) -> None:
        self.finished = False
        self.usage = Usage()
        self._blocks: dict[int, dict[str, Any]] = {}
        self._stop: str | None = None
        self._model = ""
        self._id = ""

    def feed(self, event: str, data: Any) -> str:
        """Take one event; returns the text it added."""
        kind = data.get("type") if isinstance(data, dict) else None
        if kind == "error":
            raise StreamFault(data)
        if kind == "message_start":
            self._start(data.get("message") or {})
        elif kind == "content_block_start":
            block = dict(data.get("content_block") or {})
            self._blocks[whole(data.get("index"))] = block
            return str(block.get("text") or "") if block.get("type") == "text" else ""
        elif kind == "content_block_delta":
            return self._delta(self._blocks.get(whole(data.get("index"))), data.get("delta") or {})
        elif kind == "message_delta":
            self._stop = (data.get("delta") or {}).get("stop_reason") or self._stop
            self._count(data.get("usage") or {})
        elif kind == "message_stop":
            self.finished = self._stop is not None
        return ""

    def _start(self, message: dict[str, Any]) -> None:
        self._model = str(message.get("model") or "")
        self._id = str(message.get("id") or "")
        self._count(message.get("usage") or {})

    def _count(self, usage: dict[str, Any]) -> None:
        """Counts are running totals; one that is missing keeps its last value."""
        names = {
            "input": "input_tokens",
            "output": "output_tokens",
            "cache_read": "cache_read_input_tokens",
            "cache_write": "cache_creation_input_tokens",
        }
        new = {ours: whole(usage[theirs]) for ours, theirs in names.items() if usage.get(theirs) is not None}
        self.usage = self.usage.model_copy(update=new)

    def _delta(self, block: dict[str, Any] | None, delta: dict[str, Any]) -> str:
        if block is None:
            raise StreamFault({"error": {"message": "a piece of a block that never began"}})
        fields = {"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "signature"}
        kind = str(delta.get("type"))
        if kind in fields:
            field = fields[kind]
            piece = str(delta.get(field) or "")
            block[field] = str(block.get(field) or "") + piece
            return piece if kind == "text_delta" else ""
        if kind == "input_json_delta":
            block["json"] = str(block.get("json") or "") + str(delta.get("partial_json") or "")
        return ""

    def reply(self) -> Reply:
        """The whole answer."""
        stop = _STOPS.get(self._stop or "", "other")
        last = max(self._blocks, default=-1)
        parts = [
            part
            for index, block in sorted(self._blocks.items())
            if (part := _part(block, cut=stop == "max_tokens" and index == last)) is not None
        ]
        return Reply(parts=parts, stop=stop, usage=self.usage, model=self._model, request_id=self._id)


def _part(block: dict[str, Any], *, cut: bool) -> Part | None:
    kind = block.get("type")
    if kind == "text":
        return Text(text=clean(str(block["text"]))) if block.get("text") else None
    if kind == "thinking":
        return Thinking(text=clean(str(block.get("thinking") or "")), signature=str(block.get("signature") or ""))
    if kind == "redacted_thinking":
        return Thinking(text="", signature=_REDACTED + str(block.get("data") or ""))
    if kind == "tool_use":
        name, call_id = str(block.get("name") or ""), str(block.get("id") or "")
        # Some servers send the whole input at once, in the first event of the block.
        arguments = block.get("json") or (json.dumps(block["input"]) if block.get("input") else "")
        return tool_use(call_id, name, str(arguments), cut=cut)
    return None


def _system(request: Request) -> list[dict[str, Any]]:
    text = f"{request.system}\n\n{FENCE_NOTE}" if request.system.strip() else FENCE_NOTE
    return [{"type": "text", "text": clean(text), "cache_control": _CACHE}]


def _tools(tools: list[ToolSpec]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [
        {"name": tool.name, "description": tool.description, "input_schema": tool.schema_} for tool in tools
    ]
    listed[-1]["cache_control"] = _CACHE
    return listed


def _messages(request: Request) -> list[dict[str, Any]]:
    names = tool_names(request.messages)
    written: list[dict[str, Any]] = []
    opening: dict[str, Any] | None = None
    newest: dict[str, Any] | None = None
    for number, message in enumerate(merged(request.messages)):
        blocks: list[dict[str, Any]] = []
        for part in _ordered(message):
            block = _block(part, names)
            if block is None:
                continue
            blocks.append(block)
            if isinstance(part, (ToolResult, Document)):
                newest = block
                opening = block if number == 0 else opening
        written.append({"role": message.role, "content": blocks or [{"type": "text", "text": "(nothing)"}]})
    for block in (opening, newest):
        if block is not None:
            block["cache_control"] = _CACHE
    return written


def _ordered(message: Message) -> list[Part]:
    """Tool results first: the API wants them at the start of the turn that answers a tool use."""
    return sorted(message.parts, key=lambda part: not isinstance(part, ToolResult))


def _block(part: Part, names: dict[str, str]) -> dict[str, Any] | None:
    if isinstance(part, Text):
        return {"type": "text", "text": clean(part.text)} if part.text.strip() else None
    if isinstance(part, Document):
        return {"type": "text", "text": fenced_document(part)}
    if isinstance(part, ToolUse):
        return {"type": "tool_use", "id": part.id, "name": part.name, "input": part.input}
    if isinstance(part, ToolResult):
        return {
            "type": "tool_result",
            "tool_use_id": part.id,
            "content": fenced_result(part, names.get(part.id, "")),
            "is_error": part.is_error,
        }
    return _thinking(part)


def _thinking(part: Thinking) -> dict[str, Any] | None:
    """A thinking block exactly as it came; one without signature, or from another API, cannot go back."""
    if part.signature.startswith(_REDACTED):
        return {"type": "redacted_thinking", "data": part.signature.removeprefix(_REDACTED)}
    if not part.signature or part.signature.startswith(_FOREIGN):
        return None
    return {"type": "thinking", "thinking": part.text, "signature": part.signature}
