"""The self-test of a level: a small program tries to get out, and whatever the level promises must hold.

One job, about a tenth of a second. The full attack suite is `copilot sandbox check`.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from copilot.errors import SetupError
from copilot.sandbox import containers, tools
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.protocol import Job, Level, Limits, Outcome
from copilot.sandbox.supervisor import landlock

HOLDS: dict[Level, tuple[str, ...]] = {
    "namespace": ("read", "write", "environ", "connect", "signal", "unshare", "pids"),
    "landlock": ("read", "write", "environ", "connect", "signal", "unshare"),
    "container": ("read", "write", "environ", "connect", "signal", "unshare", "pids"),
    "seccomp-only": ("connect", "signal", "unshare"),
    "limits-only": (),
}
"""What each level promises; the names are those that `probe_program.py` reports."""

_PROGRAM = Path(__file__).with_name("probe_program.py")
_LIMITS = Limits(seconds=20, memory_mb=512, processes=64, disk_mb=64, output_mb=1, files=100)


def failure(sandbox: LocalSandbox) -> str:
    """Why this level is not to be trusted here, or "" when everything it promises held."""
    if missing := _missing(sandbox.level):
        return missing
    try:
        outcome, changed = _attempt(sandbox)
    except (SetupError, OSError) as error:
        return str(error)
    if not outcome.ok:
        said = outcome.head.strip()[:300]
        return outcome.detail if said in outcome.detail else f"{outcome.detail} {said}"
    return _judge(sandbox.level, outcome.head, changed)


def _missing(level: Level) -> str:
    if level == "namespace" and not tools.find("bwrap"):
        return "bubblewrap is not installed."
    if level == "namespace" and not tools.find("prlimit"):
        return "the program prlimit (package util-linux) is not installed."
    if level == "landlock" and landlock.abi() < 1:
        return "this kernel has no Landlock, or it is switched off."
    return containers.missing() if level == "container" else ""


@contextlib.contextmanager
def _listener() -> Iterator[int]:
    """A service on the host's loopback that a job must not reach."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(1)
        yield server.getsockname()[1]


def _attempt(sandbox: LocalSandbox) -> tuple[Outcome, bool]:
    """How the program ended, and whether the file outside was changed (a namesake inside does not count)."""
    with tempfile.TemporaryDirectory(prefix="copilot-probe-") as name, _listener() as port:
        base = Path(name).resolve()
        workspace, secret = base / "work", base / "secret"
        workspace.mkdir()
        secret.write_text("canary")
        if os.geteuid() == 0:
            base.chmod(0o755)
            secret.chmod(0o666)
        targets = json.dumps({"secret": str(secret), "port": port, "pid": os.getpid()})
        argv = ["python", "-I", "-S", "-c", _PROGRAM.read_text(), targets]
        outcome = sandbox.run(Job(argv=argv, workspace=workspace, log=base / "log.txt", limits=_LIMITS))
        return outcome, secret.read_text() != "canary"


def _judge(level: Level, said: str, changed: bool) -> str:
    """What the program managed to do although this level promises otherwise."""
    try:
        broken = json.loads(said)
    except ValueError:
        return "the self-test gave no answer."
    broken["write"] = changed
    loose = [name for name in HOLDS[level] if broken.get(name) is not False]
    return f"its self-test got through: {', '.join(loose)}." if loose else ""
