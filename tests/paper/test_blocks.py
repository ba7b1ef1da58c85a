"""Columns that stand side by side are never read as one sentence."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from copilot.domain.paper import Paper, Table
from copilot.paper.ground import ground
from copilot.paper.read import read_paper
from tests.paper.made import FILLER, Page, small_paper

LEFT = (
    "The gates of the left column open slowly and",
    "none of the widths that we tried changed the",
    "order of the runs.",
)
RIGHT = (
    "Every loss in the right column falls early",
    "and the best of the seeds reached ninety",
    "percent in two epochs.",
)


def two_columns(path: Path, gutter: float) -> Path:
    """A paper in one column whose last page ends in a short stretch of two."""
    pdf = pymupdf.open(small_paper(path.with_name("one.pdf")))
    page = Page(pdf)
    for _ in range(3):
        page.paragraph(FILLER * 2)
    right = 72 + max(pymupdf.Font("helv").text_length(line, 10) for line in LEFT) + gutter
    for left_line, right_line in zip(LEFT, RIGHT, strict=True):
        page.line(left_line)
        page.y -= 12.5
        page.line(right_line, x=right)
    pdf.save(path)
    return path


@pytest.mark.parametrize("gutter", [10, 40])
def test_a_quote_across_interleaved_columns_is_no_evidence(tmp_path: Path, gutter: float) -> None:
    paper = read_paper(two_columns(tmp_path / "two.pdf", gutter), cache=tmp_path / "cache")
    assert ground(paper, f"{LEFT[0]} {RIGHT[0]}") == (False, None)
    assert ground(paper, f"{RIGHT[0]} {LEFT[1]}") == (False, None)
    assert ground(paper, " ".join(LEFT)) == (True, 3)
    assert ground(paper, " ".join(RIGHT)) == (True, 3)


def test_a_section_that_was_read_across_columns_lends_no_evidence() -> None:
    text = f"{LEFT[0]} {RIGHT[0]} {LEFT[1]} {RIGHT[1]}"
    paper = Paper.model_validate(
        {
            "source": "x",
            "sha256": "",
            "title": "t",
            "page_texts": [" ".join(LEFT) + "\n" + " ".join(RIGHT)],
            "sections": [{"title": "S", "page": 1, "text": text}],
        }
    )
    assert ground(paper, f"{LEFT[0]} {RIGHT[0]}") == (False, None)


def test_no_quote_runs_across_a_blank_line() -> None:
    paper = Paper(source="x", sha256="", title="t", page_texts=["It goes on until here.\n\nFigure 1: the caption."])
    assert ground(paper, "goes on until here. Figure 1: the caption.") == (False, None)
    assert ground(paper, "It goes on\n\nuntil here.") == (True, 1)


def test_a_row_of_a_table_counts_as_printed() -> None:
    table = Table(
        label="Table 1", caption="c", page=2, rows=[["Gated net", "91.5", "0.42"], ["Dense net", "89.0", "0.50"]]
    )
    paper = Paper(source="x", sha256="", title="t", page_texts=["one", "two"], tables=[table])
    assert ground(paper, "Gated net 91.5 0.42") == (True, 2)
    assert ground(paper, "Gated net 89.0 0.50") == (False, None)
    assert ground(paper, "Gated net 91.5 0.42 Dense net") == (False, None)
