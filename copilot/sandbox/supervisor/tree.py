"""The processes of a job as the kernel lists them: who they are, what they use, how all of them end."""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import NamedTuple

PAGE = os.sysconf("SC_PAGE_SIZE")
TICK = os.sysconf("SC_CLK_TCK")
KILL_PATIENCE_SECONDS = 10.0
CHASE_ROUNDS = 50


class Process(NamedTuple):
    """One line of /proc/PID/stat."""

    pid: int
    parent: int
    group: int
    state: str
    cpu_seconds: float
    threads: int
    resident: int
    """Bytes, file pages included: an upper bound that needs no second file."""

    @property
    def alive(self) -> bool:
        """False for what has ended and only waits to be collected."""
        return self.state not in "ZX"


def _read(path: str) -> str:
    """A small /proc file, or "" when its process has gone (or hides from us)."""
    try:
        with open(path, "rb") as file:
            return file.read(65536).decode("utf-8", "replace")
    except OSError:
        return ""


def _process(pid: int) -> Process | None:
    text = _read(f"/proc/{pid}/stat")
    fields = text[text.rfind(")") + 2 :].split()
    if len(fields) < 22:
        return None
    cpu = (int(fields[11]) + int(fields[12])) / TICK
    return Process(pid, int(fields[1]), int(fields[2]), fields[0], cpu, int(fields[17]), int(fields[21]) * PAGE)


def everything() -> dict[int, Process]:
    """All processes that this one can see, by pid."""
    found = (_process(int(name)) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process}


def descendants(root: int) -> list[Process]:
    """Everything below `root`, parents before children."""
    children: dict[int, list[Process]] = {}
    for process in everything().values():
        children.setdefault(process.parent, []).append(process)
    result = list(children.get(root, []))
    for process in result:
        result.extend(children.get(process.pid, []))
    return result


def apart(processes: list[Process]) -> list[Process]:
    """Those in another process namespace than this one: a container without the programs of its engine."""
    here, result = os.readlink("/proc/self/ns/pid"), []
    for process in processes:
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/{process.pid}/ns/pid") != here:
                result.append(process)
    return result


def memory_estimate(processes: list[Process]) -> int:
    """Bytes of anonymous, shared and swapped memory; counts a shared page once per process, so never too little."""
    total = 0
    for process in processes:
        if process.resident:
            total += sum(_fields(f"/proc/{process.pid}/status", ("RssAnon", "RssShmem", "VmSwap")).values())
    return total


def memory_exact(processes: list[Process], shared_folder_bytes: int) -> int:
    """Bytes with shared pages divided fairly; `shared_folder_bytes` is what /dev/shm holds, mapped or not."""
    private = shared = 0
    for process in processes:
        rollup = _fields(f"/proc/{process.pid}/smaps_rollup", ("Pss_Anon", "Pss_Shmem", "SwapPss"))
        if not rollup and process.alive:
            private += memory_estimate([process])
        private += rollup.get("Pss_Anon", 0) + rollup.get("SwapPss", 0)
        shared += rollup.get("Pss_Shmem", 0)
    return private + max(shared, shared_folder_bytes)


def _fields(path: str, names: tuple[str, ...]) -> dict[str, int]:
    """Lines like `VmSwap:   12 kB`, in bytes."""
    result = {}
    for line in _read(path).splitlines():
        name, _, value = line.partition(":")
        if name in names:
            result[name] = int(value.split()[0]) * 1024
    return result


def available_memory() -> int:
    """Bytes that the machine can still give without swapping."""
    return _fields("/proc/meminfo", ("MemAvailable",)).get("MemAvailable", 1 << 62)


def shared_folder_use(processes: list[Process]) -> int:
    """Bytes in the job's private /dev/shm, through the root of any of its processes; 0 where it has none."""
    own = _device("/dev/shm")
    for process in reversed(processes):
        path = f"/proc/{process.pid}/root/dev/shm"
        if (device := _device(path)) is not None and device != own:
            with contextlib.suppress(OSError):
                status = os.statvfs(path)
                return (status.f_blocks - status.f_bfree) * status.f_frsize
    return 0


def _device(path: str) -> int | None:
    try:
        return os.stat(path).st_dev
    except OSError:
        return None


def deleted_file_bytes(processes: list[Process]) -> int:
    """Disk bytes of files that were removed but are still held open: invisible to a walk."""
    seen: dict[tuple[int, int], int] = {}
    for process in processes:
        folder = f"/proc/{process.pid}/fd"
        try:
            names = os.listdir(folder)
        except OSError:
            continue
        for name in names:
            with contextlib.suppress(OSError):
                status = os.stat(f"{folder}/{name}")
                if status.st_nlink == 0:
                    seen[(status.st_dev, status.st_ino)] = status.st_blocks * 512
    return sum(seen.values())


def of_user(uid: int) -> list[Process]:
    """Living processes of one user."""
    result = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{name}").st_uid == uid and (process := _process(int(name))) and process.alive:
                    result.append(process)
    return result


class Reaper:
    """Collects everything that ended below us, orphans included, and remembers how the first process did."""

    def __init__(self, first: int) -> None:
        self._first = first
        self.status: int | None = None
        """Wait status of the first process, once it has ended."""
        self.cpu_seconds = 0.0
        self.largest = 0
        """Largest resident size of one process, bytes."""

    def reap(self) -> bool:
        """Collect without waiting; True when no child of any kind is left.

        For a sub-reaper that is exact: a living descendant always hangs from one of our children.
        """
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            self.cpu_seconds += usage.ru_utime + usage.ru_stime
            self.largest = max(self.largest, usage.ru_maxrss * 1024)
            if pid == self._first:
                self.status = status


def _signal(target: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(target, number)


def _signal_all(processes: list[Process], number: int) -> None:
    """Groups first: the kernel signals a group as a whole, so nothing in it can fork its way out in between.

    The job runs in a session of its own, and no process can join a group of another session: its groups are its own.
    """
    for group in {process.group for process in processes if process.group > 1}:
        _signal(-group, number)
    for process in processes:
        _signal(process.pid, number)


def _adopted() -> list[int]:
    """Our own children right now: whatever lost its parent comes to us first, and this list is quick to read."""
    return [int(pid) for pid in _read(f"/proc/self/task/{os.getpid()}/children").split()]


def _chase(reaper: Reaper) -> None:
    """Kill orphans as fast as they appear: a process that forks and exits is gone before a full scan reaches it."""
    for _ in range(CHASE_ROUNDS):
        for pid in _adopted():
            _signal(pid, signal.SIGKILL)
        if reaper.reap():
            return


def kill_all(root: int, reaper: Reaper, uid: int | None = None) -> bool:
    """End every descendant of `root`, and every process of `uid` if that user is the job's own.

    Stops all before killing any, and repeats until none is left, because a forking process is a moving target. The
    caller is their sub-reaper, so that the end is certain: no children left. Returns False if some could not be killed
    in ten seconds.
    """
    deadline = time.monotonic() + KILL_PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if reaper.reap():
            return True
        if uid is not None:
            _kill_user(uid)
        living = [process for process in descendants(root) if process.alive]
        _signal_all(living, signal.SIGSTOP)
        _signal_all(living, signal.SIGKILL)
        _chase(reaper)
        time.sleep(0.0005)
    return False


def _kill_user(uid: int) -> None:
    """Every process of one user at once, by a child that becomes that user: nothing can fork out of this one."""
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresuid(uid, uid, uid)
            os.kill(-1, signal.SIGKILL)
        except OSError:
            pass
        finally:
            os._exit(0)
    os.waitpid(pid, 0)


def script_of(root: int, first: int, in_namespace: bool) -> int:
    """The process that runs the job's own program: in a namespace, the first child of that one's number 1."""
    below = descendants(root) if in_namespace else []
    inner = [process.pid for process in below if _number_inside(process.pid) == "1"]
    return min((process.pid for process in below if process.parent in inner), default=first)


def _number_inside(pid: int) -> str:
    """The number of a process in its own namespace, "" where that is ours."""
    lines = _read(f"/proc/{pid}/status").splitlines()
    numbers = next((line.split() for line in lines if line.startswith("NSpid:")), [])
    return numbers[-1] if len(numbers) > 2 else ""
