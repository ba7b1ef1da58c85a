"""Ideas edited, copied, merged and put aside: as values, on the command line, and as events with their differences."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from copilot import api
from copilot.cli.edits import edits_of
from copilot.config import Home
from copilot.domain.edits import Edits, Origin, changes, merged
from copilot.domain.idea import Arm, Evidence, Idea, Metric
from copilot.domain.task import Settings
from copilot.engine.ideation import choose
from copilot.engine.pipeline import IDEAS_ONLY, drive
from copilot.engine.start import start_run
from copilot.errors import SetupError
from copilot.events import IdeaEdited
from copilot.journal import read
from copilot.runs import RunFolder

ENV = {"COPILOT_OFFLINE": "1"}
QUESTION = "Does dropout help a small neural network on digits?"


def idea(name: str, treatment: dict[str, float], **more: object) -> Idea:
    given = {
        "id": name,
        "title": f"title {name}",
        "claim": f"claim {name}.",
        "mechanism": f"why {name}",
        "evidence": [Evidence(quote="shared words"), Evidence(quote=f"words {name}")],
        "arms": [Arm(name="baseline"), Arm(name="treatment", parameters=treatment)],
        "metric": Metric(name="accuracy", direction="maximize"),
        "predicted_effect": 0.1,
        "probability": 0.5,
        "minimum_effect": 0.01,
        "cost_seconds": 10.0,
        "prototype": "p",
        "risks": ["both"],
    }
    return Idea.model_validate(given | more)


A, B = idea("a", {"x": 1.0}), idea("b", {"x": 2.0}, probability=0.3, seeds=12)


def test_two_ideas_become_one_with_the_arms_of_both() -> None:
    one = merged(A, B, "own-1")
    assert [(arm.name, arm.parameters) for arm in one.arms] == [
        ("baseline", {}),
        ("treatment", {"x": 1.0}),
        ("treatment_2", {"x": 2.0}),
    ]
    assert [item.quote for item in one.evidence] == ["shared words", "words a", "words b"]
    assert (one.probability, one.seeds, one.risks, one.cost_seconds) == (0.3, 12, ["both"], 15.0)
    assert "claim a." in one.claim and "claim b." in one.claim and one.source == "person"


def test_arms_that_cannot_be_compared_stay_out_and_a_risk_says_so() -> None:
    one = merged(A, B.model_copy(update={"prototype": "q"}), "own-1")
    assert [arm.name for arm in one.arms] == ["baseline", "treatment"]
    assert any("left out" in risk for risk in one.risks)


def test_new_ids_are_new_and_the_merged_ones_are_put_aside() -> None:
    known = {"a": A, "b": B}
    edits = Edits().duplicate(A, known).merge(A, B, known)
    assert list(edits.ideas) == ["own-1", "own-2"]
    assert edits.origins["own-2"] == Origin(how="merged", sources=["a", "b"])
    assert edits.rejected == {"a": "merged into own-2", "b": "merged into own-2"}
    assert edits.data([], "a")["rejected"] == {"b": "merged into own-2"}, "the chosen one is not put aside"
    assert edits.change(A, A) == edits
    assert Edits.model_validate_json(edits.model_dump_json()) == edits


def test_a_difference_names_what_it_was_and_what_it_is() -> None:
    (change,) = changes(A, A.model_copy(update={"title": "new"}))
    assert (change.field, json.loads(change.before), json.loads(change.after)) == ("title", "title a", "new")


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run at the gate of its ideas."""
    home = Home(tmp_path)
    home.problems.mkdir()
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path))
    run = start_run("", "", QUESTION, Settings(approve="ask", seeds=6), home, ENV)
    drive(run, home, ENV, phases=(*IDEAS_ONLY, choose))
    assert [question.gate for question in api.state(run).open_questions] == ["ideas"]
    return run


def options(**given: object) -> argparse.Namespace:
    return argparse.Namespace(**{"merge": [], "duplicate": [], "edit": "", "reject": [], **given})


def test_every_way_of_editing_is_an_event_with_its_difference(waiting: RunFolder, tmp_path: Path) -> None:
    ideas = list(api.state(waiting).ideas.values())
    same = [(a, b) for a in ideas for b in ideas if a.id < b.id and a.prototype == b.prototype]
    first, second = same[0]
    third = next(item for item in ideas if item.id not in {first.id, second.id})
    file = tmp_path / "edit.json"
    file.write_text(json.dumps({"id": "own-2", "title": "A copy with another title"}))
    given = options(
        merge=[f"{first.id},{second.id}"], duplicate=[first.id], edit=str(file), reject=[f"{third.id}=seen before"]
    )
    edits = edits_of(given, waiting)
    api.answer(waiting, "gate-ideas", choice="own-1", data=edits.data(list(edits.ideas.values()), "own-1"))
    drive(waiting, Home(tmp_path), ENV, phases=(*IDEAS_ONLY, choose))
    state = api.state(waiting)
    assert state.chosen is not None and (state.chosen.idea_id, state.chosen.by) == ("own-1", "person")
    events = [entry.event for entry in read(waiting.journal) if isinstance(entry.event, IdeaEdited)]
    assert [(e.idea.id, e.how, e.sources) for e in events] == [
        ("own-1", "merged", [first.id, second.id]),
        ("own-2", "duplicated", [first.id]),
    ]
    changed = {change.field: change for change in events[0].changes}
    assert {"id", "title", "claim"} <= set(changed)
    assert json.loads(changed["title"].before) == first.title
    assert json.loads({c.field: c for c in events[1].changes}["title"].after) == "A copy with another title"
    assert state.rejected[third.id] == "seen before"
    assert state.rejected[first.id] == "merged into own-1"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"merge": ["idea-1"]}, "name two ideas"),
        ({"merge": ["idea-1,idea-99"]}, "idea-99"),
        ({"reject": ["nope=x"]}, "there is no idea 'nope'"),
        ({"edit": "absent.json"}, "absent.json"),
    ],
)
def test_wrong_options_are_named(waiting: RunFolder, given: dict[str, object], said: str) -> None:
    with pytest.raises(SetupError, match=said):
        edits_of(options(**given), waiting)


def test_a_field_that_cannot_be_is_named(waiting: RunFolder, tmp_path: Path) -> None:
    file = tmp_path / "edit.json"
    file.write_text(json.dumps([{"id": "idea-1", "probability": 3}]))
    with pytest.raises(SetupError, match="probability"):
        edits_of(options(edit=str(file)), waiting)


def test_an_origin_that_names_no_idea_is_not_believed(waiting: RunFolder, tmp_path: Path) -> None:
    added = next(iter(api.state(waiting).ideas.values())).model_copy(update={"id": "own-1", "title": "Mine"})
    data = {"ideas": [added.model_dump(mode="json")], "origins": {"own-1": {"how": "merged", "sources": ["ghost"]}}}
    api.answer(waiting, "gate-ideas", choice="own-1", data=data)
    drive(waiting, Home(tmp_path), ENV, phases=(*IDEAS_ONLY, choose))
    (edit,) = api.state(waiting).edits
    assert (edit.how, edit.sources) == ("added", [])
