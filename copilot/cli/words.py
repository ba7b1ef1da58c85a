"""How a paper and a verdict read in a terminal."""

from __future__ import annotations

from copilot.api import Summary
from copilot.cli.progress import printable
from copilot.domain.paper import Paper
from copilot.state import RunState

MOST_TOLD = 8
"""Claims that a person sees at once."""


def paper_parts(paper: Paper) -> list[str]:
    """What was found in a paper, part by part; what was not found is an empty part."""
    sections = [
        f"{'  ' * (section.level - 1)}{f'{section.number} {section.title}'.strip()}  (p. {section.page})"
        for section in paper.sections
    ]
    counts = {
        "pages": paper.pages,
        "references": len(paper.references),
        "figures": len(paper.figures),
        "tables": len(paper.tables),
        "claims": len(paper.claims),
    }
    return [
        "\n".join(line for line in (paper.title, ", ".join(paper.authors)) if line),
        paper.abstract,
        "\n".join(sections),
        ", ".join(f"{count} {name[:-1] if count == 1 else name}" for name, count in counts.items()),
        "\n".join(f"- {text}" for text in _told(paper)),
        "\n".join(f"warning: {warning}" for warning in paper.warnings),
    ]


def _told(paper: Paper) -> list[str]:
    """The first findings and results of the claims ledger; all of it is in the JSON."""
    found = [claim for kind in ("finding", "result") for claim in paper.claims if claim.kind == kind]
    return [f"{claim.text} (p. {claim.page})" for claim in found[:MOST_TOLD]]


def now(found: Summary, working: bool) -> Summary:
    """As a person is told it: a run that says that it is running and that no engine works on was interrupted."""
    left = found.status == "running" and not working
    return found.model_copy(update={"status": "interrupted"}) if left else found


def verdict_lines(found: Summary, state: RunState) -> list[str]:
    """The end of a run in words and numbers, and what to do next."""
    lines = [""]
    if state.verdict is None:
        lines += [f"{found.status}: {found.detail}"] if found.detail else [found.status]
        for question in state.open_questions if found.status == "paused" else []:
            lines += [f"  {option}{_described(state, option)}" for option in question.options]
            lines.append(f"answer with: copilot answer {found.run} --choice {question.default or 'CHOICE'}")
        if found.status in {"paused", "interrupted"}:
            lines.append(f"go on with: copilot resume {found.run}")
        return lines
    verdict = state.verdict
    reported = " (reported by the script itself, not graded)" if verdict.trust == "reported" else " (graded)"
    lines.append(f"VERDICT: {verdict.word.upper()}{reported}")
    for item in verdict.comparisons:
        lines.append(f"  {item.claim}")
        lines.append(f"  {_numbers(found, item.effect, item.interval, item.p_adjusted, len(item.seeds))}")
    lines += [f"  - {reason}" for reason in verdict.reasons]
    lines += [f"  ! {stamp}" for stamp in verdict.stamps]
    lines += [
        f"  sandbox: {state.sandbox.level}: {state.sandbox.text}" if state.sandbox else "",
        f"  protocol {verdict.protocol_hash[:16]}…, frozen before the first trial",
        f"report:  {found.report}",
        f"check:   copilot verify {found.run}",
        "app:     copilot ui",
    ]
    return [line for line in lines if line]


def _described(state: RunState, option: str) -> str:
    idea = state.ideas.get(option)
    return f"  {printable(idea.title)} (score {idea.score:.2f})" if idea else ""


def _numbers(
    found: Summary,
    effect: float | None,
    interval: tuple[float | None, float | None],
    p: float | None,
    seeds: int,
) -> str:
    if effect is None:
        return "no effect could be computed"
    low, high = (f"{end:+.4g}" if end is not None else "unbounded" for end in interval)
    between = "no interval" if interval == (None, None) else f"interval {low} to {high}"
    text = "" if p is None else f", p = {p:.3g}"
    return f"effect {effect:+.4g} {found.metric} ({between}{text}, {seeds} seeds; positive is better)"
