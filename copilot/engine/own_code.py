"""An experiment that a person brings whole: code that obeys the contract, with arms.json.

Then the question is already asked: the arms of the file are compared as they stand, and no model has to write a thing.
What the numbers are worth is said as for any other run: `graded` where the task has sealed answers, else the script's
own (`reported`).
"""

from __future__ import annotations

from pathlib import Path

from copilot.domain.idea import Arm, Idea, Metric
from copilot.domain.task import Task
from copilot.errors import CannotDo, Retry, SetupError
from copilot.lab.arms import read_arms
from copilot.lab.taskkind import starter_of
from copilot.lab.trials import ARMS_FILE, SCRIPT
from copilot.lab.workspace import read_regular, walk_regular

BASELINE = "baseline"
MOST_NAMES, MOST_SHOWN, MOST_CHARACTERS = 200, 6, 6_000
PROPOSER = "the given code"
EVEN = 0.5
"""Nobody said how probable it is that the verdict will be *supported*."""


def brings_code(task: Task) -> bool:
    """True when there is code to start from that the catalogue does not wrap.

    Beside sealed answers that is a whole experiment with arms of its own; other code there is a starter script.
    """
    folder = Path(task.starter)
    return bool(task.starter) and (not task.sealed or (_is_whole(folder, _arms(folder)) and not starter_of(folder)))


def _is_whole(folder: Path, arms: list[Arm]) -> bool:
    return (folder / SCRIPT).is_file() and len(arms) > 1


def own_idea(task: Task, metric: Metric | None, minimum_effect: float, seeds: int) -> Idea | None:
    """The comparison that the folder itself asks for, or None when it is no whole experiment.

    Raises SetupError when arms.json cannot be read, and CannotDo when nobody named the metric.
    """
    arms = _arms(Path(task.starter))
    if not _is_whole(Path(task.starter), arms):
        return None
    if metric is None:
        raise CannotDo(
            f"the code in {Path(task.starter).name} brings its own arms, but nobody said which number of its "
            "result.json counts: name it with --metric, or `metric` in the head of problem.md"
        )
    baseline, *others = arms
    better = "higher" if metric.direction == "maximize" else "lower"
    return Idea(
        id="own-code",
        title=task.head.title or f"{', '.join(arm.name for arm in others)} against {baseline.name}",
        claim=f"{' and '.join(arm.name for arm in others)}: {metric.name} is {better} than with {baseline.name} by at "
        f"least {minimum_effect:g}, in the code as it was given.",
        mechanism=task.body[:1000],
        refuted_by=f"a mean paired difference below {minimum_effect:g}",
        arms=arms,
        metric=metric,
        predicted_effect=minimum_effect,
        probability=EVEN,
        minimum_effect=minimum_effect,
        seeds=seeds,
        relevance=1.0,
        score=1.0,
        kind="given",
        source="person",
    )


def excerpt(folder: Path) -> str:
    """The names of all files and the beginnings of the Python ones, for a model to read."""
    files = [(path, entry.st_size) for path, entry in walk_regular(folder)]
    parts = [f"{size:>9}  {path}" for path, size in files[:MOST_NAMES]]
    for path, _ in [item for item in files if item[0].endswith(".py")][:MOST_SHOWN]:
        text = read_regular(folder / path)[:MOST_CHARACTERS].decode("utf-8", "replace")
        parts.append(f"--- {path}\n{text}")
    return "\n".join(parts)


def _arms(folder: Path) -> list[Arm]:
    """The baseline first: the arm of that name, else the first of the file."""
    try:
        given = read_arms(folder)
        arms = [Arm(name=name, parameters=parameters) for name, parameters in given.items()]
    except (Retry, ValueError) as error:
        raise SetupError(f"{ARMS_FILE} of the given code cannot be used: {error}") from error
    return sorted(arms, key=lambda arm: arm.name != BASELINE)
