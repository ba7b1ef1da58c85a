"""Measures how the experiment agent's prompt grows with the length of a run: characters sent, and their stable share.

    python -m benchmarks.prompt_growth

A scripted run is folded turn by turn, and every request is built as in a real run and written as its provider gets it:
system text, tool definitions and conversation, for both wire protocols, without cache marks (they are no text). `light`
is one tool call a turn, as most published agents work: a file of 1,200 characters is written, or an experiment runs and
prints 2,900. `heavy` does both in every turn. The stable share is what is, letter for letter, the beginning of the
request before it. For Anthropic the marks are followed as well: what a cache that keeps each marked prefix would serve.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from copilot import events as ev
from copilot.agents.context import Context
from copilot.agents.experiment import request_of
from copilot.agents.tools import tools_offered
from copilot.domain.task import Settings, Task
from copilot.journal import Entry
from copilot.llm.keys import Keys
from copilot.llm.names import resolve
from copilot.llm.protocol import Document, Part, Reply, Request, Text, ToolUse
from copilot.llm.remote import Wire
from copilot.state import RunState, apply

BRIEF: list[Part] = [Text(text="Make this experiment ready."), Document(name="goal", text="g" * 6000)]
CODE, OUTPUT = "x = 1\n" * 200, "epoch 3 loss 0.412\n" * 152
LOOKBACK = 20
"""Blocks before a mark in which Anthropic looks for a prefix that is kept already."""
Block = tuple[str, bool]
"""A block's text, and whether it carries a cache mark."""


class Style(Protocol):
    """What is needed of a wire format."""

    def params(self, request: Request) -> dict[str, Any]: ...


@cache
def styles() -> dict[str, Style]:
    """Both wire formats; nothing is sent."""
    from copilot.llm.anthropic_adapter import AnthropicStyle
    from copilot.llm.openai_adapter import ChatStyle

    keys = Keys.from_environment({"ANTHROPIC_API_KEY": "none", "OPENAI_API_KEY": "none"})
    where, wire = "http://127.0.0.1:9", Wire()
    return {
        "anthropic": AnthropicStyle(resolve("claude"), where, keys, wire),
        "openai": ChatStyle(resolve("gpt4"), where, keys, wire),
    }


def write(number: int) -> tuple[ToolUse, str]:
    """A file is written."""
    use = ToolUse(id=f"a{number}", name="write_file", input={"path": "experiment.py", "content": CODE})
    return use, "wrote 1200 characters to experiment.py"


def run(number: int) -> tuple[ToolUse, str]:
    """An experiment runs and prints."""
    told = {"status": "ok", "reason": "", "seconds": 1.5, "metrics": {"accuracy": 0.8}, "files": ["result.json"]}
    use = ToolUse(id=f"b{number}", name="run_experiment", input={"arm": "treatment"})
    return use, json.dumps(told) + "\noutput:\n" + OUTPUT


def light(number: int) -> list[ev.AnyEvent]:
    """One tool call a turn."""
    return turn(number, [write(number) if number % 2 == 0 else run(number)])


def heavy(number: int) -> list[ev.AnyEvent]:
    """Two tool calls a turn."""
    return turn(number, [write(number), run(number)])


def turn(number: int, calls: list[tuple[ToolUse, str]]) -> list[ev.AnyEvent]:
    """The events of one turn: an answer with tool calls, and what they returned."""
    reply = Reply(parts=[Text(text="Next I try another learning rate."), *(use for use, _ in calls)], stop="tool_use")
    called = ev.ModelCalled(
        role="experiment", model="m", request_hash=str(number), request_blob="", reply=reply.model_dump(mode="json")
    )
    found: list[ev.AnyEvent] = [called]
    for place, (use, text) in enumerate(calls):
        identity = f"{number}.{place}"
        found += [
            ev.ToolCalled(call_id=identity, name=use.name, input=use.input, step=2 * number + place),
            ev.ToolReturned(call_id=identity, text=text),
        ]
        if use.name == "run_experiment":
            found.append(ev.MetricRecorded(name="accuracy", value=0.8, arm="treatment", seed=0, call_id=identity))
    return found


def requests(turns: int, script: Callable[[int], list[ev.AnyEvent]]) -> Iterable[Request]:
    """Every request of a run of so many turns."""
    state, now, seq = RunState(), datetime(2026, 1, 1, tzinfo=UTC), 0
    first = ev.RunStarted(run="t/1", source="task", task=Task(name="t"), settings=Settings(), version="0")
    apply(state, Entry(0, now, first, ""))
    context, specs = Context(BRIEF), tools_offered(supplies=True)
    for number in range(turns):
        yield request_of("accuracy", context.messages(state), specs)
        for event in script(number):
            seq += 1
            apply(state, Entry(seq, now + timedelta(seconds=seq), event, ""))


def blocks(params: dict[str, Any]) -> list[Block]:
    """A request as its provider reads it: tools, then system text, then the conversation, block by block."""
    parts = [*params.get("tools", []), *params.get("system", [])]
    for message in params["messages"]:
        content = message["content"]
        parts += [{"role": message["role"]}, *(content if isinstance(content, list) else [message])]
    bare = ({name: value for name, value in part.items() if name != "cache_control"} for part in parts)
    return [
        (json.dumps(text, ensure_ascii=False), "cache_control" in part) for text, part in zip(bare, parts, strict=True)
    ]


def measure(turns: int, wire: str = "anthropic", script: Callable[[int], list[ev.AnyEvent]] = light) -> dict[str, Any]:
    """Characters of all requests of a run, the share of them that was a stable prefix, and what marks would serve."""
    total = stable = served = 0
    before, kept = "", set[int]()
    for request in requests(turns, script):
        found = blocks(styles()[wire].params(request))
        text = "".join(block for block, _ in found)
        total += len(text)
        stable += bisect_right(range(len(before)), 0, key=lambda n: not text.startswith(before[: n + 1]))
        served += _served(found, kept)
        before = text
    return {"sent": total, "stable": stable / total, "served": served / total}


def _served(found: list[Block], kept: set[int]) -> int:
    """Characters that the cache has, by the marks of this request; its own marked prefixes are kept afterwards."""
    prefixes, text, best = [], "", 0
    for block, _ in found:
        text += block
        prefixes.append((hash(text), len(text)))
    marks = [place for place, (_, marked) in enumerate(found) if marked]
    for place in marks:
        looked = prefixes[max(0, place - LOOKBACK) : place + 1]
        best = max([best, *(length for digest, length in looked if digest in kept)])
    kept.update(prefixes[place][0] for place in marks)
    return best


def main() -> None:
    """Print the table."""
    print("| run | wire | turns | characters sent | characters a turn | stable share | served by marks |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for script in (light, heavy):
        for wire in styles():
            for turns in (30, 100, 300, 1000):
                found = measure(turns, wire, script)
                served = f"{found['served']:.2f}" if wire == "anthropic" else "by the server"
                row = [script.__name__, wire, turns, f"{found['sent']:,}", f"{found['sent'] // turns:,}"]
                print("|", " | ".join(map(str, [*row, f"{found['stable']:.2f}", served])), "|")


if __name__ == "__main__":
    main()
