"""A process that has imported what the next jobs import, and forks for each of them; it never runs a line of a job.

For each job it forks a supervisor, and that one, before it knows anything of the job, forks the process that will
become the program. The program's process enters the same containment as one that is started from nothing, and only then
does the interpreter read the file. Nothing that a job does reaches back: this process reads requests and forks.

It stands outside the containment, with the environment of a job and without any key; asked over one socket.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import signal
import socket
import sys

from copilot.sandbox.supervisor import launch, main
from copilot.sandbox.supervisor.program import Program

MESSAGE_BYTES = 1 << 16
QUIET = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
"""For the imports only: Arrow's allocator would start a thread that cleans up behind it."""


def wait_for_jobs(control: socket.socket) -> Program:
    """Import, answer, and fork for every request until the other side is gone. Returns in a program's process only."""
    wanted = json.loads(control.recv(MESSAGE_BYTES))
    control.send(json.dumps([_unfit(wanted), _top_names()]).encode())
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, 16, 2)
        if not request:
            os._exit(0)
        if os.fork() == 0:
            control.close()
            return _job(descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _unfit(wanted: list[tuple[str, list[str]]]) -> str:
    """Import; why that leaves this process unfit to be forked, or ""."""
    held = set(os.listdir("/proc/self/fd"))
    os.environ.update(QUIET)
    try:
        _import(wanted)
    except ImportError as error:
        return str(error)
    gc.collect()
    gc.freeze()  # else the collector of every fork would visit, and so copy, all that was imported
    ctypes.CDLL(None).fflush(None)
    if (pid := os.fork()) == 0:  # numeric libraries end their idle threads when their process forks
        os._exit(0)
    os.waitpid(pid, 0)
    if len(os.listdir("/proc/self/task")) > 1:
        return "the imports started threads"
    if set(os.listdir("/proc/self/fd")) != held:
        return "the imports opened files"
    return "the imports share memory" if _shares_memory() else ""


def _import(wanted: list[tuple[str, list[str]]]) -> None:
    """As `import MODULE` and `from MODULE import NAME, ...` do. Raises ImportError."""
    for module, names in wanted:
        found = importlib.import_module(module)
        for name in names:
            if not hasattr(found, name):
                importlib.import_module(f"{module}.{name}")


def _shares_memory() -> bool:
    """Is anything mapped that one fork could write and the next would read?"""
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as lines:
        return any(line.split()[1][1::2] == "ws" for line in lines)


def _top_names() -> list[str]:
    """Of all modules that are loaded: a file of such a name beside a script would have been found in their place."""
    return sorted({name.partition(".")[0] for name in sys.modules})


def _job(descriptors: list[int]) -> Program:
    """In a fork: become the supervisor of one job, after forking the process that will be its program."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    near, far = launch.pipes()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        near.close()
        return launch.become_program(far, parent)
    far.close()
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.write(1, b"\n")  # it is there: whoever asked may tell it the job
    try:
        main.main(launch.Launcher(pid, near).launch)
    finally:
        os._exit(0)
