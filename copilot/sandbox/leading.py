"""Which imports a script is sure to begin with: read from its source, which is never run here.

Counts what stands before the first statement that does anything else, in its order, and only packages known to be good
to import before a fork. Setting an environment variable to what it is anyway counts as doing nothing.

Read in a process of its own, as which this file is started: CPython before 3.11.8 counts the depth of the syntax trees
of all threads together, so that two threads that make one at once (reading a literal is enough) end in a SystemError.
"""

from __future__ import annotations

import ast
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

PACKAGES = frozenset({"numpy", "scipy", "sklearn", "pandas", "torch", "joblib"})
"""Tried in tests: they start no thread, keep no file open and print nothing when they are imported."""
NEVER = frozenset({"conftest", "distutils", "f2py", "test", "tests", "testing"})
"""Parts of a module's name whose import may be more than an import."""
SOURCE_LIMIT = 1 << 20
SECONDS = 10.0


class Import(NamedTuple):
    """`import MODULE`, or `from MODULE import NAMES`."""

    module: str
    names: list[str]


class _End(Exception):
    """Something else than an import is reached."""


def imports(script: Path, env: Mapping[str, str]) -> list[Import]:
    """What is imported first, in order; [] when there is nothing to gain or the source cannot be read.

    An import of a module beside the script is followed to where that one does something else, and then is the end.
    """
    command = [sys.executable, "-I", "-S", __file__, str(script)]
    try:
        given = json.dumps(dict(env))
        done = subprocess.run(
            command, input=given, capture_output=True, text=True, timeout=SECONDS, check=True, env={"LC_ALL": "C.UTF-8"}
        )
        return [Import(module, names) for module, names in json.loads(done.stdout)]
    except (OSError, subprocess.SubprocessError, ValueError):
        return []


def read(script: Path, env: Mapping[str, str]) -> list[Import]:
    """`imports`, in this process."""
    found: list[Import] = []
    with contextlib.suppress(_End, OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        for statement in _statements(script):
            found += _leading(statement, script.resolve().parent, env)
    return found


def _statements(script: Path) -> list[ast.stmt]:
    with script.open("rb") as file:
        return ast.parse(file.read(SOURCE_LIMIT)).body


def _leading(statement: ast.stmt, folder: Path, env: Mapping[str, str]) -> Iterator[Import]:
    """The imports of one statement; ends everything at the first that is not known."""
    if isinstance(statement, ast.Import):
        for alias in statement.names:
            yield from _known(alias.name, [], folder, env)
    elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
        yield from _known(statement.module, [alias.name for alias in statement.names], folder, env)
    elif isinstance(statement, ast.Try) and not (statement.orelse or statement.finalbody):
        for inner in statement.body:
            yield from _leading(inner, folder, env)
    elif not _does_nothing(statement, env):
        raise _End


def _known(module: str, names: list[str], folder: Path, env: Mapping[str, str]) -> Iterator[Import]:
    """A module of the standard library costs nothing; one of an unknown package, or the script's own, is the end."""
    parts = module.split(".")
    if any(path.name.partition(".")[0] == parts[0] for path in folder.iterdir()):
        if (own := folder / f"{module}.py").is_file():
            for statement in _statements(own):
                yield from _leading(statement, folder, env)
        raise _End
    if parts[0] in PACKAGES:
        if any(part.startswith("_") or part in NEVER or part == "*" for part in (*parts, *names)):
            raise _End
        yield Import(module, names)
    elif parts[0] not in sys.stdlib_module_names:
        raise _End


def _does_nothing(statement: ast.stmt, env: Mapping[str, str]) -> bool:
    """A text that stands alone, or a variable of the environment that is set to what it is already."""
    match statement:
        case ast.Expr(ast.Constant()):
            return True
        case ast.Assign(targets=[ast.Subscript(value=where, slice=ast.Constant(str(name)))], value=ast.Constant(text)):
            return _is_environment(where) and env.get(name) == text
        case ast.Expr(ast.Call(func=ast.Attribute(value=where, attr=method), args=arguments, keywords=[])):
            return _is_environment(where) and _changes_nothing(method, arguments, env)
    return False


def _is_environment(value: ast.expr) -> bool:
    return ast.unparse(value) == "os.environ"


def _changes_nothing(method: str, arguments: list[ast.expr], env: Mapping[str, str]) -> bool:
    """`setdefault(NAME, TEXT)` and `update(dict.fromkeys(NAMES, TEXT))`, all of them literals."""
    match method, arguments:
        case "setdefault", [ast.Constant(str(name)), ast.Constant()]:
            return name in env
        case "update", [ast.Call(args=[ast.Tuple() | ast.List() as names, ast.Constant(text)], keywords=[]) as call]:
            same = all(isinstance(name, ast.Constant) and env.get(str(name.value)) == text for name in names.elts)
            return same and ast.unparse(call.func) == "dict.fromkeys"
    return False


if __name__ == "__main__":
    sys.stdout.write(json.dumps(read(Path(sys.argv[1]), json.load(sys.stdin))))
