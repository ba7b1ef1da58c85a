"""A run as server-sent events: each line of the journal is one event, numbered by its place in the journal."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack

import anyio
from anyio import to_thread

from copilot import api
from copilot.errors import CopilotError
from copilot.journal import Entry, encode
from copilot.web.problems import failure

LOOK_SECONDS = 0.5
HEARTBEAT = 15.0
TOLD = ("v", "seq", "time", "kind", "data", "nonfinite")


async def events(following: api.Following, after: int, open_stream: ExitStack) -> AsyncIterator[str]:
    """The events after that number, as they come; at last `end` with the run's status, or `error`."""
    with open_stream:
        yield "retry: 2000\n\n"
        said = time.monotonic()
        while True:
            try:
                new = await to_thread.run_sync(following.new)
                over = await to_thread.run_sync(lambda: following.over)
            except CopilotError as error:
                yield _event("error", bytes(failure(409, str(error)).body).decode())
                return
            for entry in new:
                if entry.seq > after:
                    yield _told(entry)
            if over:
                yield _event("end", json.dumps({"status": following.state.status}))
                return
            if time.monotonic() - said > HEARTBEAT:
                said = time.monotonic()
                yield ": still here\n\n"
            await anyio.sleep(LOOK_SECONDS)


def _told(entry: Entry) -> str:
    line, _ = encode(entry.event, entry.seq, entry.time, "")
    body = json.loads(line)
    data = json.dumps({name: body[name] for name in TOLD if name in body}, separators=(",", ":"))
    return f"id: {entry.seq}\n{_event(body['kind'], data)}"


def _event(kind: str, data: str) -> str:
    """One event; neither its kind nor its data has a line break (JSON escapes them), so none can be forged."""
    return f"event: {''.join(letter for letter in kind if letter.isalnum())}\ndata: {data}\n\n"
