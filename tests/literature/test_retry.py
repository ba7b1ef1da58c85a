"""A service that stumbles is asked once more; one that is not there, or says no, is not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from copilot.literature.search import related
from copilot.literature.terms import usable_terms

BODY = b'{"total": 1, "data": [{"paperId": "a1", "title": "Neural Turing machines in small"}]}'
FEED = b"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><entry>
<id>http://arxiv.org/abs/1410.5401v1</id><title>Neural Turing machines</title><summary>x</summary>
<published>2014-10-20T00:00:00Z</published><updated>2014-10-20T00:00:00Z</updated><author><name>A</name></author>
<link href="http://arxiv.org/abs/1410.5401v1"/></entry></feed>"""


@contextmanager
def stumbling(monkeypatch: pytest.MonkeyPatch, variable: str, faults: list[int], body: bytes) -> Iterator[list[str]]:
    """A service that answers with each fault first: a status, or 0 for a connection that breaks off."""
    asked: list[str] = []
    left = list(faults)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            status = left.pop(0) if left else 200
            if not status:
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    for name in ("ARXIV", "S2", "OPENALEX"):
        monkeypatch.setenv(f"COPILOT_{name}_URL", "http://127.0.0.1:9")
    monkeypatch.setenv(variable, f"http://127.0.0.1:{server.server_address[1]}")
    yield asked
    server.shutdown()
    server.server_close()
    thread.join()


CASES = [("COPILOT_S2_URL", BODY, "Semantic Scholar"), ("COPILOT_ARXIV_URL", FEED, "arXiv")]


@pytest.mark.parametrize(("variable", "body", "name"), CASES)
@pytest.mark.parametrize("fault", [0, 429, 503])
def test_a_fault_that_passes_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, body: bytes, name: str, fault: int
) -> None:
    with stumbling(monkeypatch, variable, [fault], body) as asked:
        found = related("Neural Turing tapes", references=[], cache=tmp_path, online=True)
    assert found.source == name and len(asked) == 2


@pytest.mark.parametrize(("variable", "body", "name"), CASES)
@pytest.mark.parametrize(("faults", "tries"), [([0, 0], 2), ([503, 503], 2), ([404], 1)])
def test_it_is_asked_twice_at_most_and_a_no_is_a_no(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    variable: str,
    body: bytes,
    name: str,
    faults: list[int],
    tries: int,
) -> None:
    with stumbling(monkeypatch, variable, faults, body) as asked:
        found = related("Neural Turing tapes", references=[], cache=tmp_path, online=True)
    assert found.source == "nothing" and len(asked) == tries
    assert any(note.startswith(f"{name} could not be used") for note in found.notes)


def test_terms_of_somebody_else_are_plain_words() -> None:
    given = ['a" OR all:"x', "graph nets", "Graph Nets", "", "one two three four five", *map(str, range(9))]
    assert usable_terms(given) == ["a OR all x", "Graph Nets", "one two three four"]
