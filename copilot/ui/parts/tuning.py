"""Equal tuning before the freeze, as it goes on and as it came out: what every arm tried, and what it kept.

Which settings are tried, and which one wins, is decided elsewhere. Validation numbers only: none of them decides.
"""

from __future__ import annotations

from math import fsum, prod

import streamlit as st

from copilot.domain.experiment import TriedSetting
from copilot.domain.idea import Scalar
from copilot.events import ArmsTuned
from copilot.state import RunState
from copilot.ui.parts.text import count, number, one_line, plain

Parameters = dict[str, Scalar]
SEEDS = 2
"""Tuning seeds for each setting: see docs/verdicts.md."""


def planned(state: RunState) -> int:
    """Programs that tuning will run, as far as the plan tells; 0 where the plan names nothing to tune.

    An arm that exploration treated less is given more settings, so it can become more.
    """
    plan = state.plan
    if plan is None or not plan.tuning.space or plan.tuning.settings < 2:
        return 0
    different = prod(1 + len(values) for values in plan.tuning.space.values())
    return len(plan.arms) * SEEDS * min(plan.tuning.settings, different)


def tried(state: RunState) -> list[float]:
    """Seconds that each tuning program took so far."""
    return [command.seconds for command in state.commands if command.purpose == "tune"]


def show(state: RunState) -> None:
    """What each arm tried and kept; nothing where no arm was tuned."""
    if state.tuned is None:
        return
    st.markdown("**Tuning before the freeze**")
    first = _planned(state.tuned)
    varied = {name for item in state.tuned.tried for name in _changed(item.parameters, first[item.arm])}
    names = ", ".join(plain(name, 40) for name in sorted(varied))
    st.caption(
        f"Every arm tried settings of {names or 'nothing that varies'} on validation data, with "
        f"{count(len(state.tuned.seeds), 'seed')} each that no trial uses, and kept the best one."
    )
    st.dataframe(rows(state.tuned), hide_index=True, alt="Tuning: settings tried and kept, one row an arm")
    with st.expander("Every setting that was tried", icon=":material/tune:"):
        st.dataframe(_all(state.tuned), hide_index=True, alt="Every setting with its validation number")


def rows(tuned: ArmsTuned) -> list[dict[str, str]]:
    """One row an arm: how many settings it tried, what it kept, and the validation means before and after."""
    return [_row(tuned, arm) for arm in tuned.chosen]


def _row(tuned: ArmsTuned, arm: str) -> dict[str, str]:
    own = [item for item in tuned.tried if item.arm == arm]
    first = own[0].parameters if own else {}
    kept = next((item for item in own if item.parameters == tuned.chosen[arm]), None)
    return {
        "arm": one_line(arm, 60),
        "settings tried": str(len(own)),
        "kept": _words(tuned.chosen[arm], first) or "as planned",
        f"{one_line(tuned.metric, 40)} as planned": number(_mean(own[0]) if own else None),
        f"{one_line(tuned.metric, 40)} kept": number(_mean(kept) if kept else None),
    }


def _all(tuned: ArmsTuned) -> list[dict[str, str]]:
    first = _planned(tuned)
    return [
        {
            "arm": one_line(item.arm, 60),
            "setting": _words(item.parameters, first[item.arm]) or "as planned",
            one_line(tuned.metric, 40): number(_mean(item)),
            "kept": "yes" if tuned.chosen.get(item.arm) == item.parameters else "",
        }
        for item in tuned.tried
    ]


def _planned(tuned: ArmsTuned) -> dict[str, Parameters]:
    """The setting that each arm tried first."""
    return {item.arm: item.parameters for item in reversed(tuned.tried)}


def _changed(parameters: Parameters, first: Parameters) -> Parameters:
    """What differs from the setting that was planned."""
    return {name: value for name, value in parameters.items() if name not in first or first[name] != value}


def _words(parameters: Parameters, first: Parameters) -> str:
    changed = sorted(_changed(parameters, first).items())
    return one_line(", ".join(f"{name} = {value}" for name, value in changed), 200)


def _mean(item: TriedSetting) -> float | None:
    values = [value for value in item.values if value is not None]
    return fsum(values) / len(values) if values and len(values) == len(item.values) else None
