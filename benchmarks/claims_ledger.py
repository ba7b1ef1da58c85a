"""The claims ledger: a random sample of its entries to be judged beside the page, and what it costs.

    python benchmarks/claims_ledger.py --papers DIR --entries 60 --seed 1

DIR holds PDFs, at any depth. A paper is drawn first, then one of its entries, so that a paper full of tables does not
stand for all. Judging is left to a reader: an entry is right only if all that it says is right, and is the paper's own.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from pathlib import Path

from copilot.domain.paper import Claim, Paper
from copilot.paper.assemble import Refused, parse_pdf
from copilot.paper.claims import extract_claims
from copilot.paper.limits import ReadLimits

FIELDS = ("number", "unit", "metric", "dataset", "model")


def main() -> None:
    """Reads the papers, prints counts, times and the sample."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--papers", type=Path, required=True, help="a folder of PDFs")
    parser.add_argument("--entries", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    found: dict[str, tuple[Paper, list[Claim]]] = {}
    reading = telling = 0.0
    for path in sorted(given.papers.rglob("*.pdf")):
        began = time.process_time()
        try:
            paper = parse_pdf(path, None, ReadLimits())
        except Refused as refusal:
            print(f"{path.name}: {refusal}")
            continue
        read = time.process_time()
        claims = [claim for claim in extract_claims(paper) if claim.grounded]
        reading, telling = reading + read - began, telling + time.process_time() - read
        found[str(path)] = paper, claims
    pages = sum(paper.pages for paper, _ in found.values()) or 1
    print(
        f"{len(found)} papers, {pages} pages; CPU s/page: reading {reading / pages:.4f}, ledger {telling / pages:.4f}"
    )
    print(dict(Counter(claim.kind for _, claims in found.values() for claim in claims)))
    _sample({path: one for path, one in found.items() if one[1]}, given.entries, random.Random(given.seed))


def _sample(found: dict[str, tuple[Paper, list[Claim]]], entries: int, chance: random.Random) -> None:
    for number in range(1, entries + 1 if found else 1):
        path = chance.choice(sorted(found))
        paper, claims = found[path]
        claim = chance.choice(claims)
        told = {field: value for field in FIELDS if (value := getattr(claim, field)) not in ("", None)}
        print(f"\n[{number}] {path} p. {claim.page} {claim.kind} § {claim.section} {told}\n    {claim.quote}")
        for table in paper.tables:
            if table.label == claim.section and table.page == claim.page:
                print("\n".join([f"    {table.caption}", *(f"    | {' | '.join(row)}" for row in table.rows[:6])]))


if __name__ == "__main__":
    main()
