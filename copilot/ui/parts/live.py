"""Keeping a page fresh while its run goes on: a quiet look at the journal, and a redraw only when something changed."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from copilot import api
from copilot.config import find_home
from copilot.hosting.reception import reception
from copilot.runs import RunFolder
from copilot.state import RunState
from copilot.ui.parts import pace, session
from copilot.ui.parts.links import link
from copilot.ui.parts.session import View
from copilot.ui.parts.text import plain, seconds
from copilot.ui.parts.timeline import row_of

POLL_SECONDS = 1.0
WATCHERS_A_SECOND = 5.0
"""Looks at a run that one server can afford in a second: redrawing the live parts takes about 0.05 s of a processor."""
START_GRACE = 10.0
"""Seconds for which a process that was just started counts as alive before it holds the journal's lock."""
QUIET_START = 2.0


def poll_seconds() -> float:
    """How often a page looks again: every second, and less often when many watch runs on a shared server."""
    desk, person = reception(find_home()), session.guest()
    if desk is None or person is None:
        return POLL_SECONDS
    return max(POLL_SECONDS, desk.watchers(person) / WATCHERS_A_SECOND)


def started(run: RunFolder) -> None:
    """Note that an engine was started for this run."""
    st.session_state.setdefault("launched", {})[run.name] = time.monotonic()


def alive(run: RunFolder) -> bool:
    """True while an engine works on the run, or is on its way to; not while it waits in the line of a shared server."""
    if api.place(run) is not None:
        return False
    launched: dict[str, float] = st.session_state.setdefault("launched", {})
    age = time.monotonic() - launched.get(run.name, -START_GRACE)
    if age < QUIET_START:
        return True  # looking means trying the lock, and must not be in the way of an engine that takes it
    return api.engine_alive(run) or age < START_GRACE


def ended(state: RunState) -> bool:
    """True when nothing more will come without somebody's doing."""
    return state.finished is not None


def signature(view: View, working: bool) -> tuple[Any, ...]:
    """What a page outside of its own live parts shows; a redraw is due when it changes."""
    state = view.state
    return (
        working,
        api.place(view.run),
        state.status,
        state.paper is not None,
        state.claims is not None,
        state.proposals,
        len(state.reviews),
        len(state.edits),
        state.chosen is not None,
        len(state.plans),
        len(state.answers),
        tuple(question.id for question in state.open_questions),
        state.protocol_hash,
        len(state.trials),
        len(state.checks),
        state.verdict is not None,
        state.report is not None,
        len(state.remarks),
        view.problem,
    )


def coming(view: View, words: str) -> None:
    """What a page shows while it waits for the run: words and progress, but none where nobody works on it."""
    if in_line(view.run):
        return
    if alive(view.run):
        st.info(words, icon=":material/hourglass_top:")
        _pulse(view)
        link("run", view.run.name, label="Watch it work")
    else:
        st.info("There is nothing here yet.", icon=":material/hourglass_empty:")


def in_line(run: RunFolder) -> bool:
    """Say where the run stands in the line of a shared server; False where it does not."""
    place = api.place(run)
    if place is not None:
        note = plain(place.note or "It starts by itself; you can close the page.")
        st.info(f"In line: place {place.place} of {place.of}. {note}", icon=":material/hourglass_top:")
    return place is not None


def _pulse(view: View) -> None:
    """How far it is, the latest step and the time since the start, kept fresh."""

    @st.fragment(run_every=poll_seconds())
    def beat() -> None:
        view.refresh()
        pace.show(view)
        if view.steps and view.state.started:
            age = (datetime.now(UTC) - view.state.started).total_seconds()
            latest = plain(row_of(view.steps[-1], view.titles).text, 160)
            st.caption(f":material/timelapse: {seconds(age)} since the start. Latest: {latest}")

    beat()


def watch(view: View) -> None:
    """Look again every second while the run can change; redraw the page when what it shows did."""
    if ended(view.state) or view.problem:
        return
    working = alive(view.run)
    shown = signature(view, working)

    @st.fragment(run_every=poll_seconds())
    def look() -> None:
        view.refresh()
        if signature(view, alive(view.run)) != shown:
            st.rerun(scope="app")

    look()
