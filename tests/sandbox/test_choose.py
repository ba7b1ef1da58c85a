"""The ladder, climbed for real; a machine without bubblewrap is this one with the program covered up."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.errors import SetupError
from copilot.sandbox.choose import LEVELS, choose
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.probe import HOLDS, failure
from copilot.sandbox.protocol import LEVEL_TEXTS
from tests.sandbox.conftest import require

ROOT = Path(__file__).parents[2]


@pytest.mark.sandbox
def test_the_strongest_level_is_chosen() -> None:
    require("namespace")
    chosen = choose()
    assert (chosen.level, chosen.skipped) == ("namespace", [])
    assert chosen.text == LEVEL_TEXTS["namespace"]
    assert chosen.sandbox.level == "namespace"


def test_an_unknown_level_is_refused_with_the_known_ones() -> None:
    with pytest.raises(SetupError, match="namespace, landlock, container, seccomp-only, limits-only"):
        choose("docker")


@pytest.mark.parametrize("level", ["seccomp-only", "limits-only"])
def test_a_weak_level_only_by_name_and_it_says_so(level: str) -> None:
    chosen = choose(level)
    assert chosen.level == level
    assert chosen.text.startswith("NOT ")


def test_every_level_has_a_promise_and_a_text() -> None:
    assert set(LEVELS) == set(HOLDS) == set(LEVEL_TEXTS)
    assert set(HOLDS["seccomp-only"]) < set(HOLDS["landlock"]) < set(HOLDS["namespace"])


def test_the_self_test_notices_a_level_that_does_not_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask of the weakest level what the strongest promises: everything must be reported as open."""
    monkeypatch.setitem(HOLDS, "limits-only", HOLDS["namespace"])
    reason = failure(LocalSandbox("limits-only"))
    for way in ("read", "write", "connect", "unshare", "pids"):
        assert way in reason


ASK = """
from copilot.errors import SetupError
from copilot.sandbox.choose import choose
try:
    chosen = choose()
    print(chosen.level, "|", *chosen.skipped)
except SetupError as error:
    print("refused |", error)
"""


def _without_bubblewrap(code: str) -> str:
    cover = ["bwrap", "--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc"]
    cover += ["--ro-bind", "/dev/null", "/usr/bin/bwrap", "--chdir", str(ROOT)]
    if os.geteuid() == 0:
        cover += ["--cap-add", "ALL"]
    done = subprocess.run([*cover, sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


@pytest.mark.sandbox
def test_without_bubblewrap_it_is_landlock_and_the_reason_is_told() -> None:
    require("landlock")
    said = _without_bubblewrap(ASK)
    assert said.startswith("landlock | namespace: bubblewrap is not installed")


@pytest.mark.sandbox
def test_with_neither_it_refuses_and_says_what_to_do() -> None:
    code = "import copilot.sandbox.choose as room\nroom.AUTOMATIC = ('namespace',)\n" + ASK
    said = _without_bubblewrap(code)
    assert said.startswith("refused |")
    for words in ("apt install bubblewrap", "--sandbox seccomp-only", "limits-only", "not installed"):
        assert words in said
