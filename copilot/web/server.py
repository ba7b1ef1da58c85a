"""The one server process, put together: the app's script, the interface at /api, the guard before both, the line.

`streamlit run app.py` and `copilot ui` serve the same parts.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import logging
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
from anyio import to_thread
from starlette.middleware import Middleware
from starlette.routing import Mount

import copilot.ui
from copilot.config import environment, find_home
from copilot.errors import SetupError
from copilot.hosting.reception import SHORTEST_TOKEN, Reception, reception
from copilot.web.guard import Guard
from copilot.web.routes import interface

SCRIPT = Path(copilot.ui.__file__).parent / "main.py"
FIRST_PAGE_NEEDS = "copilot.ui.main"
OTHER_PAGES_NEED = ("altair", "pandas", "streamlit.elements.vega_charts", "streamlit.elements.arrow")
FIRST_PAGE_SECONDS = 3.0
"""What the other pages need is loaded this long after the start: loading it holds up the first page by 0.3 s."""
BEAT = 1.0
"""Seconds between two looks at the line."""
LOG = logging.getLogger("copilot.web")


def parts() -> dict[str, Any]:
    """What `streamlit.App` takes beside the script."""
    return {"routes": [Mount("/api", interface())], "middleware": [Middleware(Guard)], "lifespan": lifespan}


def settle() -> None:
    """Load what the pages need, and take it out of the sight of the garbage collector.

    Streamlit collects garbage after every run of a page or of a part of one; over all modules that takes 50 ms in which
    nobody else is served, over the sessions' own objects 1 ms.
    """
    importlib.import_module(FIRST_PAGE_NEEDS)
    time.sleep(FIRST_PAGE_SECONDS)
    for name in OTHER_PAGES_NEED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


@contextlib.asynccontextmanager
async def lifespan(_: object) -> AsyncIterator[dict[str, Any] | None]:
    """While the server runs: on a shared one, somebody looks whose turn it is."""
    threading.Thread(target=settle, daemon=True, name="settle").start()
    desk = reception(find_home())
    if desk is None:
        yield None
        return
    if len(environment(find_home()).get("COPILOT_TOKEN", "")) < SHORTEST_TOKEN:
        LOG.warning("COPILOT_TOKEN has less than %d letters: nobody enters this server as its owner", SHORTEST_TOKEN)
    with _told(), _only_server(desk):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_beat, desk)
            yield None
            tasks.cancel_scope.cancel()


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """A SetupError ends the process with its sentence and its exit code: the frameworks around would print frames."""
    try:
        yield
    except SetupError as error:
        sys.stderr.write(f"copilot: {error}\n")
        sys.stderr.flush()
        os._exit(error.exit_code)


async def _beat(desk: Reception) -> None:
    while True:
        try:
            await to_thread.run_sync(desk.tick)
        except OSError as error:
            LOG.warning("the line stands still: %s", error)
        await anyio.sleep(BEAT)


@contextlib.contextmanager
def _only_server(desk: Reception) -> Iterator[None]:
    """Raises SetupError when another server keeps the line of these runs."""
    path = desk.home.logs / ".server" / "lock"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SetupError(f"another shared server works on {desk.home.logs}; stop it first") from error
        yield
