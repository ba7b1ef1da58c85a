"""Questions that a run asks a person, and how they are answered."""

from __future__ import annotations

import streamlit as st

from copilot import inbox
from copilot.blobs import Blobs
from copilot.events import QuestionAsked
from copilot.runs import RunFolder
from copilot.ui.parts import actions, frame, live
from copilot.ui.parts.session import View
from copilot.ui.parts.text import plain, visible

YES = ("approve", "approved", "yes", "accept", "ok", "continue")


def answered(run: RunFolder, question_id: str) -> bool:
    """True when an answer lies in the inbox that the engine has not copied yet (from here or from another browser)."""
    said = inbox.messages(run.inbox, 0)
    return any(message is not None and message.question_id == question_id for _, message in said)


def open_gate(view: View, gate: str) -> QuestionAsked | None:
    """The open question of this gate; None (and a line that says so) when its answer is on the way."""
    question = next((q for q in view.state.open_questions if q.gate == gate), None)
    if question is None or live.ended(view.state):
        return None
    if answered(view.run, question.id):
        st.info("Your answer was left for the engine; it goes on in a moment.", icon=":material/mark_email_read:")
        return None
    return question


def yes(question: QuestionAsked) -> str:
    """The option that means approval: the one that says so, else the default, else the first."""
    for option in question.options:
        if option.lower() in YES:
            return option
    return question.default or (question.options[0] if question.options else "approve")


def stop(view: View, key: str) -> None:
    """Ask whether to stop for good, then do it: this cannot be undone."""
    st.markdown("Stop for good? There will be no verdict. To go on later, pause instead.")
    if st.button("Stop this run", type="primary", key=key):
        actions.stop(view.run)
        st.toast("The run stops at its next safe point.")


def others(view: View) -> None:
    """Every open question that has no page of its own, with a way to answer it here."""
    for question in view.state.open_questions:
        if question.gate in {"ideas", "plan"} or live.ended(view.state):
            continue
        with st.container(border=True):
            _words(view, question)
            if answered(view.run, question.id):
                st.caption("Your answer was left for the engine.")
                continue
            _form(view, question)


def _words(view: View, question: QuestionAsked) -> None:
    first, _, rest = question.text.partition("\n")
    st.markdown(f":material/pan_tool: **{plain(first, 600)}**")
    if rest.strip():
        st.text(visible(rest)[:4000])
    if question.blob:
        with st.expander("Exactly what is asked for", icon=":material/lock:"), frame.told():
            st.code(Blobs(view.run.blobs).text(question.blob)[:20_000], language=None, wrap_lines=True)


def _form(view: View, question: QuestionAsked) -> None:
    with st.form(f"question_{question.id}", border=False):
        choice = ""
        if question.options:
            start = question.options.index(question.default) if question.default in question.options else 0
            choice = (
                st.radio(
                    "Your choice",
                    question.options,
                    index=start,
                    format_func=plain,
                    horizontal=True,
                    key=f"choice_{question.id}",
                )
                or ""
            )
        text = st.text_input("In words (optional)" if choice else "Your answer", key=f"text_{question.id}")
        if question.timeout_seconds:
            default = f"Without an answer: {plain(question.default)}" if question.default else "It can wait"
            st.caption(f"{default}, after {question.timeout_seconds:.0f} s.")
        if st.form_submit_button("Answer", type="primary", key=f"answer_{question.id}"):
            with frame.told():
                actions.answer(view.run, question.id, choice=choice, text=text or "")
                st.rerun()
