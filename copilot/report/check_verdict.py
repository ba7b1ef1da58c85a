"""Does the verdict follow: integrity checks done again on what is at hand, then the rule applied again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.version import InvalidVersion, Version

from copilot.domain.experiment import Check, Verdict
from copilot.errors import CopilotError
from copilot.events import RunStarted
from copilot.lab.evaluate import Evaluator
from copilot.lab.integrity import run_checks
from copilot.lab.verdict import decide
from copilot.report.agree import agree
from copilot.report.evidence import evidence_of, row_evidence_of, stamps_of
from copilot.report.places import Places
from copilot.report.record import Record
from copilot.runs import RunFolder

NEED_INPUTS = {"data_unchanged", "train_test_overlap", "near_duplicates"}
LATER = {"near_duplicates": "0.2"}
"""Checks that journals of earlier versions do not have, and the first version that makes them."""
NEED_LABELS = {
    "evaluator_unchanged",
    "arms_differ",
    "predictions_vary",
    "seeds_matter",
    "label_shuffle",
    "sealed_labels",
}
"""Checks that cannot be done again as they were without the inputs, or without the sealed labels."""


EARLIER = (
    (re.compile(r"^frozen 0\.\d s before the first of"), "frozen before the first of"),
    (re.compile(r"^With 1 distinct outcomes no effect"), "With 1 distinct outcome no effect"),
)
"""Sentences of earlier versions that say the same in other words: the pattern, and how they begin now."""


def _worded(said: Any) -> Any:
    """What a journal says, JSON values in JSON values, with the sentences of earlier versions in today's words."""
    if isinstance(said, dict):
        return {name: _worded(value) for name, value in said.items()}
    if isinstance(said, list):
        return [_worded(value) for value in said]
    if isinstance(said, str):
        return next((now + said[m.end() :] for was, now in EARLIER if (m := was.match(said))), said)
    return said


def check_integrity(run: RunFolder, record: Record, places: Places, evaluator: Evaluator | None) -> Iterator[str]:
    """Every check again; both its outcome and the evidence that it names must be what the journal says."""
    try:
        again = {check.name: check for check in run_checks(evidence_of(run, record, places, evaluator))}
    except (CopilotError, OSError) as error:
        yield f"the integrity checks cannot be done again: {error}"
        return
    recorded = record.state.checks
    for name in sorted((set(again) ^ set(recorded)) - _not_made_then(record)):
        what = "not in the journal" if name in again else "none that this program knows"
        yield f"the integrity check {name} is {what}"
    skipped = (NEED_INPUTS if places.inputs is None else set()) | (NEED_LABELS if evaluator is None else set())
    graded = record.protocol.trust == "graded"
    for name, check in again.items():
        comparable = name not in skipped or (not graded and name in NEED_LABELS)
        if name in recorded and comparable and not agree(_worded(recorded[name].model_dump()), check.model_dump()):
            yield f"the integrity check {name} {_differs(recorded[name], check)}"


def _not_made_then(record: Record) -> set[str]:
    """The checks that the version which made this run did not know."""
    first = record.entries[0].event if record.entries else None
    try:
        made_by = Version(first.version) if isinstance(first, RunStarted) else None
    except InvalidVersion:
        made_by = None
    return {name for name, since in LATER.items() if made_by is not None and made_by < Version(since)}


def _differs(said: Check, found: Check) -> str:
    words = {True: "passed", False: "failed", None: "was not possible"}
    if said.passed is not found.passed:
        return f"{words[said.passed]} as the journal says, done again it {words[found.passed]}: {found.evidence[:200]}"
    return f"names other evidence when done again: {found.evidence[:200]}"


def check_verdict(run: RunFolder, record: Record, evaluator: Evaluator | None) -> Iterator[str]:
    """The rule applied again to the recorded trials and checks, with the stamps that must stand beside it."""
    if record.protocol.trust == "graded" and evaluator is None:
        return
    again = decide(
        record.protocol,
        list(record.state.trials.values()),
        list(record.state.checks.values()),
        attempts=record.state.attempts,
        stamps=stamps_of(record.state),
        rows=row_evidence_of(run, record.state, record.protocol, evaluator),
        fixed_rows=evaluator is None or evaluator.fixed_rows,
    )
    if differing := _difference(record.verdict, again):
        yield f"the verdict does not follow from the trials and checks (it differs in: {differing})"


def _difference(said: Verdict, again: Verdict) -> str:
    old, new = _worded(said.model_dump(mode="json")), again.model_dump(mode="json")
    return ", ".join(name for name in old if not agree(old[name], new[name]))
