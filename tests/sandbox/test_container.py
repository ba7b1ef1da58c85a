"""The level on request: a job in a container of podman. Skipped, saying so, where no engine or image is there."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.pipeline import drive
from copilot.engine.start import start_run
from copilot.errors import SetupError
from copilot.events import SandboxChosen
from copilot.journal import Journal
from copilot.sandbox import containers
from copilot.sandbox.choose import AUTOMATIC, choose
from copilot.sandbox.probe import failure
from copilot.sandbox.supervisor import container
from copilot.sandbox.supervisor.spec import Spec
from tests.sandbox.conftest import Place, require

real = pytest.mark.slow


@pytest.fixture
def box(tmp_path: Path) -> Place:
    """A place at this level, where it works."""
    require("container")
    return Place(tmp_path, "container")


def left() -> list[str]:
    """Containers of jobs that exist now."""
    done = subprocess.run(
        [*containers.command(), "ps", "--all", "--format", "{{.Names}}"], capture_output=True, text=True, check=True
    )
    return [name for name in done.stdout.split() if name.startswith("copilot-job-")]


def test_it_is_never_chosen_by_itself() -> None:
    assert "container" not in AUTOMATIC


def test_without_an_image_it_says_how_to_mend_that(monkeypatch: pytest.MonkeyPatch) -> None:
    from copilot.sandbox.local import LocalSandbox

    monkeypatch.setenv(containers.IMAGE_VARIABLE, "there-is-no-such-image")
    said = failure(LocalSandbox("container"))
    if containers.engine():
        missing = "there-is-no-such-image" in said and "container.sh build" in said
        assert missing or "does not work for you" in said
    else:
        assert "apt-get install podman" in said


def test_the_command_line_opens_nothing_that_the_job_does_not_need(tmp_path: Path) -> None:
    spec = Spec(
        level="container",
        argv=["python", "x.py"],
        env={"SEED": "1"},
        workspace="/runs/work",
        scratch_root="/tmp",
        log="/runs/log",
        inputs=["/data"],
        engine=["/usr/bin/podman"],
        image="the-image",
    )
    said = " ".join(container.build(spec, str(tmp_path), 60001))
    for part in ("--network none", "--read-only", "--cap-drop all", "no-new-privileges", "--user 60001:60001"):
        assert part in said
    for part in ("--pull never", "source=/data,target=/data,readonly", "--env SEED=1", "--http-proxy=false"):
        assert part in said
    assert said.endswith("sh python x.py")
    assert "--privileged" not in said
    docker = " ".join(container.build(spec._replace(engine=["/usr/bin/docker"]), str(tmp_path), None))
    assert f"--user {os.getuid()}:" in docker
    assert "keep-id" not in docker
    assert "--timeout" not in docker


@real
def test_a_job_finds_its_folders_and_ends_as_everywhere(box: Place, tmp_path: Path) -> None:
    (tmp_path / "inputs").mkdir(mode=0o755)
    (tmp_path / "inputs/data").write_text("7")
    outcome = box.run(
        "import os, sys; print(open(sys.argv[1]).read(), os.getcwd(), os.environ['SEED']); open('o', 'w'); sys.exit(3)",
        str(tmp_path / "inputs/data"),
        inputs=[tmp_path / "inputs"],
        env={"SEED": "5"},
    )
    assert (outcome.reason, outcome.exit_code, outcome.level) == ("exit", 3, "container")
    assert outcome.head == f"7 {box.workspace} 5\n"
    assert (box.workspace / "o").exists()
    crash = box.run("import ctypes; ctypes.string_at(0)")
    assert (crash.exit_code, crash.head) == (139, "")
    assert left() == []


@real
def test_limits_end_the_container_itself(box: Place) -> None:
    save = "import signal, sys, time\nsignal.signal(15, lambda *_: (open('saved', 'w'), sys.exit(0)))\ntime.sleep(60)"
    assert box.run(save, limits={"seconds": 4}).reason == "timeout"
    assert (box.workspace / "saved").exists()
    grow = "import time\nkept = []\nwhile True:\n    kept.append(bytes([1]) * (1 << 20)); time.sleep(0.002)"
    assert box.run(grow, limits={"memory_mb": 200}).reason == "memory"
    assert box.run("import os\nif os.fork() == 0:\n    os.setsid()\n    import time; time.sleep(99)").ok
    assert left() == []


@real
def test_no_container_outlives_the_engine(box: Place) -> None:
    """The process that asked is killed: its supervisor ends the container."""
    code = f"""
from pathlib import Path
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.protocol import Job
work, log = Path({str(box.workspace)!r}), Path({str(box.log)!r})
job = Job(argv=["python", "-c", "open('on', 'w'); import time; time.sleep(99)"], workspace=work, log=log)
LocalSandbox("container").run(job)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as engine:
        end = time.monotonic() + 60
        while not (box.workspace / "on").exists() and time.monotonic() < end:
            time.sleep(0.2)
        assert left()
        engine.send_signal(signal.SIGKILL)
    end = time.monotonic() + 60
    while left() and time.monotonic() < end:
        time.sleep(0.5)
    assert left() == []


@real
def test_a_name_that_is_no_image_is_refused_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    from copilot.sandbox.choose import problem

    monkeypatch.setenv(containers.IMAGE_VARIABLE, "there-is-no-such-image")
    problem.cache_clear()
    try:
        with pytest.raises(SetupError, match="container does not work on this machine"):
            choose("container")
    finally:
        problem.cache_clear()


@real
def test_a_run_names_its_image_and_goes_on_in_no_other(box: Place, tmp_path: Path) -> None:
    (tmp_path / "problems").mkdir(exist_ok=True)
    home, env = Home(tmp_path), {"COPILOT_OFFLINE": "1"}
    run = start_run("", "", "Does dropout help?", Settings(seeds=2, sandbox="container"), home, env)
    chosen = choose("container")
    assert re.fullmatch(r"\S+ sha256:[0-9a-f]{64}", chosen.image)
    with closing(Journal(run.journal)) as journal:
        journal.append(SandboxChosen(level="container", text=chosen.text, image="copilot sha256:" + "0" * 64))
    with pytest.raises(SetupError, match="this run began in the image copilot sha256:0000"):
        drive(run, home, env)
