"""Results in prose: which numbers of a sentence are values of a metric, and of what model on which data.

Prefers silence to a guess: a number that is no value of the named metric (a setting, a share of the data, a count of
epochs) is left out, and a model or data set that the clause does not tie to the number stays empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from copilot.paper.claim_words import KNOWN_DATA, METRIC, MODEL, NUMBER, RESULT_VERB, UNIT

_CLAUSE = re.compile(r"[;:]\s|,\s(?!\d)|\s[—–]\s|\b(?:while|whereas|but|although|though)\b")
_COMPARED = re.compile(
    r"\b(?:than|compared (?:to|with)|over|versus|vs\.?|against|unlike|except|relative to)\s[^,;]{0,40}$", re.I
)
_LABEL = re.compile(
    r"(?:Fig(?:ure)?s?\.?|Tab(?:le)?s?\.?|Sec(?:tion)?s?\.?|Eq(?:uation)?s?\.?|Appendix|Algorithm|Theorem|Lemma"
    r"|Step|Stage"
    r"|Case|top-|@)\s*\(?$",
    re.I,
)
_SYMBOL = re.compile(r"(?:^|[\s(])([A-Za-zα-ωΑ-Ω]\w{0,2})\s?[=<>≥≤≈∼~]\s?$")
_COUNTED = re.compile(
    r"\s?(?:[MKkB]\b|million|billion|thousand)|-\s?[a-zA-Z]|\s(?:epochs?|steps?|iterations?|layers?|runs?"
    r"|seeds?|images?|samples?"
    r"|examples?|tasks?|datasets?|models?|classes|times|games|parameters?|bits?|days?|people|users)\b"
)
_SHARE = re.compile(
    r"\s?(?:%|percent) (?:of|fewer|less|more|sparsity|dropout)\b(?! (?:accura|error|AUC|F1))|\s?% (?:confidence"
    r"|CI\b|train|test)"
)
_TIMES = {"ms", "s", "second", "seconds", "hour", "hours", "minute", "minutes"}
_NOT_VALUES = {"epoch", "epochs", "steps", "GB", "MB"}
_TIED = re.compile(
    r"(?:of|to|is|was|are|were|at|with|from|by|=|:|reach\w*|achiev\w*|score[sd]?|about|around|nearly)\s*\(?$", re.I
)
NEAR = 60
"""Characters between a bare decimal number and the metric that it is a value of."""


@dataclass(frozen=True)
class Value:
    """One number of a sentence with what it is bound to; empty where the words do not say."""

    number: float
    unit: str
    metric: str
    model: str
    dataset: str


def values(text: str, own_names: Sequence[str] = ()) -> Iterator[Value]:
    """The metric values that a sentence states; `own_names` are names of what the paper itself proposes."""
    if not RESULT_VERB.search(text):
        return
    spans = [(m.start(), m.end(), name) for name, pattern in METRIC.items() for m in pattern.finditer(text)]
    if not spans:
        return
    models = _models(text, own_names)
    data = list(KNOWN_DATA.finditer(text))
    for match in NUMBER.finditer(text):
        number, unit = float(match.group().replace(",", "").replace("−", "-")), _unit(text, match.end())
        metric = _metric(text, match, unit, spans)
        if metric and not _is_no_value(text, match):
            yield Value(number, unit, metric, _bound(text, match, models), _bound(text, match, data))


def _unit(text: str, end: int) -> str:
    match = UNIT.match(text, end)
    if not match:
        return ""
    word = match.group(1)
    return {"percent": "%", "x": "×"}.get(word, word)


def _is_no_value(text: str, match: re.Match[str]) -> bool:
    """A label, a year, a citation, a setting ("k = 3"), a count or a share of something."""
    before, after = text[max(0, match.start() - 20) : match.start()], text[match.end() :]
    if re.search(r"\d\s$", before) or _LABEL.search(before) or _COUNTED.match(after) or _SHARE.match(after):
        return True
    if (symbol := _SYMBOL.search(before)) and not any(p.fullmatch(symbol[1]) for p in METRIC.values()):
        return True
    if re.fullmatch(r"(?:19|20)\d\d", match.group()) and not UNIT.match(after):
        return True
    return _in_brackets(text, match)


def _in_brackets(text: str, match: re.Match[str]) -> bool:
    opened = re.search(r"\[[\d,;\s–-]*$", text[: match.start()])
    return bool(opened and re.match(r"[\d,;\s–-]*\]", text[match.end() :]))


def _metric(text: str, match: re.Match[str], unit: str, spans: list[tuple[int, int, str]]) -> str:
    """The metric that the number is a value of, or nothing: in its clause, else before it."""
    if unit in _NOT_VALUES:
        return ""
    start, end = _clause(text, match)
    inside = [span for span in spans if start <= span[0] < end]
    before = [span for span in spans if span[1] <= match.start()]
    near = inside or before[-1:] or (spans if unit else [])
    specific = [span for span in near if span[2] not in {"score", "loss"}] or near
    if not specific:
        return ""
    best = min(specific, key=lambda span: _distance(span, match))
    if unit in _TIMES or unit == "×":
        return best[2] if best[2] == "speedup" else ""
    if unit or ("." in match.group() and _distance(best, match) <= NEAR):
        return best[2]
    tied = best[1] <= match.start() and match.start() - best[1] <= 25 and _TIED.search(text[best[1] : match.start()])
    return best[2] if tied else ""


def _distance(span: tuple[int, int, str], match: re.Match[str]) -> int:
    return span[0] - match.end() if span[0] >= match.end() else match.start() - span[1]


def _clause(text: str, match: re.Match[str]) -> tuple[int, int]:
    cuts = [(cut.start(), cut.end()) for cut in _CLAUSE.finditer(text)]
    start = max((end for _, end in cuts if end <= match.start()), default=0)
    return start, min((begin for begin, _ in cuts if begin >= match.end()), default=len(text))


def _models(text: str, own_names: Sequence[str]) -> list[re.Match[str]]:
    found = [m for name in own_names for m in re.finditer(rf"\b{re.escape(name)}\b", text, re.I)]
    taken = {m.start() for m in found}
    others = (m for m in MODEL.finditer(text) if m.start() not in taken and not KNOWN_DATA.match(m.group()))
    return sorted([*found, *others], key=lambda m: m.start())


def _bound(text: str, match: re.Match[str], named: Sequence[re.Match[str]]) -> str:
    """Which of the named things the number belongs to; nothing where the sentence leaves it open."""
    start, end = _clause(text, match)
    inside = [m for m in named if start <= m.start() < end]
    for one in inside:
        between = text[match.end() : one.start()] if one.start() >= match.end() else ""
        if between and re.fullmatch(r"[^\d]{0,30}?\b(?:for|by|with|using|on|in)\s(?:the\s)?(?:\w+\s)?", between):
            return one.group()
    before = [m for m in inside if m.end() <= match.start() and not _COMPARED.search(text[: m.start()])]
    if before:
        return before[-1].group()
    distinct = {m.group() for m in named if not _COMPARED.search(text[: m.start()])}
    return distinct.pop() if len(distinct) == 1 else ""
