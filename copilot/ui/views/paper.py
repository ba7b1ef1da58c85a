"""What was read from the paper: warnings, the claims ledger, the sections, and the page beside them."""

from __future__ import annotations

import streamlit as st

from copilot.domain.paper import Claim, Paper
from copilot.ui.parts import found, frame, live, pdf
from copilot.ui.parts.session import View
from copilot.ui.parts.text import count, one_line, plain

ROW, SAYS = 88, 270
"""Height of a row and width of the quotes in the ledger, in pixels: four lines beside the page of the paper."""
KINDS = {
    "result": "Results",
    "finding": "Findings",
    "method": "Methods",
    "limitation": "Limitations",
    "future_work": "Future work",
    "hyperparameter": "Hyperparameters",
    "dataset": "Datasets",
}


def show() -> None:
    """The page."""
    view = frame.open_run("paper")
    if view is None:
        return
    paper = view.paper()
    if paper is None:
        _nothing_yet(view)
        return
    _facts(view, paper)
    left, right = st.columns(2, gap="medium")
    with left:
        tabs = st.tabs(["Claims", "Sections", "Figures and tables", "References", "Related work"])
        with tabs[0]:
            _claims(view, paper)
        with tabs[1]:
            _sections(paper)
        with tabs[2]:
            _figures(paper)
        with tabs[3]:
            _references(paper)
        with tabs[4]:
            found.literature(view.state)
    with right:
        pdf.viewer(view, paper)


def _nothing_yet(view: View) -> None:
    if view.state.status == "empty" or (view.state.source == "paper" and not live.ended(view.state)):
        live.coming(view, "The paper is being read. This takes a few seconds.")
        return
    frame.empty("This run has no paper. Its question is in the plan.", "plan", view.run.name, "Open the plan")


def _facts(view: View, paper: Paper) -> None:
    if paper.authors:
        st.markdown(plain(", ".join(paper.authors), 400))
    claims = view.state.claims or paper.claims
    facts = {
        "page": paper.pages,
        "section": len(paper.sections),
        "claim": len(claims),
        "reference": len(paper.references),
        "table": len(paper.tables),
        "figure": len(paper.figures),
    }
    st.caption(" · ".join(count(number, one) for one, number in facts.items() if number))
    for warning in paper.warnings:
        st.warning(plain(warning, 500), icon=":material/warning:")
    if paper.abstract:
        with st.expander("Abstract", icon=":material/subject:"):
            st.text(one_line(paper.abstract, 6000))


def _claims(view: View, paper: Paper) -> None:
    claims = view.state.claims if view.state.claims is not None else paper.claims
    grounded = [claim for claim in claims if claim.grounded]
    if not grounded:
        st.info("No claim with its words in the paper was found. Read the sections instead.")
        return
    if len(grounded) < len(claims):
        left_out = count(len(claims) - len(grounded), "claim")
        st.caption(f":material/flag: {left_out} left out: the quoted words are not in the paper.")
    present = [kind for kind in KINDS if any(claim.kind == kind for claim in grounded)]
    chosen = st.pills(
        "Kinds of claims",
        present,
        selection_mode="multi",
        format_func=KINDS.__getitem__,
        key="paper_kinds",
        label_visibility="collapsed",
    )
    shown = [claim for claim in grounded if not chosen or claim.kind in chosen]
    _ledger(view, shown)


def _ledger(view: View, claims: list[Claim]) -> None:
    picked = st.dataframe(
        [
            {
                "page": claim.page,
                "what the paper says": one_line(claim.text, 400),
                "kind": KINDS[claim.kind],
                "section": one_line(claim.section, 60),
                "number": "" if claim.number is None else f"{claim.number:g} {claim.unit}".strip(),
                "metric": claim.metric,
                "data": claim.dataset,
                "model": claim.model,
            }
            for claim in claims
        ],
        hide_index=True,
        height=min(ROW * len(claims) + 38, 500),
        row_height=ROW,
        on_select="rerun",
        selection_mode="single-row",
        key=f"ledger_{len(claims)}",
        column_config={
            "what the paper says": st.column_config.TextColumn(width=SAYS),
            "page": st.column_config.NumberColumn(width=50),
        },
        alt="Claims ledger: what the paper says, with page",
    )
    rows = picked.selection.rows
    if rows and rows[0] < len(claims):
        claim = claims[rows[0]]
        st.markdown(f"> {plain(claim.quote, 800)}")
        pdf.point_at(claim.page, claim.quote)
    else:
        st.caption("Select a row to see its words on the page.")


def _sections(paper: Paper) -> None:
    if not paper.sections:
        st.info("No headings could be read. The pages are on the right.")
    for section in paper.sections:
        name = f"{section.number} {section.title}".strip()
        with st.expander(f"{plain(name, 120)} · p\\. {section.page}"):
            st.text(section.text[:8000] or "(no text)")


def _figures(paper: Paper) -> None:
    if not (paper.figures or paper.tables):
        st.info("No figures or tables with captions were found.")
    captions = [(item.label, item.page, item.caption) for item in paper.tables]
    captions += [(item.label, item.page, item.caption) for item in paper.figures]
    for label, page, caption in captions:
        st.markdown(f"**{plain(label)}** · p\\. {page}")
        st.text(one_line(caption, 800))
    for table in paper.tables:
        if table.rows:
            with st.expander(f"Cells of {plain(table.label)}"):
                width = max(len(row) for row in table.rows)
                st.dataframe(
                    [{f"{i + 1}": row[i] if i < len(row) else "" for i in range(width)} for row in table.rows],
                    hide_index=True,
                )


def _references(paper: Paper) -> None:
    if not paper.references:
        st.info("No bibliography could be read.")
        return
    st.dataframe(
        [
            {
                "title": one_line(ref.title or ref.text, 300),
                "authors": one_line(", ".join(ref.authors), 120),
                "year": ref.year,
                "venue": one_line(ref.venue, 80),
                "arXiv": ref.arxiv_id,
                "DOI": ref.doi,
            }
            for ref in paper.references
        ],
        hide_index=True,
        height=440,
        alt="Bibliography of the paper",
    )
