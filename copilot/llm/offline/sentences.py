"""Sentences of a paper, with where they stand: what rules look at, and what they quote. Verbatim, never rewritten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LEAST, MOST = 50, 320
BREAK = re.compile(r"(?<=[.!?])\s+(?=[A-Z(“\"])")
NO_BREAK = re.compile(r"\b(?:et al|Fig|Figs|Eq|Eqs|Sec|Tab|Ref|Refs|e\.g|i\.e|cf|vs|resp|approx|Dr|Prof|[A-Z])\.$")
SPOILT = re.compile(r"[.!?]\s\d+\.$|[=∑∫√≤≥∂→∈{}|_^]|\d\s\d\s\d|\.\s\.\s\.|https?:|@|\[CLS\]|�")
SKIPPED = re.compile(r"^(references|bibliography|acknowledg|appendix|supplement|checklist|funding)", re.IGNORECASE)
ASIDE = re.compile(r"^(?:\d[\d.]*\s*)?(?:related|background|prelim|prior work|previous work)", re.IGNORECASE)
"""Sections in which a paper speaks of others."""
ARGUES = re.compile(
    r"\b(improv|outperform|better|worse|help|hurt|reduc|increas|decreas|lead(?:s|ing)? to|results? in|because|due to"
    r"|suffer|prevent|allow|enabl|benefit|effect|affect|impact|crucial|critical|essential|important|necessary|stab|unstab"
    r"|fast|slow|overfit|generali[sz]|robust|compar|versus|than\b|ablat|investigat|study|studied|propos|introduc|present"
    r"|limit|future|achiev|success|fail|problem|difficult|challeng|advantage|suggest|show|find|found|demonstrat|observ)",
    re.IGNORECASE,
)
SETS_UP = re.compile(
    r"^(?:for |in |during )?(?:all |our |the )?(?:\w+ ){0,4}"
    r"(?:we (?:use|used|train|trained|set|adopt|employ|apply|fine-?tuned?|optimi[sz]ed?)"
    r"|(?:is|are) set to|(?:was|were|is|are) trained)\b.*\d",
    re.IGNORECASE,
)
TELLING = {"limitation": 3.0, "future_work": 3.0, "finding": 2.5, "result": 2.0, "method": 1.5}
"""How much more a sentence says when the claims ledger holds it under this kind."""
ABSTRACT = 3.0
PLAIN = 1.0
"""What a sentence of running text is worth."""
MENTIONED = 0.5
"""What a sentence is worth that speaks of other work, or of how a run was set up."""


@dataclass(frozen=True)
class Sentence:
    """One sentence; `weight` is higher where a paper says what it is about, or what is missing.

    `place` is `abstract`, the kind of the claim, or empty for running text.
    """

    text: str
    page: int | None
    weight: float
    place: str = ""


def split(text: str) -> list[str]:
    """Sentences of running text; abbreviations do not end one."""
    found: list[str] = []
    for piece in BREAK.split(" ".join(text.split())):
        if found and NO_BREAK.search(found[-1]):
            found[-1] += " " + piece
        else:
            found.append(piece)
    return found


def readable(text: str) -> bool:
    """Fit to be shown to a person as evidence: a whole sentence of words."""
    if not LEAST <= len(text) <= MOST or not text[0].isupper() or text[-1] not in ".!?" or SPOILT.search(text):
        return False
    letters = sum(letter.isalpha() or letter == " " for letter in text)
    return letters / len(text) > 0.8


def argues(text: str) -> bool:
    """True when it says what something does, lacks or is for, and not merely how a run was set up."""
    return bool(ARGUES.search(text)) and not SETS_UP.search(text)


def spoken_of(paper: dict[str, Any]) -> str:
    """The sentences of a paper's sections that argue, without those about the work of others."""
    kept = (
        section["text"]
        for section in paper.get("sections", [])
        if not SKIPPED.match(section["title"]) and not ASIDE.match(section["title"])
    )
    return " ".join(text for section in kept for text in split(section) if argues(text))


def sentences(paper: dict[str, Any]) -> Iterator[Sentence]:
    """Readable sentences of abstract, claims and sections; the same one may come more than once."""
    for text in split(paper.get("abstract", "")):
        if readable(text):
            yield Sentence(text, 1, ABSTRACT if argues(text) else PLAIN, "abstract")
    for claim in paper.get("claims", []):
        if readable(claim["quote"]):
            weight = TELLING.get(claim["kind"], PLAIN) if argues(claim["quote"]) else MENTIONED
            yield Sentence(claim["quote"], claim.get("page"), weight, claim["kind"])
    for section in paper.get("sections", []):
        if not SKIPPED.match(section["title"]):
            weight = _weight(section["title"])
            for text in split(section["text"]):
                if readable(text):
                    yield Sentence(text, None, weight if argues(text) else min(weight, MENTIONED))


def _weight(heading: str) -> float:
    if ASIDE.match(heading):
        return MENTIONED
    return 1.6 if re.search(r"conclu|discuss|limit|future", heading, re.IGNORECASE) else PLAIN


def about(paper: dict[str, Any]) -> str:
    """What the paper is about: its title, and the sentence of its abstract that says what was done."""
    found = [text for text in split(paper.get("abstract", "")) if len(text) <= 2 * MOST]
    doing = re.compile(r"\b(we|this (paper|work|study|article))\b", re.IGNORECASE)
    chosen = next((text for text in found if doing.search(text)), found[0] if found else "")
    return f"“{paper.get('title', '')}”. {chosen}".strip()
