"""Whose turn it is: properties of the order, and what a guest may ask for, without a server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.errors import SetupError
from copilot.events import QuestionAsked
from copilot.hosting.guests import Guest, Sessions
from copilot.hosting.line import Line, Ticket, turns
from copilot.hosting.reception import reception
from copilot.hosting.refusals import OverQuota, Refused
from copilot.hosting.rules import Rules, admit, check_answer, own_keys, stamps
from copilot.journal import Journal
from copilot.memory.past import past_verdicts
from tests.ui import canned

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ticket(guest: str, minute: int, *, started: bool = False) -> Ticket:
    """A ticket of this guest, taken so many minutes after noon."""
    joined = NOON + timedelta(minutes=minute)
    return Ticket(guest=guest, joined=joined, started=joined if started else None)


tickets = st.lists(st.sampled_from("abcd"), max_size=25).map(lambda names: [ticket(n, i) for i, n in enumerate(names)])
working = st.lists(st.sampled_from("abcd"), max_size=4).map(lambda names: [ticket(n, 0, started=True) for n in names])


@given(tickets, working)
def test_everybody_has_a_turn_and_nobody_two_before_another(waiting: list[Ticket], busy: list[Ticket]) -> None:
    order = turns(waiting, busy, {})
    assert sorted(map(id, order)) == sorted(map(id, waiting))
    load = Counter(item.guest for item in busy)
    left = Counter(item.guest for item in waiting)
    for item in order:
        assert all(load[item.guest] <= load[other] for other, count in left.items() if count)
        load[item.guest] += 1
        left[item.guest] -= 1
    for name in "abcd":
        own = [item.joined for item in order if item.guest == name]
        assert own == sorted(own)


def test_ten_runs_of_one_do_not_keep_another_waiting() -> None:
    order = turns([*(ticket("many", i) for i in range(10)), ticket("one", 10)], [], {})
    assert [item.guest for item in order[:3]] == ["many", "one", "many"]
    last = {"many": NOON, "one": NOON - timedelta(hours=1)}
    assert turns([ticket("many", 0), ticket("one", 1)], [], last)[0].guest == "one"


def test_a_run_whose_key_was_lost_says_so_and_keeps_nobody(tmp_path: Path) -> None:
    run = canned.started(tmp_path / "logs")
    run.ticket.write_text(ticket("anna", 0).model_copy(update={"needs": ["OPENAI_API_KEY"]}).model_dump_json())
    line = Line(Home(tmp_path), engines=1)
    place = line.place(run)
    assert place is not None and "OPENAI_API_KEY" in place.note
    assert line.advance() == []
    assert line.has(run)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"guest": 3}', '{"guest": "a", "joined": "soon"}'])
def test_a_ticket_that_cannot_be_read_is_none(tmp_path: Path, content: str) -> None:
    run = canned.started(tmp_path / "logs")
    run.ticket.write_text(content)
    assert Line(Home(tmp_path), engines=1).place(run) is None


def test_no_text_is_a_session(tmp_path: Path) -> None:
    sessions = Sessions(tmp_path)

    @given(st.text(max_size=80))
    def unknown(text: str) -> None:
        assert sessions.guest(text) is None

    unknown()


def test_a_session_is_known_again_and_its_name_gives_nothing_away(tmp_path: Path) -> None:
    made = Sessions(tmp_path)
    token = made.issue()
    guest = Sessions(tmp_path).guest(token)
    assert guest is not None and guest == made.guest(token)
    assert guest.name not in token and token.partition(".")[0] not in guest.name
    assert Sessions(tmp_path / "other").guest(token) is None


def test_limits_come_from_the_environment() -> None:
    assert Rules.from_environment({}) is None
    assert Rules.from_environment({"SPACE_ID": "somebody/copilot"}) is not None
    assert Rules.from_environment({"SPACE_ID": "somebody/copilot", "COPILOT_SHARED": "0"}) is None
    rules = Rules.from_environment({"COPILOT_SHARED": "1", "COPILOT_MAX_RUNS": "7"})
    assert rules is not None and rules.runs == 7
    with pytest.raises(SetupError, match="COPILOT_MAX_ENGINES"):
        Rules.from_environment({"COPILOT_SHARED": "1", "COPILOT_MAX_ENGINES": "many"})


def test_with_a_key_of_their_own_a_guest_may_use_a_model_and_the_run_says_so(tmp_path: Path) -> None:
    rules, home = Rules(), Home(tmp_path)
    keys = own_keys({"ANTHROPIC_API_KEY": "sk-ant-0123456789"})
    settings = admit(rules, {"task": "demo"}, Settings(llm="claude"), keys, home)
    assert (settings.minutes, settings.sandbox) == (rules.minutes, "auto")
    assert len(stamps(settings)) == 1 and "guest" in stamps(settings)[0]
    assert stamps(admit(rules, {"task": "demo"}, Settings(), {}, home)) == []
    assert keys["OPENAI_API_KEY"] == "" and keys["OPENAI_BASE_URL"] == ""


PATHS = ("/etc/passwd", "problems/demo/paper.pdf", "../x.pdf")


@pytest.mark.parametrize("ask", [{"code": "my-folder"}, *({"paper": path} for path in PATHS)])
def test_what_nobody_has_thought_about_is_refused(tmp_path: Path, ask: dict[str, str]) -> None:
    with pytest.raises(Refused):
        admit(Rules(), ask, Settings(), {}, Home(tmp_path))


def test_only_the_owner_lets_something_in() -> None:
    question = QuestionAsked(id="q", gate="install", text="lightgbm?", options=["approve", "refuse"])
    check_answer(question, "refuse")
    with pytest.raises(Refused):
        check_answer(question, "approve")


def test_nobody_learns_what_another_guest_measured(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    first = canned.finished(logs, start="2026-11-18T09-00-00Z")
    second = canned.finished(logs, start="2026-11-19T09-00-00Z")
    assert [item.run for item in past_verdicts(logs, but=second.name)] == [first.name]
    second.owner_file.write_text("anna")
    assert past_verdicts(logs, but=second.name) == []


def test_a_full_disk_quota_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_SHARED", "1")
    monkeypatch.setenv("COPILOT_MAX_DISK_MB", "1")
    desk = reception(Home(tmp_path))
    assert desk is not None
    run = canned.started(desk.home.logs)
    run.owner_file.write_text("anna")
    (run.path / "big").write_bytes(b"x" * 1_100_000)
    with pytest.raises(OverQuota, match="delete one"):
        desk.admit(Guest(name="anna"), {}, Settings(), {})
    assert desk.admit(Guest(name="ben"), {}, Settings(), {}).minutes == 30


def test_an_engine_that_takes_too_long_is_ended_and_nothing_else(tmp_path: Path) -> None:
    run = canned.started(tmp_path / "logs")
    wait = "import time; time.sleep(60)"
    engine = subprocess.Popen([sys.executable, "-c", wait, str(run.path)], start_new_session=True)
    other = subprocess.Popen([sys.executable, "-c", wait], start_new_session=True)
    try:
        while os.fsencode(run.path) not in Path(f"/proc/{engine.pid}/cmdline").read_bytes():
            time.sleep(0.01)
        late = ticket("anna", 0, started=True)
        for process, ends in ((other, False), (engine, True)):
            run.ticket.write_text(late.model_copy(update={"process": process.pid}).model_dump_json())
            journal = Journal(run.journal)  # held, as by an engine that works
            line = Line(Home(tmp_path), engines=1)
            line.end_overdue(1e9)
            assert process.poll() is None
            line.end_overdue(60)
            journal.close()
            if ends:
                assert process.wait(10) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (engine, other):
            process.kill()
            process.wait()
