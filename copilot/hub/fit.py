"""Whether a hit really fits, or is only the nearest there is: said in words; the order of hits is decided elsewhere.

It reads the evidence that the ranking found, and the special fields that a request names: a general language model is
no protein model, however well "language model" matches. It cannot tell a good repository from a bad one.
"""

from __future__ import annotations

from copilot.hub.code import PAPER_LINK
from copilot.hub.languages import pairs_in, serves
from copilot.hub.lexical import tokens
from copilot.hub.safety import printable
from copilot.hub.values import Record, Understood
from copilot.hub.wishes import language_fits

EVIDENCE = {"model": 0.35, "dataset": 0.25, "code": 0.2}
"""The least that task, words, names and topics must add up to, by kind; chosen on half of our requests."""
BRIEF_EVIDENCE = {"model": 1.0, "dataset": 0.7, "code": 0.4}
"""The same for a request of few words, of which each was chosen."""
LACKING_SHARE = 0.3
"""The share of the words of a brief request that nobody can explain, from which a record without them hardly fits."""
SUBJECT = ("task", "tagged", "words", "name", "near", "benchmark")
"""The parts of a score that say something about the subject; popularity and wishes do not."""


def misfit(record: Record, wish: Understood, parts: dict[str, float], lacking: list[str]) -> str:
    """Why a record hardly fits, or "". `lacking` are the special fields and words of the request that it has not."""
    if PAPER_LINK in record.tags:
        return ""
    fields = [name for name in lacking if name in wish.fields]
    special = [name for name in lacking if name in wish.special.values()] if record.card or record.description else []
    if fields or len(special) >= LACKING_SHARE * len(set(tokens(wish.text))) > 0:
        return f"nothing in it speaks of {printable((fields or special)[0], 40)}"
    if said := _language_misfit(record, wish):
        return said
    least = BRIEF_EVIDENCE if wish.brief else EVIDENCE
    if sum(parts.get(name, 0.0) for name in SUBJECT) < least[record.kind]:
        return "little in it matches the request"
    return ""


def _language_misfit(record: Record, wish: Understood) -> str:
    if wish.direction and (pairs := pairs_in(record.id)) and not serves(pairs, wish.direction):
        return "it translates other languages"
    if wish.languages and all(language_fits(record, (code,)) is False for code in wish.languages):
        return "it is for other languages"
    return ""
