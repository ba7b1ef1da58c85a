"""How events of people change what is known."""

from __future__ import annotations

from copilot import events as ev
from copilot.journal import Entry
from copilot.state.known import Handler, RunState


def _question(state: RunState, event: ev.QuestionAsked, entry: Entry) -> None:
    state.questions[event.id] = event


def _feedback(state: RunState, event: ev.FeedbackGiven, entry: Entry) -> None:
    state.inbox_line = max(state.inbox_line, event.inbox_line)
    state.stop_asked = state.stop_asked or (event.choice == "stop" and not event.question_id)
    if event.question_id in state.questions and event.question_id not in state.answers:
        state.answers[event.question_id] = event
        if state.questions[event.question_id].gate != "question":
            return
    state.remarks.append((entry.seq, event))


def _supplies(state: RunState, event: ev.SuppliesFetched, entry: Entry) -> None:
    state.supplies[(event.what, event.name)] = event


HANDLERS: dict[type[ev.Event], Handler] = {
    ev.QuestionAsked: _question,
    ev.FeedbackGiven: _feedback,
    ev.SuppliesFetched: _supplies,
}
