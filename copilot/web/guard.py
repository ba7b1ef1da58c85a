"""What stands before every request, to the app and to the interface alike: names of this server, sessions, headers.

On a shared server it gives each browser its session cookie, and counts and bounds what is uploaded into the memory of
the app before a page sees it.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from copilot.config import find_home
from copilot.errors import CopilotError
from copilot.hosting.guests import COOKIE, Guest
from copilot.hosting.reception import Reception, reception
from copilot.web.access import host_allowed
from copilot.web.problems import failure
from copilot.web.ticks import Ticks

API = "/api/"
UPLOAD = "/_stcore/upload_file/"
_PLAIN_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+")
_YEAR = 365 * 24 * 3600
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "frame-ancestors 'self'",
}
FRAMED = "frame-ancestors 'self' https://huggingface.co"
"""A Space is shown inside a page of its host."""


class Guard:
    """ASGI middleware around the whole server."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let through, refuse, or give a session."""
        if scope["type"] not in {"http", "websocket"}:
            await self.app(scope, receive, send)
            return
        if not host_allowed(Headers(scope=scope)):
            await _refuse(scope, receive, send, 421, "this server has another name; COPILOT_HOSTS may list it")
            return
        if scope["type"] == "websocket":
            await self.app(scope, *Ticks().around(receive, send))
            return
        desk = await run_in_threadpool(reception, find_home())
        if problem := _problem(scope, desk):
            await _refuse(scope, receive, send, *problem)
            return
        await self.app(scope, receive, _sending(send, _extra(scope, desk)))


def _problem(scope: Scope, desk: Reception | None) -> tuple[int, str] | None:
    path = str(scope["path"])
    if path.startswith(API) and (not _PLAIN_PATH.fullmatch(path) or unquote(path) != path):
        return 404, "there is no such address"
    if desk is None or not path.startswith(UPLOAD) or scope["method"] not in {"PUT", "POST"}:
        return None
    headers = Headers(scope=scope)
    said = headers.get("content-length", "")
    if not said.isdigit():
        return 411, "say how long the file is"
    guest = _guest(scope, desk) or Guest(name=path.removeprefix(UPLOAD).partition("/")[0])
    try:
        desk.upload(guest, int(said[:20]))
    except CopilotError as refusal:
        return 429, str(refusal)
    return None


def _guest(scope: Scope, desk: Reception) -> Guest | None:
    return desk.guest(HTTPConnection(scope).cookies.get(COOKIE, ""))


def _extra(scope: Scope, desk: Reception | None) -> dict[str, str]:
    """Headers of the answer; with a new session for a browser that has none."""
    api = {"Cache-Control": "no-store"} if scope["path"].startswith(API) else {}
    if desk is None:
        return HEADERS | api
    extra = HEADERS | api | {"Content-Security-Policy": FRAMED}
    page = scope["method"] == "GET" and not scope["path"].startswith((API, "/_stcore/", "/static/", "/media/"))
    if page and _guest(scope, desk) is None:
        forwarded = Headers(scope=scope).get("x-forwarded-proto", "").partition(",")[0].strip()
        secure = "https" in {scope["scheme"], forwarded}
        kind = "SameSite=None; Secure; Partitioned" if secure else "SameSite=Lax"
        token = desk.sessions.issue()
        extra["Set-Cookie"] = f"{COOKIE}={token}; Path=/; HttpOnly; Max-Age={_YEAR}; {kind}"
    return extra


def _sending(send: Send, extra: dict[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in extra.items():
                headers.append(name, value) if name == "Set-Cookie" else headers.setdefault(name, value)
        await send(message)

    return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, text: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    await failure(status, text)(scope, receive, send)
