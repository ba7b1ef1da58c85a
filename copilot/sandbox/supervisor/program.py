"""A program run by the interpreter that is here already, instead of by a new one: the last step of a warm start.

What `python FILE ARGUMENTS` would find is put in place (arguments, search path, `__main__`, environment, signals,
random state), then the interpreter's own function for running a file is called, so that tracebacks, exits and the end
of the process are the interpreter's. Does not contain anything: that has happened before.
"""

# Plain strings and os calls throughout the supervisor: pathlib alone would cost every job 6 ms.
from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Any, NamedTuple

PACKAGE = __name__.partition(".")[0]
_MAIN_NAMES = ("__name__", "__doc__", "__package__", "__loader__", "__spec__", "__annotations__", "__builtins__")


class Program(NamedTuple):
    """`argv` as the kernel would get it: the interpreter, a file, its arguments; `env` is the whole environment."""

    argv: list[str]
    env: dict[str, str]

    def prepare(self) -> None:
        """Everything that a new interpreter would have set up. The working directory is the program's already."""
        os.environ.clear()
        os.environ.update(self.env)
        sys.argv = self.argv[1:]
        sys.orig_argv = list(self.argv)
        sys.path[0] = os.path.dirname(os.path.realpath(self.argv[1]))
        for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
        _refresh_state()
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    def run(self) -> None:
        """Run the file to its end, as the interpreter's command line does; call it last. Raises SystemExit."""
        library = ctypes.CDLL(None)
        library.fopen.restype = ctypes.c_void_p
        run_file = ctypes.pythonapi.PyRun_AnyFileExFlags
        run_file.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p]
        path = os.fsencode(os.path.join(os.getcwd(), self.argv[1]))
        file = library.fopen(path, b"rb")
        names = vars(sys.modules["__main__"])
        for name in [name for name in names if name not in _MAIN_NAMES]:
            del names[name]
        failed = run_file(file, path, 1, None)
        if failed and sys.last_type is not KeyboardInterrupt:  # after that one the interpreter ends by the signal
            sys.exit(1)


def _refresh_state() -> None:
    """What two processes with one parent would otherwise share: unseeded generators, keys, remembered folders.

    The standard library's own generator is seeded anew by every fork.
    """
    modules: dict[str, Any] = dict(sys.modules)
    if "numpy.random" in modules:
        modules["numpy.random"].seed()
    if "multiprocessing" in modules:
        modules["multiprocessing"].current_process().authkey = os.urandom(32)
    if "tempfile" in modules:
        modules["tempfile"].tempdir = None
