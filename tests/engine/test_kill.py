"""Kill the engine at every event of a run, after or within its write: it ends as an undisturbed run does."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import IO

import pytest

from copilot.config import Home
from copilot.runs import RunFolder
from copilot.state import RunState
from tests.engine.orphans import adopted
from tests.engine.undisturbed import assert_same, begin

pytestmark = pytest.mark.sandbox
SIGNALS = {"after": signal.SIGKILL, "within": signal.SIGXFSZ}


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
