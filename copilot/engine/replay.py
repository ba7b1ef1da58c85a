"""`copilot replay`: a whole run again from its recorded model replies: free, offline, and compared event by event.

Everything that came from outside is taken from the journal: model replies (by the hash of the request), people's
words, literature, Hub hits and memories. Everything else happens again for real: reading the paper, tools, the frozen
protocol, every trial, checks, verdict, report. What must be the same is all but times, memory, process numbers, and
hashes of files that may hold times. A request that the record does not hold ends the replay, and is its main finding.

The replayed run takes over each recorded event in place of its own once they are compared, so that a difference is
told once and the prompts that follow stay the recorded ones. It lives in a temporary folder and changes nothing.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from copilot import events as ev
from copilot.agents.desk import Desk
from copilot.config import Home
from copilot.engine.pipeline import PHASES, _work, nobody
from copilot.engine.services import build, model_name
from copilot.errors import CopilotError, RunFailed, SetupError
from copilot.journal import Entry, Journal, read
from copilot.llm.budget import Budget
from copilot.llm.names import resolve
from copilot.llm.protocol import Reply, Request, Usage
from copilot.runs import RunFolder
from copilot.state import RunState, fold

OUTSIDE: tuple[type[ev.Event], ...] = (
    ev.RunBranched,
    ev.FeedbackGiven,
    ev.LiteratureFound,
    ev.PastRecalled,
    ev.Retrieved,
    ev.ProtocolAmended,
    ev.SuppliesFetched,
    ev.ModelFailed,
    ev.ModelSwitched,
)
"""What the world said: put in where the run had it."""
HEARD = {"inbox", "offline"}
"""Where warnings come from that answer what a person said."""
SKIPPED: tuple[type[ev.Event], ...] = (ev.RunStarted, ev.RunResumed, ev.RunPaused)
"""What belongs to one engine process."""
VOLATILE = {"seconds", "peak_memory_mb", "output_bytes", "pid", "attempt"}
TIMES = re.compile(r'("seconds": |"time": )[\d.e+-]+|\b\d+(?:\.\d+)? ?(?:ms|s|sec|seconds)\b')
PARALLEL: tuple[type[ev.Event], ...] = (ev.TrialStarted, ev.TrialFinished, ev.CommandRun)
"""Trials run side by side, so their events may change places."""


class NotRecorded(CopilotError):
    """The replay asked something that the run never asked."""


class RecordedModel:
    """A model whose every answer comes from the journal. Raises NotRecorded for a question that is not there.

    `names` are the models that answered for this role, in order: with a fall-back there are two.
    """

    honest_label = ""

    def __init__(self, names: list[str], calls: dict[str, ev.ModelCalled]) -> None:
        self.name = names[0]
        self._names = names
        self._calls = calls
        self._cost: float | None = 0.0

    def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """The recorded reply."""
        found = next((call for name in self._names if (call := self._calls.get(request.digest(name)))), None)
        if found is None:
            asked = f"the replay asks {self.name} a question of role {request.role!r}"
            raise NotRecorded(f"{asked} that the run never asked (was it made by another version of this program?)")
        self.name, self._cost = found.model, found.cost_usd
        return Reply.model_validate(found.reply)

    def worst_case_usd(self, request: Request) -> float | None:
        """Nothing is paid."""
        return 0.0

    def cost_usd(self, usage: Usage) -> float | None:
        """What the recorded answer had cost."""
        return self._cost


@dataclass
class ReplayDesk(Desk):
    """A desk that compares each event with the recorded one and then writes the recorded one."""

    recorded: list[Entry] = field(default_factory=list)
    folders: tuple[str, str] = ("", "")
    """The recorded run's folder and the replay's, which texts may name."""
    differences: list[str] = field(default_factory=list)
    taken: set[int] = field(default_factory=set)
    last: int = -1

    def budget(self) -> Budget:
        """No caps: neither time nor money may end a replay that the run itself outlived."""
        return Budget()

    def record(self, event: ev.Event) -> Entry:
        """Compare, write the recorded counterpart where there is one, then what came from outside right after it."""
        place = self._counterpart(event)
        if place is None:
            self.differences.append(f"the replay has an event that the run has not: {_short(event)}")
            return super().record(event)
        self._compare(event, self.recorded[place])
        entry = super().record(self.recorded[place].event)
        self.taken.add(place)
        self.take_outside(place + 1)
        return entry

    def take_outside(self, place: int) -> None:
        """Write what the world said at this place of the recorded run."""
        while place < len(self.recorded) and (outside := self._outside(self.recorded[place].event)) is not None:
            event = self.recorded[place].event
            if outside and place not in self.taken:
                super().record(event)
            self.taken.add(place)
            place += 1

    def _outside(self, event: ev.Event) -> bool | None:
        """True for what the world said, False for what is passed over, None for what the replay does itself.

        The question before an install is the world's too: it shows what the index had then. A tool call that was
        carried out again after a pause is passed over.
        """
        if isinstance(event, OUTSIDE) or (isinstance(event, ev.QuestionAsked) and event.gate == "install"):
            return True
        if isinstance(event, ev.Warned) and event.where in HEARD:
            return True
        if isinstance(event, ev.ToolCalled) and any(
            step.called.call_id == event.call_id for step in self.state.steps[-1:]
        ):
            return False
        return False if isinstance(event, SKIPPED) else None

    def _counterpart(self, event: ev.Event) -> int | None:
        identity = _identity(event)
        return next(
            (
                place
                for place, entry in enumerate(self.recorded)
                if place not in self.taken and type(entry.event) is type(event) and _identity(entry.event) == identity
            ),
            None,
        )

    def _compare(self, event: ev.Event, entry: Entry) -> None:
        said, again = (masked(one, self.folders) for one in (entry.event, event))
        for name in sorted(set(said) | set(again)):
            if said.get(name) != again.get(name):
                self.differences.append(
                    f"entry {entry.seq} ({type(event).__name__}) differs in {name}: the run has "
                    f"{_short(said.get(name))}, the replay {_short(again.get(name))}"
                )
        if not _side_by_side(event):
            if entry.seq < self.last:
                self.differences.append(f"entry {entry.seq} ({type(event).__name__}) comes in another order")
            self.last = max(self.last, entry.seq)

    def left_over(self) -> list[str]:
        """Events of the run that the replay did not come to."""
        rest = [
            entry
            for place, entry in enumerate(self.recorded)
            if place not in self.taken and not isinstance(entry.event, (*SKIPPED, ev.TrialStarted))
        ]
        if not rest:
            return []
        first = rest[0]
        return [
            f"{len(rest)} events of the run have no counterpart; the first is entry {first.seq}: {_short(first.event)}"
        ]


def _side_by_side(event: ev.Event) -> bool:
    return isinstance(event, PARALLEL) or (isinstance(event, ev.MetricRecorded) and event.call_id.startswith(ev.TUNE))


def _identity(event: ev.Event) -> object:
    """What makes two events the same one."""
    if isinstance(event, ev.MetricRecorded):
        return event.call_id, event.name
    if isinstance(event, ev.TrialStarted):
        return event.purpose, event.arm, event.seed
    if isinstance(event, ev.TrialFinished):
        return event.result.purpose, event.result.arm, event.result.seed
    if isinstance(event, ev.CommandRun):
        return event.purpose, event.call_id
    if isinstance(event, ev.ModelCalled):
        return event.request_hash
    if isinstance(event, ev.ToolCalled | ev.ToolReturned):
        return event.call_id
    return event.check.name if isinstance(event, ev.IntegrityChecked) else None


def masked(event: ev.Event, folders: tuple[str, str] = ("", "")) -> dict[str, Any]:
    """The event without what may differ from one time to the next."""
    data = _mask(event.model_dump(mode="json"), folders)
    if isinstance(event, ev.TrialFinished):
        files = data["result"]["files"]
        data["result"]["files"] = {name: _kept(name, digest) for name, digest in files.items()}
    if isinstance(event, ev.CommandRun):
        data["start"] = ""
    if isinstance(event, ev.ReportWritten):
        data["files"] = sorted(data["files"])
    found: dict[str, Any] = data
    return found


def _kept(name: str, digest: str) -> str:
    """Predictions must be the same; other files may hold times."""
    return digest if name.startswith("predictions") else ""


def _mask(value: Any, folders: tuple[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: None if key in VOLATILE else _mask(item, folders) for key, item in value.items()}
    if isinstance(value, list):
        return [_mask(item, folders) for item in value]
    if isinstance(value, str):
        for folder in folders:
            value = value.replace(folder, "RUN") if folder else value
        return TIMES.sub("TIME", value)
    return value


def _short(value: object) -> str:
    if isinstance(value, ev.Event):
        value = {"kind": type(value).__name__} | value.model_dump(mode="json")
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= 160 else f"{text[:157]}..."


def replay(run: RunFolder, home: Home) -> list[str]:
    """Do the run again from its record; what came out otherwise, in sentences, empty when nothing did.

    Raises SetupError when the run has not ended, or this machine cannot do it again (no sandbox, its task is gone).
    """
    entries = list(read(run.journal))
    state = fold(entries)
    if state.finished is None or state.task is None:
        raise SetupError(f"{run.name} has not ended, so there is nothing to replay")
    if state.task.folder and not Path(state.task.folder).is_dir():
        raise SetupError(f"the task of this run is gone: {state.task.folder}")
    with tempfile.TemporaryDirectory(prefix="copilot-replay-") as scratch:
        again = RunFolder(Path(scratch) / run.path.parent.name / run.path.name)
        _copy(run, again)
        desk = _drive(again, home, entries, state, (str(run.path), str(again.path)))
    return [*desk.differences, *desk.left_over()]


def _copy(run: RunFolder, again: RunFolder) -> None:
    """What a run starts with, and the texts that the journal names by their hash."""
    again.path.mkdir(parents=True)
    if run.blobs.is_dir():
        shutil.copytree(run.blobs, again.blobs)
    if run.paper.is_file():
        shutil.copyfile(run.paper, again.paper)


def _drive(again: RunFolder, home: Home, entries: list[Entry], state: RunState, folders: tuple[str, str]) -> ReplayDesk:
    journal = Journal(again.journal)
    try:
        journal.append(entries[0].event)
        services = build(again, home, {} if _named_keywords(entries) else {"COPILOT_OFFLINE": "1"}, journal, nobody)
        started = services.state
        if started.settings is None:
            raise RunFailed("the run has no settings")
        desk = ReplayDesk(
            journal=journal,
            state=started,
            blobs=services.desk.blobs,
            model_for=lambda role: _recorded_model(role, entries, state),
            recorded=entries,
            folders=folders,
        )
        services.desk = desk
        desk.taken.add(0)
        desk.take_outside(1)
        _work(services, PHASES)
        return desk
    finally:
        journal.close()


def _named_keywords(entries: list[Entry]) -> bool:
    """True when a model chose what to search for: it is asked only with a network. A replay searches nothing.

    What a model was asked before the claims were taken down was about them.
    """
    before = itertools.takewhile(lambda entry: not isinstance(entry.event, ev.LiteratureFound), entries)
    events = [entry.event for entry in before]
    claims = next((at for at, event in enumerate(events) if isinstance(event, ev.ClaimsExtracted)), 0)
    return any(isinstance(event, ev.ModelCalled) for event in events[claims:])


def _recorded_model(role: str, entries: list[Entry], state: RunState) -> RecordedModel:
    calls = [entry.event for entry in entries if isinstance(entry.event, ev.ModelCalled)]
    names = [call.model for call in calls if call.role == role]
    if not names and state.settings is not None:
        names = [str(resolve(model_name(state.settings, state.task, role)))]
    return RecordedModel(list(dict.fromkeys(names)), {call.request_hash: call for call in calls})
