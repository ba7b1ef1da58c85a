"""Phase 4: the ExperimentAgent makes both arms ready on validation data. What it sees here decides nothing."""

from __future__ import annotations

from typing import Any

from copilot.agents.experiment import brief, explore
from copilot.agents.tools import Toolbox
from copilot.engine.human import safe_point
from copilot.engine.ideation import task_options
from copilot.engine.preparing import card_of, idea_of
from copilot.engine.services import Services
from copilot.engine.supplies import SupplyDesk
from copilot.errors import RunFailed


def experiment(services: Services) -> None:
    """The agent's loop, until it is done or out of steps."""
    state = services.state
    if state.protocol is not None:
        return
    if state.plan is None:
        raise RunFailed("no plan was made yet")
    box = Toolbox(
        desk=services.desk,
        bench=services.bench(),
        plan=state.plan,
        card=card_of(services),
        confirm_seeds=confirm_seeds(services),
        prepare_seed=services.prepare_seed,
        supplies=SupplyDesk(services),
    )
    steps = services.settings.steps
    parts = brief(idea_of(services), state.plan, box.card, _extra(services))
    explore(services.desk, box, parts, steps, lambda: safe_point(services))


def confirm_seeds(services: Services) -> list[int]:
    """The seeds of the trial matrix: 1 to n. Exploration uses 0, so it never sees the split of a trial."""
    seeds = services.state.plan.seeds if services.state.plan else services.seeds
    return list(range(1, seeds + 1))


def _extra(services: Services) -> dict[str, Any]:
    extra: dict[str, Any] = {"max_turns": services.settings.steps}
    if services.task.body:
        extra["task"] = services.task.body[:8000]
    options = task_options(services)
    if options:
        extra["options"] = options
    found = services.state.retrieved.items()
    hits = {what: [hit["id"] for hit in event.hits if not hit.get("refused")][:5] for what, event in found}
    if hits:
        extra["retrieved"] = hits
    return extra
