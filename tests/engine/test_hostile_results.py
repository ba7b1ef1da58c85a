"""What a trial may leave to fool its judge: links, pipes, NaN, forged seeds, handsome files, poor predictions."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from copilot.domain.experiment import TrialResult
from copilot.lab.trials import Bench, Cell, judge, run_cell
from copilot.lab.workspace import Workspace
from copilot.sandbox.choose import choose
from copilot.sandbox.protocol import Limits

pytestmark = pytest.mark.sandbox
HEAD = """
import argparse, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--arm"); parser.add_argument("--seed", type=int); parser.add_argument("--out")
given = parser.parse_args()
out = given.out
result = {"arm": given.arm, "seed": given.seed, "metrics": {"accuracy": 0.5}}
def write(text): open(os.path.join(out, "result.json"), "w").write(text)
"""

CASES = {
    "honest": ("write(json.dumps(result))", "ok", ""),
    "crash": ("raise SystemExit('no luck')", "failed", "no luck"),
    "silent": ("pass", "refused", "without writing result.json"),
    "nan": ("result['metrics']['accuracy'] = float('nan'); write(json.dumps(result))", "refused", ""),
    "huge": ("write(json.dumps(result).replace('0.5', '1e400'))", "refused", ""),
    "text": ("result['metrics']['accuracy'] = '0.9'; write(json.dumps(result))", "refused", "not a finite number"),
    "true": ("result['metrics']['accuracy'] = True; write(json.dumps(result))", "refused", "not a finite number"),
    "other_seed": ("result['seed'] = 41; write(json.dumps(result))", "refused", "records seed 41"),
    "no_seed": ("del result['seed']; write(json.dumps(result))", "refused", "does not record the seed"),
    "other_metric": ("result['metrics'] = {'loss': 1.0}; write(json.dumps(result))", "refused", "no metric 'accuracy'"),
    "too_many": (
        "result['metrics'] |= {f'm{number}': 0.5 for number in range(200)}; write(json.dumps(result))",
        "refused",
        "reports 201 metrics; at most 200",
    ),
    "long_name": ("result['metrics']['a' * 201] = 0.5; write(json.dumps(result))", "refused", "names of at most 200"),
    "twice": ('write(\'{"seed": 1, "seed": 1, "metrics": {"accuracy": 1}}\')', "refused", ""),
    "link": ("os.symlink('/etc/passwd', os.path.join(out, 'result.json'))", "refused", ""),
    "pipe": ("os.mkfifo(os.path.join(out, 'result.json'))", "refused", ""),
    "linked_folder": (
        "os.rmdir(out); os.mkdir('elsewhere'); os.symlink('elsewhere', out); write(json.dumps(result))",
        "refused",
        "",
    ),
    "late": ("import time; time.sleep(60)", "timeout", ""),
}


def bench(folder: Path) -> Bench:
    space = Workspace(folder / "workspace", folder / "history")
    space.folder.mkdir()
    return Bench(
        sandbox=choose("namespace").sandbox,
        workspace=space,
        inputs=None,
        scratch=folder / "scratch",
        trials=folder / "trials",
        logs=folder / "env_log",
        limits=Limits(seconds=8),
    )


def trial(folder: Path, body: str) -> TrialResult:
    place = bench(folder)
    (place.workspace.folder / "experiment.py").write_text(HEAD + body)
    ran = run_cell(place, Cell("confirm", "baseline", 1), place.workspace.snapshot(), {"baseline": {}})
    return judge(ran, "accuracy", None)


@pytest.mark.parametrize("name", CASES)
def test_what_a_trial_leaves_is_a_status_with_its_reason(tmp_path: Path, name: str) -> None:
    body, status, says = CASES[name]
    result = trial(tmp_path, body)
    assert result.status == status, result
    assert says in result.reason
    assert (result.value == 0.5) == (name == "honest")
    assert len(result.reported) <= 1
    assert not (tmp_path / "scratch" / "confirm-baseline-1").exists()


@pytest.mark.parametrize("megabytes", [30, 100])
def test_a_line_of_many_megabytes_and_broken_utf8_are_only_output(tmp_path: Path, megabytes: int) -> None:
    body = f"[sys.stdout.buffer.write(b'\\xff' * 1_000_000) for _ in range({megabytes})]; write(json.dumps(result))"
    result = trial(tmp_path, body)
    assert (result.status, result.reason) == (
        ("ok", "") if megabytes == 30 else ("failed", "It printed more than 64 MiB.")
    )
    assert sum(path.stat().st_size for path in (tmp_path / "env_log").iterdir()) < 80 << 20


@pytest.mark.timeout(200)
def test_handsome_numbers_beside_poor_predictions_change_nothing(tmp_path: Path) -> None:
    """A whole run of a graded task whose treatment prints and reports 0.999 and predicts one class throughout."""
    task = tmp_path / "problems" / "liar"
    (task / "data").mkdir(parents=True)
    (task / "sealed").mkdir()
    starter = tmp_path / "workspaces" / "liar"
    starter.mkdir(parents=True)
    rows = [(number, number % 7, "yes" if number % 7 > 3 else "no") for number in range(140)]
    (task / "data" / "train.csv").write_text("id,x,y\n" + "".join(f"{i},{x},{y}\n" for i, x, y in rows[:80]))
    (task / "data" / "test.csv").write_text("id,x\n" + "".join(f"{i},{x}\n" for i, x, _ in rows[80:]))
    (task / "sealed" / "answers.csv").write_text("id,y\n" + "".join(f"{i},{y}\n" for i, _, y in rows[80:]))
    grade = {"task": "liar", "metric": "accuracy", "direction": "higher", "key": ["id"], "target": "y"}
    (task / "sealed" / "grade.json").write_text(json.dumps(grade))
    (task / "problem.md").write_text("Predict y from x. Metric: accuracy (higher is better). Submission: CSV `id,y`.")
    code = (
        "import json, sys; from pathlib import Path\n"
        "from copilot.config import Home; from copilot.engine.start import start_run\n"
        "from copilot.engine.pipeline import drive; from copilot.domain.task import Settings\n"
        "from copilot import api; from copilot.llm import open as opener; from tests.engine.liar import liar\n"
        "home = Home(Path(sys.argv[1])); env = {'COPILOT_OFFLINE': '1'}\n"
        "from tests.llm.servers import AnthropicServer, KEY\n"
        "with AnthropicServer(liar()) as server:\n"
        "    env |= {'ANTHROPIC_API_KEY': KEY, 'ANTHROPIC_BASE_URL': server.url}\n"
        "    run = start_run('liar', '', '', Settings(llm='claude', seeds=6), home, env); drive(run, home, env)\n"
        "print(api.summary(run).model_dump_json()); print((run.report / 'report.md').read_text())\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout.splitlines()[0])
    assert summary["trust"] == "graded"
    assert summary["verdict"] in {"refuted", "invalid"}, summary
    assert summary["effect"] < 0
    timeless = re.sub(r"\[[\d.]+\]\(#cell-seconds-[^)]*\)", "", done.stdout)  # a program may well take 0.999 s
    boasts = [line for line in timeless.splitlines()[1:] if "0.999" in line]
    assert boasts, "what the script itself reported while exploring stays on record"
    assert all("#cell-try-" in line for line in boasts), boasts
