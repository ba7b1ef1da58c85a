"""Do the numbers follow from what the trials left: code, data and evaluator as frozen, each trial judged again."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path

from copilot import events as ev
from copilot.domain.experiment import TrialResult
from copilot.errors import CopilotError
from copilot.lab.evaluate import Evaluator, Refused
from copilot.lab.trials import Cell, Ran, judge
from copilot.lab.workspace import Workspace
from copilot.report.agree import agree
from copilot.report.contained import open_contained
from copilot.report.places import Places
from copilot.report.record import Record
from copilot.runs import RunFolder
from copilot.sandbox.collect import BadResult, read_result_json
from copilot.sandbox.protocol import LEVEL_TEXTS, Outcome
from copilot.state import TrialKey

TAIL = 2000
"""Characters of output that the journal keeps."""


def check_code(run: RunFolder, record: Record) -> Iterator[str]:
    """Each frozen snapshot is there, whole and unchanged."""
    store = Workspace(run.workspace, run.history)
    for snapshot in dict.fromkeys(arm.snapshot for arm in record.protocol.arms):
        try:
            for digest in store.manifest(snapshot).values():
                store.content(digest)
        except (CopilotError, ValueError) as error:
            yield f"the frozen code cannot be read back: {error}"


def check_data(record: Record, places: Places) -> Iterator[str]:
    """Input files have the frozen hashes, where they are at hand."""
    if places.inputs is None:
        return
    for name, digest in sorted(record.protocol.data.items()):
        path = places.inputs / name
        if not path.is_file():
            yield f"the input file {name} is missing"
        elif _sha256(path) != digest:
            yield f"the input file {name} is not the one that the protocol froze"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def evaluator_of(record: Record, places: Places) -> tuple[Evaluator | None, str]:
    """The frozen evaluator, or None with what is wrong (nothing is wrong when the numbers are only reported)."""
    if record.protocol.trust != "graded":
        return None, ""
    if places.sealed is None:
        return None, "the sealed labels are not at hand, so no number could be graded again"
    try:
        evaluator = open_contained(places.sealed, places.script)
    except CopilotError as error:
        return None, f"the evaluator cannot be opened, so no number could be graded again: {error}"
    if evaluator.digest != record.protocol.evaluator:
        return None, "the evaluator or the sealed labels are not those of the protocol"
    return evaluator, ""


def check_trials(run: RunFolder, record: Record, evaluator: Evaluator | None) -> Iterator[str]:
    """Every recorded trial judged again from its files and its command, and no trial folder beside them."""
    commands = {entry.event.call_id: entry.event for entry in record.entries if isinstance(entry.event, ev.CommandRun)}
    for key, result in record.state.trials.items():
        cell = Cell(*key)
        yield from _trial(run, record, cell, result, commands.get(cell.folder), evaluator)
    yield from _strangers(run, record)
    yield from _explored(run, record)


def _trial(
    run: RunFolder,
    record: Record,
    cell: Cell,
    result: TrialResult,
    command: ev.CommandRun | None,
    evaluator: Evaluator | None,
) -> Iterator[str]:
    where, folder = name(cell.key), run.trials / cell.folder
    if result.trust != record.protocol.trust:
        yield f"{where}: its number is {result.trust}, the protocol asks for {record.protocol.trust}"
    if result.status == "skipped":
        return
    if command is None:
        yield f"{where}: no command is recorded for it"
        return
    if not folder.is_dir() and result.files:
        yield f"{where}: its folder is missing"
        return
    given = ["python", "experiment.py", "--arm", cell.arm, "--seed", str(cell.seed)]
    if command.argv[: len(given)] != given:
        yield f"{where}: the recorded command is another one: {' '.join(command.argv)[:120]}"
    if folder.is_dir():
        yield from _judged(record, cell, result, command, folder, evaluator)
        return
    with tempfile.TemporaryDirectory() as empty:  # a trial that left nothing; an archive keeps no empty folder
        yield from _judged(record, cell, result, command, Path(empty), evaluator)


def _judged(
    record: Record, cell: Cell, result: TrialResult, command: ev.CommandRun, folder: Path, evaluator: Evaluator | None
) -> Iterator[str]:
    where = name(cell.key)
    try:
        outcome = Outcome.model_validate(
            {
                "reason": command.reason,
                "exit_code": command.exit_code,
                "seconds": command.seconds,
                "tail": command.tail,
                "level": command.level if command.level in LEVEL_TEXTS else "limits-only",
            }
        )
        found = judge(Ran(cell, outcome, folder, command.argv, folder), record.protocol.metric.name, evaluator)
    except (CopilotError, BadResult, Refused, OSError, ValueError) as error:
        yield f"{where}: it cannot be judged again: {error}"
        return
    for file in sorted(set(result.files) | set(found.files)):
        if result.files.get(file) != found.files.get(file):
            yield f"{where}: {file} is not the file that was collected"
    compared = ["reported", "recorded_seed", "seconds"]
    if evaluator is not None or record.protocol.trust == "reported":
        compared += ["status", "value", "trust"]
        if command.reason == "exit" and len(command.tail) < TAIL:
            compared.append("reason")
    for field in compared:
        said, again = getattr(result, field), getattr(found, field)
        if not agree(said, again):
            yield f"{where}: the journal says {field} {_short(said)}, the files give {_short(again)}"


def _short(value: object) -> str:
    return str(value)[:120] or "nothing"


def name(key: TrialKey) -> str:
    """A trial in words."""
    return f"trial {key[0]} {key[1]} seed {key[2]}"


def _strangers(run: RunFolder, record: Record) -> Iterator[str]:
    """Folders of trials that the journal does not know."""
    known = {Cell(*key).folder for key in record.state.trials}
    for purpose in ("confirm", "repeat", "shuffle"):
        for folder in sorted((run.trials / purpose).glob("*/*")):
            place = folder.relative_to(run.trials).as_posix()
            if place not in known:
                yield f"trials/{place} belongs to no trial in the journal"


def _explored(run: RunFolder, record: Record) -> Iterator[str]:
    """The last exploration of each arm and seed still has its files: they must give the recorded numbers.

    What a branch took over from its parent was explored there, and its files may be those of a later time.
    """
    last: dict[tuple[str, str], ev.CommandRun] = {}
    own = itertools.takewhile(lambda entry: not isinstance(entry.event, ev.RunBranched), reversed(record.entries))
    explored = [e.event for e in own if isinstance(e.event, ev.CommandRun) and e.event.purpose == "explore"][::-1]
    for event in explored:
        given = dict(zip(event.argv[2::2], event.argv[3::2], strict=False))
        last[(given.get("--arm", ""), given.get("--seed", ""))] = event
    for (arm, seed), command in last.items():
        if sum(known.call_id == command.call_id for known in explored) > 1:
            continue  # carried out again after a kill: the numbers are of the first time, the files of the last
        said = {one.name: one.value for one in record.state.metrics if one.call_id and one.call_id == command.call_id}
        try:
            metrics = read_result_json(run.trials / "tune" / arm / seed / "result.json").get("metrics", {})
        except (CopilotError, BadResult, OSError):
            metrics = {}
        for metric, value in said.items():
            if not isinstance(metrics, dict) or metrics.get(metric) != value:
                yield f"exploration of {arm} at seed {seed}: the journal says {metric} {value}, its file does not"
