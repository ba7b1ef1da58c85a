"""The manager's review by rules: checks that can be checked, and says that no more was done."""

from __future__ import annotations

from typing import Any

NOVELTY = 0.5
"""The middle of the scale, and a reason says so: rules cannot tell what is new; unlike words are not newness."""


def review(documents: dict[str, Any]) -> list[dict[str, Any]]:
    """One review per idea."""
    return [_one(idea) for idea in documents.get("ideas", [])]


def _one(idea: dict[str, Any]) -> dict[str, Any]:
    grounded = [item for item in idea.get("evidence", []) if item.get("grounded")]
    from_paper = idea.get("source") == "paper"
    reasons = ["checked by rules only: grounding, prototype, arms that differ, not novelty"]
    if from_paper and not grounded:
        reasons.append("no quote could be found in the paper")
    differing = _differing(idea)
    if differing != 1:
        reasons.append(f"the arms differ in {differing} parameters; one would isolate the cause")
    return {
        "idea_id": idea["id"],
        "accepted": bool(idea.get("prototype")),
        "clarity": 0.9 if differing == 1 else 0.6,
        "novelty": NOVELTY,
        "feasibility": 1.0 if idea.get("prototype") else 0.2,
        "alignment": 0.9 if grounded or not from_paper else 0.3,
        "reasons": reasons,
    }


def _differing(idea: dict[str, Any]) -> int:
    arms = idea.get("arms", [])
    if len(arms) < 2:
        return 0
    first, second = arms[0].get("parameters", {}), arms[1].get("parameters", {})
    return sum(first.get(name) != second.get(name) for name in {*first, *second})
