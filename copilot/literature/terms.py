"""From a title or a question to the few words that a literature search is asked. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST = 6
MOST_WORDS = 4
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:-[A-Za-z0-9]+)*")
_COMMON_TEXT = """
a about across all also an and approach are as at based be between beyond by can case could deep do does effect
effects efficient efficiently enough experiment experiments few for from good have how if improve improved improves
improving in into is it its large learn learning let like make method methods model models more most need neural
network networks new not novel of on one only or our over paper problem propose question really same show simple
small some study task tasks than that the their them then there these they this through to toward towards training
two under use used using via we what when where whether which while why with within without you your
"""
_COMMON = frozenset(_COMMON_TEXT.split())


def usable_terms(terms: Iterable[str]) -> list[str]:
    """Terms that somebody else chose, as a search can be asked for them: plain words, a few each, none twice."""
    plain = (" ".join(_WORD.findall(term)[:MOST_WORDS]) for term in terms)
    return list({term.lower(): term for term in plain if len(term) > 2}.values())[:MOST]


def search_terms(query: str) -> list[str]:
    """Up to six telling words in order of appearance: hyphenated and longer ones first choice, common ones left out."""
    words = list(dict.fromkeys(_WORD.findall(query[:600])))
    telling = [word for word in words if word.lower() not in _COMMON and len(word) > 2]
    best = set(sorted(telling, key=lambda word: (-("-" in word), -len(word), word))[:MOST])
    return [word for word in telling if word in best]
