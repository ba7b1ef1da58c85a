"""Does the tuning follow: each number from its program's file, the choice from the numbers, the frozen arms from it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from copilot import events as ev
from copilot.domain.experiment import TriedSetting
from copilot.errors import CopilotError
from copilot.lab.trials import Cell
from copilot.lab.tuning import choose
from copilot.report.record import Record
from copilot.runs import RunFolder
from copilot.sandbox.collect import BadResult, read_result_json


def check_tuning(run: RunFolder, record: Record) -> Iterator[str]:
    """What does not follow, in sentences; nothing for a run whose arms were not tuned."""
    tuned, plan = record.state.tuned, record.state.plan
    if tuned is None or plan is None:
        if any(command.purpose == "tune" for command in record.state.commands):
            yield "programs of a tuning ran, and no tuning is recorded"
        return
    if len(record.seqs(ev.ArmsTuned)) > 1:
        yield "the arms were tuned more than once"
    if record.seqs(ev.ArmsTuned)[0] > record.state.protocol_seq:
        yield "the arms were tuned after the protocol was frozen"
    yield from _numbers(run, record, tuned)
    if tuned.chosen != choose(tuned.tried, plan.metric.direction):
        yield "the settings that tuning kept are not the best of those that it tried"
    frozen = next(entry.event.protocol for entry in record.entries if isinstance(entry.event, ev.ProtocolFrozen))
    for arm in frozen.arms:
        if arm.parameters != tuned.chosen.get(arm.name):
            yield f"the arm {arm.name} was frozen with other parameters than tuning kept"


def _numbers(run: RunFolder, record: Record, tuned: ev.ArmsTuned) -> Iterator[str]:
    recorded = {
        (one.arm, one.note, one.seed): one
        for one in record.state.metrics
        if one.name == tuned.metric and one.call_id.startswith(ev.TUNE)
    }
    for number, item in _numbered(tuned.tried):
        note = json.dumps(item.parameters, sort_keys=True)
        for seed, value in zip(tuned.seeds, item.values, strict=True):
            where = f"tuning of {item.arm}, setting {number}, seed {seed}"
            said = recorded.get((item.arm, note, seed))
            if (said.value if said else None) != value:
                yield f"{where}: the choice was made on {value}, the journal has {said.value if said else None}"
            elif value is not None and _left(run, Cell("tune", item.arm, seed, number), tuned.metric) != value:
                yield f"{where}: the journal says {tuned.metric} {value}, its file does not"


def _numbered(tried: list[TriedSetting]) -> Iterator[tuple[int, TriedSetting]]:
    """Each setting with its place among those of its arm."""
    count: dict[str, int] = {}
    for item in tried:
        yield count.setdefault(item.arm, 0), item
        count[item.arm] += 1


def _left(run: RunFolder, cell: Cell, metric: str) -> object:
    try:
        metrics = read_result_json(run.trials / cell.folder / "result.json").get("metrics", {})
    except (CopilotError, BadResult, OSError):
        return None
    return metrics.get(metric) if isinstance(metrics, dict) else None
