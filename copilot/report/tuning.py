"""Equal tuning in the report: what every arm tried before the freeze, and what it kept. Validation numbers only."""

from __future__ import annotations

from collections.abc import Iterable

from copilot.domain.experiment import TriedSetting
from copilot.events import ArmsTuned
from copilot.lab.tuning import score
from copilot.report.cells import Cells
from copilot.report.markdown import code, table
from copilot.report.record import Record


def tuning(record: Record, cells: Cells) -> Iterable[str]:
    """A sentence and a table, where the arms were tuned."""
    tuned = record.state.tuned
    if tuned is None:
        return
    seqs = record.seqs(ArmsTuned)
    names = ", ".join(code(name) for name in sorted(_varied(tuned)))
    runs = cells.number("tuning-seeds", len(tuned.seeds), "seeds of each setting in tuning", seqs)
    yield (
        f"Before the freeze each arm tried settings of {names} on validation data, the same for all, with {runs} seeds "
        "each, and kept the best one; its trials used other seeds:"
    )
    head = ["arm", "settings tried", "kept", "validation mean, as planned", "validation mean, kept"]
    yield table(head, [_row(tuned, arm, cells, seqs) for arm in tuned.chosen])


def _varied(tuned: ArmsTuned) -> set[str]:
    first = {item.arm: item.parameters for item in reversed(tuned.tried)}
    return {
        name
        for item in tuned.tried
        for name, value in item.parameters.items()
        if name not in first[item.arm] or first[item.arm][name] != value
    }


def _row(tuned: ArmsTuned, arm: str, cells: Cells, seqs: list[int]) -> list[str]:
    own = [item for item in tuned.tried if item.arm == arm]
    kept = next((item for item in own if item.parameters == tuned.chosen[arm]), own[0])
    count = cells.number(f"tuned-{arm}", len(own), f"settings that tuning tried of {arm}", seqs, arm=arm)
    changed = {
        k: v for k, v in kept.parameters.items() if own[0].parameters.get(k, v) != v or k not in own[0].parameters
    }
    words = ", ".join(code(f"{name} = {value}") for name, value in sorted(changed.items())) or "as planned"
    return [
        code(arm),
        count,
        words,
        *(_mean(cells, name, item, seqs) for name, item in zip(NAMES, (own[0], kept), strict=True)),
    ]


NAMES = ("planned", "kept")


def _mean(cells: Cells, name: str, item: TriedSetting, seqs: list[int]) -> str:
    what = f"mean validation number of {item.arm}, {name}"
    return cells.number(f"tuned-{name}-{item.arm}", score(item), what, seqs, arm=item.arm)
