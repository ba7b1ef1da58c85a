"""The journal: append, read, follow. The single source of truth of a run; only the engine writes it.

One event a line, strict JSON, schema version and sequence number on every line, each line's hash over the hash of the
line before. A torn last line (the writer was killed) is cut off on open and kept beside the journal; any other damage
is an error that names the line. Not here: what events mean (`copilot.state`).

A non-finite number is not JSON: it is written as null, with its text in `nonfinite` beside the data, keyed by its
place (a JSON Pointer), and comes back as the number that it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import time as clock
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copilot.disk import make_folder, sync
from copilot.domain.base import canonical_json
from copilot.errors import CopilotError, NotRecorded, RunFailed, SetupError
from copilot.events import EVENTS, AnyEvent, Event, Unknown

VERSION = 1
LOCK_TRIES, LOCK_PAUSE = 5, 0.05
"""A viewer that asks whether an engine is alive holds the lock for a moment: that is no second engine."""
GENESIS = "0" * 64
_NONFINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
_KEYS = {"v", "seq", "time", "kind", "data", "nonfinite", "prev", "hash"}


@dataclass(frozen=True)
class Entry:
    """One line: its number from 0, UTC time, the event, and the hash that the next line builds on."""

    seq: int
    time: datetime
    event: AnyEvent
    hash: str


class JournalDamaged(RunFailed):
    """The journal does not follow: a line was changed, lost or put in between."""


def _strip_nonfinite(value: Any, pointer: str, found: dict[str, str]) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        found[pointer] = "nan" if math.isnan(value) else ("inf" if value > 0 else "-inf")
        return None
    if isinstance(value, dict):
        return {
            key: _strip_nonfinite(item, f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", found)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_strip_nonfinite(item, f"{pointer}/{index}", found) for index, item in enumerate(value)]
    return value


def _restore_nonfinite(data: Any, found: dict[str, str]) -> None:
    for pointer, text in found.items():
        *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
        holder = data
        for part in parents:
            holder = holder[int(part) if isinstance(holder, list) else part]
        holder[int(last) if isinstance(holder, list) else last] = _NONFINITE[text]


def encode(event: Event, seq: int, time: datetime, prev: str) -> tuple[str, str]:
    """The line (without line feed) for this event, and its hash."""
    data = event.model_dump(mode="json")
    kind = data.pop("kind")
    if isinstance(event, Unknown):
        kind, data = event.original_kind, event.data
    found: dict[str, str] = {}
    data = _strip_nonfinite(data, "", found)
    body = {"v": VERSION, "seq": seq, "time": time.isoformat(), "kind": kind, "data": data, "prev": prev}
    if found:
        body["nonfinite"] = found
    digest = _digest(body)
    return _spell(body | {"hash": digest}), digest


def _spell(body: dict[str, Any]) -> str:
    """The one spelling of a line: a line that says the same in other letters was changed all the same."""
    return _SPELLER.encode(body)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical_json(body).encode("utf-8", "surrogatepass")).hexdigest()


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


_SPELLER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))
_READER = json.JSONDecoder(parse_constant=_refuse_constant)
"""Made once: making them for every line costs a fifth of reading a journal."""


def decode(line: str, seq: int, prev: str) -> Entry:
    """One line back to an entry. Raises JournalDamaged naming the line when it does not follow from `prev`."""
    where = f"line {seq + 1} of the journal"
    try:
        body = _READER.decode(line)
        spelled = _spell(body)
        digest = body.pop("hash")
        sound = (
            spelled == line.rstrip("\n")
            and body["seq"] == seq
            and body["prev"] == prev
            and set(body) <= _KEYS
            and _digest(body) == digest
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JournalDamaged(f"{where} is not a journal entry: {error}") from error
    if not sound:
        raise JournalDamaged(f"{where} does not follow from the line before: it was changed, moved or inserted")
    return Entry(seq, datetime.fromisoformat(body["time"]), _event(body, where), digest)


def _event(body: dict[str, Any], where: str) -> AnyEvent:
    data = body["data"]
    if not isinstance(data, dict) or not isinstance(body["v"], int):
        raise JournalDamaged(f"{where} has no data object or no version")
    try:
        _restore_nonfinite(data, body.get("nonfinite", {}))
        return EVENTS.validate_python(data | {"kind": body["kind"]})
    except (ValidationError, KeyError, IndexError, ValueError):
        return Unknown(original_kind=str(body["kind"]), data=data)


def read(path: Path) -> Iterator[Entry]:
    """All whole entries in order. A torn last line is left out; damage anywhere else raises JournalDamaged."""
    reader = Reader(path)
    yield from reader.new()


class Reader:
    """Follows a journal that another process appends to: `new()` gives only what came since the last call."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0
        self.seq = 0
        self.hash = GENESIS

    def new(self) -> Iterator[Entry]:
        """Entries appended since the last call; an unfinished last line is left for the next call."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            file.seek(self.offset)
            for raw in file:
                if not raw.endswith(b"\n"):
                    return
                entry = decode(_utf8(raw, self.seq), self.seq, self.hash)
                self.offset += len(raw)
                self.seq += 1
                self.hash = entry.hash
                yield entry


def _utf8(raw: bytes, seq: int) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JournalDamaged(f"line {seq + 1} of the journal is not UTF-8") from error


class Journal:
    """The writer. Holds an exclusive lock for its lifetime: a second engine on the same run is refused.

    `repaired` says what was cut off an interrupted write, or is empty.
    """

    def __init__(self, path: Path, *, on_event: Callable[[Entry], None] | None = None) -> None:
        make_folder(path.parent)
        self.path = path
        self.on_event = on_event
        self._file = path.open("ab+", buffering=0)
        try:
            self._lock()
            self.entries = list(read(path))
            self.repaired = self._cut_torn_tail()
        except (CopilotError, OSError):
            self._file.close()
            raise
        if not self.entries:
            sync(path.parent)

    def _lock(self) -> None:
        for tries_left in reversed(range(LOCK_TRIES)):
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if not tries_left:
                    raise SetupError(
                        f"another engine is working on this run ({self.path.parent.parent}); wait for it or stop it"
                    ) from error
            clock.sleep(LOCK_PAUSE)

    def _cut_torn_tail(self) -> str:
        content = self.path.read_bytes()
        whole = content.rfind(b"\n") + 1
        self._end, self._torn = whole, False
        torn = content[whole:]
        if not torn:
            return ""
        self.path.with_suffix(f".torn-{whole}").write_bytes(torn)
        self._file.truncate(whole)
        os.fsync(self._file.fileno())
        return f"{len(torn)} bytes of an interrupted last line were set aside"

    def _write(self, line: bytes, *, durable: bool) -> None:
        """The whole line or nothing of it: what a full disk cut short is taken back."""
        try:
            if self._torn:
                self._file.truncate(self._end)
            self._torn = True
            left = memoryview(line)
            while left:
                left = left[self._file.write(left) :]
            if durable:
                os.fsync(self._file.fileno())
        except OSError as error:
            self._take_back()
            raise NotRecorded(f"the journal {self.path} cannot be written ({error}); mend it, then resume") from error
        self._end, self._torn = self._end + len(line), False

    def _take_back(self) -> None:
        with contextlib.suppress(OSError):  # the next append tries again, and an open after that repairs it
            self._file.truncate(self._end)
            self._torn = False

    def append(self, event: Event) -> Entry:
        """Write one event; on return it is in the file, and on the disk when the event is durable.

        Raises NotRecorded when it cannot be written; then nothing of it is in the file.
        """
        seq = len(self.entries)
        time = datetime.now(UTC)
        line, digest = encode(event, seq, time, self.entries[-1].hash if self.entries else GENESIS)
        self._write(line.encode("ascii") + b"\n", durable=event.durable)
        entry = Entry(seq, time, EVENTS.validate_python(event), digest)
        self.entries.append(entry)
        if self.on_event is not None:
            self.on_event(entry)
        return entry

    def close(self) -> None:
        """Release the lock."""
        self._file.close()
