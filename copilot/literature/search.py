"""Related work for a paper or a question: arXiv, else Semantic Scholar, else OpenAlex, else the paper's own references.

It always says where the answer came from, and why a service was passed over. Everything is optional: without a network
the paper's references are ranked by their words. Abstracts are strangers' texts: data, never instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from copilot.domain.base import Value
from copilot.domain.idea import RelatedPaper
from copilot.domain.paper import Reference
from copilot.literature.cache import Cache
from copilot.literature.novelty import novelty
from copilot.literature.similar import normal
from copilot.literature.sources import Unavailable, search_arxiv, search_openalex, search_s2
from copilot.literature.terms import search_terms, usable_terms

OWN_REFERENCES = "the paper's own references"
SERVICES: tuple[tuple[str, Callable[[Sequence[str], Cache], list[RelatedPaper]]], ...] = (
    ("arXiv", search_arxiv),
    ("Semantic Scholar", search_s2),
    ("OpenAlex", search_openalex),
)


class Found(Value):
    """Related papers, nearest first, with `similarity` filled; `source` and `notes` are sentences for the person."""

    papers: list[RelatedPaper]
    source: str
    notes: list[str] = []


def related(
    query: str,
    *,
    references: Sequence[Reference],
    top: int = 8,
    cache: Path,
    online: bool,
    terms: Sequence[str] = (),
) -> Found:
    """The `top` papers nearest to `query` (a title, a claim or a question) by their words.

    Online, the first service that answers is used and the references are ranked among its papers. `terms` are searched
    for instead of the telling words of the query. `cache` is a folder that may not exist yet. Never raises for a
    service that fails: that becomes a note.
    """
    own = [paper for reference in references if (paper := _from_reference(reference))]
    notes: list[str] = []
    found: list[RelatedPaper] = []
    source = ""
    terms = usable_terms(terms) or search_terms(query)
    if not online:
        notes.append("No literature search: working offline.")
    elif not terms:
        notes.append("No literature search: the question has no telling words.")
    else:
        found, source = _search(terms, Cache(cache), notes)
    named = " and ".join(part for part in (source, OWN_REFERENCES if own else "") if part) or "nothing"
    if not found and own:
        notes.append("Ranked from the paper's own references by their words; newer work is not seen.")
    return Found(papers=_nearest(query, [*found, *own], top), source=named, notes=notes)


def _search(terms: Sequence[str], cache: Cache, notes: list[str]) -> tuple[list[RelatedPaper], str]:
    """Papers of the first service that has any, and its name; why others were passed over goes into `notes`."""
    for name, ask in SERVICES:
        try:
            papers = ask(terms, cache)
        except (Unavailable, OSError) as error:
            notes.append(f"{name} could not be used ({error}).")
            continue
        if papers:
            return papers, f"{name} (cached)" if cache.hits else name
        notes.append(f"{name} found nothing for: {' '.join(terms)}.")
    return [], ""


def _nearest(query: str, papers: Sequence[RelatedPaper], top: int) -> list[RelatedPaper]:
    """Nearest first, without doubles and without the paper that is asked about."""
    kept: dict[str, RelatedPaper] = {}
    for paper in papers:
        key = normal(paper.title)
        if key and key != normal(query):
            kept.setdefault(key, paper)
    return novelty(query, list(kept.values()))[:top]


def _from_reference(reference: Reference) -> RelatedPaper | None:
    title = reference.title or reference.text[:300]
    if not title.strip():
        return None
    arxiv = f"https://arxiv.org/abs/{reference.arxiv_id}" if reference.arxiv_id else ""
    doi = f"https://doi.org/{reference.doi}" if reference.doi else ""
    return RelatedPaper(
        title=title,
        url=arxiv or doi or reference.url,
        year=reference.year,
        authors=reference.authors,
        source="reference",
    )
