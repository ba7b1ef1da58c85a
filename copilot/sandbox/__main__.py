"""`python -m copilot.sandbox run|check ...`: the two commands without the rest of the product."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from copilot.errors import SetupError
from copilot.sandbox.choose import LEVELS
from copilot.sandbox.command import check, run_script, table
from copilot.sandbox.protocol import Start


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m copilot.sandbox", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run one script as a trial would be run")
    run.add_argument("--workspace", type=Path, default=None, help="the folder it may write (default: a fresh one)")
    run.add_argument("--inputs", type=Path, default=None, help="a folder it may read")
    run.add_argument("--seconds", type=float, default=600.0, help="wall time (default: %(default)s)")
    run.add_argument("--record", type=Path, default=None, help="where log.jsonl and report.json go")
    run.add_argument("--level", default="auto", help=f"auto, {', '.join(LEVELS)}")
    run.add_argument("--warm", action="store_true", help="start it from a process that has its imports, or not at all")
    run.add_argument("script", type=Path)
    run.add_argument("args", nargs=argparse.REMAINDER)
    test = commands.add_parser("check", help="run the attack suite on this machine and say which level holds what")
    test.add_argument("--level", action="append", choices=LEVELS, help="only this level (may be given again)")
    test.add_argument("--attacks", type=Path, default=None, help="another folder of attack modules")
    test.add_argument("--warm", action="store_true", help="start the attacks warm (namespace and landlock only)")
    return parser


def _start(options: argparse.Namespace) -> Start:
    return "warm" if options.warm else "cold"


def _run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="copilot-sandbox-") as name:
        workspace = options.workspace or Path(name) / "workspace"
        workspace.mkdir(parents=True, exist_ok=True)
        record = options.record or Path(name) / "record"
        script, args = options.script, options.args
        return run_script(
            script, args, workspace, options.inputs, options.seconds, record, options.level, start=_start(options)
        )


def main() -> int:
    """Parse and do it; exit code 2 with one sentence when something is missing."""
    options = _parser().parse_args()
    try:
        if options.command == "check":
            sys.stdout.write(table(check(options.level, options.attacks, start=_start(options))))
            return 0
        return _run(options)
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


if __name__ == "__main__":
    sys.exit(main())
