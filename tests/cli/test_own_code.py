"""The experiment that docs/own-code.md prints is a whole one: it runs to a verdict as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import OwnCode, Settings, TaskMetric
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.journal import read
from copilot.state import fold

DOC = Path(__file__).resolve().parents[2] / "docs" / "own-code.md"
ENV = {"COPILOT_OFFLINE": "1"}


@pytest.mark.sandbox
def test_the_example_of_the_docs_reaches_a_verdict(tmp_path: Path) -> None:
    blocks = dict(re.findall(r"^```(python|json)\n(.*?)^```", DOC.read_text(), re.DOTALL | re.MULTILINE))
    code = tmp_path / "code"
    code.mkdir()
    (code / "experiment.py").write_text(blocks["python"])
    (code / "arms.json").write_text(blocks["json"])
    own = OwnCode(folder=str(code), metric=TaskMetric(name="distance", direction="minimize"))
    run = start_run("", "", "", Settings(seeds=6), Home(tmp_path), ENV, own=own)
    drive(run, Home(tmp_path), ENV)
    state = fold(read(run.journal))
    assert state.verdict is not None, state.finished
    assert state.verdict.word == "supported" and state.verdict.trust == "reported"
