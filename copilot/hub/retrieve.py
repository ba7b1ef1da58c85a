"""`retrieve`: from a request in plain words to judged, explained, pinned hits.

Finds and explains; it does not download weights or data (that is `fetch`) and it never runs anything. Every card is
read as data.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TextIO

from copilot.errors import SetupError
from copilot.hub.query import understand
from copilot.hub.rank import Ranked
from copilot.hub.reasons import hit_from
from copilot.hub.safety import printable
from copilot.hub.source import HubSource
from copilot.hub.values import Filters, Hit, Kind, Refusal, Retrieved

KINDS: tuple[Kind, ...] = ("model", "dataset", "code")
LISTED = 5
FIRST = 3
"""How many hits a person looks at first: when all of them are weak, the answer says that nothing fits."""
NOTHING_FITS = "Nothing here really fits the request; the hits are the nearest there is."


def retrieve(query: str, kind: Kind, *, top: int = 10, source: HubSource, filters: Filters | None = None) -> list[Hit]:
    """The best hits for one request, best first; hits that a person must allow first are marked `refused`.

    Raises SetupError for an empty request or an unknown kind.
    """
    return search(query, kind, top=top, source=source, filters=filters).hits


def search(query: str, kind: Kind, *, top: int = 10, source: HubSource, filters: Filters | None = None) -> Retrieved:
    """Like `retrieve`, with where the answer came from and what was left out."""
    return retrieve_many([(query, kind)], top=top, source=source, filters=filters)[0]


def retrieve_many(
    queries: Sequence[tuple[str, Kind]], *, top: int = 10, source: HubSource, filters: Filters | None = None
) -> list[Retrieved]:
    """Many requests at once: the catalogue is loaded, or the Hub asked, once for all of them."""
    insisted = filters or Filters()
    for query, kind in queries:
        _check(query, kind, top)
    answers: dict[int, Retrieved] = {}
    for kind in KINDS:
        chosen = [n for n, (_, wanted) in enumerate(queries) if wanted == kind]
        wishes = [understand(queries[n][0]) for n in chosen]
        for n, found in zip(chosen, source.rank_all(wishes, kind, insisted, top), strict=True):
            answers[n] = _answer(queries[n][0], kind, found.ranked, found.source, found.notes, insisted, top)
    return [answers[n] for n in range(len(queries))]


def _check(query: str, kind: str, top: int) -> None:
    if not query.strip():
        raise SetupError("The request is empty: say in a sentence what the model, dataset or code is for.")
    if kind not in KINDS:
        raise SetupError(f"Unknown kind {printable(kind)!r}: use one of {', '.join(KINDS)}.")
    if not 1 <= top <= 200:
        raise SetupError(f"--top must lie between 1 and 200, not {top}.")


def _answer(
    query: str, kind: Kind, ranked: Sequence[Ranked], source: str, notes: Iterable[str], filters: Filters, top: int
) -> Retrieved:
    """Hits without the distrusted ones, which are named among the refusals instead."""
    kept = [item for item in ranked if not item.judged.distrusted][:top]
    best = kept[-1].score if kept else 0.0
    left = [item for item in ranked if item.judged.distrusted and item.score / item.judged.factor >= best][:LISTED]
    fits = any(not item.weak for item in kept[:FIRST])
    return Retrieved(
        query=query,
        kind=kind,
        hits=[hit_from(item, filters) for item in kept],
        source=source,
        notes=[*notes, *([NOTHING_FITS] if kept and not fits else [])],
        fits=fits,
        refusals=[_refusal(item) for item in [*left, *kept] if item.judged.refused],
    )


def _refusal(item: Ranked) -> Refusal:
    return Refusal(id=printable(item.record.id, 200), reasons=item.judged.reasons, needs=item.judged.needs)


def retrieve_file(
    queries: Path, source: HubSource, out: TextIO, *, top: int = 10, filters: Filters | None = None
) -> int:
    """Answer a file of `{"id", "query", "kind"}` lines with `{"id", "hits": [...]}` lines; returns how many.

    A line whose first hits are all weak has `"fits": false` too; they are listed all the same.
    A line that cannot be answered gets `{"id", "hits": [], "error"}` and the rest goes on. Raises SetupError when the
    file cannot be read.
    """
    try:
        lines = queries.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"Cannot read the queries file {queries}: {error}") from None
    rows = [_row(line, n) for n, line in enumerate(lines, 1) if line.strip()]
    good = [(query, kind) for _, query, kind, problem in rows if not problem]
    answers = iter(retrieve_many(good, top=top, source=source, filters=filters))
    for name, _, _, problem in rows:
        line: dict[str, object] = {"id": name}
        if problem:
            line |= {"hits": [], "error": problem}
        else:
            answer = next(answers)
            line |= {"hits": [hit.model_dump(mode="json") for hit in answer.hits], "source": answer.source}
            line |= {} if answer.fits else {"fits": False}
            line |= {"notes": answer.notes} if answer.notes else {}
            line |= {"refusals": [item.model_dump() for item in answer.refusals]} if answer.refusals else {}
        out.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")
    return len(rows)


def _row(line: str, number: int) -> tuple[str | int, str, Kind, str]:
    """Id, query, kind, and what is wrong with the line ("" when nothing is)."""
    try:
        raw = json.loads(line)
    except ValueError:
        return number, "", "model", f"line {number} is not JSON"
    if not isinstance(raw, dict):
        return number, "", "model", f"line {number} is not a JSON object"
    name = raw.get("id", number)
    name = name if isinstance(name, str | int) else number
    query, kind = raw.get("query"), raw.get("kind", "model")
    if not isinstance(query, str) or not query.strip():
        return name, "", "model", f"line {number} has no query"
    if kind not in KINDS:
        return name, "", "model", f"line {number}: kind must be one of {', '.join(KINDS)}"
    return name, query, kind, ""
