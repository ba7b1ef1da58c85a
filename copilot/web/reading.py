"""A request read and checked: bounded bodies, one JSON document or one form with a PDF. Nothing larger is ever held."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from copilot.hosting.uploads import MAX_MB, MEGABYTE
from copilot.web.problems import Denied, first_problem

MAX_JSON = 1_000_000
MAX_FORM = MAX_MB * MEGABYTE + MAX_JSON
MAX_NAME = 200
FORM = "multipart/form-data"
JSON = "application/json"
M = TypeVar("M", bound=BaseModel)


def kind_of(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, model: type[M]) -> M:
    """The body as this model; an absent body is an empty object. Raises Denied."""
    if kind_of(request) not in {JSON, ""}:
        raise Denied(415, "send application/json")
    return parsed(await _bounded(request, MAX_JSON).body() or b"{}", model)


async def read_form(request: Request, model: type[M]) -> tuple[M, bytes, str]:
    """A form of `ask` (the model as JSON) and `paper` (a PDF): the model, the file and its name. Raises Denied."""
    try:
        async with _bounded(request, MAX_FORM).form(max_files=1, max_fields=1, max_part_size=MAX_JSON) as form:
            ask, paper = form.get("ask", "{}"), form.get("paper")
            if not isinstance(ask, str) or not isinstance(paper, UploadFile) or len(form) > 2:
                raise Denied(422, "the form has two parts: ask (JSON text) and paper (a PDF file)")
            return parsed(ask.encode("utf-8", "replace"), model), await paper.read(), (paper.filename or "")[:MAX_NAME]
    except HTTPException as error:
        raise Denied(400, f"this is no form that can be read: {error.detail}") from error


def read_query(request: Request, model: type[M]) -> M:
    """The query as this model; a name that it does not know is passed over. Raises Denied."""
    given = {name: value for name, value in request.query_params.items() if name in model.model_fields}
    if "after" in model.model_fields and "last-event-id" in request.headers:
        given["after"] = request.headers["last-event-id"]
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise Denied(422, first_problem(error)) from error


def parsed(text: bytes, model: type[M]) -> M:
    """JSON as this model. Raises Denied: 400 for what is no JSON, 422 for what is wrong in it."""
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        broken = error.errors(include_input=False)[0]["type"] == "json_invalid"
        raise Denied(400 if broken else 422, first_problem(error)) from error


def _bounded(request: Request, limit: int) -> Request:
    """The request again, with a body that raises Denied as soon as it is larger than `limit` bytes."""
    said = request.headers.get("content-length", "0")
    if not said.isascii() or not said.isdigit() or int(said[:20]) > limit:
        raise Denied(413, f"the body is larger than {limit // MEGABYTE} MB")
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > limit:
            raise Denied(413, f"the body is larger than {limit // MEGABYTE} MB")
        return message

    return Request(request.scope, receive)
