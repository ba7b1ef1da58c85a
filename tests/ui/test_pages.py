"""Every page over every state of a run, and what a person can do on it. A test holds the journal as an engine would."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from copilot import events as ev
from copilot import inbox
from copilot.blobs import Blobs
from copilot.runs import RunFolder
from copilot.ui.parts import outline
from copilot.ui.parts.text import plain
from tests.ui import canned
from tests.ui.canned import Canned
from tests.ui.conftest import Open
from tests.ui.test_text import MARKDOWN, tokens_of

START = "2026-11-20T09-07-46Z"
PAGES = ("new", "history", "paper", "ideas", "plan", "run", "results", "report")


def texts(app: AppTest) -> str:
    """All Markdown-like texts of the page in one string."""
    kinds = (
        app.markdown,
        app.caption,
        app.title,
        app.header,
        app.subheader,
        app.info,
        app.warning,
        app.error,
        app.text,
    )
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def said(run: RunFolder) -> list[inbox.Message]:
    """What lies in the inbox."""
    return [message for _, message in inbox.messages(run.inbox, 0) if message is not None]


@pytest.fixture
def working(home: Path) -> Iterator[Canned]:
    """A run whose engine is alive: the journal's lock is held, so that nothing starts another one."""
    made = Canned(canned.folder(home / "logs"))
    made.read()
    made.propose()
    yield made
    made.close()


@pytest.fixture
def in_gallery(gallery: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> Open:
    """Opens pages over the runs that stand ready, one in every state."""
    monkeypatch.setenv("COPILOT_HOME", str(gallery))
    return open_page


@pytest.mark.parametrize("page", PAGES[:2])
def test_pages_about_all_runs(in_gallery: Open, page: str) -> None:
    app = in_gallery(page)
    assert not app.exception and not app.error
    assert len(app.title) == 1


@pytest.mark.parametrize("state", canned.STATES)
@pytest.mark.parametrize("page", PAGES[2:])
def test_every_page_in_every_state(in_gallery: Open, state: str, page: str) -> None:
    app = in_gallery(page, run=f"{state}/{START}")
    assert not app.exception
    assert len(app.title) == 1
    if not (page == "run" and state == "failed"):
        assert not app.error
    assert not any(element.proto.allow_html for element in app.markdown)


@pytest.mark.parametrize("page", PAGES)
def test_pages_without_any_run(open_page: Open, page: str) -> None:
    app = open_page(page)
    assert not app.exception
    assert not app.error


@pytest.mark.parametrize(
    ("page", "name"),
    [("run", "demo/2020-01-01T00-00-00Z"), ("report", "../../etc"), ("plan", "<script>/x"), ("run", "x" * 5000)],
)
def test_a_run_that_is_not_there(open_page: Open, page: str, name: str) -> None:
    app = open_page(page, run=name)
    assert not app.exception
    assert "There is no run" in app.warning[0].value


def test_nothing_hostile_is_shown_as_it_is(in_gallery: Open) -> None:
    for page in PAGES[1:]:
        app = in_gallery(page, run=f"hostile/{START}")
        elements = [*app.markdown, *app.caption, *app.title, *app.subheader, *app.warning, *app.info, *app.error]
        for element in elements:
            kinds = {token.type for token in tokens_of(str(element.value))}
            assert not kinds & {"image", "html_inline"}, element.value
            blocks = {token.type for token in MARKDOWN.parse(str(element.value))}
            assert page == "report" or "html_block" not in blocks


def test_a_damaged_journal_is_said_in_a_sentence(home: Path, open_page: Open) -> None:
    run = canned.finished(home / "logs")
    lines = run.journal.read_text().splitlines()
    lines[3] = lines[3].replace("Activation", "Deactivation")
    run.journal.write_text("\n".join(lines) + "\n")
    app = open_page("run", run=run.name)
    assert not app.exception
    assert "line 4 of the journal" in app.error[0].value.replace("\\", "")


def test_starting_without_a_pdf_says_what_to_do(open_page: Open) -> None:
    app = open_page("new")
    app.button(key="new_start").click().run()
    assert [error.value for error in app.error] == ["Choose a PDF first"]


def test_what_is_no_arxiv_id_is_refused(open_page: Open) -> None:
    app = open_page("new")
    app.radio(key="new_source").set_value("arxiv").run()
    app.text_input(key="new_arxiv").set_value("../../etc/passwd")
    app.button(key="new_start").click().run()
    assert "not an arXiv ID" in app.error[0].value


def test_a_missing_key_is_one_sentence_and_nothing_is_made(home: Path, open_page: Open) -> None:
    app = open_page("new")
    app.radio(key="new_source").set_value("question").run()
    app.text_area(key="new_question").set_value("Does label smoothing help on digits?")
    app.selectbox(key="new_model").set_value("claude").run()
    app.button(key="new_start").click().run()
    assert "ANTHROPIC" in app.error[0].value
    assert not list((home / "logs").glob("*/*"))


def test_a_key_stays_in_the_session(home: Path, open_page: Open) -> None:
    secret = "sk-ant-not-a-real-key-0123456789"
    app = open_page("new")
    app.selectbox(key="new_model").set_value("claude").run()
    app.text_input(key="new_key_ANTHROPIC_API_KEY").set_value(secret)
    app.button(key="new_start").click().run()
    assert app.text_input(key="new_key_ANTHROPIC_API_KEY").proto.type == app.text_input[0].proto.PASSWORD
    assert secret not in texts(app) + str(app.query_params)
    assert not any(secret.encode() in path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_ideas_are_edited_put_aside_and_chosen_in_one_answer(working: Canned, open_page: Open) -> None:
    working.ask_ideas()
    app = open_page("ideas", run=working.run.name)
    app.session_state["editing_idea-2"] = True
    app.run()
    app.text_input(key="edit_idea-2_title").set_value("Smoothing helps digits")
    app.text_area(key="edit_idea-2_arm1_parameters").set_value("label_smoothing = 0.2")
    app.button(key="save_idea-2").click().run()
    app.text_input(key="reason_idea-3").set_value("seen before")
    app.button(key="reject_ok_idea-3").click().run()
    app.button(key="choose_idea-2").click().run()
    assert not app.exception
    (message,) = said(working.run)
    assert (message.question_id, message.choice) == ("gate-ideas", "idea-2")
    by_id = {item["id"]: item for item in message.data["ideas"]}
    assert by_id["idea-2"]["title"] == "Smoothing helps digits"
    assert by_id["idea-2"]["arms"][1]["parameters"] == {"label_smoothing": 0.2}
    assert by_id["idea-1"]["title"] == "Label smoothing helps, variant 1"
    assert message.data["rejected"] == {"idea-3": "seen before"}


def test_a_wrong_parameter_line_is_said_beside_the_form(working: Canned, open_page: Open) -> None:
    working.ask_ideas()
    app = open_page("ideas", run=working.run.name)
    app.session_state["editing_idea-1"] = True
    app.run()
    app.text_area(key="edit_idea-1_arm1_parameters").set_value("no value here")
    app.button(key="save_idea-1").click().run()
    assert "no value here" in app.error[0].value
    assert len(app.subheader) == 3


def test_an_impossible_number_is_said_in_a_sentence(working: Canned, open_page: Open) -> None:
    working.ask_ideas()
    app = open_page("ideas", run=working.run.name)
    app.session_state["editing_idea-1"] = True
    app.run()
    app.number_input(key="edit_idea-1_smallest").set_value(-1.0)
    app.button(key="save_idea-1").click().run()
    assert "greater than 0" in app.error[0].value


def test_ideas_are_duplicated_and_added(working: Canned, open_page: Open) -> None:
    working.ask_ideas()
    app = open_page("ideas", run=working.run.name)
    app.button(key="copy_idea-1").click().run()
    assert any("copy" in element.value for element in app.subheader)
    app.session_state["own_adding"] = True
    app.run()
    app.text_input(key="own0_title").set_value("My own")
    app.text_area(key="own0_claim").set_value("It works because I say so.")
    app.button(key="own_add").click().run()
    app.button(key="choose_own-2").click().run()
    (message,) = said(working.run)
    assert message.choice == "own-2"
    assert {"own-1", "own-2"} <= {item["id"] for item in message.data["ideas"]}


def test_words_that_are_not_in_the_paper_are_not_evidence(working: Canned, open_page: Open) -> None:
    working.ask_ideas()
    shown = texts(open_page("ideas", run=working.run.name))
    assert "left out" in shown
    assert "made up by a model" not in shown


def test_an_answered_gate_is_not_asked_again(working: Canned, open_page: Open) -> None:
    working.ask_ideas()
    inbox.leave(working.run.inbox, inbox.Message(action="answer", question_id="gate-ideas", choice="idea-1"))
    app = open_page("ideas", run=working.run.name)
    assert "Your answer was left" in app.info[0].value
    assert "choose_idea-1" not in {button.key for button in app.button}


def test_a_plan_is_edited_and_approved(working: Canned, open_page: Open) -> None:
    working.choose()
    working.plan()
    working.ask_plan()
    app = open_page("plan", run=working.run.name)
    app.number_input(key="plan_seeds").set_value(5)
    app.button(key="plan_submit").click().run()
    (message,) = said(working.run)
    assert message.choice == "approve"
    assert message.data["plan"]["seeds"] == 5


def test_a_change_after_the_freeze_is_recorded_with_its_reason(home: Path, open_page: Open) -> None:
    run = canned.frozen(home / "logs")
    app = open_page("plan", run=run.name)
    app.number_input(key="amend_seeds").set_value(10)
    app.button(key="amend_submit").click().run()
    assert "Give the reason" in app.error[0].value
    app.text_input(key="amend_reason").set_value("the noise is larger than planned")
    app.button(key="amend_submit").click().run()
    assert not app.exception
    assert "the noise is larger than planned" in app.warning[0].value


def test_a_run_is_paused_stopped_and_spoken_to(working: Canned, open_page: Open) -> None:
    app = open_page("run", run=working.run.name)
    app.text_input(key="say_text").set_value("try a smaller step")
    app.button(key="say_send").click().run()
    app.button(key="run_pause").click().run()
    app.button(key="run_stop").click().run()
    assert [(message.action, message.text) for message in said(working.run)] == [
        ("say", "try a smaller step"),
        ("pause", ""),
        ("stop", ""),
    ]


def test_a_question_of_the_agent_is_answered(working: Canned, open_page: Open) -> None:
    question = ev.QuestionAsked(id="q1", gate="install", text="May I install lightgbm?", options=["yes", "no"])
    working.add(question)
    app = open_page("run", run=working.run.name)
    app.radio(key="choice_q1").set_value("no")
    app.button(key="answer_q1").click().run()
    (message,) = said(working.run)
    assert (message.question_id, message.choice) == ("q1", "no")


def test_what_shall_be_installed_is_shown_exactly(working: Canned, open_page: Open) -> None:
    lock = Blobs(working.run.blobs).put("lightgbm==4.5.0 sha256:abc")
    text = "The agent asks to install 1 package\nlightgbm 4.5.0, 3 MB\n<script>alert(1)</script>"
    working.add(ev.QuestionAsked(id="q2", gate="install", text=text, options=["approve", "refuse"], blob=lock))
    app = open_page("run", run=working.run.name)
    assert "lightgbm 4.5.0, 3 MB" in app.text[0].value
    assert "lightgbm==4.5.0 sha256:abc" in [element.value for element in app.code]


def test_a_model_without_a_name_is_asked_for(open_page: Open) -> None:
    app = open_page("new")
    app.selectbox(key="new_model").set_value("other").run()
    app.button(key="new_start").click().run()
    assert "Name the model" in app.error[0].value


def test_what_may_be_fetched_must_be_names(open_page: Open) -> None:
    app = open_page("new")
    app.text_input(key="new_allow").set_value("lightgbm, rm -rf /")
    app.button(key="new_start").click().run()
    assert "neither a package" in app.error[0].value


def test_a_page_that_is_open_shows_what_comes(working: Canned, open_page: Open) -> None:
    app = open_page("run", run=working.run.name)
    assert "Waiting for you" not in texts(app)
    working.ask_ideas()
    app.run()
    assert "Which hypothesis" in texts(app)


def test_nothing_seems_to_go_on_where_nobody_works(in_gallery: Open) -> None:
    for page in ("paper", "ideas", "results"):
        shown = in_gallery(page, run=f"started/{START}")
        assert "No engine works on this run" in texts(shown)
        assert not shown.get("progress") and "being" not in texts(shown)
        assert "header_resume" in {button.key for button in shown.button}
    failed = texts(in_gallery("ideas", run=f"failed/{START}"))
    assert "ended before it had ideas" in failed and "The provider refused the key" in failed


def test_what_waits_is_one_click_away(in_gallery: Open) -> None:
    app = in_gallery("history").button(key=f"answer_ideas/{START}").click().run()
    assert app.query_params["run"] == f"ideas/{START}"
    assert "choose_idea-1" in {button.key for button in app.button}
    names = [button.label for button in app.button if button.label.startswith("Test this idea")]
    assert len(set(names)) == 3


def test_own_code_is_called_by_what_it_compares_and_foretells_nothing(home: Path, open_page: Open) -> None:
    made = Canned(canned.folder(home / "logs", "mine"), own_code=True)
    made.add(ev.IdeasProposed(ideas=[canned.idea(1, "fast against slow", kind="given", probability=0.5)], model="code"))
    app = open_page("ideas", run=made.close().name)
    assert app.title[0].value == "mine\\: fast against slow" == plain(outline.of(made.run).title)
    assert "probability" not in texts(app) and "score" not in texts(app)


def test_the_matrix_fills_up(home: Path, open_page: Open) -> None:
    made = canned.running(home / "logs")
    made.add(ev.TrialStarted(purpose="confirm", arm="treatment", seed=3))
    try:
        table = open_page("run", run=made.run.name).dataframe[0].value
    finally:
        made.close()
    assert list(table["treatment"][:4]) == ["0.921", "0.922", "running …", ""]


@pytest.mark.parametrize("word", ["supported", "refuted", "inconclusive", "invalid"])
def test_the_verdict_stands_with_its_stamps(home: Path, open_page: Open, word: str) -> None:
    run = canned.finished(home / "logs", word)  # type: ignore[arg-type]
    shown = texts(open_page("results", run=run.name))
    assert word.capitalize() in shown
    assert "no language model took part" in shown
    assert ("No conclusion may be drawn" in shown) == (word == "invalid")
    assert ("**failed**" in shown) == (word == "invalid")


def test_a_number_of_the_report_opens_its_evidence(home: Path, open_page: Open) -> None:
    run = canned.finished(home / "logs")
    app = open_page("report", run=run.name, cell="t1")
    codes = [element.value for element in app.code]
    assert "python experiment.py --arm baseline --seed 1 --out out" in codes
    assert "trained baseline 1" in codes[1]
    assert open_page("report", run=run.name, cell="../../x").exception.len == 0


def test_the_history_is_searched_compared_and_cleared(home: Path, open_page: Open) -> None:
    logs = home / "logs"
    old = canned.finished(logs, "refuted", start="2026-11-19T09-00-00Z")
    new = canned.finished(logs, "supported")
    app = open_page("history")
    app.text_input(key="history_search").set_value("refuted").run()
    assert "1 of 2 runs" in texts(app)
    app.selectbox(key="compare_a").set_value(old.name)
    app.selectbox(key="compare_b").set_value(new.name).run()
    table = app.dataframe[0].value
    assert list(table.loc[2]) == ["verdict", "refuted", "supported"]
    app.button(key=f"delete_{old.name}").click().run()
    app.button(key="delete_confirmed").click().run()
    assert not old.path.exists()
    assert new.path.exists()


def test_a_long_history_is_paged(home: Path, open_page: Open) -> None:
    for minute in range(20):
        canned.Canned(canned.folder(home / "logs", start=f"2026-11-20T09-{minute:02d}-00Z")).close()
    app = open_page("history")
    app.pagination(key="history_page_2").set_value(2).run()
    assert "09-00-00Z" in texts(app).replace("\\", "")
    app.text_input(key="history_search").set_value("09-07").run()
    assert not app.exception
    assert "1 of 20 runs" in texts(app)


def test_a_run_that_is_worked_on_is_not_deleted(working: Canned, open_page: Open) -> None:
    app = open_page("history")
    app.button(key=f"delete_{working.run.name}").click().run()
    app.button(key="delete_confirmed").click().run()
    assert "stop it first" in app.error[0].value
    assert working.run.path.exists()


def test_twenty_thousand_events_open_fast(home: Path, open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("copilot.journal.os.fsync", lambda descriptor: None)
    run = canned.huge(home / "logs")
    open_page("run", run="none/none")  # what is imported once per server is not the run's cost
    began = time.process_time()
    app = open_page("run", run=run.name)
    opened = time.process_time() - began
    began = time.process_time()
    app.run()
    again = time.process_time() - began
    assert not app.exception
    assert "20,0" in texts(app)
    assert opened < 1.0, f"{opened:.2f} s"
    assert again < 0.3, f"{again:.2f} s"
