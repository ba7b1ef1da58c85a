"""The limits that no rlimit covers, by looking: memory of the whole tree, disk, number of files and processes.

Looking costs at most about 5 % of one core: each kind of look waits twenty times as long as the last one took.
"""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from copilot.sandbox.supervisor import disk, leftovers, tree
from copilot.sandbox.supervisor.spec import Spec

FIRST_LOOK_SECONDS = 0.05
MEMORY_EVERY_SECONDS = 0.1
DISK_EVERY_SECONDS = 0.25
COST_FACTOR = 20
SPARE_MEMORY = 256 << 20
SPARE_DISK = 64 << 20
"""The machine keeps this much, whatever the job's own limit says (or half of what it had, if that is less)."""


class Verdict(NamedTuple):
    """Which limit ended the job, and one sentence."""

    reason: str
    detail: str


def _mb(size: int) -> int:
    return size >> 20


class Watch:
    """Made before the job starts, so that what was there already does not count against it."""

    def __init__(self, spec: Spec, scratch: str, uid: int, shared: leftovers.Snapshot) -> None:
        self._spec, self._uid, self._shared_before = spec, uid, shared
        self._places = (spec.workspace, scratch)
        self._before = disk.usage(spec.workspace)
        self._spare_memory = min(SPARE_MEMORY, tree.available_memory() // 2)
        self._spare_disk = min(SPARE_DISK, self._free_disk() // 2)
        self._next_memory = time.monotonic() + FIRST_LOOK_SECONDS
        self._next_disk = self._next_memory + DISK_EVERY_SECONDS
        self.peak_memory = 0

    def next_look(self) -> float:
        """Monotonic time of the next look that is due."""
        return min(self._next_memory, self._next_disk)

    def look(self) -> Verdict | None:
        """Look at whatever is due; a verdict ends the job."""
        verdict = None
        now = time.monotonic()
        if now >= self._next_memory:
            processes = [process for process in tree.descendants(os.getpid()) if process.alive]
            if self._spec.level == "container":
                processes = tree.apart(processes)
            verdict = self._look_at_processes(processes) or self._look_at_memory(processes)
            self._next_memory = _later(now, MEMORY_EVERY_SECONDS)
        if verdict is None and now >= self._next_disk:
            began = time.monotonic()
            verdict = self.look_at_disk(tree.descendants(os.getpid()))
            self._next_disk = _later(began, DISK_EVERY_SECONDS)
        return verdict

    def _look_at_processes(self, processes: list[tree.Process]) -> Verdict | None:
        tasks = sum(process.threads for process in processes)
        if tasks > self._spec.processes + 16:
            return Verdict("processes", f"It ran {tasks} processes and threads; the limit is {self._spec.processes}.")
        return None

    def _look_at_memory(self, processes: list[tree.Process]) -> Verdict | None:
        limit = self._spec.memory_mb << 20
        shared = self._shared_memory(processes)
        used = tree.memory_estimate(processes) + shared
        if used > limit:
            used = tree.memory_exact(processes, shared)
        self.peak_memory = max(self.peak_memory, used)
        if used > limit:
            return Verdict("memory", f"It used {_mb(used)} MiB of memory; the limit is {self._spec.memory_mb} MiB.")
        if tree.available_memory() < self._spare_memory:
            return Verdict("memory", f"The machine ran out of memory while it used {_mb(used)} MiB.")
        return None

    def _shared_memory(self, processes: list[tree.Process]) -> int:
        """Bytes in /dev/shm: the job's private one, or its part of the machine's."""
        if self._spec.level in ("namespace", "container"):
            return tree.shared_folder_use(processes)
        return leftovers.shared_bytes(self._shared_before, self._uid)

    def look_at_disk(self, processes: list[tree.Process]) -> Verdict | None:
        """Also done once after the end, when nobody is left: a quick program can be through between two looks."""
        limit, most = self._spec.disk_mb << 20, self._spec.files
        now = disk.usage(*self._places, stop_files=self._before.files + most + 3)
        deleted = tree.deleted_file_bytes(processes)
        size, files = now.size + deleted - self._before.size, now.files - self._before.files - 2
        if size > limit:
            return Verdict("disk", f"It wrote {_mb(size)} MiB to disk; the limit is {self._spec.disk_mb} MiB.")
        if files > most:
            return Verdict("disk", f"It made more than {most} files.")
        if now.too_deep and not self._before.too_deep:
            return Verdict("disk", f"It nested folders more than {disk.MAX_DEPTH} deep.")
        if self._free_disk() < self._spare_disk:
            return Verdict("machine", "The disk of this machine is full.")
        return None

    def _free_disk(self) -> int:
        return min(disk.free_bytes(place) for place in self._places)


def _later(began: float, every: float) -> float:
    now = time.monotonic()
    return now + max(every, COST_FACTOR * (now - began))
