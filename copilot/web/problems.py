"""Errors of the HTTP interface: one JSON shape with one sentence, whatever went wrong. No key and no traceback."""

from __future__ import annotations

from http import HTTPStatus

from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from copilot.config import find_home
from copilot.domain.base import Value
from copilot.errors import CopilotError, SetupError
from copilot.hosting.refusals import NoSuchRun, OverQuota, Refused

MAX_TEXT = 500


class Problem(Value):
    """`code` is for programs and stable; `text` is for people."""

    code: str
    text: str


class Failure(Value):
    """The body of every answer that is not a success."""

    error: Problem


class Denied(Exception):
    """The call is not carried out; `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def failure(status: int, text: str) -> JSONResponse:
    """The answer for this status."""
    text = " ".join(text.replace(str(find_home().root), "…").split())[:MAX_TEXT]
    body = Failure(error=Problem(code=HTTPStatus(status).phrase.lower().replace(" ", "_"), text=text))
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(body.model_dump(), status, headers)


def first_problem(error: ValidationError) -> str:
    """What is wrong with a body, by place; never its content, which may be a key."""
    found = error.errors(include_input=False, include_context=False, include_url=False)[0]
    place = ".".join(str(part)[:40] for part in found["loc"]) or "body"
    return f"{place}: {found['msg']}"


def _status(error: CopilotError) -> int:
    if isinstance(error, NoSuchRun):
        return 404
    if isinstance(error, OverQuota):
        return 429
    if isinstance(error, Refused):
        return 403
    return 422 if isinstance(error, SetupError) else 409


async def on_denied(_: Request, error: Denied) -> JSONResponse:
    """A call that is not carried out."""
    return failure(error.status, error.text)


async def on_our_error(_: Request, error: CopilotError) -> JSONResponse:
    """One of our own errors, which says what to mend."""
    return failure(_status(error), str(error))


async def on_http(_: Request, error: HTTPException) -> JSONResponse:
    """No such address, or a method that it does not know."""
    texts = {404: "there is no such address", 405: "this address does not know the method"}
    answer = failure(error.status_code, texts.get(error.status_code, error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def on_bug(_: Request, __: Exception) -> JSONResponse:
    """A fault of ours: said, and in the server's log in full."""
    return failure(500, "the server made a mistake; its log says which")
