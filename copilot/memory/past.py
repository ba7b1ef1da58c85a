"""Verdicts of earlier runs, and the score of the probabilities that came with them. Reads journals, changes none."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from pydantic import TypeAdapter

from copilot.domain.base import Value
from copilot.domain.idea import Arm, Scalar
from copilot.errors import CopilotError
from copilot.projection import projected
from copilot.runs import list_runs, run_named
from copilot.state import RunState

LATEST = 200
BINS = 5


class PastVerdict(Value):
    """One finished run in short. `differs` is what the treatment changed against the baseline."""

    run: str
    claim: str
    prototype: str
    differs: dict[str, Scalar] = {}
    metric: str
    word: str
    trust: str
    effect: float | None
    probability: float
    predicted_effect: float
    foretold: bool = True
    """False where nobody said how probable *supported* was: then `probability` only fills its place."""
    model: str = ""


IN_SHORT: TypeAdapter[PastVerdict | None] = TypeAdapter(PastVerdict | None)


class Calibration(Value):
    """How proposers' probabilities of *supported* compare with what came out.

    `brier` is the mean squared distance between probability and outcome (0 perfect, 0.25 for always saying one half;
    Brier 1950, Monthly Weather Review 78). `bins` are (mean probability, share supported, count).
    """

    count: int
    brier: float | None
    bins: list[tuple[float, float, int]]


def past_verdicts(logs: Path, *, but: str = "") -> list[PastVerdict]:
    """Verdicts of the latest runs, newest first, without the run named `but`; damaged journals are passed over.

    With `but`, only runs of the same guest count: on a shared server nobody learns what others measured.
    """
    found = []
    reader = run_named(but, logs)
    for run in list_runs(logs)[:LATEST]:
        if run.name == but or (reader is not None and run.owner != reader.owner):
            continue
        with contextlib.suppress(CopilotError):
            found.append(projected(run, logs, "past", IN_SHORT, partial(_in_short, run.name)))
    return [past for past in found if past is not None]


def _in_short(name: str, state: RunState) -> PastVerdict | None:
    idea, verdict, protocol = state.chosen_idea, state.verdict, state.protocol
    if idea is None or verdict is None or protocol is None or not verdict.comparisons:
        return None
    arms = {arm.name: arm.parameters for arm in protocol.arms}
    first = protocol.comparisons[0]
    return PastVerdict(
        run=name,
        claim=idea.claim,
        prototype=state.prototype.name if state.prototype else "",
        differs=difference(arms[first.baseline], arms[first.treatment]),
        metric=protocol.metric.name,
        word=verdict.word,
        trust=verdict.trust,
        effect=verdict.comparisons[0].effect,
        probability=idea.probability,
        predicted_effect=idea.predicted_effect,
        foretold=idea.foretold,
        model=state.settings.llm if state.settings else "",
    )


def difference(baseline: dict[str, Scalar], treatment: dict[str, Scalar]) -> dict[str, Scalar]:
    """Parameters of the treatment that are not those of the baseline."""
    return {name: value for name, value in treatment.items() if baseline.get(name) != value}


def same_question(past: Iterable[PastVerdict], prototype: str, arms: Sequence[Arm], metric: str) -> list[PastVerdict]:
    """Earlier verdicts on the same change to the same prototype, by the same metric."""
    if len(arms) < 2 or not prototype:
        return []
    wanted = difference(arms[0].parameters, arms[1].parameters)
    return [item for item in past if item.prototype == prototype and item.metric == metric and item.differs == wanted]


def calibration(past: Iterable[PastVerdict]) -> Calibration:
    """Brier score and reliability bins over what was foretold and is not invalid."""
    counted = [item for item in past if item.foretold and item.word != "invalid"]
    pairs = [(item.probability, float(item.word == "supported")) for item in counted]
    bins = []
    for number in range(BINS):
        low, high = number / BINS, (number + 1) / BINS
        inside = [pair for pair in pairs if low <= pair[0] < high or (number == BINS - 1 and pair[0] == 1.0)]
        if inside:
            count = len(inside)
            bins.append((sum(p for p, _ in inside) / count, sum(o for _, o in inside) / count, count))
    brier = sum((p - o) ** 2 for p, o in pairs) / len(pairs) if pairs else None
    return Calibration(count=len(pairs), brier=brier, bins=bins)
