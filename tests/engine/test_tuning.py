"""Tuning in a real run: every arm alike, before the freeze, on seeds of its own; killed, resumed, checked again."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from benchmarks.mutation_journal import (
    Change,
    explored_value,
    lines_of,
    tuned_choice,
    tuned_gone,
    tuned_value,
    write_lines,
)
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.events import ArmsTuned, CommandRun, ProtocolFrozen
from copilot.journal import Entry, read
from copilot.lab.tuning import TUNING_SEEDS
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from copilot.state import fold

ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"


class Died(BaseException):
    """What the engine does not survive."""


def begin(home: Home, **settings: object) -> RunFolder:
    return start_run("", "", QUESTION, Settings.model_validate({"seeds": 2, **settings}), home, ENV)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("tuned")
    (root / "problems").mkdir()
    return Home(root)


@pytest.fixture(scope="module")
def run(home: Home) -> RunFolder:
    """One run whose engine dies in the middle of the tuning, and is taken up again."""
    folder = begin(home, tuning=3)

    def die(entry: Entry) -> None:
        if isinstance(entry.event, CommandRun) and entry.event.call_id == "tune-treatment-1-0":
            raise Died

    with pytest.raises(Died):
        drive(folder, home, ENV, on_event=die)
    drive(folder, home, ENV)
    return folder


@pytest.mark.sandbox
def test_every_arm_tries_as_many_settings_before_the_freeze(run: RunFolder) -> None:
    entries = list(read(run.journal))
    state = fold(entries)
    assert state.tuned is not None and state.protocol is not None
    tried = {arm: [one for one in state.tuned.tried if one.arm == arm] for arm in ("baseline", "treatment")}
    assert [len(own) for own in tried.values()] == [3, 3]
    assert all(len(one.values) == len(TUNING_SEEDS) and None not in one.values for own in tried.values() for one in own)
    place = {type(entry.event): entry.seq for entry in entries}
    assert place[ArmsTuned] < place[ProtocolFrozen]
    assert {arm.name: arm.parameters for arm in state.protocol.arms} == state.tuned.chosen
    assert state.protocol.tuned_baseline and not any("chosen among" in stamp for stamp in state.verdict.stamps)  # type: ignore[union-attr]


@pytest.mark.sandbox
def test_a_setting_that_was_tried_is_not_tried_again_after_a_death(run: RunFolder) -> None:
    ran = [
        one.event.call_id
        for one in read(run.journal)
        if isinstance(one.event, CommandRun) and one.event.purpose == "tune"
    ]
    assert len(ran) == len(set(ran)) == 3 * 2 * len(TUNING_SEEDS)


@pytest.mark.sandbox
def test_the_report_tells_it_and_the_record_proves_it(run: RunFolder) -> None:
    text = (run.path / "report" / "report.md").read_text()
    assert "each arm tried settings of `learning_rate` on validation data" in text
    assert "The baseline was tuned with the same budget as the treatment." in text
    assert verify_run(run.path) == []


def forged(run: RunFolder, target: Path, change: Change) -> list[str]:
    """What `verify` says of a copy whose journal was changed and hashed anew, as a careful forger would."""
    copy = RunFolder(target / run.path.parent.name / run.path.name)
    shutil.copytree(run.path, copy.path)
    lines = lines_of(copy)
    assert change(random.Random(1), lines)
    write_lines(copy, lines, chain=True)
    return verify_run(copy.path)


@pytest.mark.sandbox
@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (tuned_choice, "the settings that tuning kept are not the best of those that it tried"),
        (tuned_choice, "was frozen with other parameters than tuning kept"),
        (tuned_value, "the choice was made on 0.999"),
        (tuned_gone, "programs of a tuning ran, and no tuning is recorded"),
        (explored_value, "the choice was made on"),
    ],
)
def test_a_tuning_that_the_files_do_not_give_is_found(
    run: RunFolder, tmp_path: Path, change: Change, sentence: str
) -> None:
    assert any(sentence in found for found in forged(run, tmp_path, change))
