"""How events of the course of a run change what is known."""

from __future__ import annotations

from copilot import events as ev
from copilot.journal import Entry
from copilot.state.known import Handler, RunState


def _run_started(state: RunState, event: ev.RunStarted, entry: Entry) -> None:
    state.status, state.run, state.source = "running", event.run, event.source
    state.task, state.settings = event.task, event.settings
    state.started, state.stamps = entry.time, list(event.stamps)


def _run_resumed(state: RunState, event: ev.RunResumed, entry: Entry) -> None:
    state.status, state.pause = "running", None
    state.settings = event.settings or state.settings


def _branched(state: RunState, event: ev.RunBranched, entry: Entry) -> None:
    """The messages that people left to the parent stay there, and so does what they decided about its end."""
    state.run, state.inbox_line, state.stop_asked, state.pause = event.run, 0, False, None
    state.status = "running"
    seen = f", when its verdict ({event.known}) was known" if event.known else ""
    state.stamps.append(
        f"Branched from the run {event.parent} after its entry {event.at}{seen}: read both, what was tried there is "
        "not counted here."
    )


def _sandbox(state: RunState, event: ev.SandboxChosen, entry: Entry) -> None:
    state.sandbox = event


def _warned(state: RunState, event: ev.Warned, entry: Entry) -> None:
    state.warnings.append(event)


def _paused(state: RunState, event: ev.RunPaused, entry: Entry) -> None:
    state.status, state.pause = "paused", event


def _report(state: RunState, event: ev.ReportWritten, entry: Entry) -> None:
    state.report = dict(event.files)


def _finished(state: RunState, event: ev.RunFinished, entry: Entry) -> None:
    state.status, state.finished, state.ended = event.status, event, entry.time


HANDLERS: dict[type[ev.Event], Handler] = {
    ev.RunStarted: _run_started,
    ev.RunResumed: _run_resumed,
    ev.RunBranched: _branched,
    ev.SandboxChosen: _sandbox,
    ev.Warned: _warned,
    ev.RunPaused: _paused,
    ev.ReportWritten: _report,
    ev.RunFinished: _finished,
}
