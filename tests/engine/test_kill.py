"""Kill the engine at every event of a run, after or within its write: it ends as an undisturbed run does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from typing import IO

import pytest

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.events import ModelCalled, RunFinished
from copilot.journal import read
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from copilot.state import RunState, fold
from tests.engine.orphans import adopted

pytestmark = pytest.mark.sandbox
ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"
SIGNALS = {"after": signal.SIGKILL, "within": signal.SIGXFSZ}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("home")
    (folder / "problems").mkdir()
    return Home(folder)


def begin(home: Home) -> RunFolder:
    return start_run("", "", QUESTION, Settings(seeds=2, tuning=1), home, ENV)


@pytest.fixture(scope="module")
def wanted(home: Home) -> RunState:
    run = begin(home)
    drive(run, home, ENV)
    return fold(read(run.journal))


def kill_at_events(run: RunFolder, home: Home, mode: str) -> int:
    """Engines that die one after the other until one comes through; how many died."""
    seen = run.path.with_name(f"{run.path.name}.seen")
    command = [sys.executable, "-m", "tests.engine.crash", str(run.path), str(home.root), str(seen), mode]
    deaths = 0
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as engines,
        adopted() as assert_no_orphans,
    ):
        assert engines.stdin and engines.stdout
        while (code := one_more(engines.stdin, engines.stdout)) != 0:
            assert code == -SIGNALS[mode]
            assert_no_orphans()
            deaths += 1
        engines.stdin.close()
    assert len(seen.read_text().splitlines()) - deaths in {0, 1}
    return deaths


def one_more(orders: IO[str], endings: IO[str]) -> int:
    """The exit code of the next engine."""
    orders.write("next\n")
    return int(endings.readline())


def assert_same(run: RunFolder, wanted: RunState) -> None:
    entries = list(read(run.journal))
    state = fold(entries)
    assert state.verdict == wanted.verdict
    assert state.trials.keys() == wanted.trials.keys()
    assert {key: result.value for key, result in state.trials.items()} == {
        key: result.value for key, result in wanted.trials.items()
    }
    calls = Counter(entry.event.request_hash for entry in entries if isinstance(entry.event, ModelCalled))
    assert set(calls.values()) == {1}
    assert sum(isinstance(entry.event, RunFinished) for entry in entries) == 1
    assert verify_run(run.path) == []


@pytest.mark.timeout(400)
def test_a_run_killed_after_every_event_ends_in_the_same_verdict(home: Home, wanted: RunState) -> None:
    run = begin(home)
    assert kill_at_events(run, home, "after") >= 40
    assert_same(run, wanted)


@pytest.mark.slow
@pytest.mark.timeout(6000)
def test_a_run_killed_within_every_write_ends_in_the_same_verdict(home: Home, wanted: RunState) -> None:
    run = begin(home)
    assert kill_at_events(run, home, "within") >= 40
    assert_same(run, wanted)
    assert list(run.journal.parent.glob("*.torn-*"))
