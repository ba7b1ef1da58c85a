"""Measures one shared server with many sessions: how long a page and a call take, how long a click while a run streams,
and how much memory it takes.

    python -m benchmarks.server_load [--sessions 50] [--seconds 30]

Each session speaks the app's own protocol over a websocket, as a browser does: it opens a page and waits until its
script has finished, reruns the live parts of the page every second as the server asks, and clicks on to the next page
every fifteen seconds. One in five looks at a run whose journal grows by ten events a second. Beside them, calls of the
HTTP interface. A page's answer ends with the last byte that the script sends; what the browser then draws is not in it.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import psutil
import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.util import calc_hash

from copilot.hosting.guests import Sessions
from copilot.runs import RunFolder
from tests.ui import canned
from tests.web.conftest import Server, serving

PAGES = ("run", "results", "report", "plan", "paper", "history")
LIVE = ("run", "plan", "run", "history")
CLICK_SECONDS = 15.0
ARRIVAL_SECONDS = 15.0
MEGABYTE = 1 << 20


@dataclass
class Session:
    """One browser: its page, the reruns it was asked for, and what it measured (seconds)."""

    server: Server
    cookie: str
    run: str
    pages: tuple[str, ...]
    first: list[float] = field(default_factory=list)
    clicks: list[float] = field(default_factory=list)
    timers: dict[str, float] = field(default_factory=dict)
    page: str = ""

    async def browse(self, until: float, delay: float) -> None:
        """Open a page and click on until the end."""
        await asyncio.sleep(delay)
        url = self.server.url.replace("http", "ws") + "/_stcore/stream"
        headers = {"Cookie": f"copilot_session={self.cookie}", "Origin": self.server.url}
        began = time.monotonic()
        protocol = websockets.Subprotocol("streamlit")
        async with websockets.connect(
            url, subprotocols=[protocol], additional_headers=headers, max_size=None
        ) as socket:
            await self._open(socket, self.pages[0])
            self.first.append(time.monotonic() - began)
            number = 0
            while time.monotonic() < until:
                await self._linger(socket, time.monotonic() + CLICK_SECONDS)
                number += 1
                began = time.monotonic()
                await self._open(socket, self.pages[number % len(self.pages)])
                self.clicks.append(time.monotonic() - began)

    async def _open(self, socket: websockets.ClientConnection, page: str) -> None:
        self.page, self.timers = page, {}
        await self._ask(socket)
        await self._finished(socket)

    async def _ask(self, socket: websockets.ClientConnection, fragment: str = "") -> None:
        message = BackMsg()
        message.rerun_script.query_string = f"run={self.run}"
        message.rerun_script.page_script_hash = calc_hash(self.page)
        message.rerun_script.fragment_id = fragment
        message.rerun_script.is_auto_rerun = bool(fragment)
        await socket.send(message.SerializeToString())

    async def _finished(self, socket: websockets.ClientConnection) -> None:
        while True:
            message = ForwardMsg()
            message.ParseFromString(await socket.recv(decode=False))
            kind = message.WhichOneof("type")
            if kind == "auto_rerun":
                self.timers[message.auto_rerun.fragment_id] = message.auto_rerun.interval
            if kind == "delta" and message.delta.new_element.WhichOneof("type") == "exception":
                raise RuntimeError(message.delta.new_element.exception.message)
            if kind == "script_finished":
                return

    async def _linger(self, socket: websockets.ClientConnection, until: float) -> None:
        while (now := time.monotonic()) < until:
            for fragment in list(self.timers):
                await self._ask(socket, fragment)
                await self._finished(socket)
            await asyncio.sleep(max(0.0, min(1.0, until - now)))


def grow(run: canned.Canned, stop: threading.Event) -> None:
    """Ten events a second, four at a time."""
    while not stop.wait(0.4):
        run.explore(1)


async def calls(server: Server, cookie: str, until: float) -> list[float]:
    """The state of a run, four times a second, by HTTP."""
    took = []
    async with httpx2.AsyncClient(base_url=server.url, cookies={"copilot_session": cookie}, timeout=60) as client:
        while time.monotonic() < until:
            began = time.monotonic()
            (await client.get("/api/v1/runs")).raise_for_status()
            took.append(time.monotonic() - began)
            await asyncio.sleep(0.25)
    return took


def owned(server: Server, cookie: str) -> str:
    """The guest that this cookie stands for."""
    guest = Sessions(server.home / "logs" / ".server").guest(cookie)
    assert guest is not None
    return guest.name


def arrive(server: Server, number: int, source: Path) -> tuple[Session, canned.Canned | None]:
    """A session with a run of its own: one in five a run that goes on, the others a finished one."""
    logs = server.home / "logs"
    cookie = dict(httpx2.get(server.url).cookies)["copilot_session"]
    going = canned.Canned(canned.folder(logs, f"own-{number}")) if number % 5 == 0 else None
    place = logs / f"own-{number}" / source.name
    if going is None:
        shutil.copytree(source, place)
    else:
        for stage in (going.read, going.propose, going.choose, going.plan):
            stage()
    RunFolder(place).owner_file.write_text(owned(server, cookie))
    return Session(server, cookie, f"own-{number}/{source.name}", LIVE if going else PAGES), going


async def measure(server: Server, sessions: int, seconds: float) -> None:
    """Furnish, load and print."""
    process = psutil.Process(server.process.pid)
    source = canned.finished(server.home / "making").path
    arrived = [arrive(server, number, source) for number in range(sessions)]
    people, growing = [person for person, _ in arrived], [run for _, run in arrived if run is not None]
    before, stop = process.memory_info().rss, threading.Event()
    threads = [threading.Thread(target=grow, args=(run, stop)) for run in growing]
    for thread in threads:
        thread.start()
    began, used = time.monotonic(), sum(process.cpu_times()[:2])
    browsing = [
        person.browse(began + seconds, ARRIVAL_SECONDS * index / sessions) for index, person in enumerate(people)
    ]
    calling = asyncio.create_task(calls(server, people[1].cookie, began + seconds))
    await asyncio.gather(*browsing)
    took = await calling
    share = (sum(process.cpu_times()[:2]) - used) / (time.monotonic() - began)
    stop.set()
    for thread in threads:
        thread.join()
    for run in growing:
        run.close()
    _print(people, took, before, process.memory_info().rss)
    print(f"\nserver: {share:.0%} of a processor; load of the machine {psutil.getloadavg()[0]:.1f}")


def _print(people: list[Session], took: list[float], before: int, after: int) -> None:
    watching = [value for person in people[::5] for value in person.clicks]
    reading = [value for index, person in enumerate(people) if index % 5 for value in person.clicks]
    print("| what | count | median ms | 95th percentile ms |\n| --- | --- | --- | --- |")
    for name, values in (
        ("first page of a session", [value for person in people for value in person.first]),
        ("click, finished run", reading),
        ("click, run that streams", watching),
        ("GET /api/v1/runs", took),
    ):
        low, high = statistics.median(values or [0.0]), sorted(values or [0.0])[int(len(values) * 0.95) - 1]
        print(f"| {name} | {len(values)} | {low * 1000:.0f} | {high * 1000:.0f} |")
    each = (after - before) / len(people) / MEGABYTE
    print(f"\nmemory {before / MEGABYTE:.0f} MB before, {after / MEGABYTE:.0f} MB after: {each:.1f} MB a session")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60.0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "problems").mkdir()
        with serving(home, "--shared") as server:
            asyncio.run(measure(server, given.sessions, given.seconds))
            if "Traceback" in server.log:
                print(server.log)


if __name__ == "__main__":
    main()
