"""The verdict with its reasons and stamps, the paired plot, integrity checks, and everything that was tried."""

from __future__ import annotations

import streamlit as st

from copilot.domain.experiment import Check, ComparisonResult, Verdict
from copilot.state import RunState
from copilot.ui.parts import charts, frame, live, tuning
from copilot.ui.parts.session import View
from copilot.ui.parts.text import count, number, plain, signed

MEANING = {
    "supported": "The data support the claim: the interval lies above zero, the mean reaches the smallest effect that "
    "matters, and the corrected p is below the level that was frozen.",
    "refuted": "The data speak against the claim: the interval excludes the smallest effect that matters.",
    "inconclusive": "Neither supported nor refuted: with this noise and this many seeds the data cannot tell.",
    "invalid": "No conclusion may be drawn: an integrity check failed.",
}


def show() -> None:
    """The page."""
    view = frame.open_run("results")
    if view is None:
        return
    verdict = view.state.verdict
    if verdict is None:
        _nothing_yet(view)
        return
    if view.state.finished is not None and view.state.finished.status == "failed":
        st.error(f"The run failed after its verdict: {plain(view.state.finished.detail, 600)}")
    _verdict(view.state, verdict)
    for comparison in verdict.comparisons:
        _comparison(view.state, comparison, alone=len(verdict.comparisons) == 1)
    _checks(list(view.state.checks.values()))
    _tried(view.state, verdict)
    tuning.show(view.state)
    st.subheader("Every trial", anchor=False)
    charts.matrix(view.state)


def _nothing_yet(view: View) -> None:
    if live.ended(view.state):
        frame.ended(view, "it had a verdict")
        return
    live.coming(view, "There is no verdict yet. It is computed after the last trial.")
    st.subheader("Every trial", anchor=False)
    charts.matrix(view.state)


def _verdict(state: RunState, verdict: Verdict) -> None:
    with st.container(border=True, key="verdict"):
        colour = frame.VERDICT_COLOUR[verdict.word]
        st.header(f":{colour}[{verdict.word.capitalize()}]", anchor=False)
        st.markdown(MEANING[verdict.word])
        for stamp in verdict.stamps:
            st.markdown(f":material/approval: :orange[{plain(stamp, 400)}]")
        for change in state.amendments:
            st.markdown(f":material/lock_open: :red[Changed after the freeze: {plain(change.reason, 400)}]")
        idea = state.chosen_idea
        if idea is not None:
            st.markdown(f"**Claim.** {plain(idea.claim, 1500)}")
        st.markdown("\n".join(f"- {plain(reason, 600)}" for reason in verdict.reasons))
        _figures(state, verdict)


def _figures(state: RunState, verdict: Verdict) -> None:
    unit = state.protocol.metric.unit if state.protocol else ""
    name = state.protocol.metric.name if state.protocol else "metric"
    first = verdict.comparisons[0] if verdict.comparisons else None
    with st.container(horizontal=True, gap="medium"):
        if first is not None:
            low, high = first.interval
            st.metric(
                f"Effect on {plain(name, 40)}", signed(first.effect) + (f" {unit}" if unit else ""), width="content"
            )
            sure = f"{1 - state.protocol.analysis.alpha:.0%} interval" if state.protocol else "Interval"
            st.metric(sure, f"{number(low)} to {number(high)}", width="content")
            st.metric("p, corrected", number(first.p_adjusted, 3), width="content")
            st.metric(
                "Detectable effect",
                number(first.detectable_effect, 3),
                width="content",
                help="The smallest true effect that this design would have called supported 8 times out of 10.",
            )
        st.metric(
            "Noise floor",
            number(verdict.noise_floor, 3),
            width="content",
            help="Standard deviation of the baseline over its seeds.",
        )
        st.metric(
            "Trust",
            verdict.trust,
            width="content",
            help="graded: the engine graded predictions against sealed labels. "
            "reported: the script's own result file, run by the engine.",
        )
    st.caption(f"Protocol {verdict.protocol_hash[:16]}, frozen before the first trial.")


def _comparison(state: RunState, comparison: ComparisonResult, *, alone: bool) -> None:
    unit = state.protocol.metric.unit if state.protocol else ""
    smallest = state.protocol.minimum_effect if state.protocol else 0.0
    st.subheader("The difference at every seed" if alone else plain(comparison.claim, 300), anchor=False)
    st.caption(
        f"{comparison.word.capitalize()}: mean {charts.effect_words(comparison, unit)}, over "
        f"{count(len(comparison.differences), 'pair')} of trials"
    )
    charts.paired(comparison, smallest, unit)
    with st.expander("The rule, step by step", icon=":material/rule:"):
        for reason in comparison.reasons or ["No reasons were recorded."]:
            st.markdown(f"- {plain(reason, 600)}")


def _checks(checks: list[Check]) -> None:
    st.subheader("Integrity checks", anchor=False)
    if not checks:
        st.info("No check was recorded.")
        return
    failed = [check for check in checks if check.passed is False]
    undone = sum(1 for check in checks if check.passed is None)
    passed = len(checks) - len(failed) - undone
    st.caption(f"{passed} passed, {len(failed)} failed, {undone} could not be done.")
    for check in [*failed, *(check for check in checks if check.passed is None)]:
        _check(check)
    if passed:
        with st.expander(f"The {count(passed, 'check')} that passed", icon=":material/verified_user:"):
            for check in checks:
                if check.passed:
                    _check(check)


def _check(check: Check) -> None:
    icon = {
        True: ":green[:material/check_circle:]",
        False: ":red[:material/cancel:]",
        None: ":gray[:material/help:]",
    }[check.passed]
    word = {True: "passed", False: "**failed**", None: "could not be done"}[check.passed]
    st.markdown(f"{icon} **{plain(check.name.replace('_', ' '))}** {word}: {plain(check.evidence, 500)}")


def _tried(state: RunState, verdict: Verdict) -> None:
    st.subheader("What was tried", anchor=False)
    lines = [
        f"{count(verdict.trials_planned, 'trial')} planned, {verdict.trials_failed} failed and counted as failed",
        f"{count(verdict.attempts, 'attempt')} before the freeze (exploration and tuning programs, ideas put aside)",
        f"{count(len(state.ideas), 'idea')} proposed, {len(state.rejected)} put aside",
        f"{count(len(state.answers) + len(state.remarks), 'time')} a person decided or said something",
    ]
    if state.sandbox is not None:
        lines.append(f"Programs ran under: {plain(state.sandbox.text, 300)}")
    st.markdown("\n".join(f"- {line}" for line in lines))
    for warning in state.warnings:
        st.markdown(f":material/warning: {plain(warning.where, 80)}: {plain(warning.text, 400)}")
