"""A second shared server on the same runs says one sentence and ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.web.conftest import ROOT, TOKEN, free_port, serving


def test_the_second_shared_server_says_so_in_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "copilot", "ui", "--shared", "--headless", "--port", str(free_port())]
    env = os.environ | {"COPILOT_HOME": str(tmp_path), "COPILOT_TOKEN": TOKEN}
    with serving(tmp_path, "--shared", COPILOT_TOKEN=TOKEN):
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "another shared server works on" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
