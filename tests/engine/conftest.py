"""What several tests of the engine start from."""

from __future__ import annotations

import pytest

from copilot.config import Home
from copilot.engine.pipeline import drive
from copilot.journal import read
from copilot.state import RunState, fold
from tests.engine.undisturbed import ENV, begin


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """An empty one, the same for all tests of a module."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "problems").mkdir()
    return Home(folder)


@pytest.fixture(scope="module")
def wanted(home: Home) -> RunState:
    """How the run of `undisturbed` ends."""
    run = begin(home)
    drive(run, home, ENV)
    return fold(read(run.journal))
