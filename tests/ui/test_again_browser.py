"""In a real browser, with a real engine: pause, another browser, resume, and another way from a step."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from copilot import api
from copilot.runs import list_runs
from tests.ui.browser import ROOT, chromium, served, settled, shot

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(500)]
PATIENCE = 180_000


def badge(page: Page, word: str) -> Locator:
    """A badge in the header of a run."""
    return page.locator(".st-key-run-header").get_by_text(re.compile(rf"\b{word}$")).first


def approved(page: Page, address: str) -> str:
    """A run of the demo task with an approved plan; its name as in the address."""
    page.goto(address)
    settled(page)
    page.get_by_text("Example task").click()
    expect(page.get_by_text("Every page and the report say")).to_be_visible()
    page.get_by_role("button", name="Start the run").click()
    page.get_by_role("button", name="Test this idea").first.click(timeout=PATIENCE)
    page.get_by_role("button", name="Approve the plan").click(timeout=PATIENCE)
    page.wait_for_url(re.compile("/run"), timeout=30_000)
    return page.url.partition("run=")[2]


def test_pause_resume_elsewhere_and_branch(home: Path) -> None:
    shutil.copytree(ROOT / "problems" / "demo", home / "problems" / "demo")
    with served(home) as address, chromium() as browser:
        page = browser.new_page()
        run = approved(page, address)
        page.get_by_role("button", name="Pause").click()
        expect(page.get_by_role("button", name="Resume")).to_be_visible(timeout=PATIENCE)
        page.close()

        other = browser.new_context().new_page()
        other.goto(f"{address}/run?run={run}")
        settled(other)
        expect(other.get_by_text("Paused: ").first).to_be_visible()
        other.get_by_role("button", name="Resume").click()
        other.get_by_text("See the verdict and its reasons").wait_for(timeout=PATIENCE)
        expect(badge(other, "finished")).to_be_visible(timeout=PATIENCE)
        settled(other)

        other.get_by_text("Go another way from a step").click()
        other.get_by_label("Say to the agent (optional)").fill("keep it small")
        other.get_by_role("button", name="Branch here").click()
        expect(other.get_by_role("link", name="branched from")).to_be_visible(timeout=60_000)
        expect(badge(other, "finished")).to_be_visible(timeout=PATIENCE)
        shot(other, "again-1-branch-done")
        other.get_by_text("See the verdict and its reasons").click()
        expect(badge(other, "branch")).to_be_visible(timeout=30_000)
    branch, parent = list_runs(home / "logs")
    assert api.state(parent).verdict is not None and api.verify(parent) == []
    assert any(stamp.startswith(f"Branched from the run {parent.name}") for stamp in api.state(branch).stamps)
