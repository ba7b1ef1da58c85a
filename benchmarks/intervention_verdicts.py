"""How often the interventions of the offline catalogue come out *supported*: the source of its probabilities.

    python -m benchmarks.intervention_verdicts [--seeds 6] [--output docs/interventions.md]

Every entry of `copilot/llm/offline/catalogue.yaml` is run on its own data by the bundled prototype, baseline and
treatment on the same seeds, graded as in a run and judged by the rule of `copilot.lab.verdict`. The seeds are none
that a run uses by default. What the planner takes from this is one share per kind of bet (`likely`, `open`,
`unlikely`), never the outcome of a single entry: that would be the answer before the question.
"""

from __future__ import annotations

import argparse
import json
import os
import runpy
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median, stdev

from benchmarks.calibration import experiment
from copilot.domain.idea import Scalar
from copilot.lab.cards import PROTOTYPES, Card, load_cards
from copilot.lab.datasets import prepare
from copilot.lab.evaluate import FileEvaluator
from copilot.lab.verdict import decide
from copilot.llm.offline.catalogue import Entry, entries

FIRST_SEED = 101
KINDS = ("likely", "open", "unlikely")


@dataclass(frozen=True)
class Outcome:
    """One entry's verdict; `effect` is the mean paired difference in units of the card's smallest effect.

    `spread` is the standard deviation of the paired differences over seeds, in units of the metric.
    """

    entry: Entry
    word: str
    effect: float
    spread: float


class Bench:
    """Runs arms of prototypes, each configuration once, in forks of this process so that imports are paid once."""

    def __init__(self, folder: Path, seeds: Iterable[int]) -> None:
        self.folder, self.seeds, self.values = folder, list(seeds), dict[str, float]()

    def outcome(self, entry: Entry, card: Card) -> Outcome:
        data = entry.data or card.dataset
        treated = {**entry.against, **entry.set}
        pairs = [[self._value(card, data, arm, seed) for arm in (entry.against, treated)] for seed in self.seeds]
        sign = 1.0 if card.metric is not None and card.metric.direction == "maximize" else -1.0
        differences = [sign * (treatment - baseline) for baseline, treatment in pairs]
        verdict = decide(*experiment(differences, card.minimum_effect), [], fixed_rows=False)
        return Outcome(entry, verdict.word, mean(differences) / card.minimum_effect, stdev(differences))

    def _value(self, card: Card, data: str, arm: dict[str, Scalar], seed: int) -> float:
        key = json.dumps([card.name, data, arm, seed], sort_keys=True)
        if key not in self.values:
            self.values[key] = self._run(card, data, arm, seed)
        return self.values[key]

    def _run(self, card: Card, data: str, arm: dict[str, Scalar], seed: int) -> float:
        place = self.folder / f"{card.name}-{data.replace('/', '_')}-{seed}"
        if not place.exists():
            prepare(data, seed, place / "inputs", place / "sealed")
        (place / "arms.json").write_text(json.dumps({"arm": arm}), encoding="utf-8")
        child = os.fork()
        if child == 0:
            _trial(card.name, place, seed)
        _, status = os.waitpid(child, 0)
        if status != 0:
            raise SystemExit(
                f"{card.name} {arm} with seed {seed} ended with status {os.waitstatus_to_exitcode(status)}"
            )
        return FileEvaluator(place / "sealed").grade(place / "out" / "predictions.csv")


def _trial(prototype: str, place: Path, seed: int) -> None:
    """In the fork: the prototype's script as the lab would call it; never returns."""
    script = PROTOTYPES / prototype / "experiment.py"
    os.chdir(place)
    os.environ["COPILOT_INPUTS"] = str(place / "inputs")
    sys.argv = [str(script), "--arm", "arm", "--seed", str(seed), "--out", str(place / "out")]
    code = 1
    try:
        runpy.run_path(str(script), run_name="__main__")
        code = 0
    finally:
        os._exit(code)


def document(outcomes: list[Outcome], seeds: int) -> str:
    """The report: shares per kind of bet, then every entry."""
    lines = [
        "# Verdicts of the catalogue's interventions",
        "",
        f"Made by `python -m benchmarks.intervention_verdicts --seeds {seeds}`. Effects are in units of the "
        "smallest effect that matters.",
        "",
        "| bet | entries | supported | refuted | inconclusive | share supported, (k + 1) / (n + 2) | median effect |",
        "|---|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        found = [one for one in outcomes if one.entry.prior == kind]
        words = [one.word for one in found]
        share = (words.count("supported") + 1) / (len(found) + 2)
        middle = median(one.effect for one in found) if found else 0.0
        counts = " | ".join(str(words.count(word)) for word in ("supported", "refuted", "inconclusive"))
        lines.append(f"| {kind} | {len(found)} | {counts} | {share:.2f} | {middle:.2f} |")
    lines += ["", *_noise(outcomes)]
    lines += ["", "| entry | prototype | bet | verdict | effect |", "|---|---|---|---|---|"]
    lines += [
        f"| {one.entry.id} | {one.entry.prototype} | {one.entry.prior} | {one.word} | {one.effect:.2f} |"
        for one in outcomes
    ]
    return "\n".join(lines) + "\n"


def _noise(outcomes: list[Outcome]) -> list[str]:
    """How much a paired difference moves from seed to seed, by prototype: what the cards say under `noise`."""
    lines = [
        "| prototype | standard deviation of a paired difference over seeds, median over its entries |",
        "|---|---|",
    ]
    for name in dict.fromkeys(one.entry.prototype for one in outcomes):
        found = [one.spread for one in outcomes if one.entry.prototype == name]
        lines.append(f"| {name} | {median(found):.2g} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent.parent / "docs" / "interventions.md")
    options = parser.parse_args()
    cards = load_cards()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1"))
    import sklearn.ensemble
    import sklearn.linear_model  # noqa: F401  both: so that the forks need not

    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), range(FIRST_SEED, FIRST_SEED + options.seeds))
        outcomes = []
        for entry in sorted(entries(), key=lambda one: cards[one.prototype].seconds_per_trial):
            outcomes.append(bench.outcome(entry, cards[entry.prototype]))
            print(entry.id, outcomes[-1].word, f"{outcomes[-1].effect:.2f}", flush=True)
            options.output.write_text(document(outcomes, options.seeds), encoding="utf-8")


if __name__ == "__main__":
    main()
