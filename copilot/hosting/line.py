"""The line of a shared server: at most so many engines at once, and turns go round the guests.

A ticket beside the run's journal says that it waits or that an engine was started for it, so a server that starts again
knows the line. Engines are processes of their own and live on without the server; nobody is started while no server
runs. Keys are not on the ticket, only their names: after a restart a run that needs one waits for its person to give
it again. Not here: who may join (`copilot.hosting.reception`).
"""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from pydantic import ValidationError

from copilot.config import Home
from copilot.disk import write_atomic
from copilot.domain.base import Value
from copilot.engine.launch import is_running, spawn
from copilot.errors import CopilotError
from copilot.hosting.guests import OWNER
from copilot.hosting.rules import own_keys
from copilot.journal import read
from copilot.runs import RunFolder, list_runs
from copilot.state import fold

GRACE = 10.0
"""Seconds for which a process that was just started counts as working before it holds the journal's lock."""
NEVER = datetime.min.replace(tzinfo=UTC)


class Ticket(Value):
    """A run in the line. `started` is None while it waits; `needs` names the keys that its engine is to be given."""

    guest: str
    joined: datetime
    needs: list[str] = []
    limits: dict[str, float] = {}
    started: datetime | None = None
    process: int = 0
    """The engine, while it works."""


class Place(Value):
    """Where a waiting run stands: 1 is next. `note` says what it waits for beside its turn."""

    place: int
    of: int
    note: str = ""


def turns(waiting: Iterable[Ticket], working: Iterable[Ticket], last: Mapping[str, datetime]) -> list[Ticket]:
    """The waiting tickets in the order of their turns.

    The next turn is of the guest with the fewest runs that are worked on; among those of the one whose last turn is
    longest ago; then of who came first. A guest's own runs keep their order.
    """
    queues: dict[str, list[Ticket]] = {}
    for ticket in sorted(waiting, key=lambda item: item.joined):
        queues.setdefault(ticket.guest, []).append(ticket)
    load = Counter(ticket.guest for ticket in working)
    order: list[Ticket] = []
    while queues:
        guest = min(queues, key=lambda name: (load[name], last.get(name, NEVER), queues[name][0].joined))
        order.append(queues[guest].pop(0))
        load[guest] += 1
        if not queues[guest]:
            del queues[guest]
    return order


@dataclass
class _Member:
    run: RunFolder
    ticket: Ticket
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    process: int = 0
    """The engine, when this server started it."""
    again: _Member | None = None
    """What takes its place when the engine ends at a question that was answered meanwhile."""

    @property
    def ready(self) -> bool:
        return all(self.keys.get(name) for name in self.ticket.needs)

    @property
    def working(self) -> bool:
        """True while the engine that was started for this ticket lives, or is on its way."""
        if self.ticket.started is None:
            return False
        if self.process:
            return Path(f"/proc/{self.process}").exists()
        return (datetime.now(UTC) - self.ticket.started).total_seconds() < GRACE or is_running(self.run)


class Line:
    """The line of one logs folder. Safe with many threads; one server has it."""

    def __init__(self, home: Home, engines: int) -> None:
        self.home, self.engines = home, engines
        self._lock = threading.Lock()
        self._last: dict[str, datetime] = {}
        self._members: dict[str, _Member] = {}
        for run in list_runs(home.logs):
            if (ticket := _found(run)) is not None:
                self._members[run.name] = _Member(run, ticket)

    def join(self, run: RunFolder, guest: str, keys: dict[str, str], limits: dict[str, float]) -> None:
        """Put the run at the end of the guest's own queue, with the guest's keys. In the line already: new keys."""
        with self._lock:
            old = self._members.get(run.name)
            waits = old is not None and old.ticket.started is None
            joined = old.ticket.joined if old and waits else datetime.now(UTC)
            member = _Member(run, Ticket(guest=guest, joined=joined, needs=sorted(keys), limits=limits), keys)
            if old is not None and old.working:
                old.again = member
                return
            self._put(member)

    def leave(self, run: RunFolder) -> None:
        """Give the ticket back: the run does not wait any more. An engine that works goes on."""
        with self._lock:
            self._drop(run.name)

    def advance(self) -> list[RunFolder]:
        """Start the engines whose turn it is; the runs that were started."""
        with self._lock:
            self._clear()
            free = self.engines - sum(member.working for member in self._members.values())
            started = [member for member in self._order() if member.ready][: max(free, 0)]
            for member in started:
                self._start(member)
            return [member.run for member in started]

    def end_overdue(self, seconds: float) -> None:
        """End engines of guests that work for longer than this: one program may outlast every safe point."""
        with self._lock:
            for member in self._members.values():
                started, engine = member.ticket.started, member.ticket.process
                late = started is not None and (datetime.now(UTC) - started).total_seconds() > seconds
                if late and member.ticket.guest != OWNER.name and _is_engine(engine, member.run):
                    os.killpg(engine, signal.SIGTERM)

    def place(self, run: RunFolder) -> Place | None:
        """The run's place, or None when it does not wait."""
        with self._lock:
            order = self._order()
            names = [member.run.name for member in order]
            if run.name not in names:
                return None
            member = order[names.index(run.name)]
            note = "" if member.ready else f"the server was started again: give {', '.join(member.ticket.needs)} again"
            return Place(place=names.index(run.name) + 1, of=len(names), note=note)

    def works_on(self, run: RunFolder) -> bool:
        """True when the run had its turn and its engine lives."""
        with self._lock:
            member = self._members.get(run.name)
            return member is not None and member.working

    def has(self, run: RunFolder) -> bool:
        """True when the run waits or is worked on."""
        with self._lock:
            self._clear()
            return run.name in self._members

    def of_guest(self, guest: str) -> int:
        """Runs of this guest that wait or are worked on."""
        with self._lock:
            self._clear()
            return sum(member.ticket.guest == guest for member in self._members.values())

    @property
    def waiting(self) -> int:
        """Runs of everybody that wait."""
        with self._lock:
            return sum(member.ticket.started is None for member in self._members.values())

    def working(self) -> list[RunFolder]:
        """Runs that an engine works on."""
        with self._lock:
            return [member.run for member in self._members.values() if member.working]

    def _order(self) -> list[_Member]:
        waiting = {id(member.ticket): member for member in self._members.values() if member.ticket.started is None}
        working = [member.ticket for member in self._members.values() if member.working]
        order = turns((member.ticket for member in waiting.values()), working, self._last)
        return [waiting[id(ticket)] for ticket in order]

    def _start(self, member: _Member) -> None:
        now, ticket = datetime.now(UTC), member.ticket
        keys = member.keys if ticket.guest == OWNER.name else own_keys(member.keys)
        member.ticket = ticket.model_copy(update={"started": now})
        self._put(member)
        member.process = spawn(member.run, self.home, keys, ticket.limits, wait=False)
        member.ticket = ticket.model_copy(update={"started": now, "process": member.process})
        self._put(member)
        member.keys = {}
        self._last[ticket.guest] = now

    def _clear(self) -> None:
        """Forget the tickets of engines that came to an end, and of runs that were deleted."""
        for name, member in list(self._members.items()):
            if not member.run.journal.is_file() or (member.ticket.started is not None and not member.working):
                self._drop(name)
                if member.again is not None and _sleeps_over_a_question(member.run):
                    self._put(member.again)

    def _put(self, member: _Member) -> None:
        self._members[member.run.name] = member
        write_atomic(member.run.ticket, member.ticket.model_dump_json().encode("utf-8"))

    def _drop(self, name: str) -> None:
        member = self._members.pop(name, None)
        if member is not None:
            member.run.ticket.unlink(missing_ok=True)


def _found(run: RunFolder) -> Ticket | None:
    """The ticket that an earlier server left; an engine that was killed with it gets another turn."""
    try:
        ticket = Ticket.model_validate_json(run.ticket.read_bytes())
    except (OSError, ValidationError):
        return None
    if ticket.started is None or is_running(run):
        return ticket
    return ticket.model_copy(update={"started": None}) if _interrupted(run) else ticket


def _is_engine(process: int, run: RunFolder) -> bool:
    """True when this process is the engine of this run: its number may be somebody else's by now."""
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes()
    except OSError:
        return False
    return process > 1 and os.fsencode(run.path) in command.split(b"\0")


def _interrupted(run: RunFolder) -> bool:
    try:
        return fold(read(run.journal)).status == "running"
    except CopilotError:
        return False


def _sleeps_over_a_question(run: RunFolder) -> bool:
    try:
        pause = fold(read(run.journal)).pause
    except CopilotError:
        return False
    return pause is not None and pause.reason == "question"
