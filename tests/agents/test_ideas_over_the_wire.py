"""A paper to reviewed ideas with a scripted model behind either wire: what it is shown, what becomes of its answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from copilot import api
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import IDEAS_ONLY, drive
from copilot.engine.start import start_run
from tests.engine.researcher import idea, tools_of
from tests.literature.conftest import Replay
from tests.llm.servers import KEY, AnthropicServer, Call, OpenAIServer, Say

QUOTE = "training with h-detach gives faster convergence"
WORDS = {"tasks": ["recurrent networks"], "gaps": ["small models"], "terms": ["LSTM gradient", "gradient clipping"]}
NOISE, CLIP = {"gradient_noise": 0.3}, {"gradient_clip": 1.0, "optimizer": "momentum"}
DRAFTS = [
    idea("Noise on the gradients", "neural_recipe", {}, NOISE, QUOTE),
    idea("Clipping", "neural_recipe", {}, CLIP, "no sentence of this paper"),
]
BETTER = idea("Clipping", "neural_recipe", {"optimizer": "momentum"}, CLIP, QUOTE)
REASON = "the quote is not in the paper, and the arms differ in two things"
SCORES = {"clarity": 0.9, "novelty": 0.5, "feasibility": 0.9, "alignment": 0.9}
WIRES = [(AnthropicServer, "ANTHROPIC", "claude"), (OpenAIServer, "OPENAI", "gpt4")]


def scientist(request: dict[str, Any]) -> Say:
    """Names keywords, drafts two ideas, sends back the one without a quote, mends it, accepts."""
    offered, asked = tools_of(request), json.dumps(request["messages"])
    if "add_claims" in offered:
        return Say(tools=[Call("add_claims", {"entries": []})])
    if "name_keywords" in offered:
        return Say(tools=[Call("name_keywords", WORDS)])
    if "propose_ideas" in offered:
        return Say(tools=[Call("propose_ideas", {"ideas": [BETTER] if REASON in asked else DRAFTS})])
    first = "idea-1" in asked
    reviews = [{"idea_id": "idea-2", "accepted": not first, "reasons": [REASON] if first else ["good"], **SCORES}]
    reviews += [{"idea_id": "idea-1", "accepted": True, "reasons": ["good"], **SCORES}] if first else []
    return Say(tools=[Call("review_ideas", {"reviews": reviews})])


def shown(request: dict[str, Any]) -> list[str]:
    """The texts of the only message that is ours, in their order."""
    content = next(message["content"] for message in request["messages"] if message["role"] == "user")
    return [content] if isinstance(content, str) else [part["text"] for part in content]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """One for both wires, so that the paper is read once."""
    home = Home(tmp_path_factory.mktemp("home"))
    home.problems.mkdir()
    return home


@pytest.mark.parametrize(("server_type", "provider", "llm"), WIRES)
def test_from_keywords_to_an_accepted_revision(
    home: Home, shared: Path, replay: Replay, server_type: Any, provider: str, llm: str
) -> None:
    replay.answers["/api/query"] = (200, (shared / "api/arxiv/id_one_result.xml").read_bytes())
    paper = shared / "papers" / "re_hdetach_rescience" / "paper.pdf"
    with server_type(scientist) as server:
        env = {f"{provider}_API_KEY": KEY, f"{provider}_BASE_URL": server.url}
        run = start_run("", str(paper), "", Settings(llm=llm), home, env)
        drive(run, home, env, phases=IDEAS_ONLY)
        ledger, keywords, drafting, reviewing, revising, second = server.requests
    state = api.state(run)
    assert state.literature is not None and state.literature.source.startswith("arXiv")
    assert [review.accepted for review in state.reviews["idea-2"]] == [False, True]
    mended = state.ideas["idea-2"]
    assert mended.evidence[0].grounded and mended.arms[0].parameters == {"optimizer": "momentum"}
    assert all(paper.title for paper in mended.related) and mended.related
    assert_prompts(drafting, reviewing, revising)
    assert len(json.dumps(second)) < len(json.dumps(reviewing)) < 40_000 and len(json.dumps(keywords)) < 10_000
    assert "add_claims" in tools_of(ledger)


def assert_prompts(drafting: dict[str, Any], reviewing: dict[str, Any], revising: dict[str, Any]) -> None:
    """The drafts' prompt is bounded and comes first in the revision's; the review sees what it has to judge by."""
    first, again = shown(drafting), shown(revising)
    assert drafting["tools"] == revising["tools"] and "".join(again).startswith("".join(first))
    assert len(json.dumps(drafting)) < 100_000 and len("".join(again)) - len("".join(first)) < 4000
    order = [name for text in first for name in ("prototypes", "paper", "related") if f'name="{name}"' in text]
    assert order == ["prototypes", "paper", "related"] and "Draft up to 4" in first[-1]
    judged = "".join(shown(reviewing))
    assert "left_open" in judged and '"noise"' in judged and "authorship" not in judged
