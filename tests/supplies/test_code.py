"""The paper's own code in a run: listed with commit and licence, asked for at the gate, read-only for a job."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from copilot import api
from copilot.config import Home
from copilot.domain.idea import Arm, Idea, Metric
from copilot.domain.paper import Link, Paper
from copilot.engine.preparing import retrieve
from copilot.engine.services import Services
from copilot.engine.supplies import SupplyDesk
from copilot.errors import Paused, Retry
from copilot.events import IdeaChosen, IdeasProposed, PaperRead
from copilot.hub.stub import StubHub, serve
from tests.hub.github_stub import COMMIT, StubGitHub, serve_github
from tests.hub.rows import model
from tests.supplies.engines import again, services_of

NAME = "acme/depthnet"
WHY = "the paper's own training loop"


@pytest.fixture
def github() -> StubGitHub:
    return StubGitHub(NAME, {"LICENSE": b"MIT", "train.py": b"1/0", "weights.pt": b"x"})


@pytest.fixture
def env(github: StubGitHub) -> Iterator[dict[str, str]]:
    hub = StubHub()
    hub.add({"id": "evil/depth-demo", "card": "depth from one photo"}, "spaces", {"app.py": b"1/0"})
    trained = ["depth-estimation", "dataset:nyu_depth_v2"]
    hub.add(model("acme/trained", "depth-estimation", "Depth from one photo.", tags=trained))
    with serve_github(github) as url, serve(hub) as endpoint:
        yield {"HF_ENDPOINT": endpoint, "COPILOT_GITHUB_URL": url, "COPILOT_RERANK_MODEL": "off"}


def with_paper(services: Services) -> Services:
    """A run that has read a paper with a link to its code, and has chosen an idea."""
    links = [Link(url=f"https://github.com/{NAME}", page=1, kind="code")]
    paper = Paper(source="p.pdf", sha256="0" * 64, title="Depth from one photo", links=links)
    blob = services.desk.blobs.put(paper.model_dump_json())
    services.desk.record(PaperRead(source="p.pdf", sha256="0" * 64, title=paper.title, blob=blob))
    idea = Idea(
        id="i1", title="Depth from one photo", claim="c", mechanism="m", data="nyu_depth_v2",
        arms=[Arm(name="baseline"), Arm(name="treatment")], metric=Metric(name="error", direction="minimize"),
        predicted_effect=0.1, probability=0.5, minimum_effect=0.01,
    )  # fmt: skip
    services.desk.record(IdeasProposed(ideas=[idea], model="offline"))
    services.desk.record(IdeaChosen(idea_id="i1", by="score"))
    services.state.retrieved.clear()
    retrieve(services)
    return services


def ask(services: Services, name: str = NAME) -> str:
    return SupplyDesk(services).repository("code", name, WHY)


def test_a_run_lists_the_paper_s_code_and_warns_of_models_trained_on_its_data(home: Home, env: dict[str, str]) -> None:
    found = with_paper(services_of(home, env)).state.retrieved
    code = {hit["id"]: hit for hit in found["code"].hits}
    assert (code[NAME]["revision"], code[NAME]["licence"]) == (COMMIT, "mit") and not code[NAME]["refused"]
    (trained,) = (hit for hit in found["model"].hits if hit["id"] == "acme/trained")
    assert "train/test overlap: it was trained on nyu_depth_v2, which the task tests on" in trained["warnings"]


def test_a_question_names_commit_and_licence_and_the_answer_fetches_text(
    home: Home, env: dict[str, str], github: StubGitHub
) -> None:
    services = with_paper(services_of(home, env, approve="ask"))
    with pytest.raises(Paused):
        ask(services)
    (question,) = services.state.open_questions
    assert question.gate == "install" and COMMIT in question.text and "Licence: mit." in question.text
    assert "2 text files" in question.text and not any("tarball" in request for request in github.requests)
    api.answer(services.run, question.id, choice="approve", author="mia")
    services = again(services, patient=True)
    told = ask(services)
    assert "COPILOT_CODE" in told and "train.py" in told and "weights.pt" not in told
    mounts = services.mounts()
    assert json.loads(mounts.env["COPILOT_CODE"]) == {NAME: str(mounts.folders[0])}
    (fetched,) = services.state.supplies.values()
    assert (fetched.what, fetched.revision, fetched.approved_by) == ("code", COMMIT, "mia")
    assert f"# code {NAME}@{COMMIT}" in services.environment()


def test_nothing_is_fetched_without_approval_or_for_another_name(
    home: Home, env: dict[str, str], github: StubGitHub
) -> None:
    services = with_paper(services_of(home, env, allow=[NAME]))
    asked = len(github.requests)
    with pytest.raises(Retry, match=f"--allow code:{NAME}"):
        ask(services)
    for name in ("evil/depth-demo", "acme/trained", "../x", "acme/other"):
        with pytest.raises(Retry, match="not one of the code repositories"):
            ask(services, name)
    assert len(github.requests) == asked
