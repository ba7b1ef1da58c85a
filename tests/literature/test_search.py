"""Related work from replayed services, and without any."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.domain.idea import RelatedPaper
from copilot.domain.paper import Reference
from copilot.literature.cache import Cache
from copilot.literature.novelty import novelty
from copilot.literature.search import OWN_REFERENCES, related
from copilot.literature.similar import similarities
from copilot.literature.sources import _from_openalex, _from_s2, service
from copilot.literature.terms import search_terms
from tests.literature.conftest import Replay

REFERENCES = [
    Reference(text="a", title="Testing deep networks by mutation", year=2019, arxiv_id="1901.00001"),
    Reference(text="b", title="A history of typewriters", year=1980, doi="10.1/x"),
    Reference(text="Some printed entry about testing software.", year=None),
    Reference(text=" "),
]
BODY = "Testing Deep Learning Models with software testing techniques"


def captured(shared: Path, name: str) -> bytes:
    return json.dumps(json.loads((shared / "api" / name).read_text("utf-8"))["body"]).encode()


def test_arxiv_answers_and_is_cached(replay: Replay, shared: Path, tmp_path: Path) -> None:
    replay.answers["/api/query"] = (200, (shared / "api/arxiv/search_page_0_10.xml").read_bytes())
    found = related(BODY, references=REFERENCES, cache=tmp_path, online=True)
    assert found.source == f"arXiv and {OWN_REFERENCES}"
    first = found.papers[0]
    assert first.title.startswith("Testing Deep Learning Models") and first.source == "arXiv"
    assert first.year == 2022 and first.abstract and first.url.startswith("http://arxiv.org/abs/")
    values = [paper.similarity or 0.0 for paper in found.papers]
    assert values == sorted(values, reverse=True) and values[0] > 0.2 and len(found.papers) == 8
    pages = len(replay.asked)
    again = related(BODY, references=REFERENCES, cache=tmp_path, online=True)
    assert again.papers == found.papers and again.source.startswith("arXiv (cached)")
    assert len(replay.asked) == pages


def test_semantic_scholar_steps_in(replay: Replay, shared: Path, tmp_path: Path) -> None:
    replay.answers["/api/query"] = (503, b"busy")
    replay.answers["/graph/v1/paper/search"] = (200, captured(shared, "s2/search_page_0.json"))
    found = related("Neural Turing machines", references=[], cache=tmp_path, online=True)
    assert found.source == "Semantic Scholar"
    assert found.notes[0].startswith("arXiv could not be used")
    assert all(paper.url.startswith("https://www.semanticscholar.org/paper/") for paper in found.papers)


def test_openalex_is_the_last(replay: Replay, shared: Path, tmp_path: Path) -> None:
    replay.answers["/graph/v1/paper/search"] = (429, b"slow down")
    replay.answers["/works"] = (200, captured(shared, "openalex/title_search_200.json"))
    found = related("retrieval-augmented agents for science", references=[], cache=tmp_path, online=True)
    assert found.source == "OpenAlex" and len(found.notes) == 2
    paper = found.papers[0]
    assert paper.title.startswith("PaperQA") and paper.year == 2023 and paper.authors
    assert paper.abstract.startswith("Large Language Models (LLMs) generalize well")


def test_an_error_entry_is_no_paper(replay: Replay, shared: Path, tmp_path: Path) -> None:
    replay.answers["/api/query"] = (200, (shared / "api/arxiv/error_400_bad_id.xml").read_bytes())
    found = related("abc testing", references=REFERENCES, cache=tmp_path, online=True)
    assert found.source == OWN_REFERENCES and "arXiv found nothing" in found.notes[0]


def test_every_service_down_leaves_the_references(replay: Replay, tmp_path: Path) -> None:
    replay.answers["/"] = (200, b"<html>a gateway</html>")
    found = related(BODY, references=REFERENCES, cache=tmp_path, online=True)
    assert found.source == OWN_REFERENCES and len(found.notes) == 4
    assert not list(tmp_path.glob("semantic-scholar-*.json")), "a failure is not cached"


def test_offline_ranks_the_references_and_says_so(replay: Replay, tmp_path: Path) -> None:
    found = related(BODY, references=REFERENCES, cache=tmp_path / "none", online=False)
    assert found.papers[0].title == "Testing deep networks by mutation"
    assert found.papers[0].url == "https://arxiv.org/abs/1901.00001"
    assert len(found.papers) == 3 and found.source == OWN_REFERENCES and "offline" in found.notes[0]
    assert replay.asked == [] and not (tmp_path / "none").exists()


def test_nothing_at_all(tmp_path: Path) -> None:
    found = related("the of and", references=[], cache=tmp_path, online=True)
    assert found.papers == [] and found.source == "nothing" and "no telling words" in found.notes[0]


def test_the_paper_itself_is_not_its_neighbour(tmp_path: Path) -> None:
    own = Reference(text="x", title="TESTING deep-networks by mutation")
    found = related("Testing deep networks by mutation", references=[own], cache=tmp_path, online=False)
    assert found.papers == []


def test_novelty_orders_and_fills() -> None:
    papers = [
        RelatedPaper(title="Cooking rice"),
        RelatedPaper(title="Dropout", abstract="dropout regularises networks"),
    ]
    rated = novelty("dropout regularises small networks", papers)
    assert [paper.title for paper in rated] == ["Dropout", "Cooking rice"]
    assert rated[0].similarity is not None and rated[0].similarity > 0.3 and rated[1].similarity == 0
    assert novelty("x", []) == []


def test_terms_are_the_telling_ones() -> None:
    assert search_terms("A Novel Method for Multi-Style Adapters in Diffusion") == [
        "Multi-Style",
        "Adapters",
        "Diffusion",
    ]
    assert len(search_terms("alpha beta gamma delta epsilon zeta theta lambda")) == 6


def test_turns_are_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COPILOT_S2_URL", raising=False)
    slow = service("Slow", "COPILOT_S2_URL", "https://example.org", 0.3)
    cache = Cache(tmp_path)
    start = time.monotonic()
    for n in range(2):
        assert cache.through(slow, f"question {n}", lambda: [1]) == [1]
    assert 0.25 <= time.monotonic() - start < 3


def test_a_damaged_cache_is_asked_again(tmp_path: Path) -> None:
    fast = service("Fast", "COPILOT_NONE_URL", "https://example.org", 0.0)
    cache = Cache(tmp_path)
    cache.through(fast, "q", lambda: ["old"])
    next(tmp_path.glob("fast-*.json")).write_text('["ol')
    assert cache.through(fast, "q", lambda: ["new"]) == ["new"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(
    ["title", "display_name", "year", "authors", "abstract", "url", "externalIds", "authorships", "doi", "id",
     "publication_year", "primary_location", "abstract_inverted_index", "paperId"]
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, JSON))
def test_any_item_is_a_paper_or_nothing(item: dict[str, object]) -> None:
    for read in (_from_s2, _from_openalex):
        paper = read(item)
        assert paper is None or paper.url == "" or paper.url.startswith("http")


@settings(max_examples=40, deadline=None)
@given(st.text(max_size=40), st.lists(st.text(max_size=40), max_size=4))
def test_similarity_is_a_number_per_text(query: str, texts: list[str]) -> None:
    values = similarities(query, texts)
    assert len(values) == len(texts) and all(0 <= value <= 1 for value in values)
