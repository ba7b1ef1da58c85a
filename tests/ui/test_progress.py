"""How far a run is and how long it will still take; tuning, refused finds and deviations where a person looks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from copilot import events as ev
from copilot.domain.experiment import TriedSetting, Tuning
from copilot.domain.idea import Scalar
from copilot.journal import Reader
from copilot.ui.parts import pace
from copilot.ui.parts import tuning as tuned_parts
from copilot.ui.parts.session import View
from copilot.ui.parts.timeline import row_of
from tests.ui import canned
from tests.ui.canned import Canned
from tests.ui.conftest import Open
from tests.ui.test_pages import texts

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DEVIATING = ("ideas", "plan", "run", "results", "report")


def tune(made: Canned, *, done: int, of: int = 8) -> None:
    """A plan with something to tune, and the first programs of the tuning."""
    made.plan()
    plan = made.journal.entries[-1].event
    assert isinstance(plan, ev.PlanMade)
    space: dict[str, list[Scalar]] = {"learning_rate": [0.01, 0.1, 1.0]}
    changed = plan.plan.model_copy(update={"tuning": Tuning(settings=of // 4, space=space)})
    made.add(ev.PlanMade(plan=changed, by="person"))
    for number in range(done):
        made.add(ev.CommandRun(argv=["python"], purpose="tune", call_id=f"tune-{number}", reason="exit", seconds=2.0))


def chosen() -> ev.ArmsTuned:
    """The baseline kept what was planned, the treatment did not."""
    tried = [
        TriedSetting(arm=arm, parameters={"smooth": arm == "treatment"} | more, values=values)
        for arm, better in (("baseline", [0.70, 0.72]), ("treatment", [0.80, 0.90]))
        for more, values in (({}, [0.75, 0.77]), ({"learning_rate": 0.1}, better))
    ]
    kept: dict[str, dict[str, Scalar]] = {
        "baseline": {"smooth": False},
        "treatment": {"smooth": True, "learning_rate": 0.1},
    }
    return ev.ArmsTuned(metric="accuracy", seeds=[0, 1001], tried=tried, chosen=kept)


def view_of(made: Canned) -> View:
    """The run as a page reads it."""
    view = View(made.run, Reader(made.run.journal))
    view.refresh()
    return view


@given(st.lists(st.floats(0, 1e5), min_size=2, max_size=40), st.integers(1, 50), st.floats(0, 1e6))
def test_time_left_is_never_negative_and_known_from_the_second_end_on(
    after: list[float], more: int, now: float
) -> None:
    ends = [NOON + timedelta(seconds=value) for value in after]
    left = pace.time_left(ends, len(ends) + more, NOON + timedelta(seconds=now))
    assert left is not None and left >= 0
    assert pace.time_left(ends[:1], 9, NOON) is None


def test_time_left_counts_programs_that_run_side_by_side_once() -> None:
    ends = [NOON + timedelta(seconds=value) for value in (0, 0, 10, 10, 20)]
    assert pace.time_left(ends, 9, ends[-1]) == pytest.approx(20)  # 5 s a program, 4 to go
    assert pace.time_left(ends, 9, ends[-1] + timedelta(seconds=8)) == pytest.approx(12)


def test_a_wait_says_how_long_it_took_in_earlier_runs(home: Path, open_page: Open) -> None:
    earlier = Canned(canned.folder(home / "logs", "earlier"))
    earlier.read()
    earlier.close()
    lasted = pace.lasted(earlier.run.journal, pace.READ)
    assert lasted is not None and 0 <= lasted < 60
    assert pace.lasted(earlier.run.journal, pace.REPORT) is None
    made = Canned(canned.folder(home / "logs"))
    app = open_page("paper", run=made.run.name)
    (bar,) = app.get("progress")
    assert bar.proto.text.startswith("Reading the paper: ")
    assert app.title[0].value == "A paper that is not read yet"
    made.close()


def test_tuning_trials_and_probes_are_counted_with_the_time_left(home: Path) -> None:
    made = Canned(canned.folder(home / "logs"))
    made.read()
    made.propose()
    made.choose()
    tune(made, done=3)
    found = pace.now(view_of(made))
    assert found is not None and "Tuning every arm alike, 3 of 8: " in found.text
    made.add(chosen())
    made.freeze()
    made.trials(5)
    found = pace.now(view_of(made))
    assert found is not None and found.words == "Running the trials, 5 of 16" and found.left is not None
    made.trials(16)
    made.trials(2, "repeat")
    found = pace.now(view_of(made))
    assert found is not None and found.words == "Checking the result, 2 of 8"
    made.add(ev.RunPaused(reason="person", detail="paused"))
    assert pace.now(view_of(made)) is None
    made.close()


def test_nothing_is_foretold_while_a_person_is_asked(home: Path) -> None:
    made = Canned(canned.folder(home / "logs"))
    made.read()
    made.propose()
    made.ask_ideas()
    assert pace.now(view_of(made)) is None
    made.close()


def test_tuning_stands_on_the_run_and_with_the_verdict(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs"))
    for stage in (made.read, made.propose, made.choose):
        stage()
    tune(made, done=3)
    shown = {metric.label: (metric.value, metric.delta) for metric in open_page("run", run=made.run.name).metric}
    assert shown["Settings tuned"] == ("1 of 4", "alike in every arm") and shown["Attempts"][0] == "3"
    made.add(chosen())
    made.freeze()
    made.trials()
    made.verdict("supported")
    made.report()
    made.finish()
    made.close()
    assert tuned_parts.rows(chosen())[1] == {
        "arm": "treatment",
        "settings tried": "2",
        "kept": "learning_rate = 0.1",
        "accuracy as planned": "0.76",
        "accuracy kept": "0.85",
    }
    for page in ("run", "results"):
        app = open_page(page, run=made.run.name)
        assert not app.exception
        assert "Tuning before the freeze" in texts(app) and "settings of learning" in texts(app)
        assert any("as planned" in str(table.value) for table in app.dataframe)


def test_refused_finds_are_shown_with_their_reasons_and_hits_with_their_commit(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs"))
    for stage in (made.read, made.propose, made.choose):
        stage()
    gated = {"id": "a/gated", "reasons": ["it stands behind a form"], "needs": ["allow_gated"]}
    false = {"id": "b/false", "reasons": ["the name imitates <b>"], "needs": []}
    hit = {"id": "c/good", "why": "fits", "revision": "0123456789abcdef" * 2, "warnings": [], "licence": "mit"}
    made.add(ev.Retrieved(what="model", query="q", hits=[hit], note="offline", refusals=[gated, false, {"odd": 1}]))
    row = row_of(made.journal.entries[-1])
    assert "1 hit, 3 refused" in row.text and "a/gated: it stands behind a form" in row.detail
    made.plan()
    app = open_page("plan", run=made.close().name)
    assert not app.exception
    said = texts(app)
    assert "repositories behind a form" in said and "Nobody can allow it" in said
    assert said.count("it stands behind a form") == 1 and "<b>" not in said
    assert any("0123456789ab" in str(table.value) for table in app.dataframe)


def test_deviations_stand_on_every_page_of_the_verdict(home: Path, open_page: Open) -> None:
    parent = canned.finished(home / "logs", start="2026-11-19T09-07-46Z")
    made = Canned(canned.folder(home / "logs"))
    made.add(ev.RunBranched(run=made.run.name, parent=parent.name, at=4, hash="0" * 64, by="person"))
    for stage in (made.read, made.propose, made.choose, made.plan):
        stage()
    made.add(ev.ModelSwitched(role="idea", first="anthropic:x", second="openai:y", text="overloaded"))
    made.freeze()
    made.trials()
    made.verdict("supported")
    made.report()
    made.finish()
    made.close()
    for page in DEVIATING:
        badges = " ".join(element.value for element in open_page(page, run=made.run.name).markdown)
        assert "branch" in badges and "fall-back model" in badges, page


def test_an_arxiv_paper_without_pdf_says_why_text_is_shown(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs"))
    parsed = canned.paper().model_copy(update={"arxiv_id": "2408.14033", "source": "arXiv:2408.14033"})
    made.read(parsed)
    run = made.close()
    assert "Only the source of this paper is here" in texts(open_page("paper", run=run.name))


def test_history_tells_runs_of_one_paper_apart(home: Path, open_page: Open) -> None:
    canned.finished(home / "logs", start="2026-11-19T09-07-46Z")
    asked = Canned(canned.folder(home / "logs"))
    asked.read()
    asked.propose()
    asked.ask_ideas()
    app = open_page("history")
    words = texts(app)
    assert "Training with label smoothing raises accuracy" in words and "1 note to read with the verdict" in words
    assert any("waiting for you" in button.label for button in app.button), "in the sidebar"
    app.text_input(key="history_search").set_value("label smoothing raises").run()
    assert any(element.value.startswith("1 of 2 runs") for element in app.caption)
    app.toggle(key="history_predictions").set_value(True).run()
    assert not app.exception
    assert any(metric.label.startswith("Brier score over 1 verdict") for metric in app.metric)
    asked.close()
