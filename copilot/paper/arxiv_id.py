"""arXiv identifiers in every spelling people use. Pure; touches no network.

Scheme: https://info.arxiv.org/help/arxiv_identifier.html
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from copilot.domain.base import Value

_NEW = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
_ARCHIVES = (
    "astro-ph|cond-mat|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math-ph|nlin|nucl-ex|nucl-th|physics|quant-ph|math|cs|q-bio|q-fin|stat|eess|econ"
    "|acc-phys|adap-org|alg-geom|ao-sci|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|dg-ga|funct-an|mtrl-th|patt-sol|plasm-ph"
    "|q-alg|solv-int|supr-con"
)
_OLD = rf"(?P<old>(?:{_ARCHIVES})(?:\.[A-Za-z]{{2}}(?:-[A-Za-z]{{2,3}})?)?/\d{{2}}(?:0[1-9]|1[0-2])\d{{3}})"
_ID = rf"(?:{_NEW}|{_OLD})(?:v(?P<version>[1-9]\d{{0,2}}))?"
_BARE = re.compile(
    rf"(?:(?:arxiv\s+preprint|corr)[\s,]*(?:abs/)?)?(?:arxiv\s*(?:id)?\s*[:/]?\s*)?{_ID}"
    r"(?:\s*[\[(][\w.-]+[\])])?(?:\s+\d{1,2} [a-z]{3} \d{4})?",
    re.I,
)
_ENCLOSED = re.compile(r"<(.*)>|\[(.*)\]|\((.*)\)|\"(.*)\"|'(.*)'")
_URL = re.compile(
    rf"(?:https?://)?(?:[\w-]+\.)*(?:arxiv\.org|alphaxiv\.org|huggingface\.co|hf\.co|ar5iv\.org|ar5iv\.labs\.arxiv\.org)"
    rf"/(?:abs|pdf|html|e-print|src|format|papers|ps|overview|ftp/arxiv/papers)/(?:arxiv:)?{_ID}(?:\.pdf)?/?(?:[?#].*)?",
    re.I,
)
_DOI = re.compile(rf"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?10\.48550/arxiv\.{_ID}", re.I)
_STAMP = re.compile(rf"arXiv:\s*{_ID}", re.I)


class ArxivId(Value):
    """An arXiv identifier: `id` without version ("2408.14033", "math/0309136"), `version` 0 when none was named."""

    id: str
    version: int = 0

    def __str__(self) -> str:
        return f"{self.id}v{self.version}" if self.version else self.id


def parse_arxiv_id(text: str) -> ArxivId | None:
    """The identifier that `text` is, alone or inside an arXiv address; None when it is anything else."""
    text = unicodedata.normalize("NFKC", text[:400]).strip().rstrip(".,;")
    if enclosed := _ENCLOSED.fullmatch(text):
        text = next(inside for inside in enclosed.groups() if inside is not None)
    text = text.strip()
    if len(text) > 300:
        return None
    for pattern in (_BARE, _URL, _DOI):
        if match := pattern.fullmatch(text):
            return _made(match)
    return None


def _made(match: re.Match[str]) -> ArxivId:
    old = match.group("old")
    if old:
        archive, number = old.split("/")
        name = archive.split(".")[0].lower()
        return ArxivId(id=f"{name}/{number}", version=int(match.group("version") or 0))
    return ArxivId(id=match.group("new"), version=int(match.group("version") or 0))


def find_stamp(rotated: Sequence[str], first_page: str) -> str:
    """The identifier stamped on a paper's margin ("arXiv:2408.14033v3 [cs.CL] …"), else printed at its very "
    "top, else ""."""
    for text in rotated:
        if match := _STAMP.search(text):
            return str(_made(match))
    match = _STAMP.match(first_page.strip())
    return str(_made(match)) if match else ""
