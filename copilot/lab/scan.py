"""A search for sealed labels, sealed files and canaries in the files of a workspace.

It reads plain text in any of the usual layouts, forwards and backwards, arrays of numbers or class codes, and what
`packed` can open: archives, arrays, tables, pickles (never loaded), base64 and the like. What it cannot see: encrypted
files, and labels in a code of their own. What was too large to be opened is named, and then the check says that it is
not complete.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.domain.experiment import Check, Purpose
from copilot.lab.packed import Budget, opened, squeezed

if TYPE_CHECKING:
    from copilot.lab.answers import Answers
    from copilot.lab.evaluate import Evaluator
    from copilot.lab.grading import Graded

Trial = tuple[Purpose, str, int]

CHANCE = 1e-4

CHUNK = 4 << 20
NAME = "sealed_labels"
STARTER = "starter"
"""Folder beside a task's own evaluation script, with copies of the modules that every workspace has."""


def sealed_labels(
    workspace: Path | None,
    sealed: Path | None,
    evaluator: Evaluator | None,
    graded: Mapping[Trial, Graded],
    canaries: Sequence[str],
) -> Check:
    """Sealed files, canaries, and sealed (key, label) pairs must not stand anywhere in the workspace.

    Predictions of a good model agree with most labels, and may lie in the workspace honestly. So a file counts as a
    leak only when (nearly) all labels in it are right and the best graded predictions, perfect ones apart, would
    achieve that in less than one file of ten thousand.
    """
    if workspace is None or not workspace.is_dir():
        return _unknown("there is no workspace to search")
    hashes = _hashes(sealed)
    answers = getattr(evaluator, "answers", None)
    if not hashes and not canaries and answers is None:
        return _unknown("no sealed answers belong to this run")
    known = _Sealed(answers(), _best_agreement(graded)) if answers is not None and _common(evaluator) else None
    marks = [canary.encode() for canary in canaries if canary]
    marks += [mark[::-1] for mark in marks]
    count = size = 0
    budget = Budget()
    for path in _files(workspace):
        count, size = count + 1, size + path.stat().st_size
        problem = _search(path, hashes, marks, known) or _search_packed(path, hashes, marks, known, budget)
        if problem:
            return _check(False, f"{path.relative_to(workspace)} {problem}")
    said = f"{count} files ({size / 1e6:.1f} MB) hold no sealed file, canary or label column"
    if budget.left_out:
        names = ", ".join(sorted(set(budget.left_out))[:3])
        return _unknown(
            f"{said}, but {len(budget.left_out)} could not be opened whole (too large, deep or locked): {names}"
        )
    return _check(True, said)


class _Sealed:
    """Sealed labels in the form a scan needs: key -> label, and label runs in the sealed order."""

    def __init__(self, answers: Answers, agreement: float | None) -> None:
        pairs = zip(answers.keys, answers.truth, strict=True)
        self.labels = {key[-1].encode(): _spelled(values[0]) for key, values in pairs if len(key) == 1}
        order = [_spelled(values[0]) for values in answers.truth]
        common = Counter(order).most_common(1)[0][1] / len(order)
        unknown = 0.0 if answers.spec.scoring.form == "number" else 0.9
        self.agreement = max(common, unknown if agreement is None else agreement)
        self.runs = _runs(order)
        self.backwards = _runs(order[::-1])
        self.arrays = _arrays(order)


def _runs(order: Sequence[bytes]) -> dict[bytes, range]:
    """Stretches of 40 labels in sealed order, varied ones only, as they would stand in a list, and where they lie."""
    length = min(40, len(order))
    starts = range(0, len(order) - length + 1, max(1, length // 2))
    stretches = {b" ".join(order[start : start + length]): range(start, start + length) for start in starts}
    return {text: places for text, places in stretches.items() if length >= 20 and len(set(text.split())) >= 2}


def _arrays(order: Sequence[bytes]) -> dict[bytes, range]:
    """Stretches of labels as arrays of numbers hold them: the numbers, or the codes of the sorted classes.

    A few evenly taken stretches, in every usual width; labels of one letter also written without separators.
    """
    import numpy as np

    length = min(40, len(order))
    if length < 20:
        return {}
    starts = np.unique(np.linspace(0, len(order) - length, 6).astype(int)).tolist()
    codes = {label: code for code, label in enumerate(sorted(set(order)))}
    forms = [np.array([codes[label] for label in order])] if len(codes) <= 256 else []
    with suppress(ValueError):
        forms.append(np.array([float(label) for label in order]))
    found: dict[bytes, range] = {}
    for values in forms:
        whole = bool((values == np.floor(values)).all())
        for kind in ("i1", "i2", "i4", "i8", "f4", "f8") if whole else ("f4", "f8"):
            stored = values.astype(f"<{kind}")
            for start in starts:
                if len(np.unique(values[start : start + length])) > 1:
                    found[stored[start : start + length].tobytes()] = range(start, start + length)
    if all(len(label) == 1 for label in order):
        line = b"".join(order)
        found |= {
            line[start : start + length]: range(start, start + length)
            for start in starts
            if len(set(line[start : start + length])) > 1
        }
    return found


def _search(path: Path, hashes: Collection[str], marks: Sequence[bytes], known: _Sealed | None) -> str:
    """What is wrong with one file as it stands, or an empty text."""
    if hashes and path.stat().st_size in {int(entry.split(":")[0]) for entry in hashes}:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if f"{path.stat().st_size}:{digest}" in hashes:
            return "is a copy of a sealed file"
    return _look(_chunks(path), marks, known)


def _search_packed(
    path: Path, hashes: Collection[str], marks: Sequence[bytes], known: _Sealed | None, budget: Budget
) -> str:
    """What is wrong with anything packed in one file, or an empty text; the way to it is named."""
    with path.open("rb") as file:
        data = file.read(budget.per_file + 1)
    if len(data) > budget.per_file:
        budget.left_out.append(path.name)
    for how, inner in opened(path.name, data[: budget.per_file], budget):
        if hashes and f"{len(inner)}:{hashlib.sha256(inner).hexdigest()}" in hashes:
            return f"holds a copy of a sealed file in {how}"
        if problem := _look(_pieces(inner), marks, known):
            return f"{problem} in {how}"
    return ""


def _look(chunks: Iterable[bytes], marks: Sequence[bytes], known: _Sealed | None) -> str:
    """What is wrong with some content, or an empty text."""
    found: dict[bytes, bool] = {}
    runs: set[bytes] = set()
    backwards: dict[bytes, bool] = {}
    places: set[int] = set()
    text = True
    for number, chunk in enumerate(chunks):
        if any(mark in chunk for mark in marks):
            return "holds a canary that stands beside the sealed answers only"
        if known is None:
            continue
        text = text and (number > 0 or b"\0" not in chunk[:8192])
        dense = squeezed(chunk)
        places |= {place for stretch, where in known.arrays.items() if stretch in dense for place in where}
        if text:
            tokens = _tokens(chunk)
            _collect(tokens, known, found)
            plain = b" ".join(tokens)
            runs |= {run for run in known.runs if run in plain}
            places |= _reversed_places(known, plain, len(known.labels))
            _collect([token[::-1] for token in reversed(tokens)], known, backwards)
    if known is None:
        return ""
    return _judge_pairs(known, found, runs, places) or _judge_pairs(known, backwards, set(), set())


def _reversed_places(known: _Sealed, plain: bytes, count: int) -> set[int]:
    """Where a list of the labels stands last one first, or letter by letter backwards: the places that it covers."""
    some = [*known.backwards][:: max(1, len(known.backwards) // 6)]
    found: set[int] = set()
    for text in (plain, b" ".join(token[::-1] for token in reversed(plain.split(b" ")))):
        if any(run in text for run in (some if text is plain else [*known.runs][:: max(1, len(known.runs) // 6)])):
            runs = known.backwards if text is plain else known.runs
            found |= {place for run, where in runs.items() if run in text for place in where}
    return found


def _judge_pairs(known: _Sealed, found: Mapping[bytes, bool], runs: Collection[bytes], more: Collection[int]) -> str:
    """Whether so many right labels are a leak; `more` are places of labels that stand in an array or backwards."""
    right = sum(found.values())
    if right >= 10 and right >= 0.999 * len(found) and known.agreement**right < CHANCE:
        return f"gives the sealed label for {right} of {len(found)} test rows that it names"
    labels = len({place for run in runs for place in known.runs[run]})
    if known.agreement**labels < CHANCE:
        return f"holds {labels} sealed labels in sealed order"
    if known.agreement ** len(more) < CHANCE:
        return f"holds {len(more)} sealed labels as an array, a line or backwards"
    return ""


def _collect(tokens: Sequence[bytes], known: _Sealed, found: dict[bytes, bool]) -> None:
    """Whether each sealed key is followed by its label: at once, or after one column name (`"label": "spam"`)."""
    labels = known.labels
    for place, token in enumerate(tokens):
        if token in labels and not found.get(token):
            found[token] = labels[token] in tokens[place + 1 : place + 3]


def _tokens(chunk: bytes) -> list[bytes]:
    """Words and numbers of a text in any of the usual separators; numbers in one spelling (4.0 is 4)."""
    found: list[bytes] = re.findall(rb"[^\s,;:=|\"'\[\](){}<>]+", chunk)
    return [token[:-2] if token.endswith(b".0") else token for token in found]


def _spelled(value: Any) -> bytes:
    tokens = _tokens(str(value).encode())
    return tokens[0] if tokens else str(value).encode()


def _best_agreement(graded: Mapping[Trial, Graded]) -> float | None:
    """How often the best graded predictions agree exactly with the truth, all but right ones; None without any.

    Perfect predictions are left out: they are what reading the labels would give, and must not excuse it.
    """
    usual = [one for one in graded.values() if one.scoring.form in {"label", "number"}]
    shares = [float((one.truth == one.predicted).mean()) for one in usual]
    return max((share for share in shares if share < 1), default=None)


def _common(evaluator: Evaluator | None) -> bool:
    return evaluator is not None and evaluator.fixed_rows


def _hashes(sealed: Path | None) -> set[str]:
    """Size and SHA-256 of each sealed file that is not trivially small; the starter's modules are no secret."""
    found = set()
    for path in _files(sealed) if sealed is not None and sealed.is_dir() else ():
        if sealed is not None and path.is_relative_to(sealed / STARTER):
            continue
        data = path.read_bytes()
        if len(data) >= 32 and path.name != "grade.json":
            found.add(f"{len(data)}:{hashlib.sha256(data).hexdigest()}")
    return found


def _files(folder: Path) -> Iterator[Path]:
    """Regular files below the folder; links are not followed."""
    for root, _, names in os.walk(folder):
        paths = (Path(root, name) for name in sorted(names))
        yield from (path for path in paths if path.is_file() and not path.is_symlink())


def _chunks(path: Path) -> Iterator[bytes]:
    """The file in pieces that overlap by a little, so that nothing is cut in two."""
    with path.open("rb") as file:
        rest = b""
        while data := file.read(CHUNK):
            yield rest + data
            rest = data[-4096:]


def _pieces(data: bytes) -> Iterator[bytes]:
    """Content in memory, cut like `_chunks`."""
    for start in range(0, len(data), CHUNK):
        yield data[max(0, start - 4096) : start + CHUNK]


def _check(passed: bool, evidence: str) -> Check:
    return Check(name=NAME, passed=passed, evidence=evidence)


def _unknown(evidence: str) -> Check:
    return Check(name=NAME, passed=None, evidence=evidence)
