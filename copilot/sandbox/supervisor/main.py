"""The supervisor of one job: `Spec` on the first line of standard input, `Result` on standard output.

Standard input stays open as long as the engine lives; when it closes, the job ends. Lives outside the sandbox, adopts
every orphan of the job, and does not return before all of them are dead and the job's scratch folder is gone.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import time
from collections.abc import Callable

from copilot.sandbox.supervisor import container, disk, identity, kernel, leftovers, start, tree
from copilot.sandbox.supervisor.output import Log
from copilot.sandbox.supervisor.spec import SCRATCH_PREFIX, Result, Spec, StartError
from copilot.sandbox.supervisor.watch import Verdict, Watch

READ_BYTES = 1 << 18
DRAIN_BYTES = 1 << 22
GRACE_SECONDS = 2.0
APART = ("namespace", "container")
"""Levels at which a job has processes and shared memory of its own."""
_STDIN, _STDOUT = 0, 1

Launch = Callable[[Spec, str, int | None], start.Started]
"""Starts the program of a job: its spec, its scratch folder, the user to become."""


class Job:
    """A started job: drains its output, asks its watch, and knows when it is over."""

    def __init__(self, spec: Spec, started: start.Started, watch: Watch, log: Log, signals: int) -> None:
        self._spec, self._started, self._watch, self._log, self._signals = spec, started, watch, log, signals
        self.reaper = tree.Reaper(started.pid)
        self._poll = select.poll()
        for descriptor in (started.output, _STDIN, signals):
            self._poll.register(descriptor, select.POLLIN)
        self._began = time.monotonic()
        self._terminated = 0.0

    def follow(self) -> Verdict:
        """Until the first process ends, a limit is hit, or somebody says stop."""
        while True:
            events = {descriptor for descriptor, _ in self._poll.poll(self._wait_ms())}
            verdict = self._hear(events) or self._watch.look() or self._time_over()
            if verdict:
                return verdict
            if self.reaper.status is not None:
                return Verdict("timeout", self._time_text()) if self._terminated else Verdict("exit", "")

    def _wait_ms(self) -> float:
        now = time.monotonic()
        due = min(self._watch.next_look(), self._deadline())
        return max(0.0, (due - now) * 1000) + 1

    def _deadline(self) -> float:
        return self._terminated + GRACE_SECONDS if self._terminated else self._began + self._spec.seconds

    def _hear(self, events: set[int]) -> Verdict | None:
        if self._started.output in events:
            self._drain(READ_BYTES)
        if self._log.over:
            return Verdict("output", f"It printed more than {self._spec.output_mb} MiB.")
        if self._log.failure:
            return Verdict("machine", f"It was ended because {self._log.failure}.")
        if _STDIN in events:
            told = os.read(_STDIN, 100)
            return Verdict("stopped", "It was stopped." if told else "The engine that started it ended.")
        if self._signals in events:
            if set(os.read(self._signals, 1000)) & {signal.SIGTERM, signal.SIGINT, signal.SIGHUP}:
                return Verdict("stopped", "Its supervisor was told to stop.")
            self.reaper.reap()
        return None

    def _drain(self, most: int) -> None:
        """Take what has been printed, `most` bytes at a time at most."""
        while most > 0:
            try:
                chunk = os.read(self._started.output, READ_BYTES)
            except BlockingIOError:
                return
            if not chunk:
                with contextlib.suppress(KeyError):
                    self._poll.unregister(self._started.output)
                return
            self._log.feed(chunk)
            most -= len(chunk)

    def _time_over(self) -> Verdict | None:
        """At the wall limit the program itself gets a SIGTERM and a moment to save its work."""
        if time.monotonic() < self._deadline():
            return None
        if self._terminated:
            return Verdict("timeout", self._time_text())
        self._terminated = time.monotonic()
        behind = self._spec.level in APART and not self._spec.warm
        script = tree.script_of(os.getpid(), self._started.pid, in_namespace=behind)
        with contextlib.suppress(ProcessLookupError):
            os.kill(script, signal.SIGTERM)
        return None

    def _time_text(self) -> str:
        return f"It ran longer than {self._spec.seconds:g} s."

    def finish(self, uid: int | None) -> bool:
        """Kill what is left and take the last output; False if something could not be killed."""
        gone = tree.kill_all(os.getpid(), self.reaper, uid)
        self._drain(DRAIN_BYTES)
        return gone

    def exit_code(self) -> int | None:
        """Of the program; 128 + n for signal n. None if it never ran, or if bubblewrap could not say."""
        if self._started.status is None:
            code = os.waitstatus_to_exitcode(self.reaper.status or 0)
            if self._spec.level == "container" and code in container.NOT_STARTED and "Error" in self._log.peek()[0][:9]:
                return None
            return code if code >= 0 else 128 - code
        os.set_blocking(self._started.status, False)
        with contextlib.suppress(BlockingIOError):
            if found := re.search(rb'"exit-code": *(\d+)', os.read(self._started.status, 65536)):
                return int(found[1])
        return None


def supervise(spec: Spec, signals: int, launch: Launch) -> Result:
    """Run one job from its first file to its last dead process."""
    log = Log(spec.log, spec.output_mb << 20)
    scratch = ""
    try:
        user = identity.JobUser() if identity.needed() else None
        scratch = _make_scratch(spec.scratch_root)
        if user:
            user.clear()
            identity.check_readable([*spec.read_only, *spec.inputs])
            identity.give(scratch, user.uid)
            identity.give(spec.workspace, user.uid)
        result = _run(spec, scratch, user.uid if user else None, log, signals, launch)
    except (StartError, OSError) as error:
        result = Result("setup", detail=f"The job could not be started: {error}")
    finally:
        head, tail = log.close()
        if scratch:
            with contextlib.suppress(OSError):
                disk.remove_tree(scratch)
    return result._replace(head=head, tail=tail, output_bytes=log.received)


def _run(spec: Spec, scratch: str, uid: int | None, log: Log, signals: int, launch: Launch) -> Result:
    owner = os.geteuid() if uid is None else uid
    before = leftovers.snapshot()
    watch = Watch(spec, scratch, owner, before)
    began = time.monotonic()
    job = Job(spec, launch(spec, scratch, uid), watch, log, signals)
    try:
        verdict = job.follow()
    finally:
        if spec.level == "container":
            container.remove(spec, scratch)
        gone = job.finish(uid)
        seconds = round(time.monotonic() - began, 4)
    if spec.level not in APART:
        leftovers.sweep(before, owner)
    if verdict.reason == "exit":
        verdict = watch.look_at_disk([]) or verdict
    code = job.exit_code() if verdict.reason == "exit" else None
    reason, detail = _explain(code, log) if verdict.reason == "exit" else verdict
    if not gone:
        detail += " Some of its processes could not be killed."
    peak = round(max(watch.peak_memory, job.reaper.largest) / (1 << 20), 1)
    return Result(reason, code, seconds, round(job.reaper.cpu_seconds, 4), peak, detail=detail)


def _explain(code: int | None, log: Log) -> Verdict:
    """One sentence when the exit was not a clean one."""
    if code is None:
        said, _ = log.peek()
        return Verdict("setup", f"The sandbox could not be set up: {said.strip()[:500]}")
    if code > 128:
        names = {item.value: item.name for item in signal.Signals}
        return Verdict("exit", f"It was ended by signal {names.get(code - 128, code - 128)}.")
    return Verdict("exit", f"It ended with exit code {code}." if code else "")


def _make_scratch(root: str) -> str:
    """The job's own home and tmp; the name says whose it is, so that a later start can clear what a crash left."""
    folder = f"{root}/{SCRATCH_PREFIX}{os.getpid()}-{os.urandom(4).hex()}"
    for path in (folder, f"{folder}/home", f"{folder}/tmp"):
        os.mkdir(path, 0o700)
    return folder


def _signal_pipe() -> int:
    """A descriptor that becomes readable, with the numbers, when a signal arrives."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reader


def _first_line() -> str:
    data = b""
    while b"\n" not in data:
        chunk = os.read(_STDIN, 65536)
        if not chunk:
            raise EOFError
        data += chunk
    return data.partition(b"\n")[0].decode("utf-8")


def main(launch: Launch = start.start) -> None:
    """What the supervisor process does; ends with 0 whenever it could say how the job ended."""
    kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGTERM)
    signals = _signal_pipe()
    result = supervise(Spec.from_json(_first_line()), signals, launch)
    answer = json.dumps(result._asdict()).encode() + b"\n"
    with contextlib.suppress(BrokenPipeError):
        os.write(_STDOUT, answer)
