"""What the image is made of: everything that the program needs, nothing secret, nothing large, valid settings."""

from __future__ import annotations

import re
import shlex
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RUNTIME = (".streamlit/", "app.py", "copilot/", "problems/", "scripts/", "workspaces/", "pyproject.toml", "LICENSE")
LARGEST, LARGEST_ALL = 5_000_000, 20_000_000
COLOURS = {"red", "yellow", "green", "blue", "indigo", "purple", "pink", "gray"}
FIELDS = {
    *("title", "emoji", "colorFrom", "colorTo", "sdk", "app_port", "base_path", "fullWidth", "header", "pinned"),
    *("short_description", "models", "datasets", "tags", "thumbnail", "license", "suggested_hardware"),
    *("suggested_storage", "hf_oauth", "hf_oauth_scopes", "hf_oauth_expiration_minutes", "disable_embedding"),
    *("startup_duration_timeout", "custom_headers", "preload_from_hub"),
}
"""What the Hub's configuration reference lists for a Docker Space."""


def instructions() -> list[list[str]]:
    """The Dockerfile as words, one list an instruction."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [shlex.split(line) for line in text.splitlines() if line and not line.startswith("#")]


def in_context(path: str) -> bool:
    """Whether .dockerignore lets this file into the image: the last pattern counts that fits it or a parent."""
    taken = True
    parents = [path, *(parent.as_posix() for parent in Path(path).parents)]
    for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip().removeprefix("!")
        if pattern and not pattern.startswith("#") and any(_fits(pattern, name) for name in parents):
            taken = line.startswith("!")
    return taken


def _fits(pattern: str, name: str) -> bool:
    if pattern.startswith("**/"):
        return fnmatchcase(Path(name).name, pattern[3:])
    return name.count("/") == pattern.count("/") and fnmatchcase(name, pattern)


def tracked() -> list[str]:
    """Every file of the checkout that is in the record."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip("no git checkout")
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def front_matter() -> dict[str, Any]:
    """The block at the top of the README."""
    _, block, _ = (ROOT / "README.md").read_text("utf-8").split("---\n", 2)
    loaded: dict[str, Any] = yaml.safe_load(block)
    return loaded


def test_copied_paths_exist_and_are_in_the_context() -> None:
    sources = [
        word
        for line in instructions()
        if line[0] == "COPY" and not any(part.startswith("--from") for part in line)
        for word in line[1:-1]
    ]
    assert {"pyproject.toml", "constraints.txt", "scripts/setup.sh", "copilot/__init__.py", "."} <= set(sources)
    assert all((ROOT / name).exists() for name in sources)
    assert all(in_context(name) for name in sources if name != ".")


def test_every_file_that_runs_is_in_the_image() -> None:
    wanted = [name for name in tracked() if name.startswith(RUNTIME)]
    assert len(wanted) > 200
    assert [name for name in wanted if not in_context(name)] == []


@pytest.mark.parametrize(
    "name",
    [
        *(".env", "copilot/.env", "problems/mine/.env", ".env.local", "id_rsa", "container.sh", ".git/config"),
        *(
            "logs/demo/2026-11-20T09-07-46Z/agent_log/full_log.jsonl",
            "logs/.server/secret",
            "logs/.cache/uploads/x.pdf",
        ),
        *("tests/conftest.py", ".venv/bin/python", "copilot/__pycache__/cli.pyc", "artefacts/x.png", "docs/app.md"),
    ],
)
def test_nothing_else_is(name: str) -> None:
    assert not in_context(name)


def test_nothing_large_is_in_the_image() -> None:
    sizes = {name: (ROOT / name).stat().st_size for name in tracked() if in_context(name)}
    assert [name for name, size in sizes.items() if size > LARGEST] == []
    assert sum(sizes.values()) < LARGEST_ALL


def test_the_program_runs_as_user_1000_and_owns_nothing_that_judges() -> None:
    lines = instructions()
    assert [line[1] for line in lines if line[0] == "USER"] == ["user"]
    assert any(line[0] == "RUN" and "useradd" in line and line[line.index("--uid") + 1] == "1000" for line in lines)
    last_change = max(number for number, line in enumerate(lines) if line[0] in {"COPY", "RUN"})
    assert lines.index(["USER", "user"]) > last_change
    assert not any(word.startswith("--chown") for line in lines for word in line)


def test_settings_of_the_space() -> None:
    front = front_matter()
    assert set(front) <= FIELDS
    assert front["sdk"] == "docker"
    assert {front["colorFrom"], front["colorTo"]} <= COLOURS
    assert 0 < len(front["short_description"]) <= 60
    assert not re.search(r"[\w\s]", front["emoji"]) and len(front["emoji"]) <= 4
    assert front["license"] == "apache-2.0"
    assert isinstance(front["pinned"], bool)


def test_the_port_is_one_everywhere() -> None:
    lines = {line[0]: line for line in instructions() if line[0] != "ENV"}
    port = str(front_matter()["app_port"])
    assert lines["EXPOSE"] == ["EXPOSE", port]
    command = " ".join(lines["CMD"]).replace(",", "")
    assert f"--port {port}" in command and "--address 0.0.0.0" in command
    assert ["ENV", "COPILOT_SHARED=1"] in instructions(), "a port that is open to others means visitors"
