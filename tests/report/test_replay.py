"""Replay: the whole run again from its recorded answers; nothing differs, and a difference is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.mutation_journal import lines_of, write_lines
from copilot import api, events
from copilot.config import Home
from copilot.domain.experiment import TrialResult
from copilot.domain.task import Settings
from copilot.engine.replay import RecordedModel, masked, replay
from copilot.errors import SetupError
from copilot.llm.protocol import Request
from copilot.report.rerun import rerun
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from tests.report.conftest import copied

QUESTION = "Does dropout help a small neural network on handwritten digits?"


def test_what_may_differ_is_masked() -> None:
    said = events.ToolReturned(call_id="1", text='{"seconds": 0.85, "n": 3}\ntook 2.1 s in /a/b', seconds=1.0)
    again = events.ToolReturned(call_id="1", text='{"seconds": 1.9, "n": 3}\ntook 7 s in /c/d', seconds=2.0)
    other = events.ToolReturned(call_id="1", text='{"seconds": 1.9, "n": 4}\ntook 7 s in /c/d', seconds=2.0)
    folders = ("/a/b", "/c/d")
    assert masked(said, folders) == masked(again, folders) != masked(other, folders)


def test_predictions_and_values_are_not_masked() -> None:
    def ended(value: float, predictions: str, result: str) -> dict[str, object]:
        files = {"predictions.csv": predictions, "result.json": result}
        one = TrialResult(purpose="confirm", arm="a", seed=1, status="ok", value=value, trust="graded", files=files)
        return masked(events.TrialFinished(result=one))

    assert ended(0.5, "x", "1") == ended(0.5, "x", "2")
    assert ended(0.5, "x", "1") != ended(0.6, "x", "1")
    assert ended(0.5, "x", "1") != ended(0.5, "y", "1")


def test_a_question_that_was_never_asked_is_no_answer() -> None:
    with pytest.raises(Exception, match="never asked"):
        RecordedModel(["offline"], {}).complete(Request(role="idea", system="", messages=[]))


@pytest.mark.sandbox
def test_a_run_without_recorded_answers_says_where_it_stops(graded: RunFolder, tmp_path: Path) -> None:
    found = replay(graded, Home(tmp_path))
    assert any("never asked" in text or "without" in text for text in found)
    assert any("have no counterpart" in text for text in found)


@pytest.mark.sandbox
def test_an_unfinished_run_is_not_replayed(graded: RunFolder, tmp_path: Path) -> None:
    copy = copied(graded, tmp_path)
    write_lines(copy, lines_of(copy)[:-1], chain=True)
    with pytest.raises(SetupError, match="not ended"):
        replay(copy, Home(tmp_path))


@pytest.mark.slow
@pytest.mark.sandbox
def test_a_whole_run_comes_out_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(tmp_path)
    home.problems.mkdir()
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path))
    monkeypatch.setenv("COPILOT_OFFLINE", "1")
    run = api.start(api.Ask(objective=QUESTION, settings=Settings(seeds=6)), home)
    assert api.work(run).exit_code == 0
    assert verify_run(run.path) == []
    assert replay(run, home) == []
    assert rerun(run.report / "bundle.zip") == []
    lines = lines_of(run)
    trial = next(line for line in lines if line["kind"] == "TrialFinished")
    trial["data"]["result"]["value"] += 0.01
    write_lines(run, lines, chain=True)
    assert [text for text in replay(run, home) if f"entry {trial['seq']}" in text and "value" in text]
