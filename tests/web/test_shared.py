"""A server for many people: everybody has their own runs, limits and turns; the owner has all."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from copilot import api
from copilot.runs import RunFolder
from tests.web.conftest import TOKEN, Server, end_engines, furnish, serving
from tests.web.test_http import SECRET, error

SERVER_KEY = "sk-ant-the-servers-own-key-0123456789"
ASK = {"task": "demo", "settings": {"approve": "ask"}}
NONE = "/api/v1/runs/demo/2020-01-01T00-00-00Z"


@pytest.fixture(scope="module")
def hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A shared server with one turn at a time, a key and an endpoint of its owner."""
    home = tmp_path_factory.mktemp("hall")
    furnish(home)
    settings = {
        "COPILOT_TOKEN": TOKEN,
        "COPILOT_MAX_ENGINES": "1",
        "COPILOT_MAX_RUNS": "2",
        "COPILOT_MAX_UPLOADS": "2",
        "COPILOT_MAX_MINUTES": "5",
        "ANTHROPIC_API_KEY": SERVER_KEY,
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
    }
    with serving(home, "--shared", **settings) as server:
        yield server
        end_engines(server)


def until(happened: Callable[[], bool], limit: float = 40) -> None:
    """Wait for something."""
    end = time.monotonic() + limit
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def begin(client: httpx2.Client, **more: Any) -> dict[str, Any]:
    """A run of this guest."""
    made = client.post("/api/v1/runs", json=ASK | more)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def finish(client: httpx2.Client, run: str) -> None:
    """Stop a run, wait for its end, and delete it."""
    client.post(f"/api/v1/runs/{run}/stop", json={})
    until(lambda: client.get(f"/api/v1/runs/{run}").json()["status"] == "stopped")
    until(lambda: client.delete(f"/api/v1/runs/{run}").status_code == 204)


def test_nothing_of_another_guest_is_seen(hall: Server) -> None:
    with hall.client(session=True) as anna, hall.client(session=True) as ben, hall.client(token=TOKEN) as owner:
        run = begin(anna)["run"]
        assert [item["run"] for item in anna.get("/api/v1/runs").json()["runs"]] == [run]
        assert ben.get("/api/v1/runs").json() == {"runs": [], "total": 0}
        for method, rest, body in (
            ("GET", "", None),
            ("GET", "/events", None),
            ("GET", "/files/report.md", None),
            ("GET", "/ideas", None),
            ("GET", "/plan", None),
            ("POST", "/branches", {"at": 0}),
            ("POST", "/amendments", {"reason": "because I can"}),
            ("POST", "/verify", {}),
            ("POST", "/answers", {"question": "gate-ideas"}),
            ("POST", "/remarks", {"text": "listen to me"}),
            ("POST", "/pause", {}),
            ("POST", "/resume", {}),
            ("POST", "/stop", {}),
            ("DELETE", "", None),
        ):
            others = ben.request(method, f"/api/v1/runs/{run}{rest}", json=body)
            none = ben.request(method, f"{NONE}{rest}", json=body)
            assert (others.status_code, others.content) == (none.status_code, none.content), (method, rest)
        (folder,) = [item for item in hall.runs if item.name == run]
        assert not folder.inbox.exists()
        assert anna.post(f"/api/v1/runs/{run}/verify", json={}).status_code == 403
        assert {run, "finished/2026-11-20T09-07-46Z"} <= {
            item["run"] for item in owner.get("/api/v1/runs").json()["runs"]
        }
        assert owner.get(f"/api/v1/runs/{run}").status_code == 200
        assert ben.get("/api/v1/runs/finished/2026-11-20T09-07-46Z").status_code == 404, "an owner's run"
        assert folder.owner and folder.owner not in str(dict(anna.cookies))
        finish(anna, run)


@pytest.mark.parametrize("cookie", ["", "x", "owner", "owner.x", "a" * 5000, "é", "..%2f", "owner.AAAA"])
def test_a_session_cannot_be_made_up(hall: Server, cookie: str) -> None:
    with hall.client() as client:
        raw = f"copilot_session={cookie}".encode()
        answer = client.get("/api/v1/runs", headers={b"Cookie": raw})
        assert answer.status_code == 401
        assert error(answer)


def test_sessions_are_random_and_only_for_this_server(hall: Server) -> None:
    with hall.client(session=True) as anna, hall.client(session=True) as ben:
        (first,), (second,) = anna.cookies.values(), ben.cookies.values()
        assert len({first, second}) == 2 and min(len(first), len(second)) > 50
        spliced = first.rpartition(".")[0] + "." + second.rpartition(".")[2]
        assert httpx2.get(f"{hall.url}/api/v1/runs", cookies={"copilot_session": spliced}).status_code == 401
        cookie = httpx2.get(hall.url).headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=Lax" in cookie
        framed = httpx2.get(hall.url, headers={"X-Forwarded-Proto": "https"}).headers["set-cookie"]
        assert "SameSite=None; Secure; Partitioned" in framed


@pytest.mark.parametrize(
    "asked",
    [
        {"settings": {"llm": "claude"}},
        {"settings": {"llm": "claude"}, "keys": {"OPENAI_API_KEY": SECRET}},
        {"settings": {"llm": "offline", "models": {"experiment": "claude"}}},
        {"settings": {"llm": "ollama:qwen3"}, "keys": {"OLLAMA_API_KEY": SECRET}},
        {"settings": {"llm": "vllm:x"}},
        {"settings": {"llm": "local:/etc"}},
        {"settings": {"llm": "claude"}, "keys": {"ANTHROPIC_API_KEY": SECRET, "ANTHROPIC_BASE_URL": "http://10.0.0.1"}},
        {"keys": {"HF_ENDPOINT": "http://169.254.169.254"}},
        {"keys": {"PATH": "/tmp"}},
        {"settings": {"allow": ["lightgbm"]}},
        {"settings": {"ocr": True}},
        {"code": {"folder": "/etc"}},
        {"settings": {"sandbox": "limits-only"}},
    ],
)
def test_what_a_guest_may_not_ask_for(hall: Server, asked: dict[str, Any]) -> None:
    before = len(hall.runs)
    with hall.client(session=True) as guest:
        answer = guest.post("/api/v1/runs", json={"task": "demo"} | asked)
    assert answer.status_code == 403, answer.text
    assert SECRET not in answer.text and error(answer)
    assert len(hall.runs) == before


def test_a_guest_changes_nothing_from_another_site(hall: Server) -> None:
    with hall.client(session=True) as guest:
        answer = guest.post("/api/v1/runs", json=ASK, headers={"Origin": "https://evil.example"})
        assert answer.status_code == 403


@pytest.mark.slow
def test_turns_limits_and_keys(hall: Server) -> None:
    """One engine at a time: the second waits and is told where; stopping it there ends it; a third is too many."""
    with hall.client(session=True) as anna, hall.client(session=True) as ben:
        first = begin(anna)
        second = begin(anna, settings={"approve": "auto", "minutes": 400})
        assert (first["place"], second["place"]["place"], second["place"]["of"]) == (None, 1, 1)
        too_many = anna.post("/api/v1/runs", json=ASK)
        assert (too_many.status_code, "stop one" in error(too_many)) == (429, True)
        branch = anna.post(f"/api/v1/runs/{first['run']}/branches", json={"at": 0})
        assert (branch.status_code, "stop one" in error(branch)) == (429, True)
        others = begin(ben)
        places = [
            client.get(f"/api/v1/runs/{run['run']}").json()["place"]["place"]
            for client, run in ((ben, others), (anna, second))
        ]
        assert places == [1, 2], "who has nothing running comes first"
        _no_key_of_the_server(hall, first["run"])
        anna.post(f"/api/v1/runs/{second['run']}/stop", json={})
        until(lambda: anna.get(f"/api/v1/runs/{second['run']}").json()["status"] == "stopped")
        (folder,) = [run for run in hall.runs if run.name == second["run"]]
        assert (api.state(folder).settings or None) is not None
        assert api.state(folder).settings.minutes == 5  # type: ignore[union-attr]  # asserted just above
        assert not folder.ticket.exists()
        until(lambda: bool(anna.get(f"/api/v1/runs/{first['run']}").json()["questions"]))
        until(lambda: ben.get(f"/api/v1/runs/{others['run']}").json()["place"] is None)
        finish(ben, others["run"])
        made = anna.post(f"/api/v1/runs/{first['run']}/branches", json={"at": 0, "say": "mine"}).json()["run"]
        assert ben.get(f"/api/v1/runs/{made}").status_code == 404
        finish(anna, made)
        finish(anna, first["run"])


def _no_key_of_the_server(hall: Server, run: str) -> None:
    (folder,) = [item for item in hall.runs if item.name == run]

    def engines() -> list[Path]:
        return [path for path in Path("/proc").glob("[0-9]*") if _is_engine(path, folder)]

    until(lambda: bool(engines()))
    for process in engines():
        environment = (process / "environ").read_bytes()
        assert SERVER_KEY.encode() not in environment and TOKEN.encode() not in environment
        assert b"ANTHROPIC_BASE_URL=\0" in environment


def _is_engine(process: Path, run: RunFolder) -> bool:
    try:
        command = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"resume" in command and os.fsencode(run.path) in command


def test_uploads_are_counted(hall: Server) -> None:
    with hall.client(session=True) as guest:
        own = {"X-Requested-With": "tests"}
        answers = [guest.post("/api/v1/runs", files={"paper": ("a.pdf", b"x")}, headers=own) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [422, 422, 429]
        raw = guest.put("/_stcore/upload_file/some-session/some-file", files={"file": ("a.pdf", b"x")})
        assert (raw.status_code, error(raw)) == (429, "there were too many uploads in the last hour; try again later")
    path = "/_stcore/upload_file/another-session/some-file"
    for length, words in ((f"Content-Length: {10**9}", b"larger than"), ("Transfer-Encoding: chunked", b"how long")):
        assert words in hall.raw(f"PUT {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n{length}\r\n\r\n")


def test_only_so_many_streams(hall: Server) -> None:
    with hall.client(session=True) as guest:
        run = begin(guest)["run"]
        streams = [guest.stream("GET", f"/api/v1/runs/{run}/events") for _ in range(6)]
        answers = [stream.__enter__() for stream in streams]
        assert [answer.status_code for answer in answers] == [200] * 6
        assert guest.get(f"/api/v1/runs/{run}/events").status_code == 429
        for stream in streams:
            stream.__exit__(None, None, None)
        until(lambda: _opens(guest, run))
        finish(guest, run)


def _opens(guest: httpx2.Client, run: str) -> bool:
    with guest.stream("GET", f"/api/v1/runs/{run}/events") as answer:
        return answer.status_code == 200


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_line_outlives_the_server(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("again")
    furnish(home)
    limits = {"COPILOT_TOKEN": TOKEN, "COPILOT_MAX_ENGINES": "1"}
    with serving(home, "--shared", **limits) as server, server.client(session=True) as guest:
        cookies = dict(guest.cookies)
        running = begin(guest, settings={"approve": "auto", "seeds": 6})["run"]
        waiting = begin(guest)["run"]
        assert guest.get(f"/api/v1/runs/{waiting}").json()["place"]["place"] == 1
    (folder,) = [run for run in server.runs if run.name == running]
    until(lambda: api.engine_alive(folder))  # a process of its own
    again = serving(home, "--shared", **limits)
    with again as server, httpx2.Client(base_url=server.url, cookies=cookies, timeout=30) as guest:
        try:
            assert {item["run"] for item in guest.get("/api/v1/runs").json()["runs"]} == {running, waiting}
            assert guest.get(f"/api/v1/runs/{waiting}").json()["place"]["place"] == 1
            until(lambda: guest.get(f"/api/v1/runs/{running}").json()["status"] == "done", 200)
            until(lambda: bool(guest.get(f"/api/v1/runs/{waiting}").json()["questions"]), 60)
        finally:
            end_engines(server)
