"""What came out of a run, and whether it follows from what was measured."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pydantic import Field, TypeAdapter

from copilot.config import find_home
from copilot.domain.base import Value
from copilot.projection import projected
from copilot.runs import RunFolder
from copilot.state import RunState


class Summary(Value):
    """What `copilot run --json` prints. Numbers are None until there is a verdict."""

    run: str
    task: str
    status: str
    verdict: str | None = None
    trust: str | None = None
    effect: float | None = None
    interval: tuple[float | None, float | None] | None = None
    p: float | None = None
    seeds: int | None = None
    metric: str | None = None
    protocol: str | None = None
    sandbox: str | None = None
    cost_usd: float = 0.0
    report: str | None = None
    stamps: list[str] = Field(default_factory=list)
    detail: str = ""
    exit_code: int = 0


SUMMARY = TypeAdapter(Summary)


def summary(run: RunFolder, folded: RunState | None = None) -> Summary:
    """The outcome in one value."""
    make = partial(_outcome, run.name)
    found = make(folded) if folded else projected(run, find_home().logs, "summary", SUMMARY, make)
    report = run.report / "report.md"
    return found.model_copy(update={"report": str(report) if report.is_file() else None})


def _outcome(run: str, folded: RunState) -> Summary:
    verdict = folded.verdict
    first = verdict.comparisons[0] if verdict and verdict.comparisons else None
    return Summary(
        run=run,
        task=folded.task.name if folded.task else "",
        status=folded.status,
        verdict=verdict.word if verdict else None,
        trust=verdict.trust if verdict else None,
        effect=first.effect if first else None,
        interval=first.interval if first else None,
        p=first.p_adjusted if first else None,
        seeds=len(folded.protocol.seeds) if folded.protocol else None,
        metric=folded.protocol.metric.name if folded.protocol else None,
        protocol=folded.protocol_hash or None,
        sandbox=folded.sandbox.level if folded.sandbox else None,
        cost_usd=round(folded.cost_usd, 6),
        stamps=list(verdict.stamps) if verdict else list(folded.stamps),
        detail=folded.finished.detail if folded.finished else (folded.pause.detail if folded.pause else ""),
        exit_code=_exit_code(folded),
    )


def _exit_code(folded: RunState) -> int:
    if folded.status == "paused":
        return 4
    return folded.finished.exit_code if folded.finished else 1


def verify(target: RunFolder | Path) -> list[str]:
    """Recompute every number of the report from the run folder (or bundle); what does not follow, in sentences."""
    from copilot.report.verify import verify_run

    return verify_run(target.path if isinstance(target, RunFolder) else target)


def write_report(run: RunFolder) -> Path:
    """Render the report again from the journal. The path of report.md."""
    from copilot.report.write import write_report as write

    write(run)
    return run.report / "report.md"
