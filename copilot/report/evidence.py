"""What a finished run can show, from its files: predictions, evidence over test rows, everything the checks look at.

Reads files, decides nothing.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from copilot.domain.experiment import Protocol
from copilot.errors import CopilotError
from copilot.lab.evaluate import Evaluator, Refused
from copilot.lab.grading import Graded
from copilot.lab.integrity import Evidence
from copilot.lab.rows import RowEvidence, row_evidence
from copilot.lab.trials import PREDICTIONS, label_of, seed_folder
from copilot.report.places import Places
from copilot.report.record import Record
from copilot.runs import RunFolder
from copilot.sandbox.protocol import LEVEL_TEXTS
from copilot.state import RunState


def predictions_of(run: RunFolder, purpose: str, arm: str, seed: int) -> Path | None:
    """The predictions file of a trial, or None."""
    folder = run.trials / purpose / arm / str(seed)
    return next((folder / name for name in PREDICTIONS if (folder / name).is_file()), None)


def row_evidence_of(
    run: RunFolder, state: RunState, protocol: Protocol, evaluator: Evaluator | None
) -> list[RowEvidence]:
    """One `RowEvidence` per comparison whose trials could all be graded by row; else none for it."""
    if evaluator is None or not evaluator.fixed_rows:
        return []
    found = []
    for comparison in protocol.comparisons:
        graded = {
            arm: [_rows(run, state, arm, seed, evaluator) for seed in protocol.seeds]
            for arm in (comparison.baseline, comparison.treatment)
        }
        old = [item for item in graded[comparison.baseline] if item is not None]
        new = [item for item in graded[comparison.treatment] if item is not None]
        if len(old) == len(new) == len(protocol.seeds) and len({item.units for item in [*old, *new]}) == 1:
            maximize = protocol.metric.direction == "maximize"
            scores = [item.score for item in old], [item.score for item in new]
            evidence = row_evidence(comparison.id, old[0].units, *scores, maximize=maximize)
            found += [evidence] if evidence else []
    return found


def _rows(run: RunFolder, state: RunState, arm: str, seed: int, evaluator: Evaluator) -> Graded | None:
    path = predictions_of(run, "confirm", arm, seed)
    result = state.trials.get(("confirm", arm, seed))
    if path is None or result is None or result.status != "ok":
        return None
    try:
        return evaluator.open_rows(path, seed)
    except Refused:
        return None


def evidence_of(run: RunFolder, record: Record, places: Places, evaluator: Evaluator | None) -> Evidence:
    """What the integrity checks looked at when the verdict was reached, as far as it is at hand now."""
    state = record.state
    spec = _grade_spec(state, places)
    paths = {key: predictions_of(run, *key) for key in state.trials}
    return Evidence(
        protocol=record.protocol,
        results=list(state.trials.values()),
        predictions={key: path for key, path in paths.items() if path is not None},
        evaluator=evaluator,
        data=places.inputs,
        data_given=bool(state.task and state.task.sealed),
        workspace=run.workspace,
        sealed=places.sealed,
        label=_label(state, record.protocol, places, spec),
        key=spec.get("key", ["id"]),
        frozen_at=state.protocol_time,
        times=state.trial_times,
        now=record.entries[-1].time,
        journal_problem="",
    )


def _grade_spec(state: RunState, places: Places) -> dict[str, Any]:
    if not (state.task and state.task.sealed and places.sealed is not None):
        return {}
    try:
        found = json.loads((places.sealed / "grade.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _label(state: RunState, protocol: Protocol, places: Places, spec: dict[str, Any]) -> str:
    """The training label: as the kind of task says where it has data of its own, else as dataset.json says."""
    if places.inputs is None:
        return ""
    if state.task and state.task.sealed:
        from copilot.lab.taskkind import describe

        try:
            kind = describe(places.inputs, state.task.body, spec or None)
        except CopilotError:
            kind = None
        if kind is not None and len(kind.targets) == 1:
            return kind.targets[0]
    return label_of(seed_folder(places.inputs, protocol.seeds[0]))


def stamps_of(state: RunState) -> list[str]:
    """Sentences that must stand wherever the verdict stands."""
    found = list(state.stamps)
    if state.sandbox and state.sandbox.level != "namespace":
        found.append(f"Weaker sandbox ({state.sandbox.level}). {LEVEL_TEXTS[state.sandbox.level]}")
    found += [f"Amended after {item.results_seen} results: {item.reason}" for item in state.amendments]
    found += [
        f"Deviation from the protocol: {item.first} did not answer any more, and {item.second} took over as the "
        f"model of role {item.role}."
        for item in state.switches
    ]
    return found + _stand_in(state) + _trivial_baseline(state) + _unequal_tuning(state)


def _stand_in(state: RunState) -> list[str]:
    """What a bundled prototype shows is not what the paper claims; that must not be read into the verdict."""
    idea = state.chosen_idea
    if idea is not None and idea.reproduces is not None:
        return [
            f"A small stand-in for what the paper says on page {idea.reproduces.page}: it can go the same way or not, "
            "and neither confirms nor refutes the paper's own number."
        ]
    if idea is None or idea.source != "paper":
        return []
    if idea.touched_on:
        return ["The paper only touches on what was tested here: this is no verdict on what the paper itself claims."]
    if not idea.prototype:
        return []
    return [
        "Tested on a small stand-in, not in the paper's own set-up: this is no verdict on what the paper itself claims."
    ]


def _trivial_baseline(state: RunState) -> list[str]:
    """Beating a constant says that there is something to learn, and no more."""
    idea, task = state.chosen_idea, state.task
    if idea is None or task is None or not task.sealed or task.starter or idea.kind != "improvement":
        return []
    return ["The baseline is the simplest honest predictor: beating it says that there is something to learn, no more."]


def _unequal_tuning(state: RunState) -> list[str]:
    """A treatment that was chosen among more settings than the baseline had an advantage that must be said."""
    if state.protocol is None:
        return []
    baseline, *treatments = [arm.name for arm in state.protocol.arms]
    tried = state.settings_tried
    own = max(1, tried.get(baseline, 0))
    return [
        f"The arm {arm} was chosen among {tried[arm]} settings on validation data; the baseline had {own}."
        for arm in treatments
        if tried.get(arm, 0) > own
    ]
