"""Pages of a shared server: a guest sees their own runs, and the form cannot ask for more than a guest may."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ui import canned
from tests.ui.conftest import Open
from tests.ui.test_pages import texts

SERVER_KEY = "sk-the-servers-own-key-0123456789"


def test_pages_show_a_guest_their_own_runs(home: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_SHARED", "1")
    theirs = canned.finished(home / "logs", start="2026-11-19T09-00-00Z")
    theirs.owner_file.write_text("somebody-else")
    for page in ("paper", "ideas", "plan", "run", "results", "report"):
        assert "There is no run" in open_page(page, run=theirs.name).warning[0].value
    history = open_page("history")
    assert "There are no runs yet" in texts(history)
    assert theirs.name not in {button.help for button in history.button}


def test_a_form_cannot_ask_for_more_than_a_guest_may(
    home: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPILOT_SHARED", "1")
    monkeypatch.setenv("OPENAI_API_KEY", SERVER_KEY)
    app = open_page("new")
    app.radio(key="new_source").set_value("question").run()
    app.text_area(key="new_question").set_value("Does label smoothing help on the digits data?")
    app.selectbox(key="new_model").set_value("gpt4").run()
    assert "Already set" not in app.text_input(key="new_key_OPENAI_API_KEY").placeholder
    app.button(key="new_start").click().run()
    assert "needs a key of your own" in app.error[0].value
    assert not list((home / "logs").glob("*/*/agent_log"))


def test_the_owner_enters_with_the_token(home: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_SHARED", "1")
    monkeypatch.setenv("COPILOT_TOKEN", "owner-token-of-the-tests")
    run = canned.finished(home / "logs")
    app = open_page("history")
    assert "There are no runs yet" in texts(app)
    app.text_input(key="owner_token").set_value("owner-token-of-nobody")
    app.button(key="owner_enter").click().run()
    assert "not the token" in app.error[0].value
    app.text_input(key="owner_token").set_value("owner-token-of-the-tests")
    app.button(key="owner_enter").click().run()
    assert f"delete_{run.name}" in {button.key for button in app.button}
    assert "owner-token-of-the-tests" not in str(app.main) + str(app.sidebar)
