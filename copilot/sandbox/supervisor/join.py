"""Entering the namespaces that bubblewrap has made for another process, and giving up every privilege in there.

A warm start contains its program so: bubblewrap builds the place as for a cold start, around a process that only
waits, and the warm process enters it. No code of a job runs in that place before, so nothing in it can interfere.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import os

from copilot.sandbox.supervisor import kernel
from copilot.sandbox.supervisor.spec import StartError

KINDS = {
    "user": 0x10000000,
    "mnt": 0x00020000,
    "pid": 0x20000000,
    "net": 0x40000000,
    "ipc": 0x08000000,
    "uts": 0x04000000,
    "cgroup": 0x02000000,
}
"""Namespaces by their names in /proc/PID/ns, with their flags for setns(2)."""
ALWAYS = {"user", "mnt", "pid", "net", "ipc", "uts"}
"""The others are shared with the machine where bubblewrap cannot separate them."""


def separate(pid: int) -> set[str]:
    """The kinds of namespace in which another process is apart from this one. Raises OSError."""
    here, there = "/proc/self/ns", f"/proc/{pid}/ns"
    return {kind for kind in KINDS if os.readlink(f"{here}/{kind}") != os.readlink(f"{there}/{kind}")}


def enter(pid: int) -> None:
    """Join all namespaces of `pid` at once; the process namespace takes effect for the next child. Raises OSError.

    Raises StartError when one of those that make the level is not apart from ours: nothing may be run then.
    """
    kinds = separate(pid)
    if not kinds >= ALWAYS:
        raise StartError(f"These namespaces were not separate: {', '.join(sorted(ALWAYS - kinds))}.")
    handle = os.pidfd_open(pid)
    kernel.setns(handle, sum(KINDS[kind] for kind in kinds))
    os.close(handle)


def give_up_privileges() -> None:
    """Entering a user namespace grants every capability in it: none may remain, nor come back. Raises OSError."""
    kernel.drop_capabilities()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # cleared by the change of user; without it, /proc/self would be root's


def check() -> None:
    """What the kernel says of this process, last of all. Raises StartError if anything is not as it has to be."""
    with open("/proc/self/status", encoding="utf-8", errors="replace") as lines:
        said = dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)
    nothing = {said[f"Cap{kind}"].strip("0") for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")}
    if nothing != {""} or (said["NoNewPrivs"], said["Seccomp"]) != ("1", "2"):
        raise StartError("Not all privileges could be given up.")
