"""Servers of the whole product in processes of their own, over homes of their own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from copilot.runs import RunFolder, list_runs
from tests.ui import canned

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "owner-token-of-the-tests-0123456789"
DEMO = ROOT / "problems" / "demo"


MADE: dict[str, Callable[[Path], RunFolder]] = {
    "finished": canned.finished,
    "ideas": canned.at_ideas,
    "failed": canned.failed,
    "frozen": canned.frozen,
}


@dataclass
class Server:
    """A server that listens; `log` is all that it printed."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]

    @property
    def log(self) -> str:
        """What the server printed."""
        return (self.home / "server.log").read_text("utf-8", "replace")

    @property
    def runs(self) -> list[RunFolder]:
        """All runs on disk."""
        return list_runs(self.home / "logs")

    def client(self, *, token: str = "", session: bool = False) -> httpx2.Client:
        """Somebody: with the owner's token, with a session of their own, or as a stranger."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        cookies = dict(httpx2.get(self.url).cookies) if session else {}
        assert bool(cookies) == session
        return httpx2.Client(base_url=self.url, headers=headers, cookies=cookies, timeout=30)

    def raw(self, request: str) -> bytes:
        """The answer to a request that no client would send; `HOST` in it is this server's name."""
        address = urlsplit(self.url)
        with socket.create_connection((address.hostname or "", address.port or 0), 10) as line:
            line.sendall(request.replace("HOST", address.netloc).encode())
            return b"".join(iter(lambda: line.recv(65_536), b""))


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(home: Path, *options: str, **settings: str) -> Iterator[Server]:
    """`copilot ui` over this home, until the block ends; `settings` are environment variables."""
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("COPILOT_")}
    env = clean | {"COPILOT_HOME": str(home), "COPILOT_OFFLINE": "1"} | settings
    command = [sys.executable, "-m", "copilot", "ui", "--port", str(port), "--headless", *options]
    with (home / "server.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    server = Server(f"http://127.0.0.1:{port}", home, process)
    try:
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(server: Server, limit: float = 60) -> None:
    until = time.monotonic() + limit
    while time.monotonic() < until and server.process.poll() is None:
        try:
            if httpx2.get(f"{server.url}/_stcore/health").status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.1)
    raise TimeoutError(server.log)


def furnish(home: Path) -> None:
    """The demo task and canned runs in some states."""
    shutil.copytree(DEMO, home / "problems" / "demo")
    for state, make in MADE.items():
        made = make(home / "making")
        (home / "logs" / state).mkdir(parents=True)
        shutil.move(made.path, home / "logs" / state)


def end_engines(server: Server) -> None:
    """Stop every engine of this server's runs that is left."""
    with server.client(token=TOKEN) as owner:
        for item in owner.get("/api/v1/runs?limit=100").json()["runs"]:
            if item["status"] in {"running", "paused"}:
                owner.post(f"/api/v1/runs/{item['run']}/stop")
    until = time.monotonic() + 30
    while time.monotonic() < until and any(_working(run) for run in server.runs):
        time.sleep(0.3)


def _working(run: RunFolder) -> bool:
    from copilot import api

    return api.engine_alive(run)


@pytest.fixture(scope="session")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server for one person, on this machine only; it has a token as well."""
    home = tmp_path_factory.mktemp("alone")
    furnish(home)
    with serving(home, COPILOT_TOKEN=TOKEN) as server:
        yield server
        end_engines(server)
