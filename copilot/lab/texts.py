"""Scores of written texts against one reference each: error rates by edit distance, BLEU and chrF by sacrebleu.

Everything takes two equally long lists of texts. Error rates are of the corpus: all edits over all reference symbols,
so they may exceed 1. BLEU and chrF are on sacrebleu's scale of 0 to 100 with its default tokeniser; without that
package they are refused (`missing`) and never approximated.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Hashable, Sequence
from functools import lru_cache

LIBRARY = "sacrebleu"
NEEDING = {"bleu", "chrf"}


def missing(metric: str) -> str:
    """The package that `metric` needs and that is not installed, or an empty text."""
    return LIBRARY if metric in NEEDING and importlib.util.find_spec(LIBRARY) is None else ""


def edit_distance(one: Sequence[Hashable], other: Sequence[Hashable]) -> int:
    """Levenshtein distance, bit-parallel (Myers 1999, J. ACM 46, in the form of Hyyrö 2003)."""
    if not one:
        return len(other)
    places: dict[Hashable, int] = {}
    for place, symbol in enumerate(one):
        places[symbol] = places.get(symbol, 0) | 1 << place
    full, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    up, down, distance = full, 0, len(one)
    for symbol in other:
        equal = places.get(symbol, 0)
        diagonal = equal | down
        across = (((equal & up) + up) ^ up) | equal
        more, fewer = (down | ~(across | up)) & full, up & across
        distance += bool(more & last) - bool(fewer & last)
        more, fewer = more << 1 | 1, fewer << 1
        up, down = (fewer | ~(diagonal | more)) & full, more & diagonal & full
    return distance


def word_error_rate(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Edits of words over words of the references, split at white space; case and punctuation count."""
    return _rate(truth, predicted, True)


def character_error_rate(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Edits of characters over characters of the references, white space included."""
    return _rate(truth, predicted, False)


def bleu(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Corpus BLEU (sacrebleu's defaults, one reference per row)."""
    return float(importlib.import_module(LIBRARY).corpus_bleu([*predicted], [[*truth]]).score)


def chrf(truth: Sequence[str], predicted: Sequence[str]) -> float:
    """Corpus chrF2 (sacrebleu's defaults)."""
    return float(importlib.import_module(LIBRARY).corpus_chrf([*predicted], [[*truth]]).score)


def _rate(truth: Sequence[str], predicted: Sequence[str], words: bool) -> float:
    counted = [_edits(true, guess, words) for true, guess in zip(truth, predicted, strict=True)]
    return sum(edits for edits, _ in counted) / max(1, sum(length for _, length in counted))


@lru_cache(maxsize=1 << 18)
def _edits(true: str, guess: str, words: bool) -> tuple[int, int]:
    """Edits and the length of the reference. Kept: the evidence over rows asks for the same pairs many times."""
    one, other = (true.split(), guess.split()) if words else (true, guess)
    return edit_distance(one, other), len(one)
