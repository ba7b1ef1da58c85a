"""E-print archives that mean harm, and LaTeX that means well."""

from __future__ import annotations

import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from copilot.paper import eprint
from copilot.paper.eprint import open_eprint
from copilot.paper.source import find_main, read_source
from copilot.paper.tex import Macros, expand, plain, read_macros, strip_comments, without_dead
from tests.paper.made import make_tar

DOCUMENT = b"\\documentclass{article}\\begin{document}\\section{One}\\end{document}"


def test_names_that_point_out_of_the_archive_are_left() -> None:
    data = make_tar(
        {"../up.tex": b"x", "/abs.tex": b"x", "a/../../b.tex": b"x", "ok/main.tex": DOCUMENT},
        links={"l.tex": "/etc/passwd"},
    )
    assert list(open_eprint(data)) == ["ok/main.tex"]


def test_junk_and_binary_members_are_left() -> None:
    files = {
        "._main.tex": b"\x00",
        "__MACOSX/x.tex": b"x",
        "fig.pdf": b"%PDF",
        "bin.tex": b"\x00\x01",
        "main.tex": DOCUMENT,
    }
    assert list(open_eprint(make_tar(files))) == ["main.tex"]


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(eprint, "MAX_UNPACKED", 1_000_000)
    assert open_eprint(gzip.compress(b"\\documentclass" + b"a" * 3_000_000)) == {}


def test_single_file_pdf_and_nonsense() -> None:
    assert list(open_eprint(gzip.compress(DOCUMENT))) == ["main.tex"]
    assert open_eprint(b"%PDF-1.5 ...") == {}
    assert open_eprint(gzip.compress(b"%PDF-1.5 ...")) == {}
    assert open_eprint(b"\x1f\x8bbroken") == {}


@settings(max_examples=60)
@given(st.binary(max_size=2000))
def test_any_bytes_open_or_not(data: bytes) -> None:
    assert isinstance(open_eprint(data), dict)
    assert isinstance(open_eprint(b"\x1f\x8b\x08" + data), dict)


def test_comments() -> None:
    assert strip_comments("50\\% of % hidden\nrest") == "50\\% of \nrest"
    assert strip_comments("a\\begin{comment}b\\end{comment}c\\iffalse d \\fi e") == "ac e"


def test_macros_with_arguments_and_defaults() -> None:
    macros = read_macros(
        r"\newcommand{\x}[2][one]{#1-#2}\def\y{Y}\newcommand\z{\y!}\newcommand{\ours}{\textsc{Gate}\xspace}"
    )
    assert expand(r"\x{b} \x[c]{d} \z", macros) == "one-b c-d Y!"
    assert plain(r"The \ours model, \ours.", macros) == "The Gate model, Gate."


def test_macros_that_feed_each_other_stay_bounded() -> None:
    table = {f"m{chr(97 + i)}": (0, None, f"\\m{chr(98 + i)}" * 10) for i in range(20)}
    assert len(expand(r"\ma", Macros(dict(table)))) <= 400_000 * 10


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"Llu{\'\i}s M{\`a}rquez and Na\"{\i}ve \~n \c{c} {\o}", "Lluís Màrquez and Naïve ñ ç ø"),
        (r"\textbf{Bold} and \emph{it}~\cite{a,b}.", "Bold and it."),
        (r"``quoted'' --- 3--4 \& 5\%", "“quoted” — 3–4 & 5%"),
        (r"\href{http://x}{the site}\footnote{gone} here", "the site here"),
        (r"$x$ and $\alpha + 1$", "x and alpha + 1"),
        (r"\{a\} costs \$5", "{a} costs $5"),
    ],
)
def test_plain(tex: str, text: str) -> None:
    assert plain(tex) == text


@settings(max_examples=80)
@given(st.text(alphabet="\\{}[]$%&#ab \n", max_size=120))
def test_plain_never_raises(tex: str) -> None:
    assert isinstance(plain(tex), str)
    assert isinstance(
        read_source({"main.tex": "\\documentclass{a}\\begin{document}" + tex + "\\end{document}"}), object
    )


def test_main_file_is_the_one_beside_its_bibliography() -> None:
    body = DOCUMENT.decode()
    assert (
        find_main({"old/main.tex": body * 3, "paper.tex": body, "notes.tex": body * 2, "paper.bbl": ""}) == "paper.tex"
    )
    assert find_main({"a.tex": "no class"}) is None


def test_what_a_condition_leaves_out_is_no_text() -> None:
    text = r"\iffalse \section{Dead} \ifx a b \fi still \fi live \if0 gone \else kept \fi \iff ok"
    assert [word in without_dead(text) for word in ("Dead", "still", "live", "gone", "kept", r"\iff ok")] == [
        False, False, True, False, True, True,
    ]  # fmt: skip
    assert without_dead(r"one \iffalse two") == r"one \iffalse two", "never closed: left as it is"


def test_headings_in_listings_and_behind_the_end_of_input_are_none() -> None:
    main = rb"""\documentclass{article}\begin{document}\section{One}\input{a}\begin{verbatim}
\section{Typed} \end{verbatim}\section{Three}\end{document}"""
    files = open_eprint(make_tar({"main.tex": main, "a.tex": rb"\section{Two}\endinput\section{Notes}"}))
    paper = read_source(files)
    assert paper is not None and [heading.title for heading in paper.headings] == ["One", "Two", "Three"]


@pytest.mark.parametrize(
    "body", [rb"\iffalse ", rb"\begin{table}", rb"\begin{comment}", rb"\cite[", rb"\input{main}", b"{", rb"\section{"]
)
def test_what_is_opened_and_never_closed_takes_one_pass(body: bytes) -> None:
    began = time.monotonic()
    source = rb"\documentclass{article}\begin{document}\section{One}" + body * (120_000 // len(body))
    assert read_source(open_eprint(gzip.compress(source))) is not None
    assert time.monotonic() - began < 5


def test_macros_add_a_bounded_number_of_words() -> None:
    steps = "".join(f"\\newcommand{{\\{a}}}{{" + f"\\{b}" * 10 + "}" for a, b in zip("abcdef", "bcdefg", strict=True))
    source = rf"\documentclass{{article}}{steps}\newcommand{{\g}}{{words}}\begin{{document}}" + r"\section{\a}" * 200
    began = time.monotonic()
    assert read_source(open_eprint(source.encode())) is not None
    assert time.monotonic() - began < 5


def test_other_files_under_the_name_of_a_source_hold_none() -> None:
    inside = b"\\documentclass{article}\\begin{document}x"
    assert open_eprint(b"PK\x03\x04" + inside) == {} and open_eprint(b"<!DOCTYPE html>" + inside) == {}
