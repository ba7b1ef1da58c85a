"""Generated calls against a live server, good ones and bad ones: no mistake of the server, and answers as described."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings

from copilot.web.operations import OPERATIONS
from tests.web.conftest import TOKEN, Server, end_engines, furnish, serving
from tests.web.test_http import START

schemathesis = pytest.importorskip("schemathesis")
checks = pytest.importorskip("schemathesis.checks")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
EXAMPLES = 40


@dataclass
class Fuzzed:
    """A shared server, a guest's cookie, and the description that the server gives."""

    server: Server
    cookies: dict[str, str]


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzzed]:
    """A shared server on which the guest has a finished run and one that waits for an answer."""
    home = tmp_path_factory.mktemp("fuzzed")
    furnish(home)
    limits = {"COPILOT_TOKEN": TOKEN, "COPILOT_MAX_ENGINES": "1", "COPILOT_MAX_UPLOADS": "100000"}
    with serving(home, "--shared", **limits) as server:
        cookies = dict(httpx2.get(server.url).cookies)
        with httpx2.Client(base_url=server.url, cookies=cookies, timeout=30) as guest:
            made = guest.post("/api/v1/runs", json={"task": "demo", "settings": {"approve": "ask"}}).json()["run"]
            guest.post(f"/api/v1/runs/{made}/stop", json={})
        name = next(run for run in server.runs if run.name == made).owner
        for run in server.runs:
            if run.path.name == START:
                run.owner_file.write_text(name)
        yield Fuzzed(server, cookies)
        end_engines(server)


relaxed = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
DESCRIBED = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


def call(case: Any, fuzzed: Fuzzed) -> None:
    """The call as a guest; its answer is as the document says, and no mistake is in the server's log."""
    headers = {"X-Requested-With": "tests"}
    named = checks.CHECKS.get_by_names(list(DESCRIBED))
    answer = case.call_and_validate(checks=named, cookies=fuzzed.cookies, headers=headers, timeout=60)
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error"}


def on(case: Any, task: str) -> Any:
    """The same call to a run that is there."""
    if "task" in (case.path_parameters or {}):
        case.path_parameters |= {"task": task, "start": START}
    return case


WAYS = [
    (operation.id, mode)
    for operation in OPERATIONS
    for mode in schemathesis.GenerationMode
    if mode.is_positive or operation.body or operation.query or "{" in operation.path  # else nothing can be wrong
]


@pytest.mark.parametrize(("name", "mode"), WAYS)
def test_any_call_is_answered_as_described(fuzzed: Fuzzed, name: str, mode: Any) -> None:
    schema = schemathesis.openapi.from_url(f"{fuzzed.server.url}/api/v1/openapi.json")
    operation = schema.find_operation_by_id(name)

    @relaxed
    @given(operation.as_strategy(generation_mode=mode))
    def calls(case: Any) -> None:
        call(case, fuzzed)
        if name != "deleteRun":
            call(on(case, "finished"), fuzzed)
        if name not in {"deleteRun", "followRun"}:  # a run that waits is followed until somebody answers
            call(on(case, "ideas"), fuzzed)

    calls()
    assert "Traceback" not in fuzzed.server.log
