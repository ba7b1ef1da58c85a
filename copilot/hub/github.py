"""Repositories on GitHub that a paper links to: looked up, pinned to a commit, and fetched as text when approved.

Asks the public REST API without a token (60 questions an hour). Nothing that comes is run, built or installed here; the
archive is read as a stream, and only files that the commit's tree lists, with the content that it names, are written.
"""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from copilot.domain.base import Value
from copilot.errors import SetupError
from copilot.hub.contents import plain_path
from copilot.hub.safety import printable

API = "https://api.github.com"
HEADERS = {"user-agent": "paper-to-experiment-copilot", "accept": "application/vnd.github+json"}
TIMEOUT = 15.0
KINDS = (
    ".py", ".ipynb", ".md", ".rst", ".txt", ".json", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".csv", ".tsv", ".r",
    ".jl", ".c", ".h", ".cpp", ".cu", ".java", ".m",
)  # fmt: skip
"""Kinds of files that are fetched: text to be read. No scripts of a shell, no archives, no weights."""
NAMES = ("license", "licence", "copying", "notice", "readme", "citation.cff")
MOST_FILE, MOST_BYTES, MOST_FILES, MOST_ARCHIVE, MOST_UNPACKED = 1_000_000, 20_000_000, 2000, 300_000_000, 2_000_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,38}/[A-Za-z0-9._-]{1,100}")
_COMMIT = re.compile(r"[0-9a-f]{40}")
MARK = ".complete"


class Repository(Value):
    """What GitHub says about a repository; `licence` is an SPDX id or empty, `revision` the commit asked for."""

    name: str
    revision: str
    licence: str = ""
    description: str = ""
    stars: int | None = None
    changed: str = ""
    archived: bool = False


def name_of(url: str) -> str:
    """Owner/name of a link to GitHub, or ""."""
    parts = urlsplit(url)
    path = [part for part in parts.path.split("/") if part]
    if (parts.hostname or "").removeprefix("www.") != "github.com" or len(path) < 2:
        return ""
    name = f"{path[0]}/{path[1].removesuffix('.git')}"
    return name if _NAME.fullmatch(name) else ""


def reference_of(url: str) -> str:
    """The branch, tag or commit that a link names (`/tree/v1.0`), or ""."""
    path = [part for part in urlsplit(url).path.split("/") if part]
    return path[3] if len(path) > 3 and path[2] in ("tree", "blob", "commit") else ""


def look_up(name: str, reference: str = "", *, endpoint: str = "") -> Repository:
    """The repository, and the commit of a reference or else of its default branch.

    Raises SetupError when GitHub has no answer.
    """
    about = _json(endpoint, f"/repos/{_checked(name)}")
    head = _json(
        endpoint, f"/repos/{name}/commits/{quote(reference or str(about.get('default_branch') or 'HEAD'), safe='')}"
    )
    revision = str(head.get("sha") or "")
    if not _COMMIT.fullmatch(revision):
        raise SetupError(f"GitHub names no commit of {name}, so it cannot be pinned.")
    licence = about.get("license")
    spdx = str(licence.get("spdx_id") or "") if isinstance(licence, dict) else ""
    stars = about.get("stargazers_count")
    return Repository(
        name=name,
        revision=revision,
        licence="" if spdx == "NOASSERTION" else spdx.lower(),
        description=str(about.get("description") or "")[:500],
        stars=stars if isinstance(stars, int) and stars >= 0 else None,
        changed=str(about.get("pushed_at") or "")[:10],
        archived=about.get("archived") is True,
    )


def text_files(name: str, revision: str, *, endpoint: str = "") -> dict[str, int]:
    """What `fetch_code` would write, name -> bytes, to be shown before it is approved. Raises SetupError."""
    return {path: size for path, (size, _) in _wanted(name, revision, endpoint).items()}


def fetch_code(name: str, revision: str, cache: Path, *, approved: Collection[str], endpoint: str = "") -> Path:
    """The text files of a repository at a commit, in a read-only folder under `cache`; the same one the second time.

    Raises SetupError when it is not approved, not a full commit, too large, not there, or not what the tree names.
    """
    if _checked(name) not in approved:
        raise SetupError(f"{name} was not approved for download; approve it first.")
    folder = cache / f"githubs--{name.replace('/', '--')}" / revision
    if (folder / MARK).is_file():
        return folder
    wanted = _wanted(name, revision, endpoint)
    held = dict(_members(_archive(name, revision, endpoint), wanted))
    missing = sorted(set(wanted) - set(held))
    if missing:
        raise SetupError(f"{name}: the archive lacks {printable(missing[0])} as the commit names it; nothing was kept.")
    _write(folder, held)
    return folder


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise SetupError(f"{printable(name)!r} is not the name of a repository on GitHub.")
    return name


def _get(endpoint: str, path: str, most: int) -> bytes:
    """The body of an answer. Raises SetupError for anything but a whole answer of at most `most` bytes."""
    import httpx2

    url = f"{(endpoint or API).rstrip('/')}{path}"
    body = io.BytesIO()
    try:
        with httpx2.stream("GET", url, headers=HEADERS, timeout=TIMEOUT, follow_redirects=True) as response:
            if response.status_code != 200:
                raise SetupError(f"GitHub has no answer about {path}: HTTP {response.status_code}")
            for chunk in response.iter_bytes():
                if body.tell() + len(chunk) > most:
                    raise SetupError(f"GitHub's answer about {path} is larger than {most:,} bytes")
                body.write(chunk)
    except (httpx2.HTTPError, OSError) as error:
        raise SetupError(f"GitHub cannot be asked about {path}: {type(error).__name__}") from None
    return body.getvalue()


def _json(endpoint: str, path: str) -> dict[str, Any]:
    import json

    try:
        found = json.loads(_get(endpoint, path, MOST_BYTES))
    except (ValueError, RecursionError):
        raise SetupError(f"GitHub's answer about {path} was not JSON") from None
    return found if isinstance(found, dict) else {}


def _readable(path: str) -> bool:
    last = path.rsplit("/", 1)[-1].lower()
    return last.endswith(KINDS) or last.startswith(NAMES)


def _wanted(name: str, revision: str, endpoint: str) -> dict[str, tuple[int, str]]:
    """Text files of the commit's tree: path -> bytes and git's SHA-1. Links and submodules are left out."""
    if not _COMMIT.fullmatch(revision):
        raise SetupError(f"{name}: code is pinned to a full commit id, and {printable(revision, 60)!r} is none.")
    tree = _json(endpoint, f"/repos/{_checked(name)}/git/trees/{revision}?recursive=1")
    found: dict[str, tuple[int, str]] = {}
    for entry in tree.get("tree") or ():
        path, size = str(entry.get("path")), entry.get("size")
        plain_file = entry.get("type") == "blob" and str(entry.get("mode", "")).startswith("100")
        if plain_file and plain_path(path) and _readable(path) and isinstance(size, int) and 0 <= size <= MOST_FILE:
            found[path] = (size, str(entry.get("sha")))
    if not found or tree.get("truncated"):
        raise SetupError(
            f"{name} at {revision[:12]} lists no code that can be read, or more than GitHub lists at once."
        )
    if len(found) > MOST_FILES or sum(size for size, _ in found.values()) > MOST_BYTES:
        raise SetupError(f"{name} holds more than {MOST_FILES:,} text files or {MOST_BYTES:,} bytes of them.")
    return found


def _archive(name: str, revision: str, endpoint: str) -> bytes:
    return _get(endpoint, f"/repos/{name}/tarball/{revision}", MOST_ARCHIVE)


def _members(archive: bytes, wanted: dict[str, tuple[int, str]]) -> Iterator[tuple[str, bytes]]:
    """The wanted files of the archive that are what the tree names; everything else in it is passed over."""
    unpacked = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as tar:
            for member in tar:
                unpacked += member.size
                if unpacked > MOST_UNPACKED:
                    raise SetupError(f"GitHub's archive unpacks to more than {MOST_UNPACKED:,} bytes")
                path = member.name.partition("/")[2]
                size, blob = wanted.get(path, (-1, ""))
                if not member.isfile() or member.size != size:
                    continue
                stream = tar.extractfile(member)
                data = stream.read() if stream else b""
                if hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() == blob:
                    yield path, data
    except (tarfile.TarError, OSError, EOFError) as error:
        raise SetupError(f"GitHub's archive cannot be read: {type(error).__name__}") from None


def _write(folder: Path, held: dict[str, bytes]) -> None:
    """Beside its place, then moved there in one step, so that the folder is whole or not there."""
    import shutil

    work = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    for path, data in held.items():
        target = work / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        target.chmod(0o444)
    (work / MARK).touch(mode=0o444)
    shutil.rmtree(folder, ignore_errors=True)
    work.rename(folder)
