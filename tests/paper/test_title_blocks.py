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
