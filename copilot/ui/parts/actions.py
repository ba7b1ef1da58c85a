"""What a click does to a run: start, resume, branch, answer, stop, delete. It leaves a message or starts a process."""

from __future__ import annotations

from typing import Any

import streamlit as st

from copilot import api
from copilot.errors import SetupError
from copilot.runs import RunFolder
from copilot.ui.parts import keys, live, session


def begin(ask: api.Ask, secrets: dict[str, str]) -> RunFolder:
    """Make the run and start its engine. Raises SetupError with what to mend; then nothing was made."""
    person = session.guest()
    run = api.start(ask, keys=secrets, guest=person)
    api.launch(run, secrets, guest=person)
    live.started(run)
    return run


def resume(
    run: RunFolder,
    *,
    budget: float | None = None,
    minutes: float | None = None,
    max_tokens: int | None = None,
    gpu_seconds: float | None = None,
) -> None:
    """Start an engine on a run that has none, with the keys that this session was given, perhaps with new caps."""
    person = session.guest()
    if person is not None or not live.alive(run):  # the line of a shared server knows better whether one works
        api.launch(
            run,
            keys.held(),
            budget=budget,
            minutes=minutes,
            max_tokens=max_tokens,
            gpu_seconds=gpu_seconds,
            guest=person,
        )
        live.started(run)


def branch(run: RunFolder, at: int, say: str) -> RunFolder:
    """A new run from a step of this one, with its engine. Raises SetupError when it cannot be branched there."""
    made = api.branch(run, at, say=say, keys=keys.held(), guest=session.guest())
    resume(made)
    return made


def answer(
    run: RunFolder,
    question_id: str,
    *,
    choice: str = "",
    text: str = "",
    data: dict[str, Any] | None = None,
) -> None:
    """Answer a question, and wake the run when it sleeps over it."""
    api.answer(run, question_id, choice=choice, text=text, data=data, guest=session.guest())
    resume(run)


def stop(run: RunFolder) -> None:
    """End the run for good, whether an engine works on it, it waits for its turn, or nobody does anything."""
    api.stop(run)
    live.started(run)


def delete(run: RunFolder) -> None:
    """Remove a run folder for good. Raises SetupError while an engine works on it or when it is not one of ours."""
    if live.alive(run):
        raise SetupError("this run is being worked on: stop it first, then delete it")
    api.delete(run)
    session.forget(run)


def say(run: RunFolder, text: str) -> None:
    """A free remark to the agent."""
    api.say(run, text)
    st.toast("Said. The agent reads it before its next step.")
