"""What a guest of a shared server is told, and how its owner enters; what everybody is told where runs are not kept."""

from __future__ import annotations

import os
import time

import streamlit as st

from copilot.config import find_home
from copilot.hosting.reception import reception
from copilot.ui.parts import session
from copilot.ui.parts.text import count

WRONG_SECONDS = 1.0


def words() -> None:
    """What a guest may do here."""
    desk = reception(find_home())
    if desk is None or not session.restricted():
        return
    rules = desk.rules
    st.info(
        f"This server is shared. You see only your own runs; {count(rules.runs, 'run')} of yours may wait or be worked "
        f"on, each for at most {rules.minutes:g} minutes. Without a key of your own, choose *Offline*: it runs the "
        "bundled prototypes.",
        icon=":material/group:",
    )


def minutes() -> float | None:
    """How long a run may be worked on, where this person is bound to the server's own limit."""
    desk = reception(find_home())
    return float(desk.rules.minutes) if desk is not None and session.restricted() else None


def kept() -> None:
    """A word where runs end with the server: `scripts/start.sh` says that nothing is mounted under them."""
    if os.environ.get("COPILOT_RUNS_KEPT") == "0":
        st.warning(
            "Runs are not kept here: they are gone when this server starts again. Download what you need.",
            icon=":material/cloud_off:",
        )


def door() -> None:
    """Where the owner gives the token of the server; it holds for this browser until the server ends."""
    desk, person = reception(find_home()), session.guest()
    if desk is None or person is None or person.owner:
        return
    with st.expander("Owner of this server"), st.form("owner", clear_on_submit=True, border=False):
        token = st.text_input("Token", type="password", autocomplete="off", max_chars=400, key="owner_token")
        if not st.form_submit_button("Enter", key="owner_enter"):
            return
        if desk.promote(person, token or ""):
            st.rerun()
        time.sleep(WRONG_SECONDS)
        st.error("This is not the token of this server.")
