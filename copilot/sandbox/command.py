"""`copilot sandbox run` and `copilot sandbox check` as plain functions; the command line only parses for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TextIO

from copilot.sandbox.check import check, table
from copilot.sandbox.choose import choose
from copilot.sandbox.protocol import Job, Limits, Outcome, Start
from copilot.sandbox.record import EventLog, report

__all__ = ["check", "exit_code", "run_script", "table"]

RUN_MEMORY_MB, RUN_DISK_MB = 2048, 512
EXIT_CODES = {"timeout": 124, "setup": 2, "stopped": 130}
KILLED_EXIT_CODE = 137


def run_script(
    script: Path,
    args: list[str],
    workspace: Path,
    inputs: Path | None,
    seconds: float,
    record: Path,
    level: str = "auto",
    out: TextIO | None = None,
    start: Start = "cold",
) -> int:
    """Run one script as a trial would be run and leave `log.jsonl` and `report.json` in `record`.

    The script is a path below the workspace, or a file elsewhere, which is then shown read-only. Returns its exit
    code; 124 when it ran out of time, 137 for any other limit, 130 when stopped, 2 when it could not be started.
    Raises SetupError when no level holds here.
    """
    chosen = choose(level)
    record.mkdir(parents=True, exist_ok=True, mode=0o700)
    events = EventLog(record / "log.jsonl")
    events.add("run_start", level=chosen.level, text=chosen.text, skipped=chosen.skipped, script=str(script), args=args)
    job = _job(script, args, workspace.resolve(), inputs, seconds, record.resolve() / "output.log")
    job = job.model_copy(update={"start": start})
    outcome = chosen.sandbox.run(job)
    events.add_output(job.log)
    events.add("run_end", reason=outcome.reason, exit_code=outcome.exit_code, detail=outcome.detail)
    text = json.dumps(report(outcome, chosen.skipped, job.workspace), indent=1)
    (record / "report.json").write_text(text + "\n")
    _show(outcome, out or sys.stdout)
    return exit_code(outcome)


def _job(script: Path, args: list[str], workspace: Path, inputs: Path | None, seconds: float, log: Path) -> Job:
    inside = workspace / script
    shown = [inputs.resolve()] if inputs else []
    if inside.resolve().is_relative_to(workspace) and (inside.exists() or not script.exists()):
        name = str(inside.resolve().relative_to(workspace))
    else:
        name = str(script.resolve())
        shown.append(script.resolve())
    limits = Limits(seconds=seconds, memory_mb=RUN_MEMORY_MB, disk_mb=RUN_DISK_MB)
    return Job(argv=["python", name, *args], workspace=workspace, inputs=shown, limits=limits, log=log)


def _show(outcome: Outcome, out: TextIO) -> None:
    """What it printed (the ends of it) and how it ended."""
    shown = len(outcome.head.encode()) + len(outcome.tail.encode())
    gap = f"\n[... {outcome.output_bytes - shown} bytes more in output.log ...]\n" if outcome.tail else ""
    out.write(f"{outcome.head}{gap}{outcome.tail}")
    if outcome.detail:
        out.write(f"\n[{outcome.level}] {outcome.detail}\n")


def exit_code(outcome: Outcome) -> int:
    """What a shell sees."""
    if outcome.reason == "exit" and outcome.exit_code is not None:
        return outcome.exit_code
    return EXIT_CODES.get(outcome.reason, KILLED_EXIT_CODE)
