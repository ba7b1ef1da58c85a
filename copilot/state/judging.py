"""How events of tuning, protocol, trials and checks change what is known."""

from __future__ import annotations

from copilot import events as ev
from copilot.journal import Entry
from copilot.state.known import Handler, RunState


def _tuned(state: RunState, event: ev.ArmsTuned, entry: Entry) -> None:
    state.tuned = event


def _frozen(state: RunState, event: ev.ProtocolFrozen, entry: Entry) -> None:
    state.protocol, state.protocol_hash, state.protocol_seq = event.protocol, event.hash, entry.seq
    state.protocol_time = entry.time


def _amended(state: RunState, event: ev.ProtocolAmended, entry: Entry) -> None:
    state.protocol, state.protocol_hash = event.protocol, event.hash
    state.amendments.append(event)


def _trial_started(state: RunState, event: ev.TrialStarted, entry: Entry) -> None:
    key = (event.purpose, event.arm, event.seed)
    state.trial_starts[key] = event.attempt
    state.trial_times[key] = (entry.time, entry.time)
    if state.first_trial_seq < 0 and event.purpose == "confirm":
        state.first_trial_seq = entry.seq


def _trial_finished(state: RunState, event: ev.TrialFinished, entry: Entry) -> None:
    key = (event.result.purpose, event.result.arm, event.result.seed)
    if key not in state.trials:  # the first result of a cell is the result: no second try can replace it
        state.trials[key] = event.result
        state.trial_seqs[key] = entry.seq
        state.trial_times[key] = (state.trial_times.get(key, (entry.time, entry.time))[0], entry.time)


def _checked(state: RunState, event: ev.IntegrityChecked, entry: Entry) -> None:
    state.checks[event.check.name] = event.check


def _verdict(state: RunState, event: ev.VerdictReached, entry: Entry) -> None:
    state.verdict, state.verdict_seq = event.verdict, entry.seq


HANDLERS: dict[type[ev.Event], Handler] = {
    ev.ArmsTuned: _tuned,
    ev.ProtocolFrozen: _frozen,
    ev.ProtocolAmended: _amended,
    ev.TrialStarted: _trial_started,
    ev.TrialFinished: _trial_finished,
    ev.IntegrityChecked: _checked,
    ev.VerdictReached: _verdict,
}
