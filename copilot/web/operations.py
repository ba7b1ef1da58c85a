"""Every call of the HTTP interface: what it takes, what it gives back, and the one facade function behind it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

from starlette.responses import FileResponse, Response, StreamingResponse

from copilot import api
from copilot.config import find_home
from copilot.domain.base import Value
from copilot.errors import SetupError
from copilot.hosting.guests import Guest
from copilot.hosting.reception import reception
from copilot.paper.arxiv_id import parse_arxiv_id
from copilot.runs import RunFolder
from copilot.ui.parts import outline
from copilot.web import bodies, stream
from copilot.web.problems import Denied

EVENTS = "text/event-stream"
RUN = "/v1/runs/{task}/{start}"
MEDIA: dict[bodies.File, str] = {
    "report.md": "text/markdown",
    "report.pdf": "application/pdf",
    "bundle.zip": "application/zip",
}


@dataclass(frozen=True)
class Call:
    """One call, checked: who calls, the run of its address, its body, its query, an uploaded PDF."""

    guest: Guest | None
    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    query: Any = None
    pdf: bytes = b""
    pdf_name: str = ""

    @property
    def run(self) -> RunFolder:
        """The run of the address. Raises NoSuchRun."""
        return api.named(f"{self.path['task']}/{self.path['start']}", guest=self.guest)


@dataclass(frozen=True)
class Operation:
    """One row of the interface. `answer` is what it gives back, or its media types where that is no JSON."""

    id: str
    method: str
    path: str
    summary: str
    act: Callable[[Call], Value | Response | None]
    answer: type[Value] | tuple[str, ...] | None
    body: type[Value] | None = None
    query: type[Value] | None = None
    status: int = 200
    upload: bool = False


def start(call: Call) -> Value:
    """Make a run and start its engine, or put it into the line."""
    asked: bodies.Start = call.body
    paper = asked.paper
    if call.pdf and paper:
        raise SetupError("give either the PDF or an arXiv id")
    if paper and parse_arxiv_id(paper) is None:
        raise SetupError(f"{paper[:40]!r} is no arXiv id; upload the PDF beside the body, or give one like 2505.19955")
    if call.pdf:
        paper = str(api.upload(call.pdf, call.pdf_name, guest=call.guest))
    keys = _plain(asked.keys)
    ask = api.Ask(task=asked.task, paper=paper, objective=asked.objective, settings=asked.settings)
    run = api.start(ask, keys=keys, guest=call.guest)
    api.launch(run, keys, guest=call.guest)
    return detail(run)


def listed(call: Call) -> Value:
    """Runs, newest first."""
    asked: bodies.Paging = call.query
    found = api.runs(guest=call.guest)
    part = found[asked.offset : asked.offset + asked.limit]
    return bodies.RunList(runs=[_item(run) for run in part], total=len(found))


def shown(call: Call) -> Value:
    """Where a run stands."""
    return detail(call.run)


def followed(call: Call) -> Response:
    """The journal as it grows. Nothing left to come: 204, which tells a browser not to ask again."""
    following, after = api.Following(call.run), cast(bodies.After, call.query).after
    stack = ExitStack()
    if (desk := reception(find_home())) is not None and call.guest is not None:
        stack.enter_context(desk.following(call.guest))
    state = api.state(call.run)
    if state.finished is not None and state.seq <= after:
        stack.close()
        return Response(status_code=204)
    lines = stream.events(following, after, stack)
    return StreamingResponse(lines, media_type=EVENTS, headers={"X-Accel-Buffering": "no"})


def answered(call: Call) -> Value:
    """Leave an answer, and wake the run when it sleeps over the question."""
    run, said = _going_on(call), cast(bodies.Answer, call.body)
    question = api.state(run).questions.get(said.question)
    if question is None or question not in api.state(run).open_questions:
        raise Denied(409, "this question is not open")
    if said.choice and question.options and said.choice not in question.options:
        raise SetupError(f"the choices are: {', '.join(question.options)}")
    api.answer(run, question.id, choice=said.choice, text=said.text, data=said.data, guest=call.guest)
    if not api.engine_alive(run) or call.guest is not None:
        api.launch(run, _plain(said.keys), guest=call.guest)
    return bodies.Accepted(run=run.name)


def remarked(call: Call) -> Value:
    """Leave a remark."""
    run = _going_on(call)
    api.say(run, cast(bodies.Remark, call.body).text)
    return bodies.Accepted(run=run.name)


def paused(call: Call) -> Value:
    """Stop at the next safe point; resumable."""
    run = _going_on(call)
    api.control(run, "pause")
    return bodies.Accepted(run=run.name)


def stopped(call: Call) -> Value:
    """End for good."""
    run = _going_on(call)
    api.stop(run)
    return bodies.Accepted(run=run.name)


def resumed(call: Call) -> Value:
    """Go on, as soon as there is a turn."""
    run, asked = _going_on(call), cast(bodies.Resume, call.body)
    if api.engine_alive(run):
        raise Denied(409, "an engine works on this run")
    api.launch(run, _plain(asked.keys), budget=asked.budget_usd, minutes=asked.minutes, guest=call.guest)
    return bodies.Accepted(run=run.name)


def downloaded(call: Call) -> Response:
    """A file of the report."""
    run = call.run
    name = next((name for name in MEDIA if name == call.path["name"]), None)
    path = run.report / name if name else None
    if name is None or path is None or path.is_symlink() or not path.is_file():
        raise Denied(404, "this run has no such file")
    return FileResponse(path, media_type=MEDIA[name], filename=f"{run.name.replace('/', '-')}-{name}")


def deleted(call: Call) -> None:
    """Remove a run."""
    if api.engine_alive(call.run):
        raise Denied(409, "an engine works on this run: stop it first")
    api.delete(call.run)


def _plain(keys: dict[str, bodies.Key]) -> dict[str, str]:
    return {name: key.get_secret_value() for name, key in keys.items()}


def _going_on(call: Call) -> RunFolder:
    run = call.run
    if api.state(run).finished is not None:
        raise Denied(409, "this run has ended")
    return run


def _item(run: RunFolder) -> bodies.Item:
    found = outline.of(run)
    return bodies.Item(
        run=run.name,
        title=found.title,
        model=found.llm,
        status=found.status,
        verdict=found.verdict,
        started=found.started,
        place=api.place(run),
    )


def detail(run: RunFolder) -> bodies.Detail:
    """Where a run stands, in one value."""
    state = api.state(run)
    files = [name for name in MEDIA if (run.report / name).is_file()]
    return bodies.Detail(
        **api.summary(run, state).model_dump(),
        title=outline.of(run).title,
        phase=state.phase,
        working=api.engine_alive(run),
        place=api.place(run),
        questions=[
            bodies.Question(**question.model_dump(include=set(bodies.Question.model_fields)))
            for question in state.open_questions
        ],
        files=files,
    )


OPERATIONS = (
    Operation(
        "startRun",
        "POST",
        "/v1/runs",
        "Start a run from a task, an arXiv id, a question, or an uploaded PDF.",
        start,
        bodies.Detail,
        body=bodies.Start,
        status=201,
        upload=True,
    ),
    Operation("listRuns", "GET", "/v1/runs", "Runs, newest first.", listed, bodies.RunList, query=bodies.Paging),
    Operation("showRun", "GET", RUN, "Where a run stands.", shown, bodies.Detail),
    Operation(
        "followRun",
        "GET",
        f"{RUN}/events",
        "The run's journal as server-sent events; goes on after Last-Event-ID.",
        followed,
        (EVENTS,),
        query=bodies.After,
    ),
    Operation(
        "answerQuestion",
        "POST",
        f"{RUN}/answers",
        "Answer an open question.",
        answered,
        bodies.Accepted,
        body=bodies.Answer,
        status=202,
    ),
    Operation(
        "sayRemark",
        "POST",
        f"{RUN}/remarks",
        "Say something to the agent.",
        remarked,
        bodies.Accepted,
        body=bodies.Remark,
        status=202,
    ),
    Operation(
        "pauseRun",
        "POST",
        f"{RUN}/pause",
        "Pause at the next safe point.",
        paused,
        bodies.Accepted,
        body=bodies.Nothing,
        status=202,
    ),
    Operation(
        "stopRun",
        "POST",
        f"{RUN}/stop",
        "End the run for good; a run in the line leaves it.",
        stopped,
        bodies.Accepted,
        body=bodies.Nothing,
        status=202,
    ),
    Operation(
        "resumeRun",
        "POST",
        f"{RUN}/resume",
        "Go on with a run that no engine works on.",
        resumed,
        bodies.Accepted,
        body=bodies.Resume,
        status=202,
    ),
    Operation(
        "downloadFile", "GET", f"{RUN}/files/{{name}}", "A file of the report.", downloaded, tuple(MEDIA.values())
    ),
    Operation("deleteRun", "DELETE", RUN, "Remove a run that no engine works on.", deleted, None, status=204),
)
