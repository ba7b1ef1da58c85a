"""What people do to a run: remarks, answers, pause and stop, an amended protocol, removal.

Nothing here does the work: a message waits in the inbox of the run until its engine reads it.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from copilot import inbox
from copilot.api.looking import engine_alive, reception_of, state
from copilot.api.starting import launch
from copilot.config import Home, find_home
from copilot.errors import SetupError
from copilot.events import ProtocolAmended
from copilot.runs import RunFolder

if TYPE_CHECKING:
    from copilot.hosting.guests import Guest


MAX_INBOX = 32 << 20


def say(run: RunFolder, text: str, *, author: str = "person") -> None:
    """A free remark to the agent; it reads it before its next step."""
    _leave(run, inbox.Message(action="say", text=text, author=author))


def answer(
    run: RunFolder,
    question_id: str,
    *,
    choice: str = "",
    text: str = "",
    data: dict[str, Any] | None = None,
    author: str = "person",
    guest: Guest | None = None,
) -> None:
    """Answer a question.

    For the gate `ideas`, `data` may hold edited `ideas` and `rejected` {id: reason}; for `plan`, a `plan`.
    Raises Refused when a guest would approve an install: what enters the server is its owner's decision.
    """
    if guest is not None and not guest.owner:
        from copilot.hosting.rules import check_answer

        check_answer(state(run).questions.get(question_id), choice)
    message = inbox.Message(
        action="answer", question_id=question_id, choice=choice, text=text, data=data or {}, author=author
    )
    _leave(run, message)


def control(run: RunFolder, action: inbox.Action, *, author: str = "person") -> None:
    """`pause` (resumable) or `stop` (final), at the next safe point."""
    _leave(run, inbox.Message(action=action, author=author))


def _leave(run: RunFolder, message: inbox.Message) -> None:
    """Raises SetupError for what is too long, and when more was said than a person can have meant."""
    if run.inbox.is_file() and run.inbox.stat().st_size > MAX_INBOX:
        raise SetupError("too much was said to this run already; let it finish, or start another one")
    try:
        inbox.leave(run.inbox, message)
    except ValueError as error:
        raise SetupError(str(error)) from error


def stop(run: RunFolder, *, author: str = "person") -> None:
    """End the run for good, also when no engine works on it or it waits in the line. Ended already: nothing."""
    from copilot.hosting.rules import own_keys

    if state(run).finished is not None:
        return
    control(run, "stop", author=author)
    _leave_line(run)
    if not engine_alive(run):  # an engine that reads the inbox, says that it was stopped, and ends: no turn is needed
        launch(run, own_keys({}) if run.owner else {})


def delete(run: RunFolder, home: Home | None = None) -> None:
    """Remove a run folder for good. Raises SetupError while an engine works on it or when it is not one of ours."""
    logs = (home or find_home()).logs.resolve()
    if engine_alive(run):
        raise SetupError("this run is being worked on: stop it first, then delete it")
    if run.path.is_symlink() or run.path.resolve().parent.parent != logs:
        raise SetupError("this run lies outside the logs of this installation: delete it by hand")
    _leave_line(run)
    shutil.rmtree(run.path)


def _leave_line(run: RunFolder) -> None:
    if desk := reception_of(run):
        desk.line.leave(run)


def amend(run: RunFolder, *, seeds: int | None, seconds_per_trial: float | None, reason: str) -> ProtocolAmended:
    """Change the frozen protocol of a run that is not finished: recorded, and shown beside the verdict."""
    from copilot.engine.amend import amend as change

    return change(run, find_home(), seeds=seeds, seconds_per_trial=seconds_per_trial, reason=reason)
