"""`copilot sandbox run` and `check`: the record that others read, and the attacks as the last word."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from copilot.sandbox import suite
from copilot.sandbox.check import attempt, check, table
from copilot.sandbox.command import run_script
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.protocol import Level, Start
from tests.sandbox.conftest import EVERY_LEVEL, require

QUICK = ("private_key", "own_environment", "shell_profile", "replace_inputs", "pipe", "kill", "user_namespace")
LANDLOCK_MISSES = {"command_lines", "file_metadata"}


def _script(base: Path, code: str) -> tuple[Path, Path]:
    (base / "work").mkdir()
    (base / "work/script.py").write_text(code)
    return base / "work", base / "record"


def _events(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (record / "log.jsonl").read_text().splitlines()]


@pytest.mark.sandbox
def test_the_record_tells_everything(tmp_path: Path) -> None:
    code = (
        "import sys; print('hello', sys.argv[1]); print('{\"event\": \"forged\"}'); open('result.json','w').write('{}')"
    )
    workspace, record = _script(tmp_path, code)
    out = io.StringIO()
    assert run_script(Path("script.py"), ["world"], workspace, None, 20, record, out=out) == 0
    assert "hello world" in out.getvalue()
    events = _events(record)
    assert [event["event"] for event in events] == ["run_start", "output", "run_end"]
    assert events[0]["level"] == "namespace"
    assert "hello world\n" in events[1]["out"]
    report = json.loads((record / "report.json").read_text())
    assert (report["level"], report["killed"], report["refused"]) == ("namespace", None, None)
    collected = report["collected"]
    assert (collected["result"], collected["error"], collected["files"]) == ({}, "", ["result.json", "script.py"])
    assert collected["provenance"].startswith("self-reported")


@pytest.mark.sandbox
def test_the_log_is_a_chain(tmp_path: Path) -> None:
    workspace, record = _script(tmp_path, "print('x' * 200_000)\nfor n in range(30000): print(n)")
    run_script(Path("script.py"), [], workspace, None, 20, record, out=io.StringIO())
    previous = ""
    for line in (record / "log.jsonl").read_text().splitlines():
        assert json.loads(line)["previous"] == previous
        previous = hashlib.sha256(line.encode()).hexdigest()
    text = "".join(event["out"] for event in _events(record) if event["event"] == "output")
    assert text.endswith("29998\n29999\n")


@pytest.mark.sandbox
def test_a_bad_result_and_a_limit_show_in_the_report(tmp_path: Path) -> None:
    workspace, record = _script(tmp_path, "import os, time; os.mkfifo('results.json'); time.sleep(30)")
    assert run_script(Path("script.py"), [], workspace, None, 0.5, record, out=io.StringIO()) == 124
    report = json.loads((record / "report.json").read_text())
    assert report["killed"] == "timeout"
    assert report["collected"]["result"] is None
    assert "not a regular file" in report["collected"]["error"]


@pytest.mark.sandbox
def test_a_script_elsewhere_is_shown_read_only(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    script = tmp_path / "elsewhere.py"
    script.write_text("import pathlib\npathlib.Path('made').touch()\nopen(__file__, 'a')")
    code = run_script(script, [], tmp_path / "work", None, 20, tmp_path / "record", out=io.StringIO())
    assert code == 1
    assert (tmp_path / "work/made").exists()


def test_as_a_program(tmp_path: Path) -> None:
    """The level is named, so that this runs wherever Python does."""
    workspace, record = _script(tmp_path, "import sys; print(sys.argv[1:]); sys.exit(5)")
    options = ["--level", "limits-only", "--workspace", str(workspace), "--record", str(record), "--seconds", "20"]
    command = [sys.executable, "-m", "copilot.sandbox", "run", *options, "script.py", "--flag", "value"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 5
    assert "['--flag', 'value']" in done.stdout
    wrong = subprocess.run([*command[:4], "--level", "magic", "x.py"], capture_output=True, timeout=60, check=False)
    assert wrong.returncode == 2
    assert b"no sandbox level 'magic'" in wrong.stderr


def _attack(name: str) -> suite.Attack:
    return next(attack for attack in suite.attacks() if attack.name == name)


@pytest.mark.parametrize("level", EVERY_LEVEL[:2])
@pytest.mark.parametrize("name", QUICK)
def test_a_containing_level_holds(level: Level, name: str) -> None:
    require(level)
    row = attempt(LocalSandbox(level), _attack(name))
    assert row["contained"], row


@pytest.mark.parametrize("name", ["private_key", "shell_profile", "loopback", "user_namespace"])
def test_the_attacks_are_real_where_nothing_holds(name: str) -> None:
    """The same attack gets through at the weakest level; otherwise the suite would prove nothing."""
    assert not attempt(LocalSandbox("limits-only"), _attack(name))["contained"]


def test_the_suite_covers_every_kind_of_harm_and_says_what_each_attack_does() -> None:
    found = suite.attacks()
    assert len(found) >= 70
    assert len({attack.name for attack in found}) == len(found)
    assert all(attack.aim.endswith(".") for attack in found)
    assert {attack.kind for attack in found} == {
        "read_secrets",
        "write_outside",
        "forge_results",
        "processes",
        "resources",
        "network",
        "kernel_surface",
    }


def test_a_broken_attack_is_no_success_of_the_sandbox(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text('def broken(t):\n    """Fails by itself."""\n    return t["no such target"]\n')
    result = check(["limits-only"], tmp_path)
    row = result["levels"]["limits-only"]["rows"][0]
    assert not row["contained"]
    assert "the attack itself failed" in row["detail"]
    assert "not held: broken: Fails by itself." in table(result)


@pytest.mark.slow
@pytest.mark.timeout(400)
@pytest.mark.parametrize(
    ("level", "misses"), [pytest.param("namespace", set(), marks=pytest.mark.sandbox), ("landlock", LANDLOCK_MISSES)]
)
@pytest.mark.parametrize("start", ["cold", "warm"])
def test_the_whole_suite(level: Level, misses: set[str], start: Start) -> None:
    require(level)
    rows = check([level], start=start)["levels"][level]["rows"]
    assert {row["name"] for row in rows if not row["contained"]} == misses
