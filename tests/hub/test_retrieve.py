"""Retrieval over an index: what comes first, why, and what a person insists on."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.errors import SetupError
from copilot.hub.index import read_index, read_lines, record_from_api
from copilot.hub.retrieve import retrieve, retrieve_file, retrieve_many, search
from copilot.hub.source import IndexSource, open_source
from copilot.hub.values import Filters
from tests.hub.rows import DATASETS, MODELS, write_index


def test_the_task_decides_and_says_why(index: IndexSource) -> None:
    best = retrieve("how positive are these product reviews, sentiment", "model", source=index)[0]
    assert best.id == "acme/review-sentiment"
    assert best.task == "text-classification" and not best.refused
    for part in ("task text-classification", "90k downloads", "10 likes", "licence not stated"):
        assert part in best.why
    assert best.url == "https://huggingface.co/acme/review-sentiment"


def test_languages_sizes_and_names_are_wishes(index: IndexSource) -> None:
    assert retrieve("transcribe German speech", "model", source=index)[0].id == "acme/speech-de"
    assert retrieve("transcribe speech", "model", source=index)[0].id == "acme/speech-en"
    small = retrieve("language model for text generation under 1B parameters", "model", source=index)
    assert small[0].id == "acme/prose-125m"
    assert retrieve("question answering on CIFAR10", "dataset", source=index)[0].id in ("cifar10", "squad")


def test_filters_are_kept(index: IndexSource) -> None:
    kept = retrieve("text generation", "model", source=index, filters=Filters(max_parameters=1_000_000_000))
    assert "acme/prose-6.7b" not in [hit.id for hit in kept]
    kept = retrieve("speech", "model", source=index, filters=Filters(language="de"))
    assert "acme/speech-de" in [hit.id for hit in kept] and "acme/speech-en" not in [hit.id for hit in kept]
    kept = retrieve("speech", "model", source=index, filters=Filters(exclude=("acme/speech-de",)))
    assert "acme/speech-de" not in [hit.id for hit in kept]


def test_datasets_by_topic(index: IndexSource) -> None:
    assert retrieve("training convolutional networks for image recognition", "dataset", source=index)[0].id == "cifar10"
    assert retrieve("machine comprehension of passages", "dataset", source=index)[0].id == "squad"
    assert retrieve("topic classification of Swahili news", "dataset", source=index)[0].id == "swahili_news"


def test_memory_and_overlap_are_said(index: IndexSource) -> None:
    filters = Filters(memory_bytes=2_000_000_000, task_data=("rajpurkar/squad",))
    hits = {hit.id: hit for hit in retrieve("text generation", "model", source=index, filters=filters)}
    assert "does not fit this machine's memory" in hits["acme/prose-6.7b"].why
    assert "fits this machine's memory" in hits["acme/prose-125m"].why
    reader = retrieve("answer questions about a passage", "model", source=index, filters=filters)[0]
    assert reader.id == "acme/squad-reader" and "overlap" in reader.warnings[0]


def test_code_from_prototypes_and_links(tmp_path: Path) -> None:
    source = open_source(
        {},
        online=False,
        prototypes=[("tabular_trees", "Gradient boosting for tabular classification"), ("digits", "Images of digits")],
        links=["https://github.com/acme/depthnet", "https://evil.example/a/b", "javascript:alert(1)"],
        paper_title="Depth from one photo",
        index=[write_index(tmp_path)],
    )
    found = search("predict whether a customer churns from a csv", "code", source=source)
    assert found.hits[0].id == "prototype:tabular_trees" and "Bundled prototype" in found.hits[0].why
    linked = search("code for depth from one photo", "code", source=source).hits
    assert "acme/depthnet" in [hit.id for hit in linked[:3]]
    assert all("evil" not in hit.id for hit in linked)


def test_many_queries_keep_their_order(index: IndexSource) -> None:
    answers = retrieve_many(
        [("images", "dataset"), ("depth of a photo", "model"), ("reviews", "dataset")], source=index
    )
    assert [answer.kind for answer in answers] == ["dataset", "model", "dataset"]
    assert answers[1].hits[0].id == "acme/depth"


def test_a_file_of_queries(index: IndexSource, tmp_path: Path) -> None:
    lines = [
        '{"id": "a", "query": "depth from a photo", "kind": "model"}',
        "not json",
        '{"id": 3, "query": ""}',
        '{"id": "c", "query": "movie reviews", "kind": "dataset"}',
        '{"id": "d", "query": "x", "kind": "weights"}',
        '["list"]',
    ]
    path = tmp_path / "queries.jsonl"
    path.write_text("\n".join(lines) + "\n\n", "utf-8")
    out = io.StringIO()
    assert retrieve_file(path, index, out, top=2) == 6
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["id"] for row in rows] == ["a", 2, 3, "c", "d", 6]
    assert rows[0]["hits"][0]["id"] == "acme/depth" and set(rows[0]["hits"][0]) >= {"id", "score", "why"}
    assert rows[3]["hits"][0]["id"] == "imdb"
    assert all(rows[n]["error"] and rows[n]["hits"] == [] for n in (1, 2, 4, 5))


def test_bad_requests_are_said(index: IndexSource, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="empty"):
        retrieve("  ", "model", source=index)
    with pytest.raises(SetupError, match="--top"):
        retrieve("x", "model", top=0, source=index)
    with pytest.raises(SetupError, match="No Hub index"):
        read_index([tmp_path / "nothing"])
    with pytest.raises(SetupError, match="Cannot read"):
        retrieve_file(tmp_path / "nothing.jsonl", index, io.StringIO())


def test_the_bundled_index_answers() -> None:
    source = open_source({}, online=False)
    found = search("translation from English to German", "model", source=source)
    assert "bundled" in found.source and found.hits[0].task == "translation"
    assert search("reading comprehension", "dataset", source=source).hits


def test_an_index_with_broken_lines(tmp_path: Path) -> None:
    good = json.dumps(MODELS[0])
    lines = [good, "{", "[]", "null", '{"id": 5}', '{"id": ""}', '{"id": "a/b", "tags": {"x": 1}, "cardData": "?"}', ""]
    records = list(read_lines([line.encode() for line in lines]))
    assert [record.id for record in records] == ["acme/review-sentiment", "a/b"]


def test_api_words_become_a_record() -> None:
    raw = {
        "id": "acme/x",
        "pipeline_tag": "fill-mask",
        "tags": ["fill-mask", "en", "license:mit", "dataset:imdb"],
        "sha": "a" * 40,
        "lastModified": "2024-02-19T11:06:12.000Z",
        "gated": "auto",
        "safetensors": {"total": 110},
        "siblings": [{"rfilename": "model.safetensors"}, {"bad": 1}],
    }
    record = record_from_api(raw, "model")
    assert record is not None
    assert (record.licence, record.languages, record.datasets) == ("mit", ("en",), ("imdb",))
    assert record.gated and record.parameters == 110 and record.modified == "2024-02-19"
    assert record.files == ("model.safetensors",) and record.sha == "a" * 40


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(
    ["tags", "cardData", "downloads", "likes", "siblings", "configs", "config", "card", "gated", "sha"]
)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(KEYS, JSON))
def test_any_listing_can_be_ranked(fields: dict[str, object]) -> None:
    record = record_from_api({**DATASETS[0], **fields}, "dataset")
    assert record is not None
    found = search("answers to questions", "dataset", source=IndexSource([record]))
    left_out = [refusal for refusal in found.refusals if not refusal.needs]
    assert len(found.hits) + len(left_out) == 1
