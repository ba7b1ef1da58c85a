"""Title blocks and headings that change type halfway: what belongs together, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from copilot.domain.paper import Paper
from tests.paper.test_templates import ABSTRACT, SENTENCE, body, draw, head

Pieces = list[tuple[float, float, str, float, str]]
ABOVE: Pieces = [(72, 150, "Abstract", 12, "tibo"), *((90, 170 + 11 * i, ABSTRACT, 9, "tiro") for i in range(4))]
BELOW: Pieces = [*head(230, "1", "Introduction"), *body(250, 10), *head(400, "2", "Method"), *body(420, 10)]


def read(folder: Path, block: Pieces, above: Pieces = ABOVE, below: Pieces = BELOW) -> Paper:
    return draw(folder / "paper.pdf", [[*block, *above, *below], body(72, 40)], [])


PEOPLE: Pieces = [(180, 125, "Ada Boxer and Grace Bolt", 11, "tiro")]


def test_a_title_goes_on_after_a_colon_in_another_type(tmp_path: Path) -> None:
    paper = read(
        tmp_path,
        [(150, 80, "GateNet:", 16, "tiro"), (120, 99, "Gates of Small Networks Measured", 16, "tibo"), *PEOPLE],
    )
    assert paper.title == "GateNet: Gates of Small Networks Measured"
    assert paper.authors == ["Ada Boxer", "Grace Bolt"]


def test_a_title_that_speaks_of_abstract_things_is_no_abstract(tmp_path: Path) -> None:
    title: Pieces = [
        (120, 80, "GENERATION OF ANSWERS WITH", 14, "tibo"),
        (120, 97, "ABSTRACT MEANING MAPS", 14, "tibo"),
    ]
    paper = read(tmp_path, [*title, *PEOPLE])
    assert paper.title == "GENERATION OF ANSWERS WITH ABSTRACT MEANING MAPS"
    assert paper.abstract.startswith("Gates are said to help")


def test_a_title_may_end_in_technical_report(tmp_path: Path) -> None:
    paper = read(tmp_path, [(100, 80, "Gates of Small Networks: A Technical Report", 16, "tibo"), *PEOPLE])
    assert paper.title == "Gates of Small Networks: A Technical Report"


TITLE: Pieces = [(120, 80, "Gates of Small Networks Measured", 16, "tibo")]


@pytest.mark.parametrize(
    ("block", "names"),
    [
        (
            [
                (150, 120, "Ada Boxer", 12, "tibo"),
                (217, 120, "Grace Bolt", 12, "tibo"),
                (284, 120, "Lin Wu", 12, "tibo"),
            ],
            ["Ada Boxer", "Grace Bolt", "Lin Wu"],
        ),
        (
            [
                (150, 120, "Ada Boxer, Grace Bolt, ", 11, "tiro"),
                (263, 120, "Member, IEEE,", 11, "tiit"),
                (333, 120, "Lin Wu, and Bo Li, ", 11, "tiro"),
                (424, 120, "Fellow, IEEE", 11, "tiit"),
            ],
            ["Ada Boxer", "Grace Bolt", "Lin Wu", "Bo Li"],
        ),
        (
            [
                (150, 118, "Ada Boxer", 10, "tiro"),
                (196, 114, "1[0009-0007-6840-5791]", 7, "tiro"),
                (274, 118, ", Grace", 10, "tiro"),
                (150, 130, "Bolt", 10, "tiro"),
                (170, 126, "2[0009-0000-3342-1782]", 7, "tiro"),
                (248, 130, ", and Lin Wu", 10, "tiro"),
                (301, 126, "3[0009-0002-1169-2930]", 7, "tiro"),
            ],
            ["Ada Boxer", "Grace Bolt", "Lin Wu"],
        ),
        (
            [(150, 120, 'Ada "Countess" Boxer, Grace B.', 11, "tiro"), (150, 133, "Bolt, and Lin Wu", 11, "tiro")],
            ["Ada Boxer", "Grace B. Bolt", "Lin Wu"],
        ),
        (
            [
                (100, 100, "Ada Boxer", 9, "tiro"),
                (300, 100, "Grace Bolt", 9, "tiro"),
                (100, 111, "New York, USA", 9, "tiro"),
                (300, 111, "New Orleans, USA", 9, "tiro"),
                (100, 132, "Lin Wu", 9, "tiro"),
            ],
            ["Ada Boxer", "Grace Bolt", "Lin Wu"],
        ),
    ],
    ids=["quads", "members", "orcid", "nickname", "table"],
)
def test_authors(tmp_path: Path, block: Pieces, names: list[str]) -> None:
    assert sorted(read(tmp_path, [*TITLE, *block]).authors) == sorted(names)


def test_words_of_a_picture_do_not_end_an_abstract(tmp_path: Path) -> None:
    picture: Pieces = [(250, 163, "0.51398", 5, "helv"), (200, 187, "real time", 5, "helv")]
    paper = read(tmp_path, [*TITLE, *PEOPLE], [*ABOVE, *picture])
    assert paper.abstract == " ".join([ABSTRACT] * 4)


def test_a_bold_beginning_of_a_paragraph_is_no_heading(tmp_path: Path) -> None:
    run_in: Pieces = [(72, 560, "Extension of the gates of a network. It would", 10, "tibo")]
    run_in.append((290, 560, "be easy.", 10, "tiro"))
    small: Pieces = [
        (72, 230, "1 Introduction", 10, "tibo"), *body(250, 10), (72, 400, "2 Method", 10, "tibo"), *body(420, 10),
    ]  # fmt: skip
    paper = read(tmp_path, [*TITLE, *PEOPLE], below=[*small, *run_in, (72, 572, SENTENCE, 10, "tiro")])
    assert [s.title for s in paper.sections] == ["Abstract", "Introduction", "Method"]


def test_authors_in_a_grid_come_row_by_row_without_their_degrees(tmp_path: Path) -> None:
    grid: Pieces = [
        *TITLE,
        (260, 118, "Grace Bolt, PhD", 11, "tiro"),
        (90, 118.4, "Ada Boxer, M.S.", 11, "tiro"),
        (430, 118, "Lin Wu, Member, IEEE", 11, "tiro"),
        (250, 132, "B University", 9, "tiit"),
        (90, 132, "A University", 9, "tiit"),
        (430, 132, "C University", 9, "tiit"),
    ]
    assert read(tmp_path, grid).authors == ["Ada Boxer", "Grace Bolt", "Lin Wu"]


def test_a_title_and_authors_that_are_labelled(tmp_path: Path) -> None:
    labelled: Pieces = [
        (72, 90, "Title: Gates of small networks measured in the open", 10, "tiro"),
        (72, 115, "Authors: D.Smirnov, Ada Boxer, M.D., & Grace Bolt", 10, "tiro"),
    ]
    paper = read(tmp_path, labelled)
    assert paper.title == "Gates of small networks measured in the open"
    assert paper.authors == ["D. Smirnov", "Ada Boxer", "Grace Bolt"]


COVER: Pieces = [
    (72, 60, "Digital Repository of the University", 22, "helv"),
    (72, 120, "Gates of Small Networks Measured", 12, "helv"),
    (72, 140, "Publication Date: 2021", 10, "helv"),
    (72, 160, "Terms of Use: this file may be downloaded for private study", 10, "helv"),
]


def test_a_paper_begins_behind_its_cover(tmp_path: Path) -> None:
    first: Pieces = [*TITLE, *PEOPLE, *ABOVE, *BELOW]
    paper = draw(tmp_path / "paper.pdf", [COVER, first, body(72, 40)], [])
    assert paper.title == "Gates of Small Networks Measured"
    assert paper.authors == ["Ada Boxer", "Grace Bolt"]
    assert paper.abstract.startswith("Gates are said to help") and paper.sections[0].page == 2


def test_notes_beside_an_abstract_are_not_part_of_it(tmp_path: Path) -> None:
    words = ("Reviewed by:", "Lin Wu, D University", "Received: 1 May", "Correspondence:", "ada@a.example")
    notes: Pieces = [(72, 165 + 11 * i, text, 7, "heit") for i, text in enumerate(words)]
    wide: Pieces = [(182, 165 + 11 * i, ABSTRACT, 10, "tiro") for i in range(6)]
    paper = draw(tmp_path / "paper.pdf", [[*TITLE, *PEOPLE, *notes, *wide, *BELOW], body(72, 40)], [])
    assert paper.authors == ["Ada Boxer", "Grace Bolt"]
    assert paper.abstract == " ".join([ABSTRACT] * 6)


def test_a_large_first_letter_belongs_to_the_first_line(tmp_path: Path) -> None:
    large: Pieces = [(72, 264, "G", 28, "tibo"), (95, 250, "ates of every kind are", 10, "tiro"), *body(275, 6)]
    paper = read(tmp_path, [*TITLE, *PEOPLE], below=[*head(230, "1", "Introduction"), *large])
    assert "Gates of every kind are" in paper.page_texts[0]


def test_capitals_alone_tell_main_headings_from_those_below(tmp_path: Path) -> None:
    names = ("INTRODUCTION", "METHODS", "The Gate", "The Loss", "RESULTS", "First Round")
    heads: Pieces = [
        piece
        for i, name in enumerate(names)
        for piece in [(72.0, 230 + 80.0 * i, name, 10.0, "hebo"), *body(246 + 80 * i, 4)]
    ]
    paper = read(tmp_path, [*TITLE, *PEOPLE], below=heads)
    levels = {section.title: section.level for section in paper.sections}
    assert [levels[name] for name in names] == [1, 1, 2, 2, 1, 2]


def test_a_title_printed_again_before_the_text_is_no_heading(tmp_path: Path) -> None:
    again: Pieces = [(120, 90, "Gates of Small Networks Measured", 12, "tibo")]
    heads: Pieces = [
        piece
        for i, name in enumerate(("Introduction", "Methods", "Results"))
        for piece in [(72.0, 130 + 120.0 * i, name, 12.0, "tibo"), *body(150 + 120 * i, 7)]
    ]
    paper = draw(tmp_path / "paper.pdf", [[*TITLE, *PEOPLE, *ABOVE], [*again, *heads]], [])
    assert [section.title for section in paper.sections if section.level == 1][-3:] == [
        "Introduction",
        "Methods",
        "Results",
    ]
    assert not any(section.title.startswith("Gates of") for section in paper.sections)


def test_what_a_journal_prints_behind_the_entries_is_none(tmp_path: Path) -> None:
    entries: Pieces = []
    for i in range(10):
        entries += [
            (72, 120 + 24 * i, f"{'ABCDEFGHIJ'[i]}bel, K. (20{10 + i}). On gates of the {i}th kind, and a", 9, "tiro"),
            (84, 131 + 24 * i, "small network in practice. Journal of Gates 3, 1-9.", 9, "tiro"),
        ]  # fmt: skip
    entries += [(72, 370, "Conflict of Interest: none was found in 2020 by the authors.", 9, "tiro")]
    entries += [(72, 390, "Received: 3 May 2021. Copyright 2021 by the authors.", 9, "tiro")]
    pages = [[*TITLE, *PEOPLE, *ABOVE, *BELOW], [(72, 100, "References", 14, "tibo"), *entries]]
    assert len(draw(tmp_path / "paper.pdf", pages, []).references) == 10
