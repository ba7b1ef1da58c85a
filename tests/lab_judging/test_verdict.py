"""What the rule says, and what it must never say."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.domain.experiment import Analysis, Check, Verdict
from copilot.lab.rows import RowEvidence
from copilot.lab.verdict import decide, possible_verdicts

from .builders import from_differences, matrix, protocol, result

FINE = [Check(name="cells_present", passed=True, evidence="all there")]
eight = st.lists(st.floats(-0.2, 0.2).map(lambda x: round(x, 4)), min_size=8, max_size=8)


def verdict_of(differences: list[float], minimum: float = 0.01) -> Verdict:
    frozen = protocol(len(differences), minimum)
    return decide(frozen, from_differences(differences, frozen), FINE)


def test_a_steady_gain_is_supported_with_readable_reasons() -> None:
    verdict = verdict_of([0.03, 0.032, 0.028, 0.031, 0.027, 0.033, 0.029, 0.03])
    assert verdict.word == "supported"
    (one,) = verdict.comparisons
    assert one.p == 2 / 256 and one.effect == pytest.approx(0.03)
    assert one.interval[0] is not None and one.interval[0] > 0
    assert "0.03 better on average over 8 paired seeds" in verdict.reasons[0]
    assert "ahead in 8 of 8" in verdict.reasons[0]


def test_no_gain_is_refuted_and_noise_is_inconclusive() -> None:
    assert verdict_of([0.001, -0.002, 0.0015, -0.001, 0.002, -0.0018, 0.0005, -0.0004]).word == "refuted"
    noisy = verdict_of([0.09, -0.07, 0.05, -0.02, 0.08, -0.06, 0.03, 0.01])
    assert noisy.word == "inconclusive"
    assert noisy.comparisons[0].detectable_effect is not None
    assert "with probability 0.8" in noisy.reasons[-1]


def test_a_real_effect_below_what_matters_is_refuted_and_said_to_be_real() -> None:
    verdict = verdict_of([0.003, 0.0031, 0.0029, 0.0032, 0.0028, 0.003, 0.0033, 0.0027], minimum=0.01)
    assert verdict.word == "refuted"
    assert "A smaller effect may be real." in verdict.reasons[-1]


def test_a_worse_treatment_is_refuted() -> None:
    assert verdict_of([-0.05, -0.04, -0.06, -0.055, -0.045, -0.05, -0.052, -0.048]).word == "refuted"


def test_lower_is_better_where_the_metric_says_so() -> None:
    frozen = protocol(8, 0.01, "minimize")
    results = matrix(lambda arm, seed: 1 + 0.01 * seed - (0.1 + 0.002 * seed) * (arm == "treatment"), frozen)
    verdict = decide(frozen, results, FINE)
    assert verdict.word == "supported" and (verdict.comparisons[0].effect or 0) > 0.1


@pytest.mark.parametrize("seeds", [2, 3, 4, 5])
def test_too_few_seeds_never_reach_a_word(seeds: int) -> None:
    assert verdict_of([0.5 + 0.01 * seed for seed in range(seeds)]).word == "inconclusive"
    assert "At least 6 seeds are needed" in possible_verdicts(protocol(seeds))[0]


def test_the_design_is_described_before_the_run() -> None:
    sentences = possible_verdicts(protocol(8))
    assert "supported and refuted are possible from 6 seeds on" in sentences[0]
    assert "1.2 standard deviations" in sentences[2]


def test_seeds_that_change_nothing_are_not_replicates() -> None:
    frozen = protocol(8)
    same = matrix(lambda arm, seed: 0.9 if arm == "treatment" else 0.8, frozen)
    verdict = decide(frozen, same, FINE)
    assert verdict.word == "inconclusive"
    assert "Only 1 of the 8 seeds gave a different outcome" in " ".join(verdict.reasons)


def test_a_seed_that_only_matters_by_parity_counts_as_two() -> None:
    frozen = protocol(12)
    results = matrix(lambda arm, seed: 0.8 + 0.01 * (seed % 2) + 0.1 * (arm == "treatment"), frozen)
    assert decide(frozen, results, FINE).word == "inconclusive"


def test_equal_numbers_from_different_predictions_are_replicates() -> None:
    frozen = protocol(8)
    results = [
        result(arm, seed, 0.9 if arm == "treatment" else 0.8, predictions=f"{arm}{seed}")
        for arm in ("baseline", "treatment")
        for seed in frozen.seeds
    ]
    assert decide(frozen, results, FINE).word == "supported"


def rows(effect: float, error: float) -> RowEvidence:
    return RowEvidence(comparison="treatment", rows=400, groups=50, effect=effect, standard_error=error)


def test_deterministic_arms_are_decided_by_the_test_rows() -> None:
    frozen = protocol(8)
    same = matrix(lambda arm, seed: 0.9 if arm == "treatment" else 0.8, frozen)
    clear = decide(frozen, same, FINE, rows=[rows(0.1, 0.02)])
    assert clear.word == "supported" and "test rows alone decide" in " ".join(clear.reasons)
    assert decide(frozen, same, FINE, rows=[rows(0.1, 0.08)]).word == "inconclusive"
    flat = matrix(lambda arm, seed: 0.801 if arm == "treatment" else 0.8, frozen)
    assert decide(frozen, flat, FINE, rows=[rows(0.001, 0.002)]).word == "refuted"


def test_a_gain_over_seeds_must_survive_the_test_rows() -> None:
    gains = [0.03, 0.032, 0.028, 0.031, 0.027, 0.033, 0.029, 0.03]
    frozen = protocol(8)
    results = from_differences(gains, frozen)
    assert decide(frozen, results, FINE, rows=[rows(0.03, 0.005)]).word == "supported"
    shaky = decide(frozen, results, FINE, rows=[rows(0.03, 0.03)])
    assert shaky.word == "inconclusive"
    assert shaky.comparisons[0].interval[0] is not None and shaky.comparisons[0].interval[0] < 0
    assert any("test rows was not tested" in stamp for stamp in decide(frozen, results, FINE).stamps)
    assert not decide(frozen, results, FINE, fixed_rows=False).stamps


def test_clear_rows_do_not_make_up_for_noisy_seeds() -> None:
    frozen = protocol(8)
    noisy = from_differences([0.09, -0.07, 0.05, -0.02, 0.08, -0.06, 0.03, 0.01], frozen)
    assert decide(frozen, noisy, FINE, rows=[rows(0.014, 0.0001)]).word == "inconclusive"


def test_refuted_must_survive_the_test_rows_too() -> None:
    frozen = protocol(8)
    flat = from_differences([0.001, -0.002, 0.0015, -0.001, 0.002, -0.0018, 0.0005, -0.0004], frozen)
    assert decide(frozen, flat, FINE, rows=[rows(0.0, 0.001)]).word == "refuted"
    assert decide(frozen, flat, FINE, rows=[rows(0.0, 0.05)]).word == "inconclusive"


def test_one_run_can_hold_both_words() -> None:
    frozen = protocol(8, treatments=("good", "flat"))
    gains = {"baseline": 0.0, "good": 0.1, "flat": 0.0}
    results = matrix(lambda arm, seed: 0.5 + gains[arm] + 0.0003 * ((seed * 37 + len(arm) * 11) % 23), frozen)
    verdict = decide(frozen, results, FINE)
    assert [one.word for one in verdict.comparisons] == ["supported", "refuted"] and verdict.word == "supported"
    assert verdict.comparisons[0].p_adjusted == pytest.approx(2 * 2 / 256)


@pytest.mark.parametrize("arm", ["baseline", "treatment"])
@pytest.mark.parametrize("status", ["failed", "timeout", "refused", "skipped"])
def test_a_failed_trial_is_never_dropped(arm: str, status: str) -> None:
    frozen = protocol(20)
    results = from_differences([0.05 + 0.001 * seed for seed in frozen.seeds], frozen)
    place = next(i for i, one in enumerate(results) if one.arm == arm and one.seed == 7)
    results[place] = results[place].model_copy(update={"status": status, "value": None})
    verdict = decide(frozen, results, FINE)
    assert verdict.word == "inconclusive" and verdict.trials_failed == 1 and verdict.trials_planned == 40
    assert "1 of 40 trials" in verdict.reasons[0]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), None])
def test_a_number_that_is_none_counts_as_failed(value: float | None) -> None:
    frozen = protocol(8)
    results = from_differences([0.05 + 0.001 * seed for seed in frozen.seeds], frozen)
    results[3] = results[3].model_copy(update={"value": value})
    assert decide(frozen, results, FINE).word == "inconclusive"


def test_a_veto_takes_every_comparison_along() -> None:
    frozen = protocol(8, treatments=("first", "second"))
    results = matrix(lambda arm, seed: 0.8 + 0.01 * seed + 0.1 * (arm != "baseline") + 0.001 * seed**2, frozen)
    bad = Check(name="arms_differ", passed=False, evidence="the arms are the same")
    verdict = decide(frozen, results, [*FINE, bad])
    assert verdict.word == "invalid" and {one.word for one in verdict.comparisons} == {"invalid"}
    assert "the arms are the same" in verdict.reasons[0]


def test_checks_that_could_not_be_done_are_stamped_but_do_not_veto() -> None:
    frozen = protocol(8, trust="reported")
    results = from_differences([0.05 + 0.001 * seed for seed in frozen.seeds], frozen)
    verdict = decide(
        frozen, results, [Check(name="label_shuffle", passed=None, evidence="no labels")], stamps=["offline"]
    )
    assert verdict.word == "supported"
    assert verdict.stamps[0] == "offline"
    assert any("label_shuffle" in stamp for stamp in verdict.stamps)
    assert any("reported by the experiment itself" in stamp for stamp in verdict.stamps)
    assert any("No integrity check was run" in stamp for stamp in decide(frozen, results, []).stamps)


def test_reported_numbers_cannot_stand_in_for_graded_ones() -> None:
    frozen = protocol(8)
    results = from_differences([0.05 + 0.001 * seed for seed in frozen.seeds], frozen)
    results[3] = results[3].model_copy(update={"trust": "reported"})
    assert decide(frozen, results, FINE).word == "invalid"


def test_a_trial_with_another_seed_than_its_own_is_invalid() -> None:
    frozen = protocol(8)
    results = from_differences([0.05 + 0.001 * seed for seed in frozen.seeds], frozen)
    results[3] = results[3].model_copy(update={"recorded_seed": 42})
    assert decide(frozen, results, FINE).word == "invalid"


def test_probes_and_tuning_do_not_count_as_results() -> None:
    frozen = protocol(8)
    results = from_differences([0.05 + 0.001 * seed for seed in frozen.seeds], frozen)
    extra = [result("treatment", 1, 0.0, purpose="shuffle"), result("treatment", 99, 0.99, purpose="tune")]
    assert decide(frozen, [*results, *extra], FINE) == decide(frozen, results, FINE)


def test_more_hypotheses_need_stronger_evidence() -> None:
    gains = [0.03, 0.032, 0.028, 0.031, 0.027, 0.033, 0.029, 0.03]
    alone = protocol(8)
    crowded = protocol(8, analysis=Analysis(family=7))
    assert decide(alone, from_differences(gains, alone), FINE).word == "supported"
    verdict = decide(crowded, from_differences(gains, crowded), FINE)
    assert verdict.word == "inconclusive" and verdict.comparisons[0].p_adjusted == pytest.approx(7 * 2 / 256)


def too_regular(stamps: list[str]) -> list[str]:
    return [stamp for stamp in stamps if "the same number at every seed" in stamp]


def test_a_difference_that_never_varies_is_stamped() -> None:
    (stamp,) = too_regular(verdict_of([0.05] * 8).stamps)
    assert "between treatment and baseline" in stamp and "computed from the seed" in stamp
    assert too_regular(verdict_of([0.05] * 7 + [0.05 + 1e-9]).stamps) == []
    frozen = protocol(8, treatments=("first", "second"))
    gains = {"baseline": 0.0, "first": 0.05}
    mixed = matrix(lambda arm, seed: 0.5 + 0.01 * seed + gains.get(arm, 0.001 * seed * seed), frozen)
    (stamp,) = too_regular(decide(frozen, mixed, FINE).stamps)
    assert "between first and baseline" in stamp


def test_no_effect_and_seeds_that_change_nothing_are_no_computed_differences() -> None:
    frozen = protocol(8)
    still = matrix(lambda arm, seed: 0.9 if arm == "treatment" else 0.8, frozen)
    assert too_regular(decide(frozen, still, FINE).stamps) == []
    half_still = matrix(lambda arm, seed: 0.9 if arm == "treatment" else 0.8 + 0.01 * seed, frozen)
    assert too_regular(decide(frozen, half_still, FINE).stamps) == []
    assert too_regular(verdict_of([0.0] * 8).stamps) == []
    assert too_regular(decide(frozen, [], FINE).stamps) == []


def test_one_distinct_outcome_is_singular() -> None:
    frozen = protocol(8)
    still = matrix(lambda arm, seed: 0.9 if arm == "treatment" else 0.8, frozen)
    assert "With 1 distinct outcome no effect" in " ".join(decide(frozen, still, FINE).reasons)


def test_noise_floor_is_the_spread_of_the_baseline() -> None:
    verdict = verdict_of([0.05] * 8)
    assert verdict.noise_floor == pytest.approx(0.001 * 6**0.5)


# Properties


@settings(deadline=None, max_examples=60)
@given(eight)
def test_swapping_the_arms_flips_the_sign(differences: list[float]) -> None:
    forth, back = verdict_of(differences), verdict_of([-d for d in differences])
    assert forth.comparisons[0].effect == pytest.approx(-(back.comparisons[0].effect or 0))
    assert forth.comparisons[0].p == pytest.approx(back.comparisons[0].p)
    if forth.word == "supported":
        assert back.word == "refuted"


@settings(deadline=None, max_examples=40)
@given(eight, st.randoms())
def test_the_order_of_results_does_not_matter(differences: list[float], dealer: random.Random) -> None:
    frozen = protocol(8)
    results = from_differences(differences, frozen)
    before = decide(frozen, results, FINE)
    dealer.shuffle(results)
    assert decide(frozen, results, FINE) == before


@settings(deadline=None, max_examples=60)
@given(eight, st.integers(0, 15))
def test_dropping_a_cell_never_reaches_a_word(differences: list[float], place: int) -> None:
    frozen = protocol(8)
    results = from_differences(differences, frozen)
    assert decide(frozen, results[:place] + results[place + 1 :], FINE).word == "invalid"


@settings(deadline=None, max_examples=60)
@given(eight, st.integers(0, 15), st.floats(-1, 2))
def test_a_second_result_for_a_cell_is_invalid_unless_it_says_the_same(
    differences: list[float], place: int, value: float
) -> None:
    frozen = protocol(8)
    results = from_differences(differences, frozen)
    again = results[place].model_copy(update={"value": value})
    if value == results[place].value:
        return
    assert decide(frozen, [*results, again], FINE).word == "invalid"
    assert decide(frozen, [*results, results[place]], FINE).word == decide(frozen, results, FINE).word


@settings(deadline=None, max_examples=60)
@given(eight)
def test_words_follow_from_the_numbers_shown(differences: list[float]) -> None:
    verdict = verdict_of(differences)
    (one,) = verdict.comparisons
    low, high = one.interval
    assert one.p is not None and one.effect is not None and low is not None and high is not None
    if verdict.word == "supported":
        assert low > 0 and one.effect >= 0.01 * (1 - 1e-9) and one.p <= 0.05
    if verdict.word == "refuted":
        assert high < 0.01
    if verdict.word == "inconclusive":
        assert low <= 1e-6 or high >= 0.01 - 1e-6


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.02, 0.2), min_size=8, max_size=8), st.integers(0, 7))
def test_turning_one_seed_worse_never_strengthens_the_claim(differences: list[float], place: int) -> None:
    worse = [*differences]
    worse[place] = -abs(worse[place])
    before, after = verdict_of(differences).comparisons[0].p, verdict_of(worse).comparisons[0].p
    assert before is not None and after is not None and after >= before
