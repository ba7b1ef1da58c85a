"""From a forked process to a contained program: the two sides of a warm start, and what they say to each other.

The supervisor's side builds the place and gives one order; the program's side obeys it, says that it has started, and
closes its end when it is contained. Anything else that it says is the reason why nothing ran.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
from typing import NamedTuple

from copilot.sandbox.supervisor import join, kernel, seccomp, start, tree
from copilot.sandbox.supervisor.program import Program
from copilot.sandbox.supervisor.spec import Spec, StartError

BUILDING_SECONDS = 20.0
KEEPER = ["/bin/sh", "-c", "echo; exec sleep 2147483647"]
"""What bubblewrap builds the place around; its line says that the place stands."""
KEEPER_PROCESSES = 1
"""It counts in a place where a program that is started from nothing is alone."""


class Lines(NamedTuple):
    """One side of the pipes: orders to the program's process, answers and output from it."""

    orders: int
    answers: int
    output: int

    def close(self) -> None:
        """Close what is held here."""
        for descriptor in self:
            os.close(descriptor)


def pipes() -> tuple[Lines, Lines]:
    """The supervisor's side and the program's."""
    orders, answers, output = os.pipe(), os.pipe(), os.pipe()
    return Lines(orders[1], answers[0], output[0]), Lines(orders[0], answers[1], output[1])


class Order(NamedTuple):
    """What the program's process has to know."""

    spec: Spec
    scratch: str
    uid: int | None
    guarded: tuple[int, ...]
    keeper: int
    """The process whose namespaces it enters; 0 at a level without."""


class Launcher:
    """The supervisor's side."""

    def __init__(self, pid: int, lines: Lines) -> None:
        self._pid, self._lines = pid, lines

    def launch(self, spec: Spec, scratch: str, uid: int | None) -> start.Started:
        """As `start.start`. Raises StartError when the program did not get as far as its first line."""
        keeper = _build_place(spec, scratch, uid) if spec.level == "namespace" else 0
        guarded = tuple(pid for pid in start.to_guard(spec.level, uid) if pid != self._pid)
        self._say(json.dumps(Order(spec, scratch, uid, guarded, keeper)))
        pid = self._started()
        if keeper:  # it forked into the process namespace and ended: its child is ours now, and may go on
            os.waitpid(self._pid, 0)
            self._say("go")
        if problem := start.read_all(self._lines.answers):
            raise StartError(problem)
        os.close(self._lines.orders)
        os.set_blocking(self._lines.output, False)
        return start.Started(pid, self._lines.output, None)

    def _started(self) -> int:
        """Which process will be the program."""
        said = _read_line(self._lines.answers)
        if said.isdigit():
            return int(said)
        raise StartError(said + start.read_all(self._lines.answers) or "The warm process ended.")

    def _say(self, text: str) -> None:
        with contextlib.suppress(BrokenPipeError):  # the reason is in the answers
            os.write(self._lines.orders, text.encode() + b"\n")


def _build_place(spec: Spec, scratch: str, uid: int | None) -> int:
    """Everything that bubblewrap does for a cold start, around a process that only waits; that one's number."""
    started = start.start(spec._replace(argv=KEEPER, env={}), scratch, uid)
    assert started.status is not None
    try:
        said = b""
        if select.select([started.output], [], [], BUILDING_SECONDS)[0]:
            said = os.read(started.output, 4000)
        keeper = tree.script_of(os.getpid(), 0, in_namespace=True)
    finally:
        os.close(started.output)
        os.close(started.status)
    if said != b"\n" or not keeper:
        raise StartError(f"The sandbox could not be set up: {said.decode('utf-8', 'replace').strip()[:500]}")
    return keeper


def become_program(lines: Lines, parent: int) -> Program:
    """The program's side: wait for the order, and return when contained. Ends the process when it cannot be."""
    try:
        said = json.loads(_read_line(lines.orders) or "null")
        if said is None:
            os._exit(97)  # the supervisor could not start anything
        order = Order(*said)
        order = order._replace(spec=Spec(*order.spec), guarded=tuple(order.guarded))
        start.prepare(order.spec, order.scratch, order.uid, lines.output, parent)
        program = _enter_place(order, lines) if order.keeper else _confine(order, lines)
        os.close(lines.answers)
    except (OSError, StartError, ValueError) as error:
        os.write(lines.answers, str(error).encode("utf-8", "replace")[:4000])
        os._exit(97)
    return program


def _confine(order: Order, lines: Lines) -> Program:
    """A level without namespaces: this process is the program."""
    spec = order.spec
    program = Program(spec.argv, start.environment(spec, order.scratch))
    os.write(lines.answers, b"%d\n" % os.getpid())
    _close_all_but(lines.answers)
    start.confine(spec, order.scratch, order.guarded)
    program.prepare()
    return program


def _enter_place(order: Order, lines: Lines) -> Program:
    """The level with namespaces: a child of this process is the first to be in all of them, and is the program."""
    spec = order.spec
    join.enter(order.keeper)
    pid = os.fork()
    if pid:
        os.write(lines.answers, b"%d\n" % pid)
        os._exit(0)
    if _read_line(lines.orders) != "go":
        os._exit(97)
    most = spec.processes + KEEPER_PROCESSES
    resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    join.give_up_privileges()
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.chdir(spec.workspace)
    _close_all_but(lines.answers)
    program = Program(spec.argv, {**spec.env, "PWD": spec.workspace})  # as bubblewrap says where it went
    program.prepare()
    seccomp.install(seccomp.assemble(seccomp.Rules(memfd=spec.gpu)))
    join.check()
    return program


def _close_all_but(kept: int) -> None:
    """A program finds the descriptors 0, 1 and 2 and no other."""
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and int(name) != kept:
            with contextlib.suppress(OSError):
                os.close(int(name))


def _read_line(descriptor: int) -> str:
    """Up to the next line end and no further; "" at the end."""
    data = b""
    while (byte := os.read(descriptor, 1)) not in (b"", b"\n"):
        data += byte
    return data.decode("utf-8", "replace")
