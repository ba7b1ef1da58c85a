"""Headings of a document: what the outline tells and what the eye sees, joined and marked as body or appendix."""

from __future__ import annotations

import re
from collections.abc import Iterable

from copilot.paper.flow import Document
from copilot.paper.heading_outline import told_headings
from copilot.paper.heading_sight import seen_headings
from copilot.paper.heading_words import ABSTRACT, BACK, Heading, Mark
from copilot.paper.words import key

_FRONT_MATTER = re.compile(
    r"(?:ccs|acm) concepts|(?:index|general) terms|key ?words.{0,20}|acm reference format.*|contents", re.I
)
_BACK_ONLY = re.compile(r"references?|bibliography|acknowledge?ments?", re.I)


def find_headings(
    document: Document, outline: list[Mark], anchors: list[Mark], start: int, title: str = ""
) -> list[Heading]:
    """All headings in reading order. `start` is the first line after the title block: nothing above it is a heading.

    A manuscript may print its `title` again where the text begins: that is none.
    """
    seen = seen_headings(document, anchors, start)
    told = told_headings(document, outline, start)
    headings = _combine(told, seen) if _tells_enough(told, seen) else seen
    headings = [h for h in headings if not _FRONT_MATTER.fullmatch(h.title) and not _repeats(title, h)]
    _mark_appendix(headings)
    return headings


def _repeats(title: str, heading: Heading) -> bool:
    return not heading.number and len(heading.title) > 20 and key(heading.title) in key(title)


def _tells_enough(told: list[Heading], seen: list[Heading]) -> bool:
    """Whether an outline names the numbered main headings that are printed; some list only figures, or authors."""
    printed = {h.first for h in seen if h.level == 1 and h.number}
    named = {i for h in told for i in range(h.first, h.last + 1)}
    return bool(told) and len(printed & named) >= 0.5 * len(printed)


def _combine(told: list[Heading], seen: list[Heading]) -> list[Heading]:
    """The outline's headings plus what it leaves out: main headings without a number, and missing numbers."""
    covered = {i for h in told for i in range(h.first, h.last + 1)}
    extra = [h for h in seen if h.first not in covered and _left_out(h, told)]
    return sorted([*told, *extra], key=lambda h: h.first)


def _left_out(heading: Heading, told: list[Heading]) -> bool:
    alike = any(h.style == heading.style and h.level == heading.level for h in told)
    if heading.number:
        return alike and not any(h.number == heading.number for h in told)
    usual = BACK.fullmatch(heading.title) or ABSTRACT.fullmatch(heading.title)
    return heading.level == 1 and bool(alike or usual)


def _mark_appendix(headings: Iterable[Heading]) -> None:
    """Lettered headings of a paper numbered in digits, and all that follows a heading "Appendix" or the references."""
    inside = False
    for heading in headings:
        if (
            re.fullmatch(r"(?:appendi(?:x|ces)|supplementa(?:ry|l) .{0,30})(?:\s.*)?", heading.title, re.I)
            and heading.level == 1
        ) or (heading.level == 1 and re.fullmatch(r"[A-Z]", heading.number) and heading.number not in "IVX"):
            inside = True
        elif heading.level == 1 and heading.number.isdigit():
            inside = False
        heading.appendix = inside and not _BACK_ONLY.fullmatch(heading.title)
