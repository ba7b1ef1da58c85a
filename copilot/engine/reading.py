"""Phase 1: read the paper, take down its claims, look for its neighbours. Skips what the journal already has."""

from __future__ import annotations

import time
from pathlib import Path

from copilot.agents.keywords import Keywords, keywords
from copilot.agents.ledger import ledger
from copilot.config import PAPER_PASSWORD
from copilot.domain.paper import Paper
from copilot.domain.task import Settings
from copilot.engine.services import Services, refuse_no_paper
from copilot.errors import RunFailed
from copilot.events import ClaimsExtracted, LiteratureFound, PaperRead


def read(services: Services) -> None:
    """Paper and claims into the journal, when the task has a paper."""
    state, desk = services.state, services.desk
    if not services.task.head.paper or state.paper is not None:
        return
    from copilot.paper.read import read_paper

    local = services.run.paper
    source = str(local) if local.is_file() else services.task.head.paper
    began = time.monotonic()
    ocr = (state.settings or Settings()).ocr
    paper = read_paper(source, cache=services.home.cache, password=services.env.get(PAPER_PASSWORD), ocr=ocr)
    if source == str(local):
        paper = paper.model_copy(update={"source": Path(services.task.head.paper).name})
    event = PaperRead(
        source=paper.source,
        sha256=paper.sha256,
        title=paper.title,
        authors=paper.authors,
        pages=paper.pages,
        blob=desk.blobs.put(paper.model_dump_json()),
        warnings=paper.warnings,
        seconds=round(time.monotonic() - began, 3),
    )
    desk.record(event)


def claims(services: Services) -> None:
    """The claims ledger into the journal. Raises CannotDo when there is nothing to draft ideas from."""
    if services.state.paper is None:
        return
    paper = paper_of(services)
    if services.state.claims is None:
        services.desk.record(ClaimsExtracted(claims=ledger(services.desk, paper)))
    refuse_no_paper(paper)


def literature(services: Services) -> None:
    """Related work: from the network when it is there, else from the paper's own references, and it says which."""
    if _searched(services) or services.task.sealed:
        return
    from copilot.literature.search import related

    paper = paper_of(services) if services.state.paper else None
    query = paper.title if paper else services.task.body
    online = services.env.get("COPILOT_OFFLINE", "") != "1"
    chosen = keywords(services.desk, paper, services.task.body) if online else Keywords()
    if _searched(services):
        return  # a replay puts in what was found then, right after the keywords
    found = related(
        query,
        references=paper.references if paper else [],
        cache=services.home.cache / "literature",
        online=online,
        terms=chosen.terms,
    )
    notes = [*chosen.told(), *found.notes]
    event = LiteratureFound(query=query[:500], papers=found.papers, source=found.source, notes=notes)
    services.desk.record(event)


def _searched(services: Services) -> bool:
    return services.state.literature is not None


def paper_of(services: Services) -> Paper:
    """The parsed paper with the ledger of this run. Raises RunFailed when there is none."""
    if services.state.paper is None:
        raise RunFailed("this run has no paper")
    paper = Paper.model_validate_json(services.desk.blobs.get(services.state.paper.blob))
    claims = services.state.claims
    return paper if claims is None else paper.model_copy(update={"claims": claims})
