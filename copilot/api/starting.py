"""Runs are made, launched and worked on here. A guest of a shared server goes by its rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from copilot.api.looking import state
from copilot.api.outcome import Summary, summary
from copilot.config import Home, environment, find_home
from copilot.domain.base import Value
from copilot.domain.task import OwnCode, Settings
from copilot.journal import Entry
from copilot.runs import RunFolder

if TYPE_CHECKING:
    from copilot.hosting.guests import Guest


class Ask(Value):
    """What to do: exactly one of `task` (a name in problems/), `paper` (a PDF path or an arXiv id), `objective`.

    `code` is a folder of one's own to start from, with a paper or an objective beside it or alone.
    """

    task: str = ""
    paper: str = ""
    objective: str = ""
    code: OwnCode | None = None
    settings: Settings = Settings()


def start(
    ask: Ask, home: Home | None = None, keys: Mapping[str, str] | None = None, *, guest: Guest | None = None
) -> RunFolder:
    """Check everything that can be checked, then make the run folder with its first event. Nothing runs yet.

    `keys` count as environment variables of this check and are kept nowhere. Raises SetupError (unknown task,
    unreadable paper, unknown model, missing key; for a guest also Refused and OverQuota); then nothing was made.
    """
    from copilot.engine.start import start_run

    home = home or find_home()
    env = {**environment(home), **(keys or {})}
    if guest is None or guest.owner:
        return start_run(ask.task, ask.paper, ask.objective, ask.settings, home, env, own=ask.code)
    from copilot.hosting.guests import claim
    from copilot.hosting.reception import reception_for
    from copilot.hosting.rules import own_keys, stamps

    own = own_keys(keys or {})
    settings = reception_for(home).admit(guest, ask.model_dump(exclude_defaults=True), ask.settings, own)
    run = start_run(ask.task, ask.paper, ask.objective, settings, home, {**env, **own}, stamps(settings))
    claim(run, guest)
    return run


def branch(
    run: RunFolder,
    at: int,
    *,
    say: str = "",
    home: Home | None = None,
    keys: Mapping[str, str] | None = None,
    guest: Guest | None = None,
) -> RunFolder:
    """A new run that shares the first entries of `run`, up to number `at`, and goes its own way. Nothing runs yet.

    Raises SetupError when it cannot be branched there, for a guest also Refused and OverQuota.
    """
    from copilot.engine.branch import branch as make

    home = home or find_home()
    if guest is None or guest.owner:
        return make(run, at, home, say=say)
    from copilot.hosting.guests import claim
    from copilot.hosting.reception import reception_for

    reception_for(home).admit(guest, {}, state(run).settings or Settings(), keys or {})
    made = make(run, at, home, say=say)
    claim(made, guest)
    return made


def launch(
    run: RunFolder,
    keys: Mapping[str, str] | None = None,
    *,
    budget: float | None = None,
    minutes: float | None = None,
    max_tokens: int | None = None,
    gpu_seconds: float | None = None,
    guest: Guest | None = None,
) -> None:
    """`work` in a process of its own that outlives the caller; keys go into its environment only.

    For a guest the run joins the line of the server. Raises OverQuota when the guest has too many in it.
    """
    home = find_home()
    given = {"budget": budget, "minutes": minutes, "max-tokens": max_tokens, "gpu-seconds": gpu_seconds}
    limits = {name: value for name, value in given.items() if value is not None}
    if guest is None:
        from copilot.engine.launch import spawn

        spawn(run, home, dict(keys or {}), limits)
        return
    from copilot.hosting.reception import reception_for

    reception_for(home).join(run, guest, keys or {}, limits)


def work(
    run: RunFolder, *, on_event: Callable[[Entry], None] | None = None, env: Mapping[str, str] | None = None
) -> Summary:
    """Do all phases that are not done yet, in this process, to the end or to a pause. Safe to call again."""
    from copilot.engine.pipeline import drive

    home = find_home()
    drive(run, home, env if env is not None else environment(home), on_event=on_event)
    return summary(run)
