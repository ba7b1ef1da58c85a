"""What a screen reader meets: axe-core finds nothing serious. Skipped without it (`npm install axe-core`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.ui import canned
from tests.ui.browser import ROOT, chromium, served, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = (
    ("", "started"),
    ("history", "supported"),
    ("paper", "ideas"),
    ("ideas", "started"),
    ("ideas", "ideas"),
    ("plan", "plan"),
    ("run", "running"),
    ("results", "invalid"),
    ("report", "supported"),
)


def axe_source() -> str:
    """The script of axe-core from node_modules, or from the folder that AXE_CORE names."""
    folders = [Path(os.environ["AXE_CORE"])] if os.environ.get("AXE_CORE") else []
    for folder in [*folders, ROOT / "node_modules" / "axe-core"]:
        if (folder / "axe.min.js").is_file():
            return (folder / "axe.min.js").read_text("utf-8")
    pytest.skip("axe-core is not installed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("name", "state"), PAGES)
def test_axe_finds_nothing_serious(home: Path, name: str, state: str, scheme: Any) -> None:
    source = axe_source()
    run = canned.STATES[state](home / "logs")
    with served(home) as address, chromium() as browser:
        page = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900}).new_page()
        page.goto(f"{address}/{name}?run={run.name}")
        settled(page)
        page.wait_for_timeout(800)
        assert findings(page, source) == []


def findings(page: Page, source: str) -> list[str]:
    """Serious and critical findings, one line each: rule, how many places, the first of them."""
    page.evaluate(source)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{item['id']} ({len(item['nodes'])}): {item['nodes'][0]['html'][:200]}"
        for item in found["violations"]
        if item["impact"] in {"serious", "critical"}
    ]
