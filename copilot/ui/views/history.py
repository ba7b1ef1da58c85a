"""All runs: search, open, resume, compare two, delete."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from copilot import api
from copilot.runs import RunFolder
from copilot.ui.parts import actions, charts, frame, links, live, outline, session
from copilot.ui.parts.outline import Outline
from copilot.ui.parts.text import about, ago, count, dollars, fold_for_search, number, one_line, plain, seconds, signed

PAGE = 15


def show() -> None:
    """The page."""
    st.title("History", anchor=False)
    folders = session.runs()
    if not folders:
        frame.empty("There are no runs yet. Upload a paper to start the first one.")
        return
    outlines = [outline.of(folder) for folder in folders]
    words = st.text_input(
        "Search",
        key="history_search",
        placeholder="Title, task, model, verdict or state",
        type="search",
    )
    wanted = fold_for_search(words or "").split()
    found = [item for item in outlines if all(word in item.haystack for word in wanted)]
    st.caption(f"{len(found)} of {count(len(outlines), 'run')}, newest first")
    if not found:
        st.info("No run matches. Use fewer words.")
    box = st.container()
    start = _start(len(found))
    with box:
        for item in found[start : start + PAGE]:
            _row(item)
    if len(outlines) > 1:
        _compare(outlines)
    _predictions(outlines)
    doomed = next((item for item in outlines if item.run.name == st.session_state.get("deleting")), None)
    if doomed is not None:
        _confirm(doomed.run, doomed.title)


def _predictions(outlines: list[Outline]) -> None:
    """How good the proposers' own probabilities were, once there are verdicts to compare them with."""
    if not any(item.verdict for item in outlines):
        return
    with st.expander("How good were the predictions?", icon=":material/query_stats:"):
        if not st.toggle("Read the verdicts of all runs", key="history_predictions"):
            st.caption(
                "Each idea came with a probability that it would be supported. This compares it with the verdicts."
            )
            return
        found = api.predictions(api.past(guest=session.guest()))
        if found.brier is None:
            st.info("No verdict can be compared yet: invalid ones do not count.")
            return
        st.metric(
            f"Brier score over {count(found.count, 'verdict')}",
            number(found.brier),
            help="Mean squared distance between probability and outcome: 0 is perfect, 0.25 is what saying 50 % earns.",
        )
        charts.reliability(found.bins)
        rows = [
            {"predicted": f"{low:.0%}", "came out supported": f"{share:.0%}", "verdicts": total}
            for low, share, total in found.bins
        ]
        st.dataframe(rows, hide_index=True, alt="Reliability: mean predicted probability, share supported, verdicts")


def _start(total: int) -> int:
    if total <= PAGE:
        return 0
    pages = -(-total // PAGE)
    return (st.pagination(pages, key=f"history_page_{pages}") - 1) * PAGE


def _row(item: Outline) -> None:
    key = item.run.name.replace("/", "-").replace(".", "-")
    with st.container(border=True, key=f"history-{key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            frame.status_badge(item.run, item.status, asked=bool(item.asked))
            if item.verdict:
                frame.verdict_badge(item.verdict)
            when = ago(item.started) if item.started else "unknown time"
            stamps = f" · {count(item.stamps, 'note')} to read with the verdict" if item.stamps else ""
            st.caption(f"{plain(item.run.name, 120)} · {plain(item.llm, 40)} · {when}{stamps}")
        with st.container(horizontal=True, vertical_alignment="center"):
            with st.container(gap="xxsmall"):
                links.link(item.page, item.run.name, label=f"**{plain(item.title, 160)}**", icon=False, stretch=True)
                if item.claim:
                    st.caption(plain(item.claim, 240))
            _go_on(item)
            if st.button(
                about("Delete", _called(item)), icon=":material/delete:", type="tertiary", key=f"delete_{item.run.name}"
            ):
                st.session_state["deleting"] = item.run.name


def _called(item: Outline) -> str:
    """The title may be that of other runs, too."""
    return f"{one_line(item.title, 40)}, {item.run.name}"


def _go_on(item: Outline) -> None:
    """The next thing to do with a run that did not end."""
    if item.status not in {"paused", "running", "empty"}:
        return
    if item.asked:
        if st.button(about("Answer", _called(item)), icon=":material/pan_tool:", key=f"answer_{item.run.name}"):
            links.go(item.page, item.run.name)
        return
    if live.alive(item.run) or api.place(item.run) is not None:
        return
    if st.button(about("Resume", _called(item)), icon=":material/play_arrow:", key=f"resume_{item.run.name}"):
        if item.spent:  # it goes on with larger caps only, and that page asks for them
            links.go("run", item.run.name)
        with frame.told():
            actions.resume(item.run)
            links.go("run", item.run.name)


def _keep() -> None:
    st.session_state.pop("deleting", None)


@st.dialog("Delete this run?", on_dismiss=_keep)
def _confirm(run: RunFolder, title: str) -> None:
    st.markdown(f"**{plain(title, 160)}**  \n{plain(run.name, 120)}")
    st.markdown("Its journal, trials and report are removed from this machine. This cannot be undone.")
    if st.button("Delete for good", type="primary", icon=":material/delete:", key="delete_confirmed"):
        with frame.told():
            actions.delete(run)
            _keep()
            st.rerun()


def _compare(outlines: list[Outline]) -> None:
    with st.expander("Compare two runs", icon=":material/compare_arrows:"):
        by_name = {item.run.name: item for item in outlines}
        left, right = st.columns(2)
        hint, names = "Choose a run", list(by_name)
        a = left.selectbox("First run", names, None, _label(by_name), key="compare_a", placeholder=hint)
        b = right.selectbox("Second run", names, None, _label(by_name), key="compare_b", placeholder=hint)
        if not a or not b:
            st.caption("Choose two runs to see them side by side.")
            return
        first, second = _facts(by_name[a].run), _facts(by_name[b].run)
        rows = [{"": name, "first": first[name], "second": second[name]} for name in first]
        st.dataframe(rows, hide_index=True, alt="Two runs side by side", height=38 * (len(rows) + 1))
        if first["protocol"] != second["protocol"]:
            st.caption("The protocols differ, so the effects are not measurements of the same thing.")


def _label(by_name: dict[str, Outline]) -> Callable[[str], str]:
    """Title, verdict and name of a run: titles alone are often the same."""
    return lambda name: " · ".join(
        part for part in (one_line(by_name[name].title, 60), by_name[name].verdict or "", name) if part
    )


def _facts(run: RunFolder) -> dict[str, str]:
    state = session.view_of(run).state
    verdict = state.verdict
    first = verdict.comparisons[0] if verdict and verdict.comparisons else None
    protocol = state.protocol
    return {
        "title": frame.title_of(state),
        "state": frame.STATUS_WORD[state.status][0],
        "verdict": verdict.word if verdict else "–",
        "effect": signed(first.effect) if first else "–",
        "interval": f"{number(first.interval[0])} to {number(first.interval[1])}" if first else "–",
        "p, corrected": number(first.p_adjusted) if first else "–",
        "metric": protocol.metric.name if protocol else "–",
        "smallest effect that matters": number(protocol.minimum_effect) if protocol else "–",
        "seeds": str(len(protocol.seeds)) if protocol else "–",
        "trust": verdict.trust if verdict else "–",
        "model": state.settings.llm if state.settings else "–",
        "sandbox": state.sandbox.level if state.sandbox else "–",
        "read with it": "; ".join(verdict.stamps) if verdict else "–",
        "cost": dollars(state.cost_usd),
        "working time": seconds(state.active_seconds),
        "protocol": state.protocol_hash[:16] or "–",
    }
