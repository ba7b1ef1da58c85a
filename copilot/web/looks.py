"""Calls that change nothing: lists, where a run stands, its events, ideas and plan, its files."""

from __future__ import annotations

from contextlib import ExitStack
from typing import cast

from starlette.responses import FileResponse, Response, StreamingResponse

from copilot import api
from copilot.config import find_home
from copilot.domain.base import Value
from copilot.hosting.reception import reception
from copilot.runs import RunFolder
from copilot.ui.parts import outline
from copilot.web import bodies, stream
from copilot.web.calls import MEDIA, Call, detail
from copilot.web.problems import Denied

EVENTS = "text/event-stream"


def tasks(call: Call) -> Value:
    """Names for `task` of a start."""
    return bodies.TaskList(tasks=api.tasks())


def listed(call: Call) -> Value:
    """Runs, newest first."""
    asked: bodies.Paging = call.query
    found = api.runs(guest=call.guest)
    part = found[asked.offset : asked.offset + asked.limit]
    return bodies.RunList(runs=[_item(run) for run in part], total=len(found))


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


def shown(call: Call) -> Value:
    """Where a run stands."""
    return detail(call.run)


def ideas(call: Call) -> Value:
    """The hypotheses, for an answer at the gate `ideas`."""
    state = api.state(call.run)
    return bodies.IdeaList(
        ideas=list(state.ideas.values()),
        reviews=state.reviews,
        rejected=state.rejected,
        chosen=state.chosen.idea_id if state.chosen else None,
    )


def plan(call: Call) -> Value:
    """The plan, for an answer at the gate `plan`; after the freeze also the protocol."""
    state = api.state(call.run)
    latest = state.plans[-1] if state.plans else None
    return bodies.PlanShown(
        plan=state.plan,
        forecast=latest.forecast if latest else [],
        protocol=state.protocol,
        protocol_hash=state.protocol_hash or None,
    )


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


def downloaded(call: Call) -> Response:
    """A file of the report."""
    run = call.run
    name = next((name for name in MEDIA if name == call.path["name"]), None)
    path = run.report / name if name else None
    if name is None or path is None or path.is_symlink() or not path.is_file():
        raise Denied(404, "this run has no such file")
    return FileResponse(path, media_type=MEDIA[name], filename=f"{run.name.replace('/', '-')}-{name}")
