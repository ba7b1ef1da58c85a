"""The IdeaAgent: a paper or a question in, grounded hypotheses out.

It asks for structured drafts and then lets code do what code can: quotes are looked up in the paper, parameters are
checked against the prototype's card, cost is computed. Not here: judging ideas (`manager`), choosing one (a person or
a score).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from copilot.agents.brief import Material, for_ideas
from copilot.agents.desk import Desk, ask_for, tool_for
from copilot.agents.prompts import render
from copilot.domain.idea import Arm, Evidence, Idea, Metric, RelatedPaper
from copilot.domain.paper import Paper
from copilot.domain.wording import names_what_varies
from copilot.errors import SetupError
from copilot.lab.cards import Card, validate_parameters
from copilot.llm.protocol import Document, Message, Part, Request, Text
from copilot.paper.ground import ground

METRIC_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_@%./ ()-]{0,59}")
TOOL = "propose_ideas"
COUNT = 4
NEAR = 0.04
"""Cosine of words below which a paper is no neighbour: it shares little but the field's common words."""
PROBE_TRIALS = 8
"""Repeat and shuffle probes that the lab adds to the matrix (an upper bound for two arms)."""


class DraftEvidence(BaseModel):
    """A verbatim quote from the paper."""

    model_config = ConfigDict(extra="forbid")
    quote: str = Field(description="copied character by character from the document `paper`")
    page: int | None = Field(default=None, description="page number, from 1")


class DraftIdea(BaseModel):
    """One drafted hypothesis."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(min_length=3, max_length=200)
    claim: str = Field(
        min_length=10, description="one testable sentence: what is varied, on what, which number, how much"
    )
    mechanism: str = Field(min_length=10, description="why it should come out so, in the terms of this paper")
    evidence: list[DraftEvidence] = []
    refuted_by: str = Field(description="the observation that would sink it, in units of the metric")
    prototype: str = Field(default="", description="name of a bundled prototype, or empty to write the experiment")
    arms: list[Arm] = Field(min_length=2, max_length=6, description="`baseline` first")
    metric_name: str = Field(default="", description="only without a prototype: short name of the number that decides")
    metric_direction: Literal["maximize", "minimize"] = "maximize"
    predicted_effect: float = Field(description="in units of the metric, positive means better")
    probability: float = Field(ge=0, le=1, description="your own, that the verdict will be `supported`")
    minimum_effect: float | None = Field(default=None, gt=0, description="smallest effect that matters")
    data: str = Field(default="", description="a data set of the card, or what the experiment generates")
    novelty: str = Field(default="", description="what neither the paper nor the nearest of `related`, by title, has")
    risks: list[str] = Field(
        default=[], description="what could mislead: confounders, distance from the paper's setting"
    )
    kind: Literal["new", "reproduction", "improvement"] = "new"
    relevance: float = Field(default=0.5, ge=0, le=1, description="how central this is to the paper or question")


class DraftIdeas(BaseModel):
    """All drafts, best first."""

    model_config = ConfigDict(extra="forbid")
    about: str = Field(default="", max_length=1500, description="what the paper or question is about, in one sentence")
    ideas: list[DraftIdea] = Field(min_length=1, max_length=8)


def propose(desk: Desk, material: Material) -> tuple[str, list[Idea]]:
    """What the subject is about, and grounded, runnable ideas: as many as it has grounds for.

    Raises Paused when the model gives no usable answer, CannotDo when it cannot do this at all.
    """
    drafts = ask_for(desk, _request(_parts(material)), DraftIdeas, check=_checker(material))
    ideas = [_finish(draft, f"idea-{number}", material) for number, draft in enumerate(drafts.ideas, 1)]
    return drafts.about, ideas


def revise(desk: Desk, material: Material, idea: Idea, reasons: list[str]) -> Idea:
    """The idea again, with the manager's reasons answered; its id stays.

    The same tool and the same documents as before, so that only what is new has to be paid in full.
    """
    ask = f"Revise this one hypothesis so that the reasons no longer hold. Call `{TOOL}` with it alone, whole."
    shown = idea.model_dump_json(exclude={"related", "score"})
    parts = [
        *_parts(material),
        Document(name="idea", text=shown, media_type="application/json"),
        Text(text="The manager sent it back:\n" + "\n".join(f"- {reason}" for reason in reasons) + f"\n\n{ask}"),
    ]
    drafts = ask_for(desk, _request(parts), DraftIdeas, check=_checker(material, only=True))
    return _finish(drafts.ideas[0], idea.id, material)


def _request(parts: list[Part]) -> Request:
    return Request(
        role="idea",
        system=render("idea"),
        messages=[Message(role="user", parts=parts)],
        tools=[tool_for(TOOL, "Hand in the drafted hypotheses.", DraftIdeas)],
        require_tool=TOOL,
    )


def _parts(material: Material) -> list[Part]:
    hints = []
    if material.metric:
        hints.append(f"The task fixes the metric: {material.metric.name} ({material.metric.direction}).")
    if material.prototype:
        hints.append(f"The task asks for the prototype `{material.prototype}`.")
    if material.code:
        hints.append("The experiment starts from the document `code`: no prototype; arms that change that code.")
    if material.options:
        hints.append("The task has its own data: use the prototype and arms of the document `options`.")
    request = render(
        "idea_request",
        count=str(COUNT),
        subject="the paper in the document `paper`" if material.paper else material.subject,
        seeds=str(material.seeds),
        hints="\n".join(hints),
    )
    return [*for_ideas(material), Text(text=request)]


def _checker(material: Material, *, only: bool = False) -> Callable[[DraftIdeas], str]:
    def check(drafts: DraftIdeas) -> str:
        if only and len(drafts.ideas) != 1:
            return "hand in the revised hypothesis alone"
        problems = [_problem(draft, material) for draft in drafts.ideas]
        return "; ".join(f"idea {number}: {text}" for number, text in enumerate(problems, 1) if text)

    return check


def _problem(draft: DraftIdea, material: Material) -> str:
    """What is wrong with a draft, or nothing."""
    if problem := arms_problem(draft.arms, draft.prototype, material.cards):
        return problem
    if draft.metric_name and not METRIC_NAME.fullmatch(draft.metric_name):
        return "`metric_name` must be the short name of one number, for example `accuracy` or `val_loss`"
    if not (draft.prototype or draft.metric_name or material.metric):
        return "without a prototype, `metric_name` must be given"
    return ""


def arms_problem(arms: Sequence[Arm], prototype: str, cards: Mapping[str, Card]) -> str:
    """Why these arms cannot be compared with this prototype (empty: none), or nothing."""
    names = [arm.name for arm in arms]
    if len(arms) < 2 or names[0] != "baseline" or len(set(names)) != len(names):
        return "there must be two arms at least, the first called `baseline`, and no two may share a name"
    if not prototype:
        return ""
    if any(arm.parameters == arms[0].parameters for arm in arms[1:]):
        return "an arm has the same parameters as the baseline"
    if prototype not in cards:
        return f"there is no prototype {prototype!r}; use one of {', '.join(cards)} or leave it empty"
    try:
        for arm in arms:
            validate_parameters(cards[prototype], arm.parameters)
    except SetupError as error:
        return str(error)
    return ""


def _finish(draft: DraftIdea, identity: str, material: Material) -> Idea:
    card = material.cards.get(draft.prototype)
    metric = material.metric or (card.metric if card and card.metric else None)
    metric = metric or Metric(name=draft.metric_name, direction=draft.metric_direction)
    evidence = [_grounded(material.paper, item) for item in draft.evidence]
    minimum = material.minimum_effect or (card.minimum_effect if card else None) or draft.minimum_effect or 0.01
    seconds = card.seconds_per_trial if card else 30.0
    idea = Idea(
        id=identity,
        title=draft.title,
        claim=draft.claim,
        mechanism=draft.mechanism,
        evidence=evidence,
        refuted_by=draft.refuted_by,
        arms=draft.arms,
        metric=metric,
        predicted_effect=draft.predicted_effect,
        probability=draft.probability,
        minimum_effect=minimum,
        seeds=material.seeds,
        data=draft.data,
        prototype=draft.prototype,
        cost_seconds=round(seconds * (len(draft.arms) * material.seeds + PROBE_TRIALS), 1),
        novelty=draft.novelty,
        related=_nearest(draft, material),
        risks=[*draft.risks, *_unnamed(draft, evidence)],
        relevance=draft.relevance,
        kind=draft.kind,
        source=material.source,
    )
    return idea.model_copy(update={"score": score(idea)})


def _nearest(draft: DraftIdea, material: Material) -> list[RelatedPaper]:
    from copilot.literature.novelty import novelty

    if not material.related:
        return []
    words = " ".join([draft.title, draft.mechanism, *(item.quote for item in draft.evidence)])
    return [paper for paper in novelty(words, material.related)[:3] if (paper.similarity or 0.0) >= NEAR]


def _unnamed(draft: DraftIdea, evidence: Sequence[Evidence]) -> list[str]:
    """What a reader should know of evidence that only stands near the idea."""
    found = [item for item in evidence if item.grounded]
    if not found or any(_names(draft.arms, draft.mechanism, item) for item in found):
        return []
    return ["the quoted words of the paper do not speak of what is varied here"]


def _names(arms: Sequence[Arm], mechanism: str, item: Evidence) -> bool:
    """True when the quote speaks of what the treatments have beyond the baseline, or of why it should matter."""
    treatment = " ".join([*(arm.description for arm in arms[1:]), mechanism])
    return names_what_varies(treatment, arms[0].description, item.quote)


def _grounded(paper: Paper | None, item: DraftEvidence) -> Evidence:
    if paper is None:
        return Evidence(quote=item.quote, page=item.page, grounded=False)
    found, page = ground(paper, item.quote, item.page)
    section = next((s.title for s in reversed(paper.sections) if page is not None and s.page <= page), "")
    return Evidence(quote=item.quote, page=page if found else item.page, section=section, grounded=found)


def score(idea: Idea) -> float:
    """How promising an idea is, from 0 to 1, for the choice without a person.

    How central it is to the paper, its expected worth (probability, and an effect that clears the smallest one that
    matters), grounding (a quote that does not speak of what is varied counts half), and whether it can run here as it
    stands. A heuristic of ours, stated so that it can be argued with; it decides nothing but the order.
    """
    grounded = sum(1.0 if _names(idea.arms, idea.mechanism, item) else 0.5 for item in idea.evidence if item.grounded)
    grounding = 1.0 if idea.source != "paper" else min(1.0, grounded / 2)
    worth = min(1.0, abs(idea.predicted_effect) / (2 * idea.minimum_effect))
    runnable = 1.0 if idea.prototype else 0.5
    parts = 0.35 * idea.relevance + 0.2 * idea.probability + 0.1 * worth + 0.25 * grounding + 0.1 * runnable
    return round(parts, 4)
