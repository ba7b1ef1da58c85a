"""The experiment stage by rules: run every arm once; for an idea about the best of several candidates, try them on
validation data and keep the best.

Reads what was tried from the tool calls and results in the messages, so that it needs no memory of its own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from copilot.errors import CannotDo
from copilot.llm.protocol import Message, ToolResult, ToolUse

MAX_CANDIDATES = 4
Call = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Tried:
    """One tool call with its answer."""

    name: str
    given: dict[str, Any]
    text: str
    is_error: bool


def next_call(documents: dict[str, Any], messages: Sequence[Message]) -> Call:
    """The next tool call. Raises CannotDo when an arm cannot be made to run by these rules."""
    goal = documents["goal"]
    tried = _tried(messages)
    arms = [arm["name"] for arm in goal["arms"]]
    failed = next((item for item in tried if item.name == "run_experiment" and not _ran(item)), None)
    if failed is not None and failed.given["arm"] == arms[0]:
        raise CannotDo(f"offline cannot mend a program: the arm {arms[0]} did not run: {failed.text[:300]}")
    candidates = _candidates(goal)
    if candidates and goal["arms"][1]["parameters"] == candidates[0]:  # another one was chosen by a person: as it is
        return _search(goal, arms, candidates, tried)
    ran = {item.given["arm"] for item in tried if item.name == "run_experiment"}
    for arm in arms:
        if arm not in ran:
            return "run_experiment", {"arm": arm}
    if failed is not None:
        raise CannotDo(f"offline cannot mend a program: {failed.text[:300]}")
    return "finish", {"summary": "Every arm ran once on the exploration seed."}


def _tried(messages: Sequence[Message]) -> list[Tried]:
    answers = {p.id: p for m in messages for p in m.parts if isinstance(p, ToolResult)}
    uses = [p for m in messages for p in m.parts if isinstance(p, ToolUse)]
    found = [(use, answers.get(use.id)) for use in uses]
    return [Tried(use.name, use.input, answer.text, answer.is_error) for use, answer in found if answer]


def _ran(item: Tried) -> bool:
    """True when the program came to its end; whether it gave a validation number is another question."""
    try:
        return bool(json.loads(item.text.split("\n", 1)[0])["status"] == "ok")
    except (ValueError, KeyError, TypeError):
        return False


def _value(item: Tried, goal: dict[str, Any]) -> float | None:
    """The validation number of a run, or None when it did not give one."""
    first = item.text.split("\n", 1)[0]
    try:
        found = json.loads(first)
        value = found["metrics"][goal["metric"]["name"]]
    except (ValueError, KeyError, TypeError):
        return None
    return float(value) if found.get("status") == "ok" else None


def _candidates(goal: dict[str, Any]) -> list[dict[str, Any]]:
    options = goal.get("options") or {}
    return [item["parameters"] for item in options.get("candidates", [])][:MAX_CANDIDATES]


def _search(goal: dict[str, Any], arms: list[str], candidates: list[dict[str, Any]], tried: list[Tried]) -> Call:
    """Baseline once, then each candidate in the treatment arm, then the best one for good."""
    runs = [item for item in tried if item.name == "run_experiment"]
    if not runs:
        return "run_experiment", {"arm": arms[0]}
    treatment = arms[1]
    wanted = [item for index, item in enumerate(candidates) if item not in candidates[:index]]
    done = [item for item in runs if item.given["arm"] == treatment]
    sets = [item for item in tried if item.name == "set_parameters"]
    if len(done) < len(wanted):
        due = wanted[len(done)]
        if len(sets) <= len(done):
            return "set_parameters", {"arm": treatment, "parameters": due}
        return "run_experiment", {"arm": treatment}
    values = [(_value(item, goal), number) for number, item in enumerate(done[: len(wanted)])]
    usable = [(value, number) for value, number in values if value is not None]
    if not usable:
        raise CannotDo(f"offline found no candidate that runs: {done[-1].text[:300]}")
    sign = 1 if goal["metric"]["direction"] == "maximize" else -1
    best = max(usable, key=lambda pair: sign * pair[0])[1]
    if len(sets) <= len(wanted):
        return "set_parameters", {"arm": treatment, "parameters": wanted[best]}
    return "finish", {"summary": f"Kept the best of {len(wanted)} candidates on validation data."}
