"""A power cut takes nothing that the journal names: watched on a real run, call by call of `fsync`."""

from __future__ import annotations

import os
import time
from itertools import pairwise
from pathlib import Path

import pytest

from copilot import events as ev
from copilot import inbox
from copilot.agents.experiment import explore
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.events import Event
from copilot.journal import Entry, read
from copilot.lab.workspace import Workspace
from copilot.llm.protocol import Reply, Request, Text, ToolUse
from copilot.llm.scripted import ScriptedModel
from copilot.runs import RunFolder
from tests.engine.test_interrupted import planned, toolbox

QUESTION = "Does dropout help a small neural network on digits?"


class Disk:
    """When each file and folder was last put on the disk, by inode."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.synced: dict[int, int] = {}
        self.calls = 0
        self._really = os.fsync
        monkeypatch.setattr(os, "fsync", self._sync)

    def _sync(self, descriptor: int) -> None:
        self._really(descriptor)
        self.calls += 1
        self.synced[os.fstat(descriptor).st_ino] = time.time_ns()

    def content(self, path: Path) -> bool:
        """What was written would survive a power cut now."""
        return self.synced.get(path.stat().st_ino, 0) >= path.stat().st_mtime_ns

    def name(self, path: Path) -> bool:
        """So would its name."""
        return self.synced.get(path.parent.stat().st_ino, 0) >= path.stat().st_ctime_ns


def named(run: RunFolder, event: Event) -> list[Path]:
    """The files that an event names."""
    match event:
        case ev.FilesChanged():
            manifest = Workspace(run.workspace, run.history).manifest(event.snapshot)
            objects = [run.history / "objects" / digest.rstrip("*") for digest in manifest.values()]
            return [run.history / "manifests" / f"{event.snapshot}.json", *objects]
        case ev.ModelCalled():
            return [run.blobs / event.request_blob]
        case ev.ProtocolFrozen():
            return [
                run.blobs / event.protocol.environment,
                *(run.data / "inputs" / name for name in event.protocol.data),
            ]
        case ev.TrialFinished(result=result):
            folder = run.trials / result.purpose / result.arm / str(result.seed)
            return [folder, *(folder / name for name in result.files)]
    return []


@pytest.mark.sandbox
@pytest.mark.timeout(300)
def test_what_an_event_names_is_on_the_disk_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(monkeypatch)
    (tmp_path / "problems").mkdir()
    home, env = Home(tmp_path), {"COPILOT_OFFLINE": "1"}
    run = start_run("", "", QUESTION, Settings(seeds=2, tuning=1), home, env)
    assert all(path.parent.stat().st_ino in disk.synced for path in (run.journal, run.journal.parent, run.path))
    lost: list[str] = []
    seen: set[type] = set()

    def watch(entry: Entry) -> None:
        paths = named(run, entry.event)
        if paths:
            seen.add(type(entry.event))
        gone = [path for path in paths if not (disk.content(path) and disk.name(path))]
        if entry.event.durable and not disk.content(run.journal):
            gone.append(run.journal)
        lost.extend(f"{entry.seq} {entry.event.kind}: {path}" for path in gone)

    drive(run, home, env, on_event=watch)
    assert lost == []
    assert seen == {ev.FilesChanged, ev.ModelCalled, ev.ProtocolFrozen, ev.TrialFinished}
    assert isinstance(list(read(run.journal))[-1].event, ev.RunFinished)


def test_what_a_person_says_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk, path = Disk(monkeypatch), tmp_path / "agent_log" / "inbox.jsonl"
    for text in ("one", "two"):
        inbox.leave(path, inbox.Message(text=text))
        assert disk.content(path)
    assert path.parent.stat().st_ino in disk.synced and tmp_path.stat().st_ino in disk.synced


@pytest.mark.sandbox
def test_a_step_waits_for_the_disk_as_often_at_the_end_as_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "problems").mkdir()
    home = Home(tmp_path)
    services = planned(start_run("", "", QUESTION, Settings(seeds=2), home, {"COPILOT_OFFLINE": "1"}), home)
    disk = Disk(monkeypatch)
    calls: list[int] = []

    def answer(request: Request) -> Reply:
        calls.append(disk.calls)
        edit = {"path": "experiment.py", "content": f"value = {len(calls)}"}
        return Reply(parts=[ToolUse(id="a", name="write_file", input=edit)], stop="tool_use")

    services.desk.opened["experiment"] = ScriptedModel(answer)
    explore(services.desk, toolbox(services), [Text(text="brief")], 60, lambda: None)
    services.desk.journal.close()
    steps = {later - earlier for earlier, later in pairwise(calls[1:])}
    blob, reply, snapshot = 2, 1, 4
    assert steps == {blob + reply + snapshot}
