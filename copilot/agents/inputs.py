"""What the experiment agent's tools take, as values: their schemas are what a model sees. Nothing is done here."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from copilot.domain.idea import Scalar
from copilot.lab.envs.names import MOST_NAMES

MAX_FILE = 200_000
EXPLORATION_SEED = 0


class Empty(BaseModel):
    """No input."""

    model_config = ConfigDict(extra="forbid")


class ReadFile(BaseModel):
    """Read a text file, from a line on."""

    model_config = ConfigDict(extra="forbid")
    path: str
    first_line: int = Field(default=1, ge=1)


class WriteFile(BaseModel):
    """Write a whole text file."""

    model_config = ConfigDict(extra="forbid")
    path: str
    content: str = Field(max_length=MAX_FILE)


class ReplaceText(BaseModel):
    """Replace text that occurs exactly once."""

    model_config = ConfigDict(extra="forbid")
    path: str
    old: str = Field(min_length=1)
    new: str


class SetParameters(BaseModel):
    """Set the parameters of an arm in arms.json."""

    model_config = ConfigDict(extra="forbid")
    arm: str
    parameters: dict[str, Scalar]


class RunExperiment(BaseModel):
    """Run one arm once, on the exploration seed or another one that the trials will not use."""

    model_config = ConfigDict(extra="forbid")
    arm: str
    seed: int = Field(default=EXPLORATION_SEED, ge=0, le=2**31 - 1)


class AskPerson(BaseModel):
    """Leave a question; the work goes on, the answer appears when it comes."""

    model_config = ConfigDict(extra="forbid")
    question: str = Field(min_length=5, max_length=2000)


class Note(BaseModel):
    """A note to yourself."""

    model_config = ConfigDict(extra="forbid")
    text: str = Field(min_length=3, max_length=500)


class Recall(BaseModel):
    """The id of an earlier call, as a shortened result names it."""

    model_config = ConfigDict(extra="forbid")
    call: str = Field(max_length=40)


class RequestPackages(BaseModel):
    """Ask for Python packages by name and version; a person or the run's policy decides."""

    model_config = ConfigDict(extra="forbid")
    packages: list[str] = Field(min_length=1, max_length=MOST_NAMES)
    why: str = Field(min_length=5, max_length=500)


class RequestHub(BaseModel):
    """Ask for one model, dataset or linked code that retrieval listed; a person or the run's policy decides."""

    model_config = ConfigDict(extra="forbid")
    id: str = Field(max_length=200)
    kind: Literal["model", "dataset", "code"]
    why: str = Field(min_length=5, max_length=500)


class Finish(BaseModel):
    """Both arms are ready for the trials."""

    model_config = ConfigDict(extra="forbid")
    summary: str
