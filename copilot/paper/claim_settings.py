"""Hyper-parameters and data sets that the authors say they used, as far as single sentences tell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from copilot.paper.claim_names import KNOWN_DATA, MODEL
from copilot.paper.claim_words import OWN, SETTING_PATTERN

_DONE = re.compile(
    r"\b(?:we|our|ours)\b|\b(?:is|are|was|were) (?:\w+ly )?(?:set|trained|used|fixed|chosen|optimi[sz]ed"
    r"|initiali[sz]ed|run|evaluated"
    r"|tested|fine-?tuned|applied)\b|\b(?:trained|optimi[sz]ed|fine-?tuned|evaluated|tested) (?:with|using|for"
    r"|on)\b",
    re.I,
)
_ELSEWHERE = re.compile(
    r"introduction|related|background|abstract|conclu|discussion|future|limitation|preliminar|dialogue", re.I
)
_OPTIMIZER = re.compile(
    r"\b(?:us(?:e[sd]?|ing)|with|by|via|train\w*|optimi[sz]\w+|employ\w*|adopt\w*|appl\w+)\s+(?:\S+\s+){0,3}\(?$", re.I
)
_COUNTS = {"layers", "attention heads", "epochs", "training steps", "seeds", "parameters"}
"""Settings that are counted: the number stands before the name ("10 hidden layers of 128 units")."""
_OTHERS = re.compile(
    r"\b(?:compar\w+|baselines?|competitors?|previous|prior|existing|reference|proposed by|following)\b", re.I
)
_TRIED = re.compile(
    r"\b(?:try|tried|tries|sweep\w*|swept|grid|search\w*|vary|varied|varying|ranging|range|among|candidates?"
    r"|tuned?|within|at ?least|fail\w*|converge\w*|select\w* from|choose from|chosen from)\b",
    re.I,
)
"""Several values are told, and not which one was used."""
_TRAINED = re.compile(r"train|optimi|tun(?:e|ed|ing)\b|updates?\b|gradient|learn", re.I)
_SCHEDULED = re.compile(r"\b(?:every|each|per|frequency|interval|period|last|first)\b")
_LEAST = {"parameters": 1000.0, "training steps": 10.0, "sequence length": 4.0}
_MOST = {"learning rate": 1.0, "weight decay": 1.0, "dropout": 1.0, "momentum": 1.0, "layers": 5000.0}
_MULTIPLE = {"thousand": 1e3, "k": 1e3, "K": 1e3, "million": 1e6, "M": 1e6, "billion": 1e9, "B": 1e9}
_AFTER = re.compile(
    r"[\s(]*(?:of|to|=|is|was|set to|size|equal to|:|rate|at|η|λ|β\d?|α)?[\s(=]*(?:of|to|is|=)?\s*"
    r"(?P<n>\d[\d,]*(?:\.\d+)?(?:\s?[×x·]\s?10\s?[-−–]\s?\d+|\s?e\s?[-−]?\s?\d+"
    r"|[−–-]\d\b)?)(?P<more>\s?(?:thousand|million"
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
    if not _DONE.search(text) or _ELSEWHERE.search(section) or _TRIED.search(text):
        return
    for name, pattern in SETTING_PATTERN.items():
        found = list(pattern.finditer(text))
        if name == "optimizer":
            used = (m for m in found if _OPTIMIZER.search(text[: m.start()]) or text[m.end() :].startswith(" optimi"))
            if chosen := next(used, None):
                yield name, None, chosen.group()
            continue
        if (name == "parameters" and _OTHERS.search(text)) or (name == "training steps" and not _TRAINED.search(text)):
            continue
        stated = {value for m in found if (value := _value(text, m, name in _COUNTS)) is not None}
        if len(stated) == 1 and _LEAST.get(name, 0.0) <= (value := stated.pop()) <= _MOST.get(name, 1e15):
            yield name, value, _model(text)


def _model(text: str) -> str:
    optimizer = SETTING_PATTERN["optimizer"]
    names = {m.group() for m in MODEL.finditer(text) if not (KNOWN_DATA.match(m.group()) or optimizer.match(m.group()))}
    return next(iter(names)) if len(names) == 1 else ""


def _value(text: str, name: re.Match[str], counted: bool) -> float | None:
    """The number right after or right before the name; None for a range, a list or where there is none."""
    for found in (_number_before(text, name), _number_after(text, name, counted))[:: 1 if counted else -1]:
        if found:
            lead = text[max(0, name.start() - 40) : name.start()]
            open_ = (
                found["range"] or _SCHEDULED.search(lead) or re.match(r"\s(?:of|for) (?:\w+ )?warm", text[name.end() :])
            )
            return None if open_ else _parsed(found)
    return None


def _number_before(text: str, name: re.Match[str]) -> re.Match[str] | None:
    begin = max(0, name.start() - 28)
    found = _BEFORE.search(text[begin : name.start()])
    shape = found and re.search(r"[×x:/]\s?$", text[: begin + found.start("n")])
    return None if shape else found


def _number_after(text: str, name: re.Match[str], counted: bool) -> re.Match[str] | None:
    behind = text[name.end() :]
    if counted and not re.match(r"\s?(?:=|:|is|was|to|of)\s", behind):
        return None
    found = _AFTER.match(behind[:48])
    listed = found and re.match(
        r"\s?(?:,|/|:|and|or|,? or|,? and)\s?[\d.]+(?!\s(?!for|in|on|resp)[a-z]|[\d.])", behind[found.end() :]
    )
    return None if listed else found


def _parsed(found: re.Match[str]) -> float | None:
    told = re.sub(r"[\s,]", "", found["n"]).replace("−", "-").replace("–", "-")
    plain = re.sub(r"^10(?=-\d)", "1e", re.sub(r"[×x·]10-", "e-", told))
    try:
        return float(f"{float(plain) * _MULTIPLE.get((found['more'] or '').strip(), 1.0):.12g}")
    except ValueError:
        return None


def data_sets(text: str, section: str) -> list[str]:
    """Data sets that the authors say they trained or tested on."""
    own = bool(OWN.search(text))
    if not (
        own
        or (_DONE.search(text) and re.search(r"experiment|set-?up|data|implement|training|evaluation", section, re.I))
    ):
        return []
    if not re.search(
        r"\b(?:train|evaluat|test|experiment|pre-?train|fine-?tun|report|benchmark|us(?:e|ing)\b)\w*", text, re.I
    ):
        return []
    known = [m.group() for m in KNOWN_DATA.finditer(text) if not _ONLY_NAMED.search(text[: m.start()])]
    return list(dict.fromkeys(known or [m.group(1) for m in _NAMED.finditer(text)]))[:6]
