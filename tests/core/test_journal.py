"""The journal: what is written comes back, damage is found, one writer at a time."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.errors import SetupError
from copilot.events import FeedbackGiven, MetricRecorded, Unknown, Warned
from copilot.journal import Entry, Journal, JournalDamaged, Reader, read

TEXTS = st.text(max_size=60)


def journal_path(folder: Path) -> Path:
    return folder / "agent_log" / "full_log.jsonl"


def write(path: Path, count: int) -> list[Entry]:
    journal = Journal(path)
    entries = [journal.append(Warned(where=f"w{number}", text="naïve\n\u2028 text \x00")) for number in range(count)]
    journal.close()
    return entries


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    items=st.lists(st.tuples(TEXTS, st.floats(allow_nan=True, allow_infinity=True), st.integers(0, 2**40)), max_size=6)
)
def test_everything_comes_back(tmp_path_factory: pytest.TempPathFactory, items: list[tuple[str, float, int]]) -> None:
    path = journal_path(tmp_path_factory.mktemp("j"))
    journal = Journal(path)
    written = [journal.append(MetricRecorded(name=n, value=v, arm="baseline", seed=s)) for n, v, s in items]
    journal.close()
    assert [repr(entry) for entry in read(path)] == [repr(entry) for entry in written]
    for line in path.read_text("ascii").splitlines():
        json.loads(line, parse_constant=lambda text: pytest.fail(f"{text} is not JSON"))


def test_non_finite_numbers_are_null_with_their_text_beside(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    journal = Journal(path)
    journal.append(MetricRecorded(name="loss", value=math.inf, arm="a", seed=1))
    journal.close()
    line = json.loads(path.read_text())
    assert line["data"]["value"] is None
    assert line["nonfinite"] == {"/value": "inf"}


def test_unknown_kinds_survive(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    journal = Journal(path)
    journal.append(Unknown(original_kind="DreamtOf", data={"sheep": 3}))
    journal.append(Warned(where="x", text="y"))
    journal.close()
    first, second = read(path)
    assert first.event == Unknown(original_kind="DreamtOf", data={"sheep": 3})
    assert isinstance(second.event, Warned)


def test_fields_of_a_newer_version_survive_as_unknown(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    journal = Journal(path)
    journal.append(Unknown(original_kind="Warned", data={"where": "x", "text": "y", "since_version_2": True}))
    journal.close()
    (entry,) = read(path)
    assert isinstance(entry.event, Unknown)
    assert entry.event.data["since_version_2"] is True


@pytest.mark.parametrize("cut", [1, 2, 40, 80])
def test_a_torn_last_line_is_set_aside(tmp_path: Path, cut: int) -> None:
    path = journal_path(tmp_path)
    write(path, 3)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert len(list(read(path))) == 2
    journal = Journal(path)
    assert "set aside" in journal.repaired
    journal.append(Warned(where="after", text="the repair"))
    journal.close()
    assert [entry.event.where for entry in read(path) if isinstance(entry.event, Warned)] == ["w0", "w1", "after"]
    (torn,) = path.parent.glob("*.torn-*")
    assert whole.endswith(torn.read_bytes() + whole[-cut:])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_bit_before_the_last_line_is_found(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    path = journal_path(tmp_path_factory.mktemp("j"))
    write(path, 3)
    whole = bytearray(path.read_bytes())
    end = whole.rindex(b"\n", 0, len(whole) - 1) + 1
    position = data.draw(st.integers(0, end - 2))
    whole[position] ^= 1 << data.draw(st.integers(0, 7))
    path.write_bytes(bytes(whole))
    with pytest.raises(JournalDamaged, match=r"line [123] of the journal"):
        list(read(path))


@pytest.mark.parametrize("edit", ["drop", "swap", "double"])
def test_lost_moved_and_doubled_lines_are_found(tmp_path: Path, edit: str) -> None:
    path = journal_path(tmp_path)
    write(path, 4)
    lines = path.read_bytes().splitlines(keepends=True)
    edited = {
        "drop": lines[:1] + lines[2:],
        "swap": [lines[0], lines[2], lines[1], lines[3]],
        "double": lines[:2] + lines[1:],
    }[edit]
    path.write_bytes(b"".join(edited))
    with pytest.raises(JournalDamaged):
        list(read(path))


def test_infinity_written_as_a_number_is_refused(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    journal = Journal(path)
    journal.append(MetricRecorded(name="x", value=0.5, arm="a", seed=1))
    journal.close()
    path.write_text(path.read_text().replace("0.5", "1e400"))
    with pytest.raises(JournalDamaged):
        list(read(path))


def test_two_writers_on_one_run_are_refused(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    journal = Journal(path)
    with pytest.raises(SetupError, match="another engine"):
        Journal(path)
    code = "import sys; from pathlib import Path; from copilot.journal import Journal; Journal(Path(sys.argv[1]))"
    other = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True)
    assert "another engine" in other.stderr
    journal.close()
    Journal(path).close()


def test_a_follower_reads_only_what_is_new(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    reader = Reader(path)
    assert list(reader.new()) == []
    journal = Journal(path)
    journal.append(Warned(where="1", text=""))
    assert [entry.seq for entry in reader.new()] == [0]
    with path.open("ab") as file:
        file.write(b'{"v":1,"seq":1,')
    assert list(reader.new()) == []
    os.truncate(path, reader.offset)
    journal.append(FeedbackGiven(inbox_line=1, id="x", text="hello"))
    assert [entry.seq for entry in reader.new()] == [1]
    journal.close()


def test_appending_stays_cheap(tmp_path: Path) -> None:
    """The cost of a step must not grow with the length of the run: later appends against earlier ones, in one run."""
    import time

    journal = Journal(journal_path(tmp_path))

    def block() -> float:
        began = time.perf_counter()
        for _ in range(400):
            journal.append(MetricRecorded(name="x", value=0.5, arm="a", seed=1))
        return time.perf_counter() - began

    block()
    early = min(block() for _ in range(3))
    for _ in range(6):
        block()
    late = min(block() for _ in range(3))
    journal.close()
    assert late < 3 * early


FULL = """
import resource, sys
from pathlib import Path
from copilot.errors import NotRecorded
from copilot.events import Warned
from copilot.journal import Journal

path, room = Path(sys.argv[1]), int(sys.argv[2])
journal = Journal(path)
journal.append(Warned(where="before", text="x" * 200))
soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + room, hard))
for _ in range(3):
    try:
        journal.append(Warned(where="lost", text="x" * 5000))
    except NotRecorded as error:
        print(error)
assert len(journal.entries) == 1
resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
journal.append(Warned(where="after", text="there is room again"))
journal.close()
"""


@pytest.mark.parametrize("room", [0, 1, 4000])
def test_what_a_full_disk_cut_short_is_taken_back(tmp_path: Path, room: int) -> None:
    path = journal_path(tmp_path)
    done = subprocess.run([sys.executable, "-c", FULL, str(path), str(room)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("cannot be written") == 3
    assert [entry.event.where for entry in read(path) if isinstance(entry.event, Warned)] == ["before", "after"]
    assert b"lost" not in path.read_bytes()


def test_a_damaged_journal_is_not_kept_locked(tmp_path: Path) -> None:
    path = journal_path(tmp_path)
    write(path, 2)
    whole = path.read_bytes()
    path.write_bytes(b"x" + whole[1:])
    with pytest.raises(JournalDamaged):
        Journal(path)
    path.write_bytes(whole)
    Journal(path).close()


def test_a_viewer_that_looks_whether_an_engine_is_alive_does_not_keep_it_out(tmp_path: Path) -> None:
    import fcntl
    import threading

    path = journal_path(tmp_path)
    write(path, 1)
    with path.open("rb") as viewer:
        fcntl.flock(viewer, fcntl.LOCK_SH)
        letting_go = threading.Timer(0.08, fcntl.flock, (viewer, fcntl.LOCK_UN))
        letting_go.start()
        Journal(path).close()
        letting_go.join()
