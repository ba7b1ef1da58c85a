"""What was read from a paper, by `copilot.paper`; everything carries its place so that it can be shown there."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copilot.domain.base import Value

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in PDF points, origin at the top left of the page."""


class Place(Value):
    """Where something stands: page from 1, and its box when known."""

    page: int = Field(ge=1)
    box: Box | None = None


class Section(Value):
    """A heading with the text up to the next heading. `level` 1 is a main heading; `number` as printed ("3.1", "A")."""

    title: str
    level: int = 1
    number: str = ""
    page: int
    box: Box | None = None
    text: str = ""
    appendix: bool = False


class Reference(Value):
    """One entry of the bibliography; `text` as printed, parts where they could be told apart."""

    text: str
    authors: list[str] = []
    title: str = ""
    year: int | None = None
    venue: str = ""
    doi: str = ""
    arxiv_id: str = ""
    url: str = ""
    page: int | None = None


class Figure(Value):
    """A figure or a listing: its label ("Figure 2") and caption."""

    label: str
    caption: str
    page: int
    box: Box | None = None


class Table(Value):
    """A table: label, caption, and cells row by row where they could be read."""

    label: str
    caption: str
    page: int
    box: Box | None = None
    rows: list[list[str]] = []


class Equation(Value):
    """A displayed equation, as readable text (LaTeX when it came from source)."""

    text: str
    page: int
    box: Box | None = None
    number: str = ""


class Link(Value):
    """A link printed or embedded in the paper. `kind` tells code repositories apart."""

    url: str
    page: int
    kind: Literal["code", "data", "model", "paper", "other"] = "other"


ClaimKind = Literal["result", "finding", "method", "limitation", "future_work", "hyperparameter", "dataset"]


class Claim(Value):
    """An entry of the claims ledger: one thing that the paper itself says, with the words that say it.

    `quote` is verbatim; `grounded` is set by code that found it on `page`, never by who proposed the claim.
    """

    id: str
    kind: ClaimKind
    text: str
    quote: str
    page: int
    grounded: bool
    section: str = ""
    number: float | None = None
    unit: str = ""
    metric: str = ""
    dataset: str = ""
    model: str = ""


class Paper(Value):
    """A parsed paper. Fields that could not be read are empty, and `warnings` says so in words for a person."""

    source: str
    sha256: str
    title: str
    authors: list[str] = []
    abstract: str = ""
    sections: list[Section] = []
    references: list[Reference] = []
    figures: list[Figure] = []
    tables: list[Table] = []
    equations: list[Equation] = []
    links: list[Link] = []
    claims: list[Claim] = []
    warnings: list[str] = []
    pages: int = 0
    page_texts: list[str] = []
    """Plain reading-order text of each page: what a quote is checked against."""
    arxiv_id: str = ""
    recognised: bool = False
    """Whether text of it comes from OCR: words and numbers may be wrong."""
    looks_like_paper: bool = True
    """False when the document has text but not the marks of a research paper; then no ideas may be drafted from it."""
