"""The cards of the bundled prototypes: what each can vary, on which data, and what an effect is worth.

Reads YAML heads only; runs nothing and imports nothing heavy, so that listing prototypes is instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, model_validator

from copilot.domain.base import Value
from copilot.domain.idea import Metric, Scalar
from copilot.errors import SetupError

PROTOTYPES = Path(__file__).resolve().parent / "prototypes"


class Parameter(Value):
    """One thing an arm may set. Exactly one of `choices` and `range` (inclusive ends) is given."""

    default: Scalar
    choices: list[Scalar] | None = None
    range: tuple[float, float] | None = None
    tune: list[Scalar] = []
    """Values worth trying beside the default where the parameter is no part of the question; empty: never tuned."""
    description: str

    @model_validator(mode="after")
    def _default_is_allowed(self) -> Parameter:
        if (self.choices is None) == (self.range is None):
            raise ValueError("give either choices or range")
        for name, value in [("default", self.default), *(("tune", value) for value in self.tune)]:
            if problem := self.problem(value):
                raise ValueError(f"{name} {problem}")
        return self

    def problem(self, value: Any) -> str:
        """Why the value is not allowed, as the end of a sentence; empty when it is allowed."""
        if self.choices is not None:
            fits = any(type(value) is type(choice) and value == choice for choice in self.choices)
            return "" if fits else f"must be one of {', '.join(map(str, self.choices))}, not {value!r}"
        low, high = self.range or (0.0, 0.0)
        whole = isinstance(self.default, int)
        if isinstance(value, bool) or not isinstance(value, (int,) if whole else (int, float)):
            return f"must be {'a whole number' if whole else 'a number'} from {low:g} to {high:g}, not {value!r}"
        return "" if low <= value <= high else f"must lie between {low:g} and {high:g}, not {value!r}"


class Card(Value):
    """A prototype's card: the YAML head of `card.md` and its body."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: str
    summary: str
    tags: list[str] = []
    """Words of the field that the prototype answers to; what retrieval looks at beside title and summary."""
    requires: str = ""
    """Empty, or the extra package that the script imports (`torch`)."""
    dataset: str
    """Default data set, a name for `copilot.lab.datasets.prepare`."""
    datasets: list[str] = []
    """Other data sets that it runs on with the same metric."""
    metric: Metric
    minimum_effect: float = Field(gt=0)
    """The smallest effect that matters by default, in units of the metric."""
    noise: float | None = None
    """Standard deviation, over seeds, of a paired difference of the metric (`benchmarks.intervention_verdicts`)."""
    seconds_per_trial: float = Field(gt=0)
    """Measured wall time of the default trial on one core, interpreter start included."""
    parameters: dict[str, Parameter]
    body: str = ""

    def defaults(self) -> dict[str, Scalar]:
        """Parameter -> default: the baseline arm."""
        return {name: parameter.default for name, parameter in self.parameters.items()}


def prototype_folder(name: str) -> Path:
    """The folder of a bundled prototype. Raises SetupError when there is none of this name."""
    folder = PROTOTYPES / name
    if not name.isidentifier() or not (folder / "card.md").is_file():
        raise SetupError(f"No bundled prototype is called {name!r}.")
    return folder


def read_card(path: Path) -> Card:
    """Read one `card.md`. Raises SetupError when the head is missing, is not YAML or does not fit `Card`."""
    text = path.read_text(encoding="utf-8")
    _, head, body = text.split("---\n", 2) if text.startswith("---\n") and text.count("---\n") > 1 else ("", "", text)
    try:
        return Card.model_validate({**_metric_out(_load_yaml(head)), "body": body.strip()})
    except (yaml.YAMLError, ValueError, TypeError) as error:
        raise SetupError(f"{path}: the head of this card cannot be read: {error}") from error


def _load_yaml(text: str) -> Any:
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _metric_out(head: Any) -> dict[str, Any]:
    """`minimum_effect` is written beside the metric's name in the card and belongs to the card."""
    head = dict(head or {})
    metric = dict(head.get("metric") or {})
    if "minimum_effect" in metric:
        head["minimum_effect"] = metric.pop("minimum_effect")
    return {**head, "metric": metric}


def load_cards() -> dict[str, Card]:
    """All bundled cards by name, sorted. Raises SetupError when a card is broken or named unlike its folder."""
    cards = {path.parent.name: read_card(path) for path in sorted(PROTOTYPES.glob("*/card.md"))}
    for name, card in cards.items():
        if card.name != name:
            raise SetupError(f"The card in prototypes/{name} calls itself {card.name!r}.")
    return cards


def validate_parameters(card: Card, parameters: Mapping[str, Any]) -> dict[str, Scalar]:
    """The parameters of an arm with the defaults filled in.

    Whole numbers are accepted for real-valued parameters. Raises SetupError naming the parameter and what is allowed.
    """
    for name, value in parameters.items():
        if name not in card.parameters:
            raise SetupError(f"{card.name}: unknown parameter {name!r}. It has: {', '.join(card.parameters)}.")
        if problem := card.parameters[name].problem(value):
            raise SetupError(f"{card.name}: {name} {problem}.")
    return {**card.defaults(), **parameters}
