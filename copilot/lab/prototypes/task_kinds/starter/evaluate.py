"""Grade predictions with the task's own `eval.py`, which stands in the sealed folder beside its answers.

It finds what such scripts expect: a folder `env` with `submission.csv` (and the task's untouched modules) as working
directory, and itself with its answers in `../scripts`. What counts is the number that one of its functions returns
(`get_score`, `evaluate`, ...; called with the folder or the file, as its parameter is named); a script without one is
run, and the last number that it prints counts. Everything is a copy that is thrown away, and there is no network.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import io
import json
import os
import re
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FUNCTIONS = ("get_score", "evaluate", "score", "compute_score", "compute_metric", "grade", "eval_submission")
REFUSALS = (KeyError, ValueError, TypeError, IndexError, OSError, AssertionError)
NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def called(function: Callable[..., Any], file: Path) -> Any:
    """What the function says about the submission: it gets the file, its folder, or nothing."""
    wanted = [
        parameter
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD)
    ]
    if not wanted:
        return function()
    if re.search(r"file|path|csv|pred", wanted[0].name) and not re.search(r"folder|dir", wanted[0].name):
        return function(str(file))
    return function(str(file.parent))


def number_of(value: Any) -> float:
    """A number as it is, the first of a dictionary or a sequence, or the last one in a text. Raises ValueError."""
    if isinstance(value, dict):
        value = next((item for item in value.values() if isinstance(item, int | float)), None)
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if isinstance(value, str):
        found = NUMBER.findall(value)
        value = found[-1] if found else None
    if value is None:
        raise ValueError("eval.py gives no number")
    return float(value)


def run_whole(script: Path, file: Path) -> float:
    """The last number that the script prints when run alone, or with the submission as its argument."""
    for arguments in ([], [str(file)]):
        said = io.StringIO()
        sys.argv = [str(script), *arguments]
        try:
            with contextlib.redirect_stdout(said):
                runpy.run_path(str(script), run_name="__main__")
        except (SystemExit, *REFUSALS) as error:
            if arguments or (isinstance(error, SystemExit) and not error.code):
                raise ValueError(f"eval.py ended: {error}") from error
            continue
        return number_of(said.getvalue())
    raise ValueError("eval.py gives no number")


def score(script: Path, file: Path) -> float:
    """The script's number for the submission."""
    if not re.search(rf"^def ({'|'.join(FUNCTIONS)})\b", script.read_text(encoding="utf-8"), re.M):
        return run_whole(script, file)
    names = runpy.run_path(str(script), run_name="eval")
    return number_of(called(next(names[name] for name in FUNCTIONS if callable(names.get(name))), file))


def main() -> None:
    """Print one JSON object: the metric, or why the predictions were refused."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--predictions", type=Path, required=True)
    parser.add_argument("--sealed", type=Path, required=True)
    parser.add_argument("--seed", type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        env, scripts = Path(folder) / "env", Path(folder) / "scripts"
        shutil.copytree(asked.sealed, scripts)
        starter = scripts / "starter"
        shutil.copytree(starter, env) if starter.is_dir() else env.mkdir()
        file = env / f"submission{asked.predictions.suffix}"
        shutil.copyfile(asked.predictions, file)
        os.chdir(env)
        sys.path.insert(0, str(env))
        try:
            answer: dict[str, object] = {"metric": score(scripts / "eval.py", file)}
        except REFUSALS as error:
            answer = {"refused": f"{type(error).__name__}: {error}"}
        os.chdir("/")
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
