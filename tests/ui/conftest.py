"""A home of its own for every test, and pages of the app opened over it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.util import calc_hash

from tests.ui import canned

ROOT = Path(__file__).resolve().parents[2]

Open = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def no_search_for_components(monkeypatch: pytest.MonkeyPatch) -> None:
    """`AppTest` reads the metadata of every installed package, each time: a tenth of a second for each page opened."""
    monkeypatch.setattr("streamlit.components.v2.manifest_scanner.scan_component_manifests", list)


@pytest.fixture(scope="session")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation with one run in every state, named after it. Nobody changes these runs."""
    home = tmp_path_factory.mktemp("gallery")
    (home / "problems").mkdir()
    for state, make in canned.STATES.items():
        made = make(home / "making")
        (home / "logs" / state).mkdir(parents=True)
        shutil.move(made.path, home / "logs" / state)
    return home


@pytest.fixture(scope="module")
def shown(gallery: Path) -> Iterator[str]:
    """The address of the app over one run in every state."""
    from tests.ui.browser import served

    with served(gallery) as url:
        yield url


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty installation: `problems/` and nothing else."""
    (tmp_path / "problems").mkdir()
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path))
    monkeypatch.delenv("COPILOT_LOGS", raising=False)
    monkeypatch.delenv("COPILOT_CACHE", raising=False)
    return tmp_path


@pytest.fixture
def open_page(home: Path) -> Open:
    """Opens a page by its address, as a browser would, and runs it once."""

    def opened(page: str = "new", **query: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "copilot" / "ui" / "main.py"), default_timeout=20)
        app.query_params.update(query)
        app._page_hash = calc_hash(page)
        return app.run()

    return opened
