"""Records from JSON: the offline index (JSON Lines in the words of the Hub API) and the API's own answers.

Reads and normalises only. A line that is not a JSON object with an id is skipped and counted, never fatal; nothing in a
line is executed, followed or believed.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from copilot.errors import SetupError
from copilot.hub.contents import names_code
from copilot.hub.languages import LANGUAGES
from copilot.hub.values import Kind, Record

CARD_CHARACTERS = 12_000
"""How much of a card is read; what a repository is stands at the top of its card."""
NOT_LANGUAGES = frozenset({"code", "unknown", "und", "zxx", "tf", "jax"})
"""What cards put among the languages that is none."""
LINE_BYTES = 4_000_000
UNSAFE = ("unsafe", "suspicious", "infected")
DEEPEST = 5
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
BUNDLED = "index.jsonl.gz"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _texts(value: Any, depth: int = DEEPEST) -> tuple[str, ...]:
    """Strings out of a string, a list, or a mapping of lists (old cards are keyed by configuration)."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, Mapping):
        parts = value.values() if depth else ()
        return tuple(dict.fromkeys(item for part in parts for item in _texts(part, depth - 1)))
    if isinstance(value, Iterable):
        return tuple(dict.fromkeys(item for item in value if isinstance(item, str)))
    return ()


def _count(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e18 else None


def _date(text: str) -> str:
    """The day of an ISO time, or "" for anything else."""
    found = _DATE.match(text)
    return found[0] if found else ""


def _tagged(tags: Iterable[str], prefix: str) -> tuple[str, ...]:
    return tuple(tag[len(prefix) :] for tag in tags if tag.startswith(prefix))


def _files(raw: Mapping[str, Any]) -> tuple[str, ...] | None:
    siblings = raw.get("siblings")
    if not isinstance(siblings, list):
        return None
    return tuple(s["rfilename"] for s in siblings if isinstance(s, Mapping) and isinstance(s.get("rfilename"), str))


def _languages(name: str, data: Mapping[str, Any], tags: Iterable[str]) -> tuple[str, ...]:
    """As stated, else as the name says (`german-sentiment-bert`)."""
    named = _texts(data.get("language")) + _texts(data.get("languages")) + _tagged(tags, "language:")
    plain = tuple(tag for tag in tags if 2 <= len(tag) <= 3 and tag.isalpha() and tag.islower())
    found = tuple(dict.fromkeys(code.lower() for code in named or plain if code.lower() not in NOT_LANGUAGES))
    return found or tuple(LANGUAGES[word] for word in re.split(r"[\W_]+", name.lower()) if word in LANGUAGES)


def _custom_code(raw: Mapping[str, Any], tags: Iterable[str]) -> bool:
    return names_code(raw.get("config")) or names_code(raw.get("transformersInfo")) or "custom_code" in tags


def _rows(raw: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """Rows and bytes of the largest configuration, where the record lists them."""
    configs = raw.get("configs")
    rows, size = 0, 0
    for config in configs.values() if isinstance(configs, Mapping) else ():
        if isinstance(config, Mapping):
            splits = config.get("splits")
            counts = splits.values() if isinstance(splits, Mapping) else ()
            rows = max(rows, sum(_count(n) or 0 for n in counts))
            size = max(size, _count(config.get("dataset_size")) or 0)
    return rows or None, size or None


def _parameters(raw: Mapping[str, Any]) -> int | None:
    weights = raw.get("safetensors")
    return _count(weights.get("total")) if isinstance(weights, Mapping) else None


def _problems(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """The Hub's own word against a repository: disabled, or files that its scanners found unsafe."""
    found = ["the Hub disabled it"] if raw.get("disabled") is True else []
    status = raw.get("securityRepoStatus") or raw.get("security_repo_status") or raw.get("securityStatus")
    if isinstance(status, Mapping) and (status.get("filesWithIssues") or status.get("hasUnsafeFile")):
        found.append("the Hub's scanners found unsafe files")
    siblings = raw.get("siblings")
    verdicts = (s.get("security") for s in siblings if isinstance(s, Mapping)) if isinstance(siblings, list) else ()
    if any(isinstance(said, Mapping) and said.get("status") in UNSAFE for said in verdicts):
        found.append("the Hub's scanners warn of its files")
    return tuple(found)


def _url(kind: Kind, name: str) -> str:
    return f"https://huggingface.co/{'datasets/' if kind == 'dataset' else ''}{name}"


def record_from_api(raw: Mapping[str, Any], kind: Kind) -> Record | None:
    """A record from one API object or index line; None when it has no usable id."""
    name = _text(raw.get("id")) or _text(raw.get("modelId"))
    if not name.strip() or len(name) > 300:
        return None
    data = raw.get("cardData")
    data = data if isinstance(data, Mapping) else {}
    tags = _texts(raw.get("tags"))
    categories = _texts(data.get("task_categories")) + _tagged(tags, "task_categories:")
    ids = _texts(data.get("task_ids")) + _tagged(tags, "task_ids:")
    task = _text(raw.get("pipeline_tag")) or next(iter(categories), "")
    licence = next(iter(_tagged(tags, "license:") or _texts(data.get("license"))), "")
    rows, size = _rows(raw)
    return Record(
        id=name,
        kind=kind,
        task=task,
        tasks=tuple(dict.fromkeys(((task,) if task else ()) + categories + ids)),
        tags=tags[:200],
        library=_text(raw.get("library_name")),
        languages=_languages(name, data, tags)[:200],
        licence=licence,
        datasets=tuple(dict.fromkeys(_tagged(tags, "dataset:") + _texts(data.get("datasets")))),
        base_models=_texts(data.get("base_model")),
        title=_text(data.get("pretty_name")) or _text(raw.get("pretty_name")),
        downloads=_count(raw.get("downloads")),
        likes=_count(raw.get("likes")),
        modified=_date(_text(raw.get("lastModified")) or _text(raw.get("last_modified"))),
        gated=bool(raw.get("gated")),
        sha=_text(raw.get("sha")),
        files=_files(raw),
        parameters=_parameters(raw),
        bytes=_count(raw.get("usedStorage")) or size,
        rows=rows,
        custom_code=_custom_code(raw, tags),
        description=_text(raw.get("description"))[:4000],
        card=_text(raw.get("card"))[:CARD_CHARACTERS],
        aliases=_texts(raw.get("aliases")),
        url=_url(kind, name),
        problems=_problems(raw),
    )


def _kind(raw: Mapping[str, Any], name: str) -> Kind:
    """From the line's own `kind`, else from what only one kind has, else from the file's name."""
    if raw.get("kind") in ("model", "dataset", "code"):
        kind: Kind = raw["kind"]
        return kind
    if "modelId" in raw or raw.get("pipeline_tag"):
        return "model"
    return "dataset" if "dataset" in name else "model"


def _lines(path: Path) -> Iterator[bytes]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        while line := stream.readline(LINE_BYTES):
            whole = line.endswith(b"\n") or len(line) < LINE_BYTES
            while not whole:
                whole = len(rest := stream.readline(LINE_BYTES)) < LINE_BYTES or rest.endswith(b"\n")
                line = b""
            if line:
                yield line


def read_lines(lines: Iterable[bytes | str], name: str = "") -> Iterator[Record]:
    """Records of JSON Lines; unreadable lines are left out."""
    for line in lines:
        try:
            raw = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(raw, dict) and (record := record_from_api(raw, _kind(raw, name))):
            yield record


def index_files(path: Path) -> list[Path]:
    """The index files that a path stands for: itself, or the `.jsonl`/`.jsonl.gz` files of a folder.

    Raises SetupError when there are none.
    """
    if path.is_file():
        return [path]
    found = sorted(p for p in path.glob("*.jsonl*") if p.suffix in (".jsonl", ".gz")) if path.is_dir() else []
    if not found:
        raise SetupError(f"No Hub index at {path}: give a .jsonl file or a folder that holds some.")
    return found


def read_index(paths: Iterable[Path]) -> list[Record]:
    """All records of the given files and folders, in order. Raises SetupError when a path holds no index."""
    files = [file for path in paths for file in index_files(path)]
    return [record for file in files for record in read_lines(_lines(file), file.name)]


def bundled_index() -> list[Record]:
    """The small index in the package: ids, tags, tasks and licences (facts), without card texts."""
    with resources.as_file(resources.files("copilot.hub") / "data" / BUNDLED) as path:
        return read_index([path]) if path.is_file() else []
