"""Which helper programs this machine has. Found once per process; runs nothing but `bwrap --help`."""

from __future__ import annotations

import shutil
import subprocess
from functools import cache

PLACES = "/usr/bin:/bin:/usr/local/bin:/usr/sbin:/usr/local/sbin"
NEWER_OPTIONS = ("--disable-userns", "--size")
INSTALL_BUBBLEWRAP = (
    "Install bubblewrap (`apt install bubblewrap`, `dnf install bubblewrap` or `pacman -S bubblewrap`) and allow user "
    "namespaces"
)


@cache
def find(name: str) -> str:
    """The full path of a system program, "" if it is not installed. Only system folders count: not the user's PATH."""
    return shutil.which(name, path=PLACES) or ""


@cache
def bwrap_options() -> tuple[str, ...]:
    """Those of the newer options that the installed bubblewrap has (distributions ship 0.4 to 0.12)."""
    program = find("bwrap")
    if not program:
        return ()
    done = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=10, check=False, env={})
    return tuple(option for option in NEWER_OPTIONS if f"{option} " in done.stdout)
