"""Words against words: a BM25F score of every record for a query, as sparse matrices.

Fields count differently (a word in the id says more than one in the card). No network, no model weights, no judgement
about tasks or trust.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from copilot.hub.data import data_file
from copilot.hub.values import Record

K1 = 1.2
FIELDS = ("name", "tags", "lead", "card")
WEIGHTS = {"name": 2.5, "tags": 1.5, "lead": 1.6, "card": 0.6}
LENGTH = {"name": 0.3, "tags": 0.5, "lead": 0.5, "card": 0.75}
"""BM25F's b: how strongly a long field is discounted."""
FAMILY = 5
"""Words that share so many first letters are taken for one family (`vulnerable`, `vulnerability`)."""
LEAD_CHARACTERS = 1200
CARD_CHARACTERS = 6000

SPELLING: dict[str, str] = data_file("words.yaml")["spelling"]
STOP = frozenset(str(data_file("words.yaml")["stop"]).split())

_TOKEN = re.compile(r"[^\W_]+", re.UNICODE)
_LETTER = re.compile(r"(?<=\b[a-z])-(?=[a-z])")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|(?<=\d)(?=[A-Za-z])")
_NOISE = re.compile(
    r"https?://\S+|<[^>]{0,300}>|\[More Information Needed\](?:\([^)]*\))?|^\s*-?\s*\[[^\]]*\]\(#.*$", re.M
)
_BOILERPLATE = re.compile(
    r"^\s*(?:-\s*)?(?:#+\s*)?(?:\*\*)?(?:table of contents|dataset card for.*|homepage|repository|paper|leaderboard|"
    r"point of contact|dataset description|size of .*|total amount .*|curation rationale|annotation process|"
    r"personal and sensitive.*|social impact.*|discussion of biases|other known limitations|dataset curators|"
    r"contributions|thanks to .*|licensing information|citation information)\s*:?(?:\*\*)?:?.*$",
    re.I | re.M,
)


@lru_cache(maxsize=200_000)
def stem(word: str) -> str:
    """A light English stem: plural, -ing, -ed and -ion/-er endings of longer words."""
    if len(word) <= 4 or not word.isascii():
        return word[:-1] if len(word) == 4 and word.endswith("s") and not word.endswith("ss") else word
    for ending, least in (
        ("izations", 4), ("isations", 4), ("ization", 4), ("isation", 4), ("izing", 4), ("ising", 4), ("ized", 4),
        ("ational", 4), ("fications", 3), ("fication", 3), ("fying", 3), ("fiers", 3), ("fier", 3), ("fied", 3),
        ("fies", 3), ("ations", 4), ("ation", 4), ("ements", 4), ("ingly", 4), ("ings", 4), ("ions", 4), ("ing", 4),
        ("ion", 4), ("ers", 4), ("ies", 3), ("ize", 4), ("ise", 4), ("ate", 4), ("ed", 4), ("er", 4), ("es", 4),
        ("al", 5), ("ly", 4), ("fy", 3), ("s", 3), ("e", 4), ("y", 4),
    ):  # fmt: skip
        if word.endswith(ending) and len(word) - len(ending) >= least and not word.endswith("ss"):
            return word[: -len(ending)]
    return word


JARGON_WEIGHT = 0.5
METHOD_WEIGHT = 0.3
"""A request for data says how a thing is done too; a card that says it also is only a little better for it."""
METHODS = frozenset(stem(word) for word in str(data_file("words.yaml")["methods"]).split())


def tokens(text: str) -> list[str]:
    """Stemmed words without stop words; `x-ray` and `e-mail` are one word each."""
    joined = _LETTER.sub("", text.lower())
    return [stem(SPELLING.get(word, word)) for word in _TOKEN.findall(joined) if word not in STOP]


def asked_words(text: str, jargon: Iterable[str] = (), *, data: bool) -> dict[str, float]:
    """The distinct words of a request with their weights; in one for `data`, words about methods count less."""
    found = dict.fromkeys(tokens(" ".join(jargon)), JARGON_WEIGHT) | dict.fromkeys(tokens(text), 1.0)
    return {word: METHOD_WEIGHT if data and word in METHODS else weight for word, weight in found.items()}


def name_tokens(name: str) -> list[str]:
    """The words inside a repository name, and the name itself run together (`squad_v2` -> squad, v2, squadv2)."""
    last = name.rsplit("/", 1)[-1]
    parts = [part for piece in _TOKEN.findall(name) for part in (piece, *_CAMEL.split(piece))]
    whole = re.sub(r"[^a-z0-9]", "", last.lower())
    return [stem(part.lower()) for part in dict.fromkeys(parts)] + [whole]


def plain(text: str) -> str:
    """Card text without links, mark-up and the template's headings."""
    return _BOILERPLATE.sub(" ", _NOISE.sub(" ", text))


def _fields(record: Record) -> dict[str, list[str]]:
    card = plain(record.card)
    lead = f"{record.description} {card[:LEAD_CHARACTERS]}"
    tags = " ".join((*record.tasks, *record.datasets, *record.languages, *record.tags[:60]))
    return {
        "name": name_tokens(record.id) + tokens(record.title),
        "tags": tokens(re.sub(r"[a-z_]+:", " ", tags).replace("-", " ")),
        "lead": tokens(lead),
        "card": tokens(card[:CARD_CHARACTERS]),
    }


class Lexical:
    """A BM25F index over records; `scores` gives one number per record, not normalised."""

    def __init__(self, records: Sequence[Record]) -> None:
        self._terms: dict[str, int] = {}
        self._idf: Any = None
        self._matrix = self._build([_fields(record) for record in records])

    def _counts(self, documents: Iterable[list[str]]) -> Any:
        from scipy.sparse import csr_matrix

        rows: list[int] = []
        columns: list[int] = []
        count = 0
        for count, words in enumerate(documents, 1):
            for word in words:
                rows.append(count - 1)
                columns.append(self._terms.setdefault(word, len(self._terms)))
        return csr_matrix(([1.0] * len(rows), (rows, columns)), shape=(count, max(len(self._terms), 1)))

    def _build(self, documents: list[dict[str, list[str]]]) -> Any:
        """Terms x records: idf times the saturated, field-weighted and length-normalised frequency."""
        import numpy as np
        from scipy.sparse import csr_matrix

        if not documents:
            return csr_matrix((1, 0))
        counted = {field: self._counts(document[field] for document in documents) for field in FIELDS}
        shape = (len(documents), max(len(self._terms), 1))
        total: Any = csr_matrix(shape)
        for field, counts in counted.items():
            counts.resize(shape)
            lengths = np.asarray(counts.sum(axis=1)).ravel()
            norm = 1 - LENGTH[field] + LENGTH[field] * lengths / max(float(lengths.mean()), 1.0)
            total = total + csr_matrix(counts.multiply((WEIGHTS[field] / np.maximum(norm, 0.1))[:, None]))
        matrix = csr_matrix(total)
        seen = np.bincount(matrix.indices, minlength=shape[1])
        idf = self._idf = np.log(1 + (len(documents) - seen + 0.5) / (seen + 0.5))
        matrix.data = matrix.data / (matrix.data + K1) * idf[matrix.indices]
        return csr_matrix(matrix.T)

    def bound(self, words: Mapping[str, float]) -> float:
        """The score of a record that had every word many times; a word that no record has counts like the rarest."""
        rarest = float(self._idf.max(initial=0.0))
        return sum(
            weight * (float(self._idf[self._terms[word]]) if word in self._terms else rarest)
            for word, weight in words.items()
        )

    def having(self, words: Iterable[str], *, family: bool = False) -> Any:
        """For each record, whether it has any of the stemmed words; with `family`, also words that begin like one."""
        import numpy as np

        wanted = set(words)
        heads = tuple(word[:FAMILY] for word in wanted if len(word) > FAMILY) if family else ()
        rows = [n for term, n in self._terms.items() if term in wanted or (heads and term.startswith(heads))]
        return np.asarray(self._matrix[rows].sum(axis=0)).ravel() > 0 if rows else np.zeros(self._matrix.shape[1], bool)

    def scores(self, words: Mapping[str, float]) -> Any:
        """BM25F of every record for weighted words, as an array."""
        import numpy as np

        known = [word for word in words if word in self._terms]
        if not known:
            return np.zeros(self._matrix.shape[1])
        return self._matrix[[self._terms[word] for word in known]].T @ np.array([words[word] for word in known])
