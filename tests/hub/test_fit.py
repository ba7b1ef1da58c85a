"""What is said when a hit is only the nearest there is, and what decides between directions, senses and drafts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.hub.index import record_from_api
from copilot.hub.languages import direction_of, pairs_in
from copilot.hub.query import understand
from copilot.hub.retrieve import NOTHING_FITS, retrieve, retrieve_file, search
from copilot.hub.source import IndexSource
from tests.hub.rows import MODELS, Row, model


def source_of(*rows: Row) -> IndexSource:
    return IndexSource([record for row in rows if (record := record_from_api(row, "model"))])


@pytest.mark.parametrize(
    ("words", "direction"),
    [
        ("de->en translation", ("de", "en")),
        ("German-English translator", ("de", "en")),
        ("into German from English", ("en", "de")),
        ("translate Swedish documents into English", ("sv", "en")),
        ("de2en", ("de", "en")),
        ("EN/FR machine translation, mt", ("en", "fr")),
        ("a model that translates into Thai", ("", "th")),
        ("say no to it, or is it so", None),
        ("German named entities", None),
        ("state-of-the-art translation", None),
    ],
)
def test_the_direction_of_a_translation_in_many_spellings(words: str, direction: tuple[str, str] | None) -> None:
    assert direction_of(words) == direction


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("abdefnrst ->2/→GermanEnglish"), max_size=40))
def test_a_direction_leads_from_one_language_to_another(text: str) -> None:
    found = direction_of(text)
    assert found is None or found[0] != found[1]


def test_the_name_of_a_translator_says_its_direction() -> None:
    assert pairs_in("Helsinki-NLP/opus-mt-de-en") == {("de", "en")}
    assert pairs_in("acme/base-large") == set()
    card = "Translation between English and German."
    both = [
        model(f"acme/opus-mt-{pair}", "translation", card, downloads=n) for pair, n in (("en-de", 900), ("de-en", 5))
    ]
    hits = retrieve("de->en", "model", source=source_of(*both))
    assert hits[0].id == "acme/opus-mt-de-en"
    assert "it translates other languages" in hits[1].weak and not hits[0].weak


def test_a_special_field_is_not_served_by_a_general_model() -> None:
    general = model("acme/prose", "text-generation", "A large language model.", downloads=9_000_000)
    found = search("protein language model", "model", source=source_of(general))
    assert [hit.id for hit in found.hits] == ["acme/prose"], "the nearest is listed all the same"
    assert found.hits[0].weak == "nothing in it speaks of proteins" and not found.fits
    assert found.hits[0].why.startswith("A weak hit, nothing in it speaks of proteins")
    assert NOTHING_FITS in found.notes
    special = model("acme/esm", "fill-mask", "A language model of amino acids, trained on proteins.")
    found = search("protein language model", "model", source=source_of(general, special))
    assert found.fits and found.hits[0].id == "acme/esm" and not found.notes


def test_a_word_that_nobody_knows_has_to_be_there() -> None:
    ocr = model("acme/ocr", "image-to-text", "Reads printed text in images: OCR.")
    assert not search("OCR of cuneiform", "model", source=source_of(ocr)).fits
    assert search("OCR of printed text", "model", source=source_of(ocr)).fits
    assert understand("OCR of cuneiform").special == {"cuneiform": "cuneiform"}
    assert not understand("we want OCR for the pages of very many old and rare cuneiform catalogues").special


def test_words_of_one_family_count_as_there() -> None:
    bugs = model("acme/bugs", "text-classification", "Finds vulnerabilities in source code.")
    assert "vulnerable" not in search("vulnerable code", "model", source=source_of(bugs)).hits[0].weak
    assert not understand("de2en").special, "codes and numbers are not judged"
    assert "glacier" in search("glacier code", "model", source=source_of(bugs)).hits[0].weak


def test_bulk_lists_weak_hits_and_says_so(tmp_path: Path) -> None:
    path, out = tmp_path / "queries.jsonl", io.StringIO()
    path.write_text('{"id": 1, "query": "EEG seizures"}\n{"id": 2, "query": "depth from a photo"}\n', "utf-8")
    retrieve_file(path, source_of(*MODELS), out)
    weak, good = (json.loads(line) for line in out.getvalue().splitlines())
    assert weak["fits"] is False and weak["hits"] and weak["hits"][0]["weak"] and weak["notes"] == [NOTHING_FITS]
    assert "fits" not in good and good["hits"][0]["weak"] == ""


def test_what_a_request_is_about_decides_between_tasks() -> None:
    card = "Recognises digits."
    speech = model("acme/spoken-digits", "audio-classification", card, downloads=500_000)
    images = model("acme/written-digits", "image-classification", card)
    source = source_of(speech, images)
    assert retrieve("digits in photos", "model", source=source)[0].id == "acme/written-digits"
    assert retrieve("digits in voice recordings", "model", source=source)[0].id == "acme/spoken-digits"


def test_test_fixtures_come_after_the_real_thing() -> None:
    real = model("acme/sentiment", "text-classification", "Sentiment analysis.", downloads=1000)
    drafts = [
        model(f"acme/{name}-sentiment", "text-classification", "Sentiment analysis.") for name in ("dummy", "test")
    ]
    assert retrieve("sentiment analysis", "model", source=source_of(*drafts, real))[0].id == "acme/sentiment"


def test_a_task_among_the_tags_counts() -> None:
    wide = model("acme/a", "automatic-speech-recognition", "", tags=["voice-activity-detection"])
    other = model("acme/b", "automatic-speech-recognition", "")
    assert retrieve("voice activity detection", "model", source=source_of(other, wide))[0].id == "acme/a"
