"""The whole way in a real browser: upload, edit, approve, watch, verdict, report, reload, history, second session."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Dialog, Page, Request, ViewportSize, expect

from tests.ui import canned
from tests.ui.browser import ROOT, chromium, served, settled, shot
from tests.ui.canned import Canned

pytestmark = pytest.mark.browser
WIDE: ViewportSize = {"width": 1280, "height": 900}
expect.set_options(timeout=20_000)  # for machines that do much else
START = "2026-11-20T09-07-46Z"
NARROW: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests of the module."""
    with chromium() as launched:
        yield launched


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    """The app over an empty home."""
    with served(home) as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that notes what it must not do: ask another host, or fail in its scripts."""
    context = browser.new_context(viewport=WIDE)
    opened = context.new_page()
    wrong: list[str] = []

    def asked(request: Request) -> None:
        wrong.extend([] if _own(request.url) else [request.url])

    def spoke(dialog: Dialog) -> None:
        wrong.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    opened.on("request", asked)
    opened.on("pageerror", lambda error: wrong.append(str(error)))
    opened.on("dialog", spoke)
    yield opened
    context.close()
    assert wrong == []


def _own(url: str) -> bool:
    return url.startswith(("http://127.0.0.1:", "data:", "blob:"))


def paper_pdf() -> Path:
    """The bundled demo paper."""
    path = ROOT / "problems" / "demo" / "paper.pdf"
    if not path.is_file():
        pytest.skip("no bundled demo paper")
    return path


@pytest.mark.timeout(400)
def test_from_a_paper_to_a_verdict(address: str, page: Page, browser: Browser) -> None:
    page.goto(address)
    settled(page)
    _start(page, paper_pdf())
    _edit_and_choose(page)
    _approve(page)
    run = _watch(page)
    word = _results(page)
    _report(page)
    _find_again(page, browser, address, run, word)


def _start(page: Page, paper: Path) -> None:
    page.locator('input[type="file"]').set_input_files(str(paper))
    expect(page.get_by_text("paper.pdf")).to_be_visible()
    shot(page, "flow-1-new")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile("/ideas"), timeout=20_000)


def _edit_and_choose(page: Page) -> None:
    expect(page.get_by_role("button", name="Test this idea").first).to_be_visible(timeout=90_000)
    settled(page)
    shot(page, "flow-2-ideas")
    page.get_by_text("Edit this idea").first.click()
    title = page.get_by_label("Title").first
    title.fill("Edited in the browser")
    page.get_by_role("button", name="Keep these edits").first.click()
    expect(page.get_by_text("edited by you")).to_be_visible()
    expect(page.get_by_role("heading", name="Edited in the browser")).to_be_visible()
    page.get_by_role("button", name="Test this idea").first.click()
    page.wait_for_url(re.compile("/plan"), timeout=20_000)


def _approve(page: Page) -> None:
    approve = page.get_by_role("button", name="Approve the plan")
    expect(approve).to_be_visible(timeout=60_000)
    settled(page)
    shot(page, "flow-3-plan")
    page.get_by_text("Edit the plan first").click()
    for label, value in (("Seeds", "6"), ("Settings that each arm tries before the freeze", "1")):
        page.get_by_role("spinbutton", name=label, exact=True).fill(value)
    page.get_by_role("button", name="Approve with these edits").click()
    page.wait_for_url(re.compile("/run"), timeout=20_000)


def _watch(page: Page) -> str:
    page.wait_for_timeout(3000)
    shot(page, "flow-4-run")
    expect(page.get_by_text(re.compile(r"^\d+ of 12$"))).to_be_visible(timeout=60_000)
    expect(page.get_by_text("See the verdict and its reasons")).to_be_visible(timeout=180_000)
    shot(page, "flow-5-run-done")
    return page.url.partition("run=")[2]


def _results(page: Page) -> str:
    page.get_by_text("See the verdict and its reasons").click()
    page.wait_for_url(re.compile("/results"))
    heading = page.get_by_role("heading", name=re.compile("^(Supported|Refuted|Inconclusive|Invalid)$"))
    expect(heading).to_be_visible()
    settled(page)
    page.wait_for_timeout(1500)
    shot(page, "flow-6-results")
    return heading.inner_text()


def _report(page: Page) -> None:
    page.get_by_test_id("stMain").get_by_role("link", name="Report").click()
    page.wait_for_url(re.compile("/report"))
    number = page.locator('a[href^="#cell-"]').first
    expect(number).to_be_visible(timeout=20_000)
    settled(page)
    shot(page, "flow-7-report")
    number.click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("Where this number comes from")).to_be_visible()
    expect(page).to_have_url(re.compile("cell="))
    page.wait_for_timeout(800)
    shot(page, "flow-8-number")
    page.reload()
    expect(page.get_by_role("dialog").get_by_text("Where this number comes from")).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).not_to_have_url(re.compile("cell="))


def _find_again(page: Page, browser: Browser, address: str, run: str, word: str) -> None:
    page.get_by_role("link", name="History").click()
    expect(page.get_by_text("1 of 1 run")).to_be_visible()
    shot(page, "flow-9-history")
    other = browser.new_context(viewport=NARROW, color_scheme="dark")
    second = other.new_page()
    second.goto(f"{address}/results?run={run}")
    settled(second)
    expect(second.get_by_role("heading", name=word)).to_be_visible()
    shot(second, "flow-10-second-session-narrow")
    other.close()


def test_hostile_text_does_nothing(shown: str, page: Page) -> None:
    for address in ("history", f"paper?run=hostile/{START}"):
        page.goto(f"{shown}/{address}")
        harmless(page)
    for name in ("Ideas", "Plan", "Run", "Results", "Report"):
        page.get_by_test_id("stMain").get_by_role("link", name=name, exact=True).click()
        page.wait_for_url(re.compile(f"/{name.lower()}"))
        harmless(page)


def harmless(page: Page) -> None:
    """Nothing of what was planted became a script, a picture of another host, or a link that runs."""
    settled(page)
    page.wait_for_timeout(300)
    assert page.locator("script", has_text="alert(1)").count() == 0
    assert page.locator('img[src*="evil"]').count() == 0
    assert page.locator('a[href^="javascript"]').count() == 0


def test_a_click_is_answered_while_a_run_goes_on(shown: str, gallery: Path, page: Page) -> None:
    run = Canned(canned.folder(gallery / "logs", "clicks"))
    try:
        run.read()
        page.goto(f"{shown}/run?run={run.run.name}")
        settled(page)
        slowest = 0.0
        shows = {
            "Results": "There is no verdict yet",
            "Plan": "The plan is made after",
            "Ideas": "Ideas are being drafted",
        }
        for name, words in shows.items():
            run.explore(20)
            began = time.monotonic()
            page.get_by_test_id("stMain").get_by_role("link", name=name, exact=True).click()
            page.get_by_text(words).wait_for()
            slowest = max(slowest, time.monotonic() - began)
        print(f"slowest click: {slowest:.2f} s")
        assert slowest < 5, "a guard for loaded machines; idle it is below 0.3 s"
    finally:
        run.close()


def test_typing_is_not_lost_while_the_page_refreshes(shown: str, gallery: Path, page: Page) -> None:
    run = Canned(canned.folder(gallery / "logs", "typing"))
    try:
        page.goto(f"{shown}/run?run={run.run.name}")
        settled(page)
        field = page.get_by_label("Say something to the agent")
        field.click()
        for index, letter in enumerate("try a smaller step"):
            page.keyboard.type(letter)
            if index % 4 == 0:
                run.explore(1)
                page.wait_for_timeout(700)
        run.ask_ideas()  # a box appears above the field
        expect(page.get_by_text("Answer on the page Ideas")).to_be_visible(timeout=20_000)
        settled(page)
        page.keyboard.type(" please")
        expect(field).to_have_value("try a smaller step please")
        page.get_by_role("button", name="Say it").click()
        expect(page.get_by_text("Said. The agent reads it")).to_be_visible()
        expect(field).to_have_value("")
        assert "try a smaller step please" in run.run.inbox.read_text()
    finally:
        run.close()


@pytest.mark.slow
def test_pages_fit_a_narrow_screen(shown: str, browser: Browser) -> None:
    context = browser.new_context(viewport=NARROW)
    narrow = context.new_page()
    for state in ("started", "ideas", "plan", "running", "failed", "invalid", "hostile"):
        for name in ("paper", "ideas", "plan", "run", "results", "report"):
            narrow.goto(f"{shown}/{name}?run={state}/{START}")
            settled(narrow)
            wide = narrow.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{state} {name}"
    context.close()


def test_a_shared_link_opens_its_page_under_the_command_too(tmp_path: Path, page: Page) -> None:
    """Streamlit takes a folder `pages` beside the script for its own pages, and would show an empty one."""
    (tmp_path / "problems").mkdir()
    with served(tmp_path, by_command=True) as address:
        page.goto(f"{address}/history")
        page.get_by_role("heading", name="History").wait_for(timeout=20_000)
        assert page.get_by_text("There are no runs yet").is_visible()
