"""Code that a paper links to: found with licence and commit, fetched as text at that commit, and nothing else of it."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from copilot.errors import SetupError
from copilot.hub.github import fetch_code, name_of, text_files
from copilot.hub.retrieve import search
from copilot.hub.source import open_source
from copilot.hub.stub import StubHub, serve
from tests.hub.github_stub import COMMIT, StubGitHub, blob, serve_github

NAME = "acme/depthnet"
FILES = {
    "README.md": b"# DepthNet", "LICENSE": b"MIT", "train.py": b"raise SystemExit('ran')", "src/net.py": b"x = 1\n",
    "weights.pt": b"\x80\x04", "install.sh": b"touch ran", "data.zip": b"PK\x03\x04",
}  # fmt: skip


@pytest.fixture
def github() -> StubGitHub:
    return StubGitHub(NAME, dict(FILES))


@pytest.fixture
def endpoint(github: StubGitHub) -> Iterator[str]:
    with serve_github(github) as url:
        yield url


def test_a_linked_repository_is_a_hit_with_commit_and_licence(endpoint: str) -> None:
    with serve(StubHub()) as hub:
        env = {"HF_ENDPOINT": hub, "COPILOT_GITHUB_URL": endpoint}
        links = ["https://github.com/acme/depthnet/tree/main", "https://github.com/acme/gone"]
        source = open_source(env, online=True, links=links, paper_title="Depth from one photo")
        found = search("depth from one photo", "code", source=source)
    hit = found.hits[0]
    assert (hit.id, hit.revision, hit.licence) == (NAME, COMMIT, "mit")
    assert "paper links to it" in hit.why and "licence mit" in hit.why and "changed 2025-03-01" in hit.why
    assert any("read" in warning for warning in hit.warnings)
    assert any("acme/gone" in note and "not pinned" in note for note in found.notes)


def test_text_at_the_commit_comes_read_only_and_once(github: StubGitHub, endpoint: str, tmp_path: Path) -> None:
    wanted = {"README.md", "LICENSE", "train.py", "src/net.py"}
    assert set(text_files(NAME, COMMIT, endpoint=endpoint)) == wanted
    folder = fetch_code(NAME, COMMIT, tmp_path, approved=[NAME], endpoint=endpoint)
    held = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {".complete"}
    assert held == wanted and (folder / "src" / "net.py").stat().st_mode & 0o222 == 0
    asked = len(github.requests)
    assert fetch_code(NAME, COMMIT, tmp_path, approved=[NAME], endpoint=endpoint) == folder
    assert len(github.requests) == asked


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "", size: int = 0) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname, made.size = kind, link, size
    return made


def test_what_the_tree_does_not_name_stays_in_the_archive(github: StubGitHub, endpoint: str, tmp_path: Path) -> None:
    github.extra = [
        (member("top/../../escaped.py", size=4), b"evil"),
        (member("/etc/escaped.py", size=4), b"evil"),
        (member("top/link.py", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (member("top/train.py", tarfile.LNKTYPE, "/etc/passwd"), b""),
        (member("top/hidden.py", size=4), b"evil"),
        (member("top/fifo.py", tarfile.FIFOTYPE), b""),
    ]
    github.tree = [
        {"path": "../escaped.py", "mode": "100644", "type": "blob", "size": 4, "sha": blob(b"evil")},
        {"path": "link.py", "mode": "120000", "type": "blob", "size": 11, "sha": "0" * 40},
        {"path": "sub", "mode": "160000", "type": "commit", "sha": "0" * 40},
    ]
    folder = fetch_code(NAME, COMMIT, tmp_path / "cache", approved=[NAME], endpoint=endpoint)
    assert not list(tmp_path.glob("*escaped*")) and not list(tmp_path.rglob("hidden.py"))
    assert (folder / "train.py").read_bytes() == FILES["train.py"] and not (folder / "link.py").exists()


def test_content_that_is_not_the_commit_s_keeps_nothing(github: StubGitHub, endpoint: str, tmp_path: Path) -> None:
    github.served = {"train.py": b"raise SystemExit('evi')"}
    with pytest.raises(SetupError, match=r"lacks train\.py as the commit names it"):
        fetch_code(NAME, COMMIT, tmp_path, approved=[NAME], endpoint=endpoint)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("name", "revision", "approved", "said"),
    [
        (NAME, COMMIT, [], "not approved"),
        (NAME, "main", [NAME], "full commit"),
        ("../x", COMMIT, ["../x"], "not the name"),
        ("acme/none", COMMIT, ["acme/none"], "HTTP 404"),
    ],
)
def test_what_is_not_fetched(
    endpoint: str, tmp_path: Path, name: str, revision: str, approved: list[str], said: str
) -> None:
    with pytest.raises(SetupError, match=said):
        fetch_code(name, revision, tmp_path, approved=approved, endpoint=endpoint)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/acme/net.git", "acme/net"),
        ("http://www.github.com/acme/net/blob/main/x.py", "acme/net"),
        ("https://github.com.evil.example/acme/net", ""),
        ("https://github.com/acme", ""),
        ("https://github.com/ac me/net", ""),
        ("https://huggingface.co/spaces/acme/net", ""),
    ],
)
def test_names_in_links(url: str, name: str) -> None:
    assert name_of(url) == name
