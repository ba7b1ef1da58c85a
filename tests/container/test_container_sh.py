"""Which options container.sh chooses: seen by a program that stands in for docker and podman and notes its calls."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SECRET = "sk-never-an-argument-0123456789"
TOOL = """#!/bin/sh
case "$1" in
info) [ -z "$FAKE_BROKEN" ] || exit 1; [ "$2" != --format ] || echo "$FAKE_STORE" ;;
--version) echo "${FAKE_KIND:-$(basename "$0")} version 5" ;;
*) printf '%s\\n' "$(basename "$0")" "$@" -- >>"$FAKE_CALLS" ;;
esac
"""
GPU = {"nvidia-smi": "echo 'GPU 0: made for a test'", "nvidia-ctk": "echo nvidia.com/gpu=all"}
SYSTEM = ("bash", "sh", "awk", "basename", "chown", "df", "dirname", "grep", "id", "sed", "stat", "uname")


@dataclass
class Place:
    """A folder with container.sh, and a PATH that holds only what is put there."""

    home: Path

    def program(self, name: str, body: str) -> None:
        """Put a program on the PATH."""
        path = self.home / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(body if body.startswith("#!") else f"#!/bin/sh\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def run(self, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Call container.sh."""
        base = {"PATH": str(self.home / "bin"), "FAKE_STORE": str(self.home), "PORT": str(_free_port())}
        full = base | {"FAKE_CALLS": str(self.home / "calls")} | env
        argv = ["bash", "container.sh", *arguments]
        return subprocess.run(argv, cwd=self.home, env=full, capture_output=True, text=True, timeout=20, check=False)

    def calls(self) -> list[list[str]]:
        """How the tool was called, a list of words each time."""
        noted = self.home / "calls"
        text = noted.read_text("utf-8") if noted.exists() else ""
        return [call.splitlines() for call in text.split("--\n") if call]

    def started(self, *arguments: str, **env: str) -> list[str]:
        """The words of the call that starts the container."""
        done = self.run(*arguments, **env)
        assert done.returncode == 0, done.stderr
        return self.calls()[-1]

    def refused(self, *arguments: str, **env: str) -> str:
        """What it says when it stops; nothing was built or started by then."""
        done = self.run(*arguments, **env)
        assert done.returncode == 2
        assert self.calls() == []
        return done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """With podman."""
    shutil.copy(ROOT / "container.sh", tmp_path)
    (tmp_path / "logs").mkdir()
    (tmp_path / "bin").mkdir()
    for name in SYSTEM:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    made = Place(tmp_path)
    made.program("podman", TOOL)
    return made


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _pairs(call: list[str]) -> set[tuple[str, str]]:
    return set(itertools.pairwise(call))


def test_run_builds_then_starts_for_this_machine_only(place: Place) -> None:
    call = place.started("run", PORT="7999")
    build = place.calls()[0]
    assert build[:2] == ["podman", "build"] and ("--tag", "copilot") in _pairs(build)
    assert ("--build-arg", "EXTRA=core") in _pairs(build)
    assert _pairs(call) >= {
        ("--publish", "127.0.0.1:7999:7860"),
        ("--volume", f"{place.home}/logs:/data/logs:z"),
        ("--env", "COPILOT_SHARED=0"),
        ("--cap-drop", "all"),
        ("--security-opt", "no-new-privileges"),
    }
    assert call[-1] == "copilot"
    assert not any(word in {"--device", "--gpus", "--privileged"} for word in call)


def test_it_runs_as_an_ordinary_user_who_can_write_the_runs(place: Place) -> None:
    call = place.started("run")
    owner = (place.home / "logs").stat()
    assert ("--user", f"{owner.st_uid}:{owner.st_gid}") in _pairs(call)
    assert owner.st_uid != 0
    assert (("--userns", "keep-id") in _pairs(call)) == (os.getuid() != 0)


def test_keys_are_a_file_and_no_argument(place: Place) -> None:
    (place.home / ".env").write_text(f"OPENAI_API_KEY={SECRET}\n", encoding="utf-8")
    call = place.started("run")
    assert ("--volume", f"{place.home}/.env:/home/user/app/.env:ro,z") in _pairs(call)
    assert not any(word.startswith("--env-file") for word in call)
    assert SECRET not in str(place.calls())


def test_a_visitor_gets_no_keys_no_runs_and_no_gpu(place: Place) -> None:
    (place.home / ".env").write_text(f"OPENAI_API_KEY={SECRET}\n", encoding="utf-8")
    for name, body in GPU.items():
        place.program(name, body)
    call = place.started("space")
    assert not any(word in {"--volume", "--env", "--device", "--user"} for word in call)


@pytest.mark.parametrize(
    ("tool", "option"), [("podman", ("--device", "nvidia.com/gpu=all")), ("docker", ("--gpus", "all"))]
)
def test_a_gpu_is_passed_in_the_way_of_the_tool_and_torch_comes_with_it(
    place: Place, tool: str, option: tuple[str, str]
) -> None:
    place.program(tool, TOOL)
    for name, body in GPU.items():
        place.program(name, body)
    call = place.started("run")
    assert call[0] == tool
    assert option in _pairs(call)
    assert {("--build-arg", "EXTRA=ml"), ("--build-arg", "TORCH=pip")} <= _pairs(place.calls()[0])


def test_a_gpu_that_cannot_be_reached_is_never_left_out_in_silence(place: Place) -> None:
    place.program("nvidia-smi", GPU["nvidia-smi"])
    assert "GPU=none" in place.refused("run")
    place.program("nvidia-ctk", "exit 0")
    assert "nvidia-ctk cdi generate" in place.refused("run")
    call = place.started("run", GPU="none")
    assert not any("nvidia" in word for word in call)


def test_demo_and_build(place: Place) -> None:
    assert place.started("demo")[-4:] == ["copilot", "copilot", "run", "demo"]
    options = {"BASE": "my/base:1", "EXTRA": "ml", "BUILD_OPTIONS": "--volume /a:/b --pull"}
    call = place.started("build", **options)
    assert call[1] == "build"
    assert {("--build-arg", "BASE=my/base:1"), ("--build-arg", "EXTRA=ml"), ("--volume", "/a:/b")} <= _pairs(call)
    assert ("--build-arg", "TORCH=cpu") in _pairs(call)


def test_docker_is_taken_first_when_it_works(place: Place) -> None:
    place.program("docker", TOOL)
    assert place.started("run")[0] == "docker"
    place.program("docker", "exit 1")
    assert place.started("run")[0] == "podman"
    assert place.started("run", CONTAINER_TOOL="podman")[0] == "podman"


def test_podman_under_the_name_of_docker_is_known(place: Place) -> None:
    place.program("docker", TOOL)
    for name, body in GPU.items():
        place.program(name, body)
    call = place.started("run", FAKE_KIND="podman")
    assert call[0] == "docker" and ("--device", "nvidia.com/gpu=all") in _pairs(call)


def test_a_tool_that_is_missing_or_closed_is_said(place: Place) -> None:
    assert "not usable by you: podman" in place.refused("run", FAKE_BROKEN="1")
    (place.home / "bin" / "podman").unlink()
    assert "Neither docker nor podman" in place.refused("run")


def test_a_port_that_is_taken_is_said_before_the_build(place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert f"Port {port} is taken" in place.refused("run", PORT=str(port))


def test_a_full_disk_is_said_before_the_build(place: Place) -> None:
    place.program("df", "printf 'Filesystem\\n/dev/x 9 9 1500000 9%% /\\n'")
    said = place.refused("build")
    assert "needs 3 GB" in said and "1 GB are free" in said


def test_a_word_it_does_not_know_prints_its_usage(place: Place) -> None:
    assert "container.sh [run|demo|space|build]" in place.refused("fly")


@pytest.mark.parametrize("script", ["container.sh", "scripts/setup.sh", "scripts/start.sh"])
def test_scripts_are_well_formed(script: str) -> None:
    shell = "bash" if script == "container.sh" else "sh"
    subprocess.run([shell, "-n", str(ROOT / script)], check=True, timeout=20)
    if checker := shutil.which("shellcheck"):
        dialect = "bash" if shell == "bash" else "dash"
        subprocess.run([checker, "--shell", dialect, str(ROOT / script)], check=True, timeout=60)
