"""A run while it works: phases, open questions, controls, the trial matrix, curves, cost, and the timeline."""

from __future__ import annotations

from datetime import tzinfo
from pathlib import Path

import streamlit as st

from copilot import api
from copilot.errors import CopilotError
from copilot.events import FilesChanged, RunFinished
from copilot.journal import Entry
from copilot.runs import RunFolder
from copilot.state import PHASES, RunState
from copilot.ui.parts import (
    actions,
    again,
    charts,
    frame,
    gauges,
    links,
    live,
    pace,
    questions,
    session,
    stream,
    tuning,
)
from copilot.ui.parts.session import View
from copilot.ui.parts.text import count, plain, sentence
from copilot.ui.parts.timeline import Row, row_of

WINDOW = 40
"""Rows of the timeline that are drawn at once."""
FEW = 12
"""Rows that need no frame to scroll in."""

PHASE_WORDS = {
    "read": "Read",
    "ideas": "Ideas",
    "retrieve": "Retrieve",
    "plan": "Plan",
    "experiment": "Explore",
    "freeze": "Freeze",
    "trials": "Trials",
    "verdict": "Verdict",
    "report": "Report",
}
TONES = {"info": "gray", "good": "green", "bad": "red", "ask": "orange"}


def show() -> None:
    """The page."""
    view = frame.open_run("run")
    if view is None:
        return
    working = live.alive(view.run)
    with st.container(key="run-outcome"):
        _outcome(view, working)
        questions.others(view)
        _controls(view, working)

    @st.fragment(run_every=live.poll_seconds() if working else None)
    def moving() -> None:
        view.refresh()
        _moving(view, working)

    moving()
    _say(view, working)
    again.branch(view)


def _outcome(view: View, working: bool) -> None:
    state = view.state
    if state.verdict is not None:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            frame.verdict_badge(state.verdict.word)
            links.link("results", view.run.name, label="See the verdict and its reasons")
            if state.report is not None:
                links.link("report", view.run.name, label="Read the report")
        for stamp in state.verdict.stamps:
            st.markdown(f":material/approval: :orange[{plain(stamp, 400)}]")
    if live.in_line(view.run):
        return
    if state.finished is not None and state.finished.status != "done":
        _ended_badly(state.finished)
    elif state.pause is not None and not working:
        st.warning(f"Paused: {plain(state.pause.detail, 600)}", icon=":material/pause:")
    elif not live.ended(state) and not working:
        st.warning(
            "No engine works on this run. Resume it: nothing that was done is lost.", icon=":material/power_off:"
        )
    _last_words(view, working)


def _ended_badly(finished: RunFinished) -> None:
    st.error(sentence(finished.detail or f"This run ended: {frame.STATUS_WORD[finished.status][0]}."))
    st.caption("It stays as it is. Go another way from one of its steps (below), or start a new run.")


def _last_words(view: View, working: bool) -> None:
    if working or live.ended(view.state):
        return
    if last := stream.tail_of(view.run.engine_log).strip():
        with st.expander("What the engine printed last", icon=":material/terminal:"):
            st.code(last, language=None, wrap_lines=True)


def _controls(view: View, working: bool) -> None:
    if live.ended(view.state):
        return
    with st.container(horizontal=True, key="run-controls"):
        place = api.place(view.run)
        waits = place is not None and not place.note
        if not working and not waits:
            if view.state.pause is not None and view.state.pause.reason == "budget":
                again.more(view)
            elif st.button("Resume", type="primary", icon=":material/play_arrow:", key="run_resume"):
                actions.resume(view.run)
                st.rerun()
            return
        if not waits and st.button(
            "Pause", icon=":material/pause:", key="run_pause", help="Stops at the next safe point; resumable."
        ):
            api.control(view.run, "pause")
            st.toast("Pauses at the next safe point.")
        with st.popover("Stop", icon=":material/stop:"):
            questions.stop(view, "run_stop")


def _moving(view: View, working: bool) -> None:
    state = view.state
    _phases(state)
    if working:
        pace.show(view)
    gauges.show(state, working)
    stream.show(view.run, working)
    left, right = st.columns([3, 2], gap="medium")
    with left:
        _timeline(view)
    with right:
        st.markdown("**Trial matrix**")
        charts.matrix(state)
        charts.curves(view)
        tuning.show(state)


def _phases(state: RunState) -> None:
    done = len(PHASES) if state.finished is not None and state.verdict is not None else PHASES.index(state.phase)
    words = []
    for index, phase in enumerate(PHASES):
        word = PHASE_WORDS[phase]
        if index < done:
            words.append(f":green[:material/check:] {word}")
        elif index == done and not live.ended(state):
            words.append(f"**:material/radio_button_checked: {word}**")
        else:
            words.append(f":gray[{word}]")
    st.markdown("  →  ".join(words))


def _timeline(view: View) -> None:
    steps = view.steps
    zone = session.zone()
    st.markdown(f"**Timeline** :gray[{count(len(steps), 'step')}, newest first, times of {plain(str(zone), 60)}]")
    if not steps:
        st.info("Nothing happened yet. The first steps appear here within seconds.")
        return
    box = st.container(height=520 if len(steps) > FEW else "content", border=True, key="timeline", gap="xsmall")
    start = _window(len(steps), view.run.name)
    titles = view.titles
    with box:
        for entry in reversed(steps[max(start - WINDOW, 0) : start]):
            _row(row_of(entry, titles), zone, _difference(view, entry))


def _window(total: int, run: str) -> int:
    """The end of the window, counted from the first row; the newest rows unless somebody paged back."""
    if total <= WINDOW:
        return total
    page = st.pagination(-(-total // WINDOW), key=f"timeline_page_{run}")
    return max(total - (page - 1) * WINDOW, 0)


def _difference(view: View, entry: Entry) -> str:
    """What a change of files changed, or nothing for another kind of step."""
    if not isinstance(entry.event, FilesChanged):
        return ""
    return _diff(str(view.run.path), view.before.get(entry.seq, ""), entry.event.snapshot)


@st.cache_data(max_entries=500, show_spinner=False)
def _diff(run: str, before: str, after: str) -> str:
    try:
        return api.diff(RunFolder(Path(run)), before, after)
    except CopilotError as error:
        return str(error)


def _row(row: Row, zone: tzinfo, difference: str = "") -> None:
    colour = TONES[row.tone]
    line = f":{colour}[:material/{row.icon}:] :gray[{row.time.astimezone(zone):%H\\:%M\\:%S}] {plain(row.text, 240)}"
    if not row.detail.strip() or row.detail.strip() == row.text:
        st.markdown(f":small[{line}]")
        return
    with st.expander(line, key=f"row-{row.seq}"):
        st.code(difference or row.detail, language="diff" if difference else None, wrap_lines=True)


def _say(view: View, working: bool) -> None:
    if live.ended(view.state):
        return
    with st.form("say", clear_on_submit=True, border=False):
        text = st.text_input(
            "Say something to the agent",
            key="say_text",
            max_chars=4000,
            placeholder="For example: try a smaller learning rate first",
        )
        if view.state.protocol is not None:
            st.caption("The protocol is frozen: what you say now is recorded and reported, and changes no trial.")
        sent = st.form_submit_button("Say it", icon=":material/send:", key="say_send")
    if sent and (text or "").strip():
        actions.say(view.run, (text or "").strip())
    for _, remark in view.state.remarks[-3:]:
        if remark.text:
            st.caption(f":material/person: {plain(remark.author, 40)}: {plain(remark.text, 300)}")
