"""Late requests for the live parts of a page, which would blank the page that follows; see `copilot.web.ticks`."""

from __future__ import annotations

from collections.abc import Iterator

import anyio
import pytest
from starlette.types import Message
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from copilot.web.ticks import Ticks


class Browser:
    """One websocket: what the server says to it, and which of its requests reach the server."""

    def __init__(self) -> None:
        self._asked: Iterator[bytes] = iter(())
        self._receive, self._send = Ticks().around(self._next, self._swallow)

    async def _next(self) -> Message:
        data = next(self._asked, None)
        return {"type": "websocket.disconnect"} if data is None else {"type": "websocket.receive", "bytes": data}

    async def _swallow(self, message: Message) -> None:
        pass

    def told(self, said: ForwardMsg) -> None:
        """The server sends this."""
        anyio.run(self._send, {"type": "websocket.send", "bytes": said.SerializeToString()})

    def passes(self, data: bytes) -> bool:
        """Whether the server hears it."""
        self._asked = iter([data])
        return "bytes" in anyio.run(self._receive)

    def page(self, name: str) -> None:
        """The server sends a whole page."""
        self.told(begun())
        self.told(at(name))
        self.told(done())


def asks(page: str, *, fragment: str = "", tick: bool = False) -> bytes:
    """A request of the browser for a page, or for a part of it."""
    message = BackMsg()
    message.rerun_script.page_script_hash = page
    message.rerun_script.fragment_id = fragment
    message.rerun_script.is_auto_rerun = tick
    return bytes(message.SerializeToString())


def begun(*fragments: str) -> ForwardMsg:
    """A page, or a part of it, is being made."""
    message = ForwardMsg()
    message.new_session.page_script_hash = "default"
    message.metadata.run.fragment_ids.extend(fragments)
    return message


def at(page: str) -> ForwardMsg:
    """Which page it is."""
    message = ForwardMsg()
    message.navigation.page_script_hash = page
    return message


def done(status: int = ForwardMsg.FINISHED_SUCCESSFULLY) -> ForwardMsg:
    """It is made."""
    message = ForwardMsg()
    message.script_finished = status  # type: ignore[assignment]
    return message


PLAN, RUN = (asks(page, fragment="look", tick=True) for page in ("plan", "run"))


def test_a_tick_of_the_page_that_is_left_is_dropped() -> None:
    browser = Browser()
    browser.page("plan")
    assert browser.passes(PLAN)
    assert browser.passes(asks("plan")), "a click"
    assert not browser.passes(PLAN), "its page is being made anew"
    browser.told(begun())
    browser.told(done(ForwardMsg.FINISHED_EARLY_FOR_RERUN))
    browser.told(begun())
    browser.told(at("run"))
    assert not browser.passes(PLAN), "the click leads to another page"
    browser.told(done())
    assert not browser.passes(PLAN), "on its way since then"
    assert browser.passes(RUN)


def test_everything_else_is_heard() -> None:
    browser = Browser()
    assert browser.passes(PLAN), "a browser that found its server again"
    browser.page("run")
    browser.told(begun("look"))
    assert browser.passes(RUN), "parts of a page wait for each other, and drop nothing"
    assert browser.passes(asks("run", fragment="dialog")), "a click in a part of the page"
    assert browser.passes(RUN)
    stop = BackMsg()
    stop.stop_script = True
    assert browser.passes(stop.SerializeToString())


@pytest.mark.parametrize("data", [b"", b"\xff\xff\xff", b"no protobuf at all"])
def test_what_is_no_request_is_left_to_others(data: bytes) -> None:
    assert Browser().passes(data)
