"""The pieces below the pages: uploads, parameters, outlines, curves, bindings, names in URLs."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from altair.utils.schemapi import SchemaValidationError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from copilot.config import Home
from copilot.domain.idea import Scalar
from copilot.errors import SetupError
from copilot.hosting import uploads
from copilot.ui.parts import cells, charts, forms, outline, pageimage, session, stream
from tests.ui import canned

PDF = b"%PDF-1.7\n" + b"x" * 100
names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.\-]{0,20}", fullmatch=True)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=20)
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a loaded machine
@given(st.dictionaries(names, scalars, max_size=5))
def test_parameters_survive_the_form(parameters: dict[str, Scalar]) -> None:
    assert forms.parse_parameters(forms.parameters_text(parameters)) == parameters


def test_a_line_that_is_no_parameter_is_named() -> None:
    with pytest.raises(SetupError, match="learning rate 3"):
        forms.parse_parameters("lr = 0.1\nlearning rate 3")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b.pdf", "<script>.pdf", "", "." * 300, "ok paper.PDF"])
def test_an_upload_never_leaves_its_folder(tmp_path: Path, name: str) -> None:
    path = uploads.keep(PDF, name, tmp_path)
    assert path.parent == tmp_path / "uploads"
    assert path.read_bytes() == PDF
    assert path.suffix == ".pdf"
    assert len(path.name) < 60
    assert uploads.keep(PDF, name, tmp_path) == path


def test_what_is_no_pdf_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="not a PDF"):
        uploads.keep(b"<html>", "paper.pdf", tmp_path)


def test_what_is_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_MB", 0)
    with pytest.raises(SetupError, match="larger than"):
        uploads.keep(PDF, "paper.pdf", tmp_path)


def test_a_full_upload_folder_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "MAX_FOLDER_MB", 0)
    with pytest.raises(SetupError, match="full"):
        uploads.keep(PDF, "paper.pdf", tmp_path)


@pytest.mark.parametrize("name", ["", "demo", "../demo/x", "/etc/passwd", "demo/../demo", "a/b/c", "demo/.", "..\\x/y"])
def test_only_names_of_runs_are_opened(home: Path, name: str) -> None:
    canned.started(home / "logs")
    assert session.named(name) is None


def test_a_link_out_of_the_logs_is_not_followed(home: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = canned.started(tmp_path_factory.mktemp("other"))
    (home / "logs" / "demo").mkdir(parents=True)
    (home / "logs" / "demo" / "linked").symlink_to(elsewhere.path)
    assert session.named("demo/linked") is None


def test_outlines_say_what_became_of_runs(home: Path) -> None:
    logs = Home(home).logs
    done = outline.of(canned.finished(logs, "refuted", start="2026-11-20T09-00-00Z"))
    assert (done.status, done.verdict, done.title) == ("done", "refuted", "Activation steering in small models")
    asleep = outline.of(canned.started(logs))
    assert (asleep.status, asleep.verdict, asleep.llm) == ("running", None, "offline")


def test_an_outline_of_rubbish_is_empty(home: Path) -> None:
    run = canned.folder(home / "logs")
    run.journal.parent.mkdir()
    run.journal.write_bytes(b'\xff\xfe\n{"kind": 3}\n[]\n{"kind": "RunStarted", "data": {}}')
    assert outline.of(run).title == run.name


def test_curves_are_read_and_bounded(home: Path) -> None:
    path = home / "confirm" / "baseline" / "1" / "metrics.jsonl"
    path.parent.mkdir(parents=True)
    lines = [{"step": i, "name": "loss", "value": i} for i in range(10_000)]
    odd = ["{", "3", '{"step": 1, "name": "loss", "value": "Infinity"}', '{"step": null, "name": "a", "value": 1}']
    path.write_text("\n".join([*map(json.dumps, lines), *odd]))
    points = charts._read(path)
    assert 100 < len(points) <= charts.MAX_POINTS
    assert points[-1] == {"step": 9999.0, "name": "loss", "value": 9999.0, "arm": "baseline", "seed": "1"}


def test_curves_are_put_together_fast_and_checked_when_they_are_drawn() -> None:
    cells = [(arm, str(seed), step) for arm in ("baseline", "treatment") for seed in range(8) for step in range(200)]
    points = [{"arm": arm, "seed": seed, "step": step, "name": "loss", "value": 0.5} for arm, seed, step in cells]
    charts.curve_chart(points[:2], "loss")  # what is imported once per server is not the chart's cost
    began = time.process_time()
    chart = charts.curve_chart(points, "loss")
    assert time.process_time() - began < 0.1
    assert len(chart.to_dict()["layer"]) == 2
    chart["height"] = "tall"
    with pytest.raises(SchemaValidationError, match="tall"):
        chart.to_dict()


def test_one_point_is_no_curve() -> None:
    once = [{"name": "loss", "step": 1.0}, {"name": "loss", "step": 1.0}]
    twice = [{"name": "accuracy", "step": 1.0}, {"name": "accuracy", "step": 2.0}]
    assert charts.drawable(once + twice) == ["accuracy"]


def test_bindings_of_a_report(home: Path) -> None:
    run = canned.finished(home / "logs")
    bound = cells.bindings(run)
    assert set(bound) == {"t1"}
    found = cells.trace(run, bound["t1"])
    assert [entry.event.kind for entry in found.entries] == ["TrialFinished"]
    assert found.commands["confirm/baseline/1"].argv[:2] == ["python", "experiment.py"]
    (run.report / "cells.json").write_text("[1")
    assert cells.bindings(run) == {}


def pdf_with(text: str, path: Path) -> Path:
    """A PDF of two pages with this text on the second."""
    import pymupdf

    document = pymupdf.open()
    document.new_page()
    document.new_page().insert_text((72, 72), text)
    document.save(path)
    return path


def test_a_page_is_drawn_with_its_quote_marked(tmp_path: Path) -> None:
    path = pdf_with("We find that label smoothing helps a little.", tmp_path / "a.pdf")
    bare = pageimage.png_of(path, 2, "these words stand on no page at all")
    marked = pageimage.png_of(path, 2, "label smoothing helps a little")
    assert bare is not None and marked is not None
    assert bare.startswith(b"\x89PNG")
    assert marked != bare


def test_what_cannot_be_drawn_is_left_out(tmp_path: Path) -> None:
    assert pageimage.png_of(tmp_path / "none.pdf", 1) is None
    (tmp_path / "bad.pdf").write_bytes(b"%PDF-1.7 nothing")
    assert pageimage.png_of(tmp_path / "bad.pdf", 1) is None
    assert pageimage.png_of(pdf_with("x", tmp_path / "a.pdf"), 99) is None


def test_the_tail_of_a_missing_file_is_empty(tmp_path: Path) -> None:
    assert stream.tail_of(tmp_path / "none") == ""
    (tmp_path / "live.txt").write_text("a" * 10 + "the end")
    assert stream.tail_of(tmp_path / "live.txt", 7) == "the end"
