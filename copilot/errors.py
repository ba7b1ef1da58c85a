"""Errors by addressee.

A failing *command* is not an error: it is data (`CommandRun`, `TrialFinished`). What stands here ends or pauses
something, and every class says who has to act. The command line maps each to an exit code; nobody prints a traceback
for any of them.
"""

from __future__ import annotations


class CopilotError(Exception):
    """Base of all errors that this package raises on purpose. `exit_code` is what the command line ends with."""

    exit_code = 1


class SetupError(CopilotError):
    """To the person: something is missing or wrong, and the text says what and how to mend it (exit code 2)."""

    exit_code = 2


class CannotDo(CopilotError):
    """To the person: this model (usually `offline`) cannot do this task; the text says why (exit code 3)."""

    exit_code = 3


class Paused(CopilotError):
    """To the person: the run stopped at a safe point and can be resumed (exit code 4).

    `reason` is one of `budget`, `question`, `provider`, `person`, `disk`.
    """

    exit_code = 4

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class RunFailed(CopilotError):
    """To the person: the run ended without a verdict (exit code 1)."""


class NotRecorded(CopilotError):
    """To the person: the journal cannot be written (usually a full disk), so nothing more may happen (exit code 2).

    What was recorded before stands; the run goes on from there once there is room.
    """

    exit_code = 2


class Retry(CopilotError):
    """To the model: its last call could not be carried out; the text says what to change."""
