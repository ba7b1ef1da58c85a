"""A level on this machine: turns a `Job` into a supervisor process and its answer into an `Outcome`.

Blocks for as long as the job runs; call it from a thread or a process of your own. Knows no policy about levels.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from functools import cache
from pathlib import Path
from typing import IO, Literal

from copilot.errors import SetupError
from copilot.sandbox import containers, environment, tools, warm
from copilot.sandbox.protocol import Job, Level, Outcome
from copilot.sandbox.supervisor import disk
from copilot.sandbox.supervisor.identity import JOB_UIDS
from copilot.sandbox.supervisor.spec import SCRATCH_PREFIX, Result, Spec

_PACKAGE_PARENT = str(Path(__file__).resolve().parents[2])
_BOOT = "import sys; sys.path.insert(0, sys.argv[1]); from copilot.sandbox.supervisor.main import main; main()"
EXTRA_SECONDS = 60.0
"""How long a supervisor may take beyond the job's own limit before it is given up."""


class LocalSandbox:
    """One level in force here. Safe to use from several threads at once: every job has its own supervisor."""

    def __init__(self, level: Level) -> None:
        self.level: Level = level

    def run(self, job: Job, stop: threading.Event | None = None) -> Outcome:
        """Run to the end or a limit; every descendant is dead when this returns.

        Setting `stop` (from another thread) ends the job with reason `stopped`. Raises SetupError for a job that
        contradicts itself: a missing workspace, a log or an input inside it.
        """
        _clear_what_crashes_left()
        if self.level == "container":
            containers.clear_what_crashes_left()
        spec = self._spec(job)
        return self._run_warm(job, spec, stop) or self._run_cold(spec, stop)

    def _run_cold(self, spec: Spec, stop: threading.Event | None) -> Outcome:
        with _supervisor() as process:
            assert process.stdin and process.stdout and process.stderr
            try:
                answer = _converse(process.stdin, process.stdout, spec, stop)
            finally:
                _dismiss(process)
            said = process.stderr.read(4000).decode("utf-8", "replace").strip().rpartition("\n")[2]
            return self._outcome(answer, f"({process.returncode}). {said}", "cold")

    def _run_warm(self, job: Job, spec: Spec, stop: threading.Event | None) -> Outcome | None:
        """None when it has to start cold. Raises SetupError when it must start warm and cannot."""
        try:
            key = warm.wanted(job, spec)
            if key is None or (warm.KEPT_READY.is_first(key) and job.start == "auto"):
                return None
            stdin, stdout = warm.KEPT_READY.supervisor(key, spec)
        except warm.Unfit as reason:
            if job.start == "warm":
                raise SetupError(f"The job could not be started warm: {reason}.") from reason
            return None
        with stdin, stdout:
            answer = _converse(stdin, stdout, spec._replace(warm=True), stop)
        outcome = self._outcome(answer, "(warm).", "warm")
        if outcome.reason == "setup" and job.start == "auto":  # nothing of it ran
            warm.KEPT_READY.give_up(key, outcome.detail)
            return None
        return outcome

    def _outcome(self, answer: bytes, said: str, start: Literal["cold", "warm"]) -> Outcome:
        try:
            result = Result(**json.loads(answer))
        except (ValueError, TypeError):
            result = Result(detail=f"The supervisor of the job ended without an answer {said}".strip())
        return Outcome(level=self.level, start=start, **result._asdict())

    def _spec(self, job: Job) -> Spec:
        workspace = job.workspace.resolve()
        inputs = [path.resolve() for path in job.inputs]
        log = job.log.parent.resolve() / job.log.name
        _check_places(workspace, inputs, log)
        limits, own = job.limits, self.level != "container"
        argv = [environment.interpreter() if own and job.argv[0] == "python" else job.argv[0], *job.argv[1:]]
        env = environment.variables(limits.cpus, job.gpu, job.env)
        if not own:
            env = {name: value for name, value in env.items() if name != "PATH" or name in job.env}
        return Spec(
            level=self.level,
            argv=argv,
            env=env,
            workspace=str(workspace),
            scratch_root=environment.scratch_root(),
            log=str(log),
            inputs=[str(path) for path in inputs],
            read_only=environment.interpreter_folders() if own else [],
            seconds=limits.seconds,
            memory_mb=limits.memory_mb,
            processes=limits.processes,
            disk_mb=limits.disk_mb,
            output_mb=limits.output_mb,
            files=limits.files,
            gpu=job.gpu,
            bwrap=tools.find("bwrap"),
            bwrap_options=list(tools.bwrap_options()),
            prlimit=tools.find("prlimit"),
            engine=[] if own else containers.command(),
            image="" if own else containers.image(),
        )


@cache
def _clear_what_crashes_left() -> None:
    """Scratch folders of ours whose supervisor is dead; once per process. The name holds the supervisor's pid."""
    for folder in Path(environment.scratch_root()).glob(f"{SCRATCH_PREFIX}*-*"):
        with contextlib.suppress(OSError, ValueError):
            pid = int(folder.name[len(SCRATCH_PREFIX) :].partition("-")[0])
            if folder.lstat().st_uid in _our_uids() and not Path(f"/proc/{pid}").exists():
                disk.remove(str(folder))


def _our_uids() -> range | tuple[int, ...]:
    return JOB_UIDS if os.geteuid() == 0 else (os.geteuid(),)


def _check_places(workspace: Path, inputs: list[Path], log: Path) -> None:
    if not workspace.is_dir():
        raise SetupError(f"The workspace {workspace} is not a folder.")
    if log.is_relative_to(workspace):
        raise SetupError(f"The log {log} is inside the workspace, where the job could change it.")
    for path in inputs:
        if not path.exists():
            raise SetupError(f"The input {path} does not exist.")
        if path.is_relative_to(workspace) or log.is_relative_to(path):
            raise SetupError(f"The input {path} overlaps with the workspace or the log; keep them side by side.")
    log.parent.mkdir(parents=True, exist_ok=True)


def _supervisor() -> subprocess.Popen[bytes]:
    """A process of its own session, started clean: no variable, no descriptor, no site-packages."""
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _BOOT, _PACKAGE_PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        cwd="/",
        start_new_session=True,
    )


def _converse(stdin: IO[bytes], stdout: IO[bytes], spec: Spec, stop: threading.Event | None) -> bytes:
    """Hand the job over and wait for the answer; standard input stays open, for its end is the sign that we ended."""
    stdin.write(spec.to_json().encode() + b"\n")
    stdin.flush()
    if stop is None:
        return stdout.read()
    over = threading.Event()
    watcher = threading.Thread(target=_pass_on, args=(stdin, stop, over), daemon=True)
    watcher.start()
    try:
        return stdout.read()
    finally:
        over.set()
        watcher.join()


def _pass_on(stdin: IO[bytes], stop: threading.Event, over: threading.Event) -> None:
    """Tell the supervisor when somebody says stop."""
    while not over.is_set():
        if stop.wait(0.1):
            with contextlib.suppress(BrokenPipeError):
                stdin.write(b"stop\n")
                stdin.flush()
            return


def _dismiss(process: subprocess.Popen[bytes]) -> None:
    """Closing its standard input ends the job, if it has not ended; then wait for the supervisor to clean up."""
    if process.stdin:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(EXTRA_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
