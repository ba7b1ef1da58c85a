"""How many papers mention each term of the offline catalogue: what tells a special word from a common one.

    python -m benchmarks.term_frequency FOLDER [--output copilot/llm/offline/frequency.json]

FOLDER holds PDFs at any depth; every one that reads counts once. The table that ships was counted over papers of many
fields and templates with open access; only counts are kept, no text.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

from copilot.errors import SetupError
from copilot.llm.offline.catalogue import FREQUENCY, lines, mentions, vocabulary
from copilot.paper.read import read_paper


def count(texts: list[str]) -> dict[str, int]:
    """In how many of the texts each term stands."""
    terms = sorted(vocabulary())
    found: Counter[str] = Counter({term: 0 for term in terms})
    for text in texts:
        found.update(term for term in terms if mentions(term, text))
    return dict(found)


def texts_in(folder: Path, cache: Path) -> list[str]:
    """The sentences of every paper that reads."""
    found = []
    for path in sorted(folder.rglob("*.pdf")):
        try:
            found.append(lines(" ".join(read_paper(path, cache=cache).page_texts)))
        except SetupError as refusal:
            print(f"left out: {refusal}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--output", type=Path, default=FREQUENCY)
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "copilot")
    options = parser.parse_args()
    texts = texts_in(options.folder, options.cache)
    table = {"papers": len(texts), "mentioned_in": count(texts)}
    options.output.write_text(json.dumps(table, indent=0) + "\n", encoding="utf-8")
    print(f"{options.output}: {len(texts)} papers")


if __name__ == "__main__":
    main()
