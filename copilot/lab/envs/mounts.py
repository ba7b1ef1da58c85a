"""What a job gets to see of the supplies of a run: read-only folders, and the variables that name them.

PYTHONPATH puts the overlay of packages in front; COPILOT_MODELS, COPILOT_DATASETS and COPILOT_CODE
are JSON objects, id -> folder.
What is no longer in the cache is fetched again, exactly as it was approved. Never a token, never the cache itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from copilot.errors import SetupError
from copilot.events import SuppliesFetched
from copilot.lab.envs.resolve import Installer, open_installer
from copilot.lab.envs.store import Overlay, overlay, tree_digest

Kind = Literal["model", "dataset", "code"]
_COMMIT = re.compile(r"[0-9a-f]{40}")
HUB_NOTES = {".complete", ".cache"}
"""What the download itself leaves beside the files."""
VARIABLES: dict[str, str] = {"model": "COPILOT_MODELS", "dataset": "COPILOT_DATASETS", "code": "COPILOT_CODE"}


@dataclass(frozen=True)
class Mounts:
    """Folders that a job may read, and variables for it."""

    folders: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


NOTHING = Mounts()


@dataclass(frozen=True)
class Store:
    """The read-only store of a machine: packages below `envs/`, repositories of the Hub below `hub/`.

    `env` is the environment of the engine: settings of the index, the Hub's address, and COPILOT_OFFLINE.
    """

    cache: Path
    env: Mapping[str, str]

    def installer(self) -> Installer:
        """What resolves and installs. Raises SetupError when there is none."""
        return open_installer(self.env, self.cache)

    def packages(self, lock: str) -> Overlay:
        """The overlay of a lock. Raises SetupError."""
        return overlay(lock, self.cache / "envs", self.installer)

    def look_up(self, kind: Kind, name: str, revision: str, token: str | None) -> tuple[str, dict[str, int]]:
        """The commit (found out when `revision` is none) and the files that would be fetched. Raises SetupError."""
        from copilot.hub.fetch import resolve, safe_files
        from copilot.hub.github import look_up, text_files

        endpoint = self._online(name, kind)
        if kind == "code":
            commit = revision if _COMMIT.fullmatch(revision) else look_up(name, endpoint=endpoint).revision
            return commit, text_files(name, commit, endpoint=endpoint)
        pinned = revision if _COMMIT.fullmatch(revision) else resolve(name, kind, endpoint=endpoint)
        return pinned, safe_files(name, pinned, kind, endpoint=endpoint, token=token)

    def hub(self, kind: Kind, name: str, revision: str, token: str | None = None) -> Path:
        """Fetch a repository at a commit. Raises SetupError."""
        from copilot.hub.fetch import fetch
        from copilot.hub.github import fetch_code

        cache, endpoint = self.cache / "hub", self._online(name, kind)
        if kind == "code":
            return fetch_code(name, revision, cache, approved=[name], endpoint=endpoint)
        return Path(fetch(name, revision, cache, approved=[name], kind=kind, endpoint=endpoint, token=token).folder)

    def _online(self, name: str, kind: Kind) -> str:
        if self.env.get("COPILOT_OFFLINE", "") == "1":
            raise SetupError(f"{name} cannot be fetched: the network is off (COPILOT_OFFLINE=1)")
        return self.env.get("COPILOT_GITHUB_URL" if kind == "code" else "HF_ENDPOINT", "")

    def relative(self, folder: str) -> str:
        """The path as the record keeps it."""
        return Path(folder).relative_to(self.cache).as_posix()

    def hub_tree(self, folder: Path) -> tuple[str, int]:
        """Digest and bytes of a fetched repository."""
        return tree_digest(folder, HUB_NOTES)


def mounts(store: Store, supplies: Iterable[SuppliesFetched], lock_of: Callable[[str], str]) -> Mounts:
    """Everything that was fetched for a run, in place and as recorded. `lock_of` gives the text of a lock by its hash.

    Raises SetupError when something cannot be had any more, or is not what was approved.
    """
    fetched = list(supplies)
    folders: list[Path] = []
    env: dict[str, str] = {}
    packages = [item for item in fetched if item.what == "packages"]
    if packages:  # the last overlay holds all earlier ones
        folders.append(_packages(store, packages[-1], lock_of))
        env["PYTHONPATH"] = str(folders[0])
    for kind, variable in VARIABLES.items():
        places = {item.name: _repository(store, item) for item in fetched if item.what == kind}
        if places:
            folders += places.values()
            env[variable] = json.dumps({name: str(place) for name, place in places.items()}, sort_keys=True)
    return Mounts(tuple(folders), env)


def _packages(store: Store, item: SuppliesFetched, lock_of: Callable[[str], str]) -> Path:
    found = store.packages(lock_of(item.lock))
    if found.tree != item.sha256:
        raise SetupError(f"the packages in {found.folder} are not those that this run installed; delete that folder")
    return Path(found.folder).resolve()


def _repository(store: Store, item: SuppliesFetched) -> Path:
    """Where it lies. When it is gone it is fetched again, without a token."""
    folder = store.cache / item.path
    if not folder.is_dir() and item.what != "packages":
        folder = store.hub(item.what, item.name, item.revision)
    if store.hub_tree(folder)[0] != item.sha256:
        raise SetupError(f"the files in {folder} are not those that this run fetched; delete that folder, then resume")
    return folder.resolve()
