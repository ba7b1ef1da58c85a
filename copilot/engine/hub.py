"""The Hub as this run sees it: live when the network is allowed, else the offline index; prototypes beside it."""

from __future__ import annotations

from copilot.engine.reading import paper_of
from copilot.engine.services import Services
from copilot.hub.source import HubSource
from copilot.hub.values import Filters


def run_filters(services: Services) -> Filters:
    """What this run insists on: nothing risky, and a warning where a model was trained on the data of the test."""
    from copilot.hub.query import data_names

    idea = services.state.chosen_idea
    names = data_names(idea.data) if idea else []
    return Filters(task_data=(*names, *([services.task.name] if services.task.sealed else [])))


def hub_source(services: Services) -> HubSource:
    """The source of models, datasets and code."""
    from copilot.hub.source import open_source
    from copilot.lab.cards import load_cards

    texts = [(card.name, f"{card.title}. {card.summary} {' '.join(card.tags)}") for card in load_cards().values()]
    online = services.env.get("COPILOT_OFFLINE", "") != "1"
    paper = paper_of(services) if services.state.paper else None
    links = [link.url for link in paper.links if link.kind == "code"] if paper else []
    title = paper.title if paper else ""
    return open_source(services.env, online=online, prototypes=texts, links=links, paper_title=title)
