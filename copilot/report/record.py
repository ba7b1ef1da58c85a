"""What a report is made from: the journal up to the verdict, folded, with the places of its entries. Reads no file.

Entries after the verdict (the report's own, a remark that came late) change nothing, so a report can be made again at
any time and comes out the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from copilot.domain.experiment import Protocol, Verdict
from copilot.errors import SetupError
from copilot.events import Event, VerdictReached
from copilot.journal import Entry
from copilot.state import RunState, fold


@dataclass(frozen=True)
class Record:
    """A run that has a verdict."""

    entries: Sequence[Entry]
    state: RunState
    protocol: Protocol
    verdict: Verdict

    @property
    def head(self) -> str:
        """The journal's hash at the verdict: it stands for every line up to there."""
        return self.entries[-1].hash

    def seqs(self, *kinds: type[Event]) -> list[int]:
        """Numbers of all entries of these kinds."""
        return [entry.seq for entry in self.entries if isinstance(entry.event, kinds)]


def record_of(entries: Iterable[Entry]) -> Record:
    """The record up to the verdict. Raises SetupError when there is none."""
    kept = []
    for entry in entries:
        kept.append(entry)
        if isinstance(entry.event, VerdictReached):
            break
    state = fold(kept)
    if state.verdict is None or state.protocol is None:
        raise SetupError("this run has no verdict yet, so there is nothing to report")
    return Record(kept, state, state.protocol, state.verdict)
