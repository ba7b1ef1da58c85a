"""The report's files: report.md and cells.json from the journal, figures with the data behind them, PDF and bundle.

`texts_of` gives everything that must come out byte for byte on any machine; `write_report` writes, draws and packs.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from copilot.journal import read
from copilot.report.bundle import write_bundle
from copilot.report.cells import Cells
from copilot.report.figure import Figure
from copilot.report.figures import data_of, figures_of, png, svg
from copilot.report.pdf import pdf_of
from copilot.report.record import Record, record_of
from copilot.report.render import render
from copilot.runs import RunFolder


@dataclass(frozen=True)
class Texts:
    """The report as text: file name below report/ -> content, and what it was made of."""

    files: dict[str, str]
    figures: Sequence[Figure]
    cells: Cells


def texts_of(record: Record, trials: Path) -> Texts:
    """All files of the report that are text and do not depend on fonts. `trials`: the run's folder of that name."""
    figures = figures_of(record, trials)
    text, cells = render(record, figures)
    files = {"report.md": text, "cells.json": json.dumps(cells.dump(), indent=1, sort_keys=True) + "\n"}
    files |= {f"figures/{figure.name}.json": data_of(figure) for figure in figures}
    return Texts(files, figures, cells)


def drawn_of(texts: Texts) -> dict[str, str]:
    """The figures as SVG: name below report/ -> content."""
    return {f"figures/{figure.name}.svg": svg(figure) for figure in texts.figures}


def pdf_from(record: Record, texts: Texts, drawn: dict[str, str]) -> bytes:
    """The report as PDF."""
    pictures = {figure.name: png(drawn[f"figures/{figure.name}.svg"]) for figure in texts.figures}
    footer = f"{record.state.run}   protocol {record.state.protocol_hash[:16]}   {record.verdict.word}"
    listed = {key: bound for key, bound in texts.cells.bound.items() if key not in texts.cells.spoken}
    return pdf_of(texts.files["report.md"], listed, pictures, footer)


def write_report(run: RunFolder) -> dict[str, str]:
    """Write the report of a run that has a verdict; file name (relative to the run) -> SHA-256. Raises SetupError."""
    record = record_of(read(run.journal))
    texts = texts_of(record, run.trials)
    drawn = drawn_of(texts)
    shutil.rmtree(run.report / "figures", ignore_errors=True)
    for name, content in (texts.files | drawn).items():
        _replace(run.report / name, content.encode("utf-8", "surrogatepass"))
    _replace(run.report / "report.pdf", pdf_from(record, texts, drawn))
    write_bundle(run, record, run.report / "bundle.zip")
    made = [*texts.files, *drawn, "report.pdf", "bundle.zip"]
    return {f"report/{name}": _sha256(run.report / name) for name in sorted(made)}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _replace(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(data)
    temporary.replace(path)
