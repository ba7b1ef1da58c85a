"""Caps in tokens and GPU-seconds, and a fall-back model, on the pages: asked for, shown beside what is spent."""

from __future__ import annotations

from pathlib import Path

from copilot import events as ev
from copilot.domain.task import Settings
from copilot.ui.parts.limits import build
from copilot.ui.parts.timeline import row_of, shown
from tests.ui import canned
from tests.ui.canned import Canned
from tests.ui.conftest import Open


def test_the_form_of_a_new_run_asks_for_them(home: Path, open_page: Open) -> None:
    app = open_page("new")
    assert not app.exception
    assert app.number_input(key="new_tokens").value is None and app.number_input(key="new_gpu").value is None
    assert app.text_input(key="new_fallback").value == ""
    given = {"tokens": 1000, "gpu_seconds": 60.0, "fallback": "gpt4"}
    assert build("claude", given) == Settings(llm="claude", tokens=1000, gpu_seconds=60.0, fallback="gpt4")


def test_they_stand_beside_what_is_spent_and_can_be_raised(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs"), settings=Settings(llm="claude", tokens=5000, gpu_seconds=90.0))
    made.read()
    failed = ev.ModelFailed(role="idea", model="anthropic:x", text="overloaded", retryable=True, input_tokens=1200)
    made.add(failed)
    made.add(ev.ModelSwitched(role="idea", first="anthropic:x", second="openai:y", text="overloaded"))
    made.add(ev.CommandRun(argv=["python"], purpose="explore", reason="exit", seconds=30.0, gpu=True))
    made.add(ev.RunPaused(reason="budget", detail="the next call may take up to 9,000 tokens"))
    app = open_page("run", run=made.close().name)
    assert not app.exception
    gauges = {metric.label: (metric.value, metric.delta) for metric in app.metric}
    assert gauges["Tokens"] == ("1,200", "of 5,000")
    assert "30" in gauges["GPU time"][0]
    (switched,) = [entry for entry in made.journal.entries if isinstance(entry.event, ev.ModelSwitched)]
    assert shown(switched) and "openai:y took over from anthropic:x" in row_of(switched).text
    assert app.number_input(key="more_tokens").value == 5000
    assert app.number_input(key="more_gpu").value == 90.0
