"""The report, rendered safely; its files to download; every bound number opens the journal entries it came from."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from copilot.runs import RunFolder
from copilot.ui.parts import cells, frame, live
from copilot.ui.parts.cells import Cell
from copilot.ui.parts.session import View
from copilot.ui.parts.text import clip, plain, safe_markdown

MAX_REPORT = 4_000_000
_FIGURE = re.compile(r"^\s*!\[([^\]]*)\]\((figures/[A-Za-z0-9_.-]+\.(?:png|svg))\)\s*$")
_TITLE = re.compile(r"\A# .*\n")
"""The report's own title: the page has one."""
_DOWNLOADS = {
    "report.md": ("Markdown", "text/markdown"),
    "report.pdf": ("PDF", "application/pdf"),
    "bundle.zip": ("Bundle with the evidence", "application/zip"),
}
_LISTENER = """
export default function ({ setTriggerValue }) {
  const onClick = (event) => {
    const link = event.target instanceof Element ? event.target.closest('a[href^="#cell-"]') : null;
    if (!link) return;
    event.preventDefault();
    setTriggerValue("cell", decodeURIComponent(link.getAttribute("href").slice(6)));
  };
  document.addEventListener("click", onClick);
  return () => document.removeEventListener("click", onClick);
}
"""


def show() -> None:
    """The page."""
    view = frame.open_run("report")
    if view is None:
        return
    path = view.run.report / "report.md"
    if not path.is_file():
        _nothing_yet(view)
        return
    bound = cells.bindings(view.run)
    _downloads(view.run)
    _look_up(bound)
    _body(view.run, path)
    if bound:
        _listen()
    cell = bound.get(st.query_params.get("cell", ""))
    if cell is not None:
        _dialog(view, cell)


def _nothing_yet(view: View) -> None:
    if live.ended(view.state):
        frame.ended(view, "it had a report")
    else:
        live.coming(view, "The report is written after the verdict.")


def _downloads(run: RunFolder) -> None:
    with st.container(horizontal=True, key="downloads"):
        for name, (label, mime) in _DOWNLOADS.items():
            path = run.report / name
            if path.is_file() and not path.is_symlink():
                st.download_button(
                    label,
                    data=path.read_bytes,
                    file_name=f"{run.name.replace('/', '-')}-{name}",
                    mime=mime,
                    icon=":material/download:",
                    key=f"download_{name}",
                    on_click="ignore",
                )


def _look_up(bound: dict[str, Cell]) -> None:
    if not bound:
        st.caption("The numbers of this report carry no bindings to the journal.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(
            f"Click a number in the report, or choose one of {len(bound)}, to see where it came from",
            list(bound),
            index=None,
            key="cell_choice",
            placeholder="Choose a number",
            format_func=lambda key: _label(bound[key]) if key in bound else key,
            on_change=_chosen,
        )


def _label(cell: Cell) -> str:
    place = ", ".join(part for part in (cell.arm, f"seed {cell.seed}" if cell.seed is not None else "") if part)
    return f"{cell.text} · {cell.what or place or cell.id}"


def _chosen() -> None:
    if choice := st.session_state.get("cell_choice"):
        st.query_params["cell"] = choice
        st.session_state["cell_choice"] = None


def _body(run: RunFolder, path: Path) -> None:
    text = _TITLE.sub("", path.read_bytes()[:MAX_REPORT].decode("utf-8", "replace"), count=1)
    chunk: list[str] = []
    with st.container(key="report-body"):
        for line in [*text.split("\n"), None]:
            figure = _FIGURE.match(line) if line is not None else None
            if line is not None and not figure:
                chunk.append(line)
                continue
            if any(part.strip() for part in chunk):
                st.markdown(safe_markdown("\n".join(chunk)))
            chunk = []
            if figure:
                _figure(run.report / figure[2], figure[1])


def _figure(path: Path, words: str) -> None:
    if not path.is_file() or path.is_symlink():
        st.caption(f"The figure {plain(path.name)} is missing.")
        return
    st.image(
        path.read_text("utf-8") if path.suffix == ".svg" else path.read_bytes(), alt=clip(words, 400), width="stretch"
    )


@cache
def _listener() -> Any:
    return st.components.v2.component("report_numbers", js=_LISTENER)


def _listen() -> None:
    _listener()(key="report_clicks", on_cell_change=_clicked, height="content")


def _clicked() -> None:
    state = st.session_state.get("report_clicks") or {}
    if cell := state.get("cell"):
        st.query_params["cell"] = str(cell)[:200]


def _dialog(view: View, cell: Cell) -> None:
    def closed() -> None:
        st.query_params.pop("cell", None)

    @st.dialog("Where this number comes from", width="large", on_dismiss=closed)
    def dialog() -> None:
        cells.show(view, cell)

    dialog()
