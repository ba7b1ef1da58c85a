"""From records and an understood request to a ranked list with reasons.

One `Catalogue` holds the records of one kind with their word index; ranking is a weighted sum of task, words,
standing and wishes, cut by what `safety` finds. Nothing is fetched here.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from copilot.domain.base import Value
from copilot.hub.code import PAPER_LINK
from copilot.hub.fit import misfit
from copilot.hub.lexical import Lexical, asked_words
from copilot.hub.query import bare, task_names, task_senses
from copilot.hub.safety import Judged, judge
from copilot.hub.values import Filters, Record, Understood
from copilot.hub.wishes import broken_filter, parameters, too_large, wished

VOTERS = 20
"""How many of the best records by words alone vote on the task."""
GOOD_MATCH = 0.45
"""The share of the best thinkable word score that counts as a full match; a best record below it counts less."""
BRIEF_FACTOR = 1.7
"""How much more the words of a brief request count."""
SHORTLIST = 40
"""How many records are judged for trust before the best are returned."""

KIN: dict[str, dict[str, float]] = {
    "conversational": {"text-generation": 0.6, "text2text-generation": 0.3},
    "text-generation": {"text2text-generation": 0.45, "conversational": 0.3},
    "text2text-generation": {"text-generation": 0.5, "translation": 0.35, "summarization": 0.3},
    "summarization": {"text2text-generation": 0.4},
    "translation": {"text2text-generation": 0.35},
    "zero-shot-image-classification": {"image-classification": 0.35},
    "image-classification": {"zero-shot-image-classification": 0.3},
    "zero-shot-object-detection": {"object-detection": 0.6},
    "object-detection": {"zero-shot-object-detection": 0.35},
    "mask-generation": {"image-segmentation": 0.6},
    "sentence-similarity": {"feature-extraction": 0.4},
    "feature-extraction": {"sentence-similarity": 0.4, "fill-mask": 0.2},
    "text-ranking": {"sentence-similarity": 0.4, "text-classification": 0.3},
    "image-text-to-text": {"visual-question-answering": 0.5, "image-to-text": 0.4},
    "visual-question-answering": {"image-text-to-text": 0.5},
    "voice-activity-detection": {"automatic-speech-recognition": 0.5},
    "text-to-audio": {"text-to-speech": 0.4},
    "image-feature-extraction": {"feature-extraction": 0.3, "zero-shot-image-classification": 0.3},
    "video-text-to-text": {"image-text-to-text": 0.3},
    "robotics": {"reinforcement-learning": 0.4},
    "time-series-forecasting": {"tabular-regression": 0.3},
    "unconditional-image-generation": {"text-to-image": 0.3},
    "zero-shot-classification": {"text-classification": 0.4},
}  # fmt: skip
"""Tasks that often do for another one, with how well."""

DATASET_KIN = {
    "zero-shot-classification": "text-classification", "conversational": "text-generation",
    "sentence-similarity": "text-classification", "text-ranking": "text-retrieval",
    "image-text-to-text": "visual-question-answering", "zero-shot-image-classification": "image-classification",
    "unconditional-image-generation": "image-classification",
}  # fmt: skip

_DRAFT = re.compile(
    r"(?:^|[-_/.])(?:random|dummy|test\w*|temp|temporary|templates?|playground|demo|scratch\w*|copy|cloned|unknown|internal"
    r"|private|autotrain)(?=[-_/.]|$)",
    re.I,
)


class Ranked(Value):
    """One record with its score, the parts of it, and what safety found."""

    record: Record
    score: float
    judged: Judged
    parts: dict[str, float]
    weak: str = ""
    """Why it hardly fits; empty when it does."""


def task_weights(wanted: dict[str, float]) -> dict[str, float]:
    """Weights for tasks and, more weakly, for their kin."""
    weights = dict(wanted)
    for task, weight in wanted.items():
        for kin, share in KIN.get(task, {}).items():
            weights[kin] = max(weights.get(kin, 0.0), weight * share)
        if other := DATASET_KIN.get(task):
            weights[other] = max(weights.get(other, 0.0), weight * 0.5)
    return weights


class Facts(NamedTuple):
    """What is worked out once about a record, whatever is asked."""

    record: Record
    name: str
    size: int | None
    standing: float
    """Popularity as a prior, 0 to 1: downloads, likes and mentions on a log scale."""
    tagged: tuple[str, ...]
    """Tasks that it names among its tags only."""
    senses: frozenset[str]
    draft: bool
    """Its name says that it is a test, a demo, a copy or the outcome of an automatic run."""


class Catalogue:
    """Records of one kind, ready to be ranked. `mentions` counts how often others name a dataset as their data."""

    def __init__(self, records: Sequence[Record], mentions: Counter[str] | None = None) -> None:
        self.records = list({record.id: record for record in records}.values())
        self.code = any(record.kind == "code" for record in self.records)
        self.mentions = mentions if mentions is not None else mention_counts(records)
        self._judged: dict[tuple[int, bool, bool, bool], Judged] = {}

    @cached_property
    def lexical(self) -> Lexical:
        return Lexical(self.records)

    @cached_property
    def facts(self) -> list[Facts]:
        return [_facts(record, self.mentions[bare(record.id)]) for record in self.records]

    def rank(self, wish: Understood, filters: Filters, top: int) -> list[Ranked]:
        """Best first. The SHORTLIST (or 3 x `top`) best by score are judged and returned; distrusted ones sink."""
        if not self.records:
            return []
        scored = sorted(
            ((sum(parts.values()), n, parts) for n, parts in self._parts(wish, filters)),
            key=lambda item: (-item[0], self.records[item[1]].id),
        )
        having = self._having(wish)
        ranked = []
        for score, n, parts in scored[: max(SHORTLIST, 3 * top)]:
            judged = self._judge(n, filters)
            weak = misfit(self.records[n], wish, parts, [name for name, found in having.items() if not found[n]])
            ranked.append(
                Ranked(record=self.records[n], score=score * judged.factor, judged=judged, parts=parts, weak=weak)
            )
        return sorted(ranked, key=lambda item: -item.score)

    def _judge(self, n: int, filters: Filters) -> Judged:
        key = (n, filters.allow_gated, filters.allow_pickle, filters.allow_remote_code)
        if key not in self._judged:
            self._judged[key] = judge(self.records[n], filters)
        return self._judged[key]

    def _words(self, wish: Understood) -> Any:
        asked = asked_words(wish.text, wish.jargon, data=self.records[0].kind == "dataset")
        scores = self.lexical.scores(asked)
        best = max(float(scores.max(initial=0.0)), GOOD_MATCH * self.lexical.bound(asked), 1e-9)
        return scores / best * (BRIEF_FACTOR if wish.brief else 1.0)

    def _having(self, wish: Understood) -> dict[str, Any]:
        """For each special field and word of the request, which records have it."""
        fields = {field: self.lexical.having(words) for field, words in wish.fields.items()}
        return fields | {word: self.lexical.having([stem], family=True) for stem, word in wish.special.items()}

    def _vote(self, words: Any) -> dict[str, float]:
        """The tasks of the records that match best by words, as shares."""
        votes: defaultdict[str, float] = defaultdict(float)
        for n in words.argsort()[::-1][:VOTERS]:
            if words[n] > 0 and self.records[n].task:
                votes[self.records[n].task] += float(words[n])
        total = sum(votes.values()) or 1.0
        return {task: count / total for task, count in votes.items()}

    def _parts(self, wish: Understood, filters: Filters) -> Iterable[tuple[int, dict[str, float]]]:
        """The weighted parts of the score of every record that breaks no limit, with its position."""
        words = self._words(wish)
        weights, vote = task_weights(wish.tasks), self._vote(words)
        insists = filters != Filters()
        for n, facts in enumerate(self.facts):
            record = facts.record
            if (insists and broken_filter(record, filters)) or too_large(facts.size, wish):
                continue
            scale = DATASET_WEIGHTS if record.kind == "dataset" else CODE_WEIGHTS if self.code else MODEL_WEIGHTS
            parts = {**_parts_of(facts, wish, weights), "vote": vote.get(record.task, 0.0), "words": float(words[n])}
            yield n, {name: weight * parts[name] for name, weight in scale.items()}


def _facts(record: Record, mentions: int) -> Facts:
    names, senses = task_names(), task_senses()
    return Facts(
        record,
        name=bare(record.id),
        size=parameters(record),
        standing=_standing(record, mentions),
        tagged=tuple(tag for tag in record.tags if "-" in tag and tag in names and tag not in record.tasks),
        senses=frozenset().union(*(senses.get(task, frozenset()) for task in record.tasks)),
        draft=bool(_DRAFT.search(record.id)),
    )


def _parts_of(facts: Facts, wish: Understood, weights: dict[str, float]) -> dict[str, float]:
    """Every part that looks at one record alone, before weighting."""
    record, data = facts.record, facts.record.kind == "dataset"
    return {
        "task": max((weights.get(task, 0.0) for task in record.tasks), default=0.0),
        "tagged": max((weights.get(task, 0.0) for task in facts.tagged), default=0.0),
        "sense": _sense_fit(facts.senses, wish),
        "standing": facts.standing,
        "draft": float(facts.draft),
        "name": _named(record, facts.name, wish),
        "wishes": wished(record, facts.size, wish),
        "near": _benchmark(facts.name, wish.near_data) if data else 0.0,
        "benchmark": _benchmark(facts.name, wish.benchmarks) if data else 0.0,
        "ours": _ours(record),
    }


MODEL_WEIGHTS = {
    "task": 1.5, "words": 0.6, "standing": 0.2, "name": 0.2, "wishes": 0.35, "sense": 0.25, "tagged": 0.2, "vote": 0.1,
    "draft": -0.1,
}  # fmt: skip
"""Found by coordinate ascent over the requests that may be read; the optimum is flat."""
CODE_WEIGHTS = {
    "task": 0.6, "words": 0.8, "standing": 0.1, "name": 0.4, "wishes": 0.1, "ours": 0.9, "sense": 0.1, "tagged": 0.1,
}  # fmt: skip
DATASET_WEIGHTS = {
    "task": 0.15, "words": 0.55, "standing": 0.25, "name": 0.5, "wishes": 0.4, "near": 0.45, "benchmark": 0.5,
    "sense": 0.2, "draft": -0.1,
}  # fmt: skip


def mention_counts(records: Iterable[Record]) -> Counter[str]:
    """How many records name a dataset as what they were trained on or extend."""
    counts: Counter[str] = Counter()
    for record in records:
        named = set(record.datasets)
        named |= {tag.split("|", 1)[1] for tag in record.tags if tag.startswith("source_datasets:extended|")}
        counts.update({bare(name) for name in named})
    return counts


def _standing(record: Record, mentions: int) -> float:
    downloads = math.log10(1 + (record.downloads or 0)) / 7
    likes = math.log10(1 + (record.likes or 0)) / 4
    cited = math.log10(1 + mentions) / 2
    if record.kind == "dataset":
        return min(1.0, 0.4 * downloads + 0.2 * likes + 0.8 * cited)
    return min(1.0, 0.6 * downloads + 0.4 * likes)


def _named(record: Record, name: str, wish: Understood) -> float:
    """1 when the request names the repository, less when it names an architecture or family in its name."""
    if "/" in record.id and record.id.lower() in wish.text.lower():
        return 1.0
    best: float = 0.0
    for word in wish.names:
        plain = bare(word)
        if len(plain) >= 3 and plain == name:
            best = 1.0
        elif len(plain) >= 3 and name.startswith(plain):
            best = max(best, 0.5)
        elif len(plain) >= 4 and plain in name:
            best = max(best, 0.35)
    return best


def _benchmark(name: str, standard: dict[str, float]) -> float:
    if name in standard:
        return standard[name]
    return max(
        (0.7 * weight for key, weight in standard.items() if len(key) >= 6 and name.startswith(key)), default=0.0
    )


def _ours(record: Record) -> float:
    """What the paper links to comes before the rest, if it can be pinned; our prototypes have to fit by their words."""
    if record.local:
        return 0.5
    return 0.0 if PAPER_LINK not in record.tags else 1.0 if record.sha else 0.8


def _sense_fit(senses: frozenset[str], wish: Understood) -> float:
    """From -1 to 0: how much of what the request speaks of the record's task does not take or give."""
    if not wish.senses:
        return 0.0
    return len(senses & set(wish.senses)) / len(wish.senses) - 1
