"""Edits of ideas that were not handed in yet: a file of the run, so that they survive a reload and another browser.

The file is the page's own scratch paper: the engine never reads it, and it goes once an idea was chosen.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from copilot.disk import write_atomic
from copilot.domain.edits import Edits
from copilot.domain.idea import Idea
from copilot.runs import RunFolder
from copilot.ui.parts.session import View

FILE = "idea_drafts.json"


def of(view: View) -> Edits:
    """The drafts of this run; none once an idea was chosen. A file that cannot be read counts as none."""
    if view.state.chosen is not None:
        drop(view.run)
        return Edits()
    try:
        return Edits.model_validate_json(_path(view.run).read_bytes())
    except (OSError, ValidationError):
        return Edits()


def keep(view: View, edits: Edits) -> None:
    """Write them down. Raises OSError where the disk refuses."""
    write_atomic(_path(view.run), edits.model_dump_json().encode())


def drop(run: RunFolder) -> None:
    """Throw them away."""
    _path(run).unlink(missing_ok=True)


def in_order(view: View, edits: Edits) -> list[Idea]:
    """All ideas as edited: the chosen one, then best score first, those put aside last."""
    aside = {*view.state.rejected, *edits.rejected}
    chosen = view.state.chosen.idea_id if view.state.chosen else ""
    ideas = (view.state.ideas | edits.ideas).values()
    return sorted(ideas, key=lambda idea: (idea.id != chosen, idea.id in aside, -idea.score))


def _path(run: RunFolder) -> Path:
    return run.path / "agent_log" / FILE
