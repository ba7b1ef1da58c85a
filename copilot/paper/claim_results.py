"""Results in prose: which numbers of a sentence are values of a metric, and of what model on which data.

A number counts only where the words tie it to the metric ("accuracy of 93 %", "93 % top-1 accuracy"). Prefers silence
to a guess: settings, thresholds, ranges and the numbers of what is compared with are left out, and a model or data set
that the clause does not tie to the number stays empty. A difference ("by 2 points") says so in the metric's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from copilot.paper.claim_clauses import (
    AFTER,
    AS_SUBJECT,
    BETWEEN,
    CLAUSE,
    COMPARED,
    COMPARED_WITH,
    COUNTED,
    DIFFERENCE_AFTER,
    DIFFERENCE_BEFORE,
    EARLIER,
    FROM,
    FROM_TO,
    JOINED,
    LABEL,
    LEVEL_TO,
    MORE,
    NEXT,
    OTHERS,
    PLAIN_WORDS,
    RANGE_AFTER,
    RANGE_BEFORE,
    SHARE,
    STOP,
    SYMBOL,
    TARGET,
    TIE,
)
from copilot.paper.claim_metrics import GENERAL, NUMBER, Named, is_possible, metrics_in, parse_number, unit_after
from copilot.paper.claim_names import Mention, data_in, models_in

_Listed = TypeVar("_Listed", Named, Mention)
_TIMES = {"ms", "s", "second", "seconds", "hour", "hours", "minute", "minutes"}
_NEVER = {"epoch", "epochs", "steps", "GB", "MB", "hours", "hour", "minutes", "minute"}
_UNITS_OF = {
    "speedup": {"×", "%"},
    "throughput": {"×", "%"},
    "latency": {*_TIMES, "%", "×"},
    "PSNR": {"dB", ""},
    "SDR": {"dB", ""},
    "Hausdorff distance": {"mm", ""},
}


@dataclass(frozen=True)
class Value:
    """One number of a sentence with what it is bound to; empty where the words do not say."""

    number: float
    unit: str
    metric: str
    model: str
    dataset: str


@dataclass(frozen=True)
class _Number:
    start: int
    end: int
    value: float
    unit: str
    unit_end: int


def values(text: str, own_names: Sequence[str] = ()) -> Iterator[Value]:
    """The metric values that a sentence states; `own_names` are names of what the paper itself proposes."""
    if not _is_prose(text) or not (metrics := [m for m in metrics_in(text) if m.name != "loss"]):
        return
    models, data = models_in(text, own_names), data_in(text)
    for run in _runs(text, _numbers(text, metrics, models, data)):
        if len(run) == 1:
            yield from _single(text, run[0], metrics, models, data)
        else:
            yield from _listed(text, run, metrics, models, data)


def _is_prose(text: str) -> bool:
    """A sentence with a number, and not the marks of an axis, a formula or a program."""
    if len(text) > 200 and text[-1].isalnum():
        return False
    numbers, words = len(re.findall(r"(?<![\w.])\d", text)), len(re.findall(r"[A-Za-z]{2,}", text))
    return (
        0 < numbers <= 0.6 * words
        and not re.search(r"[{}\\∈∑∏∀∃∂∇⟨⟩�]|==|;$|[:.] [:.] [:.]", text)
        and len(re.findall(PLAIN_WORDS, text)) >= 2
    )


def _numbers(text: str, *named: Sequence[Named] | Sequence[Mention]) -> list[_Number]:
    """The numbers that are not part of a name ("top-5 accuracy", "CIFAR-10")."""
    taken = [(one.start, one.end) for group in named for one in group]
    out = []
    for match in NUMBER.finditer(text):
        number = parse_number(match.group())
        if number is None or any(start <= match.start() < end for start, end in taken):
            continue
        unit, unit_end = unit_after(text, match.end())
        out.append(_Number(match.start(), match.end(), number, unit, unit_end))
    return out


def _runs(text: str, numbers: Sequence[_Number]) -> list[list[_Number]]:
    """Numbers, those of one list ("7.9 %, 6.9 % and 5 %", "83.9/89.7") together."""
    runs: list[list[_Number]] = []
    for number in numbers:
        between = text[runs[-1][-1].unit_end : number.start] if runs else ""
        if runs and (re.fullmatch(r"\s?(?:,|,? and|,? or|/|,? and an?)\s?", between)):
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


def _single(
    text: str, number: _Number, metrics: Sequence[Named], models: Sequence[Mention], data: Sequence[Mention]
) -> Iterator[Value]:
    metric = _tied(text, number, metrics)
    if metric is None or not _is_value(text, number, metric) or (metric.name == "score" and number.value in (0.0, 1.0)):
        return
    difference = _is_difference(text, number)
    if not difference and _is_compared(text, number):
        return
    if is_possible(metric.kind, number.value, difference):
        name = f"{metric.name} difference" if difference and metric.kind != "speedup" else metric.name
        yield Value(
            number.value, number.unit, name, _bound(text, number, models), _bound(text, number, data, data=True)
        )


def _listed(
    text: str, run: list[_Number], metrics: Sequence[Named], models: Sequence[Mention], data: Sequence[Mention]
) -> Iterator[Value]:
    """Values of a list, bound in order to the one list of as many metrics, models or data sets; else nothing."""
    first, last = run[0], run[-1]
    kinds = _lists(text, metrics, len(run))
    of_models, of_data = _lists(text, models, len(run)), _lists(text, data, len(run))
    if sum(map(bool, (kinds, of_models, of_data))) != 1 or _is_compared(text, first):
        return
    metric = _tied(text, first, metrics) or _tied(text, last, metrics)
    if metric is None or not all(_is_value(text, n, metric) for n in run):
        return
    difference = _is_difference(text, first) or _is_difference(text, last)
    unit = last.unit or first.unit
    for at, number in enumerate(run):
        one = kinds[at] if kinds else metric
        if not is_possible(one.kind, number.value, difference):
            continue
        model = of_models[at].name if of_models else _bound(text, first, models)
        of = (
            of_data[at].name if of_data else _bound(text, first, data, data=True) or _bound(text, last, data, data=True)
        )
        yield Value(number.value, number.unit or unit, f"{one.name} difference" if difference else one.name, model, of)


def _lists(text: str, named: Sequence[_Listed], length: int) -> list[_Listed]:
    """The one list of `length` names, nothing when there is none or more than one list."""
    runs: list[list[_Listed]] = []
    for one in named:
        if runs and NEXT.fullmatch(text[runs[-1][-1].end : one.start]):
            runs[-1].append(one)
        else:
            runs.append([one])
    found = [run for run in runs if len(run) > 1]
    return found[0] if len(found) == 1 and len(found[0]) == length else []


def _tied(text: str, number: _Number, metrics: Sequence[Named]) -> Named | None:
    """The metric that the words tie the number to: "93 % accuracy", "accuracy of 93 %"."""
    after = next((m for m in metrics if m.start >= number.unit_end), None)
    before = next((m for m in reversed(metrics) if m.end <= number.start), None)
    behind = text[number.unit_end : after.start] if after else ""
    if (
        after
        and _joins(behind, number, after.kind)
        and len(behind.split()) <= 1
        and not (before and _leads(text, before, number) and behind.strip())
    ):
        return after
    if before and _leads(text, before, number):
        return before
    if after and _joins(behind, number, after.kind):
        return after
    return None


def _joins(between: str, number: _Number, kind: str) -> bool:
    """Whether "93.1 % (…) accuracy" is one phrase."""
    between = re.sub(r"\bin (?:terms of )?(?:the )?|\bof (?:the )?", "", between)
    if number.value.is_integer() and not number.unit and kind in GENERAL:
        return False
    if not BETWEEN.fullmatch(between) or STOP.search(between):
        return False
    words = len(between.split())
    if not number.unit and number.value.is_integer():
        return words == 0
    return words <= (4 if number.unit else 2)


def _leads(text: str, metric: Named, number: _Number) -> bool:
    """Whether "accuracy (…) of 93 %" is one phrase."""
    between = text[metric.end : number.start]
    if moved := FROM_TO.search(between):
        between = between[: moved.start()] + " of "
    between = re.sub(r"\([^()]*\)", "", between)
    if metric.kind in GENERAL and not number.unit and number.value.is_integer() and "=" in between:
        return False
    if len(between) > 70 or re.search(r"[;,\d]|\band\b|\.\s|:\s\S", re.sub(r"[A-Za-z][\w.]*-?\d+[\w.-]*", "", between)):
        return False
    if not between.strip():
        whole = not number.unit and number.value.is_integer()
        return metric.kind not in GENERAL and not whole and metric.name != "IoU"
    if metric.kind in GENERAL and len(between.split()) > 6:
        return False
    return bool(TIE.search(between))


def _is_value(text: str, number: _Number, metric: Named) -> bool:
    """Not a label, a year, a citation, a setting ("k = 3"), a count, a share, a range or something to be reached."""
    before, after = text[max(0, number.start - 80) : number.start], text[number.end :]
    if (
        re.search(r"\d\s$|\w:$", before)
        or re.match(r"\s?[\d≤≥<>=](?<!\d)|\s\d", after)
        or (not number.unit and after[:1].isalpha())
        or LABEL.search(before[-20:])
        or COUNTED.match(after)
        or SHARE.match(after)
    ):
        return False
    if MORE.match(after) or number.unit in _NEVER or OTHERS.match(after):
        return False
    allowed = _UNITS_OF.get(metric.kind)
    if (allowed is not None and number.unit not in allowed) or (number.unit in {*_TIMES, "×"} and allowed is None):
        return False
    if (symbol := SYMBOL.search(before)) and not metrics_in(symbol[1]):
        return False
    if (
        re.search(r"\brang(?:es?|ing)\b", text[: number.start])
        or EARLIER.search(text[: number.start])
        or (not number.unit and before.endswith("(") and re.match(r"\)", after) and number.value.is_integer())
    ):
        return False
    if re.fullmatch(r"(?:19|20)\d\d", text[number.start : number.end]) and not number.unit:
        return False
    if (
        RANGE_AFTER.match(after)
        or RANGE_BEFORE.search(before)
        or (FROM.search(before) and re.match(r"[^;,]{0,50}\bto\b", after))
    ):
        return False
    start, _ = _clause(text, number.start)
    return not TARGET.search(text[start : number.start]) and not _in_brackets(text, number)


def _in_brackets(text: str, number: _Number) -> bool:
    opened = re.search(r"\[[\d,;\s–-]*$", text[: number.start])
    return bool(opened and re.match(r"[\d,;\s–-]*\]", text[number.end :]))


def _is_difference(text: str, number: _Number) -> bool:
    before = text[max(0, number.start - 70) : number.start]
    if joined := JOINED.search(before):
        before = before[: joined.start()]
    if LEVEL_TO.search(before) and "up to" not in before[-8:]:
        return False
    signed = text[number.start] == "+"
    return signed or bool(DIFFERENCE_AFTER.match(text, number.end) or DIFFERENCE_BEFORE.search(before))


def _is_compared(text: str, number: _Number) -> bool:
    """Whether the number belongs to what the result is compared with."""
    start, _ = _clause(text, number.start, commas=False)
    found = COMPARED.search(text[start : number.start])
    return bool(found and not FROM_TO.search(text[start : number.start]))


def _clause(text: str, at: int, commas: bool = True) -> tuple[int, int]:
    cuts = [(m.start(), m.end()) for m in CLAUSE.finditer(text) if commas or m.group()[0] not in ","]
    start = max((end for _, end in cuts if end <= at), default=0)
    return start, min((begin for begin, _ in cuts if begin > at), default=len(text))


def _bound(text: str, number: _Number, named: Sequence[Mention], data: bool = False) -> str:
    """Which of the named things the number belongs to; nothing where the sentence leaves it open."""
    start, end = _clause(text, number.start)
    inside = [m for m in named if start <= m.start < end]
    behind = next((m for m in inside if m.start >= number.end), None)
    if behind and AFTER.fullmatch(text[number.end : behind.start]) and (data or not _is_other(text, behind)):
        return behind.name
    free = [m for m in inside if m.end <= number.start and not _is_other(text, m)]
    if data:
        return free[-1].name if free else _only(text, number, named)
    subjects = [m for m in free if AS_SUBJECT.match(text, m.end)]
    if subjects:
        return subjects[-1].name
    ahead = free if inside else [m for m in named if m.end <= number.start and not _is_other(text, m)]
    return ahead[0].name if len({m.name for m in inside or ahead}) == 1 and ahead else ""


def _only(text: str, number: _Number, named: Sequence[Mention]) -> str:
    """The one data set of the sentence, when it stands at its beginning or behind the number and no other is meant."""
    names = {m.name for m in named}
    fits = [m for m in named if m.end < 60 or (m.start > number.end and text.find(" on ", number.end, m.start) < 0)]
    if (
        len(names) != 1
        or not fits
        or re.match(r"[^,;.]{0,60}\b(?:on|for|in) (?:the )?(?!average)\w", text[number.unit_end :])
    ):
        return ""
    return names.pop()


def _is_other(text: str, named: Mention) -> bool:
    """Whether the thing is named only to be compared with."""
    before = text[max(0, named.start - 45) : named.start]
    return bool(COMPARED_WITH.search(before))
