"""Hyper-parameters and data sets that the authors say they used, as far as single sentences tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from copilot.paper.claim_words import KNOWN_DATA, MODEL, OWN, SETTING_PATTERN

_DONE = re.compile(
    r"\b(?:we|our|ours)\b|\b(?:is|are|was|were) (?:\w+ly )?(?:set|trained|used|fixed|chosen|optimi[sz]ed"
    r"|initiali[sz]ed|run|evaluated"
    r"|tested|fine-?tuned|applied)\b|\b(?:trained|optimi[sz]ed|fine-?tuned|evaluated|tested) (?:with|using|for"
    r"|by|on)\b",
    re.I,
)
_ELSEWHERE = re.compile(
    r"introduction|related|background|abstract|conclu|discussion|future|limitation|preliminar|dialogue", re.I
)
_OPTIMIZER = re.compile(
    r"\b(?:us(?:e[sd]?|ing)|with|by|via|train\w*|optimi[sz]\w+|employ\w*|adopt\w*|appl\w+)\s+(?:\S+\s+){0,3}\(?$", re.I
)
_MULTIPLE = {"thousand": 1e3, "k": 1e3, "K": 1e3, "million": 1e6, "M": 1e6, "billion": 1e9, "B": 1e9}
_AFTER = re.compile(
    r"[\s(]*(?:of|to|=|is|was|set to|size|equal to|:|rate|at|η|λ|β\d?|α)?[\s(=]*(?:of|to|is|=)?\s*"
    r"(?P<n>\d[\d,]*(?:\.\d+)?(?:\s?[×x·]\s?10\s?[-−–]\s?\d+|e[-−]?\d+)?)(?P<more>\s?(?:thousand|million"
    r"|billion|[kKMB])\b)?"
    r"(?P<range>\s?[-–]\s?\d)?"
)
_BEFORE = re.compile(
    r"(?P<range>\d\s?[-–]\s?)?(?P<n>\d[\d,]*(?:\.\d+)?)(?P<more>\s?(?:thousand|million|billion|[kKMB]))?(?:\s"
    r"|-)(?:\w+\s)?$"
)
_NAMED = re.compile(
    r"\b(?:on|using|from|of) the ([A-Z][\w-]+(?: [A-Z][\w-]+){0,3}) (?:dataset|corpus|benchmark|data set)\b"
)
_ONLY_NAMED = re.compile(
    r"(?:such as|like|e\.g\.,?|including|for example,?)\s(?:[\w-]+,?\s(?:and\s|or\s)?){0,3}$", re.I
)


def settings(text: str, section: str) -> Iterator[tuple[str, float | None, str]]:
    """(name, value, model) of each setting that the sentence states of the authors' own training, each name once."""
    if not _DONE.search(text) or _ELSEWHERE.search(section):
        return
    for name, pattern in SETTING_PATTERN.items():
        found = list(pattern.finditer(text))
        if name == "optimizer":
            used = (m for m in found if _OPTIMIZER.search(text[: m.start()]) or text[m.end() :].startswith(" optimi"))
            if chosen := next(used, None):
                yield name, None, chosen.group()
            continue
        stated = {value: m for m in found if (value := _value(text, m)) is not None}
        if len(stated) == 1:
            yield name, next(iter(stated)), _model(text)


def _model(text: str) -> str:
    names = {m.group() for m in MODEL.finditer(text) if not KNOWN_DATA.match(m.group())}
    return next(iter(names)) if len(names) == 1 else ""


def _value(text: str, match: re.Match[str]) -> float | None:
    """The number right after or right before the name; None for a range or where there is none."""
    found = _AFTER.match(text[match.end() : match.end() + 48]) or _BEFORE.search(
        text[max(0, match.start() - 28) : match.start()]
    )
    if (
        not found
        or found["range"]
        or re.search(r"\b(?:every|each|per|period|last|first)\b", text[max(0, match.start() - 40) : match.start()])
    ):
        return None
    plain = re.sub(r"\s?[×x·]\s?10\s?[-−–]\s?", "e-", found["n"].replace(",", "")).replace("−", "-")
    try:
        return float(plain) * _MULTIPLE.get((found["more"] or "").strip(), 1.0)
    except ValueError:
        return None


def data_sets(text: str, section: str) -> list[str]:
    """Data sets that the authors say they trained or tested on."""
    own = bool(OWN.search(text))
    if not (own or (_DONE.search(text) and not _ELSEWHERE.search(section))):
        return []
    if not re.search(
        r"\b(?:train|evaluat|test|experiment|pre-?train|fine-?tun|report|benchmark|us(?:e|ing)\b)\w*", text, re.I
    ):
        return []
    known = [m.group() for m in KNOWN_DATA.finditer(text) if not _ONLY_NAMED.search(text[: m.start()])]
    return list(dict.fromkeys(known or [m.group(1) for m in _NAMED.finditer(text)]))[:6]
