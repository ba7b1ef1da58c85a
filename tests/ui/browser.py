"""A server of the app in a process of its own, and Chromium to look at it. Screenshots go to `artefacts/`."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
ARTEFACTS = ROOT / "artefacts"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served(home: Path, *, by_command: bool = False) -> Iterator[str]:
    """The app over this home; its address. Started as `streamlit run app.py`, or as `copilot ui`."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port)]
    command += ["--server.address", "127.0.0.1", "--server.headless", "true"]
    if by_command:
        command = [sys.executable, "-m", "copilot", "ui", "--port", str(port), "--headless"]
    env = os.environ | {"COPILOT_HOME": str(home), "COPILOT_OFFLINE": "1"}
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(10)


def _wait_for(port: int, limit: float = 30) -> None:
    until = time.monotonic() + limit
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the app did not start")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Headless Chromium of this machine."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(found for name in names if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def settled(page: Page) -> Page:
    """The page when its script has run and nothing is stale."""
    page.wait_for_selector("h1", timeout=30_000)
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]', timeout=30_000)
    return page


def shot(page: Page, name: str) -> None:
    """A picture of the whole page for a person to look at."""
    ARTEFACTS.mkdir(exist_ok=True)
    size = page.viewport_size or {"width": 1280, "height": 900}
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": size["width"], "height": max(size["height"], min(int(height) + 20, 3500))})
    page.wait_for_timeout(300)
    page.screenshot(path=str(ARTEFACTS / f"{name}.png"))
    page.set_viewport_size(size)
