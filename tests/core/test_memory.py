"""What earlier runs taught: verdicts in short, the same question found again, predictions scored."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot import api
from copilot.config import Home
from copilot.domain.idea import Arm
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.memory.past import PastVerdict, calibration, past_verdicts, same_question


def verdict(word: str = "supported", probability: float = 0.5, **change: object) -> PastVerdict:
    fields = {
        "run": "t/1",
        "claim": "c",
        "prototype": "neural_recipe",
        "differs": {"dropout": 0.2},
        "metric": "accuracy",
        "word": word,
        "trust": "graded",
        "effect": 0.1,
        "probability": probability,
        "predicted_effect": 0.1,
    }
    return PastVerdict.model_validate(fields | change)


def test_certain_and_right_is_perfect_and_certain_and_wrong_is_worst() -> None:
    assert calibration([verdict(probability=1.0), verdict("refuted", 0.0)]).brier == 0.0
    assert calibration([verdict(probability=0.0), verdict("refuted", 1.0)]).brier == 1.0
    assert calibration([verdict("invalid", 1.0)]).brier is None


@given(st.lists(st.tuples(st.sampled_from(["supported", "refuted", "inconclusive"]), st.floats(0, 1)), max_size=30))
def test_every_verdict_is_in_one_bin(pairs: list[tuple[str, float]]) -> None:
    found = calibration([verdict(word, probability) for word, probability in pairs])
    assert sum(total for _, _, total in found.bins) == found.count == len(pairs)
    assert found.brier is None or 0 <= found.brier <= 1


def test_the_same_question_is_the_same_change_to_the_same_prototype() -> None:
    arms = [
        Arm(name="baseline", parameters={"dropout": 0.0, "width": 8}),
        Arm(name="treatment", parameters={"dropout": 0.2, "width": 8}),
    ]
    past = [verdict(), verdict(prototype="transfer"), verdict(differs={"dropout": 0.5}), verdict(metric="log_loss")]
    assert same_question(past, "neural_recipe", arms, "accuracy") == past[:1]
    assert same_question(past, "", arms, "accuracy") == []


@pytest.mark.sandbox
def test_a_second_run_is_told_what_the_first_found(tmp_path: Path) -> None:
    (tmp_path / "problems").mkdir()
    home, env = Home(tmp_path), {"COPILOT_OFFLINE": "1"}
    question = "Does dropout help a small neural network on digits?"
    first, second = (start_run("", "", question, Settings(seeds=2, tuning=1), home, env) for _ in range(2))
    drive(first, home, env)
    drive(second, home, env)
    (found,) = past_verdicts(home.logs, but=second.name)
    assert found.word == "inconclusive" and found.differs
    forecast = api.state(second).plans[0].forecast
    assert any("Tested before" in line and first.name in line for line in forecast), forecast
