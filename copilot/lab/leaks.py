"""Where a score may come from if not from learning: labels that leaked, and test rows that were trained on.

The label-shuffle probe asks whether predictions still know the truth after the training labels were permuted. The
overlap check counts test rows that also stand in the training data. The search for sealed labels in files is `scan`.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.domain.experiment import Check, Protocol, Purpose, TrialResult
from copilot.lab.matrix import confirmed, usable
from copilot.lab.statistics import standard_deviation
from copilot.lab.tables import Refused, Row, read_rows

if TYPE_CHECKING:
    from copilot.lab.grading import Graded

Trial = tuple[Purpose, str, int]

PERMUTATIONS = 100
FEW_PERMUTATIONS = 20
"""For scores that take long, on texts and on orderings."""
LEAK_LEVEL = 0.01
"""One-sided level of the shuffle probe: the side on which shuffled training still beats chance."""
LEAK_SHARE = 0.2
"""Of the real gain over chance, how much must survive the shuffle before it is called a leak."""
CHANCE = 1e-6
"""Sealed labels count as found when honest predictions would agree this well less often than this."""
CHUNK = 4 << 20
OVERLAP_SLACK = 0.02
TEXT_LENGTH = 32
RUNNING_TEXT = {".txt", ".conll", ".conllu", ".iob", ".bio"}
READABLE = 96 << 20


def label_shuffle(
    protocol: Protocol,
    results: Sequence[TrialResult],
    graded: Mapping[Trial, Graded],
    label_free: Collection[str],
    simple: Collection[str],
) -> Check:
    """After training on permuted labels, predictions must be no better than chance.

    Chance is measured, not assumed: the same predictions, dealt to other rows. Only the better side means leakage
    (hard-coded or stolen labels). The worse side does not: out-of-fold target encoding and leave-one-out statistics
    fall below chance on shuffled labels by construction, and are told so. Arms in `label_free` are not probed. An arm
    in `simple` (a baseline may be a fixed rule) cannot veto; what was found is stated as an open question.
    """
    shuffled = {result.arm for result in results if result.purpose == "shuffle" and usable(result)}
    arms = sorted(shuffled - set(label_free))
    if not arms:
        return _unknown("label_shuffle", "no trial ran on shuffled training labels")
    found = []
    for arm in arms:
        one = _stuck(arm, results, graded) or _arm_probe(protocol, arm, results, graded)
        if one.passed is False and arm in simple:
            one = one.model_copy(update={"passed": None, "evidence": one.evidence + "; a fixed rule would do the same"})
        found.append(one)
    order = {False: 0, None: 1, True: 2}
    worst = min(found, key=lambda one: order[one.passed])
    return worst.model_copy(update={"evidence": "; ".join(one.evidence for one in found if one.passed is worst.passed)})


def train_test_overlap(data: Path | None, label: str, key: Sequence[str], *, given: bool) -> Check:
    """Share of test rows that also stand in the training data, exactly and nearly (case, spacing, 3 digits).

    Natural data has twins: a random split shows as many across as within the training rows. Only an excess over that
    is evidence, and only when the split is not the task's own (`given`) can it veto. With seed folders, one is read.
    """
    name = "train_test_overlap"
    if data is None or not data.is_dir():
        return _unknown(name, "there is no data folder")
    data = min((path for path in data.glob("seed_*") if path.is_dir()), default=data)
    files = [
        next((path for path in sorted(data.glob(f"{part}.*")) if path.is_file()), None) for part in ("train", "test")
    ]
    if files[0] is None or files[1] is None:
        return _unknown(name, "the data folder holds no train.* beside a test.*")
    if files[0].suffix in RUNNING_TEXT or files[1].suffix in RUNNING_TEXT:
        return _text_overlap(name, files[0], files[1], given)
    try:
        train, test = (read_rows(path, READABLE) for path in (files[0], files[1]))
    except (Refused, MemoryError) as error:
        return _unknown(name, f"the data cannot be read as a table: {error}")
    columns = sorted((set(train[0]) & set(test[0])) - {label, *key}) if train and test else []
    if not columns:
        return _unknown(name, "train and test share no feature columns")
    exact = _shares(train, test, columns, str)
    near = _shares(train, test, columns, _rough)
    excess = [
        across - within - 3 * math.sqrt(max(within * (1 - within), 1e-4) / len(test))
        for across, within in (exact, near)
    ]
    said = (
        f"{100 * exact[0]:.2g} % of {len(test)} test rows stand exactly in the training data, {100 * near[0]:.2g} % "
        f"nearly; among training rows themselves it is {100 * exact[1]:.2g} % and {100 * near[1]:.2g} %"
    )
    return _overlap_check(name, said, max(excess) > OVERLAP_SLACK, given, exact[0], near[0])


def _arm_probe(protocol: Protocol, arm: str, results: Sequence[TrialResult], graded: Mapping[Trial, Graded]) -> Check:
    """The probe of one arm, over its shuffled trials."""
    name = "label_shuffle"
    sign = 1.0 if protocol.metric.direction == "maximize" else -1.0
    real = [result.value for result in confirmed(results).values() if result.arm == arm and usable(result)]
    seeds = [one.seed for one in results if one.purpose == "shuffle" and one.arm == arm and usable(one)]
    probes = [graded["shuffle", arm, seed] for seed in seeds if ("shuffle", arm, seed) in graded]
    values = [value for value in real if value is not None]
    if not probes or not values:
        return _reported_probe(sign, arm, values, results)
    chances = [_chance(probe) for probe in probes]
    excesses = [sign * (probe.score() - mean) for probe, (mean, _) in zip(probes, chances, strict=True)]
    gain = sign * sum(values) / len(values) - sign * sum(mean for mean, _ in chances) / len(chances)
    excess = sum(excesses) / len(excesses)
    noise = math.sqrt(sum(spread**2 for _, spread in chances) / len(chances))
    error = max(noise, standard_deviation(excesses) or 0.0) / math.sqrt(len(excesses))
    share = excess / gain if gain > 0 else 0.0
    said = (
        f"trained on shuffled labels, arm {arm!r} is {abs(excess):.3g} {'above' if excess >= 0 else 'below'} chance "
        f"(standard error {error:.2g}, {len(probes)} runs); with the real labels it is {gain:.3g} above"
    )
    details = {"excess": excess, "standard_error": error, "gain": gain, "runs": len(probes)}
    return _probe_check(name, said, excess, error, share, len(probes), details)


def _probe_check(
    name: str, said: str, excess: float, error: float, share: float, runs: int, details: dict[str, Any]
) -> Check:
    """Only above chance is leakage. One shuffled run varies too much to convict, unless nearly all gain survives it."""
    if excess <= 0 or error <= 0:
        below = " (below chance is what out-of-fold encodings do; it is no leak)" if excess < -3 * error < 0 else ""
        return Check(name=name, passed=True, evidence=said + below, details=details)
    if runs >= 2:
        from scipy.stats import t

        leak = excess / error > float(t.ppf(1 - LEAK_LEVEL, runs - 1)) and share >= LEAK_SHARE
        return Check(name=name, passed=not leak, evidence=said + (": labels leak" if leak else ""), details=details)
    if share >= 0.9 and excess > 5 * error:
        return Check(name=name, passed=False, evidence=said + ": labels leak", details=details)
    if excess > 3 * error and share >= LEAK_SHARE:
        return Check(name=name, passed=None, evidence=said + "; one run cannot tell, three could", details=details)
    return Check(name=name, passed=True, evidence=said, details=details)


def _reported_probe(sign: float, arm: str, real: Sequence[float], results: Sequence[TrialResult]) -> Check:
    """Without graded predictions chance is not known; all that can be seen is whether the number fell."""
    name = "label_shuffle"
    values = [
        one.value
        for one in results
        if one.purpose == "shuffle" and one.arm == arm and usable(one) and one.value is not None
    ]
    if not values or not real:
        return _unknown(name, f"arm {arm!r} has no number to compare with its shuffled runs")
    fall = sign * (sum(real) / len(real) - sum(values) / len(values))
    spread = max(standard_deviation(real) or 0.0, standard_deviation(values) or 0.0)
    error = spread * math.sqrt(1 / len(real) + 1 / len(values))
    said = f"the reported number of arm {arm!r} falls by {fall:.3g} (standard error {error:.2g}) on shuffled labels"
    if fall > 3 * error:
        return _check(name, True, said)
    return _unknown(name, said + ": too little to tell learning from a leak, and chance is not known")


def _stuck(arm: str, results: Sequence[TrialResult], graded: Mapping[Trial, Graded]) -> Check | None:
    """A failed check when the arm's shuffled trials come out exactly like its real ones, else None.

    One seed with the same, not constant, predictions is enough; bare numbers must agree at two seeds or more.
    """
    cells = confirmed(results)
    seeds = [one.seed for one in results if one.purpose == "shuffle" and one.arm == arm and usable(one)]
    after = {one.seed: one.value for one in results if one.purpose == "shuffle" and one.arm == arm}
    same_numbers = []
    for seed in seeds:
        before, now = graded.get(("confirm", arm, seed)), graded.get(("shuffle", arm, seed))
        if before is not None and now is not None:
            if before.plain == now.plain and len(set(now.plain)) > 1:
                said = f"arm {arm!r} with seed {seed} predicts exactly the same after its training labels were shuffled"
                return _check("label_shuffle", False, said + ": it does not learn from them")
        elif usable(cells.get((arm, seed))):
            same_numbers.append(cells[arm, seed].value == after[seed])
    if len(same_numbers) >= 2 and all(same_numbers):
        said = (
            f"arm {arm!r} gives the same numbers at {len(same_numbers)} seeds after its training labels were shuffled"
        )
        return _check("label_shuffle", False, said + ": it does not learn from them")
    return None


def _chance(probe: Graded) -> tuple[float, float]:
    """Mean and standard deviation of the score when the predictions are dealt to other rows."""
    import numpy as np

    dealer = np.random.default_rng(probe.units)
    rows = np.arange(probe.units)
    if probe.scoring.form in {"tags", "relevance"}:
        return _dealt_within(probe)
    deals = FEW_PERMUTATIONS if probe.scoring.form == "text" else PERMUTATIONS
    scores = [probe.score(rows, dealer.permutation(probe.units)) for _ in range(deals)]
    return float(np.mean(scores)), float(np.std(scores, ddof=1))


def _dealt_within(probe: Graded) -> tuple[float, float]:
    """The same where a unit is a sequence or a group: what its rows hold is dealt anew, the lengths stay."""
    import numpy as np

    dealer = np.random.default_rng(probe.units)
    tags = probe.scoring.form == "tags"
    flat = np.array([item for unit in probe.predicted for item in unit], dtype=object if tags else float)
    ends = np.cumsum([len(unit) for unit in probe.predicted])[:-1]
    scores = []
    for _ in range(PERMUTATIONS if tags else FEW_PERMUTATIONS):
        parts = [list(part) if tags else part for part in np.split(flat[dealer.permutation(len(flat))], ends)]
        scores.append(probe.scoring.compute(probe.truth, parts))
    return float(np.mean(scores)), float(np.std(scores, ddof=1))


def _shares(train: Sequence[Row], test: Sequence[Row], columns: Sequence[str], spell: Any) -> tuple[float, float]:
    """Share of test rows with a twin in train, and of train rows with another twin in train."""
    rows = Counter(_signature(row, columns, spell) for row in train)
    across = sum(_signature(row, columns, spell) in rows for row in test) / len(test)
    within = sum(count for count in rows.values() if count > 1) / len(train)
    return across, within


def _signature(row: Row, columns: Sequence[str], spell: Any) -> bytes:
    text = "\x1f".join(spell(row.get(column)) for column in columns)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _rough(cell: Any) -> str:
    """One spelling for what is nearly the same: words without case and punctuation, numbers to three digits."""
    try:
        return f"{float(cell):.3g}"
    except (TypeError, ValueError, OverflowError):
        return " ".join(re.findall(r"\w+", str(cell).casefold()))


def _text_overlap(name: str, train: Path, test: Path, given: bool) -> Check:
    """For running text and token files: how many of the longer test texts stand verbatim in the training text."""
    try:
        known, asked = _texts(train), _texts(test)
    except (Refused, OSError) as error:
        return _unknown(name, f"the data cannot be read: {error}")
    corpus = "\n".join(known)
    across = [text in corpus for text in _sample(asked)]
    within = [corpus.count(text) > 1 for text in _sample(known)]
    if not across:
        return _unknown(name, f"the test file holds no text of {TEXT_LENGTH} characters or more")
    share, twins = sum(across) / len(across), sum(within) / max(1, len(within))
    said = (
        f"{100 * share:.2g} % of {len(across)} test texts stand verbatim in the training text; of its own texts "
        f"{100 * twins:.2g} % stand there twice"
    )
    return _overlap_check(name, said, share - twins > OVERLAP_SLACK, given, share, share)


def _sample(texts: Sequence[str]) -> Sequence[str]:
    """At most 500 of the longer ones, evenly taken."""
    longer = [text for text in texts if len(text) >= TEXT_LENGTH]
    return longer[:: max(1, math.ceil(len(longer) / 500))]


def _texts(path: Path) -> list[str]:
    """The texts of a file: cells of a table, the tokens of each sentence in CoNLL form, or the lines of plain text."""
    if path.suffix not in RUNNING_TEXT:
        return [cell for row in read_rows(path, READABLE) for cell in row.values() if isinstance(cell, str)]
    text = path.read_text("utf-8", "replace")
    if path.suffix == ".txt":
        return text.splitlines()
    tokens = [" ".join(line.split()[:1]) for line in text.splitlines()]
    return [" ".join(part.split("\n")) for part in "\n".join(tokens).split("\n\n")]


def _overlap_check(name: str, said: str, excess: bool, given: bool, exact: float, near: float) -> Check:
    details = {"exact": exact, "near": near, "warning": bool(exact or near)}
    if excess and not given:
        return Check(name=name, passed=False, evidence=said + ": test rows were trained on", details=details)
    if excess:
        said += "; the task came like this and both arms see it alike, so scores are too good in both"
    return Check(name=name, passed=True, evidence=said, details=details)


def _check(name: str, passed: bool, evidence: str) -> Check:
    return Check(name=name, passed=passed, evidence=evidence)


def _unknown(name: str, evidence: str) -> Check:
    return Check(name=name, passed=None, evidence=evidence)
