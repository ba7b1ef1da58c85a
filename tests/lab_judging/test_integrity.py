"""For each check an experiment that cheats in exactly that way is caught, and an honest one passes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from copilot.domain.experiment import Check, FrozenArm, Purpose, TrialResult
from copilot.lab.evaluate import open_evaluator
from copilot.lab.integrity import Evidence, run_checks
from copilot.lab.verdict import decide

from .builders import protocol, result, seal, write_csv

START = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ROWS = 200
SEEDS = 6


def answers() -> list[dict[str, int]]:
    rng = np.random.default_rng(0)
    return [{"id": 1000 + place, "label": int(rng.integers(0, 3))} for place in range(ROWS)]


def guesses(accuracy: float, seed: int) -> list[dict[str, int]]:
    """The truth with errors; below chance accuracy the labels are dealt at random."""
    rng = np.random.default_rng([seed, int(1000 * accuracy)])
    rows = []
    for row in answers():
        right = rng.random() < accuracy
        rows.append({"id": row["id"], "label": row["label"] if right else int(rng.integers(0, 3))})
    return rows


class Experiment:
    """A finished experiment on disk, honest until a test changes something."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sealed = seal(folder / "sealed", answers(), "accuracy")
        self.workspace = folder / "workspace"
        self.workspace.mkdir()
        (self.workspace / "experiment.py").write_text("print('honest')\n")
        data = folder / "data"
        data.mkdir()
        rng = np.random.default_rng(1)
        train = [{"id": i, "size": rng.random(), "label": int(rng.integers(0, 3))} for i in range(300)]
        test = [{"id": row["id"], "size": rng.random()} for row in answers()]
        write_csv(data / "train.csv", train)
        write_csv(data / "test.csv", test)
        evaluator = open_evaluator(self.sealed)
        hashes = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in data.iterdir()}
        self.evidence = Evidence(
            protocol=protocol(SEEDS, 0.05, evaluator=evaluator.digest, data=hashes),
            evaluator=evaluator,
            data=data,
            workspace=self.workspace,
            sealed=self.sealed,
            label="label",
            frozen_at=START,
            now=START + timedelta(days=1),
            journal_problem="",
            canaries=["canary-7c1f"],
        )
        for seed in range(SEEDS):
            self.run("confirm", "baseline", seed, guesses(0.5, seed))
            self.run("confirm", "treatment", seed, guesses(0.8, 100 + seed))
        self.run("repeat", "treatment", 0, guesses(0.8, 100))
        for seed in range(3):
            self.run("shuffle", "treatment", seed, guesses(0.0, 200 + seed))

    def run(self, purpose: Purpose, arm: str, seed: int, rows: list[dict[str, int]]) -> None:
        path = write_csv(self.folder / f"{purpose}-{arm}-{seed}.csv", rows)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        assert self.evidence.evaluator is not None
        value = self.evidence.evaluator.grade(path)
        one = result(arm, seed, value, purpose=purpose, predictions=digest, recorded_seed=seed)
        self.put(one, path)

    def put(self, one: TrialResult, path: Path | None = None) -> None:
        trial = (one.purpose, one.arm, one.seed)
        kept = [other for other in self.evidence.results if (other.purpose, other.arm, other.seed) != trial]
        began = START + timedelta(seconds=10 * (len(kept) + 1))
        predictions = {**self.evidence.predictions, **({trial: path} if path else {})}
        times = {**self.evidence.times, trial: (began, began + timedelta(seconds=5))}
        self.evidence = replace(self.evidence, results=[*kept, one], predictions=predictions, times=times)

    def check(self, name: str) -> Check:
        return next(check for check in run_checks(self.evidence) if check.name == name)


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return Experiment(tmp_path)


def test_an_honest_experiment_passes_every_check_and_is_supported(experiment: Experiment) -> None:
    checks = run_checks(experiment.evidence)
    assert {check.name: check.passed for check in checks if check.passed is not True} == {}
    assert len({check.name for check in checks}) == len(checks) == 15
    verdict = decide(experiment.evidence.protocol, experiment.evidence.results, checks, fixed_rows=False)
    assert verdict.word == "supported" and verdict.stamps == []


def test_without_any_evidence_every_check_says_why_it_was_not_done() -> None:
    checks = run_checks(Evidence(protocol=protocol()))
    undone = {check.name: check.evidence for check in checks if check.passed is None}
    assert all(undone.values()) and len(undone) == 14
    failed = [check.name for check in checks if check.passed is False]
    assert failed == ["cells_present"]


@pytest.mark.parametrize(("seconds", "said"), [(0.94, "frozen before the"), (0.96, "frozen 1.0 s before the")])
def test_a_freeze_right_before_the_trials_has_no_zero_seconds(
    experiment: Experiment, seconds: float, said: str
) -> None:
    first = min(times[0] for times in experiment.evidence.times.values())
    experiment.evidence = replace(experiment.evidence, frozen_at=first - timedelta(seconds=seconds))
    assert experiment.check("protocol_first").evidence.startswith(said)


def _tamper_journal(one: Experiment) -> None:
    one.evidence = replace(one.evidence, journal_problem="line 7 does not continue the chain")


def _freeze_late(one: Experiment) -> None:
    one.evidence = replace(one.evidence, frozen_at=START + timedelta(seconds=30))


def _edit_answers(one: Experiment) -> None:
    path = one.sealed / "answers.csv"
    path.write_text(path.read_text().replace("1000,", "1000,1"))


def _other_evaluator(one: Experiment) -> None:
    changed = one.evidence.protocol.model_copy(update={"evaluator": "f" * 64})
    one.evidence = replace(one.evidence, protocol=changed)


def _edit_data(one: Experiment) -> None:
    assert one.evidence.data is not None
    with (one.evidence.data / "train.csv").open("a") as file:
        file.write("999,0.5,1\n")


def _lose_data(one: Experiment) -> None:
    assert one.evidence.data is not None
    (one.evidence.data / "test.csv").unlink()


def _drop_the_worst_seed(one: Experiment) -> None:
    confirm = [r for r in one.evidence.results if r.purpose == "confirm" and r.arm == "treatment"]
    worst = min(confirm, key=lambda r: r.value or 0)
    one.evidence = replace(one.evidence, results=[r for r in one.evidence.results if r is not worst])


def _run_one_twice(one: Experiment) -> None:
    lucky = result("treatment", 2, 0.99, recorded_seed=2)
    one.evidence = replace(one.evidence, results=[*one.evidence.results, lucky])


def _add_a_seed(one: Experiment) -> None:
    one.put(result("treatment", 77, 0.95, recorded_seed=77))


def _use_another_seed(one: Experiment) -> None:
    first = next(r for r in one.evidence.results if r.purpose == "confirm")
    one.put(first.model_copy(update={"recorded_seed": 42}))


def _end_before_the_start(one: Experiment) -> None:
    trial = ("confirm", "treatment", 1)
    times: dict[tuple[Purpose, str, int], tuple[datetime, datetime]] = {**one.evidence.times}
    began = one.evidence.times["confirm", "treatment", 1][0]
    times["confirm", "treatment", 1] = (began, began - timedelta(minutes=1))
    assert trial in times
    one.evidence = replace(one.evidence, times=times)


def _end_in_the_future(one: Experiment) -> None:
    one.evidence = replace(one.evidence, now=START + timedelta(seconds=20))


def _run_longer_than_it_took(one: Experiment) -> None:
    first = next(r for r in one.evidence.results if r.purpose == "confirm")
    one.put(first.model_copy(update={"seconds": 500.0}))


def _differ_on_repetition(one: Experiment) -> None:
    one.run("repeat", "treatment", 0, guesses(0.6, 999))


def _fail_on_repetition(one: Experiment) -> None:
    one.put(result("treatment", 0, None, purpose="repeat", status="failed"))


def _same_arms(one: Experiment) -> None:
    arms = [FrozenArm(name=name, snapshot="one code") for name in ("baseline", "treatment")]
    one.evidence = replace(one.evidence, protocol=one.evidence.protocol.model_copy(update={"arms": arms}))


def _treatment_that_is_the_baseline(one: Experiment) -> None:
    for seed in range(SEEDS):
        one.run("confirm", "treatment", seed, guesses(0.5, seed)[::-1])


def _one_answer_for_all(one: Experiment) -> None:
    one.run("confirm", "treatment", 3, [{**row, "label": 1} for row in answers()])


def _ignore_the_labels(one: Experiment) -> None:
    one.run("shuffle", "treatment", 0, guesses(0.8, 100))


def _know_half_of_the_labels(one: Experiment) -> None:
    for seed in range(3):
        one.run("shuffle", "treatment", seed, guesses(0.5, 300 + seed))


def _copy_the_answers(one: Experiment) -> None:
    (one.workspace / "notes.bin").write_bytes((one.sealed / "answers.csv").read_bytes())


def _carry_a_canary(one: Experiment) -> None:
    (one.workspace / "deep").mkdir()
    (one.workspace / "deep" / "weights.bin").write_bytes(b"\0" * 5000 + b"canary-7c1f" + b"\0" * 90)


def _labels_in_a_table(one: Experiment) -> None:
    lines = "".join(f'{{"row": {row["id"]}, "guess": "{row["label"]}.0"}}\n' for row in reversed(answers()))
    (one.workspace / "cache.jsonl").write_text(lines)


def _labels_in_the_code(one: Experiment) -> None:
    labels = [row["label"] for row in answers()]
    (one.workspace / "experiment.py").write_text(f"import sys\nLABELS = {labels}\n")


CHEATS: list[tuple[Callable[[Experiment], None], str]] = [
    (_tamper_journal, "journal_chain"),
    (_freeze_late, "protocol_first"),
    (_edit_answers, "evaluator_unchanged"),
    (_other_evaluator, "evaluator_unchanged"),
    (_edit_data, "data_unchanged"),
    (_lose_data, "data_unchanged"),
    (_drop_the_worst_seed, "cells_present"),
    (_run_one_twice, "cells_present"),
    (_add_a_seed, "cells_present"),
    (_use_another_seed, "seeds_recorded"),
    (_end_before_the_start, "clock_sane"),
    (_end_in_the_future, "clock_sane"),
    (_run_longer_than_it_took, "clock_sane"),
    (_differ_on_repetition, "same_again"),
    (_fail_on_repetition, "same_again"),
    (_same_arms, "arms_differ"),
    (_treatment_that_is_the_baseline, "arms_differ"),
    (_one_answer_for_all, "predictions_vary"),
    (_ignore_the_labels, "label_shuffle"),
    (_know_half_of_the_labels, "label_shuffle"),
    (_copy_the_answers, "sealed_labels"),
    (_carry_a_canary, "sealed_labels"),
    (_labels_in_a_table, "sealed_labels"),
    (_labels_in_the_code, "sealed_labels"),
]


@pytest.mark.parametrize(("cheat", "name"), CHEATS, ids=[cheat.__name__.strip("_") for cheat, _ in CHEATS])
def test_each_cheat_is_caught_and_makes_the_verdict_invalid(
    experiment: Experiment, cheat: Callable[[Experiment], None], name: str
) -> None:
    cheat(experiment)
    check = experiment.check(name)
    assert check.passed is False and check.evidence
    verdict = decide(experiment.evidence.protocol, experiment.evidence.results, run_checks(experiment.evidence))
    assert verdict.word == "invalid" and all(one.word == "invalid" for one in verdict.comparisons)


def test_a_constant_baseline_may_be_constant_and_probe_nothing(experiment: Experiment) -> None:
    for seed in range(SEEDS):
        experiment.run("confirm", "baseline", seed, [{**row, "label": 1} for row in answers()])
    experiment.run("shuffle", "baseline", 0, [{**row, "label": 1} for row in answers()])
    assert experiment.check("predictions_vary").passed is True
    assert experiment.check("label_shuffle").passed is True


def test_a_rule_as_baseline_is_an_open_question_and_declared_label_free_none(experiment: Experiment) -> None:
    experiment.run("shuffle", "baseline", 0, guesses(0.5, 0))
    asked = experiment.check("label_shuffle")
    assert asked.passed is None and "fixed rule" in asked.evidence
    experiment.evidence = replace(experiment.evidence, label_free_arms=frozenset({"baseline"}))
    assert experiment.check("label_shuffle").passed is True


def test_deterministic_arms_are_named_and_not_vetoed(experiment: Experiment) -> None:
    for seed in range(SEEDS):
        experiment.run("confirm", "baseline", seed, guesses(0.5, 0))
    check = experiment.check("seeds_matter")
    assert check.passed is True and "changes nothing in baseline" in check.evidence and check.details["warning"]


def test_a_little_noise_between_repetitions_is_measured_and_tolerated(experiment: Experiment) -> None:
    first = next(r for r in experiment.evidence.results if (r.purpose, r.arm, r.seed) == ("confirm", "treatment", 0))
    near = (first.value or 0) + 1e-5
    experiment.put(result("treatment", 0, near, purpose="repeat", recorded_seed=0))
    check = experiment.check("same_again")
    assert check.passed is True and check.details["difference"] == pytest.approx(1e-5)
    assert "tolerated" in check.evidence


def test_honest_predictions_in_the_workspace_are_no_leak(experiment: Experiment) -> None:
    write_csv(experiment.workspace / "predictions.csv", guesses(0.8, 100))
    (experiment.workspace / "list.txt").write_text(" ".join(str(row["label"]) for row in guesses(0.8, 100)))
    assert experiment.check("sealed_labels").passed is True


def test_the_tasks_own_data_in_the_workspace_is_no_leak(experiment: Experiment) -> None:
    assert experiment.evidence.data is not None
    for path in experiment.evidence.data.iterdir():
        (experiment.workspace / path.name).write_bytes(path.read_bytes())
    assert experiment.check("sealed_labels").passed is True


def test_trials_without_a_recorded_seed_leave_the_question_open(experiment: Experiment) -> None:
    first = next(r for r in experiment.evidence.results if r.purpose == "confirm")
    experiment.put(first.model_copy(update={"recorded_seed": None}))
    assert experiment.check("seeds_recorded").passed is None
