"""What it costs to start a job at each level, beyond the bare interpreter.

    python benchmarks/sandbox_start.py [--repeat 20] [--level namespace ...]

Prints a Markdown table of medians in milliseconds: wall time of `python -c pass`, and of importing numpy and
scikit-learn, bare and at each level, from the call to `run` until every process is gone. Then, where jobs can start
warm: the time from the call to the first line after the imports, cold and warm in turns, and how many times faster.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from copilot.errors import SetupError
from copilot.sandbox.choose import LEVELS, choose
from copilot.sandbox.protocol import Job
from copilot.sandbox.warm import LEVELS as WARM_LEVELS

PROGRAMS = {"pass": "pass", "numpy and scikit-learn": "import numpy, sklearn.linear_model"}


def _median_ms(action: Callable[[], object], repeat: int) -> float:
    action()
    times = []
    for _ in range(repeat):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1000


def _bare(code: str) -> Callable[[], object]:
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def _contained(level: str, code: str, base: Path) -> Callable[[], object]:
    sandbox = choose(level).sandbox
    (base / "work").mkdir(exist_ok=True)
    job = Job(argv=["python", "-c", code], workspace=base / "work", log=base / "log.txt")

    def run() -> None:
        outcome = sandbox.run(job)
        if not outcome.ok:
            raise RuntimeError(outcome.detail)

    return run


def _first_line_ms(level: str, base: Path, start: str) -> float:
    """From the call to the first line after the imports."""
    script = f"{PROGRAMS['numpy and scikit-learn']}\nimport time; print(time.time())"
    (base / "work" / "experiment.py").write_text(script)
    argv = ["python", "experiment.py"]
    job = Job.model_validate({"argv": argv, "workspace": base / "work", "log": base / "log.txt", "start": start})
    began = time.time()
    outcome = choose(level).sandbox.run(job)
    if not outcome.ok or outcome.start != start:
        raise RuntimeError(outcome.detail)
    return (float(outcome.head) - began) * 1000


def _warm_table(levels: list[str], repeat: int) -> None:
    """Cold and warm in turns, so that both see the same load."""
    print("\n| level | first line, cold (ms) | warm (ms) | times faster |\n|---|---|---|---|")
    for level in levels:
        with tempfile.TemporaryDirectory() as name:
            (Path(name) / "work").mkdir()
            times: dict[str, list[float]] = {"cold": [], "warm": []}
            for turn in range(repeat + 1):
                for start, measured in times.items():
                    value = _first_line_ms(level, Path(name), start)
                    measured += [value] if turn else []  # the first time, the imports are not done yet
        cold, warm = (statistics.median(times[start]) for start in ("cold", "warm"))
        print(f"| {level} | {cold:.0f} | {warm:.0f} | {cold / warm:.1f} |")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--level", nargs="*", default=list(LEVELS))
    options = parser.parse_args()
    bare = {name: _median_ms(_bare(code), options.repeat) for name, code in PROGRAMS.items()}
    print(f"| level | {' | '.join(f'{name} (ms)' for name in PROGRAMS)} | added to `pass` (ms) |")
    print(f"|---|{'---|' * len(PROGRAMS)}---|")
    print(f"| none | {' | '.join(f'{value:.0f}' for value in bare.values())} | 0 |")
    for level in options.level:
        with tempfile.TemporaryDirectory() as name:
            try:
                programs = {key: _contained(level, code, Path(name)) for key, code in PROGRAMS.items()}
            except SetupError as error:
                print(f"| {level} | {error} |")
                continue
            times = {key: _median_ms(action, options.repeat) for key, action in programs.items()}
        added = times["pass"] - bare["pass"]
        print(f"| {level} | {' | '.join(f'{value:.0f}' for value in times.values())} | {added:.0f} |")
    _warm_table([level for level in options.level if level in WARM_LEVELS], options.repeat)


if __name__ == "__main__":
    main()
