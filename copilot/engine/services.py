"""The composition root: which model answers for a role, which sandbox contains programs, where a run's parts lie."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from copilot.agents.desk import Desk
from copilot.blobs import Blobs
from copilot.config import Home
from copilot.disk import make_folder, settle_tree, sync, write_atomic
from copilot.domain.paper import Paper
from copilot.domain.task import Settings, Task, TaskHead
from copilot.errors import CannotDo, SetupError
from copilot.events import QuestionAsked, SandboxChosen
from copilot.journal import Journal
from copilot.lab.envs import environment_lock
from copilot.lab.envs.mounts import Mounts, Store, mounts
from copilot.lab.evaluate import Evaluator, open_evaluator
from copilot.lab.trials import Bench
from copilot.lab.workspace import Workspace
from copilot.llm.keys import Keys
from copilot.llm.names import resolve
from copilot.llm.open import open_model
from copilot.llm.protocol import Model
from copilot.runs import RunFolder
from copilot.sandbox.collect import remove_tree
from copilot.sandbox.protocol import Limits, Sandbox
from copilot.state import RunState, fold

if TYPE_CHECKING:
    from copilot.lab.taskkind import TaskKind

ROLES = ("idea", "manager", "experiment")
WORKERS_AT_MOST = 8


def model_name(settings: Settings, task: Task | None, role: str) -> str:
    """The model of a role: the run's own choice, else the task's, else `--llm`."""
    from_task = task.head.models.get(role) if task else None
    return settings.models.get(role) or from_task or settings.llm


def fallback_name(settings: Settings, task: Task | None, role: str) -> str:
    """The model that takes over for a role, or empty; in the same order as `model_name`."""
    head = task.head if task else TaskHead()
    return settings.fallbacks.get(role) or settings.fallback or head.fallbacks.get(role) or head.fallback


def open_models(settings: Settings, task: Task, env: Mapping[str, str]) -> str:
    """Check that every role has a model with its key. The sentence to stamp when none of them is a language model."""
    unknown = set(settings.models) | set(task.head.models) | set(settings.fallbacks) | set(task.head.fallbacks)
    if unknown - set(ROLES):
        raise SetupError(f"unknown role {sorted(unknown - set(ROLES))[0]!r}; roles are: {', '.join(ROLES)}")
    keys = Keys.from_environment(env)
    for second in {fallback_name(settings, task, role) for role in ROLES} - {""}:
        _can_take_over(open_model(second, keys))
    names = {model_name(settings, task, role) for role in ROLES}
    labels = [open_model(name, keys).honest_label for name in sorted(names)]
    return next((label for label in labels if label), "")


def _can_take_over(model: Model) -> Model:
    if model.honest_label:
        raise SetupError(f"{model.name} is no language model and cannot take over from one; name another fall-back")
    return model


@dataclass
class Services:
    """One run with everything that its phases need. `wait` is asked what to do while a question is open."""

    run: RunFolder
    home: Home
    desk: Desk
    env: Mapping[str, str]
    wait: Callable[[QuestionAsked], bool]
    _sandbox: Sandbox | None = None
    _evaluator: Evaluator | None = None
    _prepared: set[int] = field(default_factory=set)
    _kind: TaskKind | None = None
    _mounts: tuple[int, Mounts] | None = None

    @property
    def state(self) -> RunState:
        """The folded journal."""
        return self.desk.state

    @property
    def task(self) -> Task:
        """The task of the run."""
        if self.state.task is None:
            raise SetupError(f"{self.run.path} has no first event: it was never started")
        return self.state.task

    @property
    def settings(self) -> Settings:
        """How the run was asked to go."""
        return self.state.settings or Settings()

    @property
    def seeds(self) -> int:
        """Seeds per arm: the run's own choice, else the task's, else 8."""
        return self.settings.seeds or self.task.head.seeds or 8

    def sandbox(self) -> Sandbox:
        """The level in force; recorded once, and never another one than recorded. Raises SetupError."""
        if self._sandbox is None:
            from copilot.sandbox.choose import choose

            recorded = self.state.sandbox
            chosen = choose(recorded.level if recorded else self.settings.sandbox)
            event = SandboxChosen(level=chosen.level, text=chosen.text, skipped=chosen.skipped, image=chosen.image)
            if recorded is None:
                self.desk.record(event)
            elif recorded.image not in {"", event.image}:
                raise SetupError(f"this run began in the image {recorded.image}; bring it back, here is {event.image}")
            self._sandbox = chosen.sandbox
        return self._sandbox

    def workspace(self) -> Workspace:
        """The run's working copy."""
        return Workspace(self.run.workspace, self.run.history)

    def limits(self) -> Limits:
        """What one program may use."""
        frozen, plan = self.state.protocol, self.state.plan
        seconds = frozen.seconds_per_trial if frozen else (plan.seconds_per_trial if plan else 600.0)
        return Limits(seconds=seconds)

    @property
    def dataset(self) -> str:
        """The name of the generated or bundled data set that the prototype brings, or empty."""
        return self.state.plan.data if self.state.plan and not self.task.sealed else ""

    def inputs(self) -> Path | None:
        """The visible data: the task's own, or what the prototype's data set puts into the run folder."""
        if self.task.folder and (Path(self.task.folder) / "data").is_dir():
            return Path(self.task.folder) / "data"
        return self.run.data / "inputs" if self.dataset else None

    def sealed(self) -> Path | None:
        """The sealed labels, or None when nothing can be graded."""
        if self.task.sealed:
            return Path(self.task.folder) / "sealed"
        return self.run.data / "sealed" if self.dataset else None

    def prepare_seed(self, seed: int) -> None:
        """Make the data of one seed, when the prototype brings its own; the sealed folder comes last, and whole."""
        if not self.dataset or seed in self._prepared:
            return
        from copilot.lab.datasets import prepare

        inputs, sealed = self.run.data / "inputs" / f"seed_{seed}", self.run.data / "sealed" / f"seed_{seed}"
        if not sealed.is_dir():
            making = self.run.data / "making"
            remove_tree(making)
            prepare(self.dataset, seed, making / "inputs", making / "sealed")
            settle_tree(making)
            for made, place in ((making / "inputs", inputs), (making / "sealed", sealed)):
                make_folder(place.parent)
                remove_tree(place)
                made.replace(place)
                sync(place.parent)
            making.rmdir()
        if not (sealed.parent / "grade.json").is_file():
            write_atomic(sealed.parent / "grade.json", (sealed / "grade.json").read_bytes())
        self._prepared.add(seed)

    @property
    def amending(self) -> Path:
        """Names the seeds whose data an amendment makes, until it is recorded."""
        return self.run.data / "amending.json"

    def drop_unrecorded_seeds(self) -> None:
        """Remove the data of seeds that an amendment made and did not record: the sealed hash would not be its own."""
        if not self.amending.is_file():
            return
        kept = self.state.protocol.seeds if self.state.protocol else []
        for seed in json.loads(self.amending.read_text()):
            if seed not in kept:
                remove_tree(self.run.data / "inputs" / f"seed_{seed}")
                remove_tree(self.run.data / "sealed" / f"seed_{seed}")
                self._prepared.discard(seed)
        self.amending.unlink()

    def evaluator(self) -> Evaluator | None:
        """The sealed evaluator, opened once, or None when numbers can only be reported."""
        sealed = self.sealed()
        if self._evaluator is None and sealed is not None and sealed.is_dir():
            script = Path(self.task.folder) / "evaluate.py" if self.task.folder else None
            self._evaluator = open_evaluator(sealed, script if script and script.is_file() else None)
        return self._evaluator

    def bench(self) -> Bench:
        """Everything that trials share."""
        return Bench(
            sandbox=self.sandbox(),
            workspace=self.workspace(),
            inputs=self.inputs(),
            scratch=self.run.path / "scratch",
            trials=self.run.trials,
            logs=self.run.env_log,
            limits=self.limits(),
            label=self.label(),
            mounts=self.mounts(),
            gpu=self.gpu,
        )

    @property
    def gpu(self) -> bool:
        """True when programs are given the GPU: a cap of GPU-seconds was set, and there is one."""
        from copilot.sandbox.supervisor.bwrap import GPU_DEVICES

        if self.state.limits.gpu_seconds is None:
            return False
        found = any(Path(device).exists() for device in GPU_DEVICES)
        if not found:
            self.desk.warn("gpu", "GPU-seconds were granted, but no GPU is seen here: programs run without one")
        return found

    def reserve_gpu(self, programs: int) -> None:
        """Raise Paused when so many programs at once could pass the cap of GPU-seconds."""
        if self.gpu:
            self.desk.budget().reserve_time(gpu_s=programs * self.limits().seconds)

    @property
    def store(self) -> Store:
        """The read-only store of packages and repositories."""
        return Store(self.home.cache.absolute(), self.env)

    def mounts(self) -> Mounts:
        """What was fetched for the experiment, checked once for each state of the record. Raises SetupError."""
        supplies = list(self.state.supplies.values())
        if self._mounts is None or self._mounts[0] != len(supplies):
            self._mounts = (len(supplies), mounts(self.store, supplies, self.desk.blobs.text))
        return self._mounts[1]

    def environment(self) -> str:
        """The lock of everything that trials run in: the base, the overlay, models and data from the Hub."""
        supplies = list(self.state.supplies.values())
        locks = [item.lock for item in supplies if item.what == "packages"]
        overlay = self.desk.blobs.text(locks[-1]) if locks else ""
        return environment_lock(overlay, [item for item in supplies if item.what != "packages"])

    def label(self) -> str:
        """The training label's name where the task's own data does not say it."""
        if not self.task.sealed:
            return ""
        kind = self.task_kind()
        return kind.targets[0] if kind is not None and len(kind.targets) == 1 else ""

    def task_kind(self) -> TaskKind | None:
        """What kind of task its data is, or None outside the catalogue."""
        from copilot.lab.taskkind import describe

        inputs = self.inputs()
        if self._kind is None and inputs is not None and self.task.sealed:
            self._kind = describe(inputs, self.task.body, self.grade_spec())
        return self._kind

    def grade_spec(self) -> dict[str, Any] | None:
        """The grading rules of the task: metric, keys, target; never an answer."""
        path = Path(self.task.folder) / "sealed" / "grade.json"
        if not self.task.sealed or not path.is_file():
            return None
        spec: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return spec

    @property
    def workers(self) -> int:
        """Trials that run side by side."""
        return max(1, min(WORKERS_AT_MOST, len(os.sched_getaffinity(0))))


def build(
    run: RunFolder, home: Home, env: Mapping[str, str], journal: Journal, wait: Callable[[QuestionAsked], bool]
) -> Services:
    """Everything for one run, from its journal."""
    keys = Keys.from_environment(env)
    state = fold(journal.entries)

    opened: dict[str, Model] = {}

    def shared(name: str) -> Model:
        """One object a name: two roles with the same local model ask the same server."""
        who = str(resolve(name, keys.setting))
        return opened.setdefault(who, opened.get(who) or open_model(name, keys))

    def model_for(role: str) -> Model:
        return shared(model_name(state.settings or Settings(), state.task, role))

    def fallback_for(role: str) -> Model | None:
        name = fallback_name(state.settings or Settings(), state.task, role)
        return _can_take_over(shared(name)) if name else None

    desk = Desk(journal=journal, state=state, blobs=Blobs(run.blobs), model_for=model_for, fallback_for=fallback_for)
    return Services(run=run, home=home, desk=desk, env=env, wait=wait)


def refuse_no_paper(paper: Paper) -> None:
    """Raises CannotDo for a document that has no text or is no research paper: no ideas are drafted from nothing."""
    if not any(text.strip() for text in paper.page_texts):
        raise CannotDo(
            "this PDF has no text layer (a scan?), so there is nothing to ground ideas in; start again with --ocr"
        )
    if not paper.looks_like_paper:
        raise CannotDo("this document does not look like a research paper, so no hypotheses are drafted from it")
