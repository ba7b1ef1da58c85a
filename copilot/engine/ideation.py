"""Phase 2: hypotheses are drafted, reviewed, perhaps edited by a person, and one is chosen."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copilot.agents import idea as idea_agent
from copilot.agents import manager, reproduce
from copilot.agents.brief import Material
from copilot.domain.edits import Origin, changes
from copilot.domain.idea import Idea, Metric, Review
from copilot.engine import own_code
from copilot.engine.human import gate, safe_point
from copilot.engine.reading import paper_of
from copilot.engine.services import Services
from copilot.errors import CannotDo, SetupError
from copilot.events import (
    FeedbackGiven,
    IdeaChosen,
    IdeaEdited,
    IdeaRejected,
    IdeaReviewed,
    IdeasProposed,
    PastRecalled,
    QuestionAsked,
)
from copilot.lab.cards import Card, load_cards
from copilot.lab.taskkind import Choice, starter_of, why_not
from copilot.lab.taskkind import choose as choose_for
from copilot.lab.taskkind.choose import card as task_prototype_card
from copilot.memory.past import past_verdicts

GATE = "gate-ideas"
RECALLED = 20
LEDGER = "the claims ledger"
"""Who proposes to repeat a claim: code, not a model."""
DEFAULT_MINIMUM = 0.01
"""Smallest effect that matters for scores between 0 and 1; errors in natural units are scaled at the freeze."""


def recall(services: Services) -> None:
    """What earlier runs found, recorded so that a resumed run asks the very same question."""
    if services.state.past is None:
        found = past_verdicts(services.home.logs, but=services.run.name)
        told = [item.model_dump(mode="json") for item in found[:RECALLED]]
        services.desk.record(PastRecalled(verdicts=told))


def ideas(services: Services) -> None:
    """Draft, offer to repeat a claim of the paper, review; a person's own experiment asks its question itself."""
    if services.state.chosen is not None:
        return
    if own := _own(services):
        if not services.state.proposals:
            services.desk.record(IdeasProposed(ideas=[own], model=own_code.PROPOSER))
        return
    material = material_of(services)
    if not services.state.proposals:
        about, drafted = idea_agent.propose(services.desk, material)
        model = services.desk.model("idea").name
        services.desk.record(IdeasProposed(ideas=drafted, model=model, about=about))
    _offer_reproduction(services, material)
    _review(services, material)


def _own(services: Services) -> Idea | None:
    """The comparison that the given code asks for. Raises CannotDo when `offline` would have to write code."""
    task, wanted = services.task, services.task.head.metric
    if not own_code.brings_code(task):
        return None
    minimum = (wanted.minimum_effect if wanted else None) or DEFAULT_MINIMUM
    found = own_code.own_idea(task, task_metric(services), minimum, services.seeds)
    if found is None and services.desk.model("idea").name == "offline":
        raise CannotDo(
            "offline cannot write an experiment: the code needs an experiment.py and an arms.json with two arms "
            "(docs/own-code.md has the contract), or use a language model (--llm)"
        )
    return found


def _offer_reproduction(services: Services, material: Material) -> None:
    """An idea by code, once: the paper's own claim that the prototypes can test."""
    state = services.state
    if reproduce.ID in state.ideas or (idea := reproduce.offer(material, state.claims or [])) is None:
        return
    services.desk.record(IdeasProposed(ideas=[idea], model=LEDGER))


def material_of(services: Services) -> Material:
    """What ideas are drafted from."""
    task, state = services.task, services.state
    paper = paper_of(services) if state.paper else None
    wanted = task.head.metric
    return Material(
        subject=(paper.title if paper else "") or task.head.title or task.body[:300] or task.name,
        paper=paper,
        question=task.body,
        code=own_code.excerpt(Path(task.starter)) if own_code.brings_code(task) else "",
        cards=usable_cards(services),
        related=list(state.literature.papers) if state.literature else [],
        past=state.past or [],
        options=task_options(services),
        metric=task_metric(services),
        minimum_effect=wanted.minimum_effect if wanted else None,
        seeds=services.seeds,
        prototype=task.head.prototype,
        source="paper" if paper else ("task" if task.sealed else "question"),
    )


def task_metric(services: Services) -> Metric | None:
    """The metric that the task or its sealed evaluator fixes."""
    if services.task.sealed and (evaluator := services.evaluator()) is not None:
        return evaluator.metric
    wanted = services.task.head.metric
    return Metric(name=wanted.name, direction=wanted.direction, unit=wanted.unit) if wanted else None


def usable_cards(services: Services) -> dict[str, Card]:
    """Bundled prototypes: the one that fits the task's own data, else all those that bring theirs."""
    if own_code.brings_code(services.task):
        return {}
    if services.task.sealed:
        card = _task_card(services)
        return {card.name: card} if card else {}
    named = services.task.head.prototype
    cards = load_cards()
    if named and named not in cards:
        raise SetupError(f"the task asks for the prototype {named!r}, which does not exist; see docs/prototypes.md")
    if named:
        return {named: cards[named]}
    missing = sorted({card.requires for card in cards.values() if card.requires and not installed(card.requires)})
    for name in missing:
        left_out = ", ".join(card.name for card in cards.values() if card.requires == name)
        text = f"{name} is not installed, so these prototypes are left out: {left_out} (install the extra `ml`)"
        services.desk.warn("prototypes", text)
    return {name: card for name, card in cards.items() if card.requires not in missing}


def installed(module: str) -> bool:
    """True when it can be imported; it is not imported here."""
    return importlib.util.find_spec(module) is not None


def _task_card(services: Services) -> Card | None:
    """The prototype for the task's own data as a card with the task's metric."""
    choice, metric = task_choice(services), task_metric(services)
    if choice is None or metric is None:
        return None
    found = task_prototype_card(choice.prototype).model_dump(exclude={"metric"})
    return Card(**found, dataset="", metric=metric, minimum_effect=DEFAULT_MINIMUM)


def task_choice(services: Services) -> Choice | None:
    """What the catalogue would run for a task with data of its own, or None."""
    kind = services.task_kind()
    if kind is None:
        return None
    starter = starter_of(Path(services.task.starter)) if services.task.starter else ""
    return choose_for(kind, starter)


def task_options(services: Services) -> dict[str, Any] | None:
    """For a task with data: what the catalogue can do with it. Raises CannotDo outside the catalogue, for `offline`."""
    if not services.task.sealed or own_code.brings_code(services.task):
        return None
    choice = task_choice(services)
    if choice is not None:
        return choice.model_dump(mode="json", exclude={"files"})
    if services.desk.model("idea").name == "offline":
        inputs = services.inputs()
        reason = why_not(inputs, services.task.body, services.grade_spec()) if inputs else "it has no data"
        said = f"offline cannot do the task {services.task.name!r}: {reason.rstrip('.')}"
        raise CannotDo(f"{said}; use a language model (--llm)")
    return None


def _review(services: Services, material: Material) -> None:
    """A round over every idea; what it sends back is revised and reviewed once more."""
    desk = services.desk
    for round_ in range(1, manager.MAX_ROUNDS + 1):
        due = [idea for idea in _drafted(services) if _due(services.state.reviews.get(idea.id, []), round_)]
        if due:
            reviews = manager.review(desk, material, due, round_)
            desk.record(IdeaReviewed(reviews=reviews, model=desk.model("manager").name))
        if round_ < manager.MAX_ROUNDS:
            _send_back(services, material)


def _due(reviews: list[Review], round_: int) -> bool:
    return len(reviews) == round_ - 1 and (not reviews or not reviews[-1].accepted)


def _open(services: Services) -> list[Idea]:
    return [idea for id_, idea in services.state.ideas.items() if id_ not in services.state.rejected]


def _drafted(services: Services) -> list[Idea]:
    """What a model drafted: the offer to repeat a claim is not for a manager to send back."""
    return [idea for idea in _open(services) if idea.reproduces is None]


def _send_back(services: Services, material: Material) -> None:
    revised = {edit.idea.id for edit in services.state.edits if edit.by == "agent"}
    for idea in _drafted(services):
        reviews = services.state.reviews.get(idea.id, [])
        if reviews and not reviews[-1].accepted and idea.id not in revised:
            after = idea_agent.revise(services.desk, material, idea, reviews[-1].reasons)
            services.desk.record(IdeaEdited(idea=after, changes=changes(idea, after), by="agent"))


def choose(services: Services) -> None:
    """By a person at the gate, or by score."""
    state = services.state
    if state.chosen is not None:
        return
    safe_point(services)
    if services.settings.approve == "ask":
        answer = gate(services, _question(services))
        _take_edits(services, answer)
        if answer.choice and answer.choice not in state.ideas:
            services.desk.warn("ideas", f"the answer names {answer.choice[:80]!r}, which is no idea: the best is taken")
        named = answer.choice in state.ideas
        event = IdeaChosen(
            idea_id=answer.choice if named else best(services).id,
            by="person" if named or not answer.choice else "score",
            reason=answer.text,
        )
    else:
        event = IdeaChosen(idea_id=best(services).id, by="score", reason="highest score among the accepted ideas")
    services.desk.record(event)


def _question(services: Services) -> QuestionAsked:
    options = [idea.id for idea in _open(services)]
    first = " You may have the paper's own claim repeated first." if reproduce.ID in options else ""
    text = f"Which hypothesis shall be tested? You may edit, add or reject ideas.{first}"
    return QuestionAsked(id=GATE, gate="ideas", text=text, options=options, default=best(services).id)


def best(services: Services) -> Idea:
    """The open idea with the highest score, those that the manager accepted first.

    To repeat a claim of the paper is an offer to a person: without one it is taken only when nothing else is left.
    """

    def rank(idea: Idea) -> tuple[bool, bool, float]:
        reviews = services.state.reviews.get(idea.id, [])
        return (idea.reproduces is None, not reviews or reviews[-1].accepted, idea.score)

    ideas_left = _open(services)
    if not ideas_left:
        raise CannotDo("every idea was rejected, so there is nothing to test")
    return max(ideas_left, key=rank)


def _take_edits(services: Services, answer: FeedbackGiven) -> None:
    """Edited, added and rejected ideas of an answer become events; what does not fit is warned of."""
    given, origins = answer.data.get("ideas", []), _origins(services, answer)
    for item in given if isinstance(given, list) else []:
        try:
            idea = Idea.model_validate(item)
        except ValidationError as error:
            services.desk.warn("ideas", f"an edited idea was not taken: {error.errors()[0]['msg']}")
            continue
        if problem := idea_agent.arms_problem(idea.arms, idea.prototype, usable_cards(services)):
            services.desk.warn("ideas", f"an edited idea was not taken: {problem}")
            continue
        before = services.state.ideas.get(idea.id)
        idea = _regrounded(services, idea)
        if before != idea:
            origin = Origin(how="edited") if before else origins.get(idea.id, Origin(how="added"))
            made_of = before or next((services.state.ideas.get(source) for source in origin.sources), None)
            found = changes(made_of, idea) if made_of else []
            services.desk.record(
                IdeaEdited(idea=idea, changes=found, by=answer.author, how=origin.how, sources=origin.sources)
            )
    rejected = answer.data.get("rejected", {})
    for id_, reason in (rejected if isinstance(rejected, dict) else {}).items():
        if id_ in services.state.ideas and id_ not in services.state.rejected:
            services.desk.record(IdeaRejected(idea_id=id_, reason=str(reason)[:2000], by=answer.author))


def _origins(services: Services, answer: FeedbackGiven) -> dict[str, Origin]:
    """Where the answer's new ideas came from; what names an idea that is not there is left out."""
    given = answer.data.get("origins", {})
    found: dict[str, Origin] = {}
    for key, item in (given if isinstance(given, dict) else {}).items():
        try:
            origin = Origin.model_validate(item)
        except ValidationError:
            continue
        if set(origin.sources) <= {*services.state.ideas, *given}:
            found[str(key)] = origin
    return found


def _regrounded(services: Services, idea: Idea) -> Idea:
    """Whether a quote is in the paper is for code to say, also after an edit."""
    from copilot.paper.ground import ground

    if services.state.paper is None:
        return idea
    paper = paper_of(services)
    checked = []
    for item in idea.evidence:
        found, page = ground(paper, item.quote, item.page)
        checked.append(item.model_copy(update={"grounded": found, "page": page if found else item.page}))
    return idea.model_copy(update={"evidence": checked})
