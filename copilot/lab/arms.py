"""Two files of a workspace: arms.json, what each arm is given, and tuning.json, what may be tuned alike in all of them.

The contract, the agent and the freeze read them. Both are optional; what they hold is data of a stranger's making.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from copilot.domain.idea import Scalar
from copilot.errors import Retry
from copilot.lab.trials import ARMS_FILE
from copilot.lab.workspace import read_regular
from copilot.sandbox.collect import BadResult, parse_strict

TUNING_FILE = "tuning.json"
ARMS: TypeAdapter[dict[str, dict[str, Scalar]]] = TypeAdapter(dict[str, dict[str, Scalar]])
SPACE: TypeAdapter[dict[str, list[Scalar]]] = TypeAdapter(dict[str, list[Scalar]])
T = TypeVar("T")


def read_arms(workspace: Path) -> dict[str, dict[str, Scalar]]:
    """Arm -> parameters; nothing without the file. Raises Retry saying what it must be."""
    wanted = "arm -> parameters, each a text, a finite number, true, false or null"
    return _read(workspace / ARMS_FILE, ARMS, wanted) or {}


def read_space(workspace: Path) -> dict[str, list[Scalar]]:
    """Hyper-parameter -> values worth trying; nothing without the file. Raises Retry saying what it must be."""
    wanted = "hyper-parameter -> a list of values, each a text, a finite number, true, false or null"
    return _read(workspace / TUNING_FILE, SPACE, wanted) or {}


def _read(path: Path, shape: TypeAdapter[T], wanted: str) -> T | None:
    if not path.is_file():
        return None
    try:
        return shape.validate_python(parse_strict(read_regular(path).decode("utf-8"), path.name))
    except (BadResult, ValidationError, UnicodeDecodeError) as error:
        said = f" ({error})" if isinstance(error, BadResult) else ""
        raise Retry(f"{path.name} must be one JSON object: {wanted}{said}") from error
