"""The OpenAPI 3.1 document, made from the table of operations and the classes that check the calls."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic.json_schema import JsonSchemaMode, models_json_schema

from copilot import __version__
from copilot.domain.base import Value
from copilot.hosting.guests import COOKIE
from copilot.web.bodies import NAME_PATTERN
from copilot.web.calls import MEDIA
from copilot.web.looks import EVENTS
from copilot.web.operations import OPERATIONS, Operation
from copilot.web.problems import Failure
from copilot.web.reading import FORM, JSON

REF = "#/components/schemas/{model}"
ERRORS = {
    400: "not readable",
    401: "the token is missing or wrong",
    403: "not from here, or not for a guest",
    404: "no such run or file",
    409: "not in this state",
    413: "too large",
    415: "not this media type",
    422: "something in it is wrong; the text says what",
    429: "a limit of this server is reached",
}
TEXT = {"type": "string"}
STREAMED = {
    EVENTS: {
        "type": "object",
        "description": "`data` is JSON: a line of the journal, whose kind is `event` and whose number is `id`; at last "
        "`end` with the run's status, or `error`.",
        "properties": {"id": {"type": "string", "pattern": "^[0-9]+$"}, "event": TEXT, "data": TEXT},
        "required": ["event", "data"],
    }
}
PATH_SCHEMAS: dict[str, dict[str, Any]] = {
    "task": {"type": "string", "pattern": NAME_PATTERN},
    "start": {"type": "string", "pattern": NAME_PATTERN},
    "name": {"type": "string", "enum": list(MEDIA)},
}


@cache
def document() -> dict[str, Any]:
    """The whole document, ready for JSON."""
    taken: list[tuple[type[Value], JsonSchemaMode]] = [(op.body, "validation") for op in OPERATIONS if op.body]
    given: list[tuple[type[Value], JsonSchemaMode]] = [
        (op.answer, "serialization") for op in OPERATIONS if isinstance(op.answer, type)
    ]
    given.append((Failure, "serialization"))
    refs, schemas = models_json_schema(list(dict.fromkeys(taken + given)), ref_template=REF)
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(f"/api{operation.path}", {})[operation.method.lower()] = _operation(operation, refs)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Paper-to-experiment copilot", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
        "security": [{"token": []}, {"session": []}, {}],
    }


def _operation(operation: Operation, refs: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": {str(operation.status): {"description": "done", **_content(operation, refs)}}
        | {str(status): _error(text) for status, text in ERRORS.items()},
    }
    if operation.id == "followRun":
        found["responses"]["204"] = {"description": "the run has ended and nothing is left to come"}
    if operation.body is not None:
        found["requestBody"] = _body(operation, refs)
    return found


def _content(operation: Operation, refs: Any) -> dict[str, Any]:
    if operation.answer is None:
        return {}
    if isinstance(operation.answer, tuple):
        return {"content": {media: {"schema": STREAMED.get(media, TEXT)} for media in operation.answer}}
    return {"content": {JSON: {"schema": refs[operation.answer, "serialization"]}}}


def _error(text: str) -> dict[str, Any]:
    return {"description": text, "content": {JSON: {"schema": {"$ref": REF.format(model=Failure.__name__)}}}}


def _body(operation: Operation, refs: Any) -> dict[str, Any]:
    schema = refs[operation.body, "validation"]
    content: dict[str, Any] = {JSON: {"schema": schema}}
    if operation.upload:
        parts = {"ask": schema, "paper": {"type": "string", "contentMediaType": "application/pdf"}}
        form = {"type": "object", "properties": parts, "required": ["paper"], "additionalProperties": False}
        content[FORM] = {"schema": form, "encoding": {"ask": {"contentType": JSON}}}
    return {"required": operation.upload, "content": content}


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": PATH_SCHEMAS[name]} for name in names
    ]
    if operation.query is not None:
        for name, schema in operation.query.model_json_schema()["properties"].items():
            found.append({"name": name, "in": "query", "schema": schema})
        if "after" in operation.query.model_fields:
            found.append({"name": "Last-Event-ID", "in": "header", "schema": {"type": "integer", "minimum": -1}})
    return found
