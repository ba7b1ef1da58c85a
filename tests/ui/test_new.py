"""The form of a new run beyond the plain ways: locked and scanned papers, what a guest is offered, runs not kept."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from copilot import api, inbox
from copilot.runs import list_runs
from tests.ui.conftest import Open
from tests.ui.test_again import ended
from tests.ui.test_pages import texts

WORD = "lace-and-gates-7"


@pytest.fixture
def locked(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A short paper that only this word opens."""
    import pymupdf

    path = tmp_path_factory.mktemp("papers") / "locked.pdf"
    with pymupdf.open() as pdf:
        pdf.new_page().insert_text((72, 72), "A paper that is locked\n\nAbstract\nWe lock a paper and open it.")
        pdf.save(path, encryption=pymupdf.PDF_ENCRYPT_AES_256, user_pw=WORD, owner_pw="own")
    return path.read_bytes()


def hand_in(app: AppTest, content: bytes, password: str) -> AppTest:
    """Upload the paper with this password, and start."""
    app.file_uploader(key="new_pdf").set_value(("locked.pdf", content, "application/pdf"))
    app.text_input(key="new_paper_password").set_value(password)
    return app.button(key="new_start").click().run()


def kept_nowhere(home: Path, app: AppTest) -> bool:
    """The word stands in no file, on no page, and not among the keys that later runs get."""
    keys = [app.session_state[name] for name in ["session_keys"] if name in app.session_state]
    shown = texts(app) + str(app.query_params) + str(keys)
    files = [path.read_bytes() for path in home.rglob("*") if path.is_file()]
    return WORD not in shown and not any(WORD.encode() in content for content in files)


def test_a_locked_paper_needs_its_own_word(home: Path, open_page: Open, locked: bytes) -> None:
    app = hand_in(open_page("new"), locked, f"not {WORD}")
    assert "does not open it" in app.error[0].value
    assert list_runs(home / "logs") == []
    assert kept_nowhere(home, app)


@pytest.mark.slow
def test_a_locked_paper_is_read_and_its_word_kept_nowhere(home: Path, open_page: Open, locked: bytes) -> None:
    app = hand_in(open_page("new"), locked, WORD)
    (run,) = list_runs(home / "logs")
    until = time.monotonic() + 60
    while api.state(run).paper is None:
        assert time.monotonic() < until and api.state(run).finished is None
        time.sleep(0.3)
    assert kept_nowhere(home, app)
    inbox.leave(run.inbox, inbox.Message(action="stop"))
    ended(run)
    assert kept_nowhere(home, open_page("run", run=run.name))


def test_scans_are_recognised_where_tesseract_is(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = [box.key for box in open_page("new").checkbox]
    assert offered == (["new_ocr"] if api.recognises_scans() else [])
    monkeypatch.setenv("PATH", "/nowhere")
    assert not open_page("new").checkbox


def test_a_guest_is_offered_what_a_guest_may_set(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COPILOT_SHARED", "1")
    monkeypatch.setenv("COPILOT_MAX_MINUTES", "7")
    app = open_page("new")
    keys = {item.key for kind in (app.number_input, app.text_input, app.checkbox) for item in kind}
    assert {"new_tokens", "new_minutes", "new_paper_password"} <= keys
    assert not {"new_gpu", "new_fallback", "new_allow", "new_ocr"} & keys
    assert app.number_input(key="new_minutes").max == 7


def test_it_is_said_where_runs_are_not_kept(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not open_page("new").warning
    monkeypatch.setenv("COPILOT_RUNS_KEPT", "0")
    assert "not kept here" in open_page("new").warning[0].value
