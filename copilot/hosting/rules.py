"""The limits of a shared server, from the environment, and what a guest may ask for at all.

Code that a model wrote runs for the owner, or for a guest with a key of their own and at least the level `landlock`.
Everybody else gets `offline` with the bundled prototypes. A guest's run sees no key and no endpoint of the server, so
it can neither spend the owner's money nor make the server ask an address inside its network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from copilot.config import PAPER_PASSWORD, Home
from copilot.domain.base import Value
from copilot.domain.task import Settings
from copilot.errors import SetupError
from copilot.events import QuestionAsked
from copilot.hosting.refusals import Refused
from copilot.llm.keys import SECRET_NAMES, SETTING_NAMES
from copilot.llm.names import resolve
from copilot.sandbox.protocol import Level

ROLES = ("idea", "manager", "experiment")
ASKED = {"task", "paper", "objective", "settings"}
KEYS = (*SECRET_NAMES, PAPER_PASSWORD)
"""Secrets that a guest may give for a run."""
SETTINGS = {"llm", "seeds", "steps", "budget_usd", "minutes", "tokens", "approve", "models", "sandbox"}
"""What a guest may set. A setting that is added later is refused until somebody has thought about it."""
AUTOMATIC: tuple[Level, ...] = ("namespace", "landlock")
WEAKER: tuple[Level, ...] = ("seccomp-only", "limits-only")
STAMP = "model-written code, run for a guest of a shared server at level landlock or above"


def _half_the_processors() -> int:
    return max(1, (os.cpu_count() or 2) // 2)


class Rules(Value):
    """Every limit of a shared server; `COPILOT_MAX_` and the name in capitals sets it."""

    engines: int = Field(default_factory=_half_the_processors, ge=1)
    """Runs that are worked on at the same time."""
    runs: int = Field(default=3, ge=1)
    """Runs of one guest that wait or are worked on."""
    waiting: int = Field(default=100, ge=1)
    """Runs of everybody that wait."""
    minutes: float = Field(default=30, gt=0)
    """Working time of one run."""
    upload_mb: int = Field(default=40, ge=1, le=100)
    uploads: int = Field(default=10, ge=1)
    """Uploads of one guest in an hour."""
    uploads_all: int = Field(default=300, ge=1)
    """Uploads of everybody in an hour."""
    disk_mb: int = Field(default=500, ge=1)
    """What all runs of one guest may fill."""
    disk_mb_all: int = Field(default=20_000, ge=1)
    """What all runs of all guests may fill."""
    disk_free_mb: int = Field(default=1000, ge=0)
    """What stays free of the disk: no guest starts a run when less is."""
    followers: int = Field(default=6, ge=1)
    """Event streams that one guest keeps open."""

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> Rules | None:
        """The rules when `COPILOT_SHARED` is 1 (on a Hugging Face Space also when it is not set), else None.

        Raises SetupError naming the variable that is wrong.
        """
        if env.get("COPILOT_SHARED", "1" if env.get("SPACE_ID") else "") != "1":
            return None
        given = {name: env[f"COPILOT_MAX_{name.upper()}"] for name in cls.model_fields if _given(env, name)}
        try:
            return cls.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            raise SetupError(f"COPILOT_MAX_{str(first['loc'][0]).upper()}: {first['msg']}") from error


def _given(env: Mapping[str, str], name: str) -> bool:
    return bool(env.get(f"COPILOT_MAX_{name.upper()}", "").strip())


def admit(rules: Rules, ask: Mapping[str, Any], settings: Settings, keys: Mapping[str, str], home: Home) -> Settings:
    """The settings that this guest's run gets. Raises Refused.

    `ask` is what was asked for beyond the defaults: a kind of material that is not known here is refused.
    """
    asked = set(settings.model_dump(exclude_defaults=True))
    if beyond := sorted((set(ask) - ASKED) | (asked - SETTINGS)):
        raise Refused(f"on this shared server only its owner may set: {', '.join(beyond)}")
    if paper := str(ask.get("paper", "")):
        _check_paper(paper, home)
    models = {role: settings.models.get(role, settings.llm) for role in ROLES}
    written = any([_writes_code(name, keys) for name in sorted(set(models.values()))])
    limit = min(settings.minutes or rules.minutes, rules.minutes)
    return settings.model_copy(
        update={"models": models, "minutes": limit, "sandbox": _level(settings.sandbox, written=written)}
    )


def stamps(settings: Settings) -> list[str]:
    """What a guest's run carries to its verdict."""
    return [] if set(settings.models.values()) <= {"offline"} else [STAMP]


def own_keys(keys: Mapping[str, str]) -> dict[str, str]:
    """The environment of a guest's engine: their keys, and emptiness where the server has keys and endpoints.

    Raises Refused for a name that is no key: an endpoint would let the server be sent anywhere.
    """
    if beyond := sorted(set(keys) - set(KEYS)):
        raise Refused(f"{beyond[0][:40]!r} is not the name of a key; there are: {', '.join(KEYS)}")
    endpoints = [name for name in SETTING_NAMES if name.endswith(("_BASE_URL", "_ENDPOINT"))]
    return {name: "" for name in (*KEYS, *endpoints)} | dict(keys)


def check_answer(question: QuestionAsked | None, choice: str) -> None:
    """Raises Refused when a guest would let something from outside onto the server."""
    if question is not None and question.gate == "install" and choice != "refuse":
        raise Refused("only the owner of this server may let something be installed; choose refuse")


def _check_paper(paper: str, home: Home) -> None:
    from copilot.paper.arxiv import parse_arxiv_id

    uploads = (home.cache / "uploads").resolve()
    if parse_arxiv_id(paper) is None and Path(paper).resolve().parent != uploads:
        raise Refused("upload the paper as PDF, or give its arXiv id, for example 2505.19955")


def _writes_code(name: str, keys: Mapping[str, str]) -> bool:
    """False for `offline`. Raises Refused for a model on the server's own network, or without the guest's own key."""
    who = resolve(name).how
    if who.api == "offline":
        return False
    if who.api == "local" or not who.key_needed:
        raise Refused(f"a guest cannot use {who.label}: it runs on this server's own network; choose offline")
    if not any(keys.get(variable) for variable in who.key_names):
        raise Refused(f"{who.label} needs a key of your own ({who.key_names[0]}) on this shared server; or use offline")
    return True


def _level(wanted: str, *, written: bool) -> str:
    """`auto` where landlock or better holds; a weaker level only for the bundled prototypes (the run is stamped)."""
    from copilot.sandbox.choose import problem

    if not all(problem(level) for level in AUTOMATIC):
        if wanted not in ("auto", *AUTOMATIC):
            raise Refused("on this shared server the sandbox is chosen by its owner")
        return wanted
    weaker = next((level for level in WEAKER if not problem(level)), None)
    if written or weaker is None:
        raise Refused("this server cannot contain code that a model wrote; choose offline")
    if wanted not in ("auto", weaker):
        raise Refused("on this shared server the sandbox is chosen by its owner")
    return weaker
