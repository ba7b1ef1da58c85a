"""Texts for texts: a monotone alignment of symbols and a linear model of what each becomes. See `card.md`."""

from __future__ import annotations

import math
from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import taskfit
import taskrows
import taskscores
from sklearn.feature_extraction import FeatureHasher
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import SGDClassifier

Symbols = list[str]
LONGEST = 3
ROUNDS = 4
SAME = "\0same"
"""Stands for "the symbol itself", so that what is copied is learned as copying."""


def split(text: str, symbols: str) -> Symbols:
    """A text as its words or its characters."""
    return text.split() if symbols == "words" else list(text)


class Aligner:
    """Which piece of the target (0 to 3 symbols) each source symbol became, along the best monotone path."""

    def __init__(self) -> None:
        self.pieces: Counter[tuple[str, str]] = Counter()
        self.symbols: Counter[str] = Counter()

    def _cost(self, symbol: str, piece: Symbols, slope: float) -> float:
        """Minus the logarithm of how usual the piece is; before anything was counted, closeness to the slope."""
        name = SAME if piece == [symbol] else " ".join(piece)
        if not self.symbols:
            return abs(len(piece) - slope) + (0.0 if name == SAME else 1.0)
        return -math.log((self.pieces[symbol, name] + 0.05) / (self.symbols[symbol] + 5.0))

    def path(self, source: Symbols, target: Symbols) -> list[Symbols] | None:
        """The target cut into one piece per source symbol; None when it is too long for that."""
        if len(target) > LONGEST * len(source) or not source:
            return None
        slope = len(target) / len(source)
        best = {0: (0.0, [0])}
        for place, symbol in enumerate(source):
            after: dict[int, tuple[float, list[int]]] = {}
            left = LONGEST * (len(source) - place - 1)
            for end, (cost, cuts) in best.items():
                for length in range(min(LONGEST, len(target) - end) + 1):
                    new = end + length
                    if len(target) - new > left:
                        continue
                    total = cost + self._cost(symbol, target[end:new], slope)
                    if new not in after or total < after[new][0]:
                        after[new] = (total, [*cuts, new])
            best = dict(sorted(after.items(), key=lambda item: item[1][0])[:40])
        if len(target) not in best:
            return None
        cuts = best[len(target)][1]
        return [target[a:b] for a, b in pairwise(cuts)]

    def fit(self, pairs: list[tuple[Symbols, Symbols]]) -> list[tuple[Symbols, list[Symbols]]]:
        """Align all pairs again and again; returns the last alignment."""
        found: list[tuple[Symbols, list[Symbols]]] = []
        for _ in range(ROUNDS):
            paths = [(source, self.path(source, target)) for source, target in pairs]
            found = [(source, pieces) for source, pieces in paths if pieces is not None]
            cells = [(s, p) for source, pieces in found for s, p in zip(source, pieces, strict=True)]
            self.pieces = Counter((s, SAME if p == [s] else " ".join(p)) for s, p in cells)
            self.symbols = Counter(s for s, _ in cells)
        return found


def features(source: Symbols, place: int, width: int) -> list[str]:
    """What the model sees of one symbol: itself and its neighbours, alone and joined, and where it stands."""
    near = {
        step: source[place + step] if 0 <= place + step < len(source) else "\0" for step in range(-width, width + 1)
    }
    found = [f"{step}={symbol}" for step, symbol in near.items()]
    if width:
        found += [f"l={near[-1]}|{near[0]}", f"r={near[0]}|{near[1]}", f"lr={near[-1]}|{near[0]}|{near[1]}"]
    return [*found, f"start={min(place, 3)}", f"end={min(len(source) - place, 4)}", f"tail={near[0][-3:]}", "bias"]


class Aligned:
    """Source symbol by symbol: a linear model says which piece it becomes."""

    def __init__(self, trial: taskfit.Trial) -> None:
        self.symbols, self.width = str(trial.parameters.get("symbols", "characters")), int(trial.number("width", 3))
        self.glue = " " if self.symbols == "words" else ""
        self.hasher = FeatureHasher(2**18, input_type="string", alternate_sign=False)
        self.model = SGDClassifier(
            "log_loss", alpha=1e-6, max_iter=int(trial.number("epochs", 12)), tol=None, average=True,
            random_state=trial.seed,
        )  # fmt: skip

    def _matrix(self, sources: list[Symbols]) -> Any:
        return self.hasher.transform(features(s, place, self.width) for s in sources for place in range(len(s)))

    def fit(self, sources: list[str], targets: list[str]) -> Aligned:
        """Align, then learn the pieces."""
        pairs = [(split(s, self.symbols), split(t, self.symbols)) for s, t in zip(sources, targets, strict=True)]
        aligned = Aligner().fit(pairs)
        names = np.array([
            SAME if piece == [symbol] else self.glue.join(piece)
            for source, pieces in aligned for symbol, piece in zip(source, pieces, strict=True)
        ], dtype=object)  # fmt: skip
        self.only = str(names[0]) if len(set(names)) == 1 else SAME if not len(names) else None
        if self.only is None:
            self.model.fit(self._matrix([source for source, _ in aligned]), names.astype(str))
        return self

    def write(self, sources: list[str]) -> list[str]:
        """The text of each source; the source itself where nothing would be left."""
        split_up = [split(source, self.symbols) for source in sources]
        total = sum(len(source) for source in split_up)
        if self.only is not None or not total:
            said = iter([self.only or SAME] * total)
        else:
            said = iter(str(piece) for piece in self.model.predict(self._matrix(split_up)))
        found = []
        for source in split_up:
            pieces = [symbol if piece == SAME else piece for symbol, piece in zip(source, said, strict=False)]
            found.append(self.glue.join(piece for piece in pieces if piece).strip())
        return [text or source for text, source in zip(found, sources, strict=True)]


class Copy:
    """The source, cut to the share of words that targets usually have."""

    def fit(self, sources: list[str], targets: list[str]) -> Copy:
        """Measure the usual share."""
        shares = [len(t.split()) / max(1, len(s.split())) for s, t in zip(sources, targets, strict=True)]
        self.share = min(1.0, float(np.median(shares)))
        return self

    def write(self, sources: list[str]) -> list[str]:
        """The first words of each source."""
        return [" ".join(s.split()[: max(1, round(self.share * len(s.split())))]) or s for s in sources]


class Nearest:
    """The target of the known source that shares most character runs."""

    def fit(self, sources: list[str], targets: list[str]) -> Nearest:
        """Remember all pairs."""
        self.runs = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), sublinear_tf=True)
        self.known, self.targets = self.runs.fit_transform(sources), targets
        return self

    def write(self, sources: list[str]) -> list[str]:
        """One known target per source."""
        asked, found = self.runs.transform(sources), []
        for first in range(0, len(sources), 500):
            likeness = (asked[first : first + 500] @ self.known.T).toarray()
            found += [self.targets[place] for place in likeness.argmax(axis=1)]
        return found


def made(trial: taskfit.Trial) -> Any:
    """The arm's writer."""
    if trial.model == "aligned":
        return Aligned(trial)
    return Copy() if trial.model == "copy" else Nearest()


def texts(column: pd.Series) -> list[str]:
    """Cells as text, with white space in one spelling."""
    return [" ".join(str(cell if cell is not None else "").split()) for cell in column]


def main() -> None:
    """The trial: measure on part of the drawn rows, fit on all drawn rows, answer."""
    trial = taskfit.start()
    task = trial.task
    rows = taskrows.load({**task, "columns": {task["roles"]["source"]: "text"}}, trial.inputs)
    name = task["targets"][0]
    sources, targets = texts(rows.train[task["roles"]["source"]]), texts(rows.target[name])
    rng, most = np.random.default_rng(trial.seed), int(trial.number("max_rows", 4000))
    take = taskfit.sample(np.zeros(len(sources)), trial.number("rows", 0.9), most, rng, False)
    fit, valid = taskfit.split(np.zeros(len(take)), trial.number("validation", 0.2), trial.seed, False)

    def written(places: np.ndarray, asked: list[str]) -> list[str]:
        return list(made(trial).fit([sources[i] for i in places], [targets[i] for i in places]).write(asked))

    guess = written(take[fit], [sources[i] for i in take[valid]])
    value = taskscores.text_score(str(task["metric"]), [targets[i] for i in take[valid]], guess)
    answers = rows.keys.assign(
        **{task["answers"].get(name, name): written(take, texts(rows.test[task["roles"]["source"]]))}
    )
    taskfit.write(trial, value, answers)


if __name__ == "__main__":
    main()
