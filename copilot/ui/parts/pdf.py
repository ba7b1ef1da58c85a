"""The page of the paper beside what was read from it: an image where the file is at hand, else its text."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from copilot import api
from copilot.domain.paper import Paper
from copilot.ui.parts import pageimage
from copilot.ui.parts.session import View
from copilot.ui.parts.text import count, one_line, plain, visible, web_address

MAX_QUOTE = 600


def point_at(page: int, quote: str) -> None:
    """Turn the viewer to this page and mark the quote; also in the URL, so that the place can be shared."""
    wanted = {"page": str(page), "quote": one_line(quote, MAX_QUOTE)}
    if any(st.query_params.get(key) != value for key, value in wanted.items()):
        st.query_params.update(wanted)
        st.session_state["paper_page"] = page


def viewer(view: View, paper: Paper) -> None:
    """One page with its number to choose, and the quote of the URL marked on it."""
    pages = max(paper.pages, len(paper.page_texts), 1)
    if "paper_page" not in st.session_state:
        st.session_state["paper_page"] = _page_in_url(pages)
    st.session_state["paper_page"] = min(max(int(st.session_state["paper_page"]), 1), pages)
    label = f"Page (of {pages})"
    page = int(st.number_input(label, min_value=1, max_value=pages, step=1, key="paper_page", on_change=_turned) or 1)
    quote = one_line(st.query_params.get("quote", ""), MAX_QUOTE)
    if page != _page_in_url(pages):
        quote = ""
    file = api.paper_file(view.run, view.state)
    image = _image(file, page, quote) if file else None
    if file is None:
        st.caption(_no_file(paper))
    elif image is None:
        st.caption(":material/broken_image: This page could not be drawn, so its text is shown.")
    if image is not None:
        st.image(image, width="stretch", alt=f"Page {page} of {pages} of the paper")
        if quote:
            st.caption("Marked: " + plain(quote, 200))
        return
    if quote:
        st.info(f"On this page: “{plain(quote, MAX_QUOTE)}”", icon=":material/format_quote:")
    _text(paper, page)


def _turned() -> None:
    st.query_params["page"] = str(st.session_state["paper_page"])
    st.query_params.pop("quote", None)


def _page_in_url(pages: int) -> int:
    text = st.query_params.get("page", "1")
    return min(max(int(text), 1), pages) if text.isascii() and text.isdigit() and len(text) < 6 else 1


def _no_file(paper: Paper) -> str:
    if not paper.arxiv_id:
        return ":material/description: The PDF is not in this run any more, so the text that was read from it is shown."
    return (
        ":material/description: Only the source of this paper is here, no PDF, so its text is shown. "
        f"The printed page: {web_address('https://arxiv.org/abs/' + paper.arxiv_id)}"
    )


def _image(path: Path, page: int, quote: str) -> bytes | None:
    with st.spinner("Drawing the page …", show_time=True):
        return pageimage.png_of(path, page, quote)


def _text(paper: Paper, page: int) -> None:
    if page > len(paper.page_texts) or not paper.page_texts[page - 1].strip():
        st.info("This page has no readable text.")
        return
    text = visible(paper.page_texts[page - 1])
    with st.container(height=520, border=True):
        st.text(text[:20_000])
    st.caption(f"Text of page {page}, {count(len(text.split()), 'word')}.")
