"""The prompt of a long run: bounded, mostly a stable prefix, with a person's words and without the oldest output."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from benchmarks.prompt_growth import BRIEF, OUTPUT, heavy, light, measure, requests, run, turn
from copilot import events as ev
from copilot.agents.context import NOTES, SHORT, WHOLE, Context, messages, shorten
from copilot.llm.offline.experiment import next_call
from copilot.llm.protocol import Document, Message, Text, ToolResult, ToolUse
from copilot.state import RunState, fold
from tests.core.test_state import entries, started


def said(found: list[Message]) -> str:
    return " ".join(part.model_dump_json() for message in found for part in message.parts)


def run_of(turns: int, *extra: ev.AnyEvent, script: Any = light) -> RunState:
    events: list[ev.AnyEvent] = [started(), *extra]
    for number in range(turns):
        events += script(number)
    return fold(entries(*events))


@pytest.mark.parametrize("wire", ["anthropic", "openai"])
@pytest.mark.parametrize(("turns", "most"), [(30, 600_000), (100, 2_000_000), (300, 6_000_000)])
def test_a_scripted_run_stays_within_what_was_promised(wire: str, turns: int, most: int) -> None:
    found = measure(turns, wire)
    assert found["sent"] <= most
    assert found["stable"] >= 0.8


def test_turns_with_two_calls_are_bounded_as_well() -> None:
    short, long = measure(30, script=heavy), measure(300, script=heavy)
    assert long["sent"] / 300 < 1.15 * short["sent"] / 30 < 1.15 * 22_000
    assert long["stable"] >= 0.65


def test_marks_let_the_cache_serve_nearly_all_that_is_stable() -> None:
    found = measure(100)
    assert found["served"] > found["stable"] - 0.05


def test_the_same_record_gives_the_same_prompt_however_it_was_built() -> None:
    context = Context(BRIEF)
    for turns in range(25):
        assert context.messages(run_of(turns)) == messages(BRIEF, run_of(turns))


def test_the_newest_turn_is_whole_and_older_ones_say_how_to_see_them_whole() -> None:
    found = messages(BRIEF, run_of(8, script=heavy))
    results = [part for message in found for part in message.parts if isinstance(part, ToolResult)]
    assert results[-1].text.endswith(OUTPUT)
    older = [part.text for part in results[:-2] if "status" in part.text]
    assert older and all('"accuracy": 0.8' in text and "(`recall` " in text and len(text) < 600 for text in older)


def test_every_tool_call_has_its_result_beside_it() -> None:
    found = messages(BRIEF, run_of(25, script=heavy))
    uses = [part.id for message in found for part in message.parts if part.kind == "tool_use"]
    results = [part.id for message in found for part in message.parts if part.kind == "tool_result"]
    assert uses == results and len(uses) >= 2


def test_between_compactions_a_prompt_begins_with_the_one_before() -> None:
    prompts = [request.messages for request in requests(60, light)]
    kept = [b[: len(a)] == a for a, b in itertools.pairwise(prompts)]
    assert 0.5 < sum(kept) / len(kept) < 1
    assert all(b[0].parts[: len(BRIEF)] == BRIEF for b in prompts)


def test_a_person_is_heard_at_once_and_not_forgotten() -> None:
    remark = ev.FeedbackGiven(inbox_line=1, id="m", text="use fewer epochs")
    question = ev.QuestionAsked(id="agent-0.0", gate="question", text="which data?")
    answer = ev.FeedbackGiven(inbox_line=2, id="n", question_id="agent-0.0", text="the small one")
    early = messages(BRIEF, run_of(1, question, remark, answer))
    late = messages(BRIEF, run_of(40, question, remark, answer))
    first = [*light(0), question, remark, answer]
    middle = messages(BRIEF, fold(entries(started(), *first, *(event for n in range(1, 40) for event in light(n)))))
    for found in (early, late, middle):
        assert said(found).count("use fewer epochs") == 1
        assert said(found).count("answers your question agent-0.0: the small one") == 1
        texts = [part.text for message in found for part in message.parts if isinstance(part, Text)]
        assert any("use fewer epochs" in text for text in texts), "a person's words are no document"


def test_notes_and_measurements_of_turns_that_left_stay_in_sight() -> None:
    def script(number: int) -> list[ev.AnyEvent]:
        note = ToolUse(id=f"n{number}", name="note", input={"text": f"lesson {number} " + "w" * 300})
        return turn(number, [(note, "noted"), run(number)])

    found = messages(BRIEF, run_of(30, script=script))
    earlier = next(p for p in found[0].parts if isinstance(p, Document) and p.name == "earlier")
    table = json.loads(earlier.text)
    gone = table["turns_before"]
    assert gone > 10
    assert [note.split(" w")[0] for note in table["your_notes"]] == [f"lesson {n}" for n in range(gone)][-NOTES:]
    assert table["latest_measurements"][-1] == {
        "call": f"{gone - 1}.1", "arm": "treatment", "seed": 0, "accuracy": 0.8
    }  # fmt: skip
    shown = said(found[1:])
    assert all(f"lesson {n} " + "w" * 300 in shown for n in range(gone, 30))


def test_the_offline_planner_finds_its_way_with_the_longest_search_that_it_makes() -> None:
    candidates = [{"parameters": {"width": width, "rate": 0.1}} for width in range(10, 50, 10)]
    arms = [{"name": "baseline", "parameters": {}}, {"name": "treatment", **candidates[0]}]
    goal = {
        "arms": arms,
        "metric": {"name": "accuracy", "direction": "maximize"},
        "options": {"candidates": candidates},
    }
    events: list[ev.AnyEvent] = [started()]
    named: list[str] = []
    for number in range(40):
        name, given = next_call({"goal": goal}, Context(BRIEF, bounded=False).messages(fold(entries(*events))))
        named.append(name)
        if name == "finish":
            break
        said_back = json.dumps({"status": "ok", "metrics": {"accuracy": 0.5 + number / 100}}) + "\noutput:\n" + OUTPUT
        events += turn(number, [(ToolUse(id=f"t{number}", name=name, input=given), said_back)])
    assert named[-1] == "finish" and named.count("run_experiment") == 5


def test_a_turn_without_a_tool_is_reminded() -> None:
    reply = {"parts": [{"kind": "text", "text": "I think we are done."}], "stop": "end"}
    called = ev.ModelCalled(role="experiment", model="m", request_hash="x", request_blob="", reply=reply)
    assert "No tool was called" in said(messages(BRIEF, fold(entries(started(), called))))


def test_shortening_never_lengthens() -> None:
    assert shorten("a" * 101, 100) == "a" * 101
    assert len(shorten("a" * 1000, 100)) < 200
    assert WHOLE > SHORT
