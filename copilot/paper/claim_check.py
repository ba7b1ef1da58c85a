"""The test that every entry of the claims ledger has to pass when somebody else than the rules proposed it.

An entry stands only with its words in the paper, its number in those words, and its names in the paper's text; an order
to a machine is no claim. Judges single entries; whether they are told well is for a reader.
"""

from __future__ import annotations

from copilot.domain.paper import Claim, Paper
from copilot.paper.caution import instructions_in
from copilot.paper.claim_metrics import NUMBER, parse_number
from copilot.paper.ground import ground
from copilot.paper.words import key


def checked(paper: Paper, claim: Claim) -> Claim | str:
    """The claim, grounded and with the page where its quote begins; or what is wrong with it, in words."""
    found, page = ground(paper, claim.quote, claim.page)
    if not found or page is None:
        return "its quote is not in the paper"
    if instructions_in(claim.quote):
        return "its quote is an instruction to a machine"
    if claim.number is not None and claim.number not in _numbers(claim.quote):
        return "its number is not in its quote"
    text = key(" ".join([*paper.page_texts, *(table.caption for table in paper.tables)]))
    if not all(key(name) in text for name in (claim.metric, claim.dataset, claim.model)):
        return "a name in it is not in the paper"
    return claim.model_copy(update={"grounded": True, "page": page})


def _numbers(text: str) -> set[float]:
    """The numbers that a text prints, whole ones only: "93.1" holds neither 93 nor 3.1."""
    printed = (parse_number(match.group()) for match in NUMBER.finditer(text))
    return {number for number in printed if number is not None}
