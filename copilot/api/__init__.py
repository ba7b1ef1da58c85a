"""The one facade: what the command line, the app and a Python user can ask for. No logic of its own.

from copilot import api
run = api.start(api.Ask(task="demo"))
summary = api.work(run)
print(summary.verdict, summary.effect, summary.interval)
assert api.verify(run) == []

`guest` is somebody on a shared server (`copilot.hosting`); without one, everything is the caller's own.
"""

from copilot.api.looking import (
    Following,
    diff,
    engine_alive,
    find,
    follow,
    named,
    past,
    place,
    predictions,
    runs,
    state,
    tasks,
)
from copilot.api.outcome import Summary, summary, verify, write_report
from copilot.api.papers import paper_file, paper_of, parse, recognises_scans, upload
from copilot.api.starting import Ask, branch, launch, start, work
from copilot.api.steering import amend, answer, control, delete, say, stop

__all__ = [
    "Ask",
    "Following",
    "Summary",
    "amend",
    "answer",
    "branch",
    "control",
    "delete",
    "diff",
    "engine_alive",
    "find",
    "follow",
    "launch",
    "named",
    "paper_file",
    "paper_of",
    "parse",
    "past",
    "place",
    "predictions",
    "recognises_scans",
    "runs",
    "say",
    "start",
    "state",
    "stop",
    "summary",
    "tasks",
    "upload",
    "verify",
    "work",
    "write_report",
]
