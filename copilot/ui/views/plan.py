"""How the chosen idea will be tested: to read, to edit, to approve. After the approval the protocol is frozen."""

from __future__ import annotations

import streamlit as st

from copilot import api
from copilot.domain.experiment import Plan
from copilot.errors import SetupError
from copilot.events import QuestionAsked
from copilot.ui.parts import actions, forms, found, frame, links, live, questions
from copilot.ui.parts.session import View
from copilot.ui.parts.text import count, number, plain, seconds


def show() -> None:
    """The page."""
    view = frame.open_run("plan")
    if view is None:
        return
    state = view.state
    if state.plan is None:
        _nothing_yet(view)
        return
    question = questions.open_gate(view, "plan")
    _summary(view, state.plan)
    _forecast(view, state.plan)
    if question is not None:
        _approve(view, question, state.plan)
    _details(view, state.plan)
    _frozen(view)
    _amend(view)


def _nothing_yet(view: View) -> None:
    if live.ended(view.state):
        frame.ended(view, "it had a plan")
    elif view.state.chosen is None:
        frame.empty("The plan is made after an idea was chosen.", "ideas", view.run.name, "Open the ideas")
    else:
        live.coming(view, "The plan is being made for the idea that was chosen.")


def _summary(view: View, plan: Plan) -> None:
    idea = view.state.chosen_idea
    if idea is not None:
        st.markdown(f"**Claim under test.** {plain(idea.claim, 1000)}")
    best = "larger is better" if plan.metric.direction == "maximize" else "smaller is better"
    unit = f" {plan.metric.unit}" if plan.metric.unit else ""
    trials = f"{len(plan.arms)} arms × {plan.seeds} seeds"
    figures = {
        "Metric": (plain(plan.metric.name, 40), best),
        "Smallest effect that matters": (number(plan.minimum_effect) + plain(unit), "A smaller one is no support."),
        "Trials": (str(len(plan.arms) * plan.seeds), f"{trials}, every one of them counted"),
        "Time limit of a trial": (seconds(plan.seconds_per_trial), "A longer one counts as failed."),
    }
    with st.container(horizontal=True, gap="large"):
        for label, (value, note) in figures.items():
            st.metric(label, value, help=note, width="content")
    st.caption(f"{best.capitalize()}. {trials.capitalize()}. {_trust(plan)}")
    _arms(plan)
    if plan.tuning.space and plan.tuning.settings > 1:
        names = ", ".join(plain(name, 40) for name in plan.tuning.space)
        st.caption(
            f"Before the freeze every arm tries {count(plan.tuning.settings, 'setting')} of {names} on validation data."
        )


def _forecast(view: View, plan: Plan) -> None:
    latest = view.state.plans[-1] if view.state.plans else None
    if latest is not None and latest.forecast:
        st.markdown("**What it will take, and what it can tell**")
        st.markdown("\n".join(f"- {plain(sentence, 400)}" for sentence in latest.forecast))
    for note in plan.notes:
        st.markdown(f":material/info: {plain(note, 400)}")


def _details(view: View, plan: Plan) -> None:
    found.show(view.state)
    if plan.steps:
        with st.expander("Steps", expanded=True, icon=":material/checklist:"):
            st.markdown("\n".join(f"{i}. {plain(step, 500)}" for i, step in enumerate(plan.steps, 1)))


def _trust(plan: Plan) -> str:
    if plan.trust == "graded":
        return "Predictions are graded by the engine against sealed labels."
    return "Numbers come from the script's own result file, run by the engine."


def _arms(plan: Plan) -> None:
    names = dict.fromkeys(name for arm in plan.arms for name in arm.parameters)
    described = any(arm.description for arm in plan.arms)
    rows = [
        {"arm": arm.name}
        | ({"what it is": arm.description} if described else {})
        | {name: str(arm.parameters.get(name, "as the code has it")) for name in names}
        for arm in plan.arms
    ]
    st.dataframe(rows, hide_index=True, alt="Arms of the experiment and their parameters")


def _approve(view: View, question: QuestionAsked, plan: Plan) -> None:
    with st.container(border=True, key="plan-gate"):
        st.markdown(f":material/pan_tool: **{plain(question.text, 400)}**")
        st.caption(
            "After you approve, the agent may still explore; then the protocol is frozen and every trial counts."
        )
        with st.container(horizontal=True):
            if st.button("Approve the plan", type="primary", icon=":material/check:", key="plan_approve"):
                with frame.told():
                    _answer(view, question, plan)
            with st.popover("Stop", icon=":material/stop:"):
                questions.stop(view, "plan_stop")
    with st.expander("Edit the plan first", icon=":material/edit:"), st.form("plan_form"):
        edited = forms.plan_fields(plan, "plan")
        if st.form_submit_button("Approve with these edits", icon=":material/check:", key="plan_submit"):
            with frame.told():
                _answer(view, question, edited())


def _answer(view: View, question: QuestionAsked, plan: Plan) -> None:
    actions.answer(view.run, question.id, choice=questions.yes(question), data={"plan": plan.model_dump(mode="json")})
    links.go("run", view.run.name)


def _frozen(view: View) -> None:
    state = view.state
    if state.protocol is None:
        return
    seeds = ", ".join(map(str, state.protocol.seeds))
    with st.expander("The frozen protocol", icon=":material/lock:"):
        st.markdown(f"{count(len(state.protocol.comparisons), 'comparison')}, seeds {plain(seeds)}")
        st.caption(f"Hash {state.protocol_hash}")
        st.json(state.protocol.model_dump(mode="json"), expanded=False)
    for change in state.amendments:
        st.warning(
            f"Changed after the freeze, with {count(change.results_seen, 'result')} seen: {plain(change.reason, 400)}",
            icon=":material/lock_open:",
        )


def _amend(view: View) -> None:
    """Changing what is frozen: only while no engine works on the run, and never silently."""
    protocol = view.state.protocol
    if protocol is None or view.state.verdict is not None or live.ended(view.state) or live.alive(view.run):
        return
    with st.expander("Change the frozen protocol", icon=":material/lock_open:"), st.form("amend_form", border=False):
        st.markdown("Such a change is an amendment: it is recorded with your reason and stands beside the verdict.")
        left, right = st.columns(2)
        seeds = left.number_input("Seeds", len(protocol.seeds), 200, len(protocol.seeds), 1, key="amend_seeds")
        limit = right.number_input(
            "Seconds a trial may take", value=protocol.seconds_per_trial, format="%g", key="amend_limit"
        )
        reason = st.text_input("Reason", key="amend_reason", max_chars=1000)
        if st.form_submit_button("Amend", key="amend_submit"):
            with frame.told():
                _change(view, int(seeds), float(limit), (reason or "").strip())


def _change(view: View, seeds: int, limit: float, reason: str) -> None:
    if len(reason.split()) < 3:
        raise SetupError("give the reason in at least three words: it stands beside the verdict")
    protocol = view.state.protocol
    if protocol is None or (seeds == len(protocol.seeds) and limit == protocol.seconds_per_trial):
        raise SetupError("nothing was changed")
    api.amend(
        view.run,
        seeds=seeds if seeds != len(protocol.seeds) else None,
        seconds_per_trial=limit if limit != protocol.seconds_per_trial else None,
        reason=reason,
    )
    st.rerun()
