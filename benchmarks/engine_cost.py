"""Measures what the engine costs beside models and programs: a step of the agent, a snapshot, a list of runs.

    python -m benchmarks.engine_cost [--steps 1000] [--files 10000] [--runs 200]

A scripted model that answers at once writes a file in every turn; the time of a turn is then the engine's own, every
sync of the disk included. It is printed by fifths of the run: a cost that grows with the run's length would show.
Everything is made below the current folder, since another disk would be another measurement, and removed afterwards.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from copilot import api
from copilot.agents.experiment import explore
from copilot.agents.tools import Toolbox
from copilot.config import Home
from copilot.domain.experiment import Plan
from copilot.domain.idea import Arm, Metric
from copilot.domain.task import Settings
from copilot.engine import preparing
from copilot.engine.pipeline import nobody
from copilot.engine.services import build
from copilot.engine.start import start_run
from copilot.events import PlanMade, PrototypeChosen
from copilot.journal import Journal
from copilot.lab.workspace import Workspace
from copilot.llm.protocol import Reply, Request, Text, ToolUse
from copilot.llm.scripted import ScriptedModel
from copilot.runs import RunFolder, list_runs, new_run

ENV = {"COPILOT_OFFLINE": "1"}
ARMS = [Arm(name="baseline", parameters={"x": 0}), Arm(name="treatment", parameters={"x": 1})]
METRIC = Metric(name="accuracy", direction="maximize")


def steps(home: Home, count: int) -> tuple[RunFolder, list[float]]:
    """A run of `count` turns, and how many milliseconds each of them took."""
    run = start_run("", "", "What does a step of the engine cost?", Settings(steps=count), home, ENV)
    journal = Journal(run.journal)
    services = build(run, home, ENV, journal, nobody)
    plan = Plan(idea_id="idea-1", arms=ARMS, metric=METRIC, minimum_effect=0.01, seeds=2)
    services.desk.record(PrototypeChosen(name="", origin="model", reason="a measurement"))
    services.desk.record(PlanMade(plan=plan))
    run.workspace.mkdir()
    (run.workspace / "experiment.py").write_text("value = 0\n")
    preparing.workspace(services)
    asked: list[float] = []

    def answer(request: Request) -> Reply:
        asked.append(time.perf_counter())
        edit = {"path": "experiment.py", "content": f"value = {len(asked)}\n" * 200}
        return Reply(parts=[ToolUse(id="a", name="write_file", input=edit)], stop="tool_use")

    services.desk.opened["experiment"] = ScriptedModel(answer)
    box = Toolbox(services.desk, services.bench(), plan, None, [1, 2], services.prepare_seed)
    explore(services.desk, box, [Text(text="Make this experiment ready.")], count, lambda: None)
    journal.close()
    return run, [(later - earlier) * 1000 for earlier, later in pairwise(asked)]


def timed(act: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def snapshots(folder: Path, files: int) -> tuple[float, float]:
    """Seconds of the first snapshot of `files` files of 10 kB, and of one after a change of one file."""
    space = Workspace(folder / "workspace", folder / "history")
    for number in range(files):
        path = space.folder / str(number % 100) / f"{number}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(10_000))
    first = timed(space.snapshot)
    path.write_bytes(os.urandom(10_000))
    return first, timed(space.snapshot)


def listings(home: Home, run: RunFolder, count: int) -> tuple[float, float]:
    """Seconds to list `count` runs like this one, for the first time and again."""
    for number in range(count - 1):
        other = new_run(home.logs, "copy", datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number))
        shutil.copytree(run.journal.parent, other.journal.parent)

    def listing() -> list[api.Summary]:
        return [api.summary(found) for found in list_runs(home.logs)]

    return timed(listing), timed(listing)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    for name, value in (("steps", 1000), ("files", 10_000), ("runs", 200)):
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd(), prefix=".engine-cost-") as name:
        home = Home(Path(name))
        home.problems.mkdir()
        os.environ |= {"COPILOT_HOME": name}
        run, each = steps(home, given.steps)
        fifth = max(1, len(each) // 5)
        medians = [f"{statistics.median(each[at : at + fifth]):.1f}" for at in range(0, fifth * 5, fifth)]
        print(f"a step of the agent, median by fifth of {given.steps}: {', '.join(medians)} ms")
        first, later = snapshots(Path(name) / "snapshots", given.files)
        print(f"a snapshot of {given.files} files: the first {first:.2f} s, after one change {later:.3f} s")
        first, later = listings(home, run, given.runs)
        print(f"a list of {given.runs} runs: the first {first:.2f} s, again {later:.3f} s")


if __name__ == "__main__":
    main()
