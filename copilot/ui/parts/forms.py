"""Fields for an idea and for a plan inside a `st.form`, and back from fields to values, with problems as sentences.

Each `*_fields` function draws the widgets and returns a function that builds the edited value; call it after the
submit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, Literal

import streamlit as st
from pydantic import ValidationError

from copilot.domain.experiment import Plan
from copilot.domain.idea import Arm, Idea, Metric, Scalar
from copilot.errors import SetupError
from copilot.ui.parts.text import plain

Direction = Literal["maximize", "minimize"]
_DIRECTIONS: dict[str, str] = {"maximize": "larger is better", "minimize": "smaller is better"}
_LINE = re.compile(r"^\s*([A-Za-z_][\w.\-]{0,79})\s*[=:]\s*(.*?)\s*$")


def parameters_text(parameters: dict[str, Scalar]) -> str:
    """Parameters as lines `name = value`, values as JSON where that is needed to tell them apart."""
    return "\n".join(f"{name} = {_spell(value)}" for name, value in parameters.items())


def _spell(value: Scalar) -> str:
    if isinstance(value, str):
        return (
            value if value.isprintable() and value == value.strip() and _scalar(value) == value else json.dumps(value)
        )
    return json.dumps(value)


def _scalar(text: str) -> Scalar:
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if value is None or isinstance(value, str | int | float | bool) else text


def parse_parameters(text: str) -> dict[str, Scalar]:
    """Lines `name = value` back to parameters. Raises SetupError naming the line that is not one."""
    found: dict[str, Scalar] = {}
    for line in text.splitlines():
        if not line.strip():
            continue
        match = _LINE.match(line)
        if not match:
            raise SetupError(f"the parameter line {line.strip()[:60]!r} is not of the form: name = value")
        found[match[1]] = _scalar(match[2])
    return found


def _sentence(error: ValidationError) -> SetupError:
    first = error.errors()[0]
    where = " ".join(str(part) for part in first["loc"]) or "this form"
    return SetupError(f"{where}: {first['msg']}. Correct it and save again.")


def arms_fields(arms: list[Arm], key: str) -> Callable[[], list[Arm]]:
    """One row of fields an arm, and one more line to add an arm."""
    fields = []
    for index, arm in enumerate(arms):
        left, right = st.columns(2)
        name = plain(arm.name)
        about = left.text_area(f"Arm {name}: what it is", arm.description, key=f"{key}_arm{index}_about", height=96)
        text = right.text_area(
            f"Arm {name}: parameters, one `name = value` a line",
            parameters_text(arm.parameters),
            key=f"{key}_arm{index}_parameters",
            height=96,
        )
        fields.append((arm.name, about, text))
    added = st.text_input(
        "Add an arm (optional): its name",
        key=f"{key}_arm_new",
        max_chars=40,
        help="Small letters, digits and underscores. It starts with the parameters of the last arm.",
    )

    def build() -> list[Arm]:
        built = [
            Arm(name=name, description=about or "", parameters=parse_parameters(text or ""))
            for name, about, text in fields
        ]
        if new := (added or "").strip():
            if new in {arm.name for arm in built}:
                raise SetupError(f"there is already an arm {new!r}; choose another name")
            built.append(Arm(name=new, parameters=built[-1].parameters if built else {}))
        return built

    return build


def metric_fields(metric: Metric, key: str) -> Callable[[], Metric]:
    """Name, direction and unit of the metric."""
    first, second, third = st.columns([2, 2, 1])
    name = first.text_input("Metric", metric.name, key=f"{key}_metric", max_chars=80)
    options = list(_DIRECTIONS)
    direction = second.selectbox(
        "Direction",
        options,
        index=options.index(metric.direction),
        format_func=_DIRECTIONS.__getitem__,
        key=f"{key}_direction",
    )
    unit = third.text_input("Unit", metric.unit, key=f"{key}_unit", max_chars=40)
    chosen: Direction = "minimize" if direction == "minimize" else "maximize"
    return lambda: Metric(name=(name or "").strip(), direction=chosen, unit=(unit or "").strip())


def idea_fields(idea: Idea, key: str) -> Callable[[], Idea]:
    """All fields of a hypothesis that a person may change."""
    title = st.text_input("Title", idea.title, key=f"{key}_title", max_chars=300)
    claim = st.text_area("Claim: what will be tested", idea.claim, key=f"{key}_claim", height=80, max_chars=4000)
    mechanism = st.text_area("Mechanism: why it might be so", idea.mechanism, key=f"{key}_mechanism", height=80)
    refuted = st.text_input("Refuted by: which outcome would speak against it", idea.refuted_by, key=f"{key}_refuted")
    metric = metric_fields(idea.metric, key)
    numbers = _number_fields(idea, key)
    arms = arms_fields(idea.arms, key)

    def build() -> Idea:
        try:
            changed: dict[str, Any] = {
                "title": (title or "").strip() or idea.title,
                "claim": (claim or "").strip(),
                "mechanism": (mechanism or "").strip(),
                "refuted_by": (refuted or "").strip(),
                "metric": metric(),
                "arms": arms(),
                **numbers(),
            }
            return Idea.model_validate(idea.model_dump() | {k: _dump(v) for k, v in changed.items()})
        except ValidationError as error:
            raise _sentence(error) from error

    return build


def _number_fields(idea: Idea, key: str) -> Callable[[], dict[str, Any]]:
    a, b, c, d = st.columns(4, vertical_alignment="bottom")
    smallest = a.number_input(
        "Smallest effect that matters",
        value=idea.minimum_effect,
        format="%g",
        key=f"{key}_smallest",
        help="In units of the metric. A smaller effect does not count as support.",
    )
    predicted, probability = idea.predicted_effect, idea.probability
    if idea.foretold:
        predicted = b.number_input("Predicted effect", value=predicted, format="%g", key=f"{key}_predicted")
        probability = c.slider("Probability of support", 0.0, 1.0, probability, 0.05, key=f"{key}_probability")
    seeds = d.number_input("Seeds", min_value=2, max_value=200, value=idea.seeds, step=1, key=f"{key}_seeds")
    return lambda: {
        "minimum_effect": smallest,
        "predicted_effect": predicted,
        "probability": probability,
        "seeds": int(seeds),
    }


def plan_fields(plan: Plan, key: str) -> Callable[[], Plan]:
    """All fields of a plan that a person may change."""
    metric = metric_fields(plan.metric, key)
    a, b, c = st.columns(3, vertical_alignment="bottom")
    smallest = a.number_input(
        "Smallest effect that matters", value=plan.minimum_effect, format="%g", key=f"{key}_smallest"
    )
    seeds = b.number_input("Seeds", min_value=2, max_value=200, value=plan.seeds, step=1, key=f"{key}_seeds")
    limit = c.number_input("Seconds a trial may take", value=plan.seconds_per_trial, format="%g", key=f"{key}_limit")
    settings = _tuning_field(plan, key)
    arms = arms_fields(plan.arms, key)
    steps = st.text_area("Steps, one a line", "\n".join(plan.steps), key=f"{key}_steps", height=120)

    def build() -> Plan:
        try:
            changed: dict[str, Any] = {
                "metric": metric(),
                "minimum_effect": smallest,
                "seeds": int(seeds),
                "seconds_per_trial": limit,
                "arms": arms(),
                "tuning": plan.tuning.model_copy(update={"settings": int(settings)}).model_dump(),
                "steps": [line.strip() for line in (steps or "").splitlines() if line.strip()],
            }
            return Plan.model_validate(plan.model_dump() | {k: _dump(v) for k, v in changed.items()})
        except ValidationError as error:
            raise _sentence(error) from error

    return build


def _tuning_field(plan: Plan, key: str) -> int:
    """How many settings each arm may try before the freeze, where the plan names something to tune."""
    if not plan.tuning.space:
        return plan.tuning.settings
    names = ", ".join(plain(name, 40) for name in plan.tuning.space)
    return st.number_input(
        "Settings that each arm tries before the freeze",
        min_value=1,
        max_value=64,
        value=plan.tuning.settings,
        step=1,
        key=f"{key}_settings",
        help=f"Tuned on validation data, alike in every arm: {names}. 1 is no tuning.",
    )


def _dump(value: Any) -> Any:
    if isinstance(value, Metric):
        return value.model_dump()
    if isinstance(value, list):
        return [item.model_dump() if isinstance(item, Arm) else item for item in value]
    return value
