"""What a guest is told when the answer is no. Each is one sentence that says what to do instead."""

from __future__ import annotations

from copilot.errors import SetupError


class NoSuchRun(SetupError):
    """There is no such run for this person: the same words for a run of somebody else and for none at all."""

    def __init__(self) -> None:
        super().__init__("there is no such run; it may have been deleted")


class Refused(SetupError):
    """Only the owner of the server may do this."""


class OverQuota(SetupError):
    """A limit of this server is reached; the text says which, and what makes room."""
