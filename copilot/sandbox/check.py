"""`copilot sandbox check`: the attack suite, run at each level on this machine.

What it proves is bounded by the list: no known gap in it, nothing about kernel bugs or side channels.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from copilot.errors import SetupError
from copilot.sandbox import environment, suite
from copilot.sandbox.choose import LEVELS, choose
from copilot.sandbox.judge import JUDGES, own_word
from copilot.sandbox.local import LocalSandbox
from copilot.sandbox.protocol import LEVEL_TEXTS, Job, Start
from copilot.sandbox.stage import LIMITS, Stage, stage

Progress = Callable[[str, dict[str, Any]], None]
TWICE = ("swapped_folders",)
"""Attacks of two runs in the same workspace."""


def check(
    levels: list[str] | None = None,
    attacks: Path | None = None,
    progress: Progress | None = None,
    start: Start = "cold",
) -> dict[str, Any]:
    """Run every attack at every level and say which held.

    `levels` defaults to all; `attacks` names another folder of attack modules; `start` says how the attacks are
    started. `progress` is called after each attack with the level and its row. Returns
    ``{"levels": {level: {"problem", "contained", "total", "rows"}}}``; a level that does not work here has a `problem`
    and no rows.
    """
    found = suite.attacks(attacks)
    result: dict[str, Any] = {}
    for level in levels or list(LEVELS):
        try:
            chosen = choose(level)
        except SetupError as error:
            result[level] = {"problem": str(error), "contained": 0, "total": len(found), "rows": []}
            continue
        rows = []
        for attack in found:
            rows.append(attempt(chosen.sandbox, attack, start))
            if progress:
                progress(chosen.level, rows[-1])
        contained = sum(row["contained"] for row in rows)
        result[chosen.level] = {"problem": "", "contained": contained, "total": len(rows), "rows": rows}
    return {"levels": result}


def attempt(sandbox: LocalSandbox, attack: suite.Attack, start: Start = "cold") -> dict[str, Any]:
    """One attack on a fresh stage."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="copilot-check-", dir=environment.scratch_root()) as name:
        root = Path(name)
        if os.geteuid() == 0:
            root.chmod(0o755)
        with stage(root) as made:
            reason, problem = _run(sandbox, attack, made, start)
    return {
        "kind": attack.kind,
        "name": attack.name,
        "aim": attack.aim,
        "contained": not problem,
        "detail": problem[:200],
        "ended": reason,
        "seconds": round(time.monotonic() - began, 2),
    }


def _run(sandbox: LocalSandbox, attack: suite.Attack, made: Stage, start: Start) -> tuple[str, str]:
    shutil.copy(attack.module, made.workspace / "attack.py")
    shutil.copy(suite.RUNNER, made.workspace / "go.py")
    (made.workspace / "targets.json").write_text(json.dumps(made.targets()))
    job = Job(
        argv=["python", "go.py", attack.name],
        workspace=made.workspace,
        inputs=[made.inputs],
        limits=LIMITS,
        log=made.record / "log.txt",
        start=start,
    )
    watcher = Caller(made) if attack.name == "listen" else None
    descriptor = os.open(made.home / "secret.json", os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        outcome = sandbox.run(job)
        if attack.name in TWICE:
            outcome = sandbox.run(job)
    finally:
        os.close(descriptor)
    if outcome.reason == "setup":
        return outcome.reason, f"it could not be run: {outcome.detail}"
    if outcome.exit_code == 1 and "Traceback (most recent" in outcome.head + outcome.tail:
        return outcome.reason, f"the attack itself failed: {(outcome.tail or outcome.head)[-150:]}"
    if watcher:
        return outcome.reason, watcher.reached()
    return outcome.reason, JUDGES.get(attack.name, own_word)(made, outcome)


class Caller:
    """Tries, while the job runs, to reach a port that the job may have opened."""

    def __init__(self, made: Stage) -> None:
        self._made, self._heard = made, b""
        self._thread = threading.Thread(target=self._call, daemon=True)
        self._thread.start()

    def _call(self) -> None:
        end = time.monotonic() + LIMITS.seconds
        while time.monotonic() < end and not self._heard:
            if (self._made.workspace / "listening").exists():
                try:
                    with socket.create_connection(("127.0.0.1", self._made.free_port), 1) as client:
                        self._heard = client.recv(20)
                except OSError:
                    return
            time.sleep(0.02)

    def reached(self) -> str:
        """What came back, if anything did."""
        self._thread.join(LIMITS.seconds + 2)
        return "the outside reached its service" if self._heard else ""


def table(result: dict[str, Any]) -> str:
    """The result as Markdown: a row for each kind of harm, a column for each level, then what got through."""
    levels = result["levels"]
    ran = [level for level, one in levels.items() if not one["problem"]]
    lines = ["| kind of harm | " + " | ".join(ran) + " |", "|---|" + "---|" * len(ran)] if ran else []
    for kind in dict.fromkeys(row["kind"] for level in ran for row in levels[level]["rows"]):
        cells = [_cell([row for row in levels[level]["rows"] if row["kind"] == kind]) for level in ran]
        lines.append(f"| {kind.replace('_', ' ')} | {' | '.join(cells)} |")
    if ran:
        cells = [f"**{levels[level]['contained']}/{levels[level]['total']}**" for level in ran]
        lines.append(f"| **all** | {' | '.join(cells)} |")
    for level, one in levels.items():
        lines.append("")
        lines.append(f"{level}: {one['problem'] or LEVEL_TEXTS[level]}")
        lines += [f"- not held: {row['name']}: {row['aim']}" for row in one["rows"] if not row["contained"]]
    return "\n".join(lines) + "\n"


def _cell(rows: list[dict[str, Any]]) -> str:
    return f"{sum(row['contained'] for row in rows)}/{len(rows)}"
