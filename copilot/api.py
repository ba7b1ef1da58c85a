"""The one facade: what the command line, the app and a Python user can ask for. No logic of its own.

from copilot import api
run = api.start(api.Ask(task="demo"))
summary = api.work(run)
print(summary.verdict, summary.effect, summary.interval)
assert api.verify(run) == []

`guest` is somebody on a shared server (`copilot.hosting`); without one, everything is the caller's own.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, TypeAdapter

from copilot import inbox
from copilot.blobs import Blobs
from copilot.config import Home, environment, find_home
from copilot.domain.base import Value
from copilot.domain.paper import Paper
from copilot.domain.task import OwnCode, Settings
from copilot.errors import SetupError
from copilot.events import ProtocolAmended
from copilot.journal import Entry, Reader, read
from copilot.memory.past import Calibration, PastVerdict
from copilot.projection import projected
from copilot.runs import RunFolder, find_run, list_runs, run_named
from copilot.state import RunState, apply, fold

if TYPE_CHECKING:
    from copilot.hosting.guests import Guest
    from copilot.hosting.line import Place
    from copilot.hosting.reception import Reception

MAX_INBOX = 32 << 20
PATIENCE = 15.0
"""Seconds without an engine after which following a run ends."""


class Ask(Value):
    """What to do: exactly one of `task` (a name in problems/), `paper` (a PDF path or an arXiv id), `objective`.

    `code` is a folder of one's own to start from, with a paper or an objective beside it or alone.
    """

    task: str = ""
    paper: str = ""
    objective: str = ""
    code: OwnCode | None = None
    settings: Settings = Settings()


class Summary(Value):
    """What `copilot run --json` prints. Numbers are None until there is a verdict."""

    run: str
    task: str
    status: str
    verdict: str | None = None
    trust: str | None = None
    effect: float | None = None
    interval: tuple[float | None, float | None] | None = None
    p: float | None = None
    seeds: int | None = None
    metric: str | None = None
    protocol: str | None = None
    sandbox: str | None = None
    cost_usd: float = 0.0
    report: str | None = None
    stamps: list[str] = Field(default_factory=list)
    detail: str = ""
    exit_code: int = 0


SUMMARY = TypeAdapter(Summary)


def start(
    ask: Ask, home: Home | None = None, keys: Mapping[str, str] | None = None, *, guest: Guest | None = None
) -> RunFolder:
    """Check everything that can be checked, then make the run folder with its first event. Nothing runs yet.

    `keys` count as environment variables of this check and are kept nowhere. Raises SetupError (unknown task,
    unreadable paper, unknown model, missing key; for a guest also Refused and OverQuota); then nothing was made.
    """
    from copilot.engine.start import start_run

    home = home or find_home()
    env = {**environment(home), **(keys or {})}
    if guest is None or guest.owner:
        return start_run(ask.task, ask.paper, ask.objective, ask.settings, home, env, own=ask.code)
    from copilot.hosting.guests import claim
    from copilot.hosting.reception import reception_for
    from copilot.hosting.rules import own_keys, stamps

    own = own_keys(keys or {})
    settings = reception_for(home).admit(guest, ask.model_dump(exclude_defaults=True), ask.settings, own)
    run = start_run(ask.task, ask.paper, ask.objective, settings, home, {**env, **own}, stamps(settings))
    claim(run, guest)
    return run


def branch(
    run: RunFolder,
    at: int,
    *,
    say: str = "",
    home: Home | None = None,
    keys: Mapping[str, str] | None = None,
    guest: Guest | None = None,
) -> RunFolder:
    """A new run that shares the first entries of `run`, up to number `at`, and goes its own way. Nothing runs yet.

    Raises SetupError when it cannot be branched there, for a guest also Refused and OverQuota.
    """
    from copilot.engine.branch import branch as make

    home = home or find_home()
    if guest is None or guest.owner:
        return make(run, at, home, say=say)
    from copilot.hosting.guests import claim
    from copilot.hosting.reception import reception_for

    reception_for(home).admit(guest, {}, state(run).settings or Settings(), keys or {})
    made = make(run, at, home, say=say)
    claim(made, guest)
    return made


def work(
    run: RunFolder, *, on_event: Callable[[Entry], None] | None = None, env: Mapping[str, str] | None = None
) -> Summary:
    """Do all phases that are not done yet, in this process, to the end or to a pause. Safe to call again."""
    from copilot.engine.pipeline import drive

    home = find_home()
    drive(run, home, env if env is not None else environment(home), on_event=on_event)
    return summary(run)


def upload(content: bytes, name: str, home: Home | None = None, *, guest: Guest | None = None) -> Path:
    """Keep an uploaded PDF; its path, for `Ask.paper`. Raises SetupError, for a guest also OverQuota."""
    from copilot.hosting.reception import reception_for
    from copilot.hosting.uploads import keep

    home = home or find_home()
    if guest is not None:
        reception_for(home).upload(guest, len(content))
    return keep(content, name, home.cache)


def launch(
    run: RunFolder,
    keys: Mapping[str, str] | None = None,
    *,
    budget: float | None = None,
    minutes: float | None = None,
    max_tokens: int | None = None,
    gpu_seconds: float | None = None,
    guest: Guest | None = None,
) -> None:
    """`work` in a process of its own that outlives the caller; keys go into its environment only.

    For a guest the run joins the line of the server. Raises OverQuota when the guest has too many in it.
    """
    home = find_home()
    given = {"budget": budget, "minutes": minutes, "max-tokens": max_tokens, "gpu-seconds": gpu_seconds}
    limits = {name: value for name, value in given.items() if value is not None}
    if guest is None:
        from copilot.engine.launch import spawn

        spawn(run, home, dict(keys or {}), limits)
        return
    from copilot.hosting.reception import reception_for

    reception_for(home).join(run, guest, keys or {}, limits)


def place(run: RunFolder) -> Place | None:
    """Where the run waits in the line of a shared server; None when it does not."""
    desk = _reception_of(run)
    return desk.line.place(run) if desk else None


def _reception_of(run: RunFolder) -> Reception | None:
    """The reception that keeps this run in its line; None for a run without a ticket."""
    if not run.ticket.is_file():
        return None
    from copilot.hosting.reception import reception

    return reception(find_home())


def engine_alive(run: RunFolder) -> bool:
    """True while some engine holds the journal's lock, or was started for a run that had its turn."""
    from copilot.engine.launch import is_running

    desk = _reception_of(run)
    return is_running(run) or (desk is not None and desk.line.works_on(run))


def state(run: RunFolder) -> RunState:
    """The whole journal, folded."""
    return fold(read(run.journal))


class Following:
    """A run as it goes on: `new()` again and again, until `over`."""

    def __init__(self, run: RunFolder) -> None:
        self.run, self.state, self._reader = run, RunState(), Reader(run.journal)
        self._worked = time.monotonic()

    def new(self) -> list[Entry]:
        """Entries that came since the last call. Raises JournalDamaged."""
        entries = list(self._reader.new())
        for entry in entries:
            apply(self.state, entry)
        return entries

    @property
    def over(self) -> bool:
        """True when the run ended or paused, or nobody works on it for a while (its engine was killed)."""
        if engine_alive(self.run) or place(self.run) is not None:
            self._worked = time.monotonic()
            return self.state.finished is not None
        return self.state.status not in {"empty", "running"} or time.monotonic() - self._worked > PATIENCE


def follow(run: RunFolder, *, poll_seconds: float = 0.3) -> Iterator[Entry]:
    """Entries as they come, until there is nothing to wait for."""
    following = Following(run)
    while True:
        yield from following.new()
        if following.over:
            return
        time.sleep(poll_seconds)


def diff(run: RunFolder, before: str, after: str) -> str:
    """What changed in the workspace between two snapshots of a run, as a unified diff."""
    from copilot.lab.diffs import unified
    from copilot.lab.workspace import Workspace

    return unified(Workspace(run.workspace, run.history), before, after)


def paper_of(run: RunFolder, folded: RunState | None = None) -> Paper | None:
    """The parsed paper of a run."""
    folded = folded or state(run)
    return Paper.model_validate_json(Blobs(run.blobs).get(folded.paper.blob)) if folded.paper else None


def paper_file(run: RunFolder, folded: RunState, home: Home | None = None) -> Path | None:
    """The PDF to show of a run: its own copy, or what arXiv served for its paper. None where there is only text."""
    if run.paper.is_file() and not run.paper.is_symlink():
        return run.paper
    from copilot.paper.arxiv import kept_pdf, parse_arxiv_id

    arxiv_id = parse_arxiv_id(folded.task.head.paper) if folded.task else None
    return kept_pdf(arxiv_id, cache=(home or find_home()).cache) if arxiv_id else None


def find(text: str, home: Home | None = None) -> RunFolder:
    """A run by TASK/START, TASK (its latest) or path: for the command line, never for a name from a browser."""
    return find_run(text, (home or find_home()).logs)


def named(text: str, home: Home | None = None, *, guest: Guest | None = None) -> RunFolder:
    """The run TASK/START below the logs. Raises NoSuchRun, also for a run of another guest."""
    from copilot.hosting.guests import may_see
    from copilot.hosting.refusals import NoSuchRun

    run = run_named(text, (home or find_home()).logs)
    if run is None or not may_see(run, guest):
        raise NoSuchRun
    return run


def runs(home: Home | None = None, *, guest: Guest | None = None) -> list[RunFolder]:
    """All runs, newest first; a guest's own ones."""
    found = list_runs((home or find_home()).logs)
    return found if guest is None or guest.owner else [run for run in found if run.owner == guest.name]


def past(home: Home | None = None, *, guest: Guest | None = None) -> list[PastVerdict]:
    """Verdicts of the latest runs in short, newest first; a guest's own ones."""
    from copilot.memory.past import past_verdicts

    home = home or find_home()
    found = past_verdicts(home.logs)
    mine = {run.name for run in runs(home, guest=guest)}
    return [item for item in found if item.run in mine]


def predictions(verdicts: list[PastVerdict]) -> Calibration:
    """How the proposers' probabilities of *supported* compare with what came out (Brier score, reliability)."""
    from copilot.memory.past import calibration

    return calibration(verdicts)


def tasks(home: Home | None = None) -> list[str]:
    """Names of the tasks in problems/."""
    from copilot.engine.tasks import task_names

    return task_names(home or find_home())


def say(run: RunFolder, text: str, *, author: str = "person") -> None:
    """A free remark to the agent; it reads it before its next step."""
    _leave(run, inbox.Message(action="say", text=text, author=author))


def answer(
    run: RunFolder,
    question_id: str,
    *,
    choice: str = "",
    text: str = "",
    data: dict[str, Any] | None = None,
    author: str = "person",
    guest: Guest | None = None,
) -> None:
    """Answer a question.

    For the gate `ideas`, `data` may hold edited `ideas` and `rejected` {id: reason}; for `plan`, a `plan`.
    Raises Refused when a guest would approve an install: what enters the server is its owner's decision.
    """
    if guest is not None and not guest.owner:
        from copilot.hosting.rules import check_answer

        check_answer(state(run).questions.get(question_id), choice)
    message = inbox.Message(
        action="answer", question_id=question_id, choice=choice, text=text, data=data or {}, author=author
    )
    _leave(run, message)


def control(run: RunFolder, action: inbox.Action, *, author: str = "person") -> None:
    """`pause` (resumable) or `stop` (final), at the next safe point."""
    _leave(run, inbox.Message(action=action, author=author))


def _leave(run: RunFolder, message: inbox.Message) -> None:
    """Raises SetupError for what is too long, and when more was said than a person can have meant."""
    if run.inbox.is_file() and run.inbox.stat().st_size > MAX_INBOX:
        raise SetupError("too much was said to this run already; let it finish, or start another one")
    try:
        inbox.leave(run.inbox, message)
    except ValueError as error:
        raise SetupError(str(error)) from error


def stop(run: RunFolder, *, author: str = "person") -> None:
    """End the run for good, also when no engine works on it or it waits in the line. Ended already: nothing."""
    from copilot.hosting.rules import own_keys

    if state(run).finished is not None:
        return
    control(run, "stop", author=author)
    _leave_line(run)
    if not engine_alive(run):  # an engine that reads the inbox, says that it was stopped, and ends: no turn is needed
        launch(run, own_keys({}) if run.owner else {})


def delete(run: RunFolder, home: Home | None = None) -> None:
    """Remove a run folder for good. Raises SetupError while an engine works on it or when it is not one of ours."""
    logs = (home or find_home()).logs.resolve()
    if engine_alive(run):
        raise SetupError("this run is being worked on: stop it first, then delete it")
    if run.path.is_symlink() or run.path.resolve().parent.parent != logs:
        raise SetupError("this run lies outside the logs of this installation: delete it by hand")
    _leave_line(run)
    shutil.rmtree(run.path)


def _leave_line(run: RunFolder) -> None:
    if desk := _reception_of(run):
        desk.line.leave(run)


def amend(run: RunFolder, *, seeds: int | None, seconds_per_trial: float | None, reason: str) -> ProtocolAmended:
    """Change the frozen protocol of a run that is not finished: recorded, and shown beside the verdict."""
    from copilot.engine.amend import amend as change

    return change(run, find_home(), seeds=seeds, seconds_per_trial=seconds_per_trial, reason=reason)


def summary(run: RunFolder, folded: RunState | None = None) -> Summary:
    """The outcome in one value."""
    make = partial(_outcome, run.name)
    found = make(folded) if folded else projected(run, find_home().logs, "summary", SUMMARY, make)
    report = run.report / "report.md"
    return found.model_copy(update={"report": str(report) if report.is_file() else None})


def _outcome(run: str, folded: RunState) -> Summary:
    verdict = folded.verdict
    first = verdict.comparisons[0] if verdict and verdict.comparisons else None
    return Summary(
        run=run,
        task=folded.task.name if folded.task else "",
        status=folded.status,
        verdict=verdict.word if verdict else None,
        trust=verdict.trust if verdict else None,
        effect=first.effect if first else None,
        interval=first.interval if first else None,
        p=first.p_adjusted if first else None,
        seeds=len(folded.protocol.seeds) if folded.protocol else None,
        metric=folded.protocol.metric.name if folded.protocol else None,
        protocol=folded.protocol_hash or None,
        sandbox=folded.sandbox.level if folded.sandbox else None,
        cost_usd=round(folded.cost_usd, 6),
        stamps=list(verdict.stamps) if verdict else list(folded.stamps),
        detail=folded.finished.detail if folded.finished else (folded.pause.detail if folded.pause else ""),
        exit_code=_exit_code(folded),
    )


def _exit_code(folded: RunState) -> int:
    if folded.status == "paused":
        return 4
    return folded.finished.exit_code if folded.finished else 1


def verify(target: RunFolder | Path) -> list[str]:
    """Recompute every number of the report from the run folder (or bundle); what does not follow, in sentences."""
    from copilot.report.verify import verify_run

    return verify_run(target.path if isinstance(target, RunFolder) else target)


def write_report(run: RunFolder) -> Path:
    """Render the report again from the journal. The path of report.md."""
    from copilot.report.write import write_report as write

    write(run)
    return run.report / "report.md"


def parse(source: str, *, home: Home | None = None, password: str | None = None, ocr: bool = False) -> Paper:
    """Read a paper (PDF path or arXiv id) with its claims ledger."""
    from copilot.paper.read import read_paper

    return read_paper(source, cache=(home or find_home()).cache, password=password, ocr=ocr)
