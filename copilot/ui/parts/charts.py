"""Charts and the trial matrix, from the state and from what trials left on disk. Altair is imported on first use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from copilot.domain.base import finite
from copilot.domain.experiment import ComparisonResult, Protocol
from copilot.state import RunState, TrialKey
from copilot.ui.parts.session import View
from copilot.ui.parts.text import number, plain

if TYPE_CHECKING:
    import altair as alt

MAX_POINTS = 200
"""Points of one curve that are drawn; longer ones are thinned evenly."""
MAX_FILE = 2_000_000
MAX_CURVES = 4
BLUE = "#4a7fe8"
"""Seen on white and on black."""
ARM_COLOURS = ["#8a8f98", "#2f6fde", "#d9822b", "#2a9d6f", "#b5489a"]
"""Grey for the baseline, which comes first; then the treatments."""


def matrix(state: RunState) -> None:
    """Arms by seeds as far as they are known: the value, or the word for what became of the trial."""
    protocol = state.protocol
    if protocol is None:
        st.caption("Fills up after the protocol is frozen.")
        return
    st.dataframe(
        matrix_rows(state, protocol),
        hide_index=True,
        alt="Trial matrix: one row a seed, one column an arm",
    )


def matrix_rows(state: RunState, protocol: Protocol) -> list[dict[str, Any]]:
    """One row a seed, one column an arm."""
    return [
        {"seed": str(seed)} | {arm.name: _cell(state, arm.name, seed) for arm in protocol.arms}
        for seed in protocol.seeds
    ]


def _cell(state: RunState, arm: str, seed: int) -> str:
    key: TrialKey = ("confirm", arm, seed)
    result = state.trials.get(key)
    if result is None:
        return "running …" if key in state.trial_starts and state.status == "running" else ""
    return number(result.value) if result.status == "ok" else result.status


def curves(view: View) -> None:
    """Learning curves of all trials so far, one chart a metric, mean of each arm over its seeds in bold."""
    points = [point for path in _curve_files(view) for point in _read(path)]
    names = drawable(points)
    if not names:
        return
    st.markdown("**Learning curves**")
    for name in names[:MAX_CURVES]:
        chart = curve_chart([point for point in points if point["name"] == name], name)
        st.altair_chart(chart, key=f"curve-{name}", alt=f"Learning curve of {name}")
    if len(names) > MAX_CURVES:
        st.caption(f"{len(names) - MAX_CURVES} more metrics are in the trial folders.")


def drawable(points: list[dict[str, Any]]) -> list[str]:
    """Names of the metrics that were logged at more than one step: one point is no curve."""
    steps: dict[str, set[float]] = {}
    for point in points:
        steps.setdefault(str(point["name"]), set()).add(point["step"])
    return [name for name, seen in steps.items() if len(seen) > 1]


def _curve_files(view: View) -> list[Path]:
    protocol = view.state.protocol
    if protocol is None:
        return []
    paths = [
        view.run.trials / "confirm" / arm.name / str(seed) / "metrics.jsonl"
        for arm in protocol.arms
        for seed in protocol.seeds
        if ("confirm", arm.name, seed) in view.state.trial_starts
    ]
    return [path for path in paths if path.is_file() and not path.is_symlink()]


def _read(path: Path) -> list[dict[str, Any]]:
    stat = path.stat()
    return _parsed(path, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=512)
def _parsed(path: Path, size: int, changed: int) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        lines = file.read(MAX_FILE).decode("utf-8", "replace").splitlines()
    arm, seed = path.parent.parent.name, path.parent.name
    by_name: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if point := _point(line):
            by_name.setdefault(str(point["name"]), []).append(point | {"arm": arm, "seed": seed})
    return [point for points in by_name.values() for point in thin(points, MAX_POINTS)]


def _point(line: str) -> dict[str, Any] | None:
    try:
        raw = json.loads(line)
        value, step = float(raw["value"]), float(raw["step"])
        name = str(raw["name"])[:60]
    except (ValueError, KeyError, TypeError, OverflowError):
        return None
    return {"step": step, "name": name, "value": value} if finite(value) and finite(step) else None


def thin(points: list[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    """At most `limit` points, evenly taken, the last one always among them."""
    if len(points) <= limit:
        return points
    stride = -(-len(points) // (limit - 1))
    return [*points[:-1:stride], points[-1]]


def curve_chart(points: list[dict[str, Any]], name: str) -> alt.LayerChart | alt.FacetChart:
    """Value over step: thin lines for seeds, a thick one for the mean of the arm."""
    import altair as alt

    _unchecked()
    arms = list(dict.fromkeys(point["arm"] for point in points))
    base = alt.Chart().encode(
        x=alt.X("step:Q", title="step"),
        color=alt.Color(
            "arm:N",
            title=None,
            legend=alt.Legend(orient="top", symbolOpacity=1),
            scale=alt.Scale(domain=arms, range=ARM_COLOURS[: len(arms)]),
        ),
    )
    value = alt.Y("value:Q", title=name, scale=alt.Scale(zero=False))
    seeds = base.mark_line(opacity=0.25, strokeWidth=1).encode(y=value, detail="seed:N")
    mean = base.mark_line(strokeWidth=2.5).encode(y=alt.Y("mean(value):Q", title=name))
    return alt.layer(seeds, mean, data=alt.InlineData(values=points)).properties(height=270)


def _unchecked() -> None:
    """Have Altair check a chart once, as a whole when it is drawn, and not each of its parts while it is put together.

    For the curves of a run that parts took half a second, every second.
    """
    from altair.utils.schemapi import disable_debug_mode

    disable_debug_mode()


def paired(comparison: ComparisonResult, minimum_effect: float, unit: str) -> None:
    """The difference at every seed, the mean with its interval, zero and the smallest effect that matters."""
    points = [
        {"seed": str(seed), "difference": value}
        for seed, value in zip(comparison.seeds, comparison.differences, strict=False)
        if finite(value)
    ]
    if not points:
        st.info("No seed gave a pair of numbers, so there is nothing to draw.")
        return
    chart = paired_chart(points, comparison, minimum_effect, unit)
    st.altair_chart(chart, key=f"paired-{comparison.id}", alt=_paired_words(comparison, minimum_effect))


def _paired_words(comparison: ComparisonResult, minimum_effect: float) -> str:
    low, high = comparison.interval
    return (
        f"Difference to the baseline at each of {len(comparison.seeds)} seeds; mean {number(comparison.effect)}, "
        f"interval {number(low)} to {number(high)}, smallest effect that matters {number(minimum_effect)}."
    )


def paired_chart(
    points: list[dict[str, Any]], comparison: ComparisonResult, minimum_effect: float, unit: str
) -> alt.LayerChart | alt.FacetChart:
    """Dots for seeds; a band for the interval, a line for the mean; dashed the smallest effect that matters."""
    import altair as alt

    _unchecked()
    values = [point["difference"] for point in points]
    low, high = comparison.interval
    low = low if finite(low) else min(values)
    high = high if finite(high) else max(values)
    title = f"difference to baseline{f' ({unit})' if unit else ''}, positive is better"
    axis = alt.X("difference:Q", title=title)
    marks: list[dict[str, Any]] = [
        {"at": 0.0, "what": "no difference"},
        {"at": minimum_effect, "what": "smallest effect that matters"},
    ]
    band = (
        alt.Chart(alt.InlineData(values=[{"low": low, "high": high}]))
        .mark_rect(opacity=0.15, color="#5b8def")
        .encode(x=alt.X("low:Q", title=title), x2="high:Q")
    )
    rules = (
        alt.Chart(alt.InlineData(values=marks))
        .mark_rule(strokeDash=[5, 4])
        .encode(
            x="at:Q",
            color=alt.Color(
                "what:N",
                title=None,
                legend=alt.Legend(orient="top"),
                scale=alt.Scale(domain=[m["what"] for m in marks], range=["#888888", "#d9822b"]),
            ),
        )
    )
    mean = (
        alt.Chart(alt.InlineData(values=[{"mean": comparison.effect}]))
        .mark_rule(color=BLUE, strokeWidth=3)
        .encode(x="mean:Q")
    )
    dots = (
        alt.Chart(alt.InlineData(values=points))
        .mark_circle(size=90, color=BLUE, opacity=0.85)
        .encode(
            x=axis,
            y=alt.Y("seed:N", title="seed", sort=[point["seed"] for point in points]),
            tooltip=["seed:N", alt.Tooltip("difference:Q", format=".5g")],
        )
    )
    layers = [band, *([mean] if finite(comparison.effect) else []), rules, dots]
    return alt.layer(*layers).properties(height=24 * len(points) + 120)


def reliability(bins: Sequence[tuple[float, float, int]]) -> None:
    """Mean predicted probability against the share that was supported, a dot a bin; on the dashed line is perfect."""
    import altair as alt

    _unchecked()
    rows = [{"predicted": low, "supported": share, "verdicts": total} for low, share, total in bins]
    sides = alt.Scale(domain=[0, 1])
    x = alt.X("predicted:Q", title="predicted probability", scale=sides, axis=alt.Axis(format="%"))
    y = alt.Y("supported:Q", title="came out supported", scale=sides, axis=alt.Axis(format="%"))
    perfect = alt.Chart(alt.InlineData(values=[{"predicted": at, "supported": at} for at in (0, 1)]))
    line = perfect.mark_line(strokeDash=[5, 4], color="#888888").encode(x=x, y=y)
    size = alt.Size("verdicts:Q", scale=alt.Scale(domain=[0, max(row["verdicts"] for row in rows)], range=[40, 400]))
    dots = alt.Chart(alt.InlineData(values=rows)).mark_circle(color=BLUE, opacity=0.85)
    dots = dots.encode(x=x, y=y, size=size, tooltip=["predicted:Q", "supported:Q", "verdicts:Q"])
    words = "; ".join(f"predicted {low:.0%}, supported {share:.0%} of {total}" for low, share, total in bins)
    st.altair_chart(alt.layer(line, dots).properties(height=280), key="reliability", alt=f"Calibration: {words}")


def effect_words(comparison: ComparisonResult, unit: str) -> str:
    """The effect with its interval in one phrase, safe for Markdown."""
    low, high = comparison.interval
    return f"{number(comparison.effect)}{f' {plain(unit)}' if unit else ''}, interval {number(low)} to {number(high)}"
