"""Who may call a server: other machines, other names, other sites, with and without the token."""

from __future__ import annotations

from collections.abc import Iterator

import httpx2
import pytest

from tests.web.conftest import TOKEN, Server, serving
from tests.web.test_http import RUN, error

REMARK = f"{RUN.replace('finished', 'ideas')}/remarks"
SAID = {"text": "hello there"}


@pytest.fixture
def client(alone: Server) -> Iterator[httpx2.Client]:
    """Somebody at this machine."""
    with alone.client() as opened:
        yield opened


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", ""]
)
def test_a_name_that_was_bound_to_this_machine_is_refused(client: httpx2.Client, host: str) -> None:
    for path in ("/api/v1/runs", "/", "/_stcore/health"):
        assert client.get(path, headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:9", "[::1]:80"])
def test_names_of_this_machine_are_its_own(client: httpx2.Client, host: str) -> None:
    assert client.get("/api/v1/runs", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_what_was_forwarded_is_not_from_here(client: httpx2.Client, header: str) -> None:
    answer = client.get("/api/v1/runs", headers={header: "127.0.0.1"})
    assert answer.status_code == 401
    assert "Bearer" in answer.headers["www-authenticate"]
    assert client.get("/api/v1/runs", headers={header: "10.1.1.1", "Authorization": f"Bearer {TOKEN}"}).is_success


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing(alone: Server, client: httpx2.Client, headers: dict[str, str]) -> None:
    for path, body in ((REMARK, SAID), ("/api/v1/runs", {"task": "demo"}), (f"{RUN}/stop", {})):
        assert client.post(path, json=body, headers=headers).status_code == 403
    assert client.delete(RUN, headers=headers).status_code == 403
    assert client.get(RUN).status_code == 200


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_a_form_changes_nothing(client: httpx2.Client, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for path in (REMARK, "/api/v1/runs", f"{RUN}/stop"):
        assert client.post(path, content=b'{"text": "hi"}', headers=headers).status_code == 415


def test_a_page_of_the_app_may(alone: Server, client: httpx2.Client) -> None:
    own = {"Origin": alone.url, "Sec-Fetch-Site": "same-origin"}
    assert client.post(REMARK, json=SAID, headers=own).status_code == 202


@pytest.mark.parametrize(
    "given", ["", "Bearer", "Bearer  x", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer é"]
)
def test_a_wrong_token_is_worse_than_none(client: httpx2.Client, given: str) -> None:
    answer = client.get("/api/v1/runs", headers={b"Authorization": given.encode()})
    assert answer.status_code == 401
    assert error(answer)


def test_a_server_that_others_can_reach_asks_for_its_token(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("open")
    (home / "problems").mkdir()
    with serving(home, "--address", "0.0.0.0", COPILOT_TOKEN=TOKEN) as server:
        with server.client() as stranger, server.client(token=TOKEN) as owner:
            assert stranger.get("/api/v1/runs").status_code == 401
            assert stranger.post("/api/v1/runs", json={"task": "demo"}).status_code == 401
            assert owner.get("/api/v1/runs", headers={"Host": "copilot.example"}).json() == {"runs": [], "total": 0}
        assert TOKEN not in server.log
