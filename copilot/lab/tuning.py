"""Equal tuning before the freeze: which settings each arm tries, and which one it keeps.

Every arm is given the same list of changes to the hyper-parameters that the arms share, so that a treatment cannot win
by having been tuned where the baseline was not. Pure: running the programs is the engine's part. What is compared, the
parameters that the arms differ in, is never touched.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from copilot.domain.experiment import TriedSetting, Tuning
from copilot.domain.idea import Scalar
from copilot.lab.cards import Card, Parameter

TUNING_SEEDS = (0, 1001)
"""Never seeds of the trial matrix, which counts from 1 to at most 200."""
MOST_COMBINATIONS = 4096
MOST_PARAMETERS, MOST_VALUES = 8, 16
Parameters = Mapping[str, Scalar]


def space_of(card: Card | None, arms: Iterable[Parameters]) -> dict[str, list[Scalar]]:
    """The hyper-parameters of the card that no arm sets away from its default, with the values worth trying."""
    given = list(arms)
    return {
        name: parameter.tune
        for name, parameter in (card.parameters if card else {}).items()
        if parameter.tune and all(arm.get(name, parameter.default) == parameter.default for arm in given)
    }


def space_problem(space: Mapping[str, Sequence[Scalar]], arms: Sequence[Parameters], card: Card | None) -> str:
    """Why these hyper-parameters cannot be tuned, as one sentence; empty when they can."""
    if len(space) > MOST_PARAMETERS:
        return f"{len(space)} hyper-parameters are too many to tune; name at most {MOST_PARAMETERS}"
    for name, values in space.items():
        if not 1 <= len(values) <= MOST_VALUES:
            return f"give 1 to {MOST_VALUES} values to try for {name!r}"
        default = card.parameters[name].default if card and name in card.parameters else None
        if len({repr(arm.get(name, default)) for arm in arms}) > 1:
            return f"the arms differ in {name!r}: it is what is tested, so it cannot be tuned"
        if card is not None and (problem := _card_problem(card.parameters.get(name), values)):
            return f"{name} {problem}"
    return ""


def _card_problem(parameter: Parameter | None, values: Sequence[Scalar]) -> str:
    if parameter is None:
        return "is no parameter of this prototype"
    return next((problem for value in values if (problem := parameter.problem(value))), "")


def schedule(
    arms: Mapping[str, Parameters], tuning: Tuning, explored: Mapping[str, int]
) -> dict[str, list[dict[str, Scalar]]]:
    """Arm -> its settings to try, the planned one first.

    `explored` counts the settings that exploration tried of each arm: an arm that had fewer is given as many more.
    """
    had = {arm: max(1, explored.get(arm, 0)) for arm in arms}
    most = max(had.values(), default=1)
    changes = list(itertools.islice(_changes(tuning.space), MOST_COMBINATIONS))
    return {
        arm: _distinct({**planned, **change} for change in changes)[: tuning.settings + most - had[arm]]
        for arm, planned in arms.items()
    }


def _changes(space: Mapping[str, Sequence[Scalar]]) -> Iterable[dict[str, Scalar]]:
    """No change, then one hyper-parameter at a time (each one's first value first), then two at once, and so on."""
    for size in range(len(space) + 1):
        chosen = list(itertools.combinations(space, size))
        grids = [itertools.product(*(space[name] for name in names)) for names in chosen]
        for row in itertools.zip_longest(*grids):
            found = zip(chosen, row, strict=True)
            yield from (dict(zip(names, values, strict=True)) for names, values in found if values is not None)


def _distinct(settings: Iterable[dict[str, Scalar]]) -> list[dict[str, Scalar]]:
    kept: list[dict[str, Scalar]] = []
    for setting in settings:
        if setting not in kept:
            kept.append(setting)
    return kept


def score(tried: TriedSetting) -> float | None:
    """The mean validation metric over the tuning seeds; None when a program gave no number."""
    values = [value for value in tried.values if value is not None]
    return math.fsum(values) / len(values) if values and len(values) == len(tried.values) else None


def choose(tried: Iterable[TriedSetting], direction: Literal["maximize", "minimize"]) -> dict[str, dict[str, Scalar]]:
    """Arm -> the parameters with the best score, the earlier one where two are equal; as planned where none ran."""
    sign = 1.0 if direction == "maximize" else -1.0
    best: dict[str, tuple[float, dict[str, Scalar]]] = {}
    for item in tried:
        value = score(item)
        ranked = -math.inf if value is None else sign * value
        if item.arm not in best or ranked > best[item.arm][0]:
            best[item.arm] = (ranked, item.parameters)
    return {arm: parameters for arm, (_, parameters) in best.items()}
