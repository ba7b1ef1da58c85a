"""The claims ledger by rules: what a paper itself says it found, did, lacks and plans, each with its own words.

Every entry's quote is checked by `ground`; what is not found verbatim is marked so. Uses no model and draws no
conclusion: a claim here is what the paper says, not what is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

from copilot.domain.paper import Claim, ClaimKind, Paper, Section
from copilot.paper.caution import instructions_in
from copilot.paper.claim_gains import gains
from copilot.paper.claim_names import own_names
from copilot.paper.claim_results import values
from copilot.paper.claim_settings import data_sets, settings
from copilot.paper.claim_tables import from_table
from copilot.paper.claim_words import (
    CITED,
    FINDING,
    FUTURE,
    INSTRUCTION,
    LEADS_IN,
    LIMITED,
    LIMITS,
    METHOD,
    NO_FINDING,
    NO_FUTURE,
    OTHERS_LIMIT,
    OWN,
    OWN_LIMIT,
    SKIP,
    TOLD_LIMIT,
)
from copilot.paper.ground import ground
from copilot.paper.words import sentences

_OF_LIMITS = re.compile(
    r"\blimitations?\b(?! (?:of|in|with) (?!our|this|the (?:study|work|method|approach)\b))|threats to validity", re.I
)
_OF_OTHERS = re.compile(
    r"\b(?:survey|review of|overview|a review|perspectives?|tutorial|cookbook|position paper)\b", re.I
)
"""Titles of papers that hold the numbers, settings and limits of other papers."""
_OF_SURVEYS = {"finding", "method", "future_work"}


@dataclass(slots=True)
class _Sentence:
    text: str
    page: int
    section: str


def extract_claims(paper: Paper) -> list[Claim]:
    """All entries that the rules find, in reading order within each kind, tables after prose; ids are c1, c2, …"""
    drafts: list[Claim] = []
    names = own_names(paper.title, _opening(paper))
    others = bool(_OF_OTHERS.search(paper.title))
    for sentence in _sentences(paper):
        found = _from_sentence(sentence, names)
        drafts.extend(claim for claim in found if not others or claim.kind in _OF_SURVEYS)
    for table in [] if others else paper.tables:
        drafts.extend(claim for claim in from_table(table, names) if not instructions_in(claim.quote))
    drafts = _without_repeats(drafts)
    kept: list[Claim] = []
    counts: dict[ClaimKind, int] = dict.fromkeys(LIMITS, 0)
    seen: set[tuple[str, str, float | None, str]] = set()
    for draft in drafts:
        key = (draft.kind, draft.quote + draft.text, draft.number, draft.metric + draft.dataset + draft.model)
        if key in seen or counts[draft.kind] >= LIMITS[draft.kind]:
            continue
        seen.add(key)
        counts[draft.kind] += 1
        kept.append(draft.model_copy(update={"id": f"c{len(kept) + 1}"}))
    return _grounded(paper, kept)


def _grounded(paper: Paper, claims: Sequence[Claim]) -> list[Claim]:
    """The claims with what the check of their quotes says; a quote of several claims is looked for once."""
    found: dict[tuple[str, int], tuple[bool, int | None]] = {}
    out = []
    for claim in claims:
        key = (claim.quote, claim.page)
        if key not in found:
            found[key] = ground(paper, *key)
        grounded, page = found[key]
        out.append(claim.model_copy(update={"grounded": grounded, "page": page or claim.page}))
    return out


def _without_repeats(drafts: Sequence[Claim]) -> list[Claim]:
    """Each value of the prose once, where it says most (abstract, results and conclusion tell the same number)."""
    best: dict[tuple[float | None, str, str], Claim] = {}
    out: list[Claim] = []
    for draft in drafts:
        if draft.kind != "result" or draft.text != draft.quote:
            out.append(draft)
            continue
        key = (draft.number, draft.unit, draft.metric.lower())
        first = best.get(key)
        if first is None or not _same(first.model, draft.model) or not _same(first.dataset, draft.dataset):
            out.append(draft)
            best[key] = draft
        elif (bool(draft.model), bool(draft.dataset)) > (bool(first.model), bool(first.dataset)):
            out[out.index(first)] = best[key] = draft
    return out


def _same(one: str, other: str) -> bool:
    return not one or not other or one == other


def _sentences(paper: Paper) -> Iterator[_Sentence]:
    if paper.abstract and not any(re.fullmatch("abstract|summary", s.title, re.I) for s in paper.sections):
        yield from _whole(paper, _split(paper.abstract, 1, "Abstract"))
    for section in paper.sections:
        if section.text and not re.match(r"references?|bibliography|acknowledg|author contrib", section.title, re.I):
            yield from _whole(paper, _split(section.text, section.page, section.title))


def _whole(paper: Paper, found: Iterable[_Sentence]) -> Iterator[_Sentence]:
    """Without the ends of sentences whose beginning stands elsewhere; a name may begin with a small letter."""
    for sentence in found:
        if re.match(r"\d+[A-Z][a-z]", sentence.text):
            continue  # a note at the foot of a page
        first = re.match(r"[a-z]+(?![\w-])", sentence.text)
        if not first or first.group() in paper.title.lower().split():
            yield sentence


def _split(text: str, page: int, section: str) -> Iterator[_Sentence]:
    suspect = bool(instructions_in(text))
    for paragraph in text.split("\n"):
        for sentence in sentences(paragraph):
            if suspect and instructions_in(sentence):
                break  # what follows an order to a machine in its paragraph may be the order's, too
            if "\ufffd" in sentence:
                continue
            if 30 <= len(sentence) <= 600 and sum(ch.isalpha() for ch in sentence) > 0.55 * len(sentence):
                yield _Sentence(sentence, page, section)


def _from_sentence(sentence: _Sentence, names: list[str]) -> Iterable[Claim]:
    text, section = sentence.text, sentence.section
    if INSTRUCTION.search(text):
        return
    own = not SKIP.match(section) and not _is_citing(text)
    if own and (not _is_opening(section) or OWN.search(text) or any(name in text for name in names)):
        for value in (*values(text, names), *(gains(text, names) if OWN.search(text) or _sums_up(section) else ())):
            yield _claim("result", sentence, **asdict(value))
    if own and FINDING.search(text) and not (FUTURE.search(text) or NO_FINDING.search(text)):
        yield _claim("finding", sentence)
    if own and METHOD.search(text) and text[-1:] != ":" and len(text) >= 40:
        yield _claim("method", sentence)
    ahead = FUTURE.search(text) and not NO_FUTURE.search(text) and not SKIP.match(section)
    if ahead and (not _is_opening(section) or OWN.search(text)):
        yield _claim("future_work", sentence)
    elif own and not OTHERS_LIMIT.search(text) and _is_limit(sentence):
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


def _opening(paper: Paper) -> str:
    """Abstract and introduction: where a paper names what it proposes."""
    first = next((s.text for s in paper.sections if re.search(r"introduction", s.title, re.I)), "")
    return f"{paper.abstract}\n{first}"


def _sums_up(section: str) -> bool:
    return bool(re.search(r"abstract|result|conclu|experiment|evaluation", section, re.I))


def _is_limit(sentence: _Sentence) -> bool:
    """A limit of the paper's own; where it looks back on itself, less has to be said for one."""
    text, section = sentence.text, sentence.section
    if LEADS_IN.search(text):
        return False
    if _OF_LIMITS.search(section):
        return bool(LIMITED.search(text))
    back = re.search(r"discussion|conclusion|future|outlook", section, re.I)
    return bool(OWN_LIMIT.search(text) or (back and TOLD_LIMIT.search(text)))


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
