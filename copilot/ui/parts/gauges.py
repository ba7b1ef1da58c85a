"""Elapsed time, money and trials, each beside its limit."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from copilot.state import RunState
from copilot.ui.parts import tuning
from copilot.ui.parts.text import count, dollars, seconds

ATTEMPTS = "Exploration and tuning programs that ran, and ideas that were put aside, before the freeze: all are counted"


def show(state: RunState, working: bool) -> None:
    """Figures in a row; they wrap on a narrow screen."""
    with st.container(horizontal=True, gap="medium", key="gauges"):
        _elapsed(state, working)
        _cost(state)
        _tokens(state)
        _gpu(state)
        _trials(state)
        st.metric(
            "Model calls",
            f"{state.calls:,}",
            help=f"{state.input_tokens:,} tokens in, {state.output_tokens:,} out",
            width="content",
        )


def worked(state: RunState, working: bool, now: datetime | None = None) -> float:
    """Seconds that an engine worked on the run: waiting for a person does not count."""
    since = state.last_time if working and not state.open_questions else None
    running = ((now or datetime.now(UTC)) - since).total_seconds() if since else 0.0
    return state.active_seconds + max(running, 0.0)


def _elapsed(state: RunState, working: bool) -> None:
    limit = state.limits.minutes
    note = f"of {seconds(limit * 60)}" if limit else None
    st.metric(
        "Working time",
        seconds(worked(state, working)),
        delta=note,
        delta_color="off",
        delta_arrow="off",
        width="content",
    )


def _cost(state: RunState) -> None:
    cap = state.limits.usd
    note = f"of {dollars(cap)}" if cap is not None else None
    if state.unpriced_calls:
        note = f"{note or ''} + {count(state.unpriced_calls, 'call')} without a price".strip()
    st.metric("Cost", dollars(state.cost_usd), delta=note, delta_color="off", delta_arrow="off", width="content")


def _tokens(state: RunState) -> None:
    """Tokens beside their cap; without a cap they stand in the help of the calls."""
    if (cap := state.limits.tokens) is None:
        return
    spent = f"{state.input_tokens + state.output_tokens:,}"
    st.metric("Tokens", spent, delta=f"of {cap:,}", delta_color="off", delta_arrow="off", width="content")


def _gpu(state: RunState) -> None:
    if (cap := state.limits.gpu_seconds) is None:
        return
    held, note = seconds(state.gpu_seconds), f"of {seconds(cap)}"
    st.metric("GPU time", held, delta=note, delta_color="off", delta_arrow="off", width="content")


def _trials(state: RunState) -> None:
    tuned = len(tuning.tried(state))
    if planned := max(tuning.planned(state), tuned):
        settings, alike = f"{tuned // tuning.SEEDS} of {planned // tuning.SEEDS}", "alike in every arm"
        st.metric("Settings tuned", settings, delta=alike, delta_color="off", delta_arrow="off", width="content")
    st.metric("Attempts", f"{state.attempts:,}", width="content", help=ATTEMPTS)
    if state.protocol is None:
        return
    planned = len(state.protocol.arms) * len(state.protocol.seeds)
    confirm = [result for (purpose, _, _), result in state.trials.items() if purpose == "confirm"]
    failed = sum(1 for result in confirm if result.status != "ok")
    note = f"{failed} failed" if failed else None
    st.metric(
        "Trials", f"{len(confirm)} of {planned}", delta=note, delta_color="off", delta_arrow="off", width="content"
    )
