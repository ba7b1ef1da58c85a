"""Starting a run: what it is about, a model with its key, limits, how much to ask."""

from __future__ import annotations

import streamlit as st

from copilot.domain.task import Settings
from copilot.ui.parts import actions, frame, guest, keys, limits, links, sources


def show() -> None:
    """The page."""
    st.title("New run", anchor=False)
    st.markdown(
        "Hand in a paper or a question. The copilot drafts hypotheses that you can edit, writes an experiment plan, "
        "runs it, and **code, not the model, decides** what came out."
    )
    guest.words()
    guest.kept()
    source = sources.fields()
    model = _model()
    settings = limits.fields(model)
    if st.button("Start the run", type="primary", icon=":material/play_arrow:", key="new_start"):
        with frame.told():
            wanted = settings()
            _start(source(), wanted)


def _model() -> str:
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        choice = st.selectbox("Model", list(keys.MODELS), format_func=keys.MODELS.__getitem__, key="new_model")
        if choice == "other":
            name = st.text_input("Model name", placeholder="ollama:qwen3:8b", key="new_model_name", max_chars=120)
            choice = (name or "").strip()
    with right:
        if variable := keys.variable(choice):
            there = keys.is_set(choice) or variable in keys.held()
            key = st.text_input(
                f"API key ({variable})",
                type="password",
                key=f"new_key_{variable}",
                autocomplete="off",
                max_chars=400,
                placeholder="Already set; leave empty to use it" if there else "Paste your key",
                help="Kept in the memory of this browser session only, and given only to the process of your run.",
            )
            keys.hold(choice, key or "")
        elif choice == "offline":
            st.caption("No key needed. Every page and the report say that no language model took part.")
    return choice


def _start(given: sources.Given, settings: Settings) -> None:
    with st.spinner(given.wait, show_time=True):
        run = actions.begin(given.ask(settings), keys.held() | given.secrets)
    links.go("ideas" if settings.approve == "ask" else "run", run.name)
