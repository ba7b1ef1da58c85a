"""The desk: a fall-back that is recorded and holds, failed calls that are paid for, caps that a resumed run keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from copilot import events as ev
from copilot.agents.desk import Desk
from copilot.blobs import Blobs
from copilot.domain.task import Settings, Task, TaskBudget, TaskHead
from copilot.errors import Paused
from copilot.journal import Journal
from copilot.llm.prices import worst_case_tokens
from copilot.llm.protocol import Model
from copilot.llm.scripted import ScriptedModel
from copilot.report.evidence import stamps_of
from copilot.state import fold
from tests.llm.conftest import model_for, question
from tests.llm.servers import AnthropicServer, Cut, OpenAIServer, Say, Status

DOWN = Status(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
Opener = Callable[[Settings, Model, Model | None], Desk]


@pytest.fixture
def open_desk(tmp_path: Path) -> Iterator[Opener]:
    """A desk over the same journal each time, as an engine that takes over has it; the one before is closed."""
    journals: list[Journal] = []

    def opened(settings: Settings, model: Model, second: Model | None = None) -> Desk:
        for before in journals:
            before.close()
        journal = Journal(tmp_path / "log" / "full_log.jsonl")
        journals.append(journal)
        if not journal.entries:
            task = Task(name="t", head=TaskHead(budget=TaskBudget(tokens=900_000)))
            journal.append(ev.RunStarted(run="t/1", source="task", task=task, settings=settings, version="0"))
        return Desk(
            journal=journal,
            state=fold(journal.entries),
            blobs=Blobs(tmp_path / "blobs"),
            model_for=lambda role: model,
            fallback_for=lambda role: second,
        )

    yield opened
    for journal in journals:
        journal.close()


def kinds(desk: Desk) -> list[str]:
    return [type(entry.event).__name__ for entry in desk.journal.entries]


@pytest.mark.parametrize("anthropic_fails", [True, False])
def test_the_second_model_takes_over_and_every_use_is_an_event(open_desk: Opener, anthropic_fails: bool) -> None:
    answer = [Say(text="fine", input_tokens=50, output_tokens=5)]
    with (
        AnthropicServer([DOWN] if anthropic_fails else answer) as claude,
        OpenAIServer(answer if anthropic_fails else [DOWN]) as gpt,
    ):
        models = [model_for("claude", claude), model_for("gpt4", gpt)]
        first, second = models if anthropic_fails else models[::-1]
        desk = open_desk(Settings(), first, second)
        assert desk.ask(question()).text() == "fine"
        assert kinds(desk) == ["RunStarted", "ModelFailed", "ModelSwitched", "ModelCalled"]
        called = desk.journal.entries[-1].event
        assert isinstance(called, ev.ModelCalled) and called.model == second.name == desk.model("test").name
        assert called.request_hash == question().digest(second.name)
        asked = len(claude.requests) + len(gpt.requests)
        resumed = open_desk(Settings(), first, second)
        assert resumed.ask(question()).text() == "fine", "paid before"
        assert len(claude.requests) + len(gpt.requests) == asked
        resumed.ask(question(max_tokens=77))
        assert kinds(resumed)[4:] == ["ModelCalled"], "it never goes back to the first"
        (stamp,) = stamps_of(resumed.state)
        assert stamp.startswith("Deviation from the protocol") and second.name in stamp and first.name in stamp


def test_an_answer_of_the_first_model_is_not_paid_again_after_a_switch(open_desk: Opener) -> None:
    with AnthropicServer([Say(text="early"), DOWN]) as claude:
        first, second = model_for("claude", claude), ScriptedModel(["late"], name="openai:x", honest_label="")
        desk = open_desk(Settings(), first, second)
        assert desk.ask(question()).text() == "early"
        assert desk.ask(question(max_tokens=77)).text() == "late"
        resumed = open_desk(Settings(), first, second)
        assert resumed.ask(question()).text() == "early"


def test_without_a_second_model_the_run_pauses_and_says_why(open_desk: Opener) -> None:
    with AnthropicServer([DOWN]) as claude:
        desk = open_desk(Settings(), model_for("claude", claude), None)
        with pytest.raises(Paused, match="verloaded"):
            desk.ask(question())
        assert kinds(desk)[1:] == ["ModelFailed"]


def test_a_stream_that_broke_off_is_paid_for(open_desk: Opener) -> None:
    said = Say(text="a long answer", input_tokens=1000, output_tokens=200)
    with AnthropicServer([Cut(said, keep=3)]) as claude:
        desk = open_desk(Settings(), model_for("claude", claude), None)
        with pytest.raises(Paused):
            desk.ask(question())
    assert desk.state.input_tokens >= 2000, "two attempts were billed"
    assert desk.state.cost_usd > 0
    assert fold(desk.journal.entries).cost_usd == desk.state.cost_usd == desk.budget().spent_usd


@pytest.mark.parametrize("fallback", [False, True])
def test_a_token_cap_is_kept_before_the_call_and_over_a_resume(open_desk: Opener, fallback: bool) -> None:
    second = ScriptedModel(["no"], name="openai:y", honest_label="") if fallback else None
    most = worst_case_tokens(question()) * (2 if fallback else 1)
    with AnthropicServer([Say(text="one", input_tokens=100, output_tokens=10)]) as claude:
        model = model_for("claude", claude)
        with pytest.raises(Paused, match="tokens are spent"):
            open_desk(Settings(tokens=most - 1), model, second).ask(question())
        assert claude.requests == []
        desk = open_desk(Settings(), model, second)
        desk.record(ev.RunResumed(pid=1, settings=Settings(tokens=most + 5)))
        desk.ask(question())
        resumed = open_desk(Settings(), model, second)
        assert resumed.budget().spent_tokens == 110
        with pytest.raises(Paused, match="110 tokens of"):
            resumed.ask(question(temperature=0.0))


def test_caps_of_the_run_come_before_those_of_the_task(open_desk: Opener) -> None:
    model = ScriptedModel([])
    assert open_desk(Settings(), model, None).budget().limit_tokens == 900_000
    desk = open_desk(Settings(), model, None)
    desk.record(ev.RunResumed(pid=1, settings=Settings(tokens=5, budget_usd=0.0, gpu_seconds=60.0)))
    budget = desk.budget()
    assert (budget.limit_tokens, budget.limit_usd, budget.limit_gpu_s) == (5, 0.0, 60.0)


def test_programs_with_the_gpu_are_counted_and_reserved_by_their_limit(open_desk: Opener) -> None:
    desk = open_desk(Settings(gpu_seconds=100.0), ScriptedModel([]), None)
    command = ev.CommandRun(argv=["python"], purpose="confirm", reason="exit", seconds=30.0)
    desk.record(command)
    desk.record(command.model_copy(update={"gpu": True}))
    assert desk.budget().spent_gpu_s == 30.0
    desk.budget().reserve_time(gpu_s=70.0)
    with pytest.raises(Paused, match="71 GPU-seconds, but 30"):
        desk.budget().reserve_time(gpu_s=71.0)


def test_a_fallback_without_a_price_breaks_no_cap_in_dollars(open_desk: Opener) -> None:
    with AnthropicServer([Say(text="never asked")]) as claude, OpenAIServer([Say(text="nor this")]) as other:
        unpriced = model_for("openai:a-model-nobody-priced", other)
        desk = open_desk(Settings(budget_usd=5.0), model_for("claude", claude), unpriced)
        with pytest.raises(Paused, match="or its fall-back"):
            desk.ask(question())
        assert claude.requests == []
