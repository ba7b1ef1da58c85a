"""How events of reading, ideas and plans change what is known."""

from __future__ import annotations

from copilot import events as ev
from copilot.journal import Entry
from copilot.state.known import Handler, RunState


def _paper(state: RunState, event: ev.PaperRead, entry: Entry) -> None:
    state.paper = event


def _claims(state: RunState, event: ev.ClaimsExtracted, entry: Entry) -> None:
    state.claims = list(event.claims)


def _literature(state: RunState, event: ev.LiteratureFound, entry: Entry) -> None:
    state.literature = event


def _past(state: RunState, event: ev.PastRecalled, entry: Entry) -> None:
    state.past = event.verdicts


def _ideas(state: RunState, event: ev.IdeasProposed, entry: Entry) -> None:
    state.proposals += 1
    state.about = event.about or state.about
    state.ideas.update({idea.id: idea for idea in event.ideas})


def _reviewed(state: RunState, event: ev.IdeaReviewed, entry: Entry) -> None:
    for review in event.reviews:
        state.reviews.setdefault(review.idea_id, []).append(review)


def _edited(state: RunState, event: ev.IdeaEdited, entry: Entry) -> None:
    state.ideas[event.idea.id] = event.idea
    state.rejected.pop(event.idea.id, None)
    state.edits.append(event)


def _rejected(state: RunState, event: ev.IdeaRejected, entry: Entry) -> None:
    state.rejected[event.idea_id] = event.reason


def _chosen(state: RunState, event: ev.IdeaChosen, entry: Entry) -> None:
    state.chosen = event


def _retrieved(state: RunState, event: ev.Retrieved, entry: Entry) -> None:
    state.retrieved[event.what] = event


def _prototype(state: RunState, event: ev.PrototypeChosen, entry: Entry) -> None:
    state.prototype = event


def _plan(state: RunState, event: ev.PlanMade, entry: Entry) -> None:
    state.plan = event.plan
    state.plans.append(event)


HANDLERS: dict[type[ev.Event], Handler] = {
    ev.PaperRead: _paper,
    ev.ClaimsExtracted: _claims,
    ev.LiteratureFound: _literature,
    ev.PastRecalled: _past,
    ev.IdeasProposed: _ideas,
    ev.IdeaReviewed: _reviewed,
    ev.IdeaEdited: _edited,
    ev.IdeaRejected: _rejected,
    ev.IdeaChosen: _chosen,
    ev.Retrieved: _retrieved,
    ev.PrototypeChosen: _prototype,
    ev.PlanMade: _plan,
}
