"""arms.json in a workspace: what each arm is given. The contract, the agent and the freeze read it."""

from __future__ import annotations

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from copilot.domain.idea import Scalar
from copilot.errors import Retry
from copilot.lab.trials import ARMS_FILE
from copilot.lab.workspace import read_regular
from copilot.sandbox.collect import BadResult, parse_strict

ARMS: TypeAdapter[dict[str, dict[str, Scalar]]] = TypeAdapter(dict[str, dict[str, Scalar]])


def read_arms(workspace: Path) -> dict[str, dict[str, Scalar]]:
    """Arm -> parameters, from the workspace's arms.json; nothing without one. Raises Retry saying what it must be."""
    path = workspace / ARMS_FILE
    if not path.is_file():
        return {}
    try:
        return ARMS.validate_python(parse_strict(read_regular(path).decode("utf-8"), ARMS_FILE))
    except (BadResult, ValidationError, UnicodeDecodeError) as error:
        said = f" ({error})" if isinstance(error, BadResult) else ""
        raise Retry(
            f"{ARMS_FILE} must be one JSON object: arm -> parameters, each a text, a finite number, true, false "
            f"or null{said}"
        ) from error
