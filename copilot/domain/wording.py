"""Whether words speak of what an experiment varies: telling words, without endings and in one spelling. Pure."""

from __future__ import annotations

import re

_WORD = re.compile(r"[a-z][a-z-]{2,}")
_WITHOUT = re.compile(r"\b(?:no|without)\b")
_PLURAL = re.compile(r"(?<=ch|sh)es$|(?<=x)es$|(?<!s)s$")
_STEM = 7
_COMMON_TEXT = """
the and with than for its from that best each half more initial weight weights network networks layer layers hidden
units unit training train trained learning rate model models data method plain usual same small large very noise
validation epoch keeping words word features feature rows labels optimiser optimizer instead times wide number per over
under only all
"""
_COMMON = frozenset(_COMMON_TEXT.split())
"""Words that name no intervention by themselves."""


def stems(text: str) -> set[str]:
    """The telling words of a text."""
    words = (_PLURAL.sub("", word) for word in _WORD.findall(text.lower()) if word not in _COMMON)
    return {word.replace("is", "iz").replace("-", "")[:_STEM] for word in words}


def names_what_varies(treatment: str, baseline: str, quote: str) -> bool:
    """True when the quote names something that the treatment has and the baseline has not (or is said to be without).

    Two amounts of one thing differ in no telling word: then the thing itself has to be named, if it has a name.
    """
    telling = stems(treatment)
    own = telling - stems(_WITHOUT.split(baseline)[0]) or telling
    return not own or bool(own & stems(quote))
