"""What papers of other templates do: section numbers at a page's top, no heading on the abstract, odd outlines."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest

from copilot.domain.paper import Paper
from copilot.paper.assemble import parse_pdf
from copilot.paper.limits import ReadLimits
from copilot.paper.names import is_name, is_organisation

SENTENCE = "A plain line of running text that says what the gates of the small network do to each example."
ABSTRACT = "Gates are said to help in small networks, but nobody has measured by how much they do so in practice."


def draw(path: Path, pages: list[list[tuple[float, float, str, float, str]]], outline: list[list[object]]) -> Paper:
    """A PDF of (x, y, text, size, font) pieces, read."""
    with pymupdf.open() as pdf:
        for pieces in pages:
            page = pdf.new_page(width=612, height=792)
            for x, y, text, size, font in pieces:
                page.insert_text((x, y), text, fontsize=size, fontname=font)
        if outline:
            pdf.set_toc(outline)
        pdf.save(path)
    return parse_pdf(path, None, ReadLimits())


def body(top: float, count: int = 20) -> list[tuple[float, float, str, float, str]]:
    return [(72, top + 12 * i, SENTENCE, 10, "tiro") for i in range(count)]


def head(y: float, number: str, title: str) -> list[tuple[float, float, str, float, str]]:
    """A numbered heading, its number a piece apart, as TeX draws it."""
    return [(72, y, number, 14, "tibo"), (96, y, title, 14, "tibo")]


@pytest.fixture(scope="module")
def paper(tmp_path_factory: pytest.TempPathFactory) -> Paper:
    title = [(150.0, 90.0, "Gates of Small Networks Measured", 18.0, "tibo")]
    people = [(180.0, 120.0, "Sejune Cheon, Kieran Milan, and Ada Boxer", 11.0, "tiro")]
    abstract = [(90, 160 + 11 * i, ABSTRACT, 9, "tiit") for i in range(4)]
    first = [*title, *people, *abstract, *head(230, "1", "Introduction"), *body(250)]
    second = [*head(60, "2", "Background"), *body(80)]
    third = [*head(60, "3", "Method"), *body(80), *head(400, "4", "Results"), *body(420, 8)]
    outline = [[1, "Sejune Cheon, Kieran Milan, and Ada Boxer", 1], [1, ABSTRACT, 1], [1, "Key words", 1]]
    return draw(tmp_path_factory.mktemp("made") / "paper.pdf", [first, second, third], outline)


def test_a_section_number_at_the_top_of_its_page_is_no_page_number(paper: Paper) -> None:
    assert [(s.number, s.title) for s in paper.sections] == [
        ("1", "Introduction"),
        ("2", "Background"),
        ("3", "Method"),
        ("4", "Results"),
    ], "neither numbers that equal the page nor an outline without headings may lose a section"


def test_an_abstract_without_a_heading(paper: Paper) -> None:
    assert paper.abstract.startswith(ABSTRACT) and "running text" not in paper.abstract


def test_names_that_hold_a_month_a_city_or_a_box(paper: Paper) -> None:
    assert paper.authors == ["Sejune Cheon", "Kieran Milan", "Ada Boxer"]
    assert is_name("Ian J. Goodfellow") and not is_organisation("Angela Schoolcraft")
    assert not is_name("Milan, Italy") and not is_name("Politecnico di Milano University")


def test_running_text_under_the_title_is_no_abstract(tmp_path: Path) -> None:
    title = [(150.0, 90.0, "Gates of Small Networks Measured", 18.0, "tibo")]
    pages = [[*title, *body(140, 40)], [*body(60, 40)]]
    assert draw(tmp_path / "plain.pdf", pages, []).abstract == ""


def test_a_bibliography_without_a_heading(tmp_path: Path) -> None:
    title = [(150.0, 90.0, "Gates of Small Networks Measured", 18.0, "tibo")]
    works = [
        (72.0, 60.0 + 14 * i, f"{i + 1}. A. Writer, On gates, J. Nets {i} (20{10 + i}).", 8.0, "tiro")
        for i in range(12)
    ]
    paper = draw(tmp_path / "plain.pdf", [[*title, *body(140, 40)], [*body(60, 40)], [*body(60, 10)], works], [])
    assert [r.year for r in paper.references] == list(range(2010, 2022))
