"""`python -m copilot.web`: what `copilot ui` becomes. Options in, the server started; `--shared`: one for many."""

from __future__ import annotations

import argparse
import os
import sys

from streamlit.web.server.starlette import App

from copilot.config import find_home
from copilot.hosting.uploads import MAX_MB
from copilot.web import server


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="copilot ui", allow_abbrev=False)
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--headless", action="store_true")
    parser.add_argument("--shared", action="store_true")
    given = parser.parse_args()
    os.environ["COPILOT_HOME"] = str(find_home().root)
    if given.shared:
        os.environ["COPILOT_SHARED"] = "1"
    sys.argv = ["-c"]  # this folder must not become a place to import from
    App(server.SCRIPT, **server.parts()).run(
        config={
            "server.port": given.port,
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
