"""What a request insists on or wishes for besides its subject: language, direction, licence and size.

Pure comparisons of one record with one request; what nobody states counts as neither for nor against.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from copilot.hub.languages import pairs_in, serves
from copilot.hub.values import Filters, Record, Understood

MOST_WISHED = 2.0

_SIZE = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)\s?([bm])(?![A-Za-z])", re.IGNORECASE)
_SMALL = re.compile(
    r"(?:^|[-_/])(?:tiny|mini|small|base|distil\w*|nano|lite|mobile\w*|xs|efficient\w*)(?=[-_/]|$)", re.I
)
_PERMISSIVE = (
    "apache",
    "mit",
    "bsd",
    "cc0",
    "cc-by-4",
    "cc-by-3",
    "cc-by-sa",
    "unlicense",
    "openrail",
    "odc-by",
    "pddl",
)


def parameters(record: Record) -> int | None:
    """Number of weights: stated by the Hub, else read from a name like `opt-125m` or `llama-7b`."""
    if record.parameters:
        return record.parameters
    match = _SIZE.search(record.id.rsplit("/", 1)[-1].replace("_", "-"))
    return int(float(match[1]) * (1e9 if match[2].lower() == "b" else 1e6)) if match else None


def licence_matches(licence: str, wish: str) -> bool | None:
    """Whether a licence tag satisfies a wish; None when the record names none."""
    if not licence or licence in ("unknown", "other"):
        return None
    plain = licence.lower()
    if wish == "permissive":
        return plain.startswith(_PERMISSIVE) and "-nc" not in plain and "-nd" not in plain
    return plain.startswith(wish.split("-2")[0]) and ("nc" in wish or "-nc" not in plain)


def language_fits(record: Record, codes: Iterable[str]) -> bool | None:
    """Whether a record covers one of the languages; None when it names none."""
    if not record.languages:
        return None
    own = {code.split("-")[0] for code in record.languages} | {code[:2] for code in record.languages if len(code) == 3}
    return bool(own & set(codes)) or bool(own & {"multilingual", "mul"})


def broken_filter(record: Record, filters: Filters) -> bool:
    """True when the record is known to break what the person insists on."""
    size = parameters(record)
    return (
        record.id in filters.exclude
        or bool(filters.task and record.tasks and filters.task not in record.tasks)
        or bool(filters.language and language_fits(record, (filters.language,)) is False)
        or bool(filters.licence and licence_matches(record.licence, filters.licence.lower()) is False)
        or bool(filters.max_parameters and size and size > filters.max_parameters)
        or bool(filters.max_bytes and record.bytes and record.bytes > filters.max_bytes)
    )


def wished(record: Record, size: int | None, wish: Understood) -> float:
    """From -1 to MOST_WISHED: languages, licence and size as wished for; unknown counts as neither."""
    total = _language_wish(record, wish) + _direction_wish(record, wish)
    if wish.licence and (fits := licence_matches(record.licence, wish.licence)) is not None:
        total += 0.5 if fits else -0.5
    if wish.max_parameters and size:
        total += 0.4
    if wish.small:
        total += 0.25 if _SMALL.search(record.id) or (size is not None and size <= 300_000_000) else 0.0
        total -= 0.4 if size is not None and size > 2_000_000_000 else 0.0
    return max(-1.0, min(MOST_WISHED, total))


def too_large(size: int | None, wish: Understood) -> bool:
    """True when the request states a limit and the record is known to exceed it."""
    return bool(wish.max_parameters and size and size > wish.max_parameters)


def _direction_wish(record: Record, wish: Understood) -> float:
    """Whether a translator's name says the direction that is wanted (`opus-mt-de-en`), or another one."""
    if wish.direction is None or record.kind != "model" or not (pairs := pairs_in(record.id)):
        return 0.0
    if wish.direction in pairs:
        return MOST_WISHED
    return 1.0 if serves(pairs, wish.direction) else -1.0


def _language_wish(record: Record, wish: Understood) -> float:
    if wish.languages:
        covered = [language_fits(record, (code,)) for code in wish.languages]
        if None in covered:
            return 0.0
        if not any(covered):
            return -1.0 if wish.languages != ("en",) else -0.6
        share = sum(map(bool, covered)) / len(covered)
        return share * (0.8 if len(record.languages) <= len(wish.languages) + 1 else 0.5)
    if record.languages and "en" not in record.languages and language_fits(record, ("en",)) is False:
        return -0.55
    return 0.0
