"""Three places to ask for papers, each as "terms in, papers out": arXiv, Semantic Scholar, OpenAlex.

Endpoints can be replaced by `COPILOT_ARXIV_URL`, `COPILOT_S2_URL` and `COPILOT_OPENALEX_URL` (loopback copies in
tests). No keys are sent. Answers are data: a field of the wrong shape is left out, never an error. APIs:
https://info.arxiv.org/help/api/user-manual.html, https://api.semanticscholar.org/api-docs/graph,
https://docs.openalex.org/api-entities/works/search-works
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

from copilot.domain.base import Value
from copilot.domain.idea import RelatedPaper
from copilot.literature.cache import Cache

TIMEOUT = 15.0
WANTED = 30
"""How many papers each search asks for; the nearest of them are kept."""
AGENT = "paper-to-experiment-copilot (related work, cached)"
LONGEST_WAIT = 5.0
BACKOFF = 2.0
"""Seconds before a question is asked once more, where the service names no time."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
RETRIED = (429, 500, 502, 503, 504)


class Unavailable(Exception):
    """A service did not answer usefully; the text says how, for a note to the person."""


class Busy(Unavailable):
    """It may answer in a moment: worth asking once more after `wait` seconds."""

    def __init__(self, text: str, wait: float = BACKOFF) -> None:
        super().__init__(text)
        self.wait = wait


class Service(Value):
    """Where a service is, and the seconds to leave between two requests to it."""

    name: str
    base: str
    delay: float


def service(name: str, variable: str, base: str, delay: float) -> Service:
    """The service at the address in the environment variable, else at its own; no delay on the loopback."""
    named = os.environ.get(variable, "").rstrip("/")
    local = urlsplit(named).hostname in LOOPBACK if named else False
    return Service(name=name, base=named or base, delay=0.0 if local else delay)


def arxiv_service() -> Service:
    return service("arXiv", "COPILOT_ARXIV_URL", "https://export.arxiv.org", 3.0)


def s2_service() -> Service:
    return service("Semantic Scholar", "COPILOT_S2_URL", "https://api.semanticscholar.org", 1.1)


def openalex_service() -> Service:
    return service("OpenAlex", "COPILOT_OPENALEX_URL", "https://api.openalex.org", 0.2)


def search_arxiv(terms: Sequence[str], cache: Cache) -> list[RelatedPaper]:
    """arXiv by relevance, through the `arxiv` package. Raises Unavailable."""
    where = arxiv_service()
    question = " OR ".join(f'all:"{term}"' for term in terms)
    rows = cache.through(where, question, lambda: _ask_arxiv(where, question))
    return [RelatedPaper.model_validate(row) for row in rows]


def _ask_arxiv(where: Service, question: str) -> list[dict[str, Any]]:
    import arxiv
    import requests

    client = arxiv.Client(page_size=WANTED, delay_seconds=where.delay, num_retries=0)
    client.query_url_format = where.base + "/api/query?{}"
    _bound(client, requests.Session)

    def ask() -> list[Any]:
        try:
            return list(client.results(arxiv.Search(query=question, max_results=WANTED)))
        except (arxiv.ArxivError, requests.RequestException) as error:
            raise (Busy if _passes(error) else Unavailable)(_short(error)) from None

    found = _twice(where, ask)
    return [_from_arxiv(result).model_dump(mode="json") for result in found if "/api/errors" not in result.entry_id]


def _passes(error: Exception) -> bool:
    """True for what may be over in a moment: a busy server, a time limit, a connection that broke off.

    A host that cannot be found or reached at all is not asked again: most often there is no network.
    """
    import arxiv
    import requests
    from urllib3.exceptions import ProtocolError

    if isinstance(error, arxiv.HTTPError):
        return error.status in RETRIED
    broke_off = isinstance(error, requests.ConnectionError) and any(isinstance(a, ProtocolError) for a in error.args)
    return broke_off or isinstance(error, requests.Timeout)


def _twice(where: Service, ask: Callable[[], Any]) -> Any:
    """What `ask` gives, asked once more after a pause when the service is busy. Raises Unavailable."""
    try:
        return ask()
    except Busy as busy:
        time.sleep(0.0 if where.delay == 0 else busy.wait)
        return ask()


def _bound(client: Any, session: Callable[[], Any]) -> None:
    """The package asks without a time limit; give its session one."""
    bounded = session()
    get = bounded.get
    bounded.get = lambda url, **options: get(url, **{"timeout": TIMEOUT, **options})
    client._session = bounded


def _from_arxiv(result: Any) -> RelatedPaper:
    return RelatedPaper(
        title=_line(result.title),
        url=str(result.entry_id),
        year=result.published.year if result.published and result.published.year > 1900 else None,
        authors=[_line(author.name) for author in result.authors][:20],
        abstract=_line(result.summary),
        source="arXiv",
    )


def search_s2(terms: Sequence[str], cache: Cache) -> list[RelatedPaper]:
    """Semantic Scholar's paper search. Raises Unavailable."""
    fields = "title,year,authors,abstract,url,externalIds"
    query = {"query": " ".join(terms), "fields": fields, "limit": str(WANTED)}
    where = s2_service()
    body = _cached_get(where, "/graph/v1/paper/search", query, cache)
    return [paper for item in _list(body, "data") if (paper := _from_s2(item))]


def _from_s2(item: Mapping[str, Any]) -> RelatedPaper | None:
    title = _text(item.get("title"))
    number = _text(item.get("paperId"))
    if not title:
        return None
    ids = item.get("externalIds")
    arxiv_id = _text(ids.get("ArXiv")) if isinstance(ids, Mapping) else ""
    page = f"https://www.semanticscholar.org/paper/{number}" if number.isalnum() else ""
    return RelatedPaper(
        title=_line(title),
        url=f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else _web(item.get("url")) or page,
        year=_year(item.get("year")),
        authors=[_line(_text(a.get("name"))) for a in _list(item, "authors") if _text(a.get("name"))][:20],
        abstract=_line(_text(item.get("abstract"))),
        source="Semantic Scholar",
    )


def search_openalex(terms: Sequence[str], cache: Cache) -> list[RelatedPaper]:
    """OpenAlex's work search. Raises Unavailable."""
    query = {"search": " ".join(terms), "per-page": str(WANTED)}
    body = _cached_get(openalex_service(), "/works", query, cache)
    return [paper for item in _list(body, "results") if (paper := _from_openalex(item))]


def _from_openalex(item: Mapping[str, Any]) -> RelatedPaper | None:
    title = _text(item.get("display_name")) or _text(item.get("title"))
    if not title:
        return None
    people = [entry.get("author") for entry in _list(item, "authorships")]
    names = [_text(person.get("display_name")) for person in people if isinstance(person, Mapping)]
    place = item.get("primary_location")
    landing = _web(place.get("landing_page_url")) if isinstance(place, Mapping) else ""
    return RelatedPaper(
        title=_line(title),
        url=landing or _web(item.get("doi")) or _web(item.get("id")),
        year=_year(item.get("publication_year")),
        authors=[_line(name) for name in names if name][:20],
        abstract=_inverted(item.get("abstract_inverted_index")),
        source="OpenAlex",
    )


def _inverted(index: Any) -> str:
    """OpenAlex stores abstracts as word -> positions."""
    if not isinstance(index, Mapping):
        return ""
    places = [
        (n, str(word)) for word, where in index.items() if isinstance(where, list) for n in where if isinstance(n, int)
    ]
    return _line(" ".join(word for _, word in sorted(places)[:1000]))


def _cached_get(where: Service, path: str, query: Mapping[str, str], cache: Cache) -> Any:
    url = f"{where.base}{path}?{urlencode(query)}"
    return cache.through(where, url, lambda: _twice(where, lambda: _get_json(url)))


def _get_json(url: str) -> Any:
    """One GET. Raises Busy where asking again may help, else Unavailable."""
    import httpx2

    try:
        answer = httpx2.get(url, headers={"user-agent": AGENT}, timeout=TIMEOUT, follow_redirects=True)
    except httpx2.ConnectError as error:
        raise Unavailable(_short(error)) from None
    except (httpx2.TimeoutException, httpx2.NetworkError, httpx2.RemoteProtocolError) as error:
        raise Busy(_short(error)) from None
    except httpx2.HTTPError as error:
        raise Unavailable(_short(error)) from None
    if answer.status_code in RETRIED:
        raise Busy(f"HTTP {answer.status_code}", _wait(answer.headers.get("retry-after", "")))
    if answer.status_code != 200:
        raise Unavailable(f"HTTP {answer.status_code}")
    try:
        return json.loads(answer.content)
    except ValueError:
        raise Unavailable("its answer was not JSON") from None


def _wait(header: str) -> float:
    return min(max(float(header), 0.0), LONGEST_WAIT) if header.isdigit() else BACKOFF


def _list(body: Any, key: str) -> list[Mapping[str, Any]]:
    rows = body.get(key) if isinstance(body, Mapping) else None
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _web(value: Any) -> str:
    text = _text(value)
    return text if urlsplit(text[:500]).scheme in ("http", "https") and text.isprintable() else ""


def _line(text: str) -> str:
    return " ".join(text.split())[:4000]


def _year(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1000 < value < 3000 else None


def _short(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:160]}"
