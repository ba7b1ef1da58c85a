"""What a person did to the ideas and has not handed in yet: edits, copies, merges, rejections. Values only, no I/O.

The app keeps one `Edits` a run, the command line builds one from its options; `data` is what an answer carries, and the
engine turns it into events. Whether an edit is any good (arms, quotes) is the engine's to check.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from copilot.domain.base import Value
from copilot.domain.idea import Arm, Change, Idea

How = Literal["edited", "added", "duplicated", "merged"]


class Origin(Value):
    """Where an idea of a person came from."""

    how: How
    sources: list[str] = []
    """The ideas that it was made of."""


class Edits(Value):
    """Changed and new ideas by id, where the new ones came from, and those put aside with the reason."""

    ideas: dict[str, Idea] = {}
    origins: dict[str, Origin] = {}
    rejected: dict[str, str] = {}

    def change(self, after: Idea, before: Idea) -> Edits:
        """With this edit; unchanged when nothing was changed."""
        return self if after == before else self.model_copy(update={"ideas": self.ideas | {after.id: after}})

    def add(self, idea: Idea, origin: Origin) -> Edits:
        """With a new idea."""
        return self.model_copy(
            update={"ideas": self.ideas | {idea.id: idea}, "origins": self.origins | {idea.id: origin}}
        )

    def duplicate(self, idea: Idea, known: Mapping[str, Idea]) -> Edits:
        """With a copy of it to change."""
        copy = {"id": self.new_id(known), "title": f"{idea.title} (copy)", "source": "person"}
        return self.add(idea.model_copy(update=copy), Origin(how="duplicated", sources=[idea.id]))

    def merge(self, first: Idea, second: Idea, known: Mapping[str, Idea]) -> Edits:
        """With one idea made of two; the two are put aside."""
        made = merged(first, second, self.new_id(known))
        added = self.add(made, Origin(how="merged", sources=[first.id, second.id]))
        return added.reject(first.id, f"merged into {made.id}").reject(second.id, f"merged into {made.id}")

    def reject(self, idea_id: str, reason: str) -> Edits:
        """With this idea put aside."""
        said = reason.strip() or "no reason given"
        return self.model_copy(update={"rejected": self.rejected | {idea_id: said}})

    def take_back(self, idea_id: str) -> Edits:
        """With this idea no longer put aside."""
        return self.model_copy(update={"rejected": {k: v for k, v in self.rejected.items() if k != idea_id}})

    def new_id(self, known: Mapping[str, Idea]) -> str:
        """An id that no idea has yet."""
        taken = {*known, *self.ideas}
        return f"own-{next(n for n in range(1, len(taken) + 2) if f'own-{n}' not in taken)}"

    def data(self, ideas: Sequence[Idea], choice: str) -> dict[str, Any]:
        """What the answer carries: `ideas` as they stand now; the chosen one is not put aside."""
        return {
            "ideas": [idea.model_dump(mode="json") for idea in ideas],
            "origins": {key: origin.model_dump(mode="json") for key, origin in self.origins.items()},
            "rejected": {key: reason for key, reason in self.rejected.items() if key != choice},
        }


def merged(first: Idea, second: Idea, identity: str) -> Idea:
    """One idea of two: the first one's question, with the words, evidence and, where comparable, the arms of both.

    Arms can be compared under the same prototype and metric; else the second one's stay out, and a risk says so. The
    prediction and the smallest effect are the first one's, the probability is the lower of the two.
    """
    comparable = (first.prototype, first.metric) == (second.prototype, second.metric)
    arms = _arms(first.arms, second.arms) if comparable else first.arms
    left_out = f"the arms of “{second.title}” are left out: it needs another prototype or metric"
    quotes = {item.quote for item in first.evidence}
    titles = {paper.title for paper in first.related}
    return first.model_copy(
        update={
            "id": identity,
            "title": f"{first.title}; {second.title}"[:300],
            "claim": f"{first.claim} {second.claim}",
            "mechanism": f"{first.mechanism} {second.mechanism}",
            "evidence": [*first.evidence, *(item for item in second.evidence if item.quote not in quotes)],
            "refuted_by": "; ".join(dict.fromkeys(text for text in (first.refuted_by, second.refuted_by) if text)),
            "arms": arms,
            "probability": min(first.probability, second.probability),
            "seeds": max(first.seeds, second.seeds),
            "cost_seconds": round(first.cost_seconds * len(arms) / len(first.arms), 1),
            "related": [*first.related, *(paper for paper in second.related if paper.title not in titles)],
            "risks": list(dict.fromkeys([*first.risks, *second.risks, *([] if comparable else [left_out])])),
            "score": min(first.score, second.score),
            "reproduces": first.reproduces or second.reproduces,
            "source": "person",
        }
    )


def _arms(first: Sequence[Arm], second: Sequence[Arm]) -> list[Arm]:
    """The first ones, and those of the second that set something else, under names of their own."""
    arms = list(first)
    for arm in second:
        if all(arm.parameters != known.parameters for known in arms):
            names = {known.name for known in arms}
            free = next(name for n in range(1, 99) if (name := arm.name if n == 1 else f"{arm.name}_{n}") not in names)
            arms.append(arm.model_copy(update={"name": free}))
    return arms


def changes(before: Idea, after: Idea) -> list[Change]:
    """The fields that differ, as JSON text."""
    old, new = before.model_dump(mode="json"), after.model_dump(mode="json")
    return [Change(field=k, before=json.dumps(old[k]), after=json.dumps(new[k])) for k in old if old[k] != new[k]]
