"""Languages in a request: their names and codes, and from which into which to translate. Looks nothing up."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

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
CODES = frozenset(LANGUAGES.values())
ANY = frozenset({"x", "mul"})
"""What names of translation models say for "many languages"."""

_NAMES = "|".join(sorted(LANGUAGES, key=len, reverse=True))
_TWO = "|".join(sorted(CODES))
_ARROW = r"\s*(?:-+>|=+>|→|⇒|>)\s*"
_JOINED = r"\s?[-–—/]\s?"
_TRANSLATION = re.compile(r"\b(?:translat\w*|mt|nmt)\b")
_SAID = [
    re.compile(text)
    for text in (
        rf"\bfrom (?P<source>{_NAMES})\b(?: \w+){{0,4}} (?:in)?to (?P<target>{_NAMES})\b",
        rf"\b(?:in)?to (?P<target>{_NAMES})\b(?: \w+){{0,2}} from (?P<source>{_NAMES})\b",
        rf"\b(?P<source>{_NAMES})\b(?: \w+){{0,3}} (?:in)?to (?P<target>{_NAMES})\b",
        rf"\b(?P<source>{_NAMES})(?:{_ARROW}|2)(?P<target>{_NAMES})\b",
        rf"(?<![\w-])(?P<source>{_TWO})(?:{_ARROW}|2)(?P<target>{_TWO})(?![\w-])",
    )
]
"""Said in so many words, or with an arrow: a translation is meant whatever else the request says."""
_CONTEXT = [
    re.compile(text)
    for text in (
        rf"\b(?P<source>{_NAMES})(?:{_JOINED}|\s)(?P<target>{_NAMES})\b",
        rf"(?<![\w-])(?P<source>{_TWO})(?:{_JOINED}|\s(?:to\s)?)(?P<target>{_TWO})(?![\w-])",
        rf"\b(?P<source>)(?:in)?to (?P<target>{_NAMES})\b",
    )
]
"""Only where the request speaks of translation, because the same words can mean something else."""


def direction_of(text: str) -> tuple[str, str] | None:
    """ISO codes of "from German into English", "de->en", "EN-FR translation"; the source is "" when it is not said."""
    plain = " ".join(text.lower().split())
    context = _CONTEXT if _TRANSLATION.search(plain) or len(plain.split()) <= 2 else []
    for pattern in (*_SAID, *context):
        for found in pattern.finditer(plain):
            source, target = (LANGUAGES.get(found[name], found[name]) for name in ("source", "target"))
            if source != target:
                return source, target
    return None


def pairs_in(name: str) -> set[tuple[str, str]]:
    """Language pairs that the name of a model spells (`opus-mt-de-en`)."""
    parts = re.split(r"[^a-z]+", re.sub(r"\bopus-mt\b|\bnlp\b", "", name.lower()))
    known = CODES | ANY
    return {(left, right) for left, right in pairwise(parts) if {left, right} <= known}


def serves(pairs: Iterable[tuple[str, str]], direction: tuple[str, str]) -> bool:
    """Whether one of a model's language pairs is the direction, or includes it ("x" and "mul" stand for any)."""
    source, target = direction
    return any((not source or left in {source, *ANY}) and right in {target, *ANY} for left, right in pairs)
