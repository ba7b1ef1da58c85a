"""Code as records: the bundled prototypes a caller passes in, and the links that the paper itself prints.

These are known to us before any search, so they rank beside Hub repositories. Links to GitHub can be looked up for
commit and licence; no code is fetched or run here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from copilot.errors import SetupError
from copilot.hub import github
from copilot.hub.query import understand
from copilot.hub.values import Record

PAPER_LINK = "paper-link"
SURE = 0.4
"""How certain a task must be to be read out of a text."""
HOSTS = ("github.com", "gitlab.com", "huggingface.co", "bitbucket.org", "codeberg.org")


def tasks_in(text: str) -> tuple[str, ...]:
    """The tasks that a description of code speaks of, at most three: code has no task tag."""
    return tuple(task for task, weight in understand(text).tasks.items() if weight >= SURE)[:3]


def prototype_records(prototypes: Iterable[tuple[str, str]]) -> list[Record]:
    """Bundled prototypes as (name, text); ids are `prototype:NAME`; tasks are read out of the text by the rules."""
    records = []
    for name, text in prototypes:
        tasks = tasks_in(text)
        record = Record(
            id=f"prototype:{name}",
            kind="code",
            task=next(iter(tasks), ""),
            tasks=tasks,
            title=name.replace("_", " "),
            description=text,
            licence="apache-2.0",
            local=True,
        )
        records.append(record)
    return records


def link_records(urls: Sequence[str], title: str = "") -> list[Record]:
    """Code repositories that the paper links to, on known hosts; `title` is the paper's, so that its words match."""
    records = []
    for url in dict.fromkeys(urls):
        parts = urlsplit(url)
        path = [part for part in parts.path.split("/") if part]
        if (
            parts.scheme in ("http", "https")
            and (parts.hostname or "").removeprefix("www.") in HOSTS
            and len(path) >= 2
        ):
            name = f"{path[0]}/{path[1].removesuffix('.git')}"
            about = f"Code repository linked in the paper {title}".strip()
            records.append(Record(id=name, kind="code", title=name, description=about, url=url, tags=(PAPER_LINK,)))
    return records


def looked_up(records: Sequence[Record], endpoint: str = "") -> tuple[list[Record], list[str]]:
    """Linked repositories on GitHub with commit and licence, and a sentence for each that has no answer."""
    notes: list[str] = []
    return [_looked_up(record, endpoint, notes) if PAPER_LINK in record.tags else record for record in records], notes


def _looked_up(record: Record, endpoint: str, notes: list[str]) -> Record:
    name = github.name_of(record.url)
    if not name:
        return record
    try:
        found = github.look_up(name, github.reference_of(record.url), endpoint=endpoint)
    except SetupError as error:
        notes.append(f"The repository {name} that the paper links to is not pinned: {error}.")
        return record
    gone = ("its owner archived it",) if found.archived else ()
    return record.model_copy(
        update={
            "sha": found.revision,
            "licence": found.licence,
            "modified": found.changed,
            "likes": found.stars,
            "description": f"{record.description}. {found.description}",
            "tags": (*record.tags, *gone),
        }
    )
