"""Going on otherwise: larger caps after a pause, another way from a step, and an experiment of one's own."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from copilot import api, inbox
from copilot import events as ev
from copilot.journal import read
from copilot.runs import RunFolder, list_runs
from copilot.state import fold
from tests.ui import canned
from tests.ui.canned import Canned
from tests.ui.conftest import Open


def ended(run: RunFolder, seconds: float = 60) -> None:
    """Until the engine that was started has heard that it shall stop."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if fold(read(run.journal)).finished is not None and not api.engine_alive(run):
            return
        time.sleep(0.2)
    pytest.fail("no engine came, or it did not stop")


def test_a_run_that_used_up_its_budget_goes_on_with_larger_caps(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs"))
    made.read()
    made.add(ev.RunPaused(reason="budget", detail="the budget of 1 minutes is used up"))
    run = made.close()
    inbox.leave(run.inbox, inbox.Message(action="stop"))
    app = open_page("run", run=run.name)
    assert not [button for button in app.button if button.key == "run_resume"]
    app.number_input(key="more_minutes").set_value(45.0)
    app.button(key="more_resume").click().run()
    assert not app.exception
    ended(run)
    settings = fold(read(run.journal)).settings
    assert settings is not None and settings.minutes == 45.0


def test_a_branch_is_a_run_of_its_own_and_the_parent_stays_as_it_was(home: Path, open_page: Open) -> None:
    parent = canned.finished(home / "logs")
    before = parent.journal.read_bytes()
    frozen = fold(read(parent.journal)).protocol_seq
    app = open_page("run", run=parent.name)
    app.session_state["branching"] = True
    app.run()
    offered = [int(option.split(":")[0]) for option in app.selectbox(key="branch_at").options]
    assert offered and max(offered) < frozen
    app.selectbox(key="branch_at").set_value(offered[-1])
    app.text_input(key="branch_say").set_value("another way")
    app.button(key="branch_go").click().run()
    (made,) = [run for run in list_runs(home / "logs") if run.name != parent.name]
    inbox.leave(made.inbox, inbox.Message(action="stop"))
    ended(made)
    assert parent.journal.read_bytes() == before
    branched = next(entry.event for entry in read(made.journal) if isinstance(entry.event, ev.RunBranched))
    assert (branched.parent, branched.at, branched.known) == (parent.name, offered[-1], "supported")
    assert inbox.messages(made.inbox, 0)[0][1].text == "another way"  # type: ignore[union-attr]


def test_a_run_that_has_not_begun_offers_no_branch(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs"))
    app = open_page("run", run=made.run.name)
    assert not app.exception
    made.close()


@pytest.mark.parametrize(
    ("folder", "part"), [("", "Name the folder with your code"), ("/nowhere/at/all", "is no folder")]
)
def test_own_code_that_is_not_there_is_asked_for(open_page: Open, folder: str, part: str) -> None:
    app = open_page("new")
    app.radio(key="new_source").set_value("code").run()
    app.text_input(key="new_code").set_value(folder)
    app.text_input(key="new_metric").set_value("score")
    app.button(key="new_start").click().run()
    assert part in app.error[0].value
    assert not app.exception
