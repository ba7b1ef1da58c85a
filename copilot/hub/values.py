"""What the Hub room hands out: records as uploaded, hits as judged. Values only; nothing here reads or ranks."""

from __future__ import annotations

from typing import Literal

from copilot.domain.base import Value

Kind = Literal["model", "dataset", "code"]


class Record(Value):
    """One repository as its uploader describes it. Nothing in it is verified; None means that no source says."""

    id: str
    kind: Kind = "model"
    task: str = ""
    """The Hub's pipeline tag of a model, or the first task category of a dataset."""
    tasks: tuple[str, ...] = ()
    """Every task category and sub-task that the repository is tagged with."""
    tags: tuple[str, ...] = ()
    library: str = ""
    languages: tuple[str, ...] = ()
    """ISO 639 codes."""
    licence: str = ""
    datasets: tuple[str, ...] = ()
    """Data that a model says it was trained on, or that a dataset extends."""
    base_models: tuple[str, ...] = ()
    title: str = ""
    downloads: int | None = None
    likes: int | None = None
    modified: str = ""
    """ISO date of the last change."""
    gated: bool = False
    sha: str = ""
    files: tuple[str, ...] | None = None
    """File names at `sha`; None when the listing did not name them."""
    parameters: int | None = None
    bytes: int | None = None
    """Size of the weights, or of the data, where stated."""
    rows: int | None = None
    custom_code: bool = False
    """The repository's configuration points at Python of its own (`auto_map`), which loading would run."""
    description: str = ""
    card: str = ""
    aliases: tuple[str, ...] = ()
    url: str = ""
    local: bool = False
    """Ours (a bundled prototype), not an upload; never read from a listing."""
    problems: tuple[str, ...] = ()
    """What the Hub's own scan or state says against it."""


class Filters(Value):
    """What a person insists on. A hit that is known to break one is left out; where nothing is known it stays."""

    task: str = ""
    language: str = ""
    licence: str = ""
    max_parameters: int | None = None
    max_bytes: int | None = None
    exclude: tuple[str, ...] = ()
    """Ids that must not come back (for instance those a person rejected)."""
    task_data: tuple[str, ...] = ()
    """Dataset names that the experiment tests on: models trained on them are warned of."""
    memory_bytes: int | None = None
    """Memory to judge the fit by; None asks this machine."""
    allow_gated: bool = False
    allow_pickle: bool = False
    allow_remote_code: bool = False


class Hit(Value):
    """One answer, best first. `refused` hits are shown, but nothing may fetch or choose them."""

    id: str
    kind: Kind
    score: float
    why: str
    task: str = ""
    licence: str = ""
    downloads: int | None = None
    revision: str = ""
    """The commit to pin; empty when the source does not know it (the offline index)."""
    url: str = ""
    warnings: list[str] = []
    refused: bool = False
    weak: str = ""
    """Why it hardly fits the request; empty when it does."""


class Refusal(Value):
    """What was found and may not be used, and why. It is a hit too unless no permission would let it in."""

    id: str
    reasons: list[str]
    needs: list[str] = []
    """The permissions of `Filters` that it lacks; empty when a person cannot allow it at all."""

    @property
    def sentence(self) -> str:
        """For a person, without the name of any option."""
        until = "Refused until a person allows it" if self.needs else "Left out"
        return f"{until}: {self.id}: {'; '.join(self.reasons)}."


class Retrieved(Value):
    """The answer to one query and where it came from. `notes` are sentences for the person, such as a fall-back."""

    query: str
    kind: Kind
    hits: list[Hit]
    source: str
    notes: list[str] = []
    fits: bool = True
    """False when the first hits are all weak: then they are only the nearest there is."""
    refusals: list[Refusal] = []
    """The refused hits, and what scored as high as a hit but was left out."""


class Understood(Value):
    """What rules read out of a request. Weights lie between 0 and 1, the more certain the higher."""

    text: str
    brief: bool = False
    """So few words that each of them was chosen."""
    tasks: dict[str, float] = {}
    senses: tuple[str, ...] = ()
    """What it is about besides text: `image`, `video`, `audio`, `table`."""
    languages: tuple[str, ...] = ()
    direction: tuple[str, str] | None = None
    """From which language into which, for a translation."""
    licence: str = ""
    max_parameters: int | None = None
    small: bool = False
    names: tuple[str, ...] = ()
    """Words that look like names of models or datasets."""
    benchmarks: dict[str, float] = {}
    """Standard datasets of the topic, from `data/benchmarks.yaml`, by name without punctuation."""
    jargon: tuple[str, ...] = ()
    """What the field calls things that the request says in other words."""
    fields: dict[str, tuple[str, ...]] = {}
    """Special fields that it names (proteins, radar), with the words that say that something belongs to them."""
    special: dict[str, str] = {}
    """Words of a brief request (stem -> as typed) that our lexicon does not know: what fits has to have them."""
    near_data: dict[str, float] = {}
    """Standard datasets of the topics that share words with the request, the nearest 1."""
