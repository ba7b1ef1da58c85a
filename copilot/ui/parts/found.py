"""What the run found elsewhere: prototype code, models, data and related papers. Uploaders' words, shown as text."""

from __future__ import annotations

from typing import Any

import streamlit as st

from copilot.state import RunState
from copilot.ui.parts.text import count, one_line, plain, web_address

WHAT = {"code": "Code", "model": "Models", "dataset": "Data sets"}
ROWS = 10
NEEDS = {
    "allow_gated": "repositories behind a form",
    "allow_pickle": "weights as pickles, which can run code",
    "allow_remote_code": "code of the repository's own",
}


def show(state: RunState) -> None:
    """The code that the experiment starts from, and the hits of every search."""
    if state.prototype is not None:
        origin = {"bundled": "bundled prototype", "starter": "the code that was given", "hub": "from the Hub"}
        named = origin.get(state.prototype.origin, state.prototype.origin)
        st.markdown(f":material/code: Starts from **{plain(state.prototype.name, 80)}** ({named})")
        st.caption(plain(state.prototype.reason, 500))
    if not state.retrieved:
        return
    with st.expander("Code, models and data that were found", icon=":material/travel_explore:"):
        for what, event in state.retrieved.items():
            where = f" from: {plain(event.source, 60)}" if event.source else ""
            st.markdown(f"**{WHAT.get(what, what)}**{where}")
            if event.note:
                st.caption(plain(event.note, 300))
            _hits(event.hits[:ROWS])
            _refused(event.refusals)


def _hits(hits: list[dict[str, Any]]) -> None:
    if not hits:
        st.caption("Nothing fitting was found.")
        return
    st.dataframe(
        [
            {
                "name": one_line(str(hit.get("id", "")), 100),
                "may be used": "no, refused" if hit.get("refused") else "yes",
                "pinned to": _pin(hit),
                "licence": one_line(str(hit.get("licence", "")), 40),
                "warnings": one_line("; ".join(map(str, hit.get("warnings") or [])), 200),
                "why": one_line(str(hit.get("why", "")), 300),
            }
            for hit in hits
        ],
        hide_index=True,
        alt="What was found, best first",
    )


def _pin(hit: dict[str, Any]) -> str:
    """The commit in short. The offline index knows none; what is bundled needs none."""
    if str(hit.get("id", "")).startswith("prototype:"):
        return "bundled"
    return one_line(str(hit.get("revision") or ""), 40)[:12] or "unknown"


def _refused(refusals: list[dict[str, Any]]) -> None:
    for refusal in refusals[:ROWS]:
        reasons = "; ".join(map(str, refusal.get("reasons") or ["no reason was recorded"]))
        needs = [str(need) for need in refusal.get("needs") or []]
        allow = ", ".join(NEEDS.get(need, need.replace("_", " ")) for need in needs)
        how = f"It would need a person's leave for: {plain(allow, 200)}." if allow else "Nobody can allow it."
        name = plain(str(refusal.get("id", "")), 120)
        st.markdown(f":material/block: **{name}** is refused: {plain(reasons, 600)}\\. {how}")
    if len(refusals) > ROWS:
        st.caption(f"{count(len(refusals) - ROWS, 'more refusal')} in the journal.")


def literature(state: RunState) -> None:
    """Related papers with their addresses, and where the search looked."""
    event = state.literature
    if event is None:
        st.info("Related work has not been looked for yet.")
        return
    for note in event.notes:
        st.caption(plain(note, 300))
    if not event.papers:
        st.info("No related work was found. Without network only the paper's own references are searched.")
    for paper in event.papers:
        about = ", ".join(part for part in (", ".join(paper.authors[:3]), str(paper.year or "")) if part)
        st.markdown(
            f"- **{plain(paper.title, 300)}** {plain(about, 200)} {web_address(paper.url) if paper.url else ''}"
        )
