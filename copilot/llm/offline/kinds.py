"""Kinds of papers that no small experiment of the catalogue can test, told by their own words in title and abstract."""

from __future__ import annotations

import re
from typing import Any

_KINDS = {
    "reinforcement learning": (
        r"reinforcement learning|policy (?:gradient|optimi[sz]ation)|q-learning|\batari\b|self-play|\bmdps?\b",
        r"",
    ),
    "prompting, judging or serving large language models": (
        r"\b(?:prompt(?:s|ing)?|in-context (?:learning|principle\w*|examples?|demonstrations?)|chain[- ]of[- ]thought"
        r"|llm[- ](?:agents?|based|as)|agentic)\b|"
        r"(?:benchmark|evaluat\w+|measuring|assess\w+|hallucinat\w+|reasoning|serving|inference).*"
        r"\b(?:language models?|llms?|gpt[-\d]*)\b",
        r"\b(?:in-context learning|chain[- ]of[- ]thought|prompt(?:s|ing)\b.*\b(?:llms?|language models?)|"
        r"(?:benchmark|evaluat\w+)\b[^.]*\b(?:llms?|large language models?))\b",
    ),
    "generating images, video, sound or shapes": (
        r"\b(?:text[- ]to[- ](?:image|video|speech|3d)|(?:image|video|speech|music|audio) "
        r"(?:generation|synthesis|editing)|diffusion models?|text-guided|radiance fields?|avatars?|gaussian splats?)",
        r"\bstate-of-the-art (?:image|video) (?:generation|synthesis)\b|\btext-to-(?:image|speech|video)\b",
    ),
    "search or combinatorial optimisation": (
        r"\b(?:travel(?:l)?ing sales\w+|combinatorial|knapsack|vehicle routing|evolutionary|genetic algorithm|np-hard)",
        r"\btravel(?:l)?ing sales\w+",
    ),
    "a survey, a tutorial or an opinion": (
        r"\b(?:survey|tutorial|review|perspectives?|overview|introduction to|position paper|recommendations|lessons)\b",
        r"\bwe (?:survey|review)\b|\bthis (?:paper|article|survey|chapter) (?:surveys|reviews|explains)\b",
    ),
    "a system or a tool": (
        r"\b(?:toolkit|library|software|platform|\w*api|toolbox|hardware|compilers?|computing|scheduling)\b",
        r"\bopen[- ]source (?:\w+ ){0,3}(?:toolkit|library|package|framework|software)\b",
    ),
    "theory": (
        r"\b(?:theorems?|proofs?|bounds?|complexity of|identifiability|approximation algorithms)\b",
        r"\bwe (?:\w+ )?prove\b|\bwe (?:derive|establish) (?:\w+ ){0,4}(?:bounds?|guarantees?|theorems?)\b",
    ),
}
"""For each kind, what its title says, and what the abstract says of the paper itself."""


def outside(paper: dict[str, Any]) -> str:
    """The kind of the paper when it is one that the catalogue cannot test, or nothing."""
    title, abstract = paper.get("title", "").lower(), paper.get("abstract", "").lower()
    for kind, (in_title, in_abstract) in _KINDS.items():
        if re.search(in_title, title) or (in_abstract and re.search(in_abstract, abstract)):
            return kind
    if len(re.findall(_KINDS["reinforcement learning"][0], abstract)) > 1:
        return "reinforcement learning"
    return ""
