"""Where records come from: the offline index, or the live Hub with the index behind it.

A source ranks what it has; it says by name where the answer came from, and a fall-back is always said, never silent.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from copilot.domain.base import Value
from copilot.hub.code import link_records, prototype_records
from copilot.hub.index import bundled_index, read_index
from copilot.hub.rank import Catalogue, Ranked, mention_counts
from copilot.hub.values import Filters, Kind, Record, Understood


class Found(Value):
    """Ranked records for one request, and where they came from."""

    ranked: list[Ranked]
    source: str
    notes: list[str] = []


class HubSource(Protocol):
    """What `retrieve` asks. `IndexSource` and `LiveSource` are it; so may be a caller's own."""

    def rank_all(self, wishes: Sequence[Understood], kind: Kind, filters: Filters, top: int) -> list[Found]:
        """One `Found` per wish, in order."""
        ...


BUNDLED_NAME = "bundled offline index (ids and tags only)"


class IndexSource:
    """The offline index: JSON Lines files of a caller, or the bundled one."""

    def __init__(self, records: Sequence[Record], name: str = "offline index") -> None:
        self._records = list(records)
        self._name = name
        self._catalogues: dict[Kind, Catalogue] = {}

    @classmethod
    def load(cls, paths: Sequence[Path] = (), extra: Sequence[Record] = ()) -> IndexSource:
        """From files or folders; without any, the bundled index. Raises SetupError when a path holds no index."""
        if paths:
            return cls([*read_index(paths), *extra], f"offline index {', '.join(path.name for path in paths)}")
        return cls([*bundled_index(), *extra], BUNDLED_NAME)

    @property
    def size(self) -> int:
        return len(self._records)

    def _catalogue(self, kind: Kind) -> Catalogue:
        if kind not in self._catalogues:
            mentions: Counter[str] = mention_counts(self._records)
            wanted = ("code", "model") if kind == "code" else (kind,)
            self._catalogues[kind] = Catalogue([r for r in self._records if r.kind in wanted], mentions)
        return self._catalogues[kind]

    def rank_all(self, wishes: Sequence[Understood], kind: Kind, filters: Filters, top: int) -> list[Found]:
        catalogue = self._catalogue(kind)
        return [Found(ranked=catalogue.rank(wish, filters, top), source=self._name) for wish in wishes]


def open_source(
    env: Mapping[str, str],
    *,
    online: bool,
    prototypes: Iterable[tuple[str, str]] = (),
    links: Sequence[str] = (),
    paper_title: str = "",
    index: Sequence[Path] = (),
) -> HubSource:
    """The source for one process: live at `HF_ENDPOINT` when `online`, with the index behind it; else the index alone.

    `index` names JSON Lines files or folders; without any, `COPILOT_HUB_INDEX` of `env`, else the bundled index. Raises
    SetupError when a named index is not there.
    """
    named = list(index) or [Path(part) for part in env.get("COPILOT_HUB_INDEX", "").split(os.pathsep) if part]
    extra = [*prototype_records(prototypes), *link_records(links, paper_title)]
    source: HubSource
    if online:
        from copilot.hub.live import LiveSource

        github = env.get("COPILOT_GITHUB_URL", "")
        source = LiveSource(env.get("HF_ENDPOINT", ""), fallback=LazyIndex(named, extra), extra=extra, github=github)
    else:
        source = IndexSource.load(named, extra)
    from copilot.hub.semantic import RerankedSource, local_weights

    folder = local_weights(env)
    return RerankedSource(source, folder) if folder else source


class LazyIndex:
    """The offline index, read only when it is first needed."""

    def __init__(self, paths: Sequence[Path], extra: Sequence[Record]) -> None:
        self._paths = list(paths)
        self._extra = list(extra)
        self._loaded: IndexSource | None = None

    def rank_all(self, wishes: Sequence[Understood], kind: Kind, filters: Filters, top: int) -> list[Found]:
        if self._loaded is None:
            self._loaded = IndexSource.load(self._paths, self._extra)
        return self._loaded.rank_all(wishes, kind, filters, top)
