"""The first program in the container: where runs are kept, and what it says when they cannot be."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STRANGER = 65534


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that everybody may enter, the script, and an empty folder for logs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copy(ROOT / "scripts" / "start.sh", folder / "start.sh")
        (folder / "logs").mkdir()
        (folder / "logs").chmod(0o777)
        yield folder


def start(
    home: Path, *command: str, before: Sequence[str] = (), user: int | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """What the container would do with this command."""
    base = {
        "PATH": os.defpath,
        "HOME": str(home),
        "COPILOT_LOGS": f"{home}/logs",
        "COPILOT_CACHE": f"{home}/logs/.cache",
    }
    argv = [*before, "sh", str(home / "start.sh"), *command]
    return subprocess.run(
        argv, cwd=home, env=base | env, user=user, capture_output=True, text=True, timeout=20, check=False
    )


def test_becomes_the_command_and_leaves_nothing_from_trying(home: Path) -> None:
    assert start(home, "echo", "a  b").stdout == "a  b\n"
    assert start(home, "sh", "-c", "exit 7").returncode == 7
    assert [path.name for path in (home / "logs").iterdir()] == [".cache"]
    assert list((home / "logs" / ".cache").iterdir()) == []


def test_a_foreign_folder_is_named_with_the_way_out(home: Path) -> None:
    (home / "logs").chmod(0o555)
    stranger = STRANGER if os.getuid() == 0 else None
    done = start(home, "true", user=stranger)
    uid = stranger or os.getuid()
    assert done.returncode == 2
    assert f"{home}/logs" in done.stderr and f"chown -R {uid} FOLDER" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.sandbox
def test_a_read_only_folder_is_called_so(home: Path) -> None:
    done = start(home, "true", before=["bwrap", "--ro-bind", "/", "/", "--dev", "/dev"])
    assert done.returncode == 2
    assert "mounted read-only" in done.stderr


def test_keys_that_the_user_may_not_read_stop_the_start(home: Path) -> None:
    (home / ".env").write_text("OPENAI_API_KEY=sk-0\n", encoding="utf-8")
    (home / ".env").chmod(0)
    done = start(home, "true", user=STRANGER if os.getuid() == 0 else None)
    assert done.returncode == 2
    assert ".env" in done.stderr and "chown" in done.stderr


def test_a_home_that_cannot_be_written_is_replaced(home: Path) -> None:
    done = start(home, "sh", "-c", "echo $HOME", HOME="/no/home")
    assert done.stdout.strip() == "/tmp"


@pytest.mark.parametrize(("cores", "engines"), [("8", "4"), ("3", "2"), ("1", "1"), ("", ""), ("many", "")])
def test_engines_at_once_follow_the_processors_of_the_space(home: Path, cores: str, engines: str) -> None:
    done = start(home, "sh", "-c", "echo $COPILOT_MAX_ENGINES", CPU_CORES=cores)
    assert done.stdout.strip() == engines
    named = start(home, "sh", "-c", "echo $COPILOT_MAX_ENGINES", CPU_CORES=cores, COPILOT_MAX_ENGINES="7")
    assert named.stdout.strip() == "7"
