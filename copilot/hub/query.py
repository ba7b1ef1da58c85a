"""From a plain-language request to what it asks for: task, languages, licence, size, names. Rules and data only.

The knowledge stands in `data/tasks.yaml` and `data/benchmarks.yaml`. No model is asked and nothing is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from copilot.hub.data import data_file
from copilot.hub.languages import LANGUAGES, direction_of
from copilot.hub.lexical import tokens
from copilot.hub.nearness import Groups, pattern_words
from copilot.hub.patterns import Matcher, Pattern, compile_all
from copilot.hub.values import Understood

WEIGHTS = {"strong": 3.0, "fair": 2.0, "weak": 1.0}
TOPIC_WEIGHTS = {"when": 2.0, "area": 1.3, "lean": 0.8}
EXAMPLE_WEIGHT = 2.0
"""How much a word of a written request counts beside one of a pattern."""
NEAREST = 6
"""How many topics that share words with the request name datasets for it."""
NEAR_ENOUGH = 0.3
"""Below it, even the nearest dataset weighs less than 1."""
BRIEF = 5
"""How many words, function words left out, a brief request has at most."""
CERTAIN = 3.0
"""Evidence for a task that counts as full: below it, the best guess weighs less than 1."""
TABULAR = ("tabular-classification", "tabular-regression", "time-series-forecasting")
NEARNESS = 1.25
"""How much words shared with a task count beside the patterns."""
SHARP = 1.75
"""Exponent that sets the best guess apart from the next ones."""
SHARES = (1.0, 0.45, 0.25, 0.15)
"""How much the best, second, third, ... matching pattern of a task counts."""

_LICENCE = re.compile(
    r"\b(apache(?:[- ]2(?:\.0)?)?|mit|bsd|gpl|cc0|cc[- ]by(?:[- ](?:sa|nc|nd))*(?:[- ]\d(?:\.\d)?)?|openrail(?:\+\+)?)"
    r"[- ]?(?:licen[sc]e\w*)\b",
    re.IGNORECASE,
)
_LICENCE_AFTER = re.compile(r"\blicen[sc]ed?\s*(?:under|is|:|=)?\s*(apache|mit|bsd|cc0|cc-by)\b", re.IGNORECASE)
_COMMERCIAL = re.compile(r"\b(?:commercial(?:ly)? (?:use|usable|friendly)|permissive(?:ly)?|open licen[sc]e)\b", re.I)
_PARAMETERS = re.compile(
    r"(?:under|below|less than|at most|up to|max(?:imum)?(?: of)?|smaller than|<=?|≤)\s*(\d+(?:\.\d+)?)\s*"
    r"(million|billion|[mb])\b(?!\w)",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"\b(?:small|tiny|lightweight|light-weight|compact|portable|on[- ]device|mobile|edge|cpu|low[- ]resource device|"
    r"raspberry)\b",
    re.I,
)
_NAME = re.compile(
    r"\b(?:[\w.-]+/[\w.-]+|[A-Za-z]*[a-z][A-Z][\w-]*|[A-Z]{2,}[\w-]*|[A-Za-z]+-?\d[\w.-]*"
    r"|(?<=[a-z,] )[A-Z][a-z]{3,}\w*)"
)


@lru_cache(maxsize=1)
def macros() -> dict[str, str]:
    """The macros of the pattern language."""
    return {str(name): str(text) for name, text in data_file("tasks.yaml")["macros"].items()}


@lru_cache(maxsize=1)
def task_patterns() -> dict[str, list[Pattern]]:
    """Task -> compiled patterns; compiled once per process."""
    tasks: dict[str, dict[str, str]] = data_file("tasks.yaml")["tasks"]
    return {
        task: [p for level, texts in levels.items() for p in compile_all(texts, WEIGHTS[level], macros())]
        for task, levels in tasks.items()
    }


@lru_cache(maxsize=1)
def _sense_patterns() -> dict[str, list[Pattern]]:
    return {
        sense: compile_all(entry["says"], 1.0, macros()) for sense, entry in data_file("tasks.yaml")["senses"].items()
    }


@lru_cache(maxsize=1)
def task_senses() -> dict[str, frozenset[str]]:
    """Task -> what it takes or gives besides text (`image`, `video`, `audio`, `table`)."""
    listed = {sense: str(entry["tasks"]).split() for sense, entry in data_file("tasks.yaml")["senses"].items()}
    return {task: frozenset(sense for sense, tasks in listed.items() if task in tasks) for task in task_names()}


@lru_cache(maxsize=1)
def task_names() -> frozenset[str]:
    """Every task of the Hub that the rules know."""
    return frozenset(data_file("tasks.yaml")["tasks"])


@lru_cache(maxsize=1)
def _topics() -> list[tuple[list[Pattern], list[str]]]:
    return [
        (compile_all(text, TOPIC_WEIGHTS[level], macros()), str(topic["data"]).split())
        for topic in data_file("benchmarks.yaml")
        for level, text in topic.items()
        if level in TOPIC_WEIGHTS
    ]


@lru_cache(maxsize=1)
def _jargon() -> list[tuple[list[Pattern], list[str]]]:
    entries: list[dict[str, str]] = data_file("words.yaml")["jargon"]
    return [(compile_all(entry["when"], 1.0, macros()), entry["words"].split()) for entry in entries]


@lru_cache(maxsize=1)
def _field_patterns() -> dict[str, tuple[list[Pattern], tuple[str, ...]]]:
    entries: dict[str, dict[str, str]] = data_file("words.yaml")["fields"]
    return {
        field: (compile_all(entry["when"], 1.0, macros()), tuple(tokens(entry["words"])))
        for field, entry in entries.items()
    }


@lru_cache(maxsize=1)
def _task_groups() -> tuple[list[str], Groups]:
    """Tasks with the words of their patterns and of the requests written down for them."""
    tasks: dict[str, dict[str, str]] = data_file("tasks.yaml")["tasks"]
    requests: dict[str, str] = data_file("requests.yaml")
    weights = {**WEIGHTS, "requests": EXAMPLE_WEIGHT}
    bags = [pattern_words({**levels, "requests": requests.get(task, "")}, weights) for task, levels in tasks.items()]
    return list(tasks), Groups(bags)


@lru_cache(maxsize=1)
def _lexicon() -> frozenset[str]:
    """Every word, stemmed, that the rules can make something of."""
    words = data_file("words.yaml")
    texts = [*LANGUAGES, *macros().values(), str(words["methods"]), *(entry["when"] for entry in words["jargon"])]
    texts += [entry["says"] for entry in data_file("tasks.yaml")["senses"].values()]
    known = pattern_words({"all": " ".join(texts)}, {"all": 1.0})
    return frozenset(known.keys() | _task_groups()[1].words | _topic_groups()[1].words)


@lru_cache(maxsize=1)
def _topic_groups() -> tuple[list[list[str]], Groups]:
    topics = data_file("benchmarks.yaml")
    weights = dict.fromkeys((*TOPIC_WEIGHTS, "also"), 1.0)
    bags = [pattern_words({k: v for k, v in topic.items() if k in weights}, weights) for topic in topics]
    return [str(topic["data"]).split() for topic in topics], Groups(bags)


def data_names(text: str) -> list[str]:
    """The datasets that a text names: the text itself when it is one word, else what looks like a name in it."""
    plain = text.strip()
    found = [plain] if plain and not re.search(r"\s", plain) else _NAME.findall(plain)
    return list(dict.fromkeys(name.rstrip(".,;:") for name in found))


def bare(name: str) -> str:
    """A repository name without owner, case and punctuation: what two spellings of one name share."""
    return re.sub(r"[^a-z0-9]", "", name.rsplit("/", 1)[-1].lower())


def _named_task(text: str) -> str:
    """The task tag when the request is, or contains, the tag itself (`text-classification`)."""
    found = [
        task for task in task_patterns() if "-" in task and re.search(rf"(?<![\w-]){re.escape(task)}(?![\w-])", text)
    ]
    return max(found, key=len, default="")


def task_scores(matcher: Matcher) -> dict[str, float]:
    """Evidence for each task, best first, unscaled; tasks without any are left out."""
    scores = {}
    for task, patterns in task_patterns().items():
        weights = sorted((p.weight for p in patterns if matcher.hits(p)), reverse=True)
        if weights:
            scores[task] = sum(w * share for w, share in zip(weights, SHARES, strict=False))
    senses = _senses(matcher)
    for task in TABULAR if senses and "table" not in senses else ():
        if task in scores:
            scores[task] *= 0.5
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _senses(matcher: Matcher) -> tuple[str, ...]:
    """What the request speaks of besides text."""
    return tuple(sense for sense, patterns in _sense_patterns().items() if any(map(matcher.hits, patterns)))


def _benchmarks(matcher: Matcher) -> dict[str, float]:
    """Standard datasets of the topics that the text touches."""
    touched = [
        (max((p.weight for p in patterns if matcher.hits(p)), default=0.0), names) for patterns, names in _topics()
    ]
    return _datasets(touched, 2.0)


def _near_data(text: str) -> dict[str, float]:
    """Standard datasets of the topics that share most words with the text."""
    names, groups = _topic_groups()
    scored = sorted(zip(groups.scores(text), names, strict=True), key=lambda item: -item[0])
    return _datasets([(score**SHARP, names) for score, names in scored[:NEAREST]], NEAR_ENOUGH)


def _datasets(topics: Iterable[tuple[float, list[str]]], least: float) -> dict[str, float]:
    """The datasets of weighted topics, the first of a topic weighing most; the best is 1, or less below `least`."""
    found: dict[str, float] = {}
    for weight, names in topics:
        for rank, name in enumerate(names if weight > 0 else []):
            key = bare(name)
            found[key] = found.get(key, 0.0) + weight / (1 + 0.18 * rank)
    top = max(least, *found.values(), 0.0)
    return {name: weight / top for name, weight in found.items()}


def _tasks(matcher: Matcher, text: str, direction: tuple[str, str] | None) -> dict[str, float]:
    """How sure each task is, best first: 1 when the patterns that match and the words that are shared agree fully."""
    said = task_scores(matcher)
    if named := _named_task(text.lower()):
        said[named] = said.get(named, 0.0) + 6.0
    if direction:
        said["translation"] = said.get("translation", 0.0) + WEIGHTS["fair"]
    names, groups = _task_groups()
    shared = dict(zip(names, groups.scores(text), strict=True))
    scores = {
        task: (said.get(task, 0.0) / max(CERTAIN, *said.values(), 0.0)) ** SHARP + NEARNESS * shared[task] ** SHARP
        for task in names
    }
    best = sorted(scores.items(), key=lambda item: -item[1])
    return {task: score / (1 + NEARNESS) for task, score in best if score > 0}


def _said_otherwise(matcher: Matcher) -> list[str]:
    return [word for patterns, words in _jargon() if any(map(matcher.hits, patterns)) for word in words]


def _special(text: str) -> dict[str, str]:
    """Words of a brief request that no rule knows, as typed, by their stem; numbers and codes are not judged."""
    typed = {stem: word for word in re.findall(r"[\w-]+", text) if not re.search(r"\d", word) for stem in tokens(word)}
    return {stem: word for stem, word in typed.items() if stem not in _lexicon()}


def _licence(text: str) -> str:
    match = _LICENCE.search(text) or _LICENCE_AFTER.search(text)
    if match:
        return re.sub(r"[ ]", "-", match[1].lower())
    return "permissive" if _COMMERCIAL.search(text) else ""


def _max_parameters(text: str) -> int | None:
    match = _PARAMETERS.search(text)
    if not match:
        return None
    return int(float(match[1]) * (1e9 if match[2].lower().startswith("b") else 1e6))


def understand(query: str) -> Understood:
    """Read a request of any length (only its first 4,000 characters). Never fails; what is not there stays empty."""
    text = query[:4000]
    matcher = Matcher(text)
    direction, brief = direction_of(text), len(set(tokens(text))) <= BRIEF
    spoken = [LANGUAGES[word] for word in matcher.words if word in LANGUAGES]
    return Understood(
        text=text,
        brief=brief,
        special=_special(text) if brief else {},
        tasks=_tasks(matcher, text, direction),
        languages=tuple(dict.fromkeys([*spoken, *filter(None, direction or ())])),
        senses=_senses(matcher),
        direction=direction,
        licence=_licence(text),
        max_parameters=_max_parameters(text),
        small=bool(_SMALL.search(text)),
        names=tuple(dict.fromkeys(_NAME.findall(text)))[:20],
        benchmarks=_benchmarks(matcher),
        jargon=(*_said_otherwise(matcher), *filter(None, direction or ())),
        fields={
            field: words for field, (patterns, words) in _field_patterns().items() if any(map(matcher.hits, patterns))
        },
        near_data=_near_data(text),
    )
