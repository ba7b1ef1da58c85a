"""The few system calls that Python does not wrap, through ctypes. No policy."""

from __future__ import annotations

import ctypes
import errno
import os

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 47, 4

MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 4096, 16384, 1 << 18
CLONE_NEWNS = 0x00020000

_CAPABILITY_VERSION = 0x20080522
_CAPABILITIES = 64

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, argument: int, pointer: ctypes.c_void_p | None = None) -> None:
    """prctl(2) with two arguments that matter; raises OSError."""
    result = _libc.prctl(option, ctypes.c_ulong(argument), pointer or ctypes.c_ulong(0), ctypes.c_ulong(0), 0)
    _check(result, f"prctl {option}")


def syscall(number: int, *arguments: object) -> int:
    """A raw system call; pass ctypes values for anything that is not a plain int. Raises OSError."""
    return _check(int(_libc.syscall(ctypes.c_long(number), *arguments)), f"system call {number}")


def unshare(flags: int) -> None:
    """unshare(2); raises OSError."""
    _check(_libc.unshare(flags), "unshare")


def setns(descriptor: int, flags: int) -> None:
    """setns(2); raises OSError."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(flags)), "setns")


def drop_capabilities() -> None:
    """Give up all capabilities, those of later programs included; raises OSError. Source: capabilities(7)."""
    for number in range(_CAPABILITIES):
        try:
            prctl(PR_CAPBSET_DROP, number)
        except OSError as error:
            if error.errno != errno.EINVAL:  # beyond the last one that this kernel has
                raise
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    _check(_libc.capset(header, (ctypes.c_uint32 * 6)()), "capset")


def mount(source: str, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """mount(2); raises OSError."""
    encode = os.fsencode
    result = _libc.mount(
        encode(source),
        encode(target),
        encode(kind) if kind else None,
        ctypes.c_ulong(flags),
        encode(options) if options else None,
    )
    _check(result, f"mount {target}")


def remove_segment(identifier: int) -> None:
    """Mark a System V shared-memory segment for removal; raises OSError."""
    _check(_libc.shmctl(identifier, 0, None), "shmctl")
