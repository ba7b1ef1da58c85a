"""The frame around all pages: the page table, the sidebar, and nothing else."""

from __future__ import annotations

import streamlit as st

from copilot.ui.parts import frame, guest, links, outline, session
from copilot.ui.parts.frame import guarded
from copilot.ui.parts.outline import Outline
from copilot.ui.parts.text import ago, plain
from copilot.ui.views import history, ideas, new, paper, plan, report, results, run

RECENT = 5
_STYLE = (
    "<style>.stMainBlockContainer{padding:3.5rem clamp(1rem,3vw,3rem) 4rem} .stMain h1{padding:.5rem 0}"
    " .stSidebar .stButton p{text-align:left}"
    " .stSidebar .stButton button{justify-content:flex-start} .stPageLink p{white-space:normal}"
    " .stMarkdown td code{overflow-wrap:anywhere;white-space:normal}"
    " .stPageLink a:focus-visible{outline:2px solid currentcolor;outline-offset:1px}"
    " [class*=st-key-history-] .stPageLink a{padding-left:0} .st-key-report-body{max-width:52rem}"
    " :is(button,summary,label,.stPageLink) em{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%)}"
    "</style>"
)
"""Emphasis within a label is what only screen readers say: `text.about`."""


def main() -> None:
    """Draw the page that the URL names. Called once per script run by `app.py`."""
    st.set_page_config(page_title="Research copilot", page_icon="🔬", layout="wide")
    pages = {
        "new": st.Page(guarded(new.show), title="New run", url_path="new", default=True),
        "history": st.Page(guarded(history.show), title="History", url_path="history"),
        "paper": st.Page(guarded(paper.show), title="Paper", url_path="paper"),
        "ideas": st.Page(guarded(ideas.show), title="Ideas", url_path="ideas"),
        "plan": st.Page(guarded(plan.show), title="Plan", url_path="plan"),
        "run": st.Page(guarded(run.show), title="Run", url_path="run"),
        "results": st.Page(guarded(results.show), title="Results", url_path="results"),
        "report": st.Page(guarded(report.show), title="Report", url_path="report"),
    }
    links.remember(pages)
    st.html(_STYLE)
    page = st.navigation(list(pages.values()), position="hidden")
    _sidebar()
    page.run()


def _sidebar() -> None:
    with st.sidebar:
        st.markdown("### Research copilot")
        st.caption("The model proposes. Code measures and decides.")
        links.link("new", label="New run", stretch=True)
        links.link("history", label="History", stretch=True)
        recent = [outline.of(folder) for folder in session.runs()[:RECENT]]
        if recent:
            st.caption("Latest runs")
        with st.container(gap="xxsmall"):
            for item in recent:
                _recent(item)
        guest.door()


def _recent(item: Outline) -> None:
    label, key = plain(item.title, 60), f"recent_{item.run.name}"
    when = ago(item.started) if item.started else "unknown time"
    label += f"  \n:small[:gray[{_word(item)} · {when}]]"
    if st.button(label, key=key, type="tertiary", help=plain(item.run.name)):
        links.go(item.page, item.run.name)


def _word(item: Outline) -> str:
    return item.verdict or frame.state_word(item.run, item.status, asked=bool(item.asked))[0]


if __name__ == "__main__":  # `copilot ui` starts this file with Streamlit
    main()
