"""A person's part: the inbox is copied into the journal, and gates wait for an answer or let the run pause."""

from __future__ import annotations

from datetime import UTC, datetime

from copilot import inbox
from copilot.engine.services import Services, model_name
from copilot.errors import CopilotError, Paused
from copilot.events import FeedbackGiven, QuestionAsked


class Stopped(CopilotError):
    """A person ended the run for good."""


def listen(services: Services) -> None:
    """Copy new messages into the journal. Raises Paused or Stopped when one asks for it, or when time is up."""
    if services.state.stop_asked:
        raise Stopped("stopped by a person")
    for number, message in inbox.messages(services.run.inbox, services.state.inbox_line):
        if message is None:
            services.desk.record(FeedbackGiven(inbox_line=number, id=f"unreadable-{number}", choice="ignored"))
            services.desk.warn("inbox", f"line {number} of the inbox is no message and was ignored")
            continue
        control = message.action in {"pause", "stop"}
        event = FeedbackGiven(
            inbox_line=number,
            id=message.id,
            author=message.author,
            question_id="" if control else message.question_id,
            choice=message.action if control else message.choice,
            text=message.text,
            data=message.data,
        )
        services.desk.record(event)
        _unheard(services, event)
        if message.action == "pause":
            raise Paused("person", "paused by a person")
        if message.action == "stop":
            raise Stopped("stopped by a person")


def _unheard(services: Services, event: FeedbackGiven) -> None:
    """Words to an agent that cannot read are not passed over in silence."""
    said = [remark for _, remark in services.state.remarks[-1:] if remark.id == event.id and remark.text]
    if said and model_name(services.settings, services.task, "experiment") == "offline":
        services.desk.warn("offline", "no language model takes part, so nothing reads what was said; it stays recorded")


def safe_point(services: Services) -> None:
    """Between two steps: hear what people say, and keep to the time budget. Raises Paused or Stopped."""
    listen(services)
    budget = services.desk.budget()
    if budget.limit_minutes is not None and budget.spent_minutes > budget.limit_minutes:
        told = f"the budget of {budget.limit_minutes:g} minutes is used up; resume with a larger --minutes"
        raise Paused("budget", told)


def gate(services: Services, question: QuestionAsked) -> FeedbackGiven:
    """Ask, and wait for the answer. Raises Paused when nobody is there to wait for, or the time limit passed."""
    if question.id not in services.state.questions:
        services.desk.record(question)
    asked = datetime.now(UTC)
    while question.id not in services.state.answers:
        waited = (datetime.now(UTC) - asked).total_seconds()
        expired = question.timeout_seconds is not None and waited > question.timeout_seconds
        if expired or not services.wait(question):
            raise Paused("question", f"waiting for a person: {question.text}")
        listen(services)
    return services.state.answers[question.id]
