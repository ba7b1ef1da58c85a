"""What a screen reader meets: axe-core finds nothing serious. Skipped without it (`npm install axe-core`)."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.ui.browser import ROOT, chromium, settled

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = (
    ("", "started"),
    ("history", "supported"),
    ("paper", "ideas"),
    ("ideas", "started"),
    ("ideas", "ideas"),
    ("plan", "plan"),
    ("run", "running"),
    ("run", "failed"),
    ("results", "invalid"),
    ("report", "supported"),
)
START = "2026-11-20T09-07-46Z"


def axe_source() -> str:
    """The script of axe-core from node_modules, or from the folder that AXE_CORE names."""
    folders = [Path(os.environ["AXE_CORE"])] if os.environ.get("AXE_CORE") else []
    for folder in [*folders, ROOT / "node_modules" / "axe-core"]:
        if (folder / "axe.min.js").is_file():
            return (folder / "axe.min.js").read_text("utf-8")
    pytest.skip("axe-core is not installed")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(shown: str, scheme: Any) -> None:
    source, found = axe_source(), {}
    with chromium() as browser:
        page = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900}).new_page()
        for name, state in PAGES:
            page.goto(f"{shown}/{name}?run={state}/{START}")
            settled(page)
            page.wait_for_timeout(800)
            found[name, state] = findings(page, source)
    assert not any(found.values()), found


def findings(page: Page, source: str) -> list[str]:
    """Serious and critical findings, one line each: rule, how many places, the first of them."""
    page.evaluate(source)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{item['id']} ({len(item['nodes'])}): {item['nodes'][0]['html'][:200]}"
        for item in found["violations"]
        if item["impact"] in {"serious", "critical"}
    ]
