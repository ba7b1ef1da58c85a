"""The record -> report.md: pure, the same record always gives the same text. Every number goes through `Cells`.

Here is the order of the sections; each has a module. Texts by strangers or models are quoted, escaped and never
interpreted. Not here: files, drawing, PDF.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from copilot.report import closing, design, findings, story
from copilot.report.cells import Cells
from copilot.report.figure import Figure
from copilot.report.record import Record
from copilot.report.summary import summary


def render(record: Record, figures: Sequence[Figure] = ()) -> tuple[str, Cells]:
    """The report and its bindings. `figures[0]` stands on the first page, the others beside the trials."""
    cells = Cells()
    sections: list[Iterable[str]] = [
        _with_figure(summary(record, cells), figures[:1]),
        findings.why(record, cells),
        findings.trials(record, figures[1:], cells),
        design.tested(record, cells),
        findings.integrity(record, cells),
        closing.limits(record, cells),
        design.protocol(record, cells),
        story.paper(record, cells),
        story.before(record, cells),
        story.people(record, cells),
        closing.environment(record, cells),
        story.hits(record, cells),
        closing.check(record, cells),
    ]
    return "\n\n".join(block for section in sections for block in section if block) + "\n", cells


def _with_figure(blocks: Iterable[str], figures: Sequence[Figure]) -> Iterable[str]:
    """The first figure above the table of facts."""
    for block in blocks:
        if block.startswith("| fact"):
            yield from (figure.link for figure in figures)
        yield block
