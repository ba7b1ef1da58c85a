"""The reception of a shared server: says who somebody is, admits their runs and uploads, and keeps the line.

One for each process and installation (`reception`); None where the server is not shared. In memory only: keys of runs
that wait, who showed the owner's token, uploads of the last hour, open event streams.
"""

from __future__ import annotations

import hmac
import os
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from copilot.config import Home, environment
from copilot.domain.task import Settings
from copilot.hosting import rules as limits
from copilot.hosting.guests import OWNER, Guest, Sessions, may_see
from copilot.hosting.line import Line
from copilot.hosting.refusals import OverQuota, Refused
from copilot.hosting.rules import Rules
from copilot.inbox import Message, leave
from copilot.runs import RunFolder, list_runs

HOUR = 3600.0
MEGABYTE = 1_000_000
SHORTEST_TOKEN = 16
"""A shorter token for the owner counts as none: it could be guessed."""
OVERTIME = 300.0
"""Seconds beyond its working time after which an engine of a guest is ended, at a safe point or not."""
WATCHED = 60.0
"""Seconds for which somebody counts as watching after a page of a run was made for them."""
LOOK_AT_DISK = 30.0
"""Seconds between two looks at what the runs that are worked on fill."""


class Reception:
    """Everything that one shared server knows beyond the run folders."""

    def __init__(self, home: Home, rules: Rules) -> None:
        self.home, self.rules = home, rules
        self.sessions = Sessions(home.logs / ".server")
        self.line = Line(home, rules.engines)
        self._lock = threading.Lock()
        self._owners: set[str] = set()
        self._uploads: dict[str, deque[float]] = {}
        self._followers: Counter[str] = Counter()
        self._watched: dict[str, float] = {}
        self._looked = 0.0

    def guest(self, token: str) -> Guest | None:
        """The guest of a session token, as the owner when the session showed the owner's token."""
        guest = self.sessions.guest(token)
        return OWNER if guest is not None and guest.name in self._owners else guest

    def promote(self, guest: Guest, token: str) -> bool:
        """Make the session the owner's until the server ends; False when this is not the owner's token."""
        if not is_owner_token(token, self.home):
            return False
        self._owners.add(guest.name)
        return True

    def admit(self, guest: Guest, ask: Mapping[str, Any], settings: Settings, keys: Mapping[str, str]) -> Settings:
        """The settings of the run that is asked for. Raises Refused or OverQuota."""
        if guest.owner:
            return settings
        self._check_disk(guest)
        self._check_turns(guest)
        return limits.admit(self.rules, ask, settings, keys, self.home)

    def join(self, run: RunFolder, guest: Guest, keys: Mapping[str, str], caps: dict[str, float]) -> None:
        """Put a run into the line and start what may start. Raises OverQuota."""
        given = {name: value for name, value in keys.items() if value}
        if not guest.owner:
            limits.own_keys(given)
            if not self.line.has(run):
                self._check_turns(guest)
            if caps.get("minutes", 0) > self.rules.minutes:
                raise OverQuota(f"a run on this server works at most {self.rules.minutes:g} minutes")
        self.line.join(run, guest.name, given, caps)
        self.line.advance()

    def upload(self, guest: Guest, size: int) -> None:
        """Count an upload of `size` bytes. Raises OverQuota."""
        if guest.owner:
            return
        if size > self.rules.upload_mb * MEGABYTE:
            raise OverQuota(f"this file is larger than {self.rules.upload_mb} MB, the most that this server takes")
        now = time.monotonic()
        with self._lock:
            for times in self._uploads.values():
                while times and now - times[0] > HOUR:
                    times.popleft()
            self._uploads = {name: times for name, times in self._uploads.items() if times}
            mine = self._uploads.setdefault(guest.name, deque())
            if len(mine) >= self.rules.uploads or sum(map(len, self._uploads.values())) >= self.rules.uploads_all:
                raise OverQuota("there were too many uploads in the last hour; try again later")
            mine.append(now)

    @contextmanager
    def following(self, guest: Guest) -> Iterator[None]:
        """While an event stream is open. Raises OverQuota when the guest has too many."""
        with self._lock:
            if not guest.owner and self._followers[guest.name] >= self.rules.followers:
                raise OverQuota(f"{self.rules.followers} event streams are open already; close one first")
            self._followers[guest.name] += 1
        try:
            yield
        finally:
            with self._lock:
                self._followers[guest.name] -= 1
                self._followers += Counter()

    def watchers(self, guest: Guest) -> int:
        """How many watched a run within the last minute; this guest does now."""
        now = time.monotonic()
        with self._lock:
            self._watched[guest.name] = now
            self._watched = {name: seen for name, seen in self._watched.items() if now - seen < WATCHED}
            return len(self._watched)

    def tick(self) -> None:
        """What the server does every second: the next turns; now and then, a look at the disk."""
        self.line.end_overdue(self.rules.minutes * 60 + OVERTIME)
        self.line.advance()
        if time.monotonic() - self._looked > LOOK_AT_DISK:
            self._looked = time.monotonic()
            for run in self.line.working():
                if run.owner and bytes_below(run.path) > self.rules.disk_mb * MEGABYTE:
                    note = f"this run fills more than {self.rules.disk_mb} MB, the most that this server gives a guest"
                    leave(run.inbox, Message(action="stop", author="server", text=note))

    def _check_turns(self, guest: Guest) -> None:
        if self.line.of_guest(guest.name) >= self.rules.runs:
            raise OverQuota(f"{self.rules.runs} of your runs wait or are worked on already; stop one, or let it finish")
        if self.line.waiting >= self.rules.waiting:
            raise OverQuota("the line of this server is full; try again later")

    def _check_disk(self, guest: Guest) -> None:
        used = {run: bytes_below(run.path) for run in list_runs(self.home.logs) if run.owner}
        mine = sum(size for run, size in used.items() if may_see(run, guest))
        if mine > self.rules.disk_mb * MEGABYTE:
            raise OverQuota(f"your runs fill more than {self.rules.disk_mb} MB; delete one in the history")
        free = shutil.disk_usage(self.home.root).free
        if sum(used.values()) > self.rules.disk_mb_all * MEGABYTE or free < self.rules.disk_free_mb * MEGABYTE:
            raise OverQuota("the disk of this server is full; try again later")


def bytes_below(folder: Path) -> int:
    """The size of all regular files below a folder; what vanishes meanwhile does not count."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(root) / name).lstat().st_size
            except OSError:
                continue
    return total


def is_owner_token(token: str, home: Home) -> bool:
    """True for the token in `COPILOT_TOKEN`; False when none is set. Takes the same time for every wrong one."""
    known = environment(home).get("COPILOT_TOKEN", "")
    return len(known) >= SHORTEST_TOKEN and hmac.compare_digest(token.encode("utf-8", "replace"), known.encode("utf-8"))


def reception(home: Home) -> Reception | None:
    """The reception of this installation, or None when the server is not shared."""
    rules = Rules.from_environment(environment(home))
    return _open(home, home.logs, rules) if rules else None


def reception_for(home: Home) -> Reception:
    """The reception where there must be one. Raises Refused: a guest has no business on a server that is not shared."""
    found = reception(home)
    if found is None:
        raise Refused("this server is not shared")
    return found


@cache
def _open(home: Home, logs: Path, rules: Rules) -> Reception:
    return Reception(home, rules)
