"""Two browsers on one shared server: each has its own session, through the real cookie and the real websocket."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from copilot.runs import list_runs
from tests.ui.browser import chromium, settled, shot
from tests.web.conftest import TOKEN, end_engines, furnish, serving

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
KEY = "sk-ant-this-is-not-a-real-key-0123456789"


def ask(page: Page, url: str) -> str:
    """Start a run that nobody has to wait for; its name."""
    page.goto(url)
    settled(page)
    page.locator("label", has_text="Question").first.click()
    field = page.get_by_label("Your question")
    field.fill("Does label smoothing help on the digits data?")
    field.press("Tab")
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile("/(ideas|run)"), timeout=60_000)
    return page.url.partition("run=")[2]


def test_each_browser_has_its_own_runs(tmp_path: Path) -> None:
    furnish(tmp_path)
    limits = {"COPILOT_TOKEN": TOKEN, "COPILOT_MAX_ENGINES": "1"}
    with serving(tmp_path, "--shared", **limits) as server, chromium() as browser:
        anna, ben = browser.new_context(), browser.new_context()
        one, two = anna.new_page(), ben.new_page()
        first = ask(one, server.url)
        shot(one, "shared-1-first")
        second = ask(two, server.url)
        two.goto(f"{server.url}/run?run={second}")
        settled(two)
        shot(two, "shared-2-second")
        one.reload()
        settled(one)
        expect(one.get_by_test_id("stSidebar").get_by_text("digits data").first).to_be_visible()
        two.goto(f"{server.url}/run?run={first}")
        expect(two.get_by_text("There is no run")).to_be_visible(timeout=30_000)
        two.goto(f"{server.url}/history")
        expect(two.get_by_text("1 of 1 run")).to_be_visible(timeout=30_000)
        two.get_by_text("Owner of this server").click()
        two.get_by_label("Token").fill(TOKEN)
        two.get_by_role("button", name="Enter").click()
        expect(two.get_by_text("5 of 5 runs")).to_be_visible(timeout=30_000)
        two.reload()
        expect(two.get_by_text("5 of 5 runs")).to_be_visible(timeout=30_000)
        assert TOKEN not in two.content()
        own = {run.name: run.owner for run in list_runs(tmp_path / "logs") if run.owner}
        assert len(own) == len(set(own.values())) == 2
        end_engines(server)
