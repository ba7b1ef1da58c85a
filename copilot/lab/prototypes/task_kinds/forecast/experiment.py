"""Forecast of a dated series: naive rules, trend and Fourier terms, calendar boosting. `card.md` lists parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import taskfit
import taskrows
from sklearn.ensemble import HistGradientBoostingRegressor

ABSOLUTE = {"mae", "mape", "smape", "medae", "wape"}


@dataclass
class Clock:
    """Time as steps: `origin` and `width` of a step (days, or 1 for plain numbers) and season lengths in steps."""

    origin: float
    width: float
    seasons: list[float]

    def steps(self, times: np.ndarray) -> np.ndarray:
        """Whole steps since the origin."""
        return np.round((times - self.origin) / self.width).astype(int)


def numeric_times(column: pd.Series, dated: bool) -> np.ndarray:
    """Days since 2000 for dates, the numbers themselves otherwise."""
    if not dated:
        return taskrows.numbers(column).to_numpy()
    when = pd.to_datetime(column, format="mixed")
    return ((when - pd.Timestamp("2000-01-01")) / pd.Timedelta(days=1)).to_numpy(dtype=float)


def clock(times: np.ndarray, values: np.ndarray, dated: bool) -> Clock:
    """Step width from the commonest gap; seasons from the calendar, or from the autocorrelation of plain steps."""
    unique = np.unique(times)
    gaps = np.diff(unique)
    width = float(np.median(gaps)) if len(gaps) else 1.0
    if not dated:
        return Clock(float(unique[0]), width, _period(times, values))
    span = unique[-1] - unique[0]
    seasons = [days / width for days in (1.0, 7.0, 365.2425) if days >= 1.9 * width and span >= 1.8 * days]
    return Clock(float(unique[0]), width, seasons)


def _period(times: np.ndarray, values: np.ndarray) -> list[float]:
    mean = pd.Series(values).groupby(times).mean().to_numpy()
    mean = mean - np.polyval(np.polyfit(np.arange(len(mean)), mean, 1), np.arange(len(mean)))
    most = len(mean) // 3
    if most < 3 or not mean.any():
        return []
    correlation = np.array([np.corrcoef(mean[lag:], mean[:-lag])[0, 1] for lag in range(1, most + 1)])
    peaks = [lag for lag in range(2, most) if correlation[lag - 1] > max(correlation[lag - 2], correlation[lag], 0.3)]
    return [float(max(peaks, key=lambda lag: correlation[lag - 1]))] if peaks else []


def naive(steps: np.ndarray, y: np.ndarray, new: np.ndarray, trial: taskfit.Trial, season: float) -> np.ndarray:
    """The rules without fitting, for one series sorted by time."""
    if trial.model == "last_value":
        return np.full(len(new), y[-1])
    if trial.model == "recent_mean":
        return np.full(
            len(new), taskfit.best_constant(str(trial.task["metric"]), y[-int(trial.number("window", 30)) :])
        )
    return repeated(steps, y, new, season, 1 if trial.model == "seasonal_naive" else 99, str(trial.task["metric"]))


def repeated(steps: np.ndarray, y: np.ndarray, new: np.ndarray, season: float, cycles: int, metric: str) -> np.ndarray:
    """The values at the same place of up to `cycles` earlier seasons, their mean (median for absolute errors)."""
    reach = max(1, round(season * 0.01))
    found = []
    for step in new:
        picked: list[float] = []
        for back in range(1, 200):
            place = round(step - back * season)
            if place < steps[0] or len(picked) >= cycles * (2 * reach + 1):
                break
            low, high = np.searchsorted(steps, [place - reach + 1, place + reach])
            picked += list(y[low:high])
        found.append(taskfit.best_constant(metric, np.array(picked)) if picked else y[-1])
    return np.array(found)


def design(steps: np.ndarray, last: int, periods: list[float], trial: taskfit.Trial) -> np.ndarray:
    """Trend and Fourier columns for time steps; `last` is the end of the training data."""
    longest = max(periods, default=100.0)
    past = (steps - last) / longest
    after = np.maximum(past, 0)
    trend = {
        "none": np.zeros_like(past),
        "linear": past,
        "damped": np.minimum(past, 0) + 0.5 * (1 - np.exp(-2 * after)),
    }
    columns = [np.ones_like(past), trend[str(trial.parameters.get("trend", "damped"))]]
    for period in periods:
        pairs = int(min(trial.number("harmonics", 6) if period == longest else 3, period // 2))
        for k in range(1, pairs + 1):
            phase = 2 * np.pi * k * steps / period
            columns += [np.sin(phase), np.cos(phase)]
    return np.column_stack(columns)


def ridge(steps: np.ndarray, y: np.ndarray, new: np.ndarray, periods: list[float], trial: taskfit.Trial) -> np.ndarray:
    """Weighted ridge fit; for absolute-error metrics repeated with weights 1/|residual| (least absolute deviations)."""
    last, longest = int(steps[-1]), max(periods, default=100.0)
    x = design(steps, last, periods, trial)
    weights = 0.5 ** ((last - steps) / (trial.number("memory", 2.0) * longest))
    penalty = np.eye(x.shape[1]) * 0.5
    penalty[0, 0] = 1e-6
    base = weights
    for _ in range(8 if trial.task["metric"] in ABSOLUTE else 1):
        weighted = x * weights[:, None]
        coefficients = np.linalg.solve(x.T @ weighted + penalty * base.mean(), weighted.T @ y)
        residual = np.abs(y - x @ coefficients)
        weights = base / np.maximum(residual, 0.05 * residual.mean() + 1e-9) * (residual.mean() + 1e-9)
    return design(new, last, periods, trial) @ coefficients


def per_series(trial: taskfit.Trial, train: pd.DataFrame, new: pd.DataFrame, periods: list[float]) -> np.ndarray:
    """Forecast each series on its own."""
    result = np.full(len(new), taskfit.best_constant(str(trial.task["metric"]), train["y"].to_numpy()))
    groups = dict(list(train.groupby("series", sort=False)))
    season = max(periods, default=1.0)
    for name, rows in new.groupby("series", sort=False):
        if name not in groups:
            continue
        own = groups[name].sort_values("step")
        steps, y, ahead = own["step"].to_numpy(), own["y"].to_numpy(), rows["step"].to_numpy()
        fits = [p for p in periods if steps[-1] - steps[0] >= 1.5 * p]
        if trial.model == "ridge":
            guess = ridge(steps, y, ahead, fits, trial)
        elif trial.model == "blend":
            guess = (
                ridge(steps, y, ahead, fits, trial) + repeated(steps, y, ahead, season, 99, str(trial.task["metric"]))
            ) / 2
        else:
            guess = naive(steps, y, ahead, trial, season)
        result[new.index.get_indexer(rows.index)] = guess
    return result


def boosting(trial: taskfit.Trial, train: pd.DataFrame, new: pd.DataFrame, periods: list[float]) -> np.ndarray:
    """One model over all series: phase in each season, seasonal means of the series, its level, and given columns."""
    given = [name for name in train.columns if name.startswith("x_")]
    level = train.groupby("series")["y"].mean()

    def encoded(table: pd.DataFrame) -> np.ndarray:
        columns = [table["series"].map(level).fillna(level.mean()).to_numpy()]
        for period in periods:
            phase = np.mod(table["step"].to_numpy(), period) / period
            slot = (phase * min(12, round(period))).astype(int)
            past = train.assign(slot=(np.mod(train["step"], period) / period * min(12, round(period))).astype(int))
            means = (past["y"] - past["series"].map(level)).groupby([past["series"], past["slot"]]).mean()
            pairs = pd.MultiIndex.from_arrays([table["series"], slot])
            columns += [phase, means.reindex(pairs).fillna(0).to_numpy()]
        return np.column_stack([*columns, *(table[name].to_numpy(dtype=float) for name in given)])

    loss = "absolute_error" if trial.task["metric"] in ABSOLUTE else "squared_error"
    model = HistGradientBoostingRegressor(loss=loss, learning_rate=0.05, max_iter=300, random_state=trial.seed)
    offset = train["series"].map(level)
    model.fit(encoded(train), train["y"] - offset)
    return model.predict(encoded(new)) + new["series"].map(level).fillna(level.mean()).to_numpy()


def forecast(trial: taskfit.Trial, train: pd.DataFrame, new: pd.DataFrame, periods: list[float]) -> np.ndarray:
    """What the arm predicts for the new rows."""
    train, new = train.reset_index(drop=True), new.reset_index(drop=True)
    if trial.model == "boosting":
        return boosting(trial, train, new, periods)
    return per_series(trial, train, new, periods)


def table(trial: taskfit.Trial, rows: pd.DataFrame, y: Any) -> tuple[pd.DataFrame, np.ndarray]:
    """Series name, given feature columns as numbers, and the target; and the times of the rows."""
    roles = trial.task["roles"]
    series = (
        rows[roles["series"]].astype(str).agg("|".join, axis=1)
        if roles["series"]
        else pd.Series("all", index=rows.index)
    )
    result = pd.DataFrame({"series": series})
    for name, kind in trial.task["columns"].items():
        if kind == "number" and name != roles["time"] and name not in roles["series"]:
            result[f"x_{name}"] = rows[name].to_numpy()
    result["y"] = y
    return result, numeric_times(rows[roles["time"]], roles["dated"])


def predicted(trial: taskfit.Trial, rows: taskrows.Rows, name: str) -> tuple[float, np.ndarray]:
    """One target: the metric on the last steps of the drawn rows, and the answers fitted on all drawn rows."""
    task, rng = trial.task, np.random.default_rng(trial.seed)
    train, times = table(trial, rows.train, taskrows.numbers(rows.target[name]).to_numpy())
    new, ahead = table(trial, rows.test, np.nan)
    beat = clock(times, train["y"].to_numpy(), bool(task["roles"]["dated"]))
    train["step"], new["step"] = beat.steps(times), beat.steps(ahead)
    take = np.sort(taskfit.sample(train["y"].to_numpy(), trial.number("rows", 0.9), len(train), rng, False))
    train = train.iloc[take].reset_index(drop=True)
    horizon = max(1, int(new["step"].max() - train["step"].max()))
    cut = train["step"].max() - min(horizon, int(0.3 * np.ptp(train["step"])))
    fit, valid = train[train["step"] <= cut], train[train["step"] > cut]
    value = taskfit.score(task["metric"], valid["y"], forecast(trial, fit, valid, beat.seasons))
    return value, forecast(trial, train, new, beat.seasons)


def main() -> None:
    """The trial: every target on its own, their mean metric."""
    trial = taskfit.start()
    task = trial.task
    rows = taskrows.load({**task, "columns": {**task["columns"], task["roles"]["time"]: "raw"}}, trial.inputs)
    answers, values = rows.keys.copy(), []
    for name in task["targets"]:
        value, guess = predicted(trial, rows, name)
        values.append(value)
        answers[task["answers"].get(name, name)] = guess
    taskfit.write(trial, float(np.mean(values)), answers)


if __name__ == "__main__":
    main()
