"""Untrusted text stays text: checked with a CommonMark parser as the judge."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from copilot.ui.parts import text
from tests.ui.canned import HOSTILE

MARKDOWN = MarkdownIt("commonmark", {"html": True})
nasty = st.text(alphabet=st.sampled_from("ab1 \\`*_{}[]()#+-.!|~<>$:&;^='\"/\n\t@w"), max_size=60)


def tokens_of(source: str) -> list[Token]:
    """All inline tokens of a document."""
    return [child for token in MARKDOWN.parse(source) for child in (token.children or [])]


@given(nasty | st.text(max_size=60))
def test_plain_text_means_nothing_in_markdown(given_text: str) -> None:
    shown = text.plain(given_text)
    blocks = {token.type for token in [*MARKDOWN.parse(shown), *MARKDOWN.parse(f"x {shown}")]}
    assert blocks <= {"paragraph_open", "inline", "paragraph_close"}
    inline = tokens_of(f"x {shown}")
    assert {token.type for token in inline} <= {"text", "text_special"}
    assert "".join(token.content for token in inline).replace("\u200b", "").split() == [
        "x",
        *text.one_line(given_text).replace("\u200b", "").split(),
    ]


@given(nasty)
def test_no_image_survives_in_a_document(document: str) -> None:
    tokens = tokens_of(text.safe_markdown(document))
    assert all(token.type != "image" for token in tokens)


@pytest.mark.parametrize(
    "image",
    [
        "![a](http://e.example/x)",
        "\\\\![a](http://e.example/x)",
        "[![a](http://e.example/x)](y)",
        "![a][r]\n\n[r]: http://e",
    ],
)
def test_images_become_harmless(image: str) -> None:
    assert "image" in {token.type for token in tokens_of(image)}
    assert "image" not in {token.type for token in tokens_of(text.safe_markdown(image))}


def test_code_and_escapes_of_the_report_are_kept() -> None:
    document = "`$x ![a](b)` costs \\$5\n```\n$ ls ![a](b)\n```\n"
    assert text.safe_markdown(document) == document


def test_links_are_not_made_from_addresses_in_labels() -> None:
    assert not re.search(r"https?://|www\.", text.plain("see http://evil.example and www.evil.example"))
    assert text.web_address("https://arxiv.org/abs/1706.03762") == "<https://arxiv.org/abs/1706.03762>"
    assert "<" not in text.web_address("javascript:alert(1)").replace("\\<", "")


def test_marks_that_reverse_the_reading_direction_are_taken_out() -> None:
    assert text.one_line("a\u202egnp.exe\x00b") == "agnp.exeb"


def test_hostile_sample_is_escaped_as_a_whole() -> None:
    assert not re.search(r"(?<!\\)[<\[*`$]", text.plain(HOSTILE))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.123456, "0.1235"), (-0.5, "−0.5"), (None, "–"), (float("inf"), "∞"), (float("nan"), "–"), (16.0, "16")],
)
def test_numbers(value: float | None, shown: str) -> None:
    assert text.number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.44, "0.4 s"), (12.4, "12 s"), (59.7, "1 min"), (185, "3 min 05 s"), (7800, "2 h 10 min"), (None, "–")],
)
def test_durations(value: float | None, shown: str) -> None:
    assert text.seconds(value).replace("\N{NO-BREAK SPACE}", " ") == shown


def test_how_long_ago() -> None:
    now = datetime(2026, 11, 20, 12, tzinfo=UTC)
    spans = {5: "just now", 600: "10 min ago", 7200: "2 h ago", 3 * 86400: "3 d ago", 30 * 86400: "2026-10-21"}
    assert {span: text.ago(now - timedelta(seconds=span), now) for span in spans} == spans


def test_money_and_counts() -> None:
    assert (text.dollars(0), text.dollars(0.0012), text.dollars(2.5)) == ("0.00 USD", "0.0012 USD", "2.50 USD")
    assert (text.count(1, "seed"), text.count(2000, "entry", "entries")) == ("1 seed", "2,000 entries")


def test_search_folds_case_and_accents() -> None:
    assert text.fold_for_search("  Élan  VITAL ") == "elan vital"
