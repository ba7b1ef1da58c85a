"""The form of a run's settings: how much to ask, and what it may cost. Fields in, `Settings` out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st
from pydantic import ValidationError

from copilot.domain.task import Settings
from copilot.errors import SetupError
from copilot.ui.parts import guest, session

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

HOW_MUCH = {"ask": "Ask me at the ideas and at the plan", "auto": "Do not ask: decide by score"}


def fields(model: str) -> Callable[[], Settings]:
    """Draw the fields; the returned function builds the settings. It raises SetupError with what to mend."""
    ask = st.radio(
        "How much to ask",
        list(HOW_MUCH),
        format_func=HOW_MUCH.__getitem__,
        captions=["Two stops; in between it runs alone.", "Runs to the verdict unattended."],
        horizontal=True,
        key="new_approve",
    )
    with st.expander("Limits", icon=":material/tune:"):
        numbers = _numbers()
        more = _tokens(st.columns(3)[0]) if session.restricted() else _of_the_owner()
    return lambda: build(model, {"approve": ask} | numbers | more)


def build(model: str, values: dict[str, Any]) -> Settings:
    """The settings from what was typed. Raises SetupError."""
    if not model:
        raise SetupError("name the model, for example ollama:qwen3:8b")
    try:
        return Settings.model_validate({"llm": model} | values)
    except ValidationError as error:
        raise SetupError(str(error.errors()[0]["msg"]).removeprefix("Value error, ")) from error


def _numbers() -> dict[str, Any]:
    first, second, third, fourth = st.columns(4)
    budget = first.number_input(
        "Budget in USD",
        min_value=0.0,
        value=None,
        step=0.5,
        placeholder="no cap",
        key="new_budget",
        help="A model call whose worst case would pass this is not made.",
    )
    most = guest.minutes()
    minutes = second.number_input(
        "Working time in minutes",
        min_value=1.0,
        max_value=most,
        value=None,
        step=5.0,
        placeholder=f"at most {most:g}" if most else "no cap",
        key="new_minutes",
        help="Time in which an engine works; waiting for you does not count.",
    )
    seeds = third.number_input(
        "Seeds",
        min_value=2,
        max_value=200,
        value=None,
        step=1,
        placeholder="as planned",
        key="new_seeds",
        help="How often each arm runs. Eight is the default; fewer than six can hardly support anything.",
    )
    steps = fourth.number_input(
        "Agent steps",
        min_value=1,
        max_value=1000,
        value=30,
        step=5,
        key="new_steps",
        help="The most exploration steps before the protocol is frozen.",
    )
    return {"budget_usd": budget, "minutes": minutes, "seeds": seeds, "steps": steps or 30}


def _tokens(place: DeltaGenerator) -> dict[str, Any]:
    tokens = place.number_input(
        "Tokens",
        min_value=1,
        value=None,
        step=100_000,
        placeholder="no cap",
        key="new_tokens",
        help="All tokens of model calls, in and out. A call whose worst case would pass this is not made.",
    )
    return {"tokens": tokens}


def _of_the_owner() -> dict[str, Any]:
    """With what only the owner of a server may set."""
    first, second, third = st.columns(3)
    tokens = _tokens(first)
    gpu = second.number_input(
        "GPU-seconds",
        min_value=1.0,
        value=None,
        step=60.0,
        placeholder="no GPU",
        key="new_gpu",
        help="Programs get the GPU only when this is given, and hold it no longer than this in sum.",
    )
    fallback = third.text_input(
        "Fall-back model (optional)",
        key="new_fallback",
        placeholder="gpt4",
        max_chars=120,
        help="Takes over when the model does not answer any more. That is a deviation and stands beside the verdict.",
    )
    allow = st.text_input(
        "May be fetched without a question (optional)",
        key="new_allow",
        placeholder="lightgbm, dataset:mnist",
        max_chars=1000,
        help="Packages, and repositories of the Hub as OWNER/NAME, model:NAME or dataset:NAME, commas between. "
        "Everything else is asked for, or refused when nobody is to be asked.",
    )
    names = [name.strip() for name in (allow or "").split(",") if name.strip()]
    return tokens | {"gpu_seconds": gpu, "fallback": (fallback or "").strip(), "allow": names}
