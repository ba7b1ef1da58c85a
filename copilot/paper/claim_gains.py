"""Gains in prose that are no values of a metric: what became faster, smaller or cheaper, and by how much.

Only a percentage or a factor that the words tie to speed or to a resource; ranges are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from copilot.paper.claim_clauses import EARLIER, RANGE_AFTER, RANGE_BEFORE
from copilot.paper.claim_metrics import parse_number
from copilot.paper.claim_names import data_in, own_in
from copilot.paper.claim_results import Value

_N = r"(?<![\w.,/–-])(?P<n>\d[\d,]*(?:\.\d+)?)\s?(?P<u>%|×|x\b|times\b|-?fold\b)"
_RESOURCE = (
    r"(?P<what>(?:[A-Za-z-]+\s){0,2}?(?:memory|storage|parameters?|FLOPs|comput(?:e|ation|ational costs?|ations)"
    r"|costs?|time|data"
    r"|steps|energy|size|samples|labels|examples|tokens|updates|latency|throughput|queries|iterations|bandwidth"
    r"|overhead)"
    r"(?: (?:usage|consumption|footprint|requirements?|costs?|complexity|efficiency|size))?)\b"
)
_ABOUT = (
    r"(?:a factor of |up to |about |around |over |more than |nearly |almost |at least |roughly |approximately "
    r"|an? )*"
)
_PATTERNS = (
    re.compile(
        rf"{_N}\s(?:faster|slower|quicker)"
        rf"(?:\s(?P<what>training|inference|convergence|decoding|in training|in inference))?\b"
    ),
    re.compile(rf"{_N}\s(?:less|fewer|smaller|lower|cheaper|more|higher)\s{_RESOURCE}"),
    re.compile(
        rf"\b(?:reduc|decreas|cut|lower|sav|improv|increas|boost)\w*\s(?:the |its |their |our )?{_RESOURCE}"
        rf"[^,;.\d]{{0,40}}?\sby\s{_ABOUT}{_N}"
    ),
    re.compile(rf"{_N}\s(?:measured |average |lower |less )*{_RESOURCE}\s(?:reduction|decrease|savings?)\b"),
    re.compile(rf"{_N}\s(?:reduction|decrease|savings?|improvement|increase)\s(?:in|of)\s(?:the )?{_RESOURCE}"),
)
_HOPED = re.compile(r"\b(?:can|could|may|might|would|should|if|typically|usually)\b[^,;]{0,40}$", re.I)


def gains(text: str, own_names: Sequence[str] = ()) -> Iterator[Value]:
    """The gains that a sentence states, each number once; `metric` says of what ("memory difference")."""
    seen: set[int] = set()
    own, data = {one.name for one in own_in(text, own_names)}, {one.name for one in data_in(text)}
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            number = parse_number(match["n"])
            if number is None or match.start("n") in seen or _is_open(text, match):
                continue
            seen.add(match.start("n"))
            what = (match["what"] or "").removeprefix("in ")
            yield Value(
                number,
                "%" if match["u"] == "%" else "×",
                f"{what} speed difference".strip() if pattern is _PATTERNS[0] else f"{what} difference",
                own.copy().pop() if len(own) == 1 else "",
                data.copy().pop() if len(data) == 1 else "",
            )


def _is_open(text: str, match: re.Match[str]) -> bool:
    """Whether the number is one end of a range, somebody else's, or only possible."""
    before = text[: match.start("n")]
    ranged = RANGE_BEFORE.search(before[-40:]) or RANGE_AFTER.match(text, match.end("n"))
    return bool(ranged or EARLIER.search(before) or _HOPED.search(before))
