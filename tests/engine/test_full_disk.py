"""The machine's disk is full: the run pauses and its cell is run again. A program's own limit is its own failure."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.disk import SPARE_BYTES, free_bytes
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.errors import Paused
from copilot.events import TrialStarted
from copilot.journal import Entry, read
from copilot.lab.trials import Bench, Cell, judge, run_cell
from copilot.lab.workspace import Workspace
from copilot.report.verify import verify_run
from copilot.sandbox.choose import choose
from copilot.sandbox.protocol import Limits
from copilot.state import fold

pytestmark = pytest.mark.sandbox
ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"
FILLER = """
import json, sys
sys.argv = sys.argv[1:]
arguments = dict(zip(sys.argv[::2], sys.argv[1::2]))
with open("large", "wb") as file:
    for _ in range({megabytes}):
        file.write(bytes(1 << 20))
result = {{"seed": int(arguments["--seed"]), "metrics": {{"accuracy": 0.5}}}}
json.dump(result, open(arguments["--out"] + "/result.json", "w"))
"""


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 192 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=192m", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        pytest.skip("no disk can be mounted here")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path, left: int) -> Path:
    """All but `left` bytes of the disk."""
    filler = place / "filler"
    with filler.open("wb") as file, contextlib.suppress(OSError):
        for _ in range(max(0, free_bytes(place) - left) >> 16):
            file.write(bytes(1 << 16))
    return filler


def bench(place: Path, megabytes: int, limit_mb: int) -> tuple[Bench, str]:
    space = Workspace(place / "workspace", place / "history")
    space.folder.mkdir()
    (space.folder / "experiment.py").write_text(FILLER.format(megabytes=megabytes))
    made = Bench(
        sandbox=choose("namespace").sandbox,
        workspace=space,
        inputs=None,
        scratch=place / "scratch",
        trials=place / "trials",
        logs=place / "env_log",
        limits=Limits(seconds=20, disk_mb=limit_mb),
    )
    return made, space.snapshot()


CELL = Cell("confirm", "baseline", 1)


def test_a_program_within_its_own_limit_is_not_blamed_for_a_full_disk(small: Path) -> None:
    place, snapshot = bench(small, megabytes=1000, limit_mb=2048)
    with pytest.raises(Paused, match=r"disk of this machine is full.*baseline with seed 1 runs again") as caught:
        run_cell(place, CELL, snapshot, {})
    assert caught.value.reason == "disk"
    assert not (small / "trials").exists() and list((small / "scratch").iterdir()) == []


def test_a_program_beyond_its_own_limit_failed(small: Path) -> None:
    place, snapshot = bench(small, megabytes=60, limit_mb=16)
    result = judge(run_cell(place, CELL, snapshot, {}), "accuracy", None)
    assert result.status == "failed" and "the limit is 16 MiB" in result.reason


def test_nothing_is_started_on_a_full_disk(small: Path) -> None:
    place, snapshot = bench(small, megabytes=0, limit_mb=16)
    filler = fill(small, SPARE_BYTES // 2)
    with pytest.raises(Paused, match="Make room"):
        run_cell(place, CELL, snapshot, {})
    assert not (small / "env_log").exists()
    filler.unlink()
    assert judge(run_cell(place, CELL, snapshot, {}), "accuracy", None).status == "ok"


@pytest.mark.timeout(300)
def test_a_run_on_a_full_disk_pauses_and_goes_on_to_its_verdict(small: Path) -> None:
    (small / "problems").mkdir()
    home = Home(small)
    run = start_run("", "", QUESTION, Settings(seeds=2, tuning=1), home, ENV)

    def crowd(entry: Entry) -> None:
        if isinstance(entry.event, TrialStarted) and entry.event.seed == 2 and not (small / "filler").exists():
            fill(small, SPARE_BYTES // 2)

    drive(run, home, ENV, on_event=crowd)
    stopped = fold(read(run.journal))
    assert stopped.pause is not None and "disk of this machine is full" in stopped.pause.detail
    assert stopped.trials and all(result.status == "ok" for result in stopped.trials.values())
    (small / "filler").unlink()
    drive(run, home, ENV)
    state = fold(read(run.journal))
    assert state.verdict is not None and state.verdict.word == "inconclusive" and state.verdict.trials_failed == 0
    assert max(state.trial_starts.values()) == 2
    assert verify_run(run.path) == []
