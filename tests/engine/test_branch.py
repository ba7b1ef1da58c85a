"""A branch shares its parent's past to the byte, goes its own way, and says where it comes from."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.branch import branch
from copilot.engine.pipeline import drive
from copilot.engine.replay import replay
from copilot.engine.start import start_run
from copilot.errors import SetupError
from copilot.events import ModelCalled, RunBranched, ToolReturned
from copilot.journal import read
from copilot.report.verify import verify_run
from copilot.runs import RunFolder, list_runs
from copilot.state import fold

ENV = {"COPILOT_OFFLINE": "1"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    root = tmp_path_factory.mktemp("branched")
    (root / "problems").mkdir()
    return Home(root)


@pytest.fixture(scope="module")
def parent(home: Home) -> RunFolder:
    question = "Does dropout help a small neural network on digits?"
    run = start_run("", "", question, Settings(seeds=2, tuning=2), home, ENV)
    drive(run, home, ENV)
    return run


@pytest.fixture(scope="module")
def child(parent: RunFolder, home: Home) -> RunFolder:
    """Branched in the middle of exploration, after a tool's first answer."""
    at = next(entry.seq for entry in read(parent.journal) if isinstance(entry.event, ToolReturned))
    made = branch(parent, at, home, say="look at the baseline once more")
    drive(made, home, ENV)
    return made


@pytest.mark.sandbox
def test_the_past_is_the_parents_to_the_byte_and_paid_once(parent: RunFolder, child: RunFolder) -> None:
    old, new = parent.journal.read_bytes().splitlines(), child.journal.read_bytes().splitlines()
    at = next(entry.event.at for entry in read(child.journal) if isinstance(entry.event, RunBranched))
    assert new[: at + 1] == old[: at + 1] and new[at + 1] != old[at + 1]
    asked = [entry.event.request_hash for entry in read(child.journal) if isinstance(entry.event, ModelCalled)]
    assert len(asked) == len(set(asked))


@pytest.mark.sandbox
def test_it_reaches_its_own_verdict_and_says_that_the_parents_was_known(parent: RunFolder, child: RunFolder) -> None:
    state, before = fold(read(child.journal)), fold(read(parent.journal))
    assert state.verdict is not None and before.verdict is not None
    assert state.run == child.name != parent.name
    stamp = next(stamp for stamp in state.verdict.stamps if stamp.startswith("Branched from"))
    assert parent.name in stamp and f"when its verdict ({before.verdict.word}) was known" in stamp
    assert [remark.text for _, remark in state.remarks] == ["look at the baseline once more"]
    text = (child.report / "report.md").read_text()
    assert "Branched from the run" in text and "was known: read both" in text


@pytest.mark.sandbox
def test_it_verifies_and_replays_like_any_run(child: RunFolder, home: Home) -> None:
    assert verify_run(child.path) == []
    assert replay(child, home) == []


@pytest.mark.sandbox
@pytest.mark.parametrize(("at", "part"), [(-1, "none with number -1"), (10**6, "none with number")])
def test_an_entry_that_is_not_there_is_refused(parent: RunFolder, home: Home, at: int, part: str) -> None:
    runs = len(list_runs(home.logs))
    with pytest.raises(SetupError, match=part):
        branch(parent, at, home)
    assert len(list_runs(home.logs)) == runs


@pytest.mark.sandbox
def test_after_the_freeze_there_is_no_branching(parent: RunFolder, home: Home, tmp_path: Path) -> None:
    frozen = fold(read(parent.journal)).protocol_seq
    with pytest.raises(SetupError, match="after the protocol was frozen"):
        branch(parent, frozen, home)
    made = branch(parent, frozen - 1, Home(tmp_path))
    assert fold(read(made.journal)).protocol is None
