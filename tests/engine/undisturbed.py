"""A small run without a language model, and what a disturbed run has in common with one that nothing disturbed."""

from __future__ import annotations

from collections import Counter

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.start import start_run
from copilot.events import ModelCalled, RunFinished, RunStarted
from copilot.journal import read
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from copilot.state import RunState, fold

ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"


def begin(home: Home) -> RunFolder:
    """The run, not yet worked on."""
    return start_run("", "", QUESTION, Settings(seeds=2, tuning=2), home, ENV)


def assert_same(run: RunFolder, wanted: RunState) -> None:
    """The same verdict from the same numbers; no answer of a model asked for twice; it ends once, and verifies."""
    entries = list(read(run.journal))
    state = fold(entries)
    assert state.verdict == wanted.verdict
    assert {key: result.value for key, result in state.trials.items()} == {
        key: result.value for key, result in wanted.trials.items()
    }
    calls = Counter(entry.event.request_hash for entry in entries if isinstance(entry.event, ModelCalled))
    assert len(calls) == len(wanted.replies) and set(calls.values()) == {1}
    assert sum(isinstance(entry.event, RunStarted | RunFinished) for entry in entries) == 2
    assert verify_run(run.path) == []
