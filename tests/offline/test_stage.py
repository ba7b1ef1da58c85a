"""The rules of the experiment stage: what counts as run, what ends it, and which candidate is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from copilot.errors import CannotDo
from copilot.llm.offline.experiment import next_call
from copilot.llm.protocol import Message, ToolResult, ToolUse

GOAL: dict[str, Any] = {
    "metric": {"name": "accuracy", "direction": "maximize"},
    "arms": [{"name": "baseline", "parameters": {"model": "starter"}}, {"name": "treatment", "parameters": {"k": 1}}],
}


def ran(number: int, arm: str, status: str = "ok", **metrics: float) -> list[Message]:
    """A run of an arm, as call and answer."""
    use = ToolUse(id=str(number), name="run_experiment", input={"arm": arm})
    text = json.dumps({"status": status, "reason": "", "metrics": metrics}) + "\noutput:\n(none)"
    result = ToolResult(id=str(number), text=text)
    return [Message(role="assistant", parts=[use]), Message(role="user", parts=[result])]


def test_a_baseline_that_gives_no_number_of_its_own_has_run() -> None:
    assert next_call({"goal": GOAL}, ran(1, "baseline")) == ("run_experiment", {"arm": "treatment"})
    name, _ = next_call({"goal": GOAL}, [*ran(1, "baseline"), *ran(2, "treatment", accuracy=0.9)])
    assert name == "finish"


def test_a_baseline_that_breaks_is_not_for_these_rules_to_mend() -> None:
    with pytest.raises(CannotDo, match="the arm baseline did not run"):
        next_call({"goal": GOAL}, ran(1, "baseline", "failed"))


def test_a_candidate_without_a_number_is_not_chosen() -> None:
    goal = GOAL | {"options": {"candidates": [{"parameters": {"k": 1}}, {"parameters": {"k": 2}}]}}
    past = [*ran(1, "baseline"), *ran(2, "treatment"), *ran(3, "treatment", accuracy=0.5)]
    sets = [
        Message(role="assistant", parts=[ToolUse(id=name, name="set_parameters", input={"arm": "treatment"})])
        for name in ("s1", "s2")
    ] + [Message(role="user", parts=[ToolResult(id=name, text="ok")]) for name in ("s1", "s2")]
    assert next_call({"goal": goal}, [*past, *sets]) == ("set_parameters", {"arm": "treatment", "parameters": {"k": 2}})


def test_the_one_that_a_person_chose_among_candidates_is_not_put_aside_for_a_better_one() -> None:
    goal = GOAL | {"options": {"candidates": [{"parameters": {"k": 2}}, {"parameters": {"k": 1}}]}}
    name, _ = next_call({"goal": goal}, [*ran(1, "baseline"), *ran(2, "treatment", accuracy=0.4)])
    assert name == "finish"
