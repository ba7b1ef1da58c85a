"""The form of what a run starts from: a paper, a question, a shipped task or one's own code. Fields in, `Given` out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import streamlit as st

from copilot import api
from copilot.config import PAPER_PASSWORD
from copilot.domain.task import OwnCode, Settings, TaskMetric
from copilot.errors import SetupError
from copilot.hosting.uploads import MAX_MB
from copilot.ui.parts import session

SOURCES = {
    "pdf": ":material/upload_file: Upload a PDF",
    "arxiv": ":material/tag: arXiv ID",
    "question": ":material/help: Question",
    "task": ":material/folder_open: Example task",
    "code": ":material/code: Your own code",
}
_ARXIV = re.compile(
    r"(?:arxiv:)?(?:https?://arxiv\.org/(?:abs|pdf)/)?(\d{4}\.\d{4,5}(?:v\d+)?|[a-z-]+/\d{7}(?:v\d+)?)", re.I
)


@dataclass(frozen=True)
class Given:
    """What the person handed in, checked: what to ask for beyond the settings, and what is said to nobody else."""

    asked: api.Ask
    ocr: bool = False
    secrets: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def wait(self) -> str:
        """What is going on while the run is made."""
        if self.ocr:
            return "Recognising the text of the paper to check it; that takes some seconds a page …"
        return "Reading the paper to check it; that takes 2 to 10 seconds …" if self.asked.paper else "Starting …"

    def ask(self, settings: Settings) -> api.Ask:
        """The whole question to the engine."""
        return self.asked.model_copy(update={"settings": settings.model_copy(update={"ocr": self.ocr})})


def fields() -> Callable[[], Given]:
    """Draw the fields; the returned function checks them. It raises SetupError with what is missing."""
    drawn = {"pdf": _pdf, "arxiv": _arxiv, "question": _question, "task": _task, "code": _code}
    offered = [source for source in SOURCES if source != "code" or not session.restricted()]
    chosen = st.radio("Start from", offered, format_func=SOURCES.__getitem__, horizontal=True, key="new_source")
    with st.container(border=True, key="new-source-box"):
        return drawn[chosen or "pdf"]()


def _pdf() -> Callable[[], Given]:
    file = st.file_uploader(
        "The paper as PDF",
        type="pdf",
        max_upload_size=MAX_MB,
        key="new_pdf",
        help=f"At most {MAX_MB} MB. The file stays on this server.",
    )
    ocr, password = _locked_or_scanned()

    def given() -> Given:
        if not file:
            raise SetupError("choose a PDF first")
        paper = api.upload(file.getvalue(), file.name)  # counted when it came from the browser
        return Given(api.Ask(paper=str(paper)), ocr, {PAPER_PASSWORD: password} if password else {})

    return given


def _locked_or_scanned() -> tuple[bool, str]:
    """Whether to recognise the text of pictures, and the word that opens the file."""
    with st.expander("The PDF is scanned, or locked", icon=":material/document_scanner:"):
        password = st.text_input(
            "Password of the PDF (optional)",
            type="password",
            key="new_paper_password",
            autocomplete="off",
            max_chars=200,
            help="Given only to the process that reads the paper, and kept nowhere. What is read becomes part of the "
            "run, as text.",
        )
        if session.restricted() or not api.recognises_scans():
            return False, password or ""
        ocr = st.checkbox(
            "Recognise the text of scanned pages",
            key="new_ocr",
            help="With Tesseract, some seconds a page. Words and numbers may come out wrong, and the verdict says so.",
        )
    return ocr, password or ""


def _arxiv() -> Callable[[], Given]:
    text = st.text_input("arXiv ID", placeholder="2505.19955", key="new_arxiv", max_chars=100)

    def given() -> Given:
        match = _ARXIV.fullmatch((text or "").strip())
        if not match:
            raise SetupError("this is not an arXiv ID; one looks like 2505.19955")
        return Given(api.Ask(paper=match[1]))

    return given


def _question() -> Callable[[], Given]:
    text = st.text_area(
        "Your question",
        key="new_question",
        max_chars=4000,
        height=100,
        placeholder="Does a cosine learning-rate schedule beat a constant one on a small transformer?",
    )

    def given() -> Given:
        question = (text or "").strip()
        if len(question.split()) < 3:
            raise SetupError("write the question as a sentence, for example: does label smoothing help here?")
        return Given(api.Ask(objective=question))

    return given


def _task() -> Callable[[], Given]:
    names = api.tasks()
    if not names:
        st.info("No tasks in the folder problems. Upload a PDF or ask a question instead.")
    name = st.selectbox("Task", names, key="new_task") if names else None

    def given() -> Given:
        if not name:
            raise SetupError("there is no example task here; upload a PDF or ask a question instead")
        return Given(api.Ask(task=name))

    return given


def _code() -> Callable[[], Given]:
    folder = st.text_input(
        "Folder with your code",
        placeholder="/home/me/experiment",
        key="new_code",
        max_chars=1000,
        help="With experiment.py and arms.json it runs as it stands; a language model can write what is missing.",
    )
    metric = _metric()
    question = st.text_input("Your question (optional)", key="new_code_question", max_chars=4000)

    def given() -> Given:
        path = (folder or "").strip()
        if not path:
            raise SetupError("name the folder with your code")
        return Given(api.Ask(objective=(question or "").strip(), code=OwnCode(folder=path, metric=metric)))

    return given


def _metric() -> TaskMetric | None:
    first, second, third = st.columns(3)
    name = first.text_input("Metric in result.json", placeholder="accuracy", key="new_metric", max_chars=100)
    better = {"maximize": "Larger", "minimize": "Smaller"}
    direction = second.selectbox("Better is", list(better), format_func=better.__getitem__, key="new_direction")
    smallest = third.number_input(
        "Smallest effect that matters", min_value=0.0, value=None, placeholder="0.01", key="new_smallest", format="%g"
    )
    if not (name or "").strip():
        return None
    return TaskMetric(name=(name or "").strip(), direction=direction or "maximize", minimum_effect=smallest or None)
