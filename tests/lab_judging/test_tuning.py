"""Equal tuning: the schedule gives every arm as many settings, and the best one is chosen from the numbers alone."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.domain.experiment import TriedSetting, Tuning
from copilot.lab.cards import load_cards
from copilot.lab.tuning import TUNING_SEEDS, choose, schedule, score, space_of, space_problem

SPACE = {"learning_rate": [0.1, 0.2, 0.3], "decay": [1, 2]}


def test_the_planned_setting_comes_first_and_one_change_before_two() -> None:
    tried = schedule({"baseline": {"learning_rate": 0.0, "decay": 0}}, Tuning(settings=12, space=SPACE), {})["baseline"]
    assert tried[0] == {"learning_rate": 0.0, "decay": 0}
    changed = [sum(setting[name] != 0 for name in SPACE) for setting in tried]
    assert changed == [0] + [1] * 5 + [2] * 6
    assert tried[1:3] == [{"learning_rate": 0.1, "decay": 0}, {"learning_rate": 0.0, "decay": 1}]


@given(st.integers(1, 20), st.integers(0, 9), st.integers(0, 9))
def test_exploration_and_tuning_together_are_equal(settings: int, old: int, new: int) -> None:
    space = {f"p{number}": [1, 2, 3] for number in range(3)}
    arms = {"baseline": {"kind": "old"}, "treatment": {"kind": "new"}}
    tried = schedule(arms, Tuning(settings=settings, space=space), {"baseline": old, "treatment": new})
    assert len(tried["baseline"]) + max(1, old) == len(tried["treatment"]) + max(1, new)
    for arm, own in tried.items():
        assert own[0] == arms[arm]
        assert all(setting["kind"] == arms[arm]["kind"] for setting in own)
        assert all(one != other for one, other in itertools.combinations(own, 2))


def test_more_settings_than_there_are_is_all_there_are() -> None:
    assert len(schedule({"baseline": {}}, Tuning(settings=64, space=SPACE), {})["baseline"]) == 12


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6)), min_size=1, max_size=12))
def test_the_best_number_is_chosen_and_a_failed_setting_never_beats_one_that_ran(values: list[float | None]) -> None:
    tried = [TriedSetting(arm="baseline", parameters={"n": n}, values=[value]) for n, value in enumerate(values)]
    known = [value for value in values if value is not None]
    for direction, best in (("maximize", max(known, default=None)), ("minimize", min(known, default=None))):
        chosen = choose(tried, direction)["baseline"]["n"]  # type: ignore[arg-type]
        assert values[int(str(chosen))] == best if known else chosen == 0


def test_a_setting_that_failed_at_one_seed_has_no_score() -> None:
    assert score(TriedSetting(arm="a", parameters={}, values=[1.0, None])) is None
    assert score(TriedSetting(arm="a", parameters={}, values=[1.0, 2.0])) == 1.5


def test_what_is_tested_is_never_tuned() -> None:
    card = load_cards()["neural_recipe"]
    assert "learning_rate" in space_of(card, [{}, {"dropout": 0.2}])
    assert "learning_rate" not in space_of(card, [{}, {"learning_rate": 0.01}])
    assert "learning_rate" not in space_of(card, [{"learning_rate": 0.01}, {"learning_rate": 0.01}])
    found = space_problem({"learning_rate": [0.1]}, [{}, {"learning_rate": 0.01}], card)
    assert found == "the arms differ in 'learning_rate': it is what is tested, so it cannot be tuned"


@pytest.mark.parametrize(
    ("space", "part"),
    [
        ({"learning_rate": []}, "give 1 to 16 values"),
        ({"speed": [1]}, "no parameter of this prototype"),
        ({"learning_rate": [99.0]}, "must lie between"),
        ({f"p{number}": [1] for number in range(9)}, "too many to tune"),
    ],
)
def test_a_space_that_cannot_be_tuned_is_refused_by_name(space: dict[str, list[float]], part: str) -> None:
    assert part in space_problem(
        {name: list(values) for name, values in space.items()}, [{}], load_cards()["neural_recipe"]
    )


def test_every_card_offers_values_it_allows_and_seeds_stay_apart() -> None:
    offered = {name: space_of(card, [{}, {}]) for name, card in load_cards().items()}
    assert all(offered.values()), "a prototype without anything to tune"
    assert not set(TUNING_SEEDS) & set(range(1, 201))
