"""One journal entry as one row of the timeline: a mark, a line, and where there is more, a detail. Plain text only."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from copilot import events as ev
from copilot.domain.experiment import Purpose
from copilot.journal import Entry
from copilot.ui.parts.text import clip, count, dollars, number, one_line, seconds

DETAIL = 4_000
WHO = {"person": "a person", "score": "score", "timeout": "timeout"}
"""Who chose an idea, in words."""
TRIAL: dict[Purpose, str] = {
    "confirm": "Trial",
    "repeat": "Same seed again",
    "shuffle": "On shuffled labels",
    "tune": "Tuning",
}
_TRIALS = frozenset(get_args(Purpose))


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the timeline. `text` and `detail` are untrusted plain text; `tone` is one of info, good, bad, ask."""

    seq: int
    time: datetime
    icon: str
    text: str
    detail: str = ""
    tone: str = "info"


Parts = tuple[str, str] | tuple[str, str, str] | tuple[str, str, str, str]
"""icon, text, detail, tone"""
Titles = Mapping[str, str]
"""Id of an idea -> its title."""


def shown(entry: Entry) -> bool:
    """False for events that a person need not see one by one; a trial's program is told by the trial itself."""
    if isinstance(entry.event, ev.CommandRun) and entry.event.purpose in _TRIALS:
        return False
    return type(entry.event) in _MAKERS or type(entry.event) in _OF_IDEAS


def row_of(entry: Entry, titles: Titles | None = None) -> Row:
    """The row for an entry that is `shown`; ideas whose title is given are called by it."""
    kind = type(entry.event)
    parts = _OF_IDEAS[kind](entry.event, titles or {}) if kind in _OF_IDEAS else _MAKERS[kind](entry.event)
    icon, text, *more = parts
    detail = more[0] if more else ""
    tone = more[1] if len(more) > 1 else "info"
    return Row(entry.seq, entry.time, icon, one_line(text, 180), clip(detail, DETAIL), tone)


def _started(event: ev.RunStarted) -> Parts:
    about = event.task.head.title or event.task.body or event.task.name
    return "flag", f"Run started with {event.settings.llm}: {about}"


def _paper(event: ev.PaperRead) -> Parts:
    return "article", f"Paper read: {event.title} ({count(event.pages, 'page')})", "\n".join(event.warnings)


def _supplies(event: ev.SuppliesFetched) -> Parts:
    text = f"Fetched {event.what} {event.name} ({event.bytes / 1e6:,.1f} MB), approved by {event.approved_by}"
    return "download", text, "\n".join(event.items), "good"


def _ideas(event: ev.IdeasProposed) -> Parts:
    titles = "\n".join(f"{idea.id}: {idea.title}" for idea in event.ideas)
    return "lightbulb", f"{count(len(event.ideas), 'idea')} proposed by {event.model}", titles


def _reviewed(event: ev.IdeaReviewed, titles: Titles) -> Parts:
    lines = [
        f"{titles.get(review.idea_id, review.idea_id)}: {'accepted' if review.accepted else 'not accepted'}. "
        f"{' '.join(review.reasons)}"
        for review in event.reviews
    ]
    accepted = sum(1 for review in event.reviews if review.accepted)
    return "rate_review", f"{count(len(lines), 'idea')} reviewed, {accepted} accepted", "\n".join(lines)


def _chosen(event: ev.IdeaChosen, titles: Titles) -> Parts:
    title = titles.get(event.idea_id, event.idea_id)
    return "check_circle", f"Idea chosen by {WHO[event.by]}: {title}", event.reason, "good"


def _rejected(event: ev.IdeaRejected, titles: Titles) -> Parts:
    return "block", f"Idea put aside by {event.by}: {titles.get(event.idea_id, event.idea_id)}. {event.reason}"


def _searched(event: ev.Retrieved) -> Parts:
    reasons = [(item.get("id"), "; ".join(map(str, item.get("reasons") or []))) for item in event.refusals]
    lines = [event.note, *(f"Refused: {name}: {reason}" for name, reason in reasons)]
    refused = f", {len(reasons)} refused" if reasons else ""
    text = f"Searched for a {event.what}: {count(len(event.hits), 'hit')}{refused}"
    return "travel_explore", text, "\n".join(lines).strip()


def _plan(event: ev.PlanMade) -> Parts:
    plan = event.plan
    arms = ", ".join(arm.name for arm in plan.arms)
    text = f"Plan by {event.by}: {plan.metric.name}, {arms}, {count(plan.seeds, 'seed')}"
    return "assignment", text, "\n".join([*plan.steps, *event.forecast])


def _called(event: ev.ModelCalled) -> Parts:
    text = f"{event.role.capitalize()} agent asked {event.model}"
    if event.input_tokens or event.cost_usd:
        cost = "price unknown" if event.cost_usd is None else dollars(event.cost_usd)
        text += f": {event.input_tokens:,} tokens in, {event.output_tokens:,} out, {cost}, {seconds(event.seconds)}"
    return "forum", text, _reply_text(event.reply)


def _reply_text(reply: dict[str, Any]) -> str:
    parts = reply.get("parts") or reply.get("content") or []
    texts = [part.get("text", "") for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return "\n".join(text for text in texts if isinstance(text, str) and text)


def _tool(event: ev.ToolCalled) -> Parts:
    shown = ", ".join(f"{key}={one_line(str(value), 60)}" for key, value in event.input.items())
    detail = json.dumps(event.input, indent=1, ensure_ascii=False, default=str)
    return "build", f"Step {event.step}: {event.name} {shown}", detail


def _returned(event: ev.ToolReturned) -> Parts:
    word = "Error from the tool" if event.is_error else "Tool answered"
    return (
        "subdirectory_arrow_right",
        f"{word}: {one_line(_spoken(event.text), 100)}",
        event.text,
        "bad" if event.is_error else "info",
    )


def _spoken(text: str) -> str:
    """The values of a JSON object in words; what is no object stays as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict):
        return text
    inner = value.pop("metrics", None)
    pairs = value | (inner if isinstance(inner, dict) else {})
    return ", ".join(f"{name} {item}" for name, item in pairs.items() if item not in ("", None, [], {}))


def _files(event: ev.FilesChanged) -> Parts:
    listing = "\n".join(f"{file.status} {file.path} ({file.bytes:,} bytes)" for file in event.files)
    return "difference", f"{count(len(event.files), 'file')} changed ({event.reason})", listing


def _command(event: ev.CommandRun) -> Parts:
    how = "ended well" if event.exit_code == 0 else f"ended with {event.exit_code} ({event.reason})"
    text = f"{' '.join(event.argv)} {how} in {seconds(event.seconds)}"
    return "terminal", text, event.tail, "info" if event.exit_code == 0 else "bad"


def _metric(event: ev.MetricRecorded) -> Parts:
    return "monitoring", f"{event.name} = {number(event.value)} ({event.arm}, seed {event.seed}, {event.split})"


def _question(event: ev.QuestionAsked) -> Parts:
    return "help", f"Waiting for you: {event.text}", "", "ask"


def _feedback(event: ev.FeedbackGiven) -> Parts:
    return "person", f"{event.author}: {event.choice} {event.text}".strip(), "", "good"


def _edited(event: ev.IdeaEdited) -> Parts:
    made_of = f" from {' and '.join(event.sources)}" if event.sources else ""
    fields = ", ".join(change.field for change in event.changes)
    title = f"Idea {event.idea.id} {event.how}{made_of} by {event.by}: {event.idea.title}"
    return "edit", title, f"Changed: {fields}" if fields else "", "good"


def _branched(event: ev.RunBranched) -> Parts:
    return "call_split", f"Branched from {event.parent} after its entry {event.at} by {event.by}", "", "good"


def _tuned(event: ev.ArmsTuned) -> Parts:
    lines = [f"{item.arm} {item.parameters}: {item.values}" for item in event.tried]
    return "tune", f"Every arm tuned alike on validation data ({count(len(lines), 'setting')})", "\n".join(lines)


def _frozen(event: ev.ProtocolFrozen) -> Parts:
    protocol = event.protocol
    text = f"Protocol frozen: {count(len(protocol.arms), 'arm')}, {count(len(protocol.seeds), 'seed')}"
    return "lock", f"{text}, hash {event.hash[:12]}", "", "good"


def _trial(event: ev.TrialFinished) -> Parts:
    result = event.result
    value = number(result.value) if result.status == "ok" else f"{result.status}: {result.reason}"
    tone = "info" if result.status == "ok" else "bad"
    text = f"{TRIAL[result.purpose]}: {result.arm}, seed {result.seed}: {value} ({seconds(result.seconds)})"
    return "science", text, "", tone


def _checked(event: ev.IntegrityChecked) -> Parts:
    word = {True: "passed", False: "failed", None: "could not be done"}[event.check.passed]
    text = f"Check {event.check.name} {word}: {event.check.evidence}"
    return "verified_user", text, "", "bad" if event.check.passed is False else "info"


def _verdict(event: ev.VerdictReached) -> Parts:
    return "gavel", f"Verdict: {event.verdict.word}", "\n".join(event.verdict.reasons), "good"


def _finished(event: ev.RunFinished) -> Parts:
    return "sports_score", f"Run ended: {event.status}. {event.detail}", "", "good" if event.exit_code == 0 else "bad"


_OF_IDEAS: dict[type, Callable[[Any, Titles], Parts]] = {
    ev.IdeaReviewed: _reviewed,
    ev.IdeaRejected: _rejected,
    ev.IdeaChosen: _chosen,
}
_MAKERS: dict[type, Callable[[Any], Parts]] = {
    ev.RunStarted: _started,
    ev.RunResumed: lambda e: ("play_arrow", f"An engine took over. {e.repaired}"),
    ev.SandboxChosen: lambda e: ("shield", f"Programs run under: {e.text}", "\n".join(e.skipped)),
    ev.PaperRead: _paper,
    ev.ClaimsExtracted: lambda e: ("format_quote", f"{count(len(e.claims), 'claim')} found in the paper"),
    ev.LiteratureFound: lambda e: ("menu_book", f"{count(len(e.papers), 'related paper')} found", "\n".join(e.notes)),
    ev.PastRecalled: lambda e: ("history", f"{count(len(e.verdicts), 'earlier verdict')} recalled"),
    ev.SuppliesFetched: _supplies,
    ev.IdeasProposed: _ideas,
    ev.IdeaEdited: _edited,
    ev.Retrieved: _searched,
    ev.PrototypeChosen: lambda e: ("code", f"Starting from {e.name} ({e.origin}): {e.reason}"),
    ev.PlanMade: _plan,
    ev.ModelCalled: _called,
    ev.ModelSwitched: lambda e: ("swap_horiz", f"{e.second} took over from {e.first}", e.text, "bad"),
    ev.ModelFailed: lambda e: ("error", f"{e.model} did not answer: {e.text}", "", "bad"),
    ev.ToolCalled: _tool,
    ev.ToolReturned: _returned,
    ev.FilesChanged: _files,
    ev.CommandRun: _command,
    ev.MetricRecorded: _metric,
    ev.QuestionAsked: _question,
    ev.FeedbackGiven: _feedback,
    ev.RunBranched: _branched,
    ev.ArmsTuned: _tuned,
    ev.ProtocolFrozen: _frozen,
    ev.ProtocolAmended: lambda e: ("lock_open", f"Protocol changed after the freeze: {e.reason}", "", "bad"),
    ev.TrialFinished: _trial,
    ev.IntegrityChecked: _checked,
    ev.VerdictReached: _verdict,
    ev.ReportWritten: lambda e: ("description", "Report written"),
    ev.Warned: lambda e: ("warning", f"{e.where}: {e.text}", "", "bad"),
    ev.RunPaused: lambda e: ("pause", f"Paused: {e.detail or e.reason}", "", "ask"),
    ev.RunFinished: _finished,
}
