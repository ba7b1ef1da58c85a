"""The addresses below /api: each operation of the table as a route. Reads, checks, calls, answers; decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from pydantic_core import to_json
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from copilot.errors import CopilotError
from copilot.web import problems
from copilot.web.access import caller
from copilot.web.calls import Call
from copilot.web.openapi import document
from copilot.web.operations import OPERATIONS, Operation
from copilot.web.reading import FORM, kind_of, read_form, read_json, read_query

DOCUMENT = "/v1/openapi.json"


def interface() -> Starlette:
    """The HTTP interface, to be mounted at /api."""
    handlers: dict[Any, Callable[[Request, Any], Awaitable[Response]]] = {
        problems.Denied: problems.on_denied,
        CopilotError: problems.on_our_error,
        HTTPException: problems.on_http,
        Exception: problems.on_bug,
    }
    found: dict[str, dict[str, Operation]] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = operation
    routes = [Route(path, _endpoint(by_method), methods=list(by_method)) for path, by_method in found.items()]
    app = Starlette(routes=[Route(DOCUMENT, _document), *routes], exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


async def _document(request: Request) -> Response:
    return JSONResponse(document())


def _endpoint(by_method: dict[str, Operation]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        operation = by_method["GET" if request.method == "HEAD" else request.method]
        call = await _call(operation, request)
        given = await run_in_threadpool(operation.act, call)
        if given is None:
            return Response(status_code=operation.status)
        if isinstance(given, Response):
            return given
        body = to_json(given.model_dump(), inf_nan_mode="null")
        return Response(body, operation.status, media_type="application/json")

    return endpoint


async def _call(operation: Operation, request: Request) -> Call:
    guest = await run_in_threadpool(caller, request)
    body, pdf, name = None, b"", ""
    if operation.upload and kind_of(request) == FORM and operation.body:
        body, pdf, name = await read_form(request, operation.body)
    elif operation.body:
        body = await read_json(request, operation.body)
    query = read_query(request, operation.query) if operation.query else None
    return Call(guest, dict(request.path_params), body, query, pdf, name)
