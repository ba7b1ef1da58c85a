"""The command line as a user meets it: real processes, exit codes, one JSON document, nothing half made."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pymupdf
import pytest

from copilot.cli.parser import LEVELS
from copilot.cli.tools import in_force
from copilot.config import Home
from copilot.domain.task import Settings
from copilot.engine.start import start_run
from copilot.events import QuestionAsked, RunFinished
from copilot.journal import Journal
from copilot.sandbox.choose import choose
from copilot.sandbox.protocol import LEVEL_TEXTS

ROOT = Path(__file__).resolve().parent.parent.parent
KEPT = {"PATH", "HOME", "LANG"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "problems").mkdir()
    return tmp_path


def copilot(home: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    environment |= {"COPILOT_HOME": str(home), "COPILOT_OFFLINE": "1", **env}
    command = [sys.executable, "-m", "copilot", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=home, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A home with one finished run, and what its command printed."""
    home = tmp_path_factory.mktemp("finished")
    (home / "problems").mkdir()
    done = copilot(home, "run", "--objective", "Does dropout help a small neural network?", "--seeds", "6", "--json")
    assert done.returncode == 0, done.stderr
    return home, done.stdout


def task(home: Path, text: str, name: str = "mine") -> None:
    (home / "problems" / name).mkdir()
    (home / "problems" / name / "problem.md").write_text(text)


WRONG_USE = [
    (("run", "no_such_task"), "no task 'no_such_task'"),
    (("run",), "give exactly one of"),
    (("run", "--objective", "why?"), "at least three words"),
    (("run", "--objective", "does dropout help here", "--llm", "gpt17"), "gpt17"),
    (("run", "--objective", "does dropout help here", "--llm", "claude"), "ANTHROPIC_API_KEY"),
    (("run", "--objective", "does dropout help here", "--llm", "gpt4"), "OPENAI_API_KEY"),
    (("run", "--objective", "does dropout help here", "--llm", "gemini"), "GEMINI_API_KEY"),
    (("run", "--objective", "does dropout help here", "--llm", "llama"), "HF_TOKEN"),
    (("run", "--objective", "does dropout help here", "--seeds", "1"), "--seeds"),
    (("run", "--paper", "nothing.pdf"), "nothing.pdf"),
    (("resume", "no/run"), "no run"),
    (("show", "../../etc"), "no run"),
    (("parse", "nothing.pdf"), "nothing.pdf"),
    (("run", "--objective", "does dropout help here", "demo"), "--code DIR with --metric"),
]


@pytest.mark.parametrize(("arguments", "says"), WRONG_USE)
def test_wrong_use_is_one_clear_line_and_makes_nothing(home: Path, arguments: tuple[str, ...], says: str) -> None:
    done = copilot(home, *arguments)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
    assert not (home / "logs").exists() or not any((home / "logs").glob("*/*"))


@pytest.mark.parametrize("option", ["--bugdet", "--see", "--llms"])
def test_unknown_and_shortened_options_are_errors(home: Path, option: str) -> None:
    done = copilot(home, "run", "mine", option, "3")
    assert done.returncode == 2
    assert "unrecognized arguments" in done.stderr


def test_a_taken_port_is_said_before_anything_starts(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = copilot(home, "ui", "--headless", "--port", str(port))
    assert done.returncode == 2
    assert done.stderr.startswith(f"copilot: nothing can listen on 127.0.0.1, port {port}: ")
    assert done.stderr.endswith("; name another with --port\n") and done.stderr.count("\n") == 1


def test_the_levels_of_the_parser_are_the_sandbox_s() -> None:
    assert set(LEVELS) == set(LEVEL_TEXTS)


def test_an_unknown_sandbox_level_is_said_before_anything_starts(home: Path) -> None:
    done = copilot(home, "run", "--objective", "does dropout help here", "--sandbox", "glass")
    assert done.returncode == 2
    assert "'glass'" in done.stderr and "namespace" in done.stderr
    assert not (home / "logs").exists()


@pytest.mark.sandbox
def test_a_script_runs_in_the_sandbox_without_further_options(home: Path) -> None:
    (home / "hello.py").write_text("print('hello from inside')")
    done = copilot(home, "sandbox", "run", "hello.py")
    assert (done.returncode, "hello from inside" in done.stdout) == (0, True), done.stderr
    assert "there is no script other.py" in copilot(home, "sandbox", "run", "other.py").stderr


def test_an_unknown_key_in_a_task_file_is_named(home: Path) -> None:
    task(home, "---\ntitle: x\nseed: 3\n---\nbody")
    done = copilot(home, "run", "mine")
    assert done.returncode == 2
    assert "problem.md: in the head, unknown key 'seed'; known are title, paper, metric, seeds" in done.stderr
    task(home, "---\nmetric: {name: mae, units: kg}\n---\nbody", "other")
    assert "unknown key 'metric.units'; known are name, direction" in copilot(home, "run", "other").stderr


def test_sealed_answers_without_grading_are_found_before_a_run_is_made(home: Path) -> None:
    task(home, "Predict the weight of a penguin.")
    (home / "problems" / "mine" / "sealed").mkdir()
    done = copilot(home, "run", "mine")
    assert done.returncode == 2 and "grade.json" in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (home / "logs").exists()


def test_an_unknown_level_is_no_level_to_check(home: Path) -> None:
    for option in ("--level", "--sandbox"):
        done = copilot(home, "sandbox", "check", option, "nosuch")
        assert done.returncode == 2 and "'nosuch'" in done.stderr and "landlock" in done.stderr


def test_the_check_of_the_sandbox_ends_with_the_level_that_runs_use() -> None:
    tested = {"contained": 78, "total": 79}
    chosen = choose().level
    assert in_force({chosen: tested}) == f"runs here use {chosen}: held 78 of 79"
    assert in_force({"limits-only": tested}) == f"runs here use {chosen}: not among the levels tested"


def test_what_is_no_paper_is_described_without_blank_lines(home: Path) -> None:
    with pymupdf.open() as document:
        document.new_page()
        document.save(home / "scan.pdf")
    done = copilot(home, "parse", "scan.pdf")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 page, 0 references") and "warning: " in done.stdout


def test_ideas_takes_no_option_of_the_experiments(home: Path) -> None:
    text = copilot(home, "ideas", "--help").stdout
    assert "--llm" in text and "--budget" in text
    for option in ("--seeds", "--tuning", "--steps", "--sandbox", "--allow", "--approve"):
        assert option not in text


def test_an_interrupted_run_is_called_so_everywhere(home: Path) -> None:
    run = start_run("", "", "does dropout help small networks", Settings(), Home(home), {"COPILOT_OFFLINE": "1"})
    assert " interrupted" in copilot(home, "runs").stdout
    shown = copilot(home, "show", run.name).stdout
    assert "interrupted" in shown and "running" not in shown and f"copilot resume {run.name}" in shown
    journal = Journal(run.journal)  # an engine holds it
    assert " running" in copilot(home, "runs").stdout and "running" in copilot(home, "show", run.name).stdout
    journal.close()


def test_ctrl_c_names_the_way_on(home: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name in KEPT}
    environment |= {"COPILOT_HOME": str(home), "COPILOT_OFFLINE": "1"}
    command = [sys.executable, "-m", "copilot", "run", "--objective", "does dropout help small networks"]

    def heard() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # tests that a shell runs in the background inherit deaf ears

    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment, preexec_fn=heard) as run:
        assert run.stdout is not None and run.stderr is not None
        name = run.stdout.readline().split()[1]
        assert str(home) in run.stdout.readline()
        assert run.stdout.readline().startswith("[0")
        run.send_signal(signal.SIGINT)
        said = run.stderr.read()
    assert run.returncode == 4 and said.strip() == f"copilot: interrupted; go on with: copilot resume {name}"


def test_nobody_reads_an_answer_to_a_run_that_has_ended(home: Path) -> None:
    run = start_run("", "", "does dropout help small networks", Settings(), Home(home), {"COPILOT_OFFLINE": "1"})
    journal = Journal(run.journal)
    journal.append(RunFinished(status="stopped", exit_code=1))
    journal.close()
    refused = copilot(home, "answer", run.name, "--text", "hi")
    assert refused.returncode == 2 and "has ended (stopped)" in refused.stderr
    assert not run.inbox.exists()


def test_a_misspelt_task_gets_a_suggestion(home: Path) -> None:
    task(home, "does dropout help", "dropout_study")
    assert "dropout_study" in copilot(home, "run", "dropout_studdy").stderr


@pytest.mark.sandbox
def test_a_question_runs_to_a_verdict_with_one_json_document(finished: tuple[Path, str]) -> None:
    home, printed = finished
    found = json.loads(printed)
    assert found["verdict"] in {"supported", "refuted", "inconclusive", "invalid"}
    assert found["trust"] == "graded"
    assert found["seeds"] == 6
    assert found["sandbox"] == "namespace"
    assert found["cost_usd"] == 0
    assert Path(found["report"]).is_file()
    assert any("No language model" in stamp for stamp in found["stamps"])
    for key in ("run", "task", "effect", "interval", "p"):
        assert found[key] is not None
    assert copilot(home, "verify", found["run"]).returncode == 0
    assert found["run"] in copilot(home, "runs").stdout
    shown = copilot(home, "show", found["run"])
    assert found["verdict"].upper() in shown.stdout
    again = copilot(home, "resume", found["run"], "--json")
    assert json.loads(again.stdout) == found


@pytest.mark.sandbox
def test_verify_names_an_edited_number(finished: tuple[Path, str], home: Path) -> None:
    shutil.copytree(finished[0] / "logs", home / "logs")
    found = json.loads(finished[1])
    report = home / Path(found["report"]).relative_to(finished[0])
    text = report.read_text()
    report.write_text(text.replace("](#cell-trial-confirm-baseline-1)", "1](#cell-trial-confirm-baseline-1)"))
    checked = copilot(home, "verify", found["run"])
    assert checked.returncode == 1
    assert "report.md does not follow" in checked.stdout


def test_a_question_waits_for_a_person_and_goes_on_with_the_answer(home: Path) -> None:
    done = copilot(
        home, "run", "--objective", "Does dropout help a small neural network?", "--approve", "ask", "--json"
    )
    assert done.returncode == 4
    found = json.loads(done.stdout)
    assert found["status"] == "paused"
    assert copilot(home, "answer", found["run"], "--question", "nope").returncode == 2
    assert copilot(home, "answer", found["run"], "--choice", "idea-2", "--text", "this one first").returncode == 0
    resumed = copilot(home, "resume", found["run"], "--json")
    assert resumed.returncode == 4, resumed.stderr
    assert "how it shall be tested" in json.loads(resumed.stdout)["detail"]
    assert "idea-2" in (home / "logs" / found["run"] / "agent_log" / "full_log.jsonl").read_text()


def test_a_task_outside_the_catalogue_ends_with_3_and_one_sentence(home: Path) -> None:
    folder = home / "problems" / "odd"
    (folder / "data").mkdir(parents=True)
    (folder / "sealed").mkdir()
    (folder / "problem.md").write_text("Predict the weather on Mars from smells.")
    (folder / "data" / "smells.bin").write_bytes(b"\0\1\2")
    (folder / "sealed" / "answers.csv").write_text("id,y\n1,2\n")
    (folder / "sealed" / "grade.json").write_text(
        json.dumps({"task": "odd", "metric": "mae", "direction": "lower", "key": ["id"], "target": "y"})
    )
    done = copilot(home, "run", "odd", "--json")
    assert done.returncode == 3, done.stderr
    assert "offline cannot do the task" in json.loads(done.stdout)["detail"]


def test_a_command_without_a_model_starts_fast_and_small(home: Path) -> None:
    """Against the same interpreter importing little, in processor time: what else the machine does is not in it."""
    code = (
        "import resource, subprocess, sys\n"
        "def used():\n"
        "    spent = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "    return spent.ru_utime + spent.ru_stime\n"
        "def run(*command):\n"
        "    before = used()\n"
        "    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "    return used() - before\n"
        "bare = min(run(sys.executable, '-c', 'import pydantic.main, argparse') for _ in range(5))\n"
        "ours = min(run(sys.executable, '-m', 'copilot', 'runs') for _ in range(5))\n"
        "print(ours / bare, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)\n"
    )
    environment = {name: value for name, value in os.environ.items() if name in KEPT} | {"COPILOT_HOME": str(home)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    ratio, megabytes = map(float, done.stdout.split())
    assert ratio < 4
    assert megabytes < 80


def test_a_damaged_run_hides_no_other(home: Path) -> None:
    for name in ("good", "bad"):
        start_run("", "", f"does dropout help {name} networks", Settings(), Home(home), {"COPILOT_OFFLINE": "1"})
    (damaged,) = (home / "logs").glob("*bad*/*/agent_log/full_log.jsonl")
    damaged.write_bytes(damaged.read_bytes().replace(b'"v":1', b'"v":7'))
    done = copilot(home, "runs")
    assert done.returncode == 0, done.stderr
    assert "damaged" in next(line for line in done.stdout.splitlines() if "bad" in line)
    assert any("good" in line for line in done.stdout.splitlines())


def test_an_answer_that_is_none_of_the_options_is_refused(home: Path) -> None:
    run = start_run("", "", "does dropout help small networks", Settings(), Home(home), {"COPILOT_OFFLINE": "1"})
    journal = Journal(run.journal)
    journal.append(QuestionAsked(id="gate-plan", gate="plan", text="Go?", options=["approve"], default="approve"))
    journal.close()
    refused = copilot(home, "answer", run.name, "--choice", "no")
    assert refused.returncode == 2 and "approve" in refused.stderr
    assert not run.inbox.exists()
    assert copilot(home, "answer", run.name, "--choice", "approve").returncode == 0
    assert "approve" in run.inbox.read_text()
