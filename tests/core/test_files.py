"""Run folders, blobs, the inbox and the workspace: names, bounds and damage."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot import inbox
from copilot.blobs import Blobs
from copilot.disk import write_atomic
from copilot.errors import Retry, RunFailed, SetupError
from copilot.lab.workspace import Workspace
from copilot.runs import RunFolder, clear_abandoned, find_run, list_runs, new_run

NOW = datetime(2026, 11, 20, 9, 7, 46, tzinfo=UTC)


def test_runs_of_the_same_second_get_their_own_folders(tmp_path: Path) -> None:
    first, second = new_run(tmp_path, "demo", NOW), new_run(tmp_path, "demo", NOW)
    assert first.name == "demo/2026-11-20T09-07-46Z"
    assert second.name == "demo/2026-11-20T09-07-46Z-2"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 200, "a\n", "a b"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(SetupError):
        new_run(tmp_path, name, NOW)
    assert list(tmp_path.iterdir()) == []


def test_runs_are_found_by_name_task_and_path(tmp_path: Path) -> None:
    run = new_run(tmp_path, "demo", NOW)
    run.journal.parent.mkdir()
    run.journal.write_text("{}\n")
    for text in (run.name, "demo", str(run.path)):
        assert find_run(text, tmp_path).path == run.path
    assert list_runs(tmp_path) == [run]
    with pytest.raises(SetupError, match="no run"):
        find_run("demo/../../etc", tmp_path)


def interrupted_start(logs: Path, left: str) -> RunFolder:
    """A run folder as a kill left it, two hours ago."""
    run = new_run(logs, "demo", NOW)
    if left != "folder":
        run.journal.parent.mkdir()
        run.journal.write_text("" if left == "empty journal" else '{"v":1,"seq":0,"kin')
    two_hours_ago = time.time() - 7200
    os.utime(run.path, (two_hours_ago, two_hours_ago))
    return run


@pytest.mark.parametrize("left", ["folder", "empty journal", "torn line"])
def test_what_an_interrupted_start_left_is_no_run_and_is_cleared(tmp_path: Path, left: str) -> None:
    run = interrupted_start(tmp_path, left)
    assert list_runs(tmp_path) == []
    with pytest.raises(SetupError, match="no run" if left == "folder" else "never began"):
        find_run(run.name, tmp_path)
    clear_abandoned(tmp_path)
    assert not run.path.exists()


def test_only_what_an_interrupted_start_left_is_cleared(tmp_path: Path) -> None:
    begun, lost, young, other = (interrupted_start(tmp_path, "empty journal") for _ in range(4))
    begun.journal.write_text("{}\n")
    lost.trials.mkdir()
    os.utime(lost.path, (0, 0))
    os.utime(young.path)
    other.path.rename(other.path.with_name("notes"))
    clear_abandoned(tmp_path)
    kept = {path.name for path in (tmp_path / "demo").iterdir()}
    assert kept == {begun.path.name, lost.path.name, young.path.name, "notes"}
    assert set(list_runs(tmp_path)) == {begun, lost}


def test_blobs_come_back_and_damage_is_found(tmp_path: Path) -> None:
    store = Blobs(tmp_path)
    name = store.put("naïve \ud800")
    assert store.text(name) == "naïve \ud800"
    assert store.put("naïve \ud800") == name
    (tmp_path / name).write_text("other")
    with pytest.raises(RunFailed, match="changed"):
        store.get(name)
    with pytest.raises(RunFailed, match="not the name"):
        store.get("../../etc/passwd")
    with pytest.raises(RunFailed, match="missing"):
        store.get("0" * 64)


def test_messages_come_back_in_order_and_bad_lines_are_named(tmp_path: Path) -> None:
    path = tmp_path / "log" / "inbox.jsonl"
    inbox.leave(path, inbox.Message(text="one"))
    with path.open("ab") as file:
        file.write(b"{broken\n\xff\xfe\n")
    inbox.leave(path, inbox.Message(text="two", action="stop"))
    with path.open("ab") as file:
        file.write(b'{"text": "torn')
    found = inbox.messages(path, 0)
    assert [(number, message.text if message else None) for number, message in found] == [
        (1, "one"),
        (2, None),
        (3, None),
        (4, "two"),
    ]
    assert [number for number, _ in inbox.messages(path, 3)] == [4]


def make_workspace(folder: Path) -> Workspace:
    space = Workspace(folder / "workspace", folder / "history")
    space.folder.mkdir(parents=True, exist_ok=True)
    return space


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.dictionaries(
        st.from_regex(r"[a-z]{1,6}(/[a-z]{1,6}\.py)", fullmatch=True), st.binary(max_size=80), max_size=5
    )
)
def test_a_snapshot_restores_exactly(tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]) -> None:
    space = make_workspace(tmp_path_factory.mktemp("w"))
    for name, data in files.items():
        (space.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (space.folder / name).write_bytes(data)
    taken = space.snapshot()
    for name in files:
        (space.folder / name).write_bytes(b"spoilt")
    (space.folder / "extra").write_text("x")
    assert space.snapshot() != taken
    space.restore(taken)
    found = {p.relative_to(space.folder).as_posix(): p.read_bytes() for p in space.folder.rglob("*") if p.is_file()}
    assert found == files
    assert space.snapshot() == taken


def test_changes_between_snapshots_are_named(tmp_path: Path) -> None:
    space = make_workspace(tmp_path)
    (space.folder / "a").write_text("1")
    (space.folder / "b").write_text("2")
    before = space.snapshot()
    (space.folder / "a").write_text("one")
    (space.folder / "b").unlink()
    (space.folder / "c").write_text("3")
    changes = space.changes(before, space.snapshot())
    assert [(change.path, change.status) for change in changes] == [("a", "modified"), ("b", "removed"), ("c", "added")]


def test_links_are_neither_kept_nor_followed(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("key")
    space = make_workspace(tmp_path)
    (space.folder / "link").symlink_to(secret)
    (space.folder / "dir").symlink_to(tmp_path)
    os.mkfifo(space.folder / "pipe")
    assert space.manifest(space.snapshot()) == {}
    for name in ("dir/secret", "link", "../secret", "/etc/passwd", "a\0b", ""):
        with pytest.raises(Retry):
            space.resolve(name)


def test_a_damaged_history_is_found(tmp_path: Path) -> None:
    space = make_workspace(tmp_path)
    (space.folder / "a").write_text("1")
    taken = space.snapshot()
    (next((space.history / "objects").iterdir())).write_text("2")
    with pytest.raises(RunFailed, match="changed"):
        space.restore(taken, tmp_path / "target")
    with pytest.raises(RunFailed, match="missing"):
        space.manifest("0" * 64)


def test_a_message_after_a_torn_line_is_heard(tmp_path: Path) -> None:
    path = tmp_path / "inbox.jsonl"
    inbox.leave(path, inbox.Message(text="one"))
    with path.open("ab") as file:
        file.write(b'{"text": "torn')
    inbox.leave(path, inbox.Message(text="two"))
    assert [message.text if message else None for _, message in inbox.messages(path, 0)] == ["one", None, "two"]


def test_an_empty_file_that_a_power_cut_left_in_the_history_is_written_again(tmp_path: Path) -> None:
    space = make_workspace(tmp_path)
    (space.folder / "a").write_text("1")
    taken = space.snapshot()
    for path in (*(space.history / "objects").iterdir(), *(space.history / "manifests").iterdir()):
        path.write_text("")
    fresh = make_workspace(tmp_path)
    assert fresh.snapshot() == taken
    fresh.restore(taken, tmp_path / "target")
    assert (tmp_path / "target" / "a").read_text() == "1"


def test_what_cannot_be_written_whole_is_not_there_at_all(tmp_path: Path) -> None:
    write_atomic(tmp_path / "new" / "a", b"one")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_atomic(tmp_path / "folder", b"two")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "folder", "new"]
