"""Which written groups of phrases share words with a request: a soft second to the patterns, which need whole phrases.

Each group (a task, a research topic) is the bag of the words of its patterns, scored by Okapi BM25 (Robertson and
Zaragoza, 2009). It knows no synonyms beyond those that are written down.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from copilot.hub.lexical import tokens

K1 = 1.2
ENOUGH = 0.3
"""The share of the best thinkable score from which a group counts as fully near."""
B = 0.6
"""How strongly a group with many words is discounted."""
_MARKS = re.compile(r"@\w+|[~*|,]")


def pattern_words(texts: Mapping[str, str], weights: Mapping[str, float]) -> dict[str, float]:
    """Stemmed words of patterns by level, macros left out, each counted with the weight of its level."""
    counted: defaultdict[str, float] = defaultdict(float)
    for level, text in texts.items():
        for word in tokens(_MARKS.sub(" ", text).replace("-", " ")):
            counted[word] += weights[level]
    return counted


class Groups:
    """Bags of words, ready to be scored against requests."""

    def __init__(self, bags: Sequence[Mapping[str, float]]) -> None:
        self._bags = list(bags)
        seen = Counter(word for bag in bags for word in bag)
        self._idf = {word: math.log(1 + (len(bags) - n + 0.5) / (n + 0.5)) for word, n in seen.items()}
        self._rarest = max(self._idf.values(), default=0.0)
        self._lengths = [sum(bag.values()) for bag in bags]
        self._mean = sum(self._lengths) / max(len(bags), 1) or 1.0

    @property
    def words(self) -> frozenset[str]:
        """Every word of the groups, stemmed."""
        return frozenset(self._idf)

    def scores(self, text: str) -> list[float]:
        """One number per group: 0 where no word is shared, 1 for the nearest, or less when it shares little."""
        asked = set(tokens(text.replace("-", " ")))
        known = asked & self._idf.keys()
        found = [self._score(bag, length, known) for bag, length in zip(self._bags, self._lengths, strict=True)]
        full = (K1 + 1) * (sum(self._idf[word] for word in known) + self._rarest * len(asked - known))
        most = max(*found, ENOUGH * full, 1e-9)
        return [score / most for score in found]

    def _score(self, bag: Mapping[str, float], length: float, asked: set[str]) -> float:
        norm = K1 * (1 - B + B * length / self._mean)
        return sum(self._idf[word] * bag[word] * (K1 + 1) / (bag[word] + norm) for word in asked if word in bag)
