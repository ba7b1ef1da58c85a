"""What may not be trusted about an upload, in words for a person.

A rule here pushes a record down, warns, or refuses it; a refused record may be shown but never fetched or chosen
unless a person allows exactly that risk. The rules read names, counts, file lists and text. They do not scan weights,
and a record that passes is not thereby safe: what is fetched still runs only inside the sandbox.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from copilot.domain.base import Value
from copilot.hub.contents import escaping, has_pickle, has_programs, own_code, pickle_only
from copilot.hub.data import data_file
from copilot.hub.query import task_names
from copilot.hub.suspicious import INVISIBLE, TURNING, asks_to_run, praise, readable, speaks_to_assistants
from copilot.hub.values import Filters, Record

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}(?:/[A-Za-z0-9][A-Za-z0-9._-]{0,95})?")

MOST_DOWNLOADS = 10_000_000_000
DOWNLOADS_PER_LIKE = 1_000_000
"""The most downloaded honest repositories stay below half of this."""
LISTED_FILES = 500
"""How many file names are read as text."""
_REMOTE_CODE = re.compile(r"trust_remote_code\s*=\s*True")
_FOLD = str.maketrans({"0": "o", "1": "l", "3": "e", "5": "s", "4": "a", "7": "t", "i": "l"})

KNOWN_OWNERS = tuple(str(data_file("known_names.yaml")["owners"]).split())
FAMOUS = tuple(str(data_file("known_names.yaml")["repositories"]).split())


class Judged(Value):
    """What the rules found: sentences, a factor from 0 to 1 on the score, and whether the record is refused."""

    warnings: list[str]
    factor: float = 1.0
    refused: bool = False
    distrusted: bool = False
    """Refused whatever a person allows: a false name, text aimed at assistants, contradictory counts."""
    reasons: list[str] = []
    """Those of the warnings that refuse it."""
    needs: list[str] = []
    """Permissions of `Filters` that it lacks."""


def printable(text: str, limit: int = 120) -> str:
    """A stranger's text made safe to show in one line: no control, direction or invisible characters."""
    shown = "".join(c if c.isprintable() and not INVISIBLE.match(c) else "\ufffd" for c in text)
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def valid_id(name: str) -> bool:
    """Owner/name as the Hub itself allows: ASCII letters, digits, `.`, `_`, `-`; no `..` or `--`, no odd endings."""
    if not _ID.fullmatch(name) or ".." in name or "--" in name:
        return False
    return not any(part.endswith((".git", ".ipynb", ".", "-")) for part in name.split("/"))


@lru_cache(maxsize=20_000)
def folded(name: str) -> str:
    """A name with look-alike characters made equal, for comparing with well-known names."""
    ascii_only = unicodedata.normalize("NFKD", name).encode("ascii", "replace").decode().lower()
    return ascii_only.translate(_FOLD).replace("rn", "m").replace("vv", "w")


def _squeezed(name: str) -> str:
    """A folded owner without separators and without words that claim to be the real one."""
    return folded(re.sub(r"[-_.]|official|verified", "", name.lower()))


def _near(left: str, right: str) -> bool:
    """One slip of the keyboard inside the word: two letters swapped, one wrong, doubled or left out.

    A different ending is a name of its own (`bloom`, `bloomz`), as is a different first letter or digit.
    """
    if min(len(left), len(right)) < 4 or left[0] != right[0] or re.sub(r"\D", "", left) != re.sub(r"\D", "", right):
        return False
    start = next((n for n, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), min(len(left), len(right)))
    a, b = left[start:], right[start:]
    if a[:2] == b[1::-1] and a[2:] == b[2:] and len(a) >= 2:
        return True
    if min(len(left), len(right)) < 5:
        return False
    more, fewer = (a, b) if len(a) > len(b) else (b, a)
    doubled = more[1:] == fewer and more[0] == left[start - 1]
    return doubled or (a[1:] == b[1:] and len(a) > 2) or (more[1:] == fewer and len(fewer) > 1)


def _near_parts(left: str, right: str) -> bool:
    """Names that differ in exactly one of their parts, and there by a slip."""
    ours, theirs = re.split(r"[-_.]", left), re.split(r"[-_.]", right)
    if len(ours) != len(theirs):
        return False
    differing = [(a, b) for a, b in zip(ours, theirs, strict=True) if a != b]
    return len(differing) == 1 and _near(*differing[0])


@lru_cache(maxsize=20_000)
def imitates(name: str) -> str:
    """The well-known owner or repository that a name imitates by look-alike or near spelling, or ""."""
    owner, _, last = (part.lower() for part in name.rpartition("/"))
    if owner in KNOWN_OWNERS:
        return ""
    for known in KNOWN_OWNERS if owner else ():
        if (len(known) >= 4 and _squeezed(owner) == _squeezed(known)) or _near(owner, known):
            return known
    for known in () if last in FAMOUS else FAMOUS:
        if (len(known) >= 4 and folded(last) == folded(known)) or _near_parts(last, known):
            return known
    return ""


def _borrowed(name: str) -> bool:
    """The exact name of a famous repository under an owner who is not known for it."""
    owner, _, last = name.lower().rpartition("/")
    return bool(owner) and last in FAMOUS and owner not in KNOWN_OWNERS and len(last) >= 8


def _counts_contradict(record: Record) -> bool:
    """Downloads in the millions with (almost) no likes, or more than there are machines: counts that were made up."""
    downloads, likes = record.downloads or 0, record.likes
    return downloads > MOST_DOWNLOADS or (likes is not None and downloads > DOWNLOADS_PER_LIKE * (likes + 1))


def _stuffed(record: Record) -> bool:
    """A card that claims everything: many unrelated tasks in its tags, or praise for every task."""
    tasks = task_names()
    claimed = {tag for tag in record.tags if tag in tasks} | {t for t in record.tasks if t in tasks}
    text = readable(f"{record.description}\n{record.card}")
    praised = praise(text)
    named = sum(task in text or task.replace("-", " ") in text for task in tasks)
    limit = 8 if record.kind == "model" else 16
    return len(claimed) >= limit or praised >= 3 or (praised >= 1 and named >= 8) or named >= 22


def _texts(record: Record) -> list[str]:
    """Every text of the uploader; one that is long hides no other. A name counts as the sentence that it may spell."""
    names = (record.id, *record.files[:LISTED_FILES]) if record.files else (record.id,)
    short = (record.task, record.library, record.licence, *record.tasks, *record.languages, *record.datasets)
    fields = " | ".join((*record.tags, *short, *record.base_models))
    return [record.card, record.description, record.title, fields, re.sub(r"[-_./]+", " ", " | ".join(names))]


def _text_findings(record: Record) -> list[str]:
    raw = _texts(record)
    read = [readable(text) for text in raw]
    found = []
    if any(map(speaks_to_assistants, read)):
        found.append("suspicious text: it speaks to an assistant or asks to skip a safeguard")
    if any(map(asks_to_run, read)):
        found.append("suspicious text: it asks for a command or script to be run")
    whole = "\n".join(raw)
    if len(TURNING.findall(whole)) > 3 or re.search("[\U000e0000-\U000e007f]", whole):
        found.append("suspicious text: hidden or direction-changing characters")
    return found


def _identity_findings(record: Record) -> list[str]:
    if not valid_id(record.id):
        return ["the name has characters that the Hub does not allow"]
    if known := imitates(record.id):
        return [f"the name imitates the well-known {known!r}"]
    return []


def _listing_findings(record: Record) -> list[str]:
    found = []
    if path := escaping(record):
        found.append(f"it lists a file outside its folder: {printable(path, 60)}")
    if record.modified > (datetime.now(UTC) + timedelta(days=2)).date().isoformat():
        found.append(f"its date lies in the future: {printable(record.modified, 20)}")
    return found


def judge(record: Record, filters: Filters) -> Judged:
    """All findings about one record. Bad text, false names and contradictory counts refuse whatever is allowed."""
    if record.local:
        return Judged(warnings=[])
    refusing = _identity_findings(record) + _text_findings(record)
    refusing += list(record.problems) + _listing_findings(record)
    if _counts_contradict(record):
        refusing.append("its download count contradicts its likes")
    if _stuffed(record):
        refusing.append("keyword stuffing: the card claims to be best for everything")
    asking, notes = _risks(record, filters)
    factor = 0.15 if refusing else 0.9 if asking or _borrowed(record.id) else 1.0
    return Judged(
        warnings=[*refusing, *asking.values(), *notes],
        factor=factor,
        refused=bool(refusing or asking),
        distrusted=bool(refusing),
        reasons=refusing or list(asking.values()),
        needs=[] if refusing else list(asking),
    )


def _risks(record: Record, filters: Filters) -> tuple[dict[str, str], list[str]]:
    """Permission that is lacking -> what for; and what is only said."""
    found = {
        "allow_gated": "gated: its owner asks for consent first" if record.gated else "",
        "allow_remote_code": "needs trust_remote_code: loading it runs its own code"
        if own_code(record) or _REMOTE_CODE.search(record.card)
        else "",
        "allow_pickle": "pickle weights only: loading them can run code" if pickle_only(record) else "",
    }
    asking = {name: text for name, text in found.items() if text and not getattr(filters, name)}
    notes = [text for name, text in found.items() if text and name not in asking]
    if _borrowed(record.id):
        notes.append("it has the name of a famous repository, but another owner")
    if has_pickle(record) and not pickle_only(record):
        notes.append("pickle weights or archives beside safe ones; only the safe ones are fetched")
    if record.kind == "code":
        notes.append("somebody's code: to be read, and run by nobody but the sandbox")
    if has_programs(record):
        notes.append("it holds programs, which are never fetched")
    return asking, notes
