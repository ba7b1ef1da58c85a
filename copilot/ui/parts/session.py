"""Who the person in front of the page is, and the run that they look at: found by name, followed incrementally.

Only names of the form TASK/START below the home's logs are opened: what stands in a URL is never a path. On a shared
server a guest is known by a cookie, and a run of somebody else is no run.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from copilot import api
from copilot.config import find_home
from copilot.domain.paper import Paper
from copilot.errors import CopilotError
from copilot.events import CommandRun, FilesChanged, RunBranched, TrialFinished
from copilot.hosting.guests import COOKIE, Guest
from copilot.hosting.reception import reception
from copilot.hosting.refusals import NoSuchRun
from copilot.journal import Entry, Reader
from copilot.runs import RunFolder
from copilot.state import RunState, apply
from copilot.ui.parts.timeline import shown

MAX_VIEWS = 3
"""Runs that one session keeps folded in memory; the one unused longest is dropped."""


@dataclass
class View:
    """A run as far as it was read: its state and its steps. `refresh` reads only what is new."""

    run: RunFolder
    reader: Reader
    state: RunState = field(default_factory=RunState)
    steps: list[Entry] = field(default_factory=list)
    """What the timeline shows; made into rows only where they are drawn."""
    before: dict[int, str] = field(default_factory=dict)
    """Sequence number of a change of files -> the snapshot that it changed."""
    ends: dict[str, list[datetime]] = field(default_factory=dict)
    """Purpose -> when each tuning program and each trial ended."""
    branched: RunBranched | None = None
    """Where the run comes from, if from another one."""
    problem: str = ""
    _paper: Paper | None = None

    def refresh(self) -> bool:
        """Read what came since the last call; True when there was something."""
        before = self.reader.seq
        try:
            for entry in self.reader.new():
                if isinstance(entry.event, FilesChanged):
                    self.before[entry.seq] = self.state.snapshot
                if isinstance(entry.event, RunBranched):
                    self.branched = entry.event
                if purpose := _ended(entry):
                    self.ends.setdefault(purpose, []).append(entry.time)
                apply(self.state, entry)
                if shown(entry):
                    self.steps.append(entry)
        except CopilotError as error:
            self.problem = str(error)
        return self.reader.seq > before

    @property
    def titles(self) -> dict[str, str]:
        """Id of an idea -> its title."""
        return {idea.id: idea.title for idea in self.state.ideas.values()}

    def paper(self) -> Paper | None:
        """The parsed paper, loaded once."""
        if self._paper is None and self.state.paper is not None:
            self._paper = api.paper_of(self.run, self.state)
        return self._paper


def _ended(entry: Entry) -> str:
    """The purpose of the tuning program or the trial that ended with this entry, else nothing."""
    if isinstance(entry.event, TrialFinished):
        return entry.event.result.purpose
    return "tune" if isinstance(entry.event, CommandRun) and entry.event.purpose == "tune" else ""


def zone() -> tzinfo:
    """Where the person is, as the browser says; UTC where it does not, or where nobody knows the name."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ValueError, ZoneInfoNotFoundError):
        return UTC


def guest() -> Guest | None:
    """The guest of a shared server, known by the cookie; None on a server for one person.

    A browser that keeps no cookie is a guest until the page is loaded again.
    """
    desk = reception(find_home())
    if desk is None:
        return None
    known = desk.guest(st.context.cookies.get(COOKIE, "")) if COOKIE in st.context.cookies else None
    return known or desk.guest(st.session_state.setdefault("token", desk.sessions.issue()))


def restricted() -> bool:
    """True for a guest who is not the owner of the server."""
    person = guest()
    return person is not None and not person.owner


def runs() -> list[RunFolder]:
    """The runs that this person may see, newest first."""
    return api.runs(guest=guest())


def named(text: str) -> RunFolder | None:
    """The run TASK/START, or None when there is none for this person."""
    try:
        return api.named(text, guest=guest())
    except NoSuchRun:
        return None


def view_of(run: RunFolder) -> View:
    """The session's view of this run, brought up to date."""
    views: OrderedDict[Path, View] = st.session_state.setdefault("views", OrderedDict())
    view = views.get(run.path)
    if view is None:
        view = views[run.path] = View(run, Reader(run.journal))
    views.move_to_end(run.path)
    while len(views) > MAX_VIEWS:
        views.popitem(last=False)
    view.refresh()
    return view


def forget(run: RunFolder) -> None:
    """Drop the view of a run that was deleted."""
    st.session_state.get("views", {}).pop(run.path, None)


def current_name() -> str:
    """What the URL names as the run, unchecked."""
    return st.query_params.get("run", "")


def current() -> View | None:
    """The view of the run that the URL names, if there is such a run."""
    run = named(current_name())
    return view_of(run) if run else None
