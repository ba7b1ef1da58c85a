"""From a plain-language request to what it asks for: task, languages, licence, size, names. Rules and data only.

The knowledge stands in `data/tasks.yaml` and `data/benchmarks.yaml`. No model is asked and nothing is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from copilot.hub.data import data_file
from copilot.hub.nearness import Groups, pattern_words
from copilot.hub.patterns import Matcher, Pattern, compile_all, compile_pattern
from copilot.hub.values import Understood

WEIGHTS = {"strong": 3.0, "fair": 2.0, "weak": 1.0}
TOPIC_WEIGHTS = {"when": 2.0, "area": 1.3, "lean": 0.8}
NEAREST = 6
"""How many topics that share words with the request name datasets for it."""
CERTAIN = 3.0
"""Evidence for a task that counts as full: below it, the best guess weighs less than 1."""
TABULAR = ("tabular-classification", "tabular-regression", "time-series-forecasting")
SHARES = (1.0, 0.45, 0.25, 0.15)
"""How much the best, second, third, ... matching pattern of a task counts."""

LANGUAGES = {
    "afrikaans": "af", "arabic": "ar", "bengali": "bn", "bulgarian": "bg", "cantonese": "yue", "catalan": "ca",
    "chinese": "zh", "mandarin": "zh", "croatian": "hr", "czech": "cs", "danish": "da", "dutch": "nl", "english": "en",
    "estonian": "et", "filipino": "tl", "tagalog": "tl", "finnish": "fi", "french": "fr", "german": "de", "greek": "el",
    "gujarati": "gu", "hausa": "ha", "hebrew": "he", "hindi": "hi", "hungarian": "hu", "icelandic": "is", "igbo": "ig",
    "indonesian": "id", "irish": "ga", "italian": "it", "japanese": "ja", "kannada": "kn", "korean": "ko",
    "latvian": "lv", "lithuanian": "lt", "malay": "ms", "malayalam": "ml", "marathi": "mr", "nepali": "ne",
    "norwegian": "no", "persian": "fa", "farsi": "fa", "polish": "pl", "portuguese": "pt", "punjabi": "pa",
    "romanian": "ro", "russian": "ru", "serbian": "sr", "sinhala": "si", "slovak": "sk", "slovenian": "sl",
    "somali": "so", "spanish": "es", "swahili": "sw", "swedish": "sv", "tamil": "ta", "telugu": "te", "thai": "th",
    "tibetan": "bo", "turkish": "tr", "twi": "tw", "ukrainian": "uk", "urdu": "ur", "vietnamese": "vi", "welsh": "cy",
    "yoruba": "yo", "zulu": "zu", "basque": "eu", "galician": "gl", "hokkien": "nan", "burmese": "my", "khmer": "km",
    "kazakh": "kk", "uzbek": "uz", "georgian": "ka", "armenian": "hy", "albanian": "sq", "macedonian": "mk",
    "brazilian": "pt", "mexican": "es", "taiwanese": "zh", "iranian": "fa", "israeli": "he", "egyptian": "ar",
    "austrian": "de", "flemish": "nl", "pakistani": "ur", "amharic": "am", "kinyarwanda": "rw",
    "bosnian": "bs", "xhosa": "xh", "sanskrit": "sa", "latin": "la",
}  # fmt: skip

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
def _task_groups() -> tuple[list[str], Groups]:
    tasks: dict[str, dict[str, str]] = data_file("tasks.yaml")["tasks"]
    return list(tasks), Groups([pattern_words(levels, WEIGHTS) for levels in tasks.values()])


@lru_cache(maxsize=1)
def _topic_groups() -> tuple[list[list[str]], Groups]:
    topics = data_file("benchmarks.yaml")
    weights = dict.fromkeys(TOPIC_WEIGHTS, 1.0)
    bags = [pattern_words({k: v for k, v in topic.items() if k in TOPIC_WEIGHTS}, weights) for topic in topics]
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
    for task in TABULAR if _senses(matcher) else ():
        if task in scores:
            scores[task] *= 0.5
    return dict(sorted(scores.items(), key=lambda item: -item[1]))


def _senses(matcher: Matcher) -> bool:
    """True when the request speaks of pictures, sound or video and not of tables: then "predict" means those."""

    def speaks_of(macro: str) -> bool:
        return any(matcher.hits(p) for p in compile_pattern(f"@{macro}", 1.0, macros()))

    return not speaks_of("TABLE") and any(map(speaks_of, ("IMAGE", "AUDIO", "VIDEO")))


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
    return _datasets(scored[:NEAREST], 1e-9)


def _datasets(topics: Iterable[tuple[float, list[str]]], least: float) -> dict[str, float]:
    """The datasets of weighted topics, the first of a topic weighing most; the best is 1, or less below `least`."""
    found: dict[str, float] = {}
    for weight, names in topics:
        for rank, name in enumerate(names if weight > 0 else []):
            key = bare(name)
            found[key] = found.get(key, 0.0) + weight / (1 + 0.18 * rank)
    top = max(least, *found.values(), 0.0)
    return {name: weight / top for name, weight in found.items()}


def _near_tasks(text: str) -> dict[str, float]:
    names, groups = _task_groups()
    scores = groups.scores(text)
    top = max(scores)
    return {name: score / top for name, score in zip(names, scores, strict=True) if score > 0}


def _direction(words: list[str]) -> tuple[str, str] | None:
    """The languages of "German to English", "from French into Dutch"."""
    for source, between, target in zip(words, words[1:], words[2:], strict=False):
        if between in ("to", "into", "2") and source in LANGUAGES and target in LANGUAGES:
            return LANGUAGES[source], LANGUAGES[target]
    return None


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
    scores = task_scores(matcher)
    if named := _named_task(text.lower()):
        scores[named] = scores.get(named, 0.0) + 6.0
    top = max(CERTAIN, *scores.values(), 0.0)
    languages = tuple(dict.fromkeys(LANGUAGES[word] for word in matcher.words if word in LANGUAGES))
    return Understood(
        text=text,
        tasks={task: score / top for task, score in sorted(scores.items(), key=lambda item: -item[1])},
        languages=languages,
        direction=_direction(matcher.words),
        licence=_licence(text),
        max_parameters=_max_parameters(text),
        small=bool(_SMALL.search(text)),
        names=tuple(dict.fromkeys(_NAME.findall(text)))[:20],
        benchmarks=_benchmarks(matcher),
        jargon=tuple(word for patterns, words in _jargon() if any(map(matcher.hits, patterns)) for word in words),
        near_tasks=_near_tasks(text),
        near_data=_near_data(text),
    )
