"""The run's working copy and its history: a snapshot per change, outside the workspace.

A snapshot is a manifest (path -> content hash, executable bit) over a content store; unchanged files cost one `stat`.
Only regular files count: symbolic links, sockets and devices that a program left are neither followed nor kept. Not
here: git (run inside a workspace it would obey a planted configuration), task data (mounted read-only, never copied).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from copilot.disk import place, settle
from copilot.domain.base import canonical_json, sha256_text
from copilot.errors import Retry, RunFailed, SetupError
from copilot.events import FileChange

SKIPPED_FOLDERS = {"__pycache__", ".git", ".ipynb_checkpoints", ".mypy_cache", ".pytest_cache"}
MAX_FILES = 20_000
MAX_BYTES = 512 << 20
Manifest = dict[str, str]
"""Relative POSIX path -> content hash, with a trailing '*' for an executable file."""


@dataclass(frozen=True)
class _Stat:
    size: int
    mtime_ns: int
    inode: int


class Workspace:
    """`folder` as it is now, and `history` with all its snapshots."""

    def __init__(self, folder: Path, history: Path) -> None:
        self.folder = folder
        self.history = history
        self._known: dict[str, tuple[_Stat, str]] = {}
        self._placed: set[Path] = set()
        self._settled: set[Path] = set()

    def snapshot(self) -> str:
        """Record the present state, on the disk when this returns; its id is the hash of the manifest.

        Raises Retry when it outgrew its bounds.
        """
        manifest = {path: self._record(path, entry) for path, entry in self._files()}
        text = canonical_json(manifest)
        name = sha256_text(text)
        self._keep(self.history / "manifests" / f"{name}.json", text.encode("utf-8", "surrogatepass"))
        settle(self._placed)
        self._settled |= self._placed
        self._placed.clear()
        return name

    def _keep(self, path: Path, data: bytes) -> None:
        if path not in self._settled:
            place(path, data)
            self._placed.add(path)

    def _files(self) -> Iterator[tuple[str, os.stat_result]]:
        count = total = 0
        for path, entry in walk_regular(self.folder):
            count, total = count + 1, total + entry.st_size
            if count > MAX_FILES or total > MAX_BYTES:
                raise Retry(
                    f"the workspace outgrew its bounds ({MAX_FILES} files, {MAX_BYTES >> 20} MB): remove what is unused"
                )
            yield path, entry

    def _record(self, path: str, entry: os.stat_result) -> str:
        seen = _Stat(entry.st_size, entry.st_mtime_ns, entry.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != seen:
            data = read_regular(self.folder / path)
            digest = hashlib.sha256(data).hexdigest()
            self._keep(self.history / "objects" / digest, data)
            known = self._known[path] = (seen, digest)
        return known[1] + ("*" if entry.st_mode & stat.S_IXUSR else "")

    def manifest(self, snapshot: str) -> Manifest:
        """What a snapshot holds. Raises RunFailed when it is missing or damaged."""
        path = self.history / "manifests" / f"{snapshot}.json"
        try:
            text = path.read_bytes().decode("utf-8", "surrogatepass")
        except FileNotFoundError as error:
            raise RunFailed(f"the snapshot {snapshot[:12]} is missing from {self.history}") from error
        if sha256_text(text) != snapshot:
            raise RunFailed(f"the snapshot {snapshot[:12]} was changed after it was written")
        manifest: Manifest = json.loads(text)
        return manifest

    def restore(self, snapshot: str, target: Path | None = None) -> None:
        """Make `target` (default: the workspace itself) exactly this snapshot."""
        target = target or self.folder
        if target.exists():
            shutil.rmtree(target)
        target.mkdir(parents=True)
        for path, digest in self.manifest(snapshot).items():
            destination = target / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_bytes(self.content(digest))
            destination.chmod(0o755 if digest.endswith("*") else 0o644)
        self._known.clear()

    def content(self, digest: str) -> bytes:
        """The bytes of one recorded file. Raises RunFailed when they are missing or were changed."""
        name = digest.rstrip("*")
        try:
            data = (self.history / "objects" / name).read_bytes()
        except FileNotFoundError as error:
            raise RunFailed(f"the recorded file {name[:12]} is missing from {self.history}") from error
        if hashlib.sha256(data).hexdigest() != name:
            raise RunFailed(f"the recorded file {name[:12]} was changed after it was written")
        return data

    def changes(self, before: str, after: str) -> list[FileChange]:
        """What differs between two snapshots ("" = nothing at all)."""
        old = self.manifest(before) if before else {}
        new = self.manifest(after)
        found = [FileChange(path=path, status="removed") for path in old if path not in new]
        for path, digest in new.items():
            if old.get(path) != digest:
                size = (self.history / "objects" / digest.rstrip("*")).stat().st_size
                found.append(FileChange(path=path, status="modified" if path in old else "added", bytes=size))
        return sorted(found, key=lambda change: change.path)

    def resolve(self, name: str) -> Path:
        """The path of a file inside the workspace. Raises Retry for anything that would leave it."""
        pure = PurePosixPath(name)
        if not name or "\0" in name or pure.is_absolute() or ".." in pure.parts:
            raise Retry(f"{name!r} is not a path inside the workspace; use a relative path without '..'")
        path = self.folder / pure
        for part in (path, *path.parents):
            if part == self.folder:
                return path
            if part.is_symlink():
                raise Retry(f"{name!r} passes through a symbolic link, which is not allowed")
        raise Retry(f"{name!r} is outside the workspace")

    def copy_from(self, source: Path) -> None:
        """Fill the workspace with a copy of `source` (regular files only). Raises SetupError when it is no folder."""
        if not source.is_dir():
            raise SetupError(f"no folder {source} to start from")
        for path, entry in walk_regular(source):
            destination = self.folder / path
            destination.parent.mkdir(parents=True, exist_ok=True)
            destination.write_bytes(read_regular(source / path))
            destination.chmod(0o755 if entry.st_mode & stat.S_IXUSR else 0o644)


def walk_regular(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """(relative path, lstat) of each regular file below `folder`, sorted; links are not followed."""
    for root, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in SKIPPED_FOLDERS)
        for name in sorted(files):
            path = Path(root) / name
            entry = path.lstat()
            if stat.S_ISREG(entry.st_mode):
                yield path.relative_to(folder).as_posix(), entry


def read_regular(path: Path) -> bytes:
    """The bytes of a regular file; a link or a pipe that took its place meanwhile is refused."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise Retry(f"{path.name} is not a regular file")
        return file.read()


def hash_tree(folder: Path) -> dict[str, str]:
    """Relative path -> SHA-256 of each regular file below `folder`."""
    return {path: hashlib.sha256(read_regular(folder / path)).hexdigest() for path, _ in walk_regular(folder)}
