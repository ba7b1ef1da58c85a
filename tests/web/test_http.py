"""The HTTP interface of a server for one person: what it does, and that the document says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.routing import Route

from copilot.web.openapi import document
from copilot.web.operations import OPERATIONS
from copilot.web.routes import DOCUMENT, interface
from tests.web.conftest import DEMO, TOKEN, Server

START = "2026-11-20T09-07-46Z"
RUN = f"/api/v1/runs/finished/{START}"
SECRET = "sk-ant-this-is-not-a-real-key-0123456789"


@pytest.fixture
def client(alone: Server) -> Any:
    """Somebody at this machine."""
    with alone.client() as opened:
        yield opened


def error(answer: httpx2.Response) -> str:
    """The sentence of a failure, after its shape was checked."""
    body = answer.json()
    assert set(body) == {"error"} and set(body["error"]) == {"code", "text"}
    assert len(body["error"]["text"].split()) > 2
    text: str = body["error"]["text"]
    return text


def told(answer: httpx2.Response) -> list[dict[str, str]]:
    """Server-sent events as fields."""
    blocks = [block for block in answer.text.split("\n\n") if block.strip()]
    found = [dict(line.partition(": ")[::2] for line in block.splitlines()) for block in blocks]
    return [fields for fields in found if "event" in fields]


def test_routes_and_document_agree(alone: Server, client: httpx2.Client) -> None:
    served = client.get("/api/v1/openapi.json").json()
    assert served == json.loads(json.dumps(document()))
    described = {(path, method.upper()) for path, methods in served["paths"].items() for method in methods}
    routed = {
        (f"/api{route.path}", method)
        for route in interface().routes
        if isinstance(route, Route) and route.path != DOCUMENT
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert described == routed == {(f"/api{op.path}", op.method) for op in OPERATIONS}
    for path, method in described:
        filled = path.format(task="no-task", start="no-start", name="report.md")
        answer = client.request(method, filled, json={} if method == "POST" else None)
        assert str(answer.status_code) in served["paths"][path][method.lower()]["responses"], (method, path)


def test_runs_are_listed_and_shown(client: httpx2.Client) -> None:
    found = client.get("/api/v1/runs", params={"limit": 2}).json()
    assert (len(found["runs"]), found["total"] >= 4) == (2, True)
    shown = client.get(RUN).json()
    assert (shown["status"], shown["working"], shown["place"]) == ("done", False, None)
    assert "report" not in shown and "report.md" in shown["files"]
    waiting = client.get(f"/api/v1/runs/ideas/{START}").json()
    assert [question["gate"] for question in waiting["questions"]] == ["ideas"]


def test_a_run_is_followed_and_taken_up_again(client: httpx2.Client) -> None:
    whole = told(client.get(f"{RUN}/events"))
    assert [fields["event"] for fields in whole[:1]] == ["RunStarted"]
    assert (whole[-1]["event"], json.loads(whole[-1]["data"])) == ("end", {"status": "done"})
    numbers = [int(fields["id"]) for fields in whole[:-1]]
    assert numbers == list(range(len(numbers)))
    rest = told(client.get(f"{RUN}/events", headers={"Last-Event-ID": "9"}))
    assert rest == whole[10:]
    assert client.get(f"{RUN}/events", headers={"Last-Event-ID": str(numbers[-1])}).status_code == 204
    assert client.get(f"{RUN}/events", headers={"Last-Event-ID": "nine"}).status_code == 422


def test_files_are_downloaded(client: httpx2.Client) -> None:
    report = client.get(f"{RUN}/files/report.md")
    assert report.headers["content-type"].startswith("text/markdown")
    assert report.headers["content-disposition"].startswith("attachment")
    assert report.headers["x-content-type-options"] == "nosniff"
    assert "Trust" in report.text or "Verdict" in report.text or report.text
    assert client.get(f"{RUN}/files/cells.json").status_code == 404


def test_what_is_asked_is_answered_and_said(alone: Server, client: httpx2.Client) -> None:
    run = f"/api/v1/runs/ideas/{START}"
    assert error(client.post(f"{run}/answers", json={"question": "nobody-asked", "choice": "x"}))
    assert "choices" in error(client.post(f"{run}/answers", json={"question": "gate-ideas", "choice": "idea-77"}))
    assert client.post(f"{run}/remarks", json={"text": "smaller steps"}).status_code == 202
    (said,) = [item for item in alone.runs if item.path.parent.name == "ideas"]
    assert "smaller steps" in said.inbox.read_text()
    ended = client.post(f"{RUN}/remarks", json={"text": "too late"})
    assert (ended.status_code, error(ended)) == (409, "this run has ended")


def test_a_gate_is_seen_without_reading_the_journal(client: httpx2.Client) -> None:
    seen = client.get(f"/api/v1/runs/ideas/{START}/ideas").json()
    assert [idea["id"] for idea in seen["ideas"]] == ["idea-1", "idea-2", "idea-3"]
    assert (seen["reviews"]["idea-3"][0]["accepted"], seen["chosen"]) == (False, None)
    plan = client.get(f"{RUN}/plan").json()
    assert (plan["plan"]["seeds"], len(plan["protocol_hash"])) == (8, 64)
    assert client.get("/api/v1/tasks").json() == {"tasks": ["demo"]}


def test_a_run_goes_another_way_from_a_step(alone: Server, client: httpx2.Client) -> None:
    late = client.post(f"{RUN}/branches", json={"at": 40})
    assert (late.status_code, "after the protocol was frozen" in error(late)) == (422, True)
    made = client.post(f"{RUN}/branches", json={"at": 7, "say": "another way"})
    assert made.status_code == 201, made.text
    name = made.json()["run"]
    (branch,) = [run for run in alone.runs if run.name == name]
    assert client.post(f"/api/v1/runs/{name}/stop", json={}).status_code == 202
    (parent,) = [run for run in alone.runs if run.name == f"finished/{START}"]
    assert branch.journal.read_text().startswith("".join(parent.journal.read_text().splitlines(True)[:8]))
    assert "another way" in branch.inbox.read_text()


def test_what_is_frozen_is_amended_in_the_open(client: httpx2.Client) -> None:
    run = f"/api/v1/runs/frozen/{START}"
    assert "three words" in error(client.post(f"{run}/amendments", json={"seeds": 10, "reason": "so"}))
    amended = client.post(f"{run}/amendments", json={"seeds": 10, "reason": "the noise is larger"})
    assert (amended.status_code, amended.json()["seeds"]) == (200, 10)
    assert error(client.post(f"{RUN}/amendments", json={"seeds": 10, "reason": "too late for that"})) == (
        "this run has ended"
    )


@pytest.mark.slow
def test_a_report_is_verified(client: httpx2.Client) -> None:
    found = client.post(f"{RUN}/verify", json={}).json()["problems"]
    assert found, "the canned report was written by hand"


def test_a_run_is_started_followed_and_stopped(alone: Server, client: httpx2.Client) -> None:
    asked = {"task": "demo", "settings": {"approve": "ask"}}
    made = client.post("/api/v1/runs", json=asked)
    assert made.status_code == 201, made.text
    run = f"/api/v1/runs/{made.json()['run']}"
    kinds = []
    with client.stream("GET", f"{run}/events") as lines:
        for line in lines.iter_lines():
            if line.startswith("event: "):
                kinds.append(line[7:])
            if line == "event: PaperRead":
                assert client.post(f"{run}/stop", json={}).status_code == 202
    assert (kinds[0], kinds[-2], kinds[-1]) == ("RunStarted", "RunFinished", "end")
    assert client.get(run).json()["status"] == "stopped"
    assert client.delete(run).status_code == 204
    assert client.get(run).status_code == 404


def test_a_paper_is_uploaded_with_the_question_to_it(alone: Server, client: httpx2.Client) -> None:
    paper = (DEMO / "paper.pdf").read_bytes()
    ask = json.dumps({"settings": {"approve": "ask"}})
    own = {"X-Requested-With": "tests"}
    name = '"><script>alert(1)</script>/../../x.pdf'
    made = client.post("/api/v1/runs", data={"ask": ask}, files={"paper": (name, paper)}, headers=own)
    assert made.status_code == 201, made.text
    assert "<" not in made.json()["run"] and ".." not in made.json()["run"]
    client.post(f"/api/v1/runs/{made.json()['run']}/stop", json={})
    wrong = client.post("/api/v1/runs", data={"ask": ask}, files={"paper": ("a.pdf", b"<html>")}, headers=own)
    assert (wrong.status_code, "not a PDF" in error(wrong)) == (422, True)
    missing = client.post("/api/v1/runs", data={"ask": ask}, headers=own)
    assert missing.status_code in {415, 422}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 422),
        (b'{"task": "demo", "more": 1}', 422),
        (b'{"task": "../../etc"}', 422),
        (b'{"task": "none-such"}', 422),
        (b'{"paper": "/etc/passwd"}', 422),
        (b'{"paper": "demo/paper.pdf"}', 422),
        (b'{"task": "demo", "settings": {"seeds": -1}}', 422),
        (b'{"task": "demo", "settings": {"llm": "nobody:x"}}', 422),
        (b'{"objective": "\\ud800 lone surrogates here"}', 400),
        (b"[" * 100_000, 400),
        (b'{"task": "' + b"a" * 2_000_000 + b'"}', 413),
    ],
)
def test_a_wrong_body_is_one_sentence(client: httpx2.Client, body: bytes, status: int) -> None:
    answer = client.post("/api/v1/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == status, answer.text
    assert error(answer)


def test_a_body_without_a_length_is_bounded_too(client: httpx2.Client) -> None:
    def endless() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    answer = client.post("/api/v1/runs", content=endless(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/../../etc/passwd",
        "/api/v1/runs/%2e%2e/%2e%2e",
        "/api/v1/runs/..%2f..%2fetc/passwd",
        "/api/v1/runs/finished/..",
        "/api/v1/runs/finished%00/x",
        "/api/v1/runs/C:/Windows",
        "/api/v1/runs//etc/passwd",
        f"{RUN}/files/..%2f..%2fagent_log%2ffull_log.jsonl",
        f"{RUN}/files/../agent_log/full_log.jsonl",
        f"{RUN}/files/.report.md",
        f"{RUN}/files/report.md%2f..%2fcells.json",
        "/api/../app.py",
        "/api/v1/runs/.cache/uploads",
        "/api/v1/runs/.server/secret",
    ],
)
def test_no_path_leads_out(alone: Server, path: str) -> None:
    answer = alone.raw(f"GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n")
    assert answer.split()[1] in {b"400", b"404"}, answer[:200]
    assert b"root:" not in answer and b"RunStarted" not in answer


def test_other_methods_are_refused_as_json(client: httpx2.Client) -> None:
    answer = client.put("/api/v1/runs", json={})
    assert (answer.status_code, "allow" in answer.headers) == (405, True)
    assert error(answer)


def test_a_key_is_said_nowhere(alone: Server, client: httpx2.Client) -> None:
    shapes: list[Any] = [
        {"task": "demo", "keys": {"ANTHROPIC_API_KEY": SECRET}, "settings": {"llm": "nobody"}},
        {"task": "demo", "keys": {"ANTHROPIC_API_KEY": SECRET + " x"}},
        {"task": "demo", "keys": SECRET},
        {"task": "demo", "keys": {"A": [SECRET]}},
        {"objective": "a b", "keys": {"ANTHROPIC_API_KEY": SECRET}, "extra": SECRET},
    ]
    for body in shapes:
        answer = client.post("/api/v1/runs", json=body)
        assert answer.status_code == 422, answer.text
        assert SECRET not in answer.text
    assert client.get("/api/v1/runs", headers={"Authorization": f"Bearer {SECRET}"}).status_code == 401
    holders = [path for path in alone.home.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert holders == []
    assert TOKEN not in alone.log


def test_the_app_and_the_interface_are_one_server(client: httpx2.Client) -> None:
    assert "<title>" in client.get("/").text
    assert client.get("/history").status_code == 200
    assert client.get("/api/v1/runs").status_code == 200


def test_a_link_in_place_of_a_file_is_not_followed(alone: Server, client: httpx2.Client) -> None:
    report = alone.home / "logs" / "failed" / START / "report"
    report.mkdir(exist_ok=True)
    (report / "report.md").symlink_to(Path("/etc/passwd"))
    assert client.get(f"/api/v1/runs/failed/{START}/files/report.md").status_code == 404
