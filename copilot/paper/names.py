"""Person names in a title block: which pieces of text are people, and which are places, posts or addresses.

Rules over strings and styles; no list of people. Does not look at layout.
"""

from __future__ import annotations

import re

_ORGANISATION = re.compile(
    r"universit|univ\.|institut|departm|laborator|facult|academ|hospital|clinic|corporation|gmbh|technolog|polytech"
    r"|council|ministry|foundation|facebook|deepmind|openai|nvidia|alibaba|tencent|huawei|bytedance"
    r"|programme|engineering|mathematics|statistics|physics|informatics|computing|intelligence|independent|scholar"
    r"|anonymous|submitted|e-?mail|correspond|contribut|abstract|keyword|https?|www\.|github|huggingface"
    r"|\.com\b|\.org\b|\.edu\b|copyright|licen[cs]e|conference|proceedings|workshop|manuscript|affiliation"
    r"|\b(?:dept|labs?|schools?|colleges?|cent(?:re|er)s?|research|compan(?:y|ies)|corp|inc|ltd|llc|groups?|teams?|society"
    r"|google|microsoft|meta|amazon|ibm|intel|baidu|adobe|ai|eth|epfl|mit|cnrs|inria|ucla?|kaist|nist|program|division"
    r"|sciences?|studies|reports?|preprint|reviews?|authors?|editors?|equal|version|draft|streets?|avenue|road|campus|box"
    r"|journal|members?|fellows?|students?|professor|ieee|advis[oe]rs?|supervis(?:or|ed)|joint(?:ly)?|first|senior|present"
    r"|current(?:ly)?|address|projects?|code|pages?|website|course|class|thesis|open source|january|february|april|june"
    r"|july|august|september|october|november|december|month|year|given|available|accepted|received|published|revised|systems?"
    r"|networks?|motors|robotics|learning|models?|data|medicine|health|national|royal)\b",
    re.I,
)
# fmt: off
_PLACES = frozenset(
    {
        "usa", "uk", "us", "china", "india", "germany", "france", "italy", "spain", "japan", "korea", "canada",
        "australia", "austria", "switzerland", "sweden", "norway", "denmark", "finland", "netherlands", "belgium",
        "portugal", "poland", "russia", "brazil", "mexico", "israel", "singapore", "taiwan", "turkey", "iran",
        "egypt", "ireland", "scotland", "england", "wales", "greece", "hungary", "czechia", "romania", "ukraine",
        "argentina", "chile", "colombia", "vietnam", "thailand", "malaysia", "indonesia", "pakistan", "bangladesh",
        "nigeria", "kenya", "ethiopia", "uae", "qatar", "lebanon", "lisbon", "london", "paris", "berlin", "munich",
        "zurich", "amsterdam", "beijing", "shanghai", "shenzhen", "hangzhou", "guangzhou", "nanjing", "wuhan",
        "seoul", "tokyo", "kyoto", "osaka", "toronto", "montreal", "vancouver", "boston", "cambridge", "oxford",
        "princeton", "stanford", "berkeley", "seattle", "york", "california", "massachusetts", "washington", "texas",
        "illinois", "pennsylvania", "states", "kingdom", "republic", "hong", "kong", "city", "province", "mumbai",
        "delhi", "bangalore", "bengaluru", "hyderabad", "chennai", "copenhagen", "stockholm", "oslo", "helsinki",
        "vienna", "madrid", "barcelona", "rome", "milan", "moscow", "warsaw", "prague", "budapest", "istanbul",
        "tehran", "cairo", "dubai", "sydney", "melbourne", "auckland", "zealand", "africa", "europe", "america",
        "asia", "dublin", "edinburgh", "glasgow", "manchester", "chicago", "angeles", "francisco", "diego", "austin",
        "dallas", "houston", "atlanta", "philadelphia", "pittsburgh", "michigan", "ohio", "florida", "georgia",
        "virginia", "maryland", "carolina", "wisconsin", "minnesota", "indiana", "utah", "colorado", "arizona",
        "oregon", "mountain", "view", "park", "palo", "alto",
    }
)
# fmt: on
# fmt: off
PARTICLES = frozenset(
    {
        "van", "von", "der", "den", "de", "del", "della", "di", "da", "dos", "das", "do", "du", "la", "le", "el",
        "al", "bin", "ibn", "ben", "ten", "ter", "af", "av", "zu", "zur", "st", "mc", "mac", "y", "e", "bint", "abu",
    }
)
"""Words in a person's name that are written small."""
# fmt: on
_MARKS = re.compile(r"[\*∗⋆★†‡§¶♯#♠♣♥♦◦•∧∨△▽✉\^⊥‖∥|□■○●⁎✝◇◆☆⊕⊗✦✻✶]+|[\u00b9\u00b2\u00b3\u2070-\u2079]+|\$.*?\$|[α-ω]")
_TOKEN = re.compile(r"[^\W\d_]+(?:['’`‘\-‐–.][^\W\d_]+)*\.?|[^\W\d_]\.(?:[-‐]?[^\W\d_]\.)*")
_DEGREE = re.compile(
    r"(?:Ph\.?\s?D|D\.?\s?Phil|M\.?\s?D|[BM]\.?\s?(?:S|A|Sc|Ed|Eng|Tech|Phil)|MBA|MPH|R\.?N|CCC-SLP|IEEE|ACM|CCF"
    r"|(?:senior |student |life |graduate student )?(?:member|fellow)|Jr|Sr|II|III|IV)\.?",
    re.I,
)
"""What stands between commas behind a name and is none: degrees, ranks, societies."""
_SUFFIX = re.compile(r",?\s+(?:Jr|Sr|II|III|IV|Ph\.?\s?D|M\.?D|MSc|BSc)\.?$")
_HONORIFIC = re.compile(r"^(?:Dr|Prof|Mr|Ms|Mrs|By|by|and|And|AND|Authors?:|Author)\.?\s+")


def tidy_name(text: str) -> str:
    """A name without affiliation marks, digits and stray punctuation."""
    text = _MARKS.sub(" ", text)
    text = re.sub(r"\([^)]*\)?|\[[^\]]*\]?|[“\"][^”\"]*[”\"]", " ", text)
    text = re.sub(r"(?<=[^\W\d_])\d[\d,]*|\b\d+\b", " ", text)
    text = re.sub(r"(?<=\b[A-Z]\.)(?=[A-Z][a-z]{2})", " ", text)
    text = re.sub(r"\s+", " ", text).strip(" ,;:&·-–—/")
    text = _HONORIFIC.sub("", text)
    text = _SUFFIX.sub("", text).strip(" ,;:&")
    return text[:-1] if re.search(r"[^\W\d_]{3}\.$", text) else text


def is_organisation(text: str, beside_people: bool = False) -> bool:
    """Whether a piece of a title block speaks of an institution, an address or a note rather than a person.

    In a line of people (`beside_people`) a last word that is also a city does not make a place.
    """
    if "@" in text or _ORGANISATION.search(text):
        return True
    words = _words(text)
    ends_in_place = bool(words) and words[-1] in _PLACES and not beside_people
    return ends_in_place or is_place(text)


def is_place(text: str) -> bool:
    """Whether most words of a text are those of a country or a city."""
    words = _words(text)
    return sum(word in _PLACES for word in words) * 2 > len(words)


def _words(text: str) -> list[str]:
    return [word.strip(".,").casefold() for word in text.split()]


def is_name(text: str, beside_people: bool = False) -> bool:
    """Whether a tidied piece of text has the shape of a person's name: two to five capitalised words."""
    if not 4 <= len(text) <= 45 or any(ch.isdigit() for ch in text) or is_organisation(text, beside_people):
        return False
    tokens = text.split()
    if not 2 <= len(tokens) <= 6 or not all(_TOKEN.fullmatch(token.strip(",")) for token in tokens):
        return False
    strong = [t for t in tokens if t[0].isupper() or not t[0].isascii() or re.match(r"[a-z]{1,2}['’][A-Z]", t)]
    if any(token.casefold() not in PARTICLES for token in tokens if token not in strong):
        return False
    return len(strong) >= 2 and any(len(token.strip(".")) >= 2 for token in strong)


def split_names(text: str) -> list[str]:
    """Pieces of a comma-, semicolon- or and-separated list, tidied, empty ones and degrees dropped."""
    pieces = re.split(r"\s*(?:,|;|·|•|\||\band\b|\bAND\b|&|\s{3,}|\t)\s*", text)
    return [name for piece in pieces if (name := tidy_name(piece)) and not _DEGREE.fullmatch(name)]


def spell_name(text: str) -> str:
    """Names printed in capitals as they are usually written: "JANE DOE" becomes "Jane Doe"."""
    if not text.isupper() or len(text) < 6:
        return text
    return " ".join(
        word if len(word.strip(".")) == 1 else "-".join(part.capitalize() for part in word.split("-"))
        for word in text.split()
    )
