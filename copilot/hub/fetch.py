"""A pinned download of one approved repository into a read-only folder.

Only ids that a person (or an explicit policy) approved, only at a full commit id, only files of kinds that cannot run
when loaded, unless an argument names the risk. Nothing is loaded or executed here, and no token is sent unless the
caller passes one for a gated repository that was allowed.
"""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Collection
from pathlib import Path
from typing import Any, Literal

from copilot.domain.base import Value
from copilot.errors import SetupError
from copilot.hub.contents import PICKLE, plain_path
from copilot.hub.safety import imitates, printable, valid_id

SAFE_PATTERNS = (
    "*.safetensors", "*.json", "*.jsonl", "*.txt", "*.model", "*.parquet", "*.csv", "*.tsv", "*.arrow", "*.md",
    "*.tiktoken", "*.vocab", "merges.txt", "LICENSE*", "NOTICE*",
)  # fmt: skip
CODE = (".py",)
CODE_PATTERNS = tuple(f"*{ending}" for ending in CODE)
PICKLE_PATTERNS = tuple(f"*{ending}" for ending in PICKLE)
MOST_BYTES = 5_000_000_000
_COMMIT = re.compile(r"[0-9a-f]{40}")
MARK = ".complete"


class Fetched(Value):
    """What was fetched and where it lies (read-only)."""

    id: str
    kind: Literal["model", "dataset"]
    revision: str
    folder: str
    files: dict[str, int]
    """Name -> size in bytes."""
    left_out: list[str]
    """Files of the repository that were not fetched."""


def resolve(name: str, kind: Literal["model", "dataset"] = "model", *, endpoint: str = "") -> str:
    """The commit that the default branch points at now: what `fetch` wants as its revision.

    Raises SetupError when the Hub cannot be asked or has no such repository.
    """
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError

    _check_id(name)
    try:
        found = _api(endpoint).repo_info(name, repo_type=kind, timeout=15).sha
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise SetupError(f"The Hub has no answer about {printable(name)}: {_short(error)}") from None
    if not found:
        raise SetupError(f"The Hub names no commit of {printable(name)}, so it cannot be pinned.")
    return str(found)


def fetch(
    name: str,
    revision: str,
    cache: Path,
    *,
    approved: Collection[str],
    kind: Literal["model", "dataset"] = "model",
    endpoint: str = "",
    allow_pickle: bool = False,
    allow_code: bool = False,
    most_bytes: int = MOST_BYTES,
    token: str | None = None,
) -> Fetched:
    """Download the safe files of `name` at `revision` (40 hex digits) into a read-only folder under `cache`.

    Raises SetupError when the id is not approved, is malformed or imitates a known name, when the revision is not a
    commit, when the repository holds nothing that may be fetched or more than `most_bytes`, or when the Hub refuses.
    """
    _check_id(name)
    if name not in approved:
        raise SetupError(f"{name} was not approved for download; approve it first.")
    if not _COMMIT.fullmatch(revision):
        raise SetupError(f"{name}: a download is pinned to a full commit id, and {printable(revision, 60)!r} is none.")
    folder = cache / f"{kind}s--{name.replace('/', '--')}" / revision
    entries = _listed(name, revision, kind, endpoint, token)
    listed = {path: entry.size for path, entry in entries.items()}
    chosen = {path: size for path, size in listed.items() if _allowed(path, allow_pickle, allow_code)}
    _check_choice(name, listed, chosen, most_bytes)
    if not (folder / MARK).is_file():
        _download(name, revision, kind, endpoint, token, folder, sorted(chosen))
        _check_contents(name, folder, {path: entries[path] for path in chosen})
        _seal(folder, set(chosen))
    _check_sizes(name, folder, chosen)
    left = sorted(set(listed) - set(chosen))
    return Fetched(id=name, kind=kind, revision=revision, folder=str(folder), files=chosen, left_out=left)


def safe_files(
    name: str,
    revision: str,
    kind: Literal["model", "dataset"] = "model",
    *,
    endpoint: str = "",
    token: str | None = None,
    most_bytes: int = MOST_BYTES,
) -> dict[str, int]:
    """What `fetch` would download, name -> bytes, to be shown before it is approved. Raises SetupError as `fetch`."""
    _check_id(name)
    listed = {path: entry.size for path, entry in _listed(name, revision, kind, endpoint, token).items()}
    chosen = {path: size for path, size in listed.items() if _allowed(path, False, False)}
    _check_choice(name, listed, chosen, most_bytes)
    return chosen


def _check_id(name: str) -> None:
    if not valid_id(name):
        raise SetupError(f"{printable(name)!r} is not a name that the Hub allows.")
    if known := imitates(name):
        raise SetupError(f"{name} imitates the well-known {known}; it is not fetched.")


def _check_choice(name: str, listed: dict[str, int], chosen: dict[str, int], most_bytes: int) -> None:
    if not any(path.lower().endswith(_PAYLOAD) for path in chosen):
        risky = [path for path in listed if path not in chosen][:5]
        raise SetupError(
            f"{name} holds no file that may be fetched as it stands "
            f"(left out: {', '.join(map(printable, risky)) or 'none'}). "
            "Pickle weights and Python files are refused unless they are allowed explicitly."
        )
    if sum(chosen.values()) > most_bytes:
        raise SetupError(f"{name} is {sum(chosen.values()):,} bytes, more than the {most_bytes:,} allowed.")


_PAYLOAD = (".safetensors", ".parquet", ".csv", ".tsv", ".arrow", ".jsonl", ".json", ".txt", *PICKLE)


def _api(endpoint: str, token: str | None = None) -> Any:
    from huggingface_hub import HfApi

    return HfApi(endpoint=endpoint or None, token=token if token else False)


class Entry(Value):
    """One file as the Hub lists it at a commit: bytes, and what its content hashes to."""

    size: int
    blob: str
    """Git's SHA-1 of the blob (of the pointer, where the content lies in large-file storage)."""
    sha256: str = ""
    """SHA-256 of the content, for large-file storage."""


def _listed(name: str, revision: str, kind: str, endpoint: str, token: str | None) -> dict[str, Entry]:
    """The files at the revision. Raises SetupError when one of them lies outside the repository's folder."""
    from httpx2 import HTTPError
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.hf_api import RepoFile

    try:
        tree = _api(endpoint, token).list_repo_tree(name, recursive=True, revision=revision, repo_type=kind)
        files = {item.path: _entry(item) for item in tree if isinstance(item, RepoFile)}
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise SetupError(f"The files of {name} could not be listed: {_short(error)}") from None
    for path in files:
        if not plain_path(path):
            raise SetupError(f"{name} lists a file outside its folder ({printable(path, 60)}); it is not fetched.")
    return files


def _entry(item: Any) -> Entry:
    return Entry(size=item.size, blob=str(item.blob_id), sha256=str(item.lfs.sha256) if item.lfs else "")


def _allowed(path: str, allow_pickle: bool, allow_code: bool) -> bool:
    from fnmatch import fnmatch

    patterns = SAFE_PATTERNS + (PICKLE_PATTERNS if allow_pickle else ()) + (CODE_PATTERNS if allow_code else ())
    return any(fnmatch(path.rsplit("/", 1)[-1], pattern) for pattern in patterns)


def _download(
    name: str, revision: str, kind: str, endpoint: str, token: str | None, folder: Path, files: list[str]
) -> None:
    from httpx2 import HTTPError
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    try:
        snapshot_download(
            name,
            repo_type=kind,
            revision=revision,
            local_dir=folder,
            allow_patterns=files,
            endpoint=endpoint or None,
            token=token if token else False,
            max_workers=2,
        )
    except (HfHubHTTPError, HTTPError, OSError) as error:
        raise SetupError(f"{name} could not be fetched: {_short(error)}") from None


DISGUISES = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04", b"\x7fELF", b"MZ\x90", b"#!")
"""How pickles, archives and programs begin."""


def _check_contents(name: str, folder: Path, entries: dict[str, Entry]) -> None:
    """What came is what the commit names, and what its name says. Raises SetupError, and keeps nothing of it."""
    for path, entry in entries.items():
        problem = _problem(folder / path, entry)
        if problem:
            shutil.rmtree(folder)
            raise SetupError(f"{name}: {printable(path)} {problem}; nothing of it was kept.")


def _problem(file: Path, entry: Entry) -> str:
    if file.is_symlink() or not file.is_file():
        return "is not there as a file"
    if file.stat().st_size != entry.size:
        return f"is not the {entry.size:,} bytes that the commit lists"
    if _digest(file, entry) != (entry.sha256 or entry.blob):
        return "is not what the commit lists"
    with file.open("rb") as stream:
        disguised = stream.read(4).startswith(DISGUISES) and not file.name.lower().endswith(PICKLE + CODE)
    return "begins like a pickle, an archive or a program" if disguised else ""


def _digest(file: Path, entry: Entry) -> str:
    """SHA-256 for large-file storage, else git's SHA-1 of the blob (gitformat-object)."""
    total = hashlib.sha256() if entry.sha256 else hashlib.sha1(b"blob %d\0" % entry.size, usedforsecurity=False)
    with file.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def _seal(folder: Path, files: set[str]) -> None:
    """Everything read-only; links and files that were not asked for are errors."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            raise SetupError(f"the download of {folder.parent.name} holds a link ({printable(name)}), which is refused")
        if path.is_file() and not name.startswith(".cache/"):
            if name not in files:
                raise SetupError(
                    f"the download of {folder.parent.name} holds {printable(name)}, which was not asked for"
                )
            path.chmod(0o444)
    (folder / MARK).touch(mode=0o444)


def _check_sizes(name: str, folder: Path, chosen: dict[str, int]) -> None:
    for path, size in chosen.items():
        held = folder / path
        if not held.is_file() or held.stat().st_size != size:
            raise SetupError(
                f"{name}: {printable(path)} is missing or not {size:,} bytes; delete {folder} and fetch again."
            )


def _short(error: Exception) -> str:
    return printable(" ".join(str(error).split()), 300)
