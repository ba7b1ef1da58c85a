"""What a reader finds: verdict first, every number bound, strangers' words in quotation marks, the same bytes again."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from benchmarks.mutation_journal import lines_of, report_again, write_lines
from copilot.cli.progress import Progress
from copilot.events import TrialFinished
from copilot.journal import read
from copilot.report.cells import NUMBER, Cells, aligned, spell
from copilot.report.findings import DETECTABLE
from copilot.report.markdown import code, escape, quoted, table
from copilot.report.pdf import pdf_of, text_of
from copilot.report.record import record_of
from copilot.report.render import render
from copilot.report.write import write_report
from copilot.runs import RunFolder
from tests.report.conftest import copied

pytestmark = pytest.mark.sandbox
LINK = re.compile(r"\[([^\]]*)\]\(#(cell-[^)]*)\)")


def report_of(run: RunFolder) -> str:
    return (run.report / "report.md").read_text("utf-8")


def unbound_numbers(text: str) -> list[str]:
    """Numbers that are neither a link to a cell, nor code, nor inside somebody's quoted words."""
    text = LINK.sub("", text)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)|`[^`]*`|“[^”]*”", "", text)
    return NUMBER.findall(text.replace("\\", ""))


def test_every_number_is_bound(graded: RunFolder, reported: RunFolder) -> None:
    for run in (graded, reported):
        assert unbound_numbers(report_of(run)) == []
        cells = json.loads((run.report / "cells.json").read_text())
        links = LINK.findall(report_of(run))
        assert len(links) > 60
        assert all(cells[key]["text"] == text for text, key in links)
        assert set(cells) == {key for _, key in links}


def test_an_unbound_number_would_be_seen() -> None:
    assert unbound_numbers("Accuracy reached 0.912 (`n = 3`), [5](#cell-x), “9 of 10”.") == ["0.912"]


def test_the_first_screen_says_it_all(graded: RunFolder, reported: RunFolder) -> None:
    first = report_of(graded).split("## ")[0]
    assert re.search(r"^\*\*Verdict: SUPPORTED \(graded\)\.\*\*", first, re.MULTILINE)
    for part in ("Effect of `treatment` against `baseline`", "95", "smallest effect that matters", "protocol hash"):
        assert part in first
    assert record_of(read(graded.journal)).head in first
    said = report_of(reported).splitlines()[2]
    assert "(reported)" in said and "nothing outside it graded them" in said


def test_a_proposers_number_stays_in_quotation_marks(graded: RunFolder) -> None:
    text = report_of(graded)
    assert text.count("0.999") == text.count("to 0.999.”")
    assert "97.3" in text and "97.3" not in re.sub(r"“[^”]*”", "", text)


def test_figures_are_bound_and_drawn(graded: RunFolder) -> None:
    cells = json.loads((graded.report / "cells.json").read_text())
    for name in ("effect", "paired"):
        rows = json.loads((graded.report / "figures" / f"{name}.json").read_text())["rows"]
        assert rows and all(cells[row["cell"]]["value"] == row["value"] for row in rows)
    curves = json.loads((graded.report / "figures" / "curves.json").read_text())["rows"]
    assert {row["arm"] for row in curves} == {"baseline", "treatment"}
    for name in re.findall(r"\((figures/[a-z]+\.svg)\)", report_of(graded)):
        assert (graded.report / name).read_text().startswith("<svg")


def test_the_pdf_says_the_same(graded: RunFolder) -> None:
    import pymupdf

    data = (graded.report / "report.pdf").read_bytes()
    words = " ".join(text_of(data).split())
    assert "Verdict: SUPPORTED (graded)" in words and "Where each number comes from" in words
    with pymupdf.open(stream=data, filetype="pdf") as document:
        assert 3 <= document.page_count <= 12
        assert f"page 1 of {document.page_count}" in document[0].get_text()
        assert document[0].get_links() and all(page.get_text().strip() for page in document)


HASH = "0123456789abcdef" * 4


def set_pages(text: str) -> list[str]:
    import pymupdf

    with pymupdf.open(stream=pdf_of(text, {}, {}, "footer"), filetype="pdf") as document:
        return [page.get_text() for page in document]


@pytest.mark.parametrize("lines", range(34, 42))
def test_no_heading_and_no_head_of_a_table_ends_a_page(lines: int) -> None:
    filler = "\n\n".join(["A line."] * lines)
    rows = table(["first", "second"], [["alpha", "beta"], ["gamma", "delta"]])
    for text, together in ((f"Before it:\n\n{rows}", ("Before it:", "alpha")), ("## Head\n\nbody", ("Head", "body"))):
        pages = set_pages(f"{filler}\n\n{text}\n")
        assert 1 <= len(pages) <= 2
        assert [all(word in page for word in together) for page in pages if together[0] in page] == [True]


def test_a_hash_in_the_pdf_can_be_copied(graded: RunFolder) -> None:
    text = f"- Frozen at journal entry 1; and some more words. Hash {code(HASH)}.\n\n" + table(
        ["fact", "value"], [["hash", f"{code(HASH)}, frozen before the first trial"]]
    )
    assert "".join(set_pages(text)).replace("\n", "").count(HASH) == 2
    words = text_of((graded.report / "report.pdf").read_bytes()).replace("\n", "")
    assert record_of(read(graded.journal)).head in words


def test_the_pdf_lists_no_number_of_a_recorded_sentence(graded: RunFolder) -> None:
    words = " ".join(text_of((graded.report / "report.pdf").read_bytes()).split())
    assert "a reason for the verdict" not in words and "evidence of the check" not in words
    assert "coverage of the interval" in words
    assert "a reason for the verdict" in (graded.report / "cells.json").read_text()


def test_the_numbers_of_the_trials_have_the_same_decimals(graded: RunFolder) -> None:
    part = report_of(graded).split("## Every trial")[1].split("## ")[0]
    numbers = [text for text, _ in LINK.findall(part)]
    assert len({len(text.partition(".")[2]) for text in numbers}) == 1 and len(numbers) > 20


def test_aligned_numbers_hide_nothing() -> None:
    assert aligned(0.5, 3, signed=True) == "+0.500" and aligned(0.0, 2) == "0.00"
    assert aligned(-0.0004, 3) == "-0.0004" and aligned(None, 2) == spell(None)


def test_attempts_are_made_up_of_what_is_counted(graded: RunFolder) -> None:
    line = next(line for line in report_of(graded).splitlines() if line.startswith("Attempts before the freeze"))
    total, *parts = (int(text) for text, _ in LINK.findall(line))
    assert len(parts) == 3 and total == sum(parts)
    assert "[1](#cell-attempts-ideas) discarded idea)" in line


def test_the_detectable_effect_is_said_once(graded: RunFolder) -> None:
    record = record_of(read(graded.journal))
    (item,) = record.verdict.comparisons
    told = item.model_copy(update={"reasons": [*item.reasons, f"{DETECTABLE} 0.3 with probability 0.8."]})
    again = replace(record, verdict=record.verdict.model_copy(update={"comparisons": [told]}))
    assert "Smallest effect that this design could detect" in render(record)[0]
    assert "Smallest effect that this design could detect" not in render(again)[0]


def test_own_code_without_words_is_called_by_its_idea(graded: RunFolder) -> None:
    record = record_of(read(graded.journal))
    assert record.state.task is not None and record.state.chosen_idea is not None
    head = record.state.task.head.model_copy(update={"title": ""})
    bare = record.state.task.model_copy(update={"head": head, "body": " "})
    named = replace(record, state=replace(record.state, task=bare, source="objective"))
    assert render(named)[0].splitlines()[0] == f"# {quoted(record.state.chosen_idea.title, 160)}"


def test_a_computed_difference_is_on_the_first_screen(reported: RunFolder) -> None:
    assert "is the same number at every seed although the values vary" in report_of(reported).split("## ")[0]


def test_the_same_record_gives_the_same_bytes(graded: RunFolder, tmp_path: Path) -> None:
    copy = copied(graded, tmp_path)
    first = write_report(copy)
    assert write_report(copy) == first
    written = next(line["data"]["files"] for line in lines_of(copy) if line["kind"] == "ReportWritten")
    assert written == first


def test_what_comes_after_the_verdict_changes_nothing(graded: RunFolder) -> None:
    entries = list(read(graded.journal))
    assert render(record_of(entries))[0] == render(record_of(entries[:-2]))[0]


EVIL = "<script>alert(1)</script> [x](javascript:alert(1)) ![i](http://evil.example/x.png) | `a` | # b http://e.example"


def test_words_of_strangers_are_inert(graded: RunFolder, tmp_path: Path) -> None:
    copy = copied(graded, tmp_path)
    lines = lines_of(copy)
    for line in lines:
        for idea in line["data"].get("ideas", []):
            idea |= {"title": EVIL, "claim": EVIL, "mechanism": EVIL, "refuted_by": f"- 1. {EVIL}"}
        if line["kind"] == "IdeaRejected":
            line["data"]["reason"] = EVIL
    write_lines(copy, lines, chain=True)
    report_again(copy)
    text = report_of(copy)
    html = MarkdownIt("commonmark", {"html": True, "linkify": False}).enable("table").render(text)
    assert "<script" not in html and "javascript:" not in re.sub(r"<p>.*?</p>|<li>.*?</li>", "", html, flags=re.DOTALL)
    assert set(re.findall(r'<a href="([^"]*)"', html)) <= {f"#{key}" for _, key in LINK.findall(text)}
    assert set(re.findall(r'<img src="([^"]*)"', html)) == {f"figures/{n}.svg" for n in ("effect", "paired", "curves")}
    assert "http://e" not in text


@given(st.text())
def test_any_text_is_one_plain_line(text: str) -> None:
    for made in (escape(text), quoted(text)):
        assert "\n" not in made
        html = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"> {quoted(text)}\n\nnext")
        assert not re.search(r"<(?!/?(?:p|blockquote)>)[a-z/!?]", html.replace("&lt;", ""))


@given(st.text(), st.text())
def test_a_table_keeps_its_shape(one: str, other: str) -> None:
    made = table(["a", "b"], [[code(one), quoted(other)]])
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(made)
    assert html.count("<td") == 2


@given(st.floats(-1e300, 1e300) | st.sampled_from([float("nan"), float("inf")]))
def test_a_printed_number_never_hides_sign_or_size(value: float) -> None:
    text = spell(value)
    if text != "n/a":
        assert float(text) == pytest.approx(value, rel=1e-3)
        assert text.startswith("-") == (value < 0)


def test_a_cell_cannot_mean_two_numbers() -> None:
    cells = Cells()
    cells.number("a", 1.0, "one", [1])
    with pytest.raises(ValueError, match="twice"):
        cells.number("a", 2.0, "two", [1])


def test_a_run_that_goes_on_keeps_stage_count_and_clock(graded: RunFolder) -> None:
    """Progress that is told what came before prints what an unbroken run would have printed."""
    entries = list(read(graded.journal))
    broken = [entry.seq for entry in entries if isinstance(entry.event, TrialFinished)][2]
    whole, rest = io.StringIO(), io.StringIO()
    unbroken, resumed = Progress(whole), Progress(rest)
    resumed.remember(entries[:broken])
    for entry in entries:
        unbroken.show(entry)
    for entry in entries[broken:]:
        resumed.show(entry)
    assert "3 trials" in rest.getvalue().splitlines()[0]
    assert whole.getvalue().endswith(rest.getvalue())
