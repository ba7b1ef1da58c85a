"""How the run got to its protocol: the paper, the ideas not tested, every exploration run, hits of a search, people."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

from copilot import events as ev
from copilot.domain.paper import Claim
from copilot.report.cells import Cells
from copilot.report.design import commands
from copilot.report.markdown import bullets, code, escape, flat, quoted, table
from copilot.report.record import Record

MAX_TRIES = 40
MAX_PAPERS = 5
MAX_IDEAS = 30
MAX_CLAIMS = 3


def paper(record: Record, cells: Cells) -> Iterable[str]:
    """What was read."""
    state = record.state
    if state.paper is None:
        return
    seq = record.seqs(ev.PaperRead)
    yield "## The paper"
    pages = cells.number("pages", state.paper.pages, "pages of the paper", seq)
    who = f", by {quoted(', '.join(state.paper.authors), 300)}" if state.paper.authors else ""
    yield f"{quoted(state.paper.title, 300)}{who}. {pages} pages, SHA-256 {code(state.paper.sha256)}."
    if state.claims:
        seqs = record.seqs(ev.ClaimsExtracted)
        kinds = Counter(claim.kind for claim in state.claims)
        words = [
            f"{cells.number(f'claims-{k}', n, f'claims of kind {k}', seqs)} {k.replace('_', ' ')}"
            for k, n in sorted(kinds.items())
        ]
        found = cells.number("claims-grounded", sum(c.grounded for c in state.claims), "claims found verbatim", seqs)
        total = cells.number("claims", len(state.claims), "claims taken down", seqs)
        yield f"Claims taken down: {total} ({', '.join(words)}); {found} of them were found verbatim on their page."
        yield from _own_words(state.claims, cells, seqs)
    if state.paper.warnings:
        yield bullets(quoted(text, 300) for text in state.paper.warnings[:10])


def _own_words(claims: Sequence[Claim], cells: Cells, seqs: list[int]) -> Iterable[str]:
    """What the paper is about, as it says itself."""
    by_quote = {claim.quote: claim for claim in claims if claim.grounded and claim.kind in {"finding", "result"}}
    shown = list(by_quote.values())[:MAX_CLAIMS]
    if shown:
        yield "What the paper itself says, among other things (nothing of it was measured here):"
        pages = [cells.number(f"claim-page-{n}", one.page, "page of a claim", seqs) for n, one in enumerate(shown, 1)]
        yield bullets(f"{quoted(one.quote, 300)} (page {page})" for one, page in zip(shown, pages, strict=True))


def before(record: Record, cells: Cells) -> Iterable[str]:
    """Everything that was tried or put aside before the freeze."""
    yield "## What came before the freeze"
    yield from _attempts(record, cells)
    tries = _tries(record, cells)
    if tries:
        yield table(["exploration run", "arm", "seed", "parameters", "ended", "validation numbers"], tries[:MAX_TRIES])
    if len(tries) > MAX_TRIES:
        more = cells.number(
            "tries-left-out",
            len(tries) - MAX_TRIES,
            "exploration runs not shown",
            [seq for seq, _ in commands(record, "explore")],
        )
        yield f"{more} more exploration runs are in the journal."
    yield "Hypotheses of this run (only a tested one can have a result):"
    yield bullets(_ideas(record))
    yield from _start(record, cells)


def _attempts(record: Record, cells: Cells) -> Iterable[str]:
    """How many, and of what kinds."""
    total = cells.number("attempts", record.verdict.attempts, "attempts before the freeze", [record.state.verdict_seq])
    parts = []
    for name, one, many in (("explore", "exploration run", "exploration runs"), ("tune", "tuning run", "tuning runs")):
        seqs = [seq for seq, _ in commands(record, name)]
        parts.append(f"{cells.number(f'attempts-{name}', len(seqs), many, seqs)} {one if len(seqs) == 1 else many}")
    ideas = len(record.state.rejected)
    seqs = record.seqs(ev.IdeaRejected)
    aside = cells.number("attempts-ideas", ideas, "discarded ideas", seqs)
    parts.append(f"{aside} discarded {'idea' if ideas == 1 else 'ideas'}")
    yield (
        f"Attempts before the freeze: {total} ({', '.join(parts)}). The runs saw validation data only; no attempt "
        "decides anything."
    )


def _tries(record: Record, cells: Cells) -> list[list[str]]:
    rows = []
    metrics = [(entry.seq, entry.event) for entry in record.entries if isinstance(entry.event, ev.MetricRecorded)]
    common = _common([one.note for _, one in metrics])
    for place, (seq, command) in enumerate(commands(record, "explore"), start=1):
        first = {one.name: (at, one) for at, one in reversed(metrics) if one.call_id and one.call_id == command.call_id}
        own = sorted(first.values(), key=lambda pair: pair[0])
        numbers = [_metric(cells, f"try-{place}-{n}", at, one) for n, (at, one) in enumerate(own[:4], start=1)]
        given = dict(zip(command.argv[2::2], command.argv[3::2], strict=False))
        ended = "ok" if command.exit_code == 0 else f"**{escape(command.reason)}**, exit code {code(command.exit_code)}"
        number = cells.number(f"try-{place}", place, "an exploration run", [seq])
        words = [number, code(given.get("--arm", "")), code(given.get("--seed", ""))]
        rows.append([*words, _parameters(own[0][1].note if own else "", common), ended, ", ".join(numbers) or "none"])
    return rows


def _metric(cells: Cells, name: str, seq: int, one: ev.MetricRecorded) -> str:
    number = cells.number(name, one.value, f"exploration: {flat(one.name, 40)}", [seq], arm=one.arm, seed=one.seed)
    return f"{escape(one.name, 40)} {number}"


def _given(note: str) -> dict[str, object]:
    try:
        found = json.loads(note) if note else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _common(notes: list[str]) -> set[str]:
    """Parameters that have one value wherever they are given: they tell no two runs apart."""
    values: dict[str, set[str]] = {}
    for note in notes:
        for name, value in _given(note).items():
            values.setdefault(name, set()).add(repr(value))
    return {name for name, seen in values.items() if len(seen) == 1}


def _parameters(note: str, common: set[str]) -> str:
    """Those that vary first."""
    pairs = sorted(_given(note).items(), key=lambda pair: (pair[0] in common, pair[0]))
    return ", ".join(code(f"{name} = {value}", 60) for name, value in pairs[:6]) or "as the code has them"


def _ideas(record: Record) -> Iterable[str]:
    state = record.state
    for idea in list(state.ideas.values())[:MAX_IDEAS]:
        mark = "**tested**" if state.chosen and idea.id == state.chosen.idea_id else "not tested"
        if idea.id in state.rejected:
            mark += f"; put aside: {quoted(state.rejected[idea.id], 300)}"
        reviews = state.reviews.get(idea.id, [])
        if reviews and not reviews[-1].accepted:
            mark += "; the reviewer did not accept it"
        yield f"{quoted(idea.title, 160)} ({mark})"


def hits(record: Record, cells: Cells) -> Iterable[str]:
    """What a search of the Hub offered, and whether anything of it was used."""
    state, lines = record.state, []
    seqs = dict(zip(state.retrieved, record.seqs(ev.Retrieved), strict=False))
    for what, found in state.retrieved.items():
        count = cells.number(f"hits-{what}", len(found.hits), f"hits of kind {what}", [seqs[what]])
        names = ", ".join(code(hit.get("id", ""), 80) for hit in found.hits[:3]) or "nothing"
        lines.append(f"{count} hits for {what} (from {code(found.source)}), the first: {names}")
    if not lines:
        return
    yield "## What a search offered"
    fetched = any(what != "packages" for what, _ in state.supplies)
    if fetched or (state.prototype is not None and state.prototype.origin == "hub"):
        yield "A hit was neither downloaded nor run unless this report says so."
    else:
        yield (
            "Nothing of it was fetched, so the experiment used no model, data set or repository of these lists (a "
            "bundled prototype is a part of this program)."
        )
    yield bullets(lines)


def _start(record: Record, cells: Cells) -> Iterable[str]:
    state, lines = record.state, []
    if state.prototype is not None:
        lines.append(
            f"The experiment started from {code(state.prototype.name or 'nothing')} ({state.prototype.origin}): "
            f"{quoted(state.prototype.reason, 300)}"
        )
    if state.literature is not None:
        seq = record.seqs(ev.LiteratureFound)
        total = cells.number("related", len(state.literature.papers), "related papers", seq)
        titles = "; ".join(quoted(one.title, 120) for one in state.literature.papers[:MAX_PAPERS])
        lines.append(
            f"{total} related papers (from {code(state.literature.source or 'no source')})"
            + (f": {titles}" if titles else "")
        )
    if lines:
        yield "What it started from:"
        yield bullets(lines)


def people(record: Record, cells: Cells) -> Iterable[str]:
    """Who decided what."""
    state = record.state
    yield "## What people decided"
    lines = []
    for question, answer in state.answers.items():
        lines.append(
            f"{quoted(answer.author, 60)} answered {code(question)}: {quoted(f'{answer.choice} {answer.text}'.strip())}"
        )
    lines += [
        f"{quoted(one.author, 60)} said: {quoted(f'{one.choice} {one.text}'.strip())}" for _, one in state.remarks
    ]
    for edit in state.edits:
        fields = ", ".join(code(change.field, 60) for change in edit.changes[:10])
        made_of = f" of {' and '.join(code(source, 60) for source in edit.sources)}" if edit.sources else ""
        lines.append(f"{quoted(edit.by, 60)}: hypothesis {code(edit.idea.id)} {edit.how}{made_of}: {fields or 'new'}")
    lines += [f"{quoted(made.by, 60)} set the plan" for made in state.plans if made.by != "agent"]
    if lines:
        yield bullets(lines)
    else:
        yield "Nobody was asked: the hypothesis was chosen by score, and the plan was approved by policy."
