"""Which container engine and image the `container` level uses, whether they are there, and what crashes left of them.

The level is only for those who name it. Nothing is ever pulled: an image that is not here is a matter for a person.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from functools import cache
from pathlib import Path

from copilot.sandbox import tools
from copilot.sandbox.supervisor import container
from copilot.sandbox.supervisor.spec import SCRATCH_PREFIX

IMAGE_VARIABLE = "COPILOT_SANDBOX_IMAGE"
OWN_IMAGE = "copilot"
"""As `container.sh` names it."""


def engine() -> str:
    """The full path of podman or docker, "" where neither is installed."""
    return tools.find("podman") or tools.find("docker")


def image() -> str:
    """The image that the person named, or the project's own."""
    return os.environ.get(IMAGE_VARIABLE, "") or OWN_IMAGE


def identity() -> str:
    """Name and id of the image, `copilot sha256:…`: a name alone can mean another image tomorrow."""
    asked = _ask([engine(), "image", "inspect", "--format", "{{.Id}}", image()])
    return f"{image()} sha256:{asked.stdout.strip().removeprefix('sha256:')}"


def missing() -> str:
    """What has to be mended before a job can run in a container; "" when nothing."""
    if not engine():
        return "neither podman nor docker is installed (Debian: apt-get install podman)."
    name = Path(engine()).name
    if problem := _failure([engine(), "info"]):
        return f"{name} is installed, but does not work for you: {problem}"
    if _failure([engine(), "image", "inspect", image()]):
        return (
            f"{name} has no image named {image()}: `./container.sh build` makes the project's own, and "
            f"{IMAGE_VARIABLE} names another (with python in it)."
        )
    problem = _working()[1]
    return f"{name} cannot start a container of {image()}: {problem}" if problem else ""


def command() -> list[str]:
    """The engine's command, with the runtime runc where podman's own choice starts nothing and runc does."""
    return _working()[0]


@cache
def _working() -> tuple[list[str], str]:
    """The first command that starts a container, and ""; else the plain one and why it does not."""
    plain = [engine()]
    problem = _trial(plain)
    other = [*plain, "--runtime", "runc"]
    if problem and Path(engine()).name == "podman" and tools.find("runc") and not _trial(other):
        return other, ""
    return plain, problem


def _trial(engine_command: list[str]) -> str:
    """Why a container that does nothing cannot be started, "" if it can."""
    limits = ["--network", "none", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=64:64", "--memory", "64m"]
    start = ["run", "--rm", "--pull", "never", *limits, "--entrypoint", "/bin/sh", image(), "-c", "exit"]
    return _failure([*engine_command, *start])


def _ask(engine_command: list[str]) -> subprocess.CompletedProcess[str]:
    env = container.environment()
    return subprocess.run(engine_command, capture_output=True, text=True, env=env, timeout=60, check=False, cwd="/")


def _failure(engine_command: list[str]) -> str:
    """The last line that the engine says, "" when it succeeds."""
    try:
        done = _ask(engine_command)
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return (done.stderr.strip().rpartition("\n")[2] or f"exit code {done.returncode}") if done.returncode else ""


@cache
def clear_what_crashes_left() -> None:
    """Remove containers of jobs whose supervisor is dead; once per process. The name holds the supervisor's pid."""
    with contextlib.suppress(OSError, subprocess.TimeoutExpired):
        listing = [engine(), "ps", "--all", "--filter", f"name={SCRATCH_PREFIX}", "--format", "{{.Names}}"]
        for name in _ask(listing).stdout.split():
            pid = name.removeprefix(SCRATCH_PREFIX).partition("-")[0]
            if name.startswith(SCRATCH_PREFIX) and pid.isdigit() and not Path(f"/proc/{pid}").exists():
                _ask([*command(), "rm", "--force", name])
