"""How events of agents and programs change what is known."""

from __future__ import annotations

from copilot import events as ev
from copilot.journal import Entry
from copilot.state.known import SIDE_BY_SIDE, Handler, RunState, ToolStep, Turn


def _called(state: RunState, event: ev.ModelCalled, entry: Entry) -> None:
    state.replies[event.request_hash] = event.reply
    state.calls += 1
    if event.role == "experiment":
        state.turns.append(Turn(len(state.turns), entry.seq, event.reply))
    state.cost_usd += event.cost_usd or 0.0
    state.unpriced_calls += event.cost_usd is None
    state.input_tokens += event.input_tokens
    state.output_tokens += event.output_tokens


def _failed(state: RunState, event: ev.ModelFailed, entry: Entry) -> None:
    state.cost_usd += event.cost_usd or 0.0
    state.unpriced_calls += event.cost_usd is None
    state.input_tokens += event.input_tokens
    state.output_tokens += event.output_tokens


def _switched(state: RunState, event: ev.ModelSwitched, entry: Entry) -> None:
    state.switches.append(event)


def _tool_called(state: RunState, event: ev.ToolCalled, entry: Entry) -> None:
    if state.steps and state.steps[-1].called.call_id == event.call_id and state.steps[-1].returned is None:
        return  # the engine died inside this call and starts it again
    state.steps.append(ToolStep(event, seq=entry.seq, before=state.snapshot))


def _tool_returned(state: RunState, event: ev.ToolReturned, entry: Entry) -> None:
    for step in reversed(state.steps):
        if step.called.call_id == event.call_id:
            step.returned = event
            return


def _files(state: RunState, event: ev.FilesChanged, entry: Entry) -> None:
    state.snapshot = event.snapshot


def _command(state: RunState, event: ev.CommandRun, entry: Entry) -> None:
    state.gpu_seconds += event.seconds if event.gpu else 0.0
    if not event.call_id or all(known.call_id != event.call_id for known in state.commands[-SIDE_BY_SIDE:]):
        state.commands.append(event)


def _metric(state: RunState, event: ev.MetricRecorded, entry: Entry) -> None:
    seen = {(known.call_id, known.name) for known in state.metrics[-50:] if known.call_id}
    if (event.call_id, event.name) not in seen:
        state.metrics.append(event)


HANDLERS: dict[type[ev.Event], Handler] = {
    ev.ModelCalled: _called,
    ev.ModelFailed: _failed,
    ev.ModelSwitched: _switched,
    ev.ToolCalled: _tool_called,
    ev.ToolReturned: _tool_returned,
    ev.FilesChanged: _files,
    ev.CommandRun: _command,
    ev.MetricRecorded: _metric,
}
