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
from itertools import pairwise
from typing import Any

from copilot.domain.base import Value
from copilot.hub.code import PAPER_LINK
from copilot.hub.lexical import Lexical, asked_words
from copilot.hub.query import bare
from copilot.hub.safety import Judged, judge
from copilot.hub.values import Filters, Record, Understood

VOTERS = 20
"""How many of the best records by words alone vote on the task."""
VOTE = 0.25
GOOD_MATCH = 0.45
"""The share of the best thinkable word score that counts as a full match; a best record below it counts less."""
BRIEF, BRIEF_FACTOR = 5, 1.3
"""In a request of so few words each of them was chosen: they count more."""
MOST_WISHED = 1.5
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

_SIZE = re.compile(r"(?<![A-Za-z\d.])(\d+(?:\.\d+)?)\s?([bm])(?![A-Za-z])", re.IGNORECASE)
_SMALL = re.compile(
    r"(?:^|[-_/])(?:tiny|mini|small|base|distil\w*|nano|lite|mobile\w*|xs|efficient\w*)(?=[-_/]|$)", re.I
)
_PERMISSIVE = (
    "apache",
    "mit",
    "bsd",
    "cc0",
    "cc-by-4",
    "cc-by-3",
    "cc-by-sa",
    "unlicense",
    "openrail",
    "odc-by",
    "pddl",
)


class Ranked(Value):
    """One record with its score, the parts of it, and what safety found."""

    record: Record
    score: float
    judged: Judged
    parts: dict[str, float]


def parameters(record: Record) -> int | None:
    """Number of weights: stated by the Hub, else read from a name like `opt-125m` or `llama-7b`."""
    if record.parameters:
        return record.parameters
    match = _SIZE.search(record.id.rsplit("/", 1)[-1].replace("_", "-"))
    return int(float(match[1]) * (1e9 if match[2].lower() == "b" else 1e6)) if match else None


def task_weights(wanted: dict[str, float]) -> dict[str, float]:
    """Weights for tasks and, more weakly, for their kin."""
    weights = dict(wanted)
    for task, weight in wanted.items():
        for kin, share in KIN.get(task, {}).items():
            weights[kin] = max(weights.get(kin, 0.0), weight * share)
        if other := DATASET_KIN.get(task):
            weights[other] = max(weights.get(other, 0.0), weight * 0.5)
    return weights


def licence_matches(licence: str, wish: str) -> bool | None:
    """Whether a licence tag satisfies a wish; None when the record names none."""
    if not licence or licence in ("unknown", "other"):
        return None
    plain = licence.lower()
    if wish == "permissive":
        return plain.startswith(_PERMISSIVE) and "-nc" not in plain and "-nd" not in plain
    return plain.startswith(wish.split("-2")[0]) and ("nc" in wish or "-nc" not in plain)


def language_fits(record: Record, codes: Iterable[str]) -> bool | None:
    """Whether a record covers one of the languages; None when it names none."""
    if not record.languages:
        return None
    own = {code.split("-")[0] for code in record.languages} | {code[:2] for code in record.languages if len(code) == 3}
    return bool(own & set(codes)) or bool(own & {"multilingual", "mul"})


def broken_filter(record: Record, filters: Filters) -> bool:
    """True when the record is known to break what the person insists on."""
    size = parameters(record)
    return (
        record.id in filters.exclude
        or bool(filters.task and record.tasks and filters.task not in record.tasks)
        or bool(filters.language and language_fits(record, (filters.language,)) is False)
        or bool(filters.licence and licence_matches(record.licence, filters.licence.lower()) is False)
        or bool(filters.max_parameters and size and size > filters.max_parameters)
        or bool(filters.max_bytes and record.bytes and record.bytes > filters.max_bytes)
    )


class Catalogue:
    """Records of one kind, ready to be ranked. `mentions` counts how often others name a dataset as their data."""

    def __init__(self, records: Sequence[Record], mentions: Counter[str] | None = None) -> None:
        self.records = list({record.id: record for record in records}.values())
        self.code = any(record.kind == "code" for record in self.records)
        self.mentions = mentions if mentions is not None else mention_counts(records)
        self._lexical: Lexical | None = None
        self._judged: dict[tuple[int, bool, bool, bool], Judged] = {}

    @property
    def lexical(self) -> Lexical:
        if self._lexical is None:
            self._lexical = Lexical(self.records)
        return self._lexical

    @cached_property
    def standing(self) -> list[float]:
        """Popularity as a prior, 0 to 1: downloads, likes and mentions on a log scale."""
        return [_standing(record, self.mentions[bare(record.id)]) for record in self.records]

    @cached_property
    def sizes(self) -> list[int | None]:
        return [parameters(record) for record in self.records]

    @cached_property
    def names(self) -> list[str]:
        return [bare(record.id) for record in self.records]

    def rank(self, wish: Understood, filters: Filters, top: int) -> list[Ranked]:
        """Best first. The SHORTLIST (or 3 x `top`) best by score are judged and returned; distrusted ones sink."""
        if not self.records:
            return []
        words = self._words(wish)
        weights = self._task_weights(wish, words)
        scored = sorted(
            (
                (sum(parts.values()), n, parts)
                for n, parts in enumerate(self._parts(wish, weights, words, filters))
                if parts
            ),
            key=lambda item: (-item[0], self.records[item[1]].id),
        )
        ranked = []
        for score, n, parts in scored[: max(SHORTLIST, 3 * top)]:
            judged = self._judge(n, filters)
            ranked.append(Ranked(record=self.records[n], score=score * judged.factor, judged=judged, parts=parts))
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
        return scores / best * (BRIEF_FACTOR if len(asked) <= BRIEF else 1.0)

    def _task_weights(self, wish: Understood, words: Any) -> dict[str, float]:
        """What the rules read, plus the vote of the records that match by words."""
        votes: defaultdict[str, float] = defaultdict(float)
        for n in words.argsort()[::-1][:VOTERS]:
            if words[n] > 0 and self.records[n].task:
                votes[self.records[n].task] += float(words[n])
        total = sum(votes.values()) or 1.0
        weights = {task: weight**1.5 for task, weight in wish.tasks.items()}
        for task, count in votes.items():
            weights[task] = weights.get(task, 0.0) + VOTE * count / total
        return task_weights(weights)

    def _parts(
        self, wish: Understood, weights: dict[str, float], words: Any, filters: Filters
    ) -> Iterable[dict[str, float]]:
        insists = filters != Filters()
        for n, record in enumerate(self.records):
            if (insists and broken_filter(record, filters)) or _too_large(self.sizes[n], wish):
                yield {}
                continue
            parts = {
                "task": max((weights.get(task, 0.0) for task in record.tasks), default=0.0),
                "words": float(words[n]),
                "standing": self.standing[n],
                "name": _named(record, self.names[n], wish),
                "wishes": _wishes(record, self.sizes[n], wish),
                "near": _near(record, self.names[n], wish),
            }
            if record.kind == "code":
                parts["ours"] = _ours(record)
            if record.kind == "dataset":
                parts["benchmark"] = _benchmark(self.names[n], wish.benchmarks)
            scale = DATASET_WEIGHTS if record.kind == "dataset" else CODE_WEIGHTS if self.code else MODEL_WEIGHTS
            yield {name: scale[name] * value for name, value in parts.items()}


MODEL_WEIGHTS = {"task": 1.0, "words": 0.55, "standing": 0.2, "name": 0.5, "wishes": 0.35, "near": 0.3}
CODE_WEIGHTS = {"task": 0.4, "words": 0.8, "standing": 0.1, "name": 0.4, "wishes": 0.1, "near": 0.1, "ours": 0.9}
DATASET_WEIGHTS = {
    "task": 0.2, "words": 0.6, "standing": 0.25, "name": 0.6, "wishes": 0.4, "near": 0.4, "benchmark": 0.8,
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


def _near(record: Record, name: str, wish: Understood) -> float:
    """How near the request is, word by word, to what is written about the record's task or topic."""
    if record.kind == "dataset":
        return _benchmark(name, wish.near_data)
    return max((wish.near_tasks.get(task, 0.0) for task in record.tasks), default=0.0)


def _wishes(record: Record, size: int | None, wish: Understood) -> float:
    """From -1 to MOST_WISHED: languages, licence and size as wished for; unknown counts as neither."""
    total = _language_wish(record, wish) + _direction_wish(record, wish)
    if wish.licence and (fits := licence_matches(record.licence, wish.licence)) is not None:
        total += 0.5 if fits else -0.5
    if wish.max_parameters and size:
        total += 0.4
    if wish.small:
        total += 0.25 if _SMALL.search(record.id) or (size is not None and size <= 300_000_000) else 0.0
        total -= 0.4 if size is not None and size > 2_000_000_000 else 0.0
    return max(-1.0, min(MOST_WISHED, total))


def _too_large(size: int | None, wish: Understood) -> bool:
    """True when the request states a limit and the record is known to exceed it."""
    return bool(wish.max_parameters and size and size > wish.max_parameters)


def _direction_wish(record: Record, wish: Understood) -> float:
    """Whether a translator's name says the direction that is wanted (`opus-mt-de-en`), or the other one."""
    if wish.direction is None or record.kind != "model":
        return 0.0
    source, target = wish.direction
    parts = re.split(r"[^a-z]+", record.id.lower())
    pairs = set(pairwise(parts))
    if (source, target) in pairs:
        return MOST_WISHED
    return -1.0 if (target, source) in pairs or (target, "x") in pairs or ("x", source) in pairs else 0.0


def _language_wish(record: Record, wish: Understood) -> float:
    if wish.languages:
        covered = [language_fits(record, (code,)) for code in wish.languages]
        if None in covered:
            return 0.0
        if not any(covered):
            return -1.0 if wish.languages != ("en",) else -0.6
        share = sum(map(bool, covered)) / len(covered)
        return share * (0.8 if len(record.languages) <= len(wish.languages) + 1 else 0.5)
    if record.languages and "en" not in record.languages and language_fits(record, ("en",)) is False:
        return -0.55
    return 0.0
