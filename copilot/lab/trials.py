"""Running `experiment.py` under the contract: one cell of the matrix, or one exploration run.

    python experiment.py --arm NAME --seed N --out DIR

The program sees a clean copy of a snapshot, the inputs of its seed (read-only, `COPILOT_INPUTS`), and nothing else. It
leaves `result.json` ({"arm", "seed", "metrics": {name: number}}), optionally `metrics.jsonl` (curves) and, where the
task is graded, a predictions file. What it left is collected by safe readers, and only then looked at. Not here: which
cells there are (`copilot.engine`), what they mean together (`verdict`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from copilot.disk import SPARE_BYTES, free_bytes, make_folder, settle_tree
from copilot.domain.base import finite
from copilot.domain.experiment import Purpose, TrialResult, TrialStatus
from copilot.errors import Paused, SetupError
from copilot.events import CommandRun
from copilot.lab.envs.mounts import NOTHING, Mounts
from copilot.lab.evaluate import Evaluator, Refused
from copilot.lab.workspace import Workspace
from copilot.sandbox.collect import BadResult, collect_file, read_result_json, remove_tree
from copilot.sandbox.environment import scratch_root
from copilot.sandbox.protocol import Job, Limits, Outcome, Sandbox

SCRIPT = "experiment.py"
ARMS_FILE = "arms.json"
OUT = "out"
PREDICTIONS = ("predictions.csv", "predictions.jsonl")
MAX_FILE = 64 << 20
MAX_METRICS, MAX_METRIC_NAME = 200, 200
"""Numbers that a result file may report, and letters in the name of one: they stand in the journal for good."""


@dataclass(frozen=True)
class Cell:
    """Which trial: why it runs, which arm, which seed."""

    purpose: Purpose
    arm: str
    seed: int
    setting: int | None = None
    """Which setting of the arm, where tuning tries several of them."""

    @property
    def folder(self) -> str:
        """Where it lies below trials/; no arm has a hyphen in its name."""
        arm = self.arm if self.setting is None else f"{self.arm}-{self.setting}"
        return f"{self.purpose}/{arm}/{self.seed}"

    @property
    def key(self) -> tuple[Purpose, str, int]:
        """As `RunState.trials` knows it."""
        return (self.purpose, self.arm, self.seed)


@dataclass(frozen=True)
class Bench:
    """Everything that all trials of a run share."""

    sandbox: Sandbox
    workspace: Workspace
    inputs: Path | None
    """Folder with the visible data; `seed_N/` inside it is used for seed N when it is there."""
    scratch: Path
    trials: Path
    logs: Path
    limits: Limits
    label: str = ""
    """Name of the training label where dataset.json does not say it."""
    mounts: Mounts = NOTHING
    """What was fetched for the experiment: read-only folders and the variables that name them."""
    gpu: bool = False
    """True when programs are given the GPU."""


@dataclass(frozen=True)
class Ran:
    """A trial that ended: what the sandbox says, and what was collected in `folder`."""

    cell: Cell
    outcome: Outcome
    folder: Path
    argv: list[str]
    log: Path
    gpu: bool = False


def seed_folder(base: Path, seed: int) -> Path:
    """The part of `base` that belongs to this seed, or `base` when all seeds share it."""
    own = base / f"seed_{seed}"
    return own if own.is_dir() else base


def run_cell(bench: Bench, cell: Cell, snapshot: str, parameters: Mapping[str, Mapping[str, Any]]) -> Ran:
    """Run one cell from a clean copy of `snapshot` with `parameters` as arms.json; collect what it left.

    What was collected is on the disk when this returns. Raises Paused when the machine's disk is full: that says
    nothing about the program, so the cell has no result and is run again after the resume.
    """
    home = bench.scratch / cell.folder.replace("/", "-")
    remove_tree(home)
    if _crowded(bench):
        raise _full(bench, cell)
    work = home / "work"
    bench.workspace.restore(snapshot, work)
    if parameters:
        (work / ARMS_FILE).write_text(json.dumps(parameters, indent=1, sort_keys=True))
    inputs = seed_folder(bench.inputs, cell.seed) if bench.inputs else None
    if cell.purpose == "shuffle" and inputs is not None:
        inputs = _shuffled(inputs, home / "inputs", cell.seed, bench.label)
    argv = ["python", SCRIPT, "--arm", cell.arm, "--seed", str(cell.seed), "--out", OUT]
    log = bench.logs / f"{cell.folder.replace('/', '-')}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    (work / OUT).mkdir(exist_ok=True)
    job = Job(
        argv=argv,
        workspace=work,
        inputs=[*([inputs] if inputs else []), *bench.mounts.folders],
        env={**bench.mounts.env, **({"COPILOT_INPUTS": str(inputs)} if inputs else {})},
        limits=bench.limits,
        log=log,
        gpu=bench.gpu,
        start="cold" if cell.purpose == "repeat" else "auto",  # so that a repetition also compares the two starts
    )
    outcome = bench.sandbox.run(job)
    full = _machine_full(bench, outcome)
    folder = bench.trials / cell.folder
    if not full:
        _collect(work, home / "collected", folder)
    remove_tree(home)
    if full:
        raise _full(bench, cell)
    return Ran(cell, outcome, folder, argv, log, bench.gpu)


def _machine_full(bench: Bench, outcome: Outcome) -> bool:
    """True when the machine had no room left, and not the program more than it may use."""
    if outcome.ok or outcome.reason == "disk":
        return False
    return outcome.reason == "machine" or _crowded(bench)


def _crowded(bench: Bench) -> bool:
    return min(free_bytes(place) for place in (bench.scratch, Path(scratch_root()))) < SPARE_BYTES


def _full(bench: Bench, cell: Cell) -> Paused:
    return Paused(
        "disk",
        f"the disk of this machine is full: {bench.scratch.parent} and {scratch_root()} need {SPARE_BYTES >> 20} MB at "
        f"the very least, and what trials write, up to {bench.limits.disk_mb} MB each. Make room, then resume: arm "
        f"{cell.arm} with seed {cell.seed} runs again and has no result yet",
    )


def _shuffled(inputs: Path, target: Path, seed: int, label: str) -> Path:
    from copilot.lab.shuffle import shuffled_copy

    label = label or label_of(inputs)
    if not label or not shuffled_copy(inputs, target, label, seed):
        raise SetupError(f"the labels of {inputs} cannot be shuffled")
    return target


def label_of(inputs: Path) -> str:
    """The name of the training label, from dataset.json; empty when it is not known."""
    try:
        described = json.loads((inputs / "dataset.json").read_text())
    except (OSError, ValueError):
        return ""
    label = described.get("label", "") if isinstance(described, dict) else ""
    return label if isinstance(label, str) else ""


def _collect(work: Path, making: Path, folder: Path) -> None:
    """Copy what the contract names; every part of a path below `work` is the program's and may be a trap.

    `folder` appears with all of it at once, and is on the disk when this returns.
    """
    making.mkdir()
    for name in ("result.json", "metrics.jsonl", *PREDICTIONS):
        if not os.path.lexists(work / OUT / name):
            continue
        try:
            collect_file(work, f"{OUT}/{name}", making / name, MAX_FILE)
        except BadResult as problem:
            (making / f"{name}.refused").write_text(str(problem))
    make_folder(folder.parent)
    if folder.exists():
        shutil.rmtree(folder)
    making.replace(folder)
    settle_tree(folder)


def judge(ran: Ran, metric: str, evaluator: Evaluator | None, *, wanted: bool = True) -> TrialResult:
    """The result of a cell: graded by the evaluator where there is one, else what the script's own file reports.

    With `wanted` false its own file need not report the metric: a starter script may not know how well it does.
    Never raises for what a program did: a crash, a limit or an unacceptable file is a status with its reason.
    """
    status, reason, reported, recorded = _read_result(ran, metric, required=wanted and evaluator is None)
    value = reported.get(metric) if evaluator is None else None
    if status == "ok" and evaluator is not None:
        status, reason, value = _grade(ran, evaluator)
    return TrialResult(
        purpose=ran.cell.purpose,
        arm=ran.cell.arm,
        seed=ran.cell.seed,
        status=status,
        value=value if status == "ok" else None,
        reported=reported,
        trust="reported" if evaluator is None else "graded",
        recorded_seed=recorded,
        reason=reason,
        seconds=round(ran.outcome.seconds, 3),
        files=collected_hashes(ran.folder),
    )


def collected_hashes(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of what a trial left."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.iterdir())}


def _read_result(ran: Ran, metric: str, *, required: bool) -> tuple[TrialStatus, str, dict[str, float], int | None]:
    if not ran.outcome.ok:
        status: TrialStatus = "timeout" if ran.outcome.reason == "timeout" else "failed"
        return status, _why(ran.outcome), {}, None
    refused = ran.folder / "result.json.refused"
    if refused.exists():
        return "refused", refused.read_text(), {}, None
    if not (ran.folder / "result.json").is_file():
        return "refused", "the script ended without writing result.json", {}, None
    try:
        data = read_result_json(ran.folder / "result.json", root=ran.folder)
    except BadResult as problem:
        return "refused", str(problem), {}, None
    reported, problem_text = _metrics(data, required=required)
    seed = data.get("seed")
    recorded = seed if isinstance(seed, int) and not isinstance(seed, bool) else None
    if problem_text:
        return "refused", problem_text, reported, recorded
    if recorded is None:
        return "refused", 'result.json does not record the seed it used as a whole number under "seed"', reported, None
    if recorded != ran.cell.seed:
        text = f"asked for seed {ran.cell.seed}, but result.json records seed {recorded}"
        return "refused", text, reported, recorded
    if required and metric not in reported:
        names = ", ".join(sorted(reported)) or "none"
        return "refused", f"result.json has no metric {metric!r} (it has: {names})", reported, recorded
    return "ok", "", reported, recorded


def _metrics(data: dict[str, Any], *, required: bool) -> tuple[dict[str, float], str]:
    """The reported numbers, or what is wrong with them; none at all are fine where something else is graded."""
    metrics = data.get("metrics")
    if not isinstance(metrics, dict) or (required and not metrics):
        return {}, 'result.json has no object "metrics" of name: number'
    if len(metrics) > MAX_METRICS or any(len(name) > MAX_METRIC_NAME for name in metrics):
        return {}, (
            f"result.json reports {len(metrics)} metrics; at most {MAX_METRICS} may be reported, with names of at most "
            f"{MAX_METRIC_NAME} letters (curves belong into metrics.jsonl)"
        )
    numbers: dict[str, float] = {}
    for name, value in metrics.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not finite(float(value)):
            return numbers, f"the metric {name!r} in result.json is not a finite number"
        numbers[str(name)] = float(value)
    return numbers, ""


def command_run(ran: Ran, purpose: str, call_id: str) -> CommandRun:
    """The event that says how a trial's program ended."""
    outcome = ran.outcome
    return CommandRun(
        argv=ran.argv,
        purpose=purpose,
        call_id=call_id,
        reason=outcome.reason,
        exit_code=outcome.exit_code,
        seconds=round(outcome.seconds, 3),
        peak_memory_mb=round(outcome.peak_memory_mb, 1),
        output_bytes=outcome.output_bytes,
        tail=output_of(outcome)[-2000:],
        log=ran.log.name,
        level=outcome.level,
        gpu=ran.gpu,
        start=outcome.start,
    )


def output_of(outcome: Outcome) -> str:
    """What a program printed: all of it when it is short, else head and tail with the gap marked."""
    gap = "\n[...]\n" if outcome.output_bytes > len((outcome.head + outcome.tail).encode()) + 64 else ""
    return f"{outcome.head}{gap}{outcome.tail}"


def _why(outcome: Outcome) -> str:
    if outcome.reason != "exit":
        return outcome.detail or f"ended by {outcome.reason}"
    last = next((line for line in reversed(output_of(outcome).splitlines()) if line.strip()), "")
    return f"exit code {outcome.exit_code}" + (f": {last.strip()[:300]}" if last else "")


def _grade(ran: Ran, evaluator: Evaluator) -> tuple[TrialStatus, str, float | None]:
    for name in PREDICTIONS:
        refused = ran.folder / f"{name}.refused"
        if refused.exists():
            return "refused", refused.read_text(), None
        if (ran.folder / name).exists():
            try:
                return "ok", "", evaluator.grade(ran.folder / name, ran.cell.seed)
            except Refused as problem:
                return "refused", str(problem), None
    return "refused", f"the script left no predictions ({' or '.join(PREDICTIONS)})", None
