"""Commands about parts of the machine: the app, models, retrieval, importing tasks, the sandbox."""

from __future__ import annotations

import argparse
import contextlib
import json
import runpy
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from copilot.config import environment, find_home
from copilot.errors import SetupError


def ui(arguments: argparse.Namespace) -> int:
    """`copilot ui`: becomes the server, until Ctrl-C."""
    options = ["--address", arguments.address]
    options += ["--port", str(arguments.port)] if arguments.port is not None else []
    options += [f"--{name}" for name in ("headless", "shared") if getattr(arguments, name)]
    sys.argv = ["copilot ui", *options]
    with contextlib.suppress(KeyboardInterrupt):
        runpy.run_module("copilot.web", run_name="__main__")
    return 0


MODELS_HELP = """
A role's own model: `models: {idea: NAME, manager: NAME, experiment: NAME}` in the head of a task.
A model that does not answer is asked again; then --fallback NAME takes over (stamped on the verdict), or it pauses.
Hard caps, reserved before each call: --budget USD, --max-tokens N, --minutes M, --gpu-seconds S (docs/models.md)."""


def models(arguments: argparse.Namespace) -> int:
    """`copilot models`."""
    from copilot.llm.keys import Keys
    from copilot.llm.status import model_table

    rows = model_table(Keys.from_environment(environment(find_home())), probe=arguments.probe)
    if arguments.json:
        print(json.dumps([row.model_dump(mode="json") for row in rows], indent=1))
        return 0
    for row in rows:
        unknown = "depends on MODEL" if row.name.endswith(":MODEL") else "no price known: cap tokens"
        price = unknown if row.price_in is None else f"${row.price_in:g} / ${row.price_out:g} per M tokens"
        state = "configured" if row.configured else "not configured"
        reached = "" if row.reachable is None else (", answers" if row.reachable else ", does not answer")
        print(f"{row.name:<24} {state + reached:<30} {price:<28} {row.stands_for}")
        if row.note:
            print(f"{'':<24} {row.note}")
    print(MODELS_HELP)
    return 0


def retrieve(arguments: argparse.Namespace) -> int:
    """`copilot retrieve`."""
    from copilot.hub.retrieve import NOTHING_FITS, retrieve_file, search
    from copilot.hub.source import open_source
    from copilot.hub.values import Filters
    from copilot.lab.cards import load_cards

    if bool(arguments.query) == bool(arguments.queries):
        raise SetupError("give either a query in words or --queries FILE.jsonl")
    env = environment(find_home())
    texts = [(card.name, f"{card.title}. {card.summary} {' '.join(card.tags)}") for card in load_cards().values()]
    online = env.get("COPILOT_OFFLINE", "") != "1" and not arguments.index
    source = open_source(env, online=online, prototypes=texts, index=[Path(path) for path in arguments.index])
    filters = Filters(**{name: getattr(arguments, name) for name in Filters.model_fields})
    if arguments.queries:
        retrieve_file(Path(arguments.queries), source, sys.stdout, top=arguments.top, filters=filters)
        return 0
    found = search(arguments.query, arguments.kind, top=arguments.top, source=source, filters=filters)
    if arguments.json:
        print(found.model_dump_json(indent=1))
        return 0
    if not found.fits:
        print(NOTHING_FITS)
    for hit in found.hits:
        print(f"{hit.score:6.2f}  {hit.id}\n        {hit.why}")
        for warning in hit.warnings:
            print(f"        ! {warning}")
    if found.refusals:
        print("Not to be used (nothing of it was fetched or run):")
    for refusal in found.refusals:
        print(f"  {refusal.id}: {'; '.join(refusal.reasons)}{_permission(refusal.needs)}")
    for note in [f"source: {found.source}", *(note for note in found.notes if note != NOTHING_FITS)]:
        print(note, file=sys.stderr)
    return 0


def _permission(needs: Sequence[str]) -> str:
    """How a person would let it in."""
    options = " ".join(f"--{name.replace('_', '-')}" for name in needs)
    return f" (listed as usable with {options})" if needs else " (no option allows it)"


def import_task(arguments: argparse.Namespace) -> int:
    """`copilot import task`."""
    from copilot.lab.importers import import_task as take

    home = find_home()
    grading = Path(arguments.grading) if arguments.grading else None
    said = take(
        Path(arguments.folder),
        grading=grading,
        name=arguments.name,
        problems=home.problems,
        workspaces=home.workspaces,
    )
    print("\n".join([*said, f"run it with: copilot run {arguments.name}"]))
    return 0


def sandbox_help(arguments: argparse.Namespace) -> int:
    """`copilot sandbox` without an action never gets here: argparse asks for one."""
    raise SetupError("use `copilot sandbox run` or `copilot sandbox check`")


def sandbox_run(arguments: argparse.Namespace) -> int:
    """`copilot sandbox run`."""
    from copilot.sandbox.command import run_script

    with tempfile.TemporaryDirectory(prefix="copilot-") as temporary:
        empty = Path(temporary) / "workspace"
        empty.mkdir()
        workspace = Path(arguments.workspace or empty)
        if not any(path.is_file() for path in (workspace / arguments.script, Path(arguments.script))):
            raise SetupError(f"there is no script {arguments.script}")
        return run_script(
            Path(arguments.script),
            list(arguments.args),
            workspace,
            Path(arguments.inputs) if arguments.inputs else None,
            arguments.seconds,
            Path(arguments.record or Path(temporary) / "record"),
            arguments.level,
        )


def sandbox_check(arguments: argparse.Namespace) -> int:
    """`copilot sandbox check`."""
    from copilot.sandbox.check import check, table
    from copilot.sandbox.choose import LEVELS

    count = len(arguments.level or LEVELS)
    print(f"{count} of {len(LEVELS)} levels; each takes one to two minutes, container about five", file=sys.stderr)

    def tell(level: str, row: dict[str, Any]) -> None:
        print(f"{level}: {row['name']}: {'contained' if row['contained'] else 'NOT CONTAINED'}", file=sys.stderr)

    found = check(arguments.level or None, None, tell)
    print(json.dumps(found, indent=1) if arguments.json else f"{table(found)}\n{in_force(found['levels'])}")
    return 0


def in_force(levels: dict[str, Any]) -> str:
    """The level that runs use on this machine and what it held, in one line."""
    from copilot.sandbox.choose import choose

    try:
        level = choose().level
    except SetupError as error:
        return str(error)
    tested = levels.get(level)
    held = f"held {tested['contained']} of {tested['total']}" if tested else "not among the levels tested"
    return f"runs here use {level}: {held}"
