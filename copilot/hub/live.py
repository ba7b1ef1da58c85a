"""The live Hub as a source: asks by task tag and by words, reads the cards of the best, and falls back in the open.

Goes through the session of `huggingface_hub` (proxies, offline switch, user agent) but reads the raw JSON, because the
client's own classes raise on one malformed record and would lose the whole page. No token is ever sent: what is listed
here is public. Downloads nothing but listings and cards.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from copilot.hub.code import looked_up, tasks_in
from copilot.hub.index import CARD_CHARACTERS, record_from_api
from copilot.hub.query import bare
from copilot.hub.rank import Catalogue, mention_counts
from copilot.hub.safety import printable, valid_id
from copilot.hub.source import Found, HubSource
from copilot.hub.values import Filters, Kind, Record, Understood

ENDPOINT = "https://huggingface.co"
HEADERS = {"user-agent": "paper-to-experiment-copilot", "accept": "application/json, text/plain"}
TIMEOUT = 10.0
"""Seconds for one answer."""
PER_TASK = {"models": 100, "datasets": 300}
"""Datasets have few task tags, so more of them are listed."""
PER_WORD = 30
TASKS = 3
WORDS = 5
CARDS_PER_WISH = 25
CARDS = 1000
"""Most cards that one call reads."""
PAGES = 3
LONGEST_WAIT = 5.0
RETRIED = (429, 500, 502, 503, 504)
PATHS: dict[Kind, tuple[str, ...]] = {"model": ("models",), "dataset": ("datasets",), "code": ("spaces", "models")}


class HubDown(Exception):
    """The Hub did not answer usefully; the text says how. Caught here, turned into a fall-back."""


class LiveSource:
    """The Hub at `endpoint`; when it does not answer, `fallback` does and says so; `extra` is known already."""

    def __init__(
        self,
        endpoint: str = "",
        *,
        fallback: HubSource | None = None,
        extra: Sequence[Record] = (),
        github: str = "",
        timeout: float = TIMEOUT,
    ) -> None:
        self.endpoint = (endpoint or ENDPOINT).rstrip("/")
        self._fallback = fallback
        self._extra = list(extra)
        self._github = github
        self._link_notes: list[str] | None = None
        self._timeout = timeout
        self._listed: dict[tuple[str, tuple[tuple[str, str], ...]], list[Record]] = {}
        self._cards: dict[str, str] = {}
        self._down = ""

    def rank_all(self, wishes: Sequence[Understood], kind: Kind, filters: Filters, top: int) -> list[Found]:
        if not wishes:
            return []
        said = self._look_up_links() if kind == "code" else []
        try:
            records = [self._gather(wish, kind) for wish in wishes]
        except HubDown as error:
            return self._fall_back(wishes, kind, filters, top, str(error))
        catalogue = self._catalogue([record for group in records for record in group], kind)
        notes = self._read_cards(catalogue, wishes, filters)
        if notes is not None:
            catalogue = self._catalogue(catalogue.records, kind)
        source = f"live Hugging Face Hub ({self.endpoint})"
        notes = [*said, *(notes or [])]
        return [Found(ranked=catalogue.rank(w, filters, top), source=source, notes=notes) for w in wishes]

    def _look_up_links(self) -> list[str]:
        """Commit and licence of the repositories that the paper links to, found out once; what could not be is said."""
        if self._link_notes is None:
            self._extra, self._link_notes = looked_up(self._extra, self._github)
        return self._link_notes

    def _fall_back(
        self, wishes: Sequence[Understood], kind: Kind, filters: Filters, top: int, reason: str
    ) -> list[Found]:
        self._down = reason
        said = f"The Hub at {self.endpoint} could not be used ({reason})."
        if self._fallback is None:
            return [Found(ranked=[], source="nothing", notes=[said]) for _ in wishes]
        found = self._fallback.rank_all(wishes, kind, filters, top)
        return [f.model_copy(update={"notes": [f"{said} Answered from the {f.source}.", *f.notes]}) for f in found]

    def _catalogue(self, records: Iterable[Record], kind: Kind) -> Catalogue:
        merged = {r.id: r for r in (*records, *(r for r in self._extra if r.kind == kind))}
        filled = [
            r if r.card or r.id not in self._cards else r.model_copy(update={"card": self._cards[r.id]})
            for r in merged.values()
        ]
        return Catalogue(filled, mention_counts(r for group in self._listed.values() for r in group))

    def _gather(self, wish: Understood, kind: Kind) -> list[Record]:
        """Candidates for one wish: the best known of its tasks, and what its words and names find."""
        found: list[Record] = []
        for path in PATHS[kind]:
            for task in list(wish.tasks)[:TASKS] if path != "spaces" else []:
                tag = {"pipeline_tag": task} if path == "models" else {"filter": f"task_categories:{task}"}
                found += self._list(path, kind, {**tag, "sort": "downloads", "limit": str(PER_TASK[path])})
            for word in self._search_words(wish, kind):
                found += self._list(path, kind, {"search": word, "sort": "likes", "limit": str(PER_WORD)})
        return found

    def _search_words(self, wish: Understood, kind: Kind) -> list[str]:
        """Names in the request, standard datasets of its topic, and its longest words: the Hub's search is by name."""
        from copilot.hub.lexical import STOP

        topic = _topic(wish)[: 2 * WORDS] if kind == "dataset" else []
        plain = [word for word in wish.text.lower().split() if word.isalnum() and len(word) > 3 and word not in STOP]
        longest = sorted(dict.fromkeys(plain), key=lambda word: (-len(word), word))[:WORDS]
        names = [name for name in wish.names if bare(name)]
        return list(dict.fromkeys([*names[:WORDS], *topic, *longest]))

    def _list(self, path: str, kind: Kind, params: dict[str, str]) -> list[Record]:
        key = (path, tuple(sorted(params.items())))
        if key not in self._listed:
            if self._down:
                raise HubDown(self._down)
            full = {"full": "true", "cardData": "true", "config": "true"} if path == "models" else {"full": "true"}
            raw = self._pages(f"{self.endpoint}/api/{path}", {**params, **full}, int(params["limit"]))
            own: Kind = "code" if path == "spaces" else "model" if path == "models" else "dataset"
            records = [record for item in raw if isinstance(item, dict) and (record := record_from_api(item, own))]
            if path == "spaces":
                records = [_space(record) for record in records]
            self._listed[key] = records
        return self._listed[key]

    def _pages(self, url: str, params: dict[str, str], limit: int) -> list[Any]:
        items: list[Any] = []
        for _ in range(PAGES):
            response = self._get(url, params)
            try:
                page = response.json()
            except (ValueError, RecursionError):
                raise HubDown("its answer was not JSON") from None
            if not isinstance(page, list):
                raise HubDown("its answer was not a list")
            items += page
            following = response.links.get("next", {}).get("url", "")
            if len(items) >= limit or not following.startswith(self.endpoint):
                break
            url, params = following, {}
        return items[:limit]

    def _get(self, url: str, params: dict[str, str]) -> Any:
        """One GET, tried twice. Raises HubDown with the reason in words."""
        import httpx2
        from huggingface_hub import get_session

        for last in (False, True):
            try:
                response = get_session().get(url, params=params or None, headers=HEADERS, timeout=self._timeout)
            except (httpx2.HTTPError, OSError) as error:
                raise HubDown(f"{type(error).__name__}: {printable(str(error))}") from None
            if response.status_code == 200:
                return response
            if last or response.status_code not in RETRIED:
                break
            time.sleep(_wait(response.headers.get("retry-after", "")))
        raise HubDown(f"HTTP {response.status_code}")

    def _read_cards(self, catalogue: Catalogue, wishes: Sequence[Understood], filters: Filters) -> list[str] | None:
        """Fetch the cards of the best candidates; None when there was nothing to read, else notes."""
        wanted: dict[str, Record] = {}
        for wish in wishes:
            for item in catalogue.rank(wish, filters, CARDS_PER_WISH)[:CARDS_PER_WISH]:
                record = item.record
                if not record.card and record.id not in self._cards and valid_id(record.id) and not record.local:
                    wanted[record.id] = record
        if not wanted:
            return None
        chosen = list(wanted.values())[:CARDS]
        with ThreadPoolExecutor(4) as pool:
            texts = list(pool.map(self._card, chosen))
        self._cards.update({record.id: text or "" for record, text in zip(chosen, texts, strict=True)})
        missing = sum(text is None for text in texts)
        return (
            [f"{missing} of {len(chosen)} cards could not be read; those were ranked by tags alone."] if missing else []
        )

    def _card(self, record: Record) -> str | None:
        """README.md at the pinned revision; None when it could not be read."""
        import httpx2
        from huggingface_hub import get_session

        folder = {"dataset": "datasets/", "code": "spaces/", "model": ""}[record.kind]
        url = f"{self.endpoint}/{folder}{record.id}/resolve/{record.sha or 'main'}/README.md"
        limit = CARD_CHARACTERS * 4
        try:
            with get_session().stream("GET", url, headers=HEADERS, timeout=self._timeout) as response:
                if response.status_code != 200:
                    return "" if response.status_code == 404 else None
                body = bytearray()
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) >= limit:
                        break
        except (httpx2.HTTPError, OSError):
            return None
        return without_head(body[:limit].decode("utf-8", "replace"))[:CARD_CHARACTERS]


def _space(record: Record) -> Record:
    """A Space with its address, and with the tasks that its name and title speak of: Spaces have no task tag."""
    named = record.id.rsplit("/", 1)[-1].replace("_", " ").replace("-", " ")
    told = {"url": f"{ENDPOINT}/spaces/{record.id}", "tasks": tasks_in(f"{named}. {record.title}")}
    return record.model_copy(update=told)


def _topic(wish: Understood) -> list[str]:
    """Standard datasets, those of a topic that the request names before those of the nearest ones."""
    named = sorted(wish.benchmarks, key=lambda name: -wish.benchmarks[name])
    near = sorted(wish.near_data, key=lambda name: -wish.near_data[name])
    return list(dict.fromkeys([*named, *near]))


def without_head(text: str) -> str:
    """A card without its YAML head, which the listing carries already."""
    if not text.startswith("---"):
        return text
    end = text.find("\n---", 3)
    return text[end + 4 :] if end > 0 else text


def _wait(header: str) -> float:
    """Seconds to wait as the server asks, bounded."""
    try:
        return min(max(float(header), 0.0), LONGEST_WAIT)
    except ValueError:
        return 1.0
