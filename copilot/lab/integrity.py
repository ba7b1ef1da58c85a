"""Integrity checks on a finished trial matrix: each one names its evidence, and only a definite "no" vetoes.

`run_checks` takes everything the engine knows as one `Evidence`; a check for which something is missing returns
`passed=None` with the reason, so nothing is skipped silently. What needs the sealed answers or the data files lives in
`leaks`, `nearness` and `scan`; here are the checks on records, hashes, times and predictions. `verdict` decides.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from copilot.domain.experiment import Check, Comparison, FrozenArm, Protocol, Purpose, TrialResult
from copilot.lab import leaks, nearness, scan
from copilot.lab.evaluate import Evaluator, EvaluatorChanged
from copilot.lab.grading import Graded
from copilot.lab.matrix import confirmed, matrix_problems, name_cell, prediction_hashes, usable
from copilot.lab.statistics import standard_deviation
from copilot.lab.tables import Refused

Trial = tuple[Purpose, str, int]
"""Purpose, arm, seed."""

REPEAT_SHARE = 0.1
REPEAT_ROUNDING = 1e-6
"""A repeated trial may differ by this share of the arm's standard deviation over seeds, or of the number itself."""

CLOCK_SLACK = timedelta(seconds=2)
"""File systems and schedulers round; a difference this small says nothing."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the checks may look at. Everything but the protocol is optional; times are aware datetimes."""

    protocol: Protocol
    results: Sequence[TrialResult] = ()
    predictions: Mapping[Trial, Path] = field(default_factory=dict)
    evaluator: Evaluator | None = None
    data: Path | None = None
    """The data folder of the task, as the trials saw it."""
    data_given: bool = True
    """True when the data came with the task, so that what is wrong with its split is nobody's cheating."""
    workspace: Path | None = None
    sealed: Path | None = None
    label: str = ""
    """Name of the training label column."""
    key: Sequence[str] = ("id",)
    frozen_at: datetime | None = None
    times: Mapping[Trial, tuple[datetime, datetime]] = field(default_factory=dict)
    now: datetime | None = None
    canaries: Sequence[str] = ()
    """Random texts planted beside the sealed answers; they have no business anywhere else."""
    journal_problem: str | None = None
    """What the journal's own verification said: None when it was not asked, empty when the chain is whole."""
    constant_arms: frozenset[str] = frozenset({"baseline"})
    """Arms that may predict one value throughout (a majority-class baseline does)."""
    label_free_arms: frozenset[str] = frozenset()
    """Arms that declare, in the protocol, that they do not learn from the training labels."""


def run_checks(evidence: Evidence) -> list[Check]:
    """Every check, in a fixed order. Raises nothing for bad evidence: that is what the checks are for."""
    graded = open_predictions(evidence)
    return [
        journal_chain(evidence),
        protocol_first(evidence),
        evaluator_unchanged(evidence),
        data_unchanged(evidence),
        cells_present(evidence),
        seeds_recorded(evidence),
        clock_sane(evidence),
        same_again(evidence),
        arms_differ(evidence, graded),
        predictions_vary(evidence, graded),
        seeds_matter(evidence, graded),
        leaks.label_shuffle(
            evidence.protocol, evidence.results, graded, evidence.label_free_arms, evidence.constant_arms
        ),
        leaks.train_test_overlap(evidence.data, evidence.label, evidence.key, given=evidence.data_given),
        nearness.near_duplicates(evidence.data, evidence.label, evidence.key, given=evidence.data_given),
        scan.sealed_labels(evidence.workspace, evidence.sealed, evidence.evaluator, graded, evidence.canaries),
    ]


def open_predictions(evidence: Evidence) -> dict[Trial, Graded]:
    """All predictions that can be read row by row. What cannot was already refused as a trial."""
    opened: dict[Trial, Graded] = {}
    if evidence.evaluator is None:
        return opened
    for trial, path in evidence.predictions.items():
        try:
            graded = evidence.evaluator.open_rows(path, trial[2])
        except (Refused, EvaluatorChanged):
            continue
        if graded is not None:
            opened[trial] = graded
    return opened


def journal_chain(evidence: Evidence) -> Check:
    problem = evidence.journal_problem
    if problem is None:
        return _unknown("journal_chain", "the journal was not handed to the check")
    return _check("journal_chain", not problem, problem or "every line of the journal continues the hash of the last")


def protocol_first(evidence: Evidence) -> Check:
    """The protocol was frozen before the first trial that counts."""
    name, starts = "protocol_first", {trial: times[0] for trial, times in evidence.times.items()}
    decisive = {trial: start for trial, start in starts.items() if trial[0] != "tune"}
    if evidence.frozen_at is None or not decisive:
        return _unknown(name, "the time of the freeze or of the trials is not known")
    first = min(decisive, key=lambda trial: decisive[trial])
    ahead = (decisive[first] - evidence.frozen_at).total_seconds()
    if ahead < 0:
        return _check(name, False, f"{_name(first)} started {-ahead:.1f} s before the protocol was frozen")
    before = f"{ahead:.1f} s before" if round(ahead, 1) >= 1 else "before"
    return _check(name, True, f"frozen {before} the first of {len(decisive)} trials")


def evaluator_unchanged(evidence: Evidence) -> Check:
    name = "evaluator_unchanged"
    if evidence.evaluator is None:
        return _unknown(name, "no sealed evaluator belongs to this run")
    if evidence.evaluator.digest != evidence.protocol.evaluator:
        frozen, found = evidence.protocol.evaluator[:12] or "none", evidence.evaluator.digest[:12]
        return _check(name, False, f"the protocol froze evaluator {frozen}, the one in use is {found}")
    try:
        evidence.evaluator.verify()
    except EvaluatorChanged as error:
        return _check(name, False, str(error))
    return _check(name, True, f"evaluator and sealed files still have hash {evidence.evaluator.digest[:12]}")


def data_unchanged(evidence: Evidence) -> Check:
    """Each frozen data file is there and has the frozen hash."""
    name, frozen = "data_unchanged", evidence.protocol.data
    if not frozen or evidence.data is None:
        return _unknown(name, "no data files were frozen" if not frozen else "the data folder is not known")
    for relative, digest in sorted(frozen.items()):
        path = evidence.data / relative
        if not path.is_file():
            return _check(name, False, f"{relative} is gone")
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != digest:
            return _check(name, False, f"{relative} had hash {digest[:12]} at the freeze and has {found[:12]} now")
    return _check(name, True, f"{len(frozen)} files have the frozen hashes")


def cells_present(evidence: Evidence) -> Check:
    """The recorded matrix is the frozen one; failed trials are part of it."""
    problems = matrix_problems(evidence.protocol, evidence.results)
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        return _check("cells_present", False, problems[0] + more, problems=len(problems))
    cells = confirmed(evidence.results)
    failed = sum(not usable(result) for result in cells.values())
    return _check("cells_present", True, f"all {len(cells)} cells are recorded, {failed} of them without a number")


def seeds_recorded(evidence: Evidence) -> Check:
    """The seed that each trial says it used is the seed it was given."""
    name, ran = "seeds_recorded", [result for result in evidence.results if result.status == "ok"]
    wrong = [result for result in ran if result.recorded_seed not in (None, result.seed)]
    if wrong:
        one = wrong[0]
        return _check(name, False, f"arm {one.arm!r} used seed {one.recorded_seed}, was given {one.seed}")
    known = sum(result.recorded_seed is not None for result in ran)
    if known < len(ran) or not ran:
        return _unknown(name, f"{len(ran) - known} of {len(ran)} trials did not record the seed they used")
    return _check(name, True, f"all {known} trials used the seed they were given")


def clock_sane(evidence: Evidence) -> Check:
    """No trial ends before it starts, ends in the future, or ran for longer than it took."""
    name = "clock_sane"
    if not evidence.times:
        return _unknown(name, "no trial times are known")
    now = evidence.now or datetime.now(UTC)
    seconds = {(result.purpose, result.arm, result.seed): result.seconds for result in evidence.results}
    for trial, (started, ended) in evidence.times.items():
        if ended < started:
            early = (started - ended).total_seconds()
            return _check(name, False, f"{_name(trial)} ends {early:.1f} s before its start")
        if ended > now + CLOCK_SLACK:
            return _check(name, False, f"{_name(trial)} ends {(ended - now).total_seconds():.1f} s in the future")
        if timedelta(seconds=seconds.get(trial, 0.0)) > ended - started + CLOCK_SLACK:
            took = (ended - started).total_seconds()
            return _check(name, False, f"{_name(trial)} claims {seconds[trial]:.1f} s within {took:.1f} s")
    return _check(name, True, f"the times of {len(evidence.times)} trials are in order")


def same_again(evidence: Evidence) -> Check:
    """The same arm and seed give the same number again, within a tolerance that is measured and stated."""
    name, cells = "same_again", confirmed(evidence.results)
    repeats = [result for result in evidence.results if result.purpose == "repeat"]
    worst, allowed = 0.0, 0.0
    compared = 0
    for again in repeats:
        first = cells.get((again.arm, again.seed))
        if first is None or first.value is None or not usable(first):
            continue
        if again.value is None or not usable(again):
            why = f"{name_cell((again.arm, again.seed))} gave a number once and failed the second time"
            return _check(name, False, f"{why}: {again.reason or again.status}")
        spread = _spread(evidence, again.arm)
        tolerance = max(REPEAT_ROUNDING * abs(first.value), REPEAT_SHARE * spread)
        difference = abs(again.value - first.value)
        if difference > tolerance:
            return _check(
                name,
                False,
                f"{name_cell((again.arm, again.seed))} gave {first.value:.6g}, then {again.value:.6g}; at most "
                f"{tolerance:.3g} was tolerated (a tenth of the spread over seeds, or rounding)",
                difference=difference,
                tolerance=tolerance,
            )
        compared, worst, allowed = compared + 1, max(worst, difference), max(allowed, tolerance)
    if not compared:
        return _unknown(name, "no trial was repeated with the same seed")
    said = f"{compared} repeated trials differ by at most {worst:.3g} (tolerated: {allowed:.3g})"
    return _check(name, True, said, difference=worst, tolerance=allowed)


def arms_differ(evidence: Evidence, graded: Mapping[Trial, Graded]) -> Check:
    """The arms of each comparison differ in code or parameters, and in what they predict."""
    arms = {arm.name: arm for arm in evidence.protocol.arms}
    unknown = ""
    for comparison in evidence.protocol.comparisons:
        pair = arms.get(comparison.baseline), arms.get(comparison.treatment)
        if pair[0] is None or pair[1] is None:
            return _check("arms_differ", False, f"an arm of comparison {comparison.id!r} is not in the protocol")
        if _same_code(pair[0], pair[1]):
            said = f"{comparison.baseline!r} and {comparison.treatment!r} have the same code and parameters"
            return _check("arms_differ", False, said)
        same = _same_outcomes(evidence, comparison, graded)
        if same:
            said = f"{comparison.baseline!r} and {comparison.treatment!r} predict exactly the same at all {same} seeds"
            return _check("arms_differ", False, said + ": the treatment was never applied, or changes nothing")
        if same is None:
            unknown = f"code or parameters differ, but comparison {comparison.id!r} left no predictions to compare"
    if unknown:
        return _unknown("arms_differ", unknown)
    return _check("arms_differ", True, "the arms differ in code or parameters and in their predictions")


def predictions_vary(evidence: Evidence, graded: Mapping[Trial, Graded]) -> Check:
    """No arm that should learn predicts one value for all rows."""
    name = "predictions_vary"
    confirm = {trial: one for trial, one in graded.items() if trial[0] == "confirm" and one.units > 1}
    if not confirm:
        return _unknown(name, "there are no graded predictions to look at")
    allowed = 0
    for trial, one in confirm.items():
        if len(set(one.plain)) > 1:
            continue
        if trial[1] not in evidence.constant_arms:
            return _check(name, False, f"{_name(trial)} predicts {one.plain[0][:40]!r} for all {one.units} rows")
        allowed += 1
    said = f"{len(confirm) - allowed} of {len(confirm)} predictions vary from row to row"
    return _check(name, True, said + (f"; {allowed} are constant in an arm that may be" if allowed else ""))


def seeds_matter(evidence: Evidence, graded: Mapping[Trial, Graded]) -> Check:
    """Says which arms the seed does not change. Never a veto: deterministic methods exist, and the verdict knows."""
    name, cells = "seeds_matter", confirmed(evidence.results)
    outcomes: dict[str, set[object]] = {}
    for (arm, seed), result in cells.items():
        if usable(result):
            one = graded.get(("confirm", arm, seed))
            what = hash(tuple(one.plain)) if one else prediction_hashes(result.files) or f"{result.value:.12g}"
            outcomes.setdefault(arm, set()).add(what)
    if not outcomes or len(evidence.protocol.seeds) < 2:
        return _unknown(name, "no two seeds gave a number")
    still = sorted(arm for arm, different in outcomes.items() if len(different) == 1)
    if not still:
        return _check(name, True, "every arm gives different outcomes with different seeds")
    said = f"the seed changes nothing in {', '.join(still)}: these seeds are not replicates and are not counted as such"
    return _check(name, True, said, warning=True)


def _same_code(one: FrozenArm, other: FrozenArm) -> bool:
    return one.snapshot == other.snapshot and one.parameters == other.parameters


def _same_outcomes(evidence: Evidence, comparison: Comparison, graded: Mapping[Trial, Graded]) -> int | None:
    """Seeds compared when both arms predict the same at every one of them, 0 when they do not, None when unknown."""
    cells = confirmed(evidence.results)
    compared = 0
    for seed in evidence.protocol.seeds:
        old, new = (graded.get(("confirm", arm, seed)) for arm in (comparison.baseline, comparison.treatment))
        first, second = cells.get((comparison.baseline, seed)), cells.get((comparison.treatment, seed))
        if old and new:
            same = old.plain == new.plain
        elif first and second and prediction_hashes(first.files) and prediction_hashes(second.files):
            same = prediction_hashes(first.files) == prediction_hashes(second.files)
        else:
            continue
        if not same:
            return 0
        compared += 1
    return compared or None


def _spread(evidence: Evidence, arm: str) -> float:
    cells = confirmed(evidence.results)
    found = [cells[cell].value for cell in cells if cell[0] == arm and usable(cells[cell])]
    spread = standard_deviation([value for value in found if value is not None])
    return spread if spread is not None and math.isfinite(spread) else 0.0


def _name(trial: Trial) -> str:
    return f"{name_cell((trial[1], trial[2]))} ({trial[0]})"


def _check(name: str, passed: bool, evidence: str, **details: str | int | float | bool | None) -> Check:
    return Check(name=name, passed=passed, evidence=evidence, details=details)


def _unknown(name: str, evidence: str) -> Check:
    return Check(name=name, passed=None, evidence=evidence)
