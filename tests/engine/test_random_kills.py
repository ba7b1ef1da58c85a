"""Kill the whole engine at random moments, also in the middle of a write or a trial, and resume: nothing may differ."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.runs import RunFolder
from copilot.state import RunState
from tests.engine.undisturbed import ENV, assert_same, begin

pytestmark = [pytest.mark.sandbox, pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")]
Process = tuple[int, int]
"""Process id and start time: ids are given out again."""


def engine(run: RunFolder, home: Home) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "copilot", "resume", str(run.path), "--quiet"]
    env = {**os.environ, **ENV, "COPILOT_HOME": str(home.root)}
    return subprocess.Popen(command, env=env, start_new_session=True, stdin=subprocess.DEVNULL)


def processes() -> dict[int, tuple[int, int, str]]:
    """Id -> (parent, start time, state) of every process."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            fields = (folder / "stat").read_text(errors="replace").rpartition(")")[2].split()
            found[int(folder.name)] = (int(fields[1]), int(fields[19]), fields[0])
    return found


def descendants(parent: int) -> set[Process]:
    known = processes()
    family, grown = {parent}, True
    while grown:
        more = {pid for pid, (above, _, _) in known.items() if above in family} - family
        family, grown = family | more, bool(more)
    return {(pid, known[pid][1]) for pid in family - {parent}}


def left(family: set[Process]) -> set[Process]:
    return family & {(pid, start) for pid, (_, start, state) in processes().items() if state not in "ZX"}


def kill(running: subprocess.Popen[bytes]) -> set[Process]:
    """SIGKILL to the engine's group, as it is at this moment; what it had started."""
    running.send_signal(signal.SIGSTOP)
    family = descendants(running.pid)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    return family


def assert_gone(family: set[Process]) -> None:
    for _ in range(100):
        if not left(family):
            return
        time.sleep(0.1)
    raise AssertionError(f"these processes outlive the engine: {left(family)}")


def wait_until_working(run: RunFolder, running: subprocess.Popen[bytes], size: int) -> None:
    while running.poll() is None and run.journal.stat().st_size <= size:
        time.sleep(0.01)


def killed_run(home: Home, choose: random.Random, most: int, longest: float) -> tuple[RunFolder, int]:
    """One run, killed up to `most` times, each time `longest` seconds at most after the engine began to work."""
    run, kills = begin(home), 0
    while True:
        before = run.journal.read_bytes()
        running = engine(run, home)
        wait_until_working(run, running, len(before))
        if kills < most:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(choose.uniform(0.0, longest))
        else:
            running.wait()
        ended = running.poll() is not None
        family = set() if ended else kill(running)
        assert_gone(family)
        now = run.journal.read_bytes()
        assert now.startswith(before[: before.rfind(b"\n") + 1]), "an event was lost"
        if ended:
            assert running.returncode == 0
            return run, kills
        kills += 1


def disturb(home: Home, wanted: RunState, kills: int, *, each: int, seed: int) -> None:
    """Runs with up to `each` kills, until there were `kills` of them."""
    choose, done = random.Random(seed), 0
    while done < kills:
        run, more = killed_run(home, choose, min(each, kills - done), longest=1.5)
        assert_same(run, wanted)
        done += more


@pytest.mark.timeout(300)
def test_a_few_kills_at_random_moments_change_nothing(home: Home, wanted: RunState) -> None:
    disturb(home, wanted, 6, each=6, seed=20261120)


@pytest.mark.slow
@pytest.mark.timeout(6000)
def test_three_hundred_kills_at_random_moments_change_nothing(home: Home, wanted: RunState) -> None:
    disturb(home, wanted, 300, each=20, seed=int(os.environ.get("COPILOT_TEST_SEED", "1")))
