"""What a dead engine leaves running comes to this process, which sees it then: `with adopted() as assert_none`."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_SECONDS = 10.0


@contextmanager
def adopted() -> Iterator[Callable[[], None]]:
    """Within, a process whose parent died becomes a child of this one. What is given checks that each of them ends."""
    libc = ctypes.CDLL(None, use_errno=True)
    before = children()

    def assert_none() -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while left := {pid for pid in children() - before if os.waitpid(pid, os.WNOHANG) == (0, 0)}:
            assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
            time.sleep(0.05)

    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield assert_none
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def children() -> set[int]:
    """Children of this process, ended ones that nobody waited for among them."""
    found: set[int] = set()
    for thread in Path("/proc/self/task").iterdir():
        found |= {int(pid) for pid in (thread / "children").read_text().split()}
    return found
