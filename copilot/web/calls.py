"""One call, checked: who calls, the run of its address, what it carries; and what every act on a run asks of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from copilot import api
from copilot.hosting.guests import Guest
from copilot.runs import RunFolder
from copilot.ui.parts import outline
from copilot.web import bodies
from copilot.web.problems import Denied

MEDIA: dict[bodies.File, str] = {
    "report.md": "text/markdown",
    "report.pdf": "application/pdf",
    "bundle.zip": "application/zip",
}


@dataclass(frozen=True)
class Call:
    """One call: who calls, the parts of its address, its body, its query, an uploaded PDF."""

    guest: Guest | None
    path: dict[str, str] = field(default_factory=dict)
    body: Any = None
    query: Any = None
    pdf: bytes = b""
    pdf_name: str = ""

    @property
    def run(self) -> RunFolder:
        """The run of the address. Raises NoSuchRun."""
        return api.named(f"{self.path['task']}/{self.path['start']}", guest=self.guest)

    @property
    def going_on(self) -> RunFolder:
        """The run of the address, which has not ended. Raises Denied."""
        run = self.run
        if api.state(run).finished is not None:
            raise Denied(409, "this run has ended")
        return run

    @property
    def resting(self) -> RunFolder:
        """The run of the address, which has not ended and which no engine works on. Raises Denied."""
        run = self.going_on
        if api.engine_alive(run):
            raise Denied(409, "an engine works on this run")
        return run


def plain(keys: dict[str, bodies.Key]) -> dict[str, str]:
    """The keys as an engine takes them."""
    return {name: key.get_secret_value() for name, key in keys.items()}


def detail(run: RunFolder) -> bodies.Detail:
    """Where a run stands, in one value."""
    state = api.state(run)
    return bodies.Detail(
        **api.summary(run, state).model_dump(),
        title=outline.of(run).title,
        phase=state.phase,
        working=api.engine_alive(run),
        place=api.place(run),
        questions=[
            bodies.Question(**question.model_dump(include=set(bodies.Question.model_fields)))
            for question in state.open_questions
        ],
        files=[name for name in MEDIA if (run.report / name).is_file()],
    )
