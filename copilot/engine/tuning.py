"""Between exploration and freeze: each arm tries as many settings of the shared hyper-parameters, and keeps its best.

Validation data only, on seeds that no trial uses; each program and each number is in the journal, so that the choice
can be made again from the record. What is tried and how it is chosen stands in `copilot.lab.tuning`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from copilot.domain.experiment import Plan, TrialResult, TriedSetting
from copilot.domain.idea import Scalar
from copilot.engine.measuring import arm_parameters
from copilot.engine.preparing import card_of
from copilot.engine.services import Services
from copilot.engine.side_by_side import side_by_side
from copilot.errors import Retry
from copilot.events import TUNE, ArmsTuned, FilesChanged, MetricRecorded
from copilot.lab.arms import read_space
from copilot.lab.trials import ARMS_FILE, Cell, Ran, command_run, judge, run_cell
from copilot.lab.tuning import TUNING_SEEDS, choose, schedule, space_problem
from copilot.state import RunState


@dataclass(frozen=True)
class Try:
    """One program of the tuning: a cell and the parameters that its arm is given."""

    cell: Cell
    parameters: dict[str, Scalar]

    @property
    def call_id(self) -> str:
        """The same however often the engine died in it."""
        return TUNE + f"{self.cell.arm}-{self.cell.setting}-{self.cell.seed}"


def tune(services: Services) -> None:
    """Tune every arm alike, where the plan says so and names something to tune."""
    state = services.state
    if state.protocol is not None or state.plan is None:
        return
    if state.tuned is None:
        tries = _tries(services, state.plan)
        if not tries:
            return
        _run(services, state.plan, tries)
        _choose(services, state.plan, tries)
    _apply(services)


def _tries(services: Services, plan: Plan) -> list[Try]:
    """Every program of the tuning, settings outermost so that the arms stay level; empty when nothing can be tuned."""
    if plan.tuning.settings < 2:
        return []
    planned = {arm.name: dict(arm.parameters) for arm in plan.arms}
    try:
        space = plan.tuning.space or read_space(services.run.workspace)
        problem = space_problem(space, list(planned.values()), card_of(services))
    except Retry as error:
        space, problem = {}, str(error)
    if problem:
        services.desk.warn("tuning", f"no arm was tuned: {problem}")
    if problem or not space:
        return []
    given = arm_parameters(services)
    arms = {arm: given.get(arm, parameters) for arm, parameters in planned.items()}
    tuning = plan.tuning.model_copy(update={"space": space})
    settings = schedule(arms, tuning, _explored(services.state))
    most = max(len(tried) for tried in settings.values())
    return [
        Try(Cell("tune", arm, seed, number), tried[number])
        for number in range(most)
        for seed in TUNING_SEEDS
        for arm, tried in settings.items()
        if number < len(tried)
    ]


def _explored(state: RunState) -> dict[str, int]:
    """Arm -> settings that exploration tried, tuning itself left out."""
    seen: dict[str, set[str]] = {}
    for metric in state.metrics:
        if not metric.call_id.startswith(TUNE):
            seen.setdefault(metric.arm, set()).add(metric.note)
    return {arm: len(settings) for arm, settings in seen.items()}


def _run(services: Services, plan: Plan, tries: list[Try]) -> None:
    done = {command.call_id for command in services.state.commands if command.purpose == "tune"}
    due = [one for one in tries if one.call_id not in done]
    for seed in TUNING_SEEDS:
        services.prepare_seed(seed)
    bench, snapshot, arms = services.bench(), services.state.snapshot, arm_parameters(services)

    def work(one: Try) -> tuple[Try, Ran, TrialResult]:
        ran = run_cell(bench, one.cell, snapshot, arms | {one.cell.arm: one.parameters})
        return one, ran, judge(ran, plan.metric.name, None)

    side_by_side(services, due, work, lambda one: None, lambda found: _record(services, plan, *found))


def _record(services: Services, plan: Plan, one: Try, ran: Ran, result: TrialResult) -> None:
    """The number before the program: once the program stands in the journal, it is not run again."""
    if result.value is not None:
        note = json.dumps(one.parameters, sort_keys=True)
        name, arm, seed = plan.metric.name, one.cell.arm, one.cell.seed
        services.desk.record(
            MetricRecorded(name=name, value=result.value, arm=arm, seed=seed, note=note, call_id=one.call_id)
        )
    services.desk.record(command_run(ran, "tune", one.call_id))


def _choose(services: Services, plan: Plan, tries: list[Try]) -> None:
    values = {metric.call_id: metric.value for metric in services.state.metrics if metric.name == plan.metric.name}
    tried: dict[tuple[str, int | None], list[Try]] = {}
    for one in tries:
        tried.setdefault((one.cell.arm, one.cell.setting), []).append(one)
    settings = [
        TriedSetting(arm=arm, parameters=group[0].parameters, values=[values.get(one.call_id) for one in group])
        for (arm, _), group in tried.items()
    ]
    chosen = choose(settings, plan.metric.direction)
    event = ArmsTuned(metric=plan.metric.name, seeds=list(TUNING_SEEDS), tried=settings, chosen=chosen)
    services.desk.record(event)


def _apply(services: Services) -> None:
    """The chosen parameters into arms.json, which the freeze reads."""
    tuned, folder = services.state.tuned, services.workspace()
    if tuned is None:
        return
    arms = arm_parameters(services) | tuned.chosen
    (folder.folder / ARMS_FILE).write_text(json.dumps(arms, indent=1, sort_keys=True))
    snapshot = folder.snapshot()
    if snapshot != services.state.snapshot:
        files = folder.changes(services.state.snapshot, snapshot)
        services.desk.record(FilesChanged(snapshot=snapshot, files=files[:200], reason="tuned"))
