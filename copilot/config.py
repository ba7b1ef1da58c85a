"""Where things live and what the environment says. Reads `.env` and environment variables; holds no secrets itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENV_FILE = ".env"


@dataclass(frozen=True)
class Home:
    """The folder that holds `problems/`, `workspaces/` and `logs/`."""

    root: Path

    @property
    def problems(self) -> Path:
        """Tasks."""
        return self.root / "problems"

    @property
    def workspaces(self) -> Path:
        """Starter code; runs copy it and never change it."""
        return self.root / "workspaces"

    @property
    def logs(self) -> Path:
        """Runs, one folder each."""
        return Path(os.environ.get("COPILOT_LOGS") or self.root / "logs").absolute()

    @property
    def cache(self) -> Path:
        """Downloads and parsed papers; may be deleted at any time."""
        return Path(os.environ.get("COPILOT_CACHE") or self.root / "logs" / ".cache").absolute()


def find_home(start: Path | None = None) -> Home:
    """`COPILOT_HOME`, else the nearest folder at or above `start` with `problems/`, else the checkout, else `start`."""
    if os.environ.get("COPILOT_HOME"):
        return Home(Path(os.environ["COPILOT_HOME"]).resolve())
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "problems").is_dir():
            return Home(folder)
    checkout = Path(__file__).resolve().parent.parent
    return Home(checkout if (checkout / "problems").is_dir() else start)


PAPER_PASSWORD = "COPILOT_PAPER_PASSWORD"
"""Environment variable that opens an encrypted paper: it reaches the reader and is written nowhere."""


def environment(home: Home) -> Mapping[str, str]:
    """The process environment over `.env` of the home folder; nothing is exported to children by this."""
    from dotenv import dotenv_values

    from_file = {key: value for key, value in dotenv_values(home.root / ENV_FILE).items() if value is not None}
    return from_file | dict(os.environ)
