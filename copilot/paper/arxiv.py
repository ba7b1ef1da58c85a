"""Fetches one paper from arXiv with arXiv's manners: its API client, three seconds between requests, retries, a cache.

Gives files and the record; reads no PDF. The site can be another one (a loopback copy in tests) through
`COPILOT_ARXIV_URL`, whose value stands for both the API host and the web host.
API: https://info.arxiv.org/help/api/user-manual.html
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from copilot.domain.base import Value
from copilot.errors import SetupError
from copilot.paper.arxiv_id import ArxivId, parse_arxiv_id
from copilot.paper.merge import Record

__all__ = ["ArxivId", "ArxivSite", "Fetched", "fetch", "parse_arxiv_id"]

MAX_DOWNLOAD = 100 * 1024 * 1024
FRESH_SECONDS = 24 * 3600
"""How long a record without a version counts as current."""
_RETRIED = {429, 500, 502, 503, 504}


class ArxivSite(Value):
    """Where arXiv is and how politely to ask. `delay` is seconds between requests (arXiv asks for three)."""

    api: str = "https://export.arxiv.org/api/query"
    web: str = "https://arxiv.org"
    delay: float = 3.0
    retries: int = 2
    timeout: float = 30.0


@dataclass(slots=True)
class Fetched:
    """What arXiv gave: its record, and the files that it serves (None where it serves none)."""

    record: Record
    pdf: Path | None
    source: Path | None


def default_site() -> ArxivSite:
    """arXiv itself, or the site named by COPILOT_ARXIV_URL (no delay when that is this machine)."""
    base = os.environ.get("COPILOT_ARXIV_URL", "").rstrip("/")
    if not base:
        return ArxivSite()
    local = urlsplit(base).hostname in {"127.0.0.1", "localhost", "::1"}
    return ArxivSite(api=f"{base}/api/query", web=base, delay=0.0 if local else 3.0)


def fetch(arxiv_id: ArxivId, *, cache: Path, site: ArxivSite | None = None) -> Fetched:
    """Record, PDF and source of a paper, from the cache or from arXiv.

    Raises SetupError when arXiv knows no such paper, or cannot be reached and the cache does not hold it.
    """
    site = site or default_site()
    folder = _folder(arxiv_id, cache)
    folder.mkdir(parents=True, exist_ok=True)
    stored = _stored(folder)
    if stored and (arxiv_id.version or time.time() - (folder / "record.json").stat().st_mtime < FRESH_SECONDS):
        return stored
    try:
        return _download(arxiv_id, folder, _Client(site))
    except _Unreachable as error:
        if stored:
            return stored
        raise SetupError(
            f"arXiv cannot be reached ({error}), and {arxiv_id} is not in the cache. Check the network, or give "
            f"the PDF file instead."
        ) from error


def kept_pdf(arxiv_id: ArxivId, *, cache: Path) -> Path | None:
    """The PDF of a paper that was fetched before, when arXiv served one. Asks nobody."""
    stored = _stored(_folder(arxiv_id, cache))
    return stored.pdf if stored else None


def _folder(arxiv_id: ArxivId, cache: Path) -> Path:
    return cache / "arxiv" / str(arxiv_id).replace("/", "_")


def _stored(folder: Path) -> Fetched | None:
    record = folder / "record.json"
    try:
        value = Record.model_validate_json(record.read_bytes())
    except (OSError, ValueError):
        return None
    pdf, source = folder / "paper.pdf", folder / "source.bin"
    return Fetched(value, pdf if pdf.is_file() else None, source if source.is_file() else None)


def _download(arxiv_id: ArxivId, folder: Path, client: _Client) -> Fetched:
    record = client.record(arxiv_id)
    pdf = client.get(f"pdf/{record.id}")
    source = client.get(f"e-print/{record.id}")
    if pdf is None and source is None and not record.abstract:
        raise SetupError(f"arXiv serves neither a PDF nor the source of {arxiv_id}.")
    for name, data in (("paper.pdf", pdf), ("source.bin", source)):
        (folder / name).unlink(missing_ok=True)
        if data is not None:
            _write(folder / name, data)
    _write(folder / "record.json", json.dumps(record.model_dump()).encode())
    return Fetched(
        record, folder / "paper.pdf" if pdf is not None else None, folder / "source.bin" if source is not None else None
    )


def _write(target: Path, data: bytes) -> None:
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(target)


class _Unreachable(Exception):
    """arXiv did not answer, or kept answering that it is busy."""


class _Client:
    """The `arxiv` package for the record, its session's adapter for files; every request waits its turn."""

    def __init__(self, site: ArxivSite) -> None:
        import requests

        self._site = site
        self._last = 0.0
        self._session = requests.Session()
        self._session.headers["User-Agent"] = "paper-to-experiment-copilot (one paper at a time)"

    def record(self, arxiv_id: ArxivId) -> Record:
        """arXiv's record. Raises SetupError for an unknown id, _Unreachable when the API does not answer."""
        import arxiv
        import requests

        client = arxiv.Client(page_size=1, delay_seconds=self._site.delay, num_retries=self._site.retries)
        client.query_url_format = self._site.api + "?{}"
        _bound(client, self._site.timeout)
        try:
            found = next(iter(client.results(arxiv.Search(id_list=[str(arxiv_id)], max_results=1))), None)
        except arxiv.HTTPError as error:
            if error.status in {400, 404}:
                raise SetupError(f"arXiv knows no paper {arxiv_id}; check the id.") from error
            raise _Unreachable(f"its API answers HTTP {error.status}") from error
        except (arxiv.ArxivError, requests.RequestException) as error:
            raise _Unreachable(_reason(error)) from error
        self._last = time.monotonic()
        return _record(found, arxiv_id)

    def get(self, path: str) -> bytes | None:
        """The bytes at a path of the site, or None when it has none. Raises _Unreachable."""
        import requests

        for attempt in range(self._site.retries + 1):
            self._wait()
            try:
                with self._session.get(f"{self._site.web}/{path}", timeout=self._site.timeout, stream=True) as reply:
                    if reply.status_code == 200:
                        return _bounded_body(reply)
                    if reply.status_code not in _RETRIED:
                        return None
                    reason = f"HTTP {reply.status_code} for {path}"
                    pause = _retry_after(reply.headers.get("Retry-After"), self._site.delay)
            except requests.RequestException as error:
                reason, pause = _reason(error), self._site.delay
            if attempt < self._site.retries:
                time.sleep(pause)
        raise _Unreachable(reason)

    def _wait(self) -> None:
        time.sleep(max(0.0, self._last + self._site.delay - time.monotonic()) if self._last else 0.0)
        self._last = time.monotonic()


def _bound(client: Any, timeout: float) -> None:
    """The package sends without a timeout: an adapter that always sets one keeps a silent server from holding us."""
    from requests.adapters import HTTPAdapter

    class Timed(HTTPAdapter):
        def send(self, request: Any, **options: Any) -> Any:  # type: ignore[override]  # widened on purpose
            return super().send(request, **{**options, "timeout": timeout})

    for scheme in ("http://", "https://"):
        client._session.mount(scheme, Timed())


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.Timeout):
        return "it does not answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__


def _retry_after(header: str | None, delay: float) -> float:
    try:
        return min(float(header), 60.0) if header else max(delay, 0.0)
    except ValueError:
        return max(delay, 1.0)


def _bounded_body(reply: Any) -> bytes | None:
    data = bytearray()
    for chunk in reply.iter_content(65536):
        data += chunk
        if len(data) > MAX_DOWNLOAD:
            return None
    kind = reply.headers.get("Content-Type", "")
    return None if kind.startswith("text/html") else bytes(data)


def _record(found: Any, arxiv_id: ArxivId) -> Record:
    if found is None or "/api/errors" in found.entry_id or not found.title:
        raise SetupError(f"arXiv knows no paper {arxiv_id}; check the id.")
    parsed = parse_arxiv_id(found.entry_id)
    return Record(
        id=str(parsed or arxiv_id),
        title=" ".join(found.title.split()),
        authors=[author.name for author in found.authors],
        abstract=" ".join(found.summary.split()),
    )
