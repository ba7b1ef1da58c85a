"""`copilot verify`: recompute everything from the record, offline and without a key; say what does not follow.

From the chain of the journal over protocol, code, data, evaluator, every trial (judged and graded again), integrity
checks and verdict to the report, its figures and the bundle. A run folder, an unpacked bundle or a bundle.zip, on any
machine. A stranger's evaluator runs in the sandbox. Not here: running the experiment again (`rerun`), and whether the
whole record was made up consistently, which no record can say of itself (see docs/reports.md).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

from copilot.errors import CopilotError, SetupError
from copilot.events import ReportWritten, RunFinished
from copilot.journal import Entry, read
from copilot.lab.workspace import walk_regular
from copilot.report.bundle import MANIFEST, RUN, contents, digests, unpack
from copilot.report.check_record import check_record
from copilot.report.check_report import check_bundle, check_report, same_members
from copilot.report.check_trials import check_code, check_data, check_trials, evaluator_of
from copilot.report.check_tuning import check_tuning
from copilot.report.check_verdict import check_integrity, check_verdict
from copilot.report.places import places_of
from copilot.report.record import Record, record_of
from copilot.runs import RunFolder

NO_VERDICT = "this run has no verdict yet"


def verify_run(target: Path) -> list[str]:
    """What does not follow, in sentences; empty when everything does. `target`: run folder, bundle folder or zip."""
    if target.is_file():
        with tempfile.TemporaryDirectory(prefix="copilot-") as folder:
            try:
                found = unpack(target, Path(folder))
            except SetupError as error:
                return [str(error)]
            return _verify_bundle(Path(folder), found)
    if (target / MANIFEST).is_file() and (target / RUN).is_dir():
        return _verify_bundle(target, digests({name: target / name for name, _ in walk_regular(target)}))
    return _verify_folder(RunFolder(target))


def _opened(run: RunFolder) -> tuple[list[Entry], Record | None, list[str]]:
    """The journal and the record, or what is wrong with them."""
    if not run.journal.is_file():
        return [], None, [f"there is no journal at {run.journal}"]
    try:
        entries = list(read(run.journal))
        record = record_of(entries)
    except SetupError:
        return [], None, [NO_VERDICT]
    except CopilotError as error:
        return [], None, [str(error)]
    return entries, record, []


def _verify_folder(run: RunFolder) -> list[str]:
    entries, record, problems = _opened(run)
    if record is None:
        return problems
    problems += _end(run, entries)
    problems += _follow(run, record, entries, outside=True)
    written = [entry.event for entry in entries if isinstance(entry.event, ReportWritten)]
    problems += check_report(run, record, written[-1].files if written else None)
    return problems + list(check_bundle(run, record))


def _end(run: RunFolder, entries: list[Entry]) -> Iterator[str]:
    with run.journal.open("rb") as file:
        whole = file.read().endswith(b"\n")
    kinds = [type(entry.event) for entry in entries]
    if not whole:
        yield "the journal ends in the middle of a line"
    if ReportWritten not in kinds or RunFinished not in kinds:
        yield "the journal's last lines are missing: it does not end with the report and the end of the run"


def _spelling(run: RunFolder) -> Iterator[str]:
    """The hashes stand for what a line says; this is about how: no other letters may say the same."""
    for number, line in enumerate(run.journal.read_bytes().splitlines(), start=1):
        if json.dumps(json.loads(line), ensure_ascii=True, separators=(",", ":")).encode() != line:
            yield f"line {number} of the journal is not spelled as the engine writes it"


def _verify_bundle(folder: Path, found: dict[str, str]) -> list[str]:
    run = RunFolder(folder / RUN)
    entries, record, problems = _opened(run)
    if record is None:
        return problems
    if len(entries) != len(record.entries):
        problems.append("the journal in the bundle goes on after the verdict")
    problems += _follow(run, record, entries, outside=False)
    problems += check_report(run, record, None)
    try:
        manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError):
        manifest = None
    wanted = digests(contents(run, record, outside=False))
    return problems + list(same_members(wanted, found, manifest))


def _follow(run: RunFolder, record: Record, entries: list[Entry], *, outside: bool) -> Iterator[str]:
    """Everything from the journal to the verdict."""
    yield from _spelling(run)
    places = places_of(run, record.state, outside=outside)
    yield from check_record(run, record, entries)
    yield from check_code(run, record)
    yield from check_data(record, places)
    evaluator, problem = evaluator_of(record, places)
    if problem:
        yield problem
    yield from check_tuning(run, record)
    yield from check_trials(run, record, evaluator)
    yield from check_integrity(run, record, places, evaluator)
    yield from check_verdict(run, record, evaluator)
