"""How far the work in hand is and how long it will still take: from this run's own pace, else from earlier runs.

Only what can be counted or was timed before is foretold; for everything else nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from statistics import median

import streamlit as st

from copilot.domain.experiment import Purpose
from copilot.state import RunState
from copilot.ui.parts import session, tuning
from copilot.ui.parts.session import View
from copilot.ui.parts.text import seconds

EARLIER_RUNS = 5
HEAD, TAIL = 600_000, 200_000
LATEST = 12
"""Ends of programs that the pace is taken from."""
PROBES_OF_AN_ARM = {"graded": 4, "reported": 1}
"""One seed again; and where labels can be shuffled, three more on shuffled ones."""
_LINE = re.compile(rb'"time":"([^"\\]{10,40})","kind":"(\w+)"')


@dataclass(frozen=True)
class Stage:
    """Work that cannot be counted: the events between which it lies, and how long it takes where nothing is known."""

    words: str
    begins: tuple[str, ...]
    ends: str
    usual: float


READ = Stage("Reading the paper", ("RunStarted",), "ClaimsExtracted", 6)
IDEAS = Stage("Looking for related work and drafting ideas", ("ClaimsExtracted", "RunStarted"), "IdeaReviewed", 12)
PLAN = Stage("Finding code, models and data, and making the plan", ("IdeaChosen",), "PlanMade", 6)
REPORT = Stage("Writing the report", ("VerdictReached",), "ReportWritten", 8)


@dataclass(frozen=True)
class Progress:
    """How far something is. `share` lies between 0 and 1; `left` in seconds, None when it cannot be told yet."""

    words: str
    share: float
    left: float | None

    @property
    def text(self) -> str:
        """One line for a person."""
        if self.left is None:
            return f"{self.words}: the time left is known soon"
        return f"{self.words}: " + (f"about {seconds(self.left)} left" if self.left >= 1 else "any moment now")


def show(view: View) -> None:
    """A bar with the time left, while something goes on that takes a while."""
    found = now(view)
    if found is not None:
        st.progress(found.share, text=found.text)


def now(view: View, at: datetime | None = None) -> Progress | None:
    """What goes on in this run, or None when it waits or its end cannot be foretold."""
    state, at = view.state, at or datetime.now(UTC)
    if state.status not in {"empty", "running"} or state.open_questions:
        return None
    stage = stage_of(state)
    return _staged(view, stage, at) if stage else _counted(view, at)


def stage_of(state: RunState) -> Stage | None:
    """The stage that the run is in, if it is in one."""
    if state.verdict is not None:
        return REPORT if state.report is None else None
    if state.chosen is not None:
        return PLAN if state.plan is None else None
    if state.source == "paper" and state.claims is None:
        return READ
    return None if state.reviews or state.status == "empty" else IDEAS


def _staged(view: View, stage: Stage, at: datetime) -> Progress:
    begins = {*stage.begins, "RunResumed", "RunBranched"}
    began = next((entry.time for entry in reversed(view.steps) if entry.event.kind in begins), view.state.started)
    passed = max((at - began).total_seconds(), 0.0) if began else 0.0
    known: dict[str, float] = st.session_state.setdefault("expected", {})
    whole = known[stage.words] if stage.words in known else known.setdefault(stage.words, expected(stage))
    return Progress(stage.words, min(passed / whole, 0.97), max(whole - passed, 0.0))


def expected(stage: Stage) -> float:
    """Seconds that the stage takes: the median of the latest runs here, else the usual time."""
    took = [lasted(run.journal, stage) for run in session.runs()[: 2 * EARLIER_RUNS]]
    known = [value for value in took if value is not None][:EARLIER_RUNS]
    return max(median(known), 1.0) if known else stage.usual


def lasted(journal: Path, stage: Stage) -> float | None:
    """Seconds from the latest of the stage's first events to its end in this journal; None when it has no such end."""
    try:
        status = journal.stat()
        times = _times(journal, status.st_size, status.st_mtime_ns)
    except OSError:
        return None
    begins = [times[kind] for kind in stage.begins if kind in times]
    end = times.get(stage.ends)
    return (end - max(begins)).total_seconds() if begins and end and end > max(begins) else None


@lru_cache(maxsize=256)
def _times(journal: Path, size: int, changed: int) -> dict[str, datetime]:
    """Kind -> when it came first, in the first and the last lines. Within a JSON text no bare quote can stand."""
    with journal.open("rb") as file:
        raw = file.read(HEAD)
        if size > HEAD:
            file.seek(max(size - TAIL, HEAD))
            raw += file.read(TAIL)
    found: dict[str, datetime] = {}
    for match in _LINE.finditer(raw):
        kind = match[2].decode()
        if kind not in found:
            try:
                found[kind] = datetime.fromisoformat(match[1].decode("ascii", "replace"))
            except ValueError:
                continue
    return found


def _counted(view: View, at: datetime) -> Progress | None:
    state = view.state
    if state.protocol is None:
        return _programs(view, "Tuning every arm alike", ("tune",), tuning.planned(state), at) if view.ends else None
    arms = len(state.protocol.arms)
    trials = arms * len(state.protocol.seeds)
    if len(view.ends.get("confirm", [])) < trials:
        return _programs(view, "Running the trials", ("confirm",), trials, at)
    probes = arms * PROBES_OF_AN_ARM[state.protocol.trust]
    return _programs(view, "Checking the result", ("repeat", "shuffle"), probes, at)


def _programs(view: View, words: str, purposes: Sequence[Purpose], planned: int, at: datetime) -> Progress | None:
    ends = [time for purpose in purposes for time in view.ends.get(purpose, [])]
    if len(ends) >= planned:
        return None
    left = time_left(ends, planned, at)
    return Progress(f"{words}, {len(ends)} of {planned}", len(ends) / planned, left)


def time_left(ends: Sequence[datetime], planned: int, at: datetime) -> float | None:
    """Seconds until the last of `planned` programs ends, at the pace of the latest ones; None before the second end.

    Programs run side by side, so the pace is taken from the times between their ends and not from how long each took.
    """
    latest = sorted(ends)[-LATEST:]
    if len(latest) < 2:
        return None
    pace = (latest[-1] - latest[0]).total_seconds() / (len(latest) - 1)
    return max(pace * (planned - len(ends)) - (at - latest[-1]).total_seconds(), 0.0)
