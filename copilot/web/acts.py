"""Calls that start, steer, branch, check or remove a run: each is one facade function behind its address."""

from __future__ import annotations

from typing import cast

from copilot import api
from copilot.domain.base import Value
from copilot.errors import SetupError
from copilot.paper.arxiv_id import parse_arxiv_id
from copilot.web import bodies
from copilot.web.calls import Call, detail, plain
from copilot.web.problems import Denied


def start(call: Call) -> Value:
    """Make a run and start its engine, or put it into the line."""
    asked: bodies.Start = call.body
    keys = plain(asked.keys)
    ask = api.Ask(
        task=asked.task, paper=_paper(call), objective=asked.objective, code=asked.code, settings=asked.settings
    )
    run = api.start(ask, keys=keys, guest=call.guest)
    api.launch(run, keys, guest=call.guest)
    return detail(run)


def _paper(call: Call) -> str:
    """What `Ask` takes as the paper: the arXiv id, or where the uploaded PDF was put."""
    paper: str = call.body.paper
    if call.pdf and paper:
        raise SetupError("give either the PDF or an arXiv id")
    if paper and parse_arxiv_id(paper) is None:
        raise SetupError(f"{paper[:40]!r} is no arXiv id; upload the PDF beside the body, or give one like 2505.19955")
    return str(api.upload(call.pdf, call.pdf_name, guest=call.guest)) if call.pdf else paper


def branched(call: Call) -> Value:
    """A run of its own from a step of this one."""
    asked: bodies.Branch = call.body
    keys = plain(asked.keys)
    made = api.branch(call.run, asked.at, say=asked.say, keys=keys, guest=call.guest)
    api.launch(made, keys, guest=call.guest)
    return detail(made)


def answered(call: Call) -> Value:
    """Leave an answer, and wake the run when it sleeps over the question."""
    run, said = call.going_on, cast(bodies.Answer, call.body)
    question = api.state(run).questions.get(said.question)
    if question is None or question not in api.state(run).open_questions:
        raise Denied(409, "this question is not open")
    if said.choice and question.options and said.choice not in question.options:
        raise SetupError(f"the choices are: {', '.join(question.options)}")
    api.answer(run, question.id, choice=said.choice, text=said.text, data=said.data, guest=call.guest)
    if not api.engine_alive(run) or call.guest is not None:
        api.launch(run, plain(said.keys), guest=call.guest)
    return bodies.Accepted(run=run.name)


def remarked(call: Call) -> Value:
    """Leave a remark."""
    run = call.going_on
    api.say(run, cast(bodies.Remark, call.body).text)
    return bodies.Accepted(run=run.name)


def paused(call: Call) -> Value:
    """Stop at the next safe point; resumable."""
    run = call.going_on
    api.control(run, "pause")
    return bodies.Accepted(run=run.name)


def stopped(call: Call) -> Value:
    """End for good."""
    run = call.going_on
    api.stop(run)
    return bodies.Accepted(run=run.name)


def resumed(call: Call) -> Value:
    """Go on, as soon as there is a turn."""
    run, asked = call.resting, cast(bodies.Resume, call.body)
    api.launch(
        run,
        plain(asked.keys),
        budget=asked.budget_usd,
        minutes=asked.minutes,
        max_tokens=asked.tokens,
        gpu_seconds=asked.gpu_seconds,
        guest=call.guest,
    )
    return bodies.Accepted(run=run.name)


def amended(call: Call) -> Value:
    """Change what is frozen, visibly."""
    run, asked = call.resting, cast(bodies.Amendment, call.body)
    api.amend(run, seeds=asked.seeds, seconds_per_trial=asked.seconds_per_trial, reason=asked.reason)
    return detail(run)


def verified(call: Call) -> Value:
    """What of the report does not follow from the record."""
    run = call.run
    if call.guest is not None and not call.guest.owner:
        raise Denied(403, "only the owner of this server lets it verify; download the bundle and run copilot verify")
    return bodies.Verified(problems=api.verify(run))


def deleted(call: Call) -> None:
    """Remove a run."""
    if api.engine_alive(call.run):
        raise Denied(409, "an engine works on this run: stop it first")
    api.delete(call.run)
