"""arXiv ids, and fetching from a loopback arXiv with its errors."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.errors import SetupError
from copilot.paper.arxiv import ArxivSite, fetch
from copilot.paper.arxiv_id import ArxivId, parse_arxiv_id
from copilot.paper.read import read_paper
from tests.paper.made import ABSTRACT, TITLE, make_tar, small_paper

Answer = tuple[int, bytes, dict[str, str]]
Route = Callable[[str], Answer]
FEED = """<?xml version='1.0' encoding='UTF-8'?>
<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" xmlns="http://www.w3.org/2005/Atom">
<id>q</id><title>q</title><updated>2026-04-12T22:10:19Z</updated><opensearch:itemsPerPage>1</opensearch:itemsPerPage>
<opensearch:totalResults>1</opensearch:totalResults><opensearch:startIndex>0</opensearch:startIndex>
<entry><id>http://arxiv.org/abs/2601.00001v2</id><title>Sparse Gates Make
  Small Networks Learn Faster</title><updated>2026-01-01T00:00:00Z</updated><published>2026-01-01T00:00:00Z</published>
<summary>We study gating.</summary>
<link href="https://arxiv.org/pdf/2601.00001v2" rel="related" type="application/pdf" title="pdf"/>
<category term="cs.LG" scheme="http://arxiv.org/schemas/atom"/><arxiv:primary_category term="cs.LG"/>
<author><name>Ada Lovelace</name></author><author><name>Charles Babbage</name></author></entry></feed>"""


@pytest.mark.parametrize(
    ("text", "id_", "version"),
    [
        ("2408.14033", "2408.14033", 0),
        ("arXiv:2408.14033v3", "2408.14033", 3),
        ("ARXIV: 2408.14033 [cs.CL]", "2408.14033", 0),
        ("0704.0001", "0704.0001", 0),
        ("cs/9901001", "cs/9901001", 0),
        ("math.GT/0309136v2", "math/0309136", 2),
        ("hep-th/9901001", "hep-th/9901001", 0),
        ("https://arxiv.org/abs/2408.14033v1", "2408.14033", 1),
        ("http://www.arxiv.org/pdf/2408.14033.pdf", "2408.14033", 0),
        ("arxiv.org/pdf/2408.14033v2.pdf", "2408.14033", 2),
        ("https://arxiv.org/html/2408.14033v3#S2", "2408.14033", 3),
        ("https://export.arxiv.org/abs/cs/9901001", "cs/9901001", 0),
        ("https://doi.org/10.48550/arXiv.2408.14033", "2408.14033", 0),
        ("https://huggingface.co/papers/2408.14033", "2408.14033", 0),
        ("https://hf.co/papers/2408.14033", "2408.14033", 0),
        ("arXiv preprint arXiv:2408.14033v2.", "2408.14033", 2),
        ("CoRR, abs/2408.14033", "2408.14033", 0),
        ("arXiv:2408.14033v3 [cs.CL] 26 Aug 2024", "2408.14033", 3),
        ("(arXiv:2408.14033)", "2408.14033", 0),
        ("[2408.14033],", "2408.14033", 0),
        ("https://arxiv.org/abs/arXiv:2408.14033", "2408.14033", 0),
        ("２４０８．１４０３３", "2408.14033", 0),
    ],
)
def test_spellings(text: str, id_: str, version: int) -> None:
    assert parse_arxiv_id(text) == ArxivId(id=id_, version=version)


@pytest.mark.parametrize(
    "text",
    ["", "paper.pdf", "2408.14", "2413.14033", "24081.4033", "foo/9901001", "cs/99010011", "https://evil.example/abs/2408.14033",
     "2408.14033v0", "../2408.14033", "2408.14033; rm -rf /", "10.1000/2408.14033", "https://arxiv.org.evil.example/abs/2408.14033"],
)  # fmt: skip
def test_not_an_id(text: str) -> None:
    assert parse_arxiv_id(text) is None


@given(st.from_regex(r"\A[0-9]{2}(0[1-9]|1[0-2])\.[0-9]{5}\Z"), st.integers(0, 30))
def test_round_trip(id_: str, version: int) -> None:
    wanted = ArxivId(id=id_, version=version)
    assert parse_arxiv_id(str(wanted)) == wanted
    assert parse_arxiv_id(f"https://arxiv.org/abs/{wanted}") == wanted


@given(st.text(max_size=60))
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = parse_arxiv_id(text)
    assert found is None or parse_arxiv_id(str(found)) == found


class Stub:
    """A loopback arXiv: answers by a route function, remembers what was asked."""

    def __init__(self, route: Route) -> None:
        self.asked: list[str] = []
        stub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                stub.asked.append(self.path)
                status, body, headers = route(self.path)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.site = ArxivSite(api=f"{self.url}/api/query", web=self.url, delay=0.0, retries=1, timeout=5)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[[Route], Stub]]:
    stubs: list[Stub] = []

    def start(route: Route) -> Stub:
        stubs.append(Stub(route))
        return stubs[-1]

    yield start
    for stub in stubs:
        stub.close()


SOURCE = make_tar(
    {
        "./._main.tex": b"\x00\x05\x16\x07",
        "./main.tex": rb"""\documentclass{article}\newcommand{\ours}{\textsc{Gate}\xspace}
\title{Sparse Gates Make Small Networks Learn Faster}
\begin{document}\begin{abstract}% old abstract
We study gating.\end{abstract}
\section{Introduction} Gates. \input{method}
\section{The \ours experiments} \begin{equation} a = b^2 \end{equation}
\begin{table}\caption{Accuracy of all gates}\begin{tabular}{lc} Name & Acc. \\ \ours & 91.5\% \\\end{tabular}\end{table}
\bibliography{x}\end{document}""",
        "./method.tex": b"\\section{Method} %\\section{Old}\nOne gate.",
        "./old/main.tex": b"\\documentclass{article}\\begin{document}\\section{Wrong}\\end{document}",
        "./main.bbl": b"\\begin{thebibliography}{1}\\bibitem{a} K. Zuse. Relays. 2020.\\end{thebibliography}",
    },
    links={"./evil.tex": "/etc/passwd"},
)


def whole(pdf: bytes | None) -> Route:
    def route(path: str) -> Answer:
        if path.startswith("/api/query"):
            return 200, FEED.encode(), {"Content-Type": "application/atom+xml"}
        if path.startswith("/pdf/2601.00001v2"):
            return (200, pdf, {"Content-Type": "application/pdf"}) if pdf else (404, b"", {})
        if path.startswith("/e-print/2601.00001v2"):
            return 200, SOURCE, {"Content-Type": "application/gzip"}
        return 404, b"", {}

    return route


def test_pdf_and_source_are_joined(
    serve: Callable[[Route], Stub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stub = serve(whole(small_paper(tmp_path / "a.pdf").read_bytes()))
    monkeypatch.setenv("COPILOT_ARXIV_URL", stub.url)
    paper = read_paper("https://arxiv.org/abs/2601.00001", cache=tmp_path / "c")
    assert paper.title == TITLE and paper.authors == ["Ada Lovelace", "Charles Babbage"]
    assert paper.abstract == ABSTRACT and paper.arxiv_id == "2601.00001v2" and paper.pages == 2
    asked = len(stub.asked)
    assert read_paper("arXiv:2601.00001", cache=tmp_path / "c") == paper
    assert len(stub.asked) == asked, "the second reading comes from the cache"


def test_source_alone(serve: Callable[[Route], Stub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_ARXIV_URL", serve(whole(None)).url)
    paper = read_paper("2601.00001", cache=tmp_path)
    assert [s.title for s in paper.sections] == ["Introduction", "Method", "The Gate experiments"]
    assert paper.abstract == "We study gating."
    assert paper.tables[0].rows == [["Name", "Acc."], ["Gate", "91.5%"]]
    assert paper.equations[0].text == "a = b^2" and paper.equations[0].number == "1"
    assert len(paper.references) == 1 and paper.references[0].year == 2020
    assert "root:" not in paper.model_dump_json()
    assert any("no PDF" in w for w in paper.warnings)


def test_offline_says_so_and_the_cache_still_serves(serve: Callable[[Route], Stub], tmp_path: Path) -> None:
    stub = serve(whole(None))
    fetched = fetch(ArxivId(id="2601.00001"), cache=tmp_path, site=stub.site)
    gone = ArxivSite(api="http://127.0.0.1:9/api/query", web="http://127.0.0.1:9", delay=0.0, retries=0, timeout=2)
    assert fetch(ArxivId(id="2601.00001"), cache=tmp_path, site=gone).record == fetched.record
    with pytest.raises(SetupError, match=r"arXiv cannot be reached \(no connection\).*give the PDF file"):
        fetch(ArxivId(id="2601.00002"), cache=tmp_path, site=gone)


def test_busy_then_served(serve: Callable[[Route], Stub], tmp_path: Path) -> None:
    good, failures = whole(b"%PDF-1.4 x"), ["/api/query", "/pdf/"]

    def route(path: str) -> Answer:
        for start in failures:
            if path.startswith(start):
                failures.remove(start)
                return 503, b"busy", {"Retry-After": "0"}
        return good(path)

    stub = serve(route)
    fetched = fetch(ArxivId(id="2601.00001"), cache=tmp_path, site=stub.site)
    assert fetched.pdf is not None and fetched.pdf.read_bytes() == b"%PDF-1.4 x"


def test_always_busy(serve: Callable[[Route], Stub], tmp_path: Path) -> None:
    stub = serve(lambda path: (429, b"slow down", {"Retry-After": "0"}))
    with pytest.raises(SetupError, match="HTTP 429"):
        fetch(ArxivId(id="2601.00001"), cache=tmp_path, site=stub.site)
    assert len(stub.asked) == 2


@pytest.mark.parametrize(
    "body",
    [b"<html>gateway</html>", b"", b"<feed", FEED.replace("<entry>", "<!--").replace("</entry>", "-->").encode()],
)
def test_strange_answers_are_one_sentence(serve: Callable[[Route], Stub], tmp_path: Path, body: bytes) -> None:
    stub = serve(lambda path: (200, body, {}))
    with pytest.raises(SetupError) as caught:
        fetch(ArxivId(id="2601.00001"), cache=tmp_path, site=stub.site)
    assert "\n" not in str(caught.value)


def shared_route(shared: Path) -> Route:
    stub = shared / "arxiv_stub"
    index = json.loads((stub / "index.json").read_text())
    papers = index.get("papers") or index.get("ids") or index

    def route(path: str) -> Answer:
        match = re.search(r"id_list=([\d.]+)", path) or re.match(r"/(?:pdf|e-print)/([\d.]+?)(?:v\d+)?$", path)
        entry = papers.get(match.group(1)) if match else None
        if entry is None:
            return 400, (shared / "api" / "arxiv" / "error_400_bad_id.xml").read_bytes(), {}
        name = entry["feed"] if path.startswith("/api") else entry["pdf" if path.startswith("/pdf") else "eprint"]
        return (200, (stub / name).read_bytes(), {}) if name else (404, b"", {})

    return route


def test_shared_stub(
    serve: Callable[[Route], Stub], shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COPILOT_ARXIV_URL", serve(shared_route(shared)).url)
    truth = json.loads((shared / "papers_eprint" / "2004.14974" / "truth.json").read_text())
    paper = read_paper("2004.14974", cache=tmp_path)
    assert paper.title == truth["title"] and paper.authors == truth["authors"]
    assert paper.abstract.startswith(truth["abstract_first_60_chars"])
    main = [s.title for s in paper.sections if s.level == 1]
    assert main == [*truth["sections"], *truth["appendix_sections"]]
    assert len(paper.references) == truth["n_references"]
    assert (
        read_paper("arXiv:2510.21958v1", cache=tmp_path).title == "A Stylometric Application of Large Language Models"
    )
    with pytest.raises(SetupError, match=r"knows no paper 2004\.00000"):
        read_paper("2004.00000", cache=tmp_path)
