"""What the experiment agent may do: files of its workspace, exploration runs, a question, and to say that it is done.

Each tool takes validated input and returns a text, or raises Retry with what to change. Programs run in the sandbox,
see validation data only, and write into the record here, never by themselves. Not here: trials that decide.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ValidationError

from copilot.agents.context import NOTE_TOOL, shorten
from copilot.agents.desk import Desk, tool_for
from copilot.agents.inputs import (
    EXPLORATION_SEED,
    AskPerson,
    Empty,
    Finish,
    Note,
    ReadFile,
    Recall,
    ReplaceText,
    RequestHub,
    RequestPackages,
    RunExperiment,
    SetParameters,
    WriteFile,
)
from copilot.disk import out_of_room
from copilot.domain.experiment import Plan
from copilot.domain.idea import Scalar
from copilot.errors import Retry, SetupError
from copilot.events import FilesChanged, MetricRecorded, QuestionAsked
from copilot.lab.arms import read_arms
from copilot.lab.cards import Card, validate_parameters
from copilot.lab.trials import ARMS_FILE, SCRIPT, Bench, Cell, command_run, judge, output_of, run_cell
from copilot.lab.workspace import read_regular, walk_regular
from copilot.llm.protocol import ToolSpec

MAX_TEXT = 6_000
"""Characters of a tool's answer that the model sees."""
MOST_METRICS = 40
"""Numbers of one exploration run that are recorded one by one; a script can write thousands."""
MOST_GLIMPSES = 60


class Supplies(Protocol):
    """What the engine does with a request: it asks, fetches and records. Both raise Retry when the answer is no."""

    def packages(self, texts: list[str], why: str) -> str:
        """Packages in front of the experiment's Python; what to tell the model."""
        ...

    def repository(self, kind: Literal["model", "dataset", "code"], name: str, why: str) -> str:
        """A repository as a read-only folder; what to tell the model."""
        ...

    def bench(self) -> Bench:
        """The bench with everything that was fetched so far."""
        ...


@dataclass
class Toolbox:
    """The tools over one workspace. `prepare_seed` makes the inputs of an exploration seed."""

    desk: Desk
    bench: Bench
    plan: Plan
    card: Card | None
    confirm_seeds: list[int]
    prepare_seed: Callable[[int], None]
    supplies: Supplies | None = None
    """Without it nothing can be asked for, and the two tools are not offered."""
    call_id: str = ""
    """The call being carried out; one that is carried out again after a kill has the same id and counts once."""

    def specs(self) -> list[ToolSpec]:
        """The tools as a model sees them."""
        return tools_offered(supplies=self.supplies is not None)

    def use(self, name: str, given: dict[str, Any]) -> str:
        """Carry out one call. Raises Retry when the name or the input is wrong, or the tool refuses."""
        offered = [spec.name for spec in self.specs()]
        if name not in offered:
            raise Retry(f"there is no tool {name!r}; there are: {', '.join(offered)}")
        tool = TOOLS[name]
        try:
            found = tool.shape.model_validate(given)
        except ValidationError as error:
            lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:6]]
            raise Retry("the input does not fit: " + "; ".join(lines)) from error
        try:
            return shorten(tool.act(self, found), MAX_TEXT)
        except OSError as error:
            if out_of_room(error):
                raise
            raise Retry(f"{type(error).__name__}: {error}") from error
        except (UnicodeError, SetupError) as error:
            raise Retry(f"{type(error).__name__}: {error}") from error

    def _list(self, given: Empty) -> str:
        rows = [f"{entry.st_size:>9}  {path}" for path, entry in walk_regular(self.bench.workspace.folder)]
        return "\n".join(rows[:400]) or "(the workspace is empty)"

    def _read(self, given: ReadFile) -> str:
        data = read_regular(self.bench.workspace.resolve(given.path))
        lines = data.decode("utf-8", "replace").splitlines()
        return "\n".join(lines[given.first_line - 1 :]) or "(nothing there)"

    def _write(self, given: WriteFile) -> str:
        path = self.bench.workspace.resolve(given.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(given.content, encoding="utf-8")
        self._saved(f"write {given.path}")
        return f"wrote {len(given.content)} characters to {given.path}"

    def _replace(self, given: ReplaceText) -> str:
        path = self.bench.workspace.resolve(given.path)
        text = read_regular(path).decode("utf-8")
        if (count := text.count(given.old)) != 1:
            raise Retry(f"`old` occurs {count} times in {given.path}; it must occur exactly once")
        path.write_text(text.replace(given.old, given.new), encoding="utf-8")
        self._saved(f"edit {given.path}")
        return f"replaced once in {given.path}"

    def arms(self) -> dict[str, dict[str, Scalar]]:
        """The parameters of each arm, from arms.json."""
        return read_arms(self.bench.workspace.folder)

    def _known_arm(self, arm: str) -> None:
        names = [known.name for known in self.plan.arms]
        if arm not in names:
            raise Retry(f"there is no arm {arm!r}; the plan has: {', '.join(names)}")

    def _set_parameters(self, given: SetParameters) -> str:
        self._known_arm(given.arm)
        parameters = validate_parameters(self.card, given.parameters) if self.card else given.parameters
        arms = self.arms() | {given.arm: parameters}
        path = self.bench.workspace.resolve(ARMS_FILE)
        path.write_text(json.dumps(arms, indent=1, sort_keys=True))
        self._saved(f"parameters of {given.arm}")
        return f"{given.arm}: {json.dumps(parameters, sort_keys=True)}"

    def _run(self, given: RunExperiment) -> str:
        self._known_arm(given.arm)
        if given.seed in self.confirm_seeds:
            raise Retry(f"seed {given.seed} is kept for the trials; explore with seed 0 or above 1000")
        if not (self.bench.workspace.folder / SCRIPT).is_file():
            raise Retry(f"there is no {SCRIPT} in the workspace yet")
        if self.bench.gpu:
            self.desk.budget().reserve_time(gpu_s=self.bench.limits.seconds)
        self.prepare_seed(given.seed)
        arms = self.arms()
        ran = run_cell(self.bench, Cell("tune", given.arm, given.seed), self._saved("before a run"), arms)
        self.desk.record(command_run(ran, "explore", self.call_id))
        result = judge(ran, self.plan.metric.name, None, wanted=self.plan.trust != "graded")
        note = json.dumps(arms.get(given.arm, {}), sort_keys=True)
        told = {self.plan.metric.name, *itertools.islice(result.reported, MOST_METRICS)}
        for name in (name for name in result.reported if name in told):
            value = result.reported[name]
            shown = MetricRecorded(
                name=name, value=value, arm=given.arm, seed=given.seed, note=note, call_id=self.call_id
            )
            self.desk.record(shown)
        left = sorted(path.name for path in ran.folder.iterdir())
        answer = {
            "status": result.status,
            "reason": result.reason,
            "seconds": result.seconds,
            "metrics": result.reported,
            "files": left,
        }
        return json.dumps(answer) + "\noutput:\n" + (output_of(ran.outcome).strip() or "(none)")

    def _look(self, given: Empty) -> str:
        from copilot.lab.trials import seed_folder

        if self.bench.inputs is None:
            return "(no input files: the script generates its own data)"
        self.prepare_seed(EXPLORATION_SEED)
        folder = seed_folder(self.bench.inputs, EXPLORATION_SEED)
        files = itertools.islice(walk_regular(folder), MOST_GLIMPSES)
        return "\n".join(_glimpse(folder / path, path, entry.st_size) for path, entry in files)

    def _ask(self, given: AskPerson) -> str:
        identity = f"agent-{self.call_id}"
        if identity not in self.desk.state.questions:
            self.desk.record(QuestionAsked(id=identity, gate="question", text=given.question))
        return "The question is waiting for a person. Go on with what you can do without the answer."

    def _note(self, given: Note) -> str:
        return "noted"

    def _recall(self, given: Recall) -> str:
        found = next((step.returned for step in self.desk.state.steps if step.called.call_id == given.call), None)
        if found is None:
            raise Retry(f"there is no earlier call {given.call!r}; shortened results name theirs")
        return found.text

    def _packages(self, given: RequestPackages) -> str:
        supplies = self._supplies()
        answer = supplies.packages(given.packages, given.why)
        self.bench = supplies.bench()
        return answer

    def _hub(self, given: RequestHub) -> str:
        supplies = self._supplies()
        answer = supplies.repository(given.kind, given.id, given.why)
        self.bench = supplies.bench()
        return answer

    def _supplies(self) -> Supplies:
        if self.supplies is None:
            raise Retry("nothing can be fetched in this run")
        return self.supplies

    def _finish(self, given: Finish) -> str:
        if not (self.bench.workspace.folder / SCRIPT).is_file():
            raise Retry(f"there is no {SCRIPT} in the workspace yet")
        ran = {item.arm for item in self.desk.state.metrics} | self._ended_well()
        missing = [arm.name for arm in self.plan.arms if arm.name not in ran]
        if missing:
            raise Retry(f"not every arm has run to a number yet: {', '.join(missing)}. Run it before you finish")
        arms = self.arms()
        first, *others = (arms.get(arm.name, arm.parameters) for arm in self.plan.arms)
        if first in others:
            raise Retry(f"an arm has the same parameters as the first one: say in {ARMS_FILE} what differs")
        self._saved("finished")
        return "noted: the protocol will be frozen now"

    def _ended_well(self) -> set[str]:
        """Arms whose program ran to its end, where others say how good it is: a starter need not know that itself."""
        if self.plan.trust != "graded":
            return set()
        ran = [command for command in self.desk.state.commands if command.purpose == "explore"]
        return {command.argv[command.argv.index("--arm") + 1] for command in ran if command.exit_code == 0}

    def _saved(self, reason: str) -> str:
        """Snapshot the workspace; record it when something changed."""
        before = self.desk.state.snapshot
        snapshot = self.bench.workspace.snapshot()
        if snapshot != before:
            files = self.bench.workspace.changes(before, snapshot)
            self.desk.record(FilesChanged(snapshot=snapshot, files=files[:200], reason=reason))
        return snapshot


def _glimpse(path: Path, name: str, size: int) -> str:
    with path.open("rb") as file:
        head = file.read(600)
    text = head.decode("utf-8", "replace") if b"\0" not in head else "(binary)"
    return f"--- {name} ({size} bytes)\n{text}"


@dataclass(frozen=True)
class Tool:
    """One tool: what a model is told of it, its input, and what it does."""

    text: str
    shape: type[BaseModel]
    act: Callable[[Toolbox, Any], str]
    supplies: bool = False
    """Offered only where something can be fetched."""


TOOLS = {
    "list_files": Tool("The files of the workspace, with sizes.", Empty, Toolbox._list),
    "read_file": Tool("Read a text file of the workspace, from a line on.", ReadFile, Toolbox._read),
    "write_file": Tool("Write a whole text file of the workspace.", WriteFile, Toolbox._write),
    "replace_text": Tool("Replace text that occurs exactly once in a file.", ReplaceText, Toolbox._replace),
    "set_parameters": Tool("Set the parameters of one arm in arms.json.", SetParameters, Toolbox._set_parameters),
    "run_experiment": Tool(
        "Run one arm once, on the exploration seed or another one that the trials will not use; gives validation "
        "numbers and output.",
        RunExperiment,
        Toolbox._run,
    ),
    "inspect_inputs": Tool("The input files of the exploration seed: names, sizes, first bytes.", Empty, Toolbox._look),
    NOTE_TOOL: Tool("Write down what you learnt; notes stay in sight for the whole run.", Note, Toolbox._note),
    "recall": Tool("Show the whole result of an earlier call that is shortened now.", Recall, Toolbox._recall),
    "ask_person": Tool(
        "Leave a question for a person; do not wait: the answer appears when it comes.", AskPerson, Toolbox._ask
    ),
    "finish": Tool("Say that both arms are ready for the trials.", Finish, Toolbox._finish),
    "request_packages": Tool(
        "Ask for Python packages that are missing: names with versions, wheels only. Needs approval.",
        RequestPackages,
        Toolbox._packages,
        supplies=True,
    ),
    "request_hub": Tool(
        "Ask for a model, dataset or linked code that retrieval listed, as a read-only folder. Needs approval.",
        RequestHub,
        Toolbox._hub,
        supplies=True,
    ),
}


def tools_offered(*, supplies: bool) -> list[ToolSpec]:
    """The tools as a model sees them, with or without those that fetch something."""
    offered = {name: tool for name, tool in TOOLS.items() if supplies or not tool.supplies}
    return [tool_for(name, tool.text, tool.shape) for name, tool in offered.items()]
