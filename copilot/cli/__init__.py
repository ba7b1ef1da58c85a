"""The command line: arguments in, the facade called, text or one JSON document out. No logic of its own.

Results go to stdout, everything else to stderr; with `--json` stdout carries exactly one JSON document.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from copilot.errors import CopilotError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code (0 done, 1 failed, 2 wrong use or set-up, 3 cannot, 4 paused)."""
    from copilot.cli.parser import build_parser

    arguments = build_parser().parse_args(argv)
    try:
        code: int = arguments.act(arguments)
    except CopilotError as error:
        print(f"copilot: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\ncopilot: interrupted", file=sys.stderr)
        return 4
    except BrokenPipeError:
        return 1
    except OSError as error:
        print(f"copilot: {error}", file=sys.stderr)
        return 2
    return code
