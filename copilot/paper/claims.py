"""The claims ledger by rules: what a paper itself says it found, did, lacks and plans, each with its own words.

Every entry's quote is checked by `ground`; what is not found verbatim is marked so. Uses no model and draws no
conclusion: a claim here is what the paper says, not what is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

from copilot.domain.paper import Claim, ClaimKind, Paper, Section
from copilot.paper.claim_results import values
from copilot.paper.claim_settings import data_sets, settings
from copilot.paper.claim_tables import from_table
from copilot.paper.claim_words import (
    CITED,
    FINDING,
    FUTURE,
    INSTRUCTION,
    LIMITATION,
    LIMITS,
    METHOD,
    NO_FUTURE,
    OWN,
    OWN_LIMIT,
    SKIP,
)
from copilot.paper.ground import ground
from copilot.paper.words import sentences


@dataclass(slots=True)
class _Sentence:
    text: str
    page: int
    section: str


def extract_claims(paper: Paper) -> list[Claim]:
    """All entries that the rules find, in reading order within each kind, tables after prose; ids are c1, c2, …"""
    drafts: list[Claim] = []
    names = own_names(paper.title)
    for sentence in _sentences(paper):
        drafts.extend(_from_sentence(sentence, names))
    for table in paper.tables:
        drafts.extend(from_table(table))
    kept: list[Claim] = []
    counts: dict[ClaimKind, int] = dict.fromkeys(LIMITS, 0)
    seen: set[tuple[str, str, float | None, str]] = set()
    for draft in drafts:
        key = (draft.kind, draft.quote + draft.text, draft.number, draft.metric + draft.dataset + draft.model)
        if key in seen or counts[draft.kind] >= LIMITS[draft.kind]:
            continue
        seen.add(key)
        counts[draft.kind] += 1
        kept.append(_grounded(paper, draft, len(kept) + 1))
    return kept


def _grounded(paper: Paper, draft: Claim, number: int) -> Claim:
    found, page = ground(paper, draft.quote, draft.page)
    return draft.model_copy(update={"id": f"c{number}", "grounded": found, "page": page or draft.page})


def _sentences(paper: Paper) -> Iterator[_Sentence]:
    if paper.abstract and not any(re.fullmatch("abstract|summary", s.title, re.I) for s in paper.sections):
        yield from _split(paper.abstract, 1, "Abstract")
    for section in paper.sections:
        if section.text and not re.match(r"references?|bibliography|acknowledg|author contrib", section.title, re.I):
            yield from _split(section.text, section.page, section.title)


def _split(text: str, page: int, section: str) -> Iterator[_Sentence]:
    for paragraph in text.split("\n"):
        for sentence in sentences(paragraph):
            if 30 <= len(sentence) <= 600 and sum(ch.isalpha() for ch in sentence) > 0.55 * len(sentence):
                yield _Sentence(sentence, page, section)


def own_names(title: str) -> list[str]:
    """Names of what the paper proposes, as its title gives them: before a colon, or spelled as no word is."""
    head, colon, _ = title.partition(":")
    words = re.findall(r"\b(?:[A-Z][a-z]+[A-Z]\w*|[A-Za-z]*[A-Z]{2,}[\w-]*)", title)
    return list(dict.fromkeys([*([head.strip()] if colon and len(head.split()) <= 2 else []), *words]))


def _from_sentence(sentence: _Sentence, names: list[str]) -> Iterable[Claim]:
    text, section = sentence.text, sentence.section
    if INSTRUCTION.search(text):
        return
    own = not SKIP.match(section) and not _is_citing(text)
    if own and (not _is_opening(section) or OWN.search(text) or any(name in text for name in names)):
        for value in values(text, names):
            yield _claim("result", sentence, **asdict(value))
    if own and FINDING.search(text) and not FUTURE.search(text):
        yield _claim("finding", sentence)
    if own and METHOD.search(text):
        yield _claim("method", sentence)
    if FUTURE.search(text) and not NO_FUTURE.search(text) and not SKIP.match(section):
        yield _claim("future_work", sentence)
    elif own and LIMITATION.search(text) and (_is_reflective(section) or OWN_LIMIT.search(text)):
        yield _claim("limitation", sentence)
    if own:
        for name, number, model in settings(text, section):
            yield _claim("hyperparameter", sentence, metric=name, number=number, model=model)
        for data in data_sets(text, section):
            yield _claim("dataset", sentence, dataset=data)


def _is_citing(text: str) -> bool:
    return bool(CITED.search(text)) and not OWN.search(text)


def _is_opening(section: str) -> bool:
    """Where papers speak of others' results as much as of their own."""
    return bool(re.search(r"introduction|background|motivation|overview|preliminar", section, re.I))


def _is_reflective(section: str) -> bool:
    return bool(re.search(r"limitation|discussion|conclusion|future|threats", section, re.I))


def _claim(kind: ClaimKind, sentence: _Sentence, **more: object) -> Claim:
    fields = {
        "id": "",
        "kind": kind,
        "text": sentence.text,
        "quote": sentence.text,
        "page": sentence.page,
        "grounded": False,
    }
    return Claim.model_validate({**fields, "section": sentence.section, **more})


def sections_named(paper: Paper, pattern: str) -> list[Section]:
    """Sections whose title matches a regular expression, case ignored."""
    return [section for section in paper.sections if re.search(pattern, section.title, re.I)]
