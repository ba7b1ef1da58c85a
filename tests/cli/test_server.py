"""What the server says when something stands in the way: a second one on the same runs, an engine on a run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.start import start_run
from copilot.journal import Journal
from tests.web.conftest import ROOT, TOKEN, free_port, serving


def test_the_second_shared_server_says_so_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copilot", "ui", "--shared", "--headless", "--port", str(free_port())]
    env = os.environ | {"COPILOT_HOME": str(tmp_path), "COPILOT_TOKEN": TOKEN}
    with serving(tmp_path, "--shared", COPILOT_TOKEN=TOKEN):
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "another shared server works on" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr


def test_a_run_that_an_engine_holds_is_in_no_state_to_be_deleted(tmp_path: Path) -> None:
    run = start_run("", "", "does dropout help here", Settings(), Home(tmp_path), {"COPILOT_OFFLINE": "1"})
    address = f"/api/v1/runs/{run.name}"
    with serving(tmp_path) as server, server.client() as client:
        held = Journal(run.journal)
        refused = client.delete(address, headers={"X-Requested-With": "tests"})
        assert (refused.status_code, run.path.is_dir()) == (409, True) and "stop it first" in refused.text
        held.close()
        assert client.delete(address, headers={"X-Requested-With": "tests"}).status_code == 204
    assert not run.path.exists()
