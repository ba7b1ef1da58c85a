"""Protocol, trials, checks and verdict: the one locked object and what was measured under it. Values only."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copilot.domain.base import Value, canonical_json, sha256_text
from copilot.domain.idea import Arm, Metric, Scalar

Trust = Literal["graded", "reported"]
"""Who says the number: `graded` = the engine, from predictions and sealed labels; `reported` = its own file."""

Purpose = Literal["confirm", "repeat", "shuffle", "tune"]
"""Why a trial runs: `confirm` decides; `repeat` and `shuffle` are integrity probes; `tune` explores on validation."""

VerdictWord = Literal["supported", "refuted", "inconclusive", "invalid"]


class FrozenArm(Value):
    """An arm as frozen: its parameters and the snapshot of the code that every trial of it starts from."""

    name: str
    snapshot: str
    parameters: dict[str, str | int | float | bool | None] = {}
    description: str = ""


class Comparison(Value):
    """One hypothesis of the run: `treatment` against `baseline`."""

    id: str
    claim: str
    baseline: str = "baseline"
    treatment: str = "treatment"


class Analysis(Value):
    """How the verdict is computed. `family` counts all hypotheses the correction is over (at least the comparisons)."""

    test: Literal["sign_flip"] = "sign_flip"
    alpha: float = Field(default=0.05, gt=0, lt=1)
    correction: Literal["holm"] = "holm"
    family: int = Field(default=1, ge=1)


class Protocol(Value):
    """Everything that decides, frozen before the first confirmatory trial."""

    version: Literal[1] = 1
    idea_id: str
    comparisons: list[Comparison]
    arms: list[FrozenArm]
    metric: Metric
    minimum_effect: float = Field(gt=0)
    seeds: list[int] = Field(min_length=2)
    analysis: Analysis = Analysis()
    stop_rule: str = "every trial of the matrix runs; no look before the end"
    trust: Trust
    data: dict[str, str] = {}
    """Input files: relative name -> SHA-256."""
    evaluator: str = ""
    """SHA-256 over the evaluator and the sealed files; empty when trust is `reported`."""
    environment: str = ""
    """SHA-256 of the environment lock that the trials run in."""
    seconds_per_trial: float = Field(gt=0)
    tuned_baseline: bool = False

    def digest(self) -> str:
        """SHA-256 of the canonical JSON: the hash that is shown wherever the verdict is shown."""
        return sha256_text(canonical_json(self.model_dump(mode="json")))


TrialStatus = Literal["ok", "failed", "timeout", "refused", "skipped"]
"""`refused`: it ran, but its result or predictions were not acceptable; `skipped`: never started (budget)."""


class TrialResult(Value):
    """One cell of the matrix, kept whatever happened."""

    purpose: Purpose
    arm: str
    seed: int
    status: TrialStatus
    value: float | None = None
    """The metric of the protocol, as decided (graded where there is an evaluator)."""
    reported: dict[str, float] = {}
    """What the script's own result.json says; never decides when trust is `graded`."""
    trust: Trust
    recorded_seed: int | None = None
    reason: str = ""
    seconds: float = 0.0
    files: dict[str, str] = {}
    """Collected files: name -> SHA-256."""


class Check(Value):
    """One integrity check. `passed` None means it could not be done, and `evidence` says why; only False vetoes."""

    name: str
    passed: bool | None
    evidence: str
    details: dict[str, str | int | float | bool | None] = {}


class ComparisonResult(Value):
    """The numbers of one comparison. Effects are in metric units, positive meaning better than baseline."""

    id: str
    claim: str
    seeds: list[int]
    differences: list[float]
    effect: float | None
    interval: tuple[float | None, float | None]
    p: float | None
    p_adjusted: float | None
    word: VerdictWord
    reasons: list[str]
    detectable_effect: float | None
    """The smallest true effect this design would have called supported with probability 0.8."""


class Verdict(Value):
    """What code decided, and why. `word` is that of the first comparison unless a check vetoes all."""

    word: VerdictWord
    trust: Trust
    comparisons: list[ComparisonResult]
    reasons: list[str]
    protocol_hash: str
    noise_floor: float | None = None
    """Standard deviation of the baseline over its seeds, in metric units."""
    trials_planned: int = 0
    trials_failed: int = 0
    attempts: int = 0
    """Exploration and tuning runs and discarded ideas that came before the freeze."""
    stamps: list[str] = []
    """Sentences that must stand wherever the verdict stands (no language model, weaker sandbox, reported numbers)."""


class Tuning(Value):
    """Tuning before the freeze: every arm may try as many settings of the same hyper-parameters, on validation data."""

    settings: int = Field(default=4, ge=1, le=64)
    """Settings for each arm, the planned one included; 1 is no tuning."""
    space: dict[str, list[Scalar]] = {}
    """Hyper-parameter -> values worth trying. Never one that the arms differ in: that is what is tested."""


class TriedSetting(Value):
    """One setting of one arm, as tuning tried it."""

    arm: str
    parameters: dict[str, Scalar]
    values: list[float | None]
    """The validation metric at each tuning seed, in metric units; None where the program gave no number."""


class Plan(Value):
    """How one idea will be tested, before it is frozen; a person may edit it."""

    idea_id: str
    prototype: str = ""
    arms: list[Arm]
    metric: Metric
    minimum_effect: float = Field(gt=0)
    seeds: int = Field(default=8, ge=2, le=200)
    seconds_per_trial: float = Field(default=60.0, gt=0)
    steps: list[str] = []
    data: str = ""
    trust: Trust = "reported"
    notes: list[str] = []
    tuning: Tuning = Tuning()
