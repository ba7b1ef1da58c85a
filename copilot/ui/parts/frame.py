"""What stands around every page of a run: title and state, steps, what waits for a person, and polite failure."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import streamlit as st

from copilot import api
from copilot.domain.experiment import VerdictWord
from copilot.errors import CopilotError
from copilot.runs import RunFolder
from copilot.state import RunState, Status
from copilot.ui.parts import actions, live, session
from copilot.ui.parts.links import STEPS, link
from copilot.ui.parts.outline import GATES, UNREAD, WAITING
from copilot.ui.parts.session import View
from copilot.ui.parts.text import one_line, plain, sentence

VERDICT_COLOUR: dict[VerdictWord, str] = {
    "supported": "green",
    "refuted": "red",
    "inconclusive": "orange",
    "invalid": "violet",
}
STATUS_WORD: dict[Status, tuple[str, str]] = {
    "empty": ("starting", "gray"),
    "running": ("running", "blue"),
    "paused": ("paused", "orange"),
    "done": ("finished", "green"),
    "failed": ("failed", "red"),
    "stopped": ("stopped", "gray"),
    "cannot": ("cannot be done", "red"),
}


def guarded(show: Callable[[], None]) -> Callable[[], None]:
    """The page, with our own errors shown as the one sentence that they are."""

    @functools.wraps(show)
    def page() -> None:
        with told():
            show()

    return page


@contextmanager
def told() -> Iterator[None]:
    """Show our own errors here, as the one sentence that they are; anything else goes on."""
    try:
        yield
    except CopilotError as error:
        st.error(sentence(str(error)), icon=":material/error:")


def title_of(state: RunState) -> str:
    """What a run is called: the task's title, the paper's, the question, or what one's own code compares."""
    if state.paper is None and state.source == "paper":
        return UNREAD
    if state.paper is not None and state.source == "paper":
        return one_line(state.paper.title, 160) or state.run
    if state.task is None:
        return state.run or "Starting"
    given = next((idea.title for idea in state.ideas.values() if idea.kind == "given"), "")
    own = f"{state.task.name}: {given}" if given else state.task.name
    return one_line(state.task.head.title or state.task.body or own, 160)


def _deviations(view: View) -> None:
    """What sets this run apart and must be seen wherever its verdict is seen; the sentences stand with the verdict."""
    state, made_of = view.state, view.branched
    found = {
        "branch": f"from {made_of.parent}, after its entry {made_of.at}" if made_of else "",
        "fall-back model": ", ".join(f"{one.second} for {one.first} ({one.role})" for one in state.switches),
        "changed after the freeze": "; ".join(change.reason for change in state.amendments),
    }
    for word, text in found.items():
        if text:
            st.badge(word, color="orange", icon=":material/approval:", help=plain(text, 600))


def verdict_badge(word: VerdictWord) -> None:
    """The verdict in its colour; the colour is never the only sign."""
    st.badge(word, color=VERDICT_COLOUR[word], icon=":material/gavel:")  # type: ignore[arg-type]


def state_word(run: RunFolder, status: Status, *, asked: bool) -> tuple[str, str]:
    """What the run does now, with its colour: one that no engine works on is not running, whatever it wrote last."""
    place = api.place(run)
    if place is not None:
        return f"in line: {place.place} of {place.of}", "blue"
    if asked and status in {"running", "paused"}:
        return WAITING, "orange"
    if status in {"running", "empty"} and not live.alive(run):
        return "interrupted", "gray"
    return STATUS_WORD[status]


def status_badge(run: RunFolder, status: Status, *, asked: bool) -> None:
    """What the run does now."""
    word, colour = state_word(run, status, asked=asked)
    st.badge(word, color=colour)  # type: ignore[arg-type]


def empty(text: str, page: str = "new", run: str = "", label: str = "Start a new run") -> None:
    """An empty state: one sentence that says what to do, and the link to do it."""
    with st.container(border=True):
        st.markdown(text)
        link(page, run, label=label)


def ended(view: View, before: str) -> None:
    """The empty state of a run that ended too early for this page: what it ended before, and why."""
    finished = view.state.finished
    why = f"\n\n{sentence(finished.detail)}" if finished and finished.detail else ""
    empty(f"**This run ended before {before}.**{why}", "run", view.run.name, "See what happened")


def open_run(step: str) -> View | None:
    """The view that the URL names, under its header; None after an empty state was shown instead."""
    name = session.current_name()
    view = session.current()
    if view is None:
        st.title({"run": "Run", "results": "Results"}.get(step, step.capitalize()))
        if name:
            st.warning(f"There is no run {plain(name, 120)}. It may have been deleted.")
        empty("Choose a run in the history, or start a new one.", "history", label="Open the history")
        return None
    header(view, step)
    live.watch(view)
    return view


def header(view: View, step: str) -> None:
    """Title, state, steps, and whatever needs a person."""
    state = view.state
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="run-header"):
        status_badge(view.run, state.status, asked=bool(state.open_questions))
        if state.verdict is not None:
            verdict_badge(state.verdict.word)
        if state.settings is not None:
            st.badge(plain(state.settings.llm, 60), color="gray", icon=":material/smart_toy:")
        _deviations(view)
    st.title(plain(title_of(state), 160), anchor=False)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(view.run.name), width="content")
        if view.branched is not None:
            link("run", view.branched.parent, label=f"branched from {plain(view.branched.parent, 120)}", icon=False)
    _steps(view)
    with st.container(key="run-notices"):  # always there: what comes and goes in it moves nothing that is typed below
        if view.problem:
            st.error(plain(view.problem, 600), icon=":material/report:")
        _waiting(view, step)
        if step != "run":
            _resting(view)


def _resting(view: View) -> None:
    """A run that nobody works on and that waits for nobody, with the way on; the page Run has its own words for it."""
    state = view.state
    if live.ended(state) or live.alive(view.run) or state.open_questions or api.place(view.run) is not None:
        return
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        if state.pause is not None:
            st.markdown(f":material/pause: Paused: {plain(state.pause.detail, 400)}")
        else:
            st.markdown(":material/power_off: No engine works on this run. Nothing that was done is lost.")
        if state.pause is not None and state.pause.reason == "budget":
            link("run", view.run.name, label="Give it larger caps on the page Run")
        elif st.button("Resume", icon=":material/play_arrow:", key="header_resume"):
            with told():
                actions.resume(view.run)
                st.rerun()


def _steps(view: View) -> None:
    with st.container(horizontal=True, gap="small", key="run-steps"):
        for name in STEPS:
            link(name, view.run.name, label=name.capitalize())


def _waiting(view: View, step: str) -> None:
    for question in view.state.open_questions:
        if question.gate == step or (step == "run" and question.gate not in GATES):
            continue
        page = question.gate if question.gate in GATES else "run"
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f":material/pan_tool: {plain(question.text, 240)}")
            link(page, view.run.name, label=f"Answer on the page {page.capitalize()}")
