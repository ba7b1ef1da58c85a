"""What a person asks for: the task file's head, and the settings of a run."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from copilot.domain.base import Value


class TaskMetric(Value):
    """The metric of a task that fixes one."""

    name: str
    direction: Literal["maximize", "minimize"] = "maximize"
    minimum_effect: float | None = Field(default=None, gt=0)
    unit: str = ""


class TaskBudget(Value):
    """Hard limits of a run of this task."""

    usd: float | None = Field(default=None, ge=0)
    minutes: float | None = Field(default=None, gt=0)
    tokens: int | None = Field(default=None, gt=0)
    gpu_seconds: float | None = Field(default=None, gt=0)
    """Wall seconds of programs that were given the GPU, summed; without this limit none gets it."""


class TaskHead(Value):
    """The YAML head of `problem.md`. Every key is optional; an unknown key is an error."""

    title: str = ""
    paper: str = ""
    """A PDF beside problem.md, or an arXiv id."""
    metric: TaskMetric | None = None
    seeds: int | None = Field(default=None, ge=2, le=200)
    tuning: int | None = Field(default=None, ge=1, le=64)
    steps: int | None = Field(default=None, ge=1, le=1000)
    budget: TaskBudget = TaskBudget()
    seconds_per_trial: float | None = Field(default=None, gt=0)
    prototype: str = ""
    models: dict[str, str] = {}
    """Role -> model name, where a role uses another model than `--llm`."""
    fallback: str = ""
    """The model that takes over when a role's own one does not answer any more."""
    fallbacks: dict[str, str] = {}
    """Role -> model name, where a role falls back to another model than `fallback`."""
    source: str = ""
    licence: str = ""


class OwnCode(Value):
    """A folder of a person's own code to start from, and which of its numbers counts."""

    folder: str
    metric: TaskMetric | None = None


class Task(Value):
    """A task as resolved when the run started; copied into the journal so that later edits change nothing."""

    name: str
    head: TaskHead = TaskHead()
    body: str = ""
    folder: str = ""
    """problems/NAME, or empty for a run from a paper or a question alone."""
    starter: str = ""
    """workspaces/NAME when starter code exists, or the run's copy of a person's own code."""
    sealed: bool = False
    """True when an evaluator with sealed labels belongs to the task."""


_ALLOWED = re.compile(r"(?:(?:model|dataset|code):)?[A-Za-z0-9][A-Za-z0-9._-]*(?:/[A-Za-z0-9][A-Za-z0-9._-]*)?")


class Settings(Value):
    """How this run was asked to go."""

    llm: str = "offline"
    seeds: int | None = Field(default=None, ge=2, le=200)
    tuning: int | None = Field(default=None, ge=1, le=64)
    """Settings that each arm may try before the freeze; 1 is no tuning; None is the plan's own number."""
    steps: int = Field(default=30, ge=1, le=1000)
    budget_usd: float | None = Field(default=None, ge=0)
    minutes: float | None = Field(default=None, gt=0)
    approve: Literal["ask", "auto"] = "auto"
    sandbox: str = "auto"
    """`auto`, or a level chosen by name; anything below `landlock` only when named here."""
    models: dict[str, str] = {}
    tokens: int | None = Field(default=None, gt=0)
    """Cap of all tokens, in and out."""
    gpu_seconds: float | None = Field(default=None, gt=0)
    """Cap of wall seconds with the GPU; programs get the GPU only when it is given."""
    fallback: str = ""
    fallbacks: dict[str, str] = {}
    ocr: bool = False
    """Whether pages of the paper without text are recognised by Tesseract; the verdict then says so."""
    allow: list[str] = []
    """What the agent may have fetched without a question: a package's name (with what it needs), or a Hub id as
    `OWNER/NAME`, `model:NAME`, `dataset:NAME` or `code:OWNER/NAME`."""

    @field_validator("allow")
    @classmethod
    def _names_only(cls, allow: list[str]) -> list[str]:
        for name in allow:
            if not _ALLOWED.fullmatch(name):
                raise ValueError(
                    f"{name!r} is neither a package's name nor a Hub id (OWNER/NAME, model:NAME, dataset:NAME)"
                )
        return allow
