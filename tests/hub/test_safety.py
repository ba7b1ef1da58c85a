"""Hostile uploads: pushed down, named, refused; honest ones untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot.hub.index import record_from_api
from copilot.hub.retrieve import search
from copilot.hub.safety import imitates, judge, printable, valid_id
from copilot.hub.source import IndexSource
from copilot.hub.values import Filters, Record
from tests.hub.rows import HOSTILE, MODELS, RISKY, Row, model, write_index

EVERYTHING = Filters(allow_gated=True, allow_pickle=True, allow_remote_code=True)


def record(raw: Row) -> Record:
    made = record_from_api(raw, "model")
    assert made is not None
    return made


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_records_are_refused_whatever_is_allowed(name: str) -> None:
    found = judge(record(HOSTILE[name]), EVERYTHING)
    assert found.refused and found.distrusted and found.warnings


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_hostile_records_are_never_hits_and_are_named(name: str, tmp_path: Path) -> None:
    bait = {**HOSTILE[name], "card": HOSTILE[name]["card"] + " sentiment product reviews" * 3}
    source = IndexSource.load([write_index(tmp_path, [*MODELS, bait])])
    found = search("sentiment analysis of product reviews", "model", source=source)
    assert found.hits[0].id == "acme/review-sentiment"
    assert bait["id"] not in [hit.id for hit in found.hits]


def test_a_better_matching_hostile_record_is_said(tmp_path: Path) -> None:
    source = IndexSource.load([write_index(tmp_path, [*MODELS, HOSTILE["shell"]])])
    found = search("Setup sentiment analysis of product reviews curl", "model", source=source)
    said = next(refusal for refusal in found.refusals if refusal.id == "evil/four")
    assert "script" in said.sentence and said.sentence.startswith("Left out") and said.needs == []


@pytest.mark.parametrize(
    ("name", "allowed"),
    [
        ("pickle", Filters(allow_pickle=True)),
        ("remote_code", Filters(allow_remote_code=True)),
        ("auto_map", Filters(allow_remote_code=True)),
        ("gated", Filters(allow_gated=True)),
    ],
)
def test_risks_are_refused_until_allowed(name: str, allowed: Filters) -> None:
    risky = record(RISKY[name])
    refused = judge(risky, Filters())
    assert refused.refused and not refused.distrusted and refused.warnings
    kept = judge(risky, allowed)
    assert not kept.refused and kept.warnings, "allowed, but still said"


def test_honest_records_pass() -> None:
    for raw in MODELS:
        assert judge(record(raw), Filters()).warnings == []
    mixed = model("acme/both", "fill-mask", siblings=[{"rfilename": "a.safetensors"}, {"rfilename": "a.bin"}])
    assert not judge(record(mixed), Filters()).refused


def test_the_shared_cards_raise_few_alarms(shared: Path) -> None:
    records = list(IndexSource.load([shared / "hub"])._records)
    alarms = [r.id for r in records[::3] if judge(r, EVERYTHING).distrusted]
    assert len(alarms) <= 3, alarms


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("gooogle/flan-t5-base", "google"),
        ("meta-Ilama/Llama-2-7b", "meta-llama"),
        ("mircosoft/deberta", "microsoft"),
        ("huggingfface/x", "huggingface"),
        ("openal/whisper", "openai"),
        ("someone/bert-bsae-uncased", "bert-base-uncased"),
        ("someone/robertta-base", "roberta-base"),
        ("google/mt5-base", ""),
        ("HuggingFaceM4/x", ""),
        ("facebook/deit-base-patch16-224", ""),
        ("someone/opt-350m", ""),
        ("bigscience/bloomz-560m", ""),
        ("bert-base-uncased", ""),
        ("my-org/roberta-base-finetuned", ""),
    ],
)
def test_imitated_names(name: str, known: str) -> None:
    assert imitates(name) == known


@pytest.mark.parametrize(
    "name", ["a/b/c", "a b", "../x", "a/..", "a/b.git", "a--b/c", "аcme/x", "a/b\n", "-a/b", "", "a/$(x)", "a/b;ls"]
)
def test_names_that_the_hub_does_not_allow(name: str) -> None:
    assert not valid_id(name)


@given(st.text(max_size=60))
def test_shown_text_is_one_harmless_line(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable() and len(shown) <= 120
