"""Hostile uploads through the offline index and a live Hub: nothing chosen, fetched or run, and the reason is shown."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from copilot.errors import SetupError
from copilot.hub.fetch import fetch, resolve
from copilot.hub.index import read_index
from copilot.hub.live import LiveSource
from copilot.hub.retrieve import search
from copilot.hub.source import HubSource, IndexSource
from copilot.hub.stub import StubHub, commit_of, serve
from copilot.hub.values import Filters
from tests.hub.hostile import ASKS, HARMLESS, NEVER, deep
from tests.hub.rows import MODELS, Row, dataset, model, write_index

QUERY = "sentiment analysis of product reviews"
EVERYTHING = Filters(allow_gated=True, allow_pickle=True, allow_remote_code=True)


def served(kind: str, tmp_path: Path, rows: list[Row]) -> Iterator[HubSource]:
    if kind == "index":
        yield IndexSource.load([write_index(tmp_path, rows)])
        return
    hub = StubHub()
    for row in rows:
        hub.add({**row, "card": row["card"][:100_000]})
    with serve(hub) as url:
        yield LiveSource(url)


@pytest.fixture(params=["index", "live"])
def mixed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[HubSource]:
    """Honest and hostile models in one listing; the hostile ones match better."""
    hostile = [row for row, _ in (*NEVER.values(), *ASKS.values())]
    yield from served(request.param, tmp_path, [*MODELS, *hostile, *HARMLESS.values()])


def test_no_hostile_model_can_be_chosen_and_each_has_its_reason(mixed: HubSource) -> None:
    found = search(QUERY, "model", top=60, source=mixed)
    usable = {hit.id for hit in found.hits if not hit.refused}
    refused = {hit.id for hit in found.hits if hit.refused}
    assert not usable & {row["id"] for row, _ in (*NEVER.values(), *ASKS.values())}
    assert refused == {row["id"] for row, _ in ASKS.values()}
    said = {refusal.id: refusal for refusal in found.refusals}
    for row, need in ASKS.values():
        assert said[row["id"]].needs == [need] and said[row["id"]].reasons
    assert sum(not refusal.needs for refusal in found.refusals) >= 5, "the loudest of the others are named"
    assert all(refusal.id.isprintable() for refusal in found.refusals)


@pytest.mark.parametrize("name", sorted(NEVER))
def test_what_no_permission_lets_in(name: str, tmp_path: Path) -> None:
    row, reason = NEVER[name]
    source = IndexSource.load([write_index(tmp_path, [*MODELS, row])])
    found = search(QUERY, "model", source=source, filters=EVERYTHING)
    assert row["id"] not in {hit.id for hit in found.hits}
    assert [reason in text for refusal in found.refusals for text in refusal.reasons].count(True) >= 1
    with pytest.raises(SetupError):
        fetch(row["id"], commit_of(row["id"]), tmp_path, approved=(), endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_odd_records_are_read_in_a_moment(name: str, tmp_path: Path) -> None:
    start = time.process_time()
    source = IndexSource.load([write_index(tmp_path, [*MODELS, HARMLESS[name]])])
    hits = {hit.id: hit for hit in search(QUERY, "model", source=source).hits}
    assert time.process_time() - start < 5
    odd = hits.get(HARMLESS[name]["id"])
    assert odd is None or (odd.why.isprintable() and "nan" not in odd.why and "img" not in odd.why)
    assert "acme/review-sentiment" in hits


def test_lines_made_to_break_the_reader_hide_no_other(tmp_path: Path) -> None:
    good = json.dumps(MODELS[0])
    nested = '{"id": "evil/nested", "cardData": ' + "[" * 200_000 + "]" * 200_000 + "}"
    smuggled = '{"id": "evil/long", "card": "' + "x" * (4_000_000 - 28) + '{"id": "google/smuggled"}'
    (tmp_path / "models.jsonl").write_text("\n".join([nested, smuggled, json.dumps({"id": deep(50)}), good]) + "\n")
    assert [record.id for record in read_index([tmp_path])] == ["acme/review-sentiment"]


class Liar(StubHub):
    """A Hub whose listing and content do not agree: `lies` replaces entries of the tree, `later` what is served."""

    def __init__(self) -> None:
        super().__init__()
        self.lies: dict[str, dict[str, Any]] = {}

    def tree(self, kind: str, name: str) -> list[dict[str, Any]]:
        return [{**entry, **self.lies.get(entry["path"], {})} for entry in super().tree(kind, name)]


NAME = "acme/quiet"
WEIGHTS = b"0123456789"


@pytest.fixture
def liar() -> Liar:
    hub = Liar()
    hub.add(model(NAME, "fill-mask", "card"), "models", {"model.safetensors": WEIGHTS, "config.json": b"{}"})
    return hub


def refused(hub: Liar, cache: Path, said: str, **more: Any) -> None:
    with serve(hub) as url, pytest.raises(SetupError, match=said):
        fetch(NAME, commit_of(NAME), cache, approved={NAME}, endpoint=url, **more)
    kept = [path for path in cache.rglob("*") if path.is_file() and ".cache" not in path.relative_to(cache).parts]
    assert not kept, "only the client's own notes may stay"


def test_a_size_that_lies_keeps_nothing(liar: Liar, tmp_path: Path) -> None:
    liar.lies["model.safetensors"] = {"size": 3}
    refused(liar, tmp_path, "could not be fetched|not the 3 bytes")


def test_content_that_moved_after_the_listing_keeps_nothing(liar: Liar, tmp_path: Path) -> None:
    liar.lies["model.safetensors"] = {"oid": "0" * 40}
    refused(liar, tmp_path, "not what the commit lists")


def test_large_file_storage_is_checked_by_its_own_hash(liar: Liar, tmp_path: Path) -> None:
    pointer = {"oid": "f" * 64, "size": len(WEIGHTS), "pointerSize": 134}
    liar.lies["model.safetensors"] = {"lfs": pointer}
    refused(liar, tmp_path, "not what the commit lists")


@pytest.mark.parametrize("path", ["../../escaped.json", "/etc/escaped.json", "a/../../escaped.json", "a\\..\\b.json"])
def test_a_tree_that_leaves_its_folder_is_refused_whole(liar: Liar, tmp_path: Path, path: str) -> None:
    liar.lies["config.json"] = {"path": path}
    refused(liar, tmp_path, "outside its folder")
    assert not any("/resolve/" in request for request in liar.requests)


@pytest.mark.parametrize("start", [b"\x80\x04\x95pickle", b"PK\x03\x04zip", b"\x7fELF program", b"#!/bin/sh\n"])
def test_a_disguised_pickle_archive_or_program_keeps_nothing(tmp_path: Path, start: bytes) -> None:
    hub = Liar()
    hub.add(model(NAME, "fill-mask", "card"), "models", {"model.safetensors": start})
    refused(hub, tmp_path, "begins like a pickle")


def test_a_gate_that_the_listing_denies_is_still_a_gate(liar: Liar, tmp_path: Path) -> None:
    liar.repos["models"][NAME]["gated"] = "manual"
    refused(liar, tmp_path, "could not be fetched")


def test_a_moved_branch_does_not_move_what_was_approved(liar: Liar, tmp_path: Path) -> None:
    with serve(liar) as url:
        approved = resolve(NAME, endpoint=url)
        liar.repos["models"][NAME]["sha"] = "b" * 40
        liar.files["models", NAME]["model.safetensors"] = b"evil weights"
        with pytest.raises(SetupError, match="could not be listed"):
            fetch(NAME, approved, tmp_path, approved={NAME}, endpoint=url)
    assert not list(tmp_path.iterdir())


def test_a_dataset_with_a_loading_script_gives_data_and_no_code(tmp_path: Path) -> None:
    canary = tmp_path / "ran"
    script = f"open({str(canary)!r}, 'w')".encode()
    hub = StubHub()
    held = {"reviews.py": script, "train.csv": b"a,b\n", "setup.sh": b"touch x", "data.zip": b"PK\x03\x04"}
    hub.add(dataset("acme/reviews", "text-classification", "Reviews"), "datasets", held)
    with serve(hub) as url:
        commit = commit_of("acme/reviews")
        got = fetch("acme/reviews", commit, tmp_path / "cache", approved={"acme/reviews"}, kind="dataset", endpoint=url)
        hit = search("reviews", "dataset", source=LiveSource(url)).hits[0]
    assert set(got.files) == {"train.csv", "README.md"} and not canary.exists()
    assert hit.refused and any("trust_remote_code" in warning for warning in hit.warnings)


def test_a_space_is_shown_as_strangers_code_and_never_fetched(tmp_path: Path) -> None:
    hub = StubHub()
    space = {"id": "evil/reviews-demo", "tags": ["gradio"], "card": "sentiment of product reviews", "likes": 5}
    hub.add(space, "spaces", {"app.py": b"raise SystemExit"})
    with serve(hub) as url:
        found = search(QUERY, "code", source=LiveSource(url))
    assert [hit.id for hit in found.hits] == ["evil/reviews-demo"]
    assert not any("app.py" in request for request in hub.requests)
