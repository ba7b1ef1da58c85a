"""The engine's side of warm starts: which job may start warm, and the processes that are kept ready for such jobs.

A warm start is a cold start whose imports were done before, in a process that never runs code of a job; containment,
limits and what the program finds around it are the same. Whatever cannot be warm is started cold. Does not know what a
job is for.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import threading
from pathlib import Path
from typing import BinaryIO, NamedTuple

from copilot.sandbox import environment, leading
from copilot.sandbox.protocol import Job
from copilot.sandbox.supervisor.spec import Spec

LEVELS = ("namespace", "landlock")
"""Where a job cannot reach the processes of its own user: at the others it could reach the one that is kept."""
KEPT = 2
"""Processes kept ready at once; the one that was used least recently goes first."""
LOADING_SECONDS = 120.0
MESSAGE_BYTES = 1 << 20
_PACKAGE_PARENT = str(Path(__file__).resolve().parents[2])
_BOOT = (
    "import socket, sys; c = socket.socket(fileno=int(sys.argv[1])); p = c.recv(4096).decode(); sys.path.insert(0, p);"
    "from copilot.sandbox.supervisor.warm import wait_for_jobs as w; sys.path.remove(p); w(c).run()"
)
OF_THE_JOB = "COPILOT_"
"""Variables with this beginning differ from job to job and mean nothing to a library."""


class Unfit(Exception):
    """This cannot be started warm; the text says why."""


class Key(NamedTuple):
    """What one process can be kept for: jobs of one level with one environment and one list of imports."""

    level: str
    env: tuple[tuple[str, str], ...]
    imports: str
    folders: tuple[str, ...]


def wanted(job: Job, spec: Spec) -> Key | None:
    """For what the job would need a warm process; None if it is to start cold. Raises Unfit when it must not."""
    reason = _obstacle(job, spec)
    found = [] if reason else leading.imports(Path(spec.workspace, spec.argv[1]), spec.env)
    if job.start == "warm" and reason:
        raise Unfit(reason)
    if job.start == "cold" or reason or not (found or job.start == "warm"):
        return None
    fixed = tuple(sorted((name, value) for name, value in spec.env.items() if not name.startswith(OF_THE_JOB)))
    return Key(spec.level, fixed, json.dumps(found), tuple(spec.read_only))


def _obstacle(job: Job, spec: Spec) -> str:
    """What makes a job one for a cold start, before its source is looked at."""
    if spec.level not in LEVELS:
        return f"at the level {spec.level} it could reach the process that is kept ready"
    if job.gpu:
        return "a GPU cannot be shared with a process that is forked"
    if any(name.startswith(("PYTHON", "LD_")) for name in job.env):
        return "its environment changes where modules come from"
    if job.argv[0] != "python" or len(job.argv) < 2 or not Path(spec.workspace, job.argv[1]).is_file():
        return "only a file that Python runs can be started warm"
    return ""


class Ready:
    """One process that has imported what its key says. Raises Unfit when it cannot serve."""

    def __init__(self, key: Key, bwrap: str) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control = ours
        with theirs:
            self._process = subprocess.Popen(
                [*_read_only(key, bwrap), environment.interpreter(), "-c", _BOOT, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=dict(key.env),
                cwd="/",
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        with contextlib.ExitStack() as if_it_fails:
            if_it_fails.callback(self.close)
            self._names = self._load(key.imports)
            if_it_fails.pop_all()

    def _load(self, imports: str) -> set[str]:
        """Let it import; the top-level names of all modules that it then holds."""
        self._control.settimeout(LOADING_SECONDS)
        try:
            for message in (_PACKAGE_PARENT, imports):
                self._control.send(message.encode())
            problem, names = json.loads(self._control.recv(MESSAGE_BYTES))
        except (OSError, ValueError) as error:
            raise Unfit(f"the process that imports ahead ended: {self._said()}") from error
        if said := problem or self._said():
            raise Unfit(said)
        return set(names)

    def _said(self) -> str:
        """What it printed so far: nothing, if all is well."""
        assert self._process.stdout
        if not select.select([self._process.stdout], [], [], 0)[0]:
            return ""
        return os.read(self._process.stdout.fileno(), 2000).decode("utf-8", "replace").strip()

    def serves(self, script: Path) -> bool:
        """False when a file beside the script would have been imported in place of a module that is loaded."""
        return not any(path.name.partition(".")[0] in self._names for path in script.resolve().parent.iterdir())

    def supervisor(self) -> tuple[BinaryIO, BinaryIO]:
        """A supervisor for one job: its standard input and output, after its first byte. Raises Unfit if none came."""
        (read_in, write_in), (read_out, write_out) = os.pipe(), os.pipe()
        try:
            socket.send_fds(self._control, [b"job"], [read_in, write_out])
        except OSError as error:
            os.close(write_in)
            os.close(read_out)
            raise Unfit("the process that imported ahead has ended") from error
        finally:
            os.close(read_in)
            os.close(write_out)
        stdin, stdout = os.fdopen(write_in, "wb", buffering=0), os.fdopen(read_out, "rb")
        if not stdout.read(1):
            stdin.close()
            stdout.close()
            raise Unfit("the process that imported ahead has ended")
        return stdin, stdout

    def let_go(self) -> None:
        """Hold nothing of it any more."""
        self._control.close()

    def close(self) -> None:
        """End it; jobs that it forked live on in sessions of their own."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        if self._process.stdout:
            self._process.stdout.close()
        self._process.wait()


def _read_only(key: Key, bwrap: str) -> list[str]:
    """At `namespace`, it sees the interpreter through read-only mounts from the start.

    For its program file stays reachable as /proc/self/exe, by the mount through which it was started.
    """
    if key.level != "namespace":
        return []
    places = [part for folder in ("/usr", *key.folders) for part in ("--ro-bind", folder, folder)]
    return [bwrap, "--dev-bind", "/", "/", *places, "--"]


class Kept:
    """The processes that are ready now, and why others could not be made. Safe to use from several threads."""

    def __init__(self) -> None:
        self._ready: dict[Key, Ready] = {}
        self._unfit: dict[Key, str] = {}
        self._asked: set[Key] = set()
        self._lock = threading.Lock()
        self._owner = os.getpid()
        self._of_parent: list[Ready] = []

    def supervisor(self, key: Key, spec: Spec) -> tuple[BinaryIO, BinaryIO]:
        """Of one job, forked from a process with its imports; one is made if there is none. Raises Unfit."""
        with self._lock:
            self._leave_to_parent()
            if reason := self._unfit.get(key):
                raise Unfit(reason)
            known = key in self._ready
            ready = self._ready.pop(key, None) or self._make(key, spec.bwrap)
            self._ready[key] = ready
            if not ready.serves(Path(spec.workspace, spec.argv[1])):
                raise Unfit("a file beside the script has the name of a module that is loaded already")
            try:
                return ready.supervisor()
            except Unfit:  # somebody ended it (the system does when memory is short)
                self._ready.pop(key).close()
                if not known:
                    raise
        return self.supervisor(key, spec)

    def is_first(self, key: Key) -> bool:
        """True once for each key: imports are worth doing ahead from the second job on."""
        first = key not in self._asked
        self._asked.add(key)
        return first

    def _leave_to_parent(self) -> None:
        """After a fork of this process: what was kept is its parent's, who ends it."""
        if self._owner != os.getpid():
            for ready in self._ready.values():
                ready.let_go()
            self._of_parent += self._ready.values()
            self._ready, self._owner = {}, os.getpid()

    def _make(self, key: Key, bwrap: str) -> Ready:
        if not self._ready:
            atexit.register(self.close)
        while len(self._ready) >= KEPT:
            self._ready.pop(next(iter(self._ready))).close()
        try:
            return Ready(key, bwrap)
        except Unfit as problem:
            self._unfit[key] = str(problem)
            raise

    def give_up(self, key: Key, reason: str) -> None:
        """Start such jobs cold from now on."""
        with self._lock:
            self._unfit[key] = reason
            if ready := self._ready.pop(key, None):
                ready.close()

    def close(self) -> None:
        """End all of them."""
        with self._lock:
            self._leave_to_parent()
            while self._ready:
                self._ready.popitem()[1].close()


KEPT_READY = Kept()
"""Of this process, for all its sandboxes. Empty until the first job that may start warm."""
