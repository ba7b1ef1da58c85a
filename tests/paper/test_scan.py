"""Scans and locked papers: the offer of OCR, recognised text that says so, and a password that is left nowhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import pymupdf
import pytest

from copilot import api
from copilot.config import PAPER_PASSWORD, Home, environment
from copilot.domain.task import Settings
from copilot.engine.pipeline import IDEAS_ONLY, drive
from copilot.engine.start import RECOGNISED, start_run
from copilot.errors import SetupError
from copilot.paper.ocr import WARNING, find_language_data
from copilot.paper.read import read_paper
from tests.paper.made import TITLE, small_paper

needs_tesseract = pytest.mark.skipif(find_language_data() is None, reason="Tesseract is not installed")


def rasterised(source: Path, target: Path, pages: int, dpi: int = 150) -> Path:
    """The first pages of a PDF as pictures, without a text layer."""
    with pymupdf.open(source) as pdf, pymupdf.open() as out:
        for page in list(pdf)[:pages]:
            picture = page.get_pixmap(dpi=dpi, colorspace=pymupdf.csGRAY).tobytes("jpg")
            new = out.new_page(width=page.rect.width, height=page.rect.height)
            new.insert_image(new.rect, stream=picture)
        out.save(target)
    return target


def test_a_scan_says_so_and_offers_what_is_installed(tmp_path: Path) -> None:
    scan = rasterised(small_paper(tmp_path / "text.pdf"), tmp_path / "scan.pdf", 2)
    paper = read_paper(scan, cache=tmp_path)
    says = "`--ocr` recognises" if find_language_data() else "Install Tesseract"
    assert any("No text layer" in warning and says in warning for warning in paper.warnings)
    assert not paper.recognised and not paper.looks_like_paper


@needs_tesseract
@pytest.mark.slow
def test_ocr_reads_a_scan_and_says_that_it_did(tmp_path: Path) -> None:
    scan = rasterised(small_paper(tmp_path / "text.pdf"), tmp_path / "scan.pdf", 2)
    paper = read_paper(scan, cache=tmp_path, ocr=True)
    assert paper.title == TITLE and paper.authors == ["Ada Lovelace", "Charles Babbage"]
    assert paper.recognised and WARNING in paper.warnings
    assert [section.title for section in paper.sections][-1] == "References"
    assert not read_paper(scan, cache=tmp_path).recognised, "without --ocr the recognised text must not come back"


@needs_tesseract
@pytest.mark.slow
def test_a_run_from_a_scan_bears_a_stamp(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    scan = rasterised(small_paper(tmp_path / "text.pdf"), tmp_path / "scan.pdf", 2)
    run = start_run("", str(scan), "", Settings(ocr=True), home, environment(home))
    assert RECOGNISED in api.state(run).stamps


@needs_tesseract
@pytest.mark.slow
def test_ocr_of_a_real_page(shared: Path, tmp_path: Path) -> None:
    source = shared / "papers" / "tsp_cvprstyle" / "paper.pdf"
    paper = read_paper(rasterised(source, tmp_path / "scan.pdf", 1, dpi=200), cache=tmp_path, ocr=True)
    assert paper.authors == ["Yihui He", "Ming Xiang"]
    assert "Salesman Problem" in paper.title and "greedy" in paper.page_texts[0]


def test_ocr_without_tesseract_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = rasterised(small_paper(tmp_path / "text.pdf"), tmp_path / "scan.pdf", 1)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert shutil.which("tesseract") is None
    with pytest.raises(SetupError, match="Tesseract"):
        read_paper(scan, cache=tmp_path, ocr=True)


@pytest.mark.slow
def test_a_run_opens_a_locked_paper_and_keeps_no_password(tmp_path: Path) -> None:
    home, word = Home(tmp_path / "home"), "lace-and-gates-7"
    with pymupdf.open(small_paper(tmp_path / "open.pdf")) as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=word, owner_pw="own")
    env = {**environment(home), PAPER_PASSWORD: word, "COPILOT_OFFLINE": "1"}
    run = start_run("", str(tmp_path / "locked.pdf"), "", Settings(), home, env)
    drive(run, home, env, phases=IDEAS_ONLY)
    state = api.state(run)
    assert state.paper is not None and state.paper.title == TITLE
    files = [path for path in home.root.rglob("*") if path.is_file()]
    assert len(files) >= 3 and all(word.encode() not in path.read_bytes() for path in files)
    without = {key: value for key, value in env.items() if key != PAPER_PASSWORD}
    drive(run, home, without, phases=IDEAS_ONLY)
    assert api.state(run).ideas, "a paper that was read needs no password again"
