"""`RunState`, the fold of a journal: pure, no I/O. What any viewer, the next prompt and the report know of a run.

`apply` changes the state that it is given (a thousand steps stay cheap); `fold` starts from an empty one, so the same
entries always give an equal state.
"""

from __future__ import annotations

from collections.abc import Iterable

from copilot import events as ev
from copilot.journal import Entry
from copilot.state import course, ideas, judging, people, work
from copilot.state.known import PHASES, Handler, RunState, Status, ToolStep, TrialKey, Turn

__all__ = ["PHASES", "RunState", "Status", "ToolStep", "TrialKey", "Turn", "apply", "fold"]

_HANDLERS: dict[type[ev.Event], Handler] = {
    **course.HANDLERS,
    **ideas.HANDLERS,
    **work.HANDLERS,
    **people.HANDLERS,
    **judging.HANDLERS,
}


def fold(entries: Iterable[Entry]) -> RunState:
    """The state after these entries."""
    state = RunState()
    for entry in entries:
        apply(state, entry)
    return state


_FROM_OUTSIDE = ev.RunResumed | ev.RunBranched | ev.FeedbackGiven | ev.ProtocolAmended
"""What comes after time in which no engine worked, or only waited."""


def apply(state: RunState, entry: Entry) -> None:
    """One more entry. Unknown kinds change nothing but the sequence number."""
    if state.last_time is not None and not isinstance(entry.event, _FROM_OUTSIDE):
        state.active_seconds += (entry.time - state.last_time).total_seconds()
    state.seq, state.last_time = entry.seq, entry.time
    handler = _HANDLERS.get(type(entry.event))
    if handler is not None:
        handler(state, entry.event, entry)
