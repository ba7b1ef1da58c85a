"""What a run prints as it goes."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

from copilot import events as ev
from copilot.cli.progress import Progress
from copilot.domain.idea import Scalar
from copilot.journal import Entry


def printed(*events: ev.AnyEvent) -> list[str]:
    """The lines of these events, without what stands before each."""
    out = io.StringIO()
    progress = Progress(out)
    for number, event in enumerate(events):
        progress.show(Entry(number, datetime.now(UTC), event, ""))
    return [line.split("1 ideas", 1)[1].strip() for line in out.getvalue().splitlines()]


def tried(setting: int, value: float | None, **parameters: Scalar) -> list[ev.AnyEvent]:
    """What a program of the tuning leaves: its number, where it gave one, then how it ended."""
    call = f"tune-baseline-{setting}-1001"
    note = json.dumps(parameters)
    number = ev.MetricRecorded(name="loss", value=value or 0.0, arm="baseline", seed=1001, note=note, call_id=call)
    argv = ["python", "experiment.py", "--arm", "baseline", "--seed", "1001"]
    ended = ev.CommandRun(
        argv=argv, purpose="tune", call_id=call, reason="exit", exit_code=int(value is None), seconds=1
    )
    return [*([number] if value is not None else []), ended]


def test_each_line_of_the_tuning_says_what_was_tried_and_what_came_out() -> None:
    lines = printed(*tried(0, 0.5, lr=0.1, wd=0), *tried(1, 0.25, lr=0.3, wd=0), *tried(2, None, lr=9, wd=0))
    assert lines == [
        "tuning baseline, as planned, seed 1001: 0.5000",
        "tuning baseline, lr 0.3, seed 1001: 0.2500",
        "ran experiment.py --arm baseline --seed 1001: exit code 1, 1.0 s",
    ]


def test_numbers_of_the_exploration_are_told_by_their_programs() -> None:
    explored = ev.MetricRecorded(name="loss", value=0.5, arm="baseline", seed=0, note="{}", call_id="3.0")
    assert printed(explored) == []
