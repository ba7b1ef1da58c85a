"""A whole run whose model goes down half way: the second one ends it, and verdict, report and replay say so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from copilot import api
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.replay import replay as play_again
from copilot.engine.start import start_run
from copilot.errors import SetupError
from copilot.report.verify import verify_run
from tests.engine.researcher import researcher, tools_of
from tests.literature.conftest import Replay
from tests.llm.servers import KEY, AnthropicServer, OpenAIServer, Status

QUESTION = "Does a shift raise the score of a small network?"
DOWN = Status(529, {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})


def tired(request: dict[str, Any]) -> Any:
    """Drafts and reviews, and is down from the experiment on."""
    return DOWN if "run_experiment" in tools_of(request) else researcher(write_own=False)(request)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.sandbox
def test_a_run_ends_with_the_second_model_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replay: Replay
) -> None:
    home = Home(tmp_path)
    home.problems.mkdir()
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path))
    with AnthropicServer(tired) as claude, OpenAIServer(researcher(write_own=False)) as gpt:
        env = {
            "ANTHROPIC_API_KEY": KEY,
            "ANTHROPIC_BASE_URL": claude.url,
            "OPENAI_API_KEY": KEY,
            "OPENAI_BASE_URL": gpt.url,
            "HF_ENDPOINT": "http://127.0.0.1:9",
            "COPILOT_LLM_ATTEMPTS": "1",
        }
        settings = Settings(llm="claude", fallback="gpt4", seeds=6, tuning=1)
        run = start_run("", "", QUESTION, settings, home, env)
        drive(run, home, env)
    state = api.state(run)
    assert state.verdict is not None, state.finished
    assert [(s.role, s.first.split(":")[0], s.second) for s in state.switches] == [
        ("experiment", "anthropic", "openai:gpt-4.1")
    ]
    assert sum("Deviation from the protocol" in stamp for stamp in state.verdict.stamps) == 1
    assert "took over" in (run.report / "report.md").read_text()
    assert verify_run(run.path) == []
    searched = len(replay.asked)
    assert searched and play_again(run, home) == []
    assert len(replay.asked) == searched, "a replay asks nobody"


def test_rules_cannot_take_over_from_a_language_model(tmp_path: Path) -> None:
    (tmp_path / "problems").mkdir()
    with pytest.raises(SetupError, match="no language model"):
        start_run("", "", QUESTION, Settings(fallback="offline"), Home(tmp_path), {})


def test_a_fallback_without_its_key_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    (tmp_path / "problems").mkdir()
    with pytest.raises(SetupError, match="OPENAI_API_KEY"):
        start_run("", "", QUESTION, Settings(fallbacks={"idea": "gpt4"}), Home(tmp_path), {})
    assert not (tmp_path / "logs").exists()
