"""Starting a run: a paper, a question, a shipped task or one's own code; a model; limits; how much to ask."""

from __future__ import annotations

import re

import streamlit as st

from copilot import api
from copilot.domain.task import OwnCode, Settings, TaskMetric
from copilot.errors import SetupError
from copilot.hosting.uploads import MAX_MB
from copilot.ui.parts import actions, frame, guest, keys, limits, links, session

SOURCES = {
    "pdf": ":material/upload_file: Upload a PDF",
    "arxiv": ":material/tag: arXiv ID",
    "question": ":material/help: Question",
    "task": ":material/folder_open: Example task",
    "code": ":material/code: Your own code",
}
READ = {"pdf", "arxiv"}
_ARXIV = re.compile(
    r"(?:arxiv:)?(?:https?://arxiv\.org/(?:abs|pdf)/)?(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+/\d{7}(?:v\d+)?)", re.I
)


def show() -> None:
    """The page."""
    st.title("New run", anchor=False)
    st.markdown(
        "Hand in a paper or a question. The copilot drafts hypotheses that you can edit, writes an experiment plan, "
        "runs it, and **code, not the model, decides** what came out."
    )
    offered = [source for source in SOURCES if source != "code" or not session.restricted()]
    guest.words()
    source = st.radio("Start from", offered, format_func=SOURCES.__getitem__, horizontal=True, key="new_source")
    with st.container(border=True, key="new-source-box"):
        given = _given(source or "pdf")
    model = _model()
    settings = limits.fields(model)
    if st.button("Start the run", type="primary", icon=":material/play_arrow:", key="new_start"):
        with frame.told():
            _start(given, settings())


class _Given:
    """What the person handed in, still unchecked."""

    def __init__(
        self, kind: str, text: str = "", content: bytes = b"", name: str = "", code: OwnCode | None = None
    ) -> None:
        self.kind, self.text, self.content, self.name, self.code = kind, text, content, name, code

    def ask(self, settings: Settings) -> api.Ask:
        """The question to the engine. Raises SetupError with what is missing."""
        if self.kind == "task":
            if not self.text:
                raise SetupError("there is no example task here; upload a PDF or ask a question instead")
            return api.Ask(task=self.text, settings=settings)
        if self.kind == "code":
            if self.code is None or not self.code.folder:
                raise SetupError("name the folder with your code")
            return api.Ask(objective=self.text.strip(), code=self.code, settings=settings)
        if self.kind == "question":
            if len(self.text.split()) < 3:
                raise SetupError("write the question as a sentence, for example: does label smoothing help here?")
            return api.Ask(objective=self.text.strip(), settings=settings)
        if self.kind == "arxiv":
            match = _ARXIV.fullmatch(self.text.strip())
            if not match:
                raise SetupError("this is not an arXiv ID; one looks like 2505.19955")
            return api.Ask(paper=match[1], settings=settings)
        if not self.content:
            raise SetupError("choose a PDF first")
        paper = api.upload(self.content, self.name)  # counted when it came from the browser
        return api.Ask(paper=str(paper), settings=settings)


def _given(source: str) -> _Given:
    if source == "pdf":
        file = st.file_uploader(
            "The paper as PDF",
            type="pdf",
            max_upload_size=MAX_MB,
            key="new_pdf",
            help=f"At most {MAX_MB} MB. The file stays on this server.",
        )
        return _Given("pdf", content=file.getvalue(), name=file.name) if file else _Given("pdf")
    if source == "arxiv":
        text = st.text_input("arXiv ID", placeholder="2505.19955", key="new_arxiv", max_chars=100)
        return _Given("arxiv", text or "")
    if source == "question":
        text = st.text_area(
            "Your question",
            key="new_question",
            max_chars=4000,
            height=100,
            placeholder="Does a cosine learning-rate schedule beat a constant one on a small transformer?",
        )
        return _Given("question", text or "")
    if source == "code":
        return _code()
    names = api.tasks()
    if not names:
        st.info("No tasks in the folder problems. Upload a PDF or ask a question instead.")
        return _Given("task")
    return _Given("task", st.selectbox("Task", names, key="new_task") or "")


def _code() -> _Given:
    folder = st.text_input(
        "Folder with your code",
        placeholder="/home/me/experiment",
        key="new_code",
        max_chars=1000,
        help="With experiment.py and arms.json it runs as it stands; a language model can write what is missing.",
    )
    first, second, third = st.columns(3)
    name = first.text_input("Metric in result.json", placeholder="accuracy", key="new_metric", max_chars=100)
    better = {"maximize": "Larger", "minimize": "Smaller"}
    direction = second.selectbox("Better is", list(better), format_func=better.__getitem__, key="new_direction")
    smallest = third.number_input(
        "Smallest effect that matters", min_value=0.0, value=None, placeholder="0.01", key="new_smallest", format="%g"
    )
    question = st.text_input("Your question (optional)", key="new_code_question", max_chars=4000)
    metric = None
    if (name or "").strip():
        metric = TaskMetric(
            name=(name or "").strip(), direction=direction or "maximize", minimum_effect=smallest or None
        )
    return _Given("code", question or "", code=OwnCode(folder=(folder or "").strip(), metric=metric))


def _model() -> str:
    left, right = st.columns(2)
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


def _start(given: _Given, settings: Settings) -> None:
    checking = "Reading the paper to check it; that takes 2 to 10 seconds …" if given.kind in READ else "Starting …"
    with st.spinner(checking, show_time=True):
        run = actions.begin(given.ask(settings), keys.held())
    links.go("ideas" if settings.approve == "ask" else "run", run.name)
