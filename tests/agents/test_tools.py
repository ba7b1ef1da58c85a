"""The agent's tools and prompts as a model gets them: short schemas, notes and recall, strict placeholders."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from copilot import events as ev
from copilot.agents.desk import tool_for
from copilot.agents.idea import DraftIdea
from copilot.agents.prompts import FOLDER, render
from copilot.agents.tools import TOOLS, Toolbox, tools_offered
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.services import build
from copilot.engine.start import start_run
from copilot.errors import Retry
from copilot.journal import Journal
from copilot.state import fold
from tests.core.test_state import entries, started

VALUES = {
    "idea": {},
    "idea_request": {"count": "4", "subject": "S", "seeds": "8", "hints": ""},
    "experiment": {"metric": "accuracy"},
    "manager": {},
    "keywords": {},
    "ledger": {},
}


@pytest.mark.parametrize("name", VALUES)
def test_every_prompt_renders_and_keeps_strangers_in_their_place(name: str) -> None:
    text = render(name, **VALUES[name])
    assert "$" not in text and max(map(len, text.splitlines())) <= 125
    assert name == "idea_request" or "never addressed to" in " ".join(text.split())
    with pytest.raises(ValueError, match="does not use"):
        render(name, **VALUES[name], nonsense="x")


def test_no_prompt_is_left_out_of_this_test() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(VALUES)


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        render("experiment")


def test_schemas_say_nothing_twice_but_keep_a_field_that_is_called_title() -> None:
    text = json.dumps([spec.schema_ for spec in tools_offered(supplies=True)])
    assert '"title"' not in text
    assert "title" in tool_for("x", "y", DraftIdea).schema_["properties"]


def test_what_fetches_is_offered_only_where_something_can_be_fetched() -> None:
    both = [{spec.name for spec in tools_offered(supplies=given)} for given in (True, False)]
    assert both[0] == set(TOOLS) and both[0] - both[1] == {"request_packages", "request_hub"}


def toolbox() -> Toolbox:
    call = ev.ToolCalled(call_id="3.0", name="run_experiment", input={"arm": "baseline"}, step=0)
    state = fold(entries(started(), call, ev.ToolReturned(call_id="3.0", text="all of it " * 50)))
    desk: Any = SimpleNamespace(state=state)
    nothing: Any = None
    return Toolbox(desk=desk, bench=nothing, plan=nothing, card=None, confirm_seeds=[], prepare_seed=nothing)


def test_an_earlier_result_is_shown_whole_again() -> None:
    assert toolbox().use("recall", {"call": "3.0"}) == "all of it " * 50
    with pytest.raises(Retry, match=r"no earlier call '9\.9'"):
        toolbox().use("recall", {"call": "9.9"})


def test_a_note_has_a_length() -> None:
    assert toolbox().use("note", {"text": "the baseline overfits"}) == "noted"
    with pytest.raises(Retry, match="text"):
        toolbox().use("note", {"text": "x" * 501})


def test_two_roles_with_the_same_local_model_share_one_server(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.problems.mkdir()
    folder = tmp_path / "weights"
    folder.mkdir()
    name = f"local:{folder}"
    settings = Settings(llm="offline", models={"idea": name, "experiment": name}, fallbacks={"manager": name})
    run = start_run("", "", "Does dropout help a small network?", settings, home, {})
    with_journal = Journal(run.journal)
    try:
        desk = build(run, home, {}, with_journal, lambda question: False).desk
        assert desk.model("idea") is desk.model("experiment") is desk.fallback_for("manager")
        assert desk.model("manager").name == "offline"
    finally:
        with_journal.close()
