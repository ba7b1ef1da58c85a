"""Every call of the HTTP interface: its address, what it takes, what it gives back. What it does: `acts`, `looks`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import Response

from copilot.domain.base import Value
from copilot.web import acts, bodies, looks
from copilot.web.calls import MEDIA, Call

RUNS = "/v1/runs"
RUN = f"{RUNS}/{{task}}/{{start}}"


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


def _get(
    name: str,
    path: str,
    summary: str,
    act: Callable[[Call], Value | Response],
    answer: type[Value] | tuple[str, ...],
    query: type[Value] | None = None,
) -> Operation:
    return Operation(name, "GET", path, summary, act, answer, query=query)


def _post(
    name: str,
    path: str,
    summary: str,
    act: Callable[[Call], Value],
    body: type[Value],
    answer: type[Value] = bodies.Accepted,
    status: int = 202,
) -> Operation:
    """Without an `answer` of its own the call is accepted, and the event stream says what came of it."""
    return Operation(name, "POST", path, summary, act, answer, body, status=status, upload=body is bodies.Start)


OPERATIONS = (
    _post(
        "startRun",
        RUNS,
        "Start a run from a task, an arXiv id, a question, an uploaded PDF, or one's own code.",
        acts.start,
        bodies.Start,
        bodies.Detail,
        201,
    ),
    _get("listTasks", "/v1/tasks", "Names of the tasks that a run can start from.", looks.tasks, bodies.TaskList),
    _get("listRuns", RUNS, "Runs, newest first.", looks.listed, bodies.RunList, bodies.Paging),
    _get("showRun", RUN, "Where a run stands.", looks.shown, bodies.Detail),
    _get("showIdeas", f"{RUN}/ideas", "Its hypotheses, with their reviews.", looks.ideas, bodies.IdeaList),
    _get("showPlan", f"{RUN}/plan", "Its plan, and the protocol once it is frozen.", looks.plan, bodies.PlanShown),
    _get(
        "followRun",
        f"{RUN}/events",
        "The run's journal as server-sent events; goes on after Last-Event-ID.",
        looks.followed,
        (looks.EVENTS,),
        bodies.After,
    ),
    _post("answerQuestion", f"{RUN}/answers", "Answer an open question.", acts.answered, bodies.Answer),
    _post("sayRemark", f"{RUN}/remarks", "Say something to the agent.", acts.remarked, bodies.Remark),
    _post("pauseRun", f"{RUN}/pause", "Pause at the next safe point.", acts.paused, bodies.Nothing),
    _post("stopRun", f"{RUN}/stop", "End the run for good; a run in the line leaves it.", acts.stopped, bodies.Nothing),
    _post("resumeRun", f"{RUN}/resume", "Go on with a run that no engine works on.", acts.resumed, bodies.Resume),
    _post(
        "branchRun",
        f"{RUN}/branches",
        "Start a run that shares this one's entries up to one before the freeze, and goes another way.",
        acts.branched,
        bodies.Branch,
        bodies.Detail,
        201,
    ),
    _post(
        "amendRun",
        f"{RUN}/amendments",
        "Change the frozen protocol of a run that no engine works on: recorded, and shown beside the verdict.",
        acts.amended,
        bodies.Amendment,
        bodies.Detail,
        200,
    ),
    _post(
        "verifyRun",
        f"{RUN}/verify",
        "Recompute every number of the report from the record.",
        acts.verified,
        bodies.Nothing,
        bodies.Verified,
        200,
    ),
    _get("downloadFile", f"{RUN}/files/{{name}}", "A file of the report.", looks.downloaded, tuple(MEDIA.values())),
    Operation("deleteRun", "DELETE", RUN, "Remove a run that no engine works on.", acts.deleted, None, status=204),
)
