"""What is searched for: by a model over both wires, by rules without one, and never from an answer that is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from copilot import api
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import IDEAS_ONLY, drive
from copilot.engine.start import start_run
from copilot.runs import RunFolder
from tests.engine.researcher import researcher, tools_of
from tests.literature.conftest import Replay
from tests.llm.servers import KEY, AnthropicServer, Call, OpenAIServer, Say

QUESTION = "Does a shift raise the score of a small network when labels are noisy?"
FOUND = {
    "tasks": ["classification with noisy labels"],
    "gaps": ["small networks"],
    "terms": ['noisy "labels"', "label shift", "Noisy labels"],
}
SERVERS = [(AnthropicServer, "ANTHROPIC", "claude"), (OpenAIServer, "OPENAI", "gpt4")]


def naming(given: dict[str, Any]) -> Callable[[dict[str, Any]], Say]:
    def answer(request: dict[str, Any]) -> Say:
        if "name_keywords" in tools_of(request):
            return Say(tools=[Call("name_keywords", given)])
        return researcher(write_own=False)(request)  # type: ignore[no-any-return]

    return answer


def to_ideas(home: Home, server: Any, provider: str, llm: str) -> RunFolder:
    home.problems.mkdir()
    env = {f"{provider}_API_KEY": KEY, f"{provider}_BASE_URL": server.url}
    run = start_run("", "", QUESTION, Settings(llm=llm), home, env)
    drive(run, home, env, phases=IDEAS_ONLY)
    return run


@pytest.mark.parametrize(("server_type", "provider", "llm"), SERVERS)
def test_a_model_names_what_is_searched_for(
    tmp_path: Path,
    replay: Replay,
    server_type: Any,
    provider: str,
    llm: str,
) -> None:
    with server_type(naming(FOUND)) as server:
        run = to_ideas(Home(tmp_path), server, provider, llm)
        asked = json.dumps(server.requests[0])
    assert QUESTION in asked and "noisy labels" not in asked
    state = api.state(run)
    assert state.literature is not None and len(state.ideas) == 3
    assert "classification with noisy labels" in state.literature.notes[0] and "gaps: small networks" in str(
        state.literature.notes
    )
    first = replay.asked[0].lower()
    assert "label+shift" in first and first.count("noisy+labels") == 1


@pytest.mark.parametrize("given", [{"terms": "no list"}, {"unknown": 1}])
def test_an_answer_that_is_none_leaves_it_to_the_rules(
    tmp_path: Path,
    replay: Replay,
    given: dict[str, Any],
) -> None:
    with AnthropicServer(naming(given)) as server:
        run = to_ideas(Home(tmp_path), server, "ANTHROPIC", "claude")
    state = api.state(run)
    assert any("named no usable search terms" in warning.text for warning in state.warnings)
    assert replay.asked and len(state.ideas) == 3


def test_offline_asks_nobody(tmp_path: Path, replay: Replay) -> None:
    home = Home(tmp_path)
    home.problems.mkdir()
    run = start_run("", "", "Does dropout help a small neural network on digits?", Settings(), home, {})
    drive(run, home, {}, phases=IDEAS_ONLY)
    assert "dropout" in replay.asked[0]
    assert not any(note.startswith("As the model") for note in (api.state(run).literature or pytest.fail()).notes)
