"""The experiment agent's messages, as a projection of the record: bounded however long the run, with a stable prefix.

New turns are only ever appended, word for word. When they have grown past a bound they are shortened together, all but
the newest; when the shortened ones have grown past another, they leave together, and a table of what was measured, the
agent's own notes and people's words stand for them. Between those rare points every prompt begins with the one before
it, so that a provider's cache serves most of it. Not here: what the agent may do (`tools`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from copilot.events import FeedbackGiven, MetricRecorded
from copilot.llm.protocol import Document, Message, Part, Reply, Text, Thinking, ToolResult, ToolUse
from copilot.state import RunState, ToolStep, Turn

WHOLE = 8_000
"""Characters of turns shown word for word; past it all but the newest turn are shortened."""
SHORT = 2_500
"""Characters of shortened turns; past it they leave, and the table stands for them."""
OLD_FIRST, OLD_REST, OLD_INPUT, OLD_WORDS = 2_000, 200, 120, 400
"""Characters that stay when shortened: a result's first line (it holds the numbers), its rest, inputs, own words."""
TABLE = 600
"""Characters of the table of measurements that left; the best of each arm comes on top."""
NOTES, REMARKS = 12, 40
"""The newest notes and people's remarks that stay in sight for ever, word for word."""
NOTE_TOOL = "note"
NUDGE = "No tool was called. Go on with a tool call, or call `finish` if both arms are ready."


def call_id(turn: int, position: int) -> str:
    """Our own id of a tool call; providers may repeat theirs."""
    return f"{turn}.{position}"


def messages(brief: list[Part], state: RunState) -> list[Message]:
    """What the next request of the experiment agent says, from the record alone."""
    return Context(brief).messages(state)


@dataclass(frozen=True)
class _Shown:
    """One turn in both its forms, with their sizes in characters."""

    whole: list[Message]
    short: list[Message]
    size: int
    short_size: int


@dataclass
class Context:
    """The messages of one run, turn after turn; what it shows depends on the record only, not on when it was asked."""

    brief: list[Part]
    bounded: bool = True
    """False keeps every turn whole: for the rule-based planner, which re-reads what it did and is paid nothing."""
    _turns: list[_Shown] = field(default_factory=list)
    _first: int = 0
    """The turns before this one have left."""
    _short: int = 0
    """The turns before this one are shortened."""

    def messages(self, state: RunState) -> list[Message]:
        """What the next request says. Every turn of `state` must have been acted on."""
        self._take(state)
        opening = [*self.brief, *_before_any_turn(state), *_gone(state, self._first)]
        found = [Message(role="user", parts=opening)]
        for number, turn in enumerate(self._turns[self._first :], self._first):
            found += turn.short if number < self._short else turn.whole
        return found

    def _take(self, state: RunState) -> None:
        """Append the turns that are new, and shorten or drop older ones where a bound is passed."""
        new = state.turns[len(self._turns) :]
        if not new:
            return
        steps = {step.called.call_id: step for step in state.steps_since(new[0].seq)}
        for turn in new:
            self._turns.append(_shown(turn, steps, _remarks_after(state, turn)))
            newest = len(self._turns) - 1
            if self.bounded and sum(item.size for item in self._turns[self._short :]) > WHOLE:
                self._short = newest
            if sum(item.short_size for item in self._turns[self._first : self._short]) > SHORT:
                self._first = self._short


def _shown(turn: Turn, steps: Mapping[str, ToolStep], remarks: list[FeedbackGiven]) -> _Shown:
    whole, short = (_turn(turn, steps, remarks, short=short) for short in (False, True))
    return _Shown(whole, short, *(sum(len(m.model_dump_json()) for m in form) for form in (whole, short)))


def _turn(turn: Turn, steps: Mapping[str, ToolStep], remarks: list[FeedbackGiven], *, short: bool) -> list[Message]:
    reply = Reply.model_validate(turn.reply)
    answers: list[Part] = []
    for position, use in enumerate(reply.tool_uses()):
        identity = call_id(turn.index, position)
        step = steps.get(identity)
        returned = step.returned if step else None
        text = returned.text if returned else "(not run)"
        text = _shortened_result(text, identity) if short else text
        answers.append(ToolResult(id=use.id, text=text, is_error=returned is None or returned.is_error))
    if not answers:
        answers.append(Text(text=NUDGE))
    answers += [Text(text=_said(remark)) for remark in remarks]
    spoken = [_shortened(part) for part in reply.parts if not isinstance(part, Thinking)] if short else reply.parts
    return [
        Message(role="assistant", parts=spoken or [Text(text="(empty)")]),
        Message(role="user", parts=answers),
    ]


def _spoken(remark: FeedbackGiven) -> bool:
    """False for what was meant for the engine: pause, stop, a line that could not be read."""
    return bool(remark.text or remark.question_id)


def _said(remark: FeedbackGiven) -> str:
    """A person's words: trusted, unlike documents and tool results."""
    words = f"{remark.choice} {remark.text}".strip()
    whom = f"answers your question {remark.question_id}" if remark.question_id else "says"
    return f"A person {whom}: {words}"


def _shortened_result(text: str, identity: str) -> str:
    """A result of an older turn: its first line, head and tail of the rest, and how to see it whole again."""
    first, feed, rest = text.partition("\n")
    cut = shorten(first, OLD_FIRST) + feed + shorten(rest, OLD_REST)
    return cut if len(cut) >= len(text) else f"{cut}\n(`recall` {identity} shows it whole)"


def _shortened(part: Part) -> Part:
    """The agent's words and calls of an older turn: long texts are cut, for files and results can be read again."""
    if isinstance(part, Text):
        return Text(text=shorten(part.text, OLD_WORDS))
    if not isinstance(part, ToolUse) or part.name == NOTE_TOOL:
        return part
    cut = {name: shorten(value, OLD_INPUT) if isinstance(value, str) else value for name, value in part.input.items()}
    return part.model_copy(update={"input": cut})


def shorten(text: str, limit: int) -> str:
    """The head and the tail, with what was left out named; a text that would not become shorter stays whole."""
    half = limit // 2
    cut = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
    return cut if len(text) > limit and len(cut) < len(text) else text


def _remarks_after(state: RunState, turn: Turn) -> list[FeedbackGiven]:
    following = state.turns[turn.index + 1].seq if turn.index + 1 < len(state.turns) else 1 << 62
    return [remark for seq, remark in state.remarks if turn.seq < seq < following and _spoken(remark)]


def _before_any_turn(state: RunState) -> list[Part]:
    first = state.turns[0].seq if state.turns else 1 << 62
    return [Text(text=_said(remark)) for seq, remark in state.remarks if seq < first and _spoken(remark)]


def _gone(state: RunState, first: int) -> list[Part]:
    """What stands for the turns before `first`: measurements, the agent's notes, and what people said."""
    if not first:
        return []
    begin, end = state.turns[0].seq, state.turns[first].seq
    past = [item for item in state.metrics if _turn_of(item) in range(first)]
    notes = [step.called.input.get("text", "") for step in state.steps if _is_note(step) and step.seq < end]
    summary: dict[str, Any] = {
        "turns_before": first,
        "best_of_each_arm": _best(past, state),
        "latest_measurements": _latest(past),
        "your_notes": notes[-NOTES:],
    }
    remarks = [remark for seq, remark in state.remarks if begin < seq < end and _spoken(remark)]
    text = json.dumps({name: value for name, value in summary.items() if value}, ensure_ascii=False)
    parts: list[Part] = [Document(name="earlier", text=text, media_type="application/json")]
    return parts + [Text(text=_said(remark)) for remark in remarks[-REMARKS:]]


def _is_note(step: ToolStep) -> bool:
    return step.called.name == NOTE_TOOL and step.returned is not None and not step.returned.is_error


def _turn_of(item: MetricRecorded) -> int:
    """The turn that measured it; -1 for what was measured outside of the agent's loop."""
    number, dot, _ = item.call_id.partition(".")
    return int(number) if dot and number.isdigit() else -1


def _row(item: MetricRecorded) -> dict[str, Any]:
    row = {"call": item.call_id, "arm": item.arm, "seed": item.seed, item.name: item.value}
    return row | ({"parameters": shorten(item.note, OLD_INPUT)} if item.note not in ("", "{}") else {})


def _best(past: list[MetricRecorded], state: RunState) -> list[dict[str, Any]]:
    """The best measurement of each arm in the plan's metric."""
    if state.plan is None:
        return []
    metric = state.plan.metric
    sign = 1 if metric.direction == "maximize" else -1
    best: dict[str, MetricRecorded] = {}
    for item in past:
        if item.name == metric.name and (item.arm not in best or sign * item.value > sign * best[item.arm].value):
            best[item.arm] = item
    return [_row(item) for item in best.values()]


def _latest(past: list[MetricRecorded]) -> list[dict[str, Any]]:
    """The newest measurements, oldest first, as many as fit into the table."""
    rows: list[dict[str, Any]] = []
    left = TABLE
    for item in reversed(past):
        rows.append(_row(item))
        left -= len(json.dumps(rows[-1]))
        if left < 0:
            break
    return rows[::-1]
