"""Going on with a run otherwise than by a plain resume: with larger caps, or another way from one of its steps."""

from __future__ import annotations

import streamlit as st

from copilot.events import PlanMade, RunFinished
from copilot.ui.parts import actions, frame, links, session
from copilot.ui.parts.session import View
from copilot.ui.parts.timeline import row_of

BRANCHES = 200
"""Steps that are offered to branch from, the latest ones."""


def more(view: View) -> None:
    """A run that used up what it may cost goes on only with larger caps."""
    state = view.state
    caps = state.limits
    with st.form("more", border=True):
        left, right = st.columns(2)
        spent = f"${state.cost_usd:.2f} spent so far"
        budget = left.number_input(
            "New budget in USD", value=caps.usd, min_value=0.0, step=0.5, help=spent, key="more_budget"
        )
        used = f"{state.active_seconds / 60:.1f} minutes used so far"
        minutes = right.number_input(
            "New limit in minutes", value=caps.minutes, min_value=1.0, step=5.0, help=used, key="more_minutes"
        )
        tokens = gpu = None
        if caps.tokens is not None:
            used = f"{state.input_tokens + state.output_tokens:,} used so far"
            tokens = left.number_input(
                "New cap in tokens", value=caps.tokens, min_value=1, step=100_000, help=used, key="more_tokens"
            )
        if caps.gpu_seconds is not None:
            used = f"{state.gpu_seconds:.0f} used so far"
            gpu = right.number_input(
                "New cap in GPU-seconds", value=caps.gpu_seconds, min_value=1.0, step=60.0, help=used, key="more_gpu"
            )
        if st.form_submit_button("Resume with these", type="primary", icon=":material/play_arrow:", key="more_resume"):
            with frame.told():
                actions.resume(view.run, budget=budget, minutes=minutes, max_tokens=tokens, gpu_seconds=gpu)
                st.rerun()


def branch(view: View) -> None:
    """Another way from a step before the freeze, as a run of its own."""
    last = view.state.protocol_seq if view.state.protocol_seq >= 0 else len(view.steps) and view.steps[-1].seq + 1
    steps = [entry for entry in view.steps if entry.seq < last and not isinstance(entry.event, RunFinished)]
    if not steps:
        return
    box = st.expander("Go another way from a step", icon=":material/call_split:", key="branching", on_change="rerun")
    if not box.open:  # the server keeps it open while the page around it changes
        return
    with box, st.form("branch", border=False):
        st.markdown(
            "A new run shares everything up to the step that you choose, pays nothing again, and goes on from there. "
            "Only steps before the freeze can be chosen. What you say is heard by the steps that are still to come."
        )
        offered = steps[: -BRANCHES - 1 : -1]
        zone, titles = session.zone(), view.titles
        words = {
            entry.seq: f"{entry.seq}: {row_of(entry, titles).text} ({entry.time.astimezone(zone):%H:%M:%S})"
            for entry in offered
        }
        planned = next((place for place, entry in enumerate(offered) if isinstance(entry.event, PlanMade)), 0)
        at = st.selectbox("After the step", list(words), index=planned, format_func=words.__getitem__, key="branch_at")
        text = st.text_input("Say to the agent (optional)", key="branch_say", max_chars=4000)
        if st.form_submit_button("Branch here", icon=":material/call_split:", key="branch_go") and at is not None:
            with frame.told():
                made = actions.branch(view.run, at, (text or "").strip())
                st.toast("This is the new run: it goes on from the step that you chose.", icon=":material/call_split:")
                links.go("run", made.name)
