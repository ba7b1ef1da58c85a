"""What keeps a page from going blank while another one takes its place: ticks that come too late are not passed on.

A browser asks every second for the live parts of its page: a tick. One that arrives while a click leads to another page
is answered under the name of the page that is left; Streamlit's script in the browser takes that for a change of
page, clears everything, and nobody draws it again. So a tick is dropped while a whole page is being made, and when it
names another page than the last one that was sent. The next tick is a second away.
"""

from __future__ import annotations

from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # it ships no types
from starlette.types import Message, Receive, Send
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

DONE = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_WITH_COMPILE_ERROR)
"""How the making of a whole page ends; one that gave way to the next is not at its end."""
LARGEST = 8_192
"""Bytes of a message that may say where the page is; what is larger is content."""


class Ticks:
    """One browser's websocket: what was asked for and sent last."""

    def __init__(self) -> None:
        self._making = False
        self._page = ""

    def around(self, receive: Receive, send: Send) -> tuple[Receive, Send]:
        """The same websocket without the ticks that come too late."""

        async def receiving() -> Message:
            while True:
                message = await receive()
                if not self._late(message.get("bytes") or b""):
                    return message

        async def sending(message: Message) -> None:
            self._note(message.get("bytes") or b"")
            await send(message)

        return receiving, sending

    def _late(self, data: bytes) -> bool:
        try:
            asked = BackMsg.FromString(data)
        except DecodeError:  # not for us to judge
            return False
        if asked.WhichOneof("type") != "rerun_script":
            return False
        rerun = asked.rerun_script
        if rerun.is_auto_rerun:
            return self._making or self._page not in {"", rerun.page_script_hash}
        self._making = self._making or not rerun.fragment_id
        return False

    def _note(self, data: bytes) -> None:
        if not data or len(data) > LARGEST:
            return
        said = ForwardMsg.FromString(data)
        kind = said.WhichOneof("type")
        if kind == "navigation":
            self._page = said.navigation.page_script_hash
        elif kind == "new_session" and not said.metadata.run.fragment_ids:
            self._making = True
        elif kind == "script_finished" and said.script_finished in DONE:
            self._making = False
