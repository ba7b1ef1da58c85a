"""Drafts of ideas: merged, copied and edited in the browser, there again after a reload, shown as differences."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot import inbox
from tests.ui import canned
from tests.ui.canned import Canned
from tests.ui.conftest import Open
from tests.ui.test_pages import texts


@pytest.fixture
def asked(home: Path) -> Iterator[Canned]:
    """A run at the gate of its ideas, held as an engine would."""
    made = Canned(canned.folder(home / "logs"))
    made.read()
    made.propose()
    made.ask_ideas()
    yield made
    made.close()


def test_drafts_survive_a_reload_and_are_handed_in_with_the_choice(asked: Canned, open_page: Open) -> None:
    app = open_page("ideas", run=asked.run.name)
    app.session_state["editing_idea-2"] = True
    app.run()
    app.text_input(key="edit_idea-2_title").set_value("Smoothing helps digits")
    app.button(key="save_idea-2").click().run()
    app.selectbox(key="merge_with_idea-1").set_value("idea-3")
    app.button(key="merge_ok_idea-1").click().run()
    again = open_page("ideas", run=asked.run.name)
    shown = texts(again)
    assert "Smoothing helps digits" in shown and "merged into" in shown
    assert any("Your draft" in item.label for item in again.expander)
    again.button(key="choose_own-1").click().run()
    ((_, message),) = inbox.messages(asked.run.inbox, 0)
    assert message is not None and message.choice == "own-1"
    assert message.data["origins"]["own-1"] == {"how": "merged", "sources": ["idea-1", "idea-3"]}
    assert set(message.data["rejected"]) == {"idea-1", "idea-3"}
    assert "merged into" not in texts(open_page("ideas", run=asked.run.name)), "handed in, so no draft any more"


def test_a_broken_draft_file_is_no_draft(asked: Canned, open_page: Open) -> None:
    (asked.run.path / "agent_log" / "idea_drafts.json").write_text('{"ideas": 3}')
    assert not open_page("ideas", run=asked.run.name).exception
