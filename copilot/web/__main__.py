"""`python -m copilot.web`: what `copilot ui` becomes. Options in, the server started; `--shared`: one for many."""

from __future__ import annotations

import argparse
import os
import socket
import sys

from streamlit.web.server.starlette import App

from copilot.config import find_home
from copilot.errors import SetupError
from copilot.hosting.uploads import MAX_MB
from copilot.web import server

PORTS = range(8501, 8521)


def free_port(address: str, asked: int | None) -> int:
    """The port that was asked for, or else the first free one of PORTS. Raises SetupError when it is taken."""
    for port in PORTS if asked is None else [asked]:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError as error:
                reason = error.strerror
            else:
                return port
    ports = f"ports {PORTS[0]} to {PORTS[-1]}" if asked is None else f"port {asked}"
    raise SetupError(f"nothing can listen on {address}, {ports}: {reason}; name another with --port")


def main() -> None:
    """Serve until stopped. Raises SetupError when nothing can listen."""
    parser = argparse.ArgumentParser(prog="copilot ui", allow_abbrev=False)
    parser.add_argument("--port", type=int)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--shared", action="store_true")
    given = parser.parse_args()
    port = free_port(given.address, given.port)
    os.environ["COPILOT_HOME"] = str(find_home().root)
    if given.shared:
        os.environ["COPILOT_SHARED"] = "1"
    sys.argv = ["-c"]  # this folder must not become a place to import from
    App(server.SCRIPT, **server.parts()).run(
        config={
            "server.port": port,
            "server.address": given.address,
            "server.headless": given.headless,
            "server.maxUploadSize": MAX_MB,
            "server.fileWatcherType": "none",
            "browser.gatherUsageStats": False,
            "browser.serverAddress": "localhost",  # else the start waits for a stranger to say our address
            "client.showErrorDetails": "none" if os.environ.get("COPILOT_SHARED") == "1" else "full",
        }
    )


if __name__ == "__main__":
    main()
