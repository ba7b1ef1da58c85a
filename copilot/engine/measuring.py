"""Phases 5 and 6: freeze the protocol, run the whole trial matrix, probe it, decide. No model is asked here."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from copilot.domain.experiment import Analysis, Comparison, FrozenArm, Plan, Protocol, TrialResult
from copilot.domain.idea import Idea, Scalar
from copilot.engine.exploring import confirm_seeds
from copilot.engine.preparing import idea_of
from copilot.engine.services import Services
from copilot.engine.side_by_side import side_by_side
from copilot.errors import Retry, RunFailed
from copilot.events import IntegrityChecked, ProtocolFrozen, TrialFinished, TrialStarted, VerdictReached
from copilot.lab.arms import read_arms
from copilot.lab.protocol import freeze_problems, too_few_seeds
from copilot.lab.trials import Cell, Ran, command_run, judge, label_of, run_cell, seed_folder
from copilot.lab.verdict import decide
from copilot.lab.workspace import hash_tree
from copilot.report.evidence import stamps_of
from copilot.state import RunState

SHUFFLE_SEEDS = 3
RELATIVE_MINIMUM = 0.02
"""Share of the baseline's exploration value that matters by default, for errors in natural units."""
SCORES = ("accuracy", "f1", "auc", "precision", "recall", "r2", "kappa", "mcc", "ndcg", "spearman", "pearson", "match")


def freeze(services: Services) -> None:
    """The one locked object, before the first trial."""
    state = services.state
    if state.protocol is not None:
        return
    if state.plan is None:
        raise RunFailed("no plan was made yet")
    for seed in confirm_seeds(services):
        services.prepare_seed(seed)
    protocol = build_protocol(services, state.plan, idea_of(services), arm_parameters(services))
    problems = freeze_problems(protocol, services.evaluator())
    if problems:
        raise RunFailed("the protocol cannot be frozen: " + "; ".join(problems))
    if shortage := too_few_seeds(protocol):
        services.desk.warn("protocol", shortage)
    services.desk.record(ProtocolFrozen(protocol=protocol, hash=protocol.digest()))


def arm_parameters(services: Services) -> dict[str, dict[str, Scalar]]:
    """What arms.json says now; the agent may have changed it since the plan."""
    try:
        return read_arms(services.run.workspace)
    except Retry as error:
        raise RunFailed(f"arms.json cannot be read: {error}") from error


def build_protocol(
    services: Services, plan: Plan, idea: Idea, parameters: dict[str, dict[str, Scalar]], *, draft: bool = False
) -> Protocol:
    """The protocol of this plan. A draft leaves out what costs time to hash."""
    evaluator = None if draft else services.evaluator()
    snapshot = services.state.snapshot
    lock = "" if draft else services.desk.blobs.put(services.environment())
    arms = [
        FrozenArm(
            name=arm.name,
            snapshot=snapshot,
            parameters=parameters.get(arm.name, arm.parameters),
            description=arm.description,
        )
        for arm in plan.arms
    ]
    return Protocol(
        idea_id=plan.idea_id,
        comparisons=[
            Comparison(
                id=f"{plan.idea_id}-{arm.name}", claim=_claim(idea, arm), baseline=arms[0].name, treatment=arm.name
            )
            for arm in arms[1:]
        ],
        arms=arms,
        metric=plan.metric,
        minimum_effect=_minimum_effect(services, plan),
        seeds=list(range(1, plan.seeds + 1)),
        analysis=Analysis(family=max(1, len(arms) - 1)),
        trust=plan.trust,
        data={} if draft else data_hashes(services, confirm_seeds(services)),
        evaluator=evaluator.digest if evaluator else "",
        environment=lock,
        seconds_per_trial=plan.seconds_per_trial,
        tuned_baseline=_tuned_alike(services.state, [arm.name for arm in arms]),
    )


def _tuned_alike(state: RunState, arms: list[str]) -> bool:
    """True when the baseline was tuned, over at least as many settings as any treatment."""
    tried = state.settings_tried
    first, *others = [tried.get(arm, 0) for arm in arms]
    return first > 1 and first >= max(others)


def _claim(idea: Idea, arm: FrozenArm) -> str:
    """The idea's claim; when exploration changed the arm, the claim says what it stands for now."""
    planned = next((known.parameters for known in idea.arms if known.name == arm.name), {})
    if all(arm.parameters.get(name) == value for name, value in planned.items()):
        return idea.claim
    now = ", ".join(f"{name} = {value}" for name, value in sorted(arm.parameters.items()) if planned.get(name) != value)
    return f"{idea.claim} (Exploration on validation data changed the arm {arm.name}: {now}.)"


def _minimum_effect(services: Services, plan: Plan) -> float:
    """As planned; for an error in natural units without a stated minimum, a share of the explored baseline."""
    wanted = services.task.head.metric
    stated = not services.task.sealed or bool(wanted and wanted.minimum_effect) or len(services.state.plans) > 1
    if stated or any(name in plan.metric.name.lower() for name in SCORES):
        return plan.minimum_effect
    seen = [
        item.value
        for item in services.state.metrics
        if item.arm == plan.arms[0].name and item.name == plan.metric.name and item.value
    ]
    return float(f"{abs(seen[-1]) * RELATIVE_MINIMUM:.2g}") if seen else plan.minimum_effect


def data_hashes(services: Services, seeds: Iterable[int]) -> dict[str, str]:
    """Relative name -> SHA-256 of the input files that the trials of these seeds may read."""
    inputs = services.inputs()
    if inputs is None or not inputs.is_dir():
        return {}
    if services.task.sealed:
        return hash_tree(inputs)
    used = {f"seed_{seed}" for seed in seeds}
    return {path: digest for path, digest in hash_tree(inputs).items() if path.split("/")[0] in used}


def protocol_of(services: Services) -> Protocol:
    """The protocol in force. Raises RunFailed before the freeze."""
    if services.state.protocol is None:
        raise RunFailed("no protocol was frozen yet")
    return services.state.protocol


def trials(services: Services) -> None:
    """Every arm on every seed, from the frozen snapshot. Seeds outermost, so that an early look is balanced."""
    protocol = protocol_of(services)
    services.drop_unrecorded_seeds()
    for seed in protocol.seeds:
        services.prepare_seed(seed)
    cells = [Cell("confirm", arm.name, seed) for seed in protocol.seeds for arm in protocol.arms]
    run_matrix(services, cells)


def probes(services: Services) -> None:
    """Integrity probes: one seed again in every arm, and shuffled training labels where they are known."""
    protocol = protocol_of(services)
    first = protocol.seeds[0]
    cells = [Cell("repeat", arm.name, first) for arm in protocol.arms]
    if _can_shuffle(services, first):
        cells += [Cell("shuffle", arm.name, seed) for seed in protocol.seeds[:SHUFFLE_SEEDS] for arm in protocol.arms]
    run_matrix(services, cells)


def _can_shuffle(services: Services, seed: int) -> bool:
    bench = services.bench()
    if bench.inputs is None or services.evaluator() is None:
        return False
    from tempfile import TemporaryDirectory

    from copilot.lab.shuffle import shuffled_copy

    inputs = seed_folder(bench.inputs, seed)
    label = bench.label or label_of(inputs)
    if not label:
        return False
    with TemporaryDirectory() as scratch:
        return shuffled_copy(inputs, Path(scratch) / "copy", label, seed)


def run_matrix(services: Services, cells: Iterable[Cell]) -> None:
    """Run the cells that have no result yet, a few side by side; results are recorded as they come."""
    due = [cell for cell in cells if cell.key not in services.state.trials]
    bench, protocol = services.bench(), protocol_of(services)
    evaluator = services.evaluator()
    parameters = {arm.name: dict(arm.parameters) for arm in protocol.arms}
    snapshots = {arm.name: arm.snapshot for arm in protocol.arms}

    def work(cell: Cell) -> tuple[Ran, TrialResult]:
        if evaluator is not None:
            evaluator.verify()
        ran = run_cell(bench, cell, snapshots[cell.arm], parameters)
        return ran, judge(ran, protocol.metric.name, evaluator)

    side_by_side(services, due, work, lambda cell: _started(services, cell), lambda done: _finished(services, *done))


def _started(services: Services, cell: Cell) -> None:
    attempt = services.state.trial_starts.get(cell.key, 0) + 1
    services.desk.record(TrialStarted(purpose=cell.purpose, arm=cell.arm, seed=cell.seed, attempt=attempt))


def _finished(services: Services, ran: Ran, result: TrialResult) -> None:
    services.desk.record(command_run(ran, ran.cell.purpose, ran.cell.folder))
    services.desk.record(TrialFinished(result=result))


def _fixed_rows(services: Services) -> bool:
    """True when one test set serves all seeds (or nobody knows), so that the verdict has to say what that means."""
    evaluator = services.evaluator()
    return evaluator is None or evaluator.fixed_rows


def verdict(services: Services) -> None:
    """Integrity checks, then the decision."""
    state = services.state
    if state.verdict is not None:
        return
    from copilot.engine.evidence import gather, row_evidence_of
    from copilot.lab.integrity import run_checks

    protocol = protocol_of(services)
    for check in run_checks(gather(services)):
        if check.name not in state.checks:
            services.desk.record(IntegrityChecked(check=check))
    decided = decide(
        protocol,
        list(state.trials.values()),
        list(state.checks.values()),
        attempts=state.attempts,
        stamps=stamps_of(state),
        rows=row_evidence_of(services),
        fixed_rows=_fixed_rows(services),
    )
    services.desk.record(VerdictReached(verdict=decided))
