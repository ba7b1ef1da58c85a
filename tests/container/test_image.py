"""The image itself, built and run by the real tool. Minutes long; BASE, BUILD_OPTIONS and CONTAINER_TOOL as for
container.sh. Skipped where no tool works, or where the base image cannot be had.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.container.test_context import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]
SECRET = "sk-of-this-test-0123456789abcdef"
LIMITED = ["--cap-drop", "all", "--security-opt", "no-new-privileges"]
THIEF = """
import glob
for name in [*glob.glob("/proc/[0-9]*/environ"), "/home/user/app/.env", "/data/logs/.server/secret"]:
    try:
        print(name, "TAKEN" if "of-this-test" in open(name, errors="replace").read() else "nothing in it")
    except OSError as error:
        print(name, error.strerror)
"""


@pytest.fixture(scope="module")
def tool() -> str:
    """A tool that works here, with the image built from this checkout."""
    names = [os.environ["CONTAINER_TOOL"]] if "CONTAINER_TOOL" in os.environ else ["docker", "podman"]
    found = [
        name
        for name in names
        if shutil.which(name) and subprocess.run([name, "info"], capture_output=True).returncode == 0
    ]
    if not found:
        pytest.skip("no container tool works here")
    base = os.environ.get("BASE", "python:3.11-slim-bookworm")
    known = subprocess.run([found[0], "image", "inspect", base], capture_output=True, check=False)
    if known.returncode and subprocess.run([found[0], "pull", base], capture_output=True, check=False).returncode:
        pytest.skip(f"the base image {base} is not here and cannot be pulled")
    subprocess.run(
        ["bash", "container.sh", "build"], cwd=ROOT, env=os.environ | {"CONTAINER_TOOL": found[0]}, check=True
    )
    return found[0]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A disk for runs, writable for the image's user."""
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o777)
    return folder


def run(tool: str, *words: str, options: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Start the image with a command, as limited as a Space is."""
    argv = [tool, "run", "--rm", *LIMITED, *options, "copilot", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=900, check=False)


@contextmanager
def served(tool: str, data: Path, *options: str) -> Iterator[tuple[str, str]]:
    """The server with a disk; its container and its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    words = [
        "--detach",
        "--rm",
        *LIMITED,
        "--volume",
        f"{data}:/data:z",
        "--publish",
        f"127.0.0.1:{port}:7860",
        *options,
    ]
    started = subprocess.run([tool, "run", *words, "copilot"], capture_output=True, text=True, check=True)
    name = started.stdout.strip()
    try:
        yield name, f"http://127.0.0.1:{port}"
    finally:
        subprocess.run([tool, "stop", "--time", "5", name], capture_output=True, check=False)


def answers(address: str) -> str:
    """The first page, once the server is up."""
    until = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5) as page:
                text: str = page.read().decode("utf-8")
                return text
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)


def test_the_program_is_nobody_special_and_cannot_change_itself(tool: str) -> None:
    done = run(tool, "sh", "-c", "id -u; touch copilot/x .venv/x app.py; grep CapEff /proc/self/status")
    assert done.stdout.split()[0] == "1000"
    assert done.stdout.split()[-1] == "0" * 16
    assert done.stderr.count("Permission denied") == 3


def test_the_demo_reaches_a_verdict_that_names_its_sandbox_and_outlives_the_container(tool: str, data: Path) -> None:
    disk = ("--volume", f"{data}:/data:z")
    done = run(tool, "copilot", "run", "demo", options=disk)
    assert done.returncode == 0, done.stderr
    level = re.search(r"sandbox: (namespace|landlock):", done.stdout + done.stderr)
    assert level is not None
    if level[1] == "landlock":
        assert "Weaker sandbox (landlock)" in done.stdout + done.stderr
    assert "demo/" in run(tool, "copilot", "runs", options=disk).stdout
    assert run(tool, "copilot", "verify", "demo", options=disk).returncode == 0


def test_agent_code_sees_no_key_of_the_server(tool: str, data: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.write_text(f"OPENAI_API_KEY={SECRET}\n", encoding="utf-8")
    (tmp_path / "thief").mkdir()
    (tmp_path / "thief" / "thief.py").write_text(THIEF, encoding="utf-8")
    options = ["--env", f"HF_TOKEN={SECRET}", "--volume", f"{keys}:/home/user/app/.env:ro,z"]
    with served(tool, data, *options, "--volume", f"{tmp_path}/thief:/thief:ro,z") as (name, address):
        assert "Streamlit" in answers(address)
        script = "cp /thief/thief.py /tmp/ && cd /tmp && copilot sandbox run thief.py"
        done = subprocess.run([tool, "exec", name, "sh", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.count("/environ") >= 3, done.stderr
    assert "/home/user/app/.env Permission denied" in done.stdout or "/home/user/app/.env No such file" in done.stdout
    assert "TAKEN" not in done.stdout


def test_a_disk_that_cannot_be_used_is_one_sentence(tool: str, data: Path) -> None:
    done = run(tool, "true", options=("--volume", f"{data}:/data:ro,z"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "mounted read-only" in done.stderr
