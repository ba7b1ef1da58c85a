"""Small real runs for the mutation test: a tiny experiment through the real engine, sandbox, grading and report.

`make_run` skips only what asks a model (ideas, plan): those events are written as a scripted researcher would have left
them. Each kind of run takes another way through the verdict.
"""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

from copilot import __version__
from copilot.agents.tools import Toolbox
from copilot.config import Home
from copilot.domain.experiment import Plan, Tuning
from copilot.domain.idea import Arm, Idea, Metric, Scalar
from copilot.domain.task import Settings, Task, TaskHead
from copilot.engine import measuring, reporting, tuning
from copilot.engine.pipeline import nobody
from copilot.engine.services import Services, build
from copilot.engine.start import machine
from copilot.events import (
    FilesChanged,
    IdeaChosen,
    IdeaRejected,
    IdeasProposed,
    PlanMade,
    PrototypeChosen,
    RunFinished,
    RunStarted,
)
from copilot.journal import Journal
from copilot.runs import RunFolder, new_run

KINDS = ("graded", "reported", "failing", "still", "constant", "null", "three", "script", "tuned")
SCRIPT = """
import argparse, csv, json, os, random, sys
parser = argparse.ArgumentParser()
for name, kind in (("--arm", str), ("--seed", int), ("--out", str)):
    parser.add_argument(name, type=kind, required=True)
given = parser.parse_args()
arm = json.load(open("arms.json"))[given.arm]
dealer = random.Random(0 if arm.get("still") else given.seed)
folder = os.environ.get("COPILOT_INPUTS", "")
if arm.get("crash") == given.seed:
    sys.exit("out of luck")
def write(name, value):
    with open(os.path.join(given.out, name), "w") as file:
        file.write(value)
def column(rows, name):
    return [float(row[name]) for row in rows]
if folder:
    train = list(csv.DictReader(open(os.path.join(folder, "train.csv"))))
    test = list(csv.DictReader(open(os.path.join(folder, "test.csv"))))
    sample = dealer.sample(train, arm.get("rows", 60))
    xs, ys = column(sample, arm["feature"]), [row["label"] for row in sample]
    def right(cut, sign):
        return sum((x > cut) == (y == sign) for x, y in zip(xs, ys))
    cut, sign = max(((cut, sign) for cut in xs for sign in ("yes", "no")), key=lambda pair: right(*pair))
    other = {"yes": "no", "no": "yes"}[sign]
    said = [sign if x > cut else other for x in column(test, arm["feature"])]
    if arm.get("constant"):
        said = ["yes"] * len(test)
    lines = ["id,label"] + [f"{row['id']},{word}" for row, word in zip(test, said)]
    write("predictions.csv", "\\n".join(lines) + "\\n")
    value = right(cut, sign) / len(sample)
else:
    value = 0.7 + arm.get("shift", 0) + dealer.gauss(0, 0.01)
curve = [{"step": step, "name": "loss", "value": 1 / (step + 1 + value)} for step in range(8)]
write("metrics.jsonl", "".join(json.dumps(point) + "\\n" for point in curve))
write("result.json", json.dumps({"arm": given.arm, "seed": given.seed, "metrics": {"accuracy": value}}))
"""


EVALUATOR = """
import argparse, csv, json, os
parser = argparse.ArgumentParser()
for name in ("--predictions", "--sealed", "--seed"):
    parser.add_argument(name)
given = parser.parse_args()
answers = {row["id"]: row["label"] for row in csv.DictReader(open(os.path.join(given.sealed, "answers.csv")))}
said = {row["id"]: row["label"] for row in csv.DictReader(open(given.predictions))}
print(json.dumps({"metric": sum(said[key] == word for key, word in answers.items()) / len(answers)}))
"""


def make_run(root: Path, kind: str, number: int = 0) -> RunFolder:
    """One finished run of this kind below `root`/logs; `number` seeds its data."""
    home = Home(root)
    graded = kind != "reported"
    task = _task(home, f"{kind}-{number}", graded, number)
    run = new_run(home.logs, task.name)
    seeds = 7 if kind == "three" else 6
    settings = Settings(llm="offline", seeds=seeds)
    journal = Journal(run.journal)
    try:
        started = RunStarted(
            run=run.name, source="task", task=task, settings=settings, version=__version__, machine=machine()
        )
        journal.append(started)
        services = build(run, home, {"COPILOT_OFFLINE": "1"}, journal, nobody)
        space: dict[str, list[Scalar]] = {"rows": [20, 120]} if kind == "tuned" else {}
        _prepare(services, _arms(kind, number), graded, seeds, Tuning(space=space))
        for phase in (
            tuning.tune,
            measuring.freeze,
            measuring.trials,
            measuring.probes,
            measuring.verdict,
            reporting.report,
        ):
            phase(services)
        services.desk.record(RunFinished(status="done", exit_code=0))
    finally:
        journal.close()
    return run


def _task(home: Home, name: str, graded: bool, number: int) -> Task:
    folder = home.problems / name
    if graded:
        dealer = random.Random(number)
        rows = [_row(place, dealer) for place in range(500)]
        _table(folder / "data" / "train.csv", rows[:200], ["id", "x", "z", "label"])
        _table(folder / "data" / "test.csv", rows[200:], ["id", "x", "z"])
        _table(folder / "sealed" / "answers.csv", rows[200:], ["id", "label"])
        spec = {"metric": "accuracy", "direction": "higher", "key": ["id"], "target": "label"}
        (folder / "sealed" / "grade.json").write_text(json.dumps(spec))
        if name.startswith("script"):
            (folder / "evaluate.py").write_text(EVALUATOR)
    words = "Predict `label` (yes or no) of `test.csv` from `train.csv`. Metric: accuracy. Submission: id,label."
    head = TaskHead(title=f"A tiny experiment ({name})")
    return Task(name=name, head=head, body=words, folder=str(folder) if graded else "", sealed=graded)


def _row(place: int, dealer: random.Random) -> dict[str, object]:
    x, z = dealer.gauss(0, 1), dealer.gauss(0, 1)
    label = "yes" if 1.6 * x + 0.5 * z + dealer.gauss(0, 0.6) > 0 else "no"
    return {"id": place, "x": round(x, 4), "z": round(z, 4), "label": label}


def _table(path: Path, rows: list[dict[str, object]], names: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)


def _arms(kind: str, number: int) -> list[Arm]:
    baseline: dict[str, str | int | float | bool | None] = {"feature": "z"}
    treatment: dict[str, str | int | float | bool | None] = {"feature": "x"}
    if kind == "reported":
        baseline, treatment = {"shift": 0.0}, {"shift": 0.05}
    if kind == "failing":
        treatment["crash"] = 3
    if kind == "still":
        baseline["still"] = treatment["still"] = True
    if kind == "constant":
        treatment["constant"] = True
    if kind == "null":
        baseline, treatment = {"feature": "x", "note": number}, {"feature": "x", "note": number + 1}
    arms = [Arm(name="baseline", parameters=baseline), Arm(name="treatment", parameters=treatment)]
    return arms + ([Arm(name="other", parameters={"feature": "x", "still": True})] if kind == "three" else [])


def _prepare(services: Services, arms: list[Arm], graded: bool, seeds: int, tuned: Tuning) -> None:
    """What comes before the freeze, with real exploration runs."""
    metric = Metric(name="accuracy", direction="maximize")
    idea = Idea(
        id="idea-1",
        title="The other feature",
        claim="Learning from x instead of z raises accuracy by at least 0.02, to 0.999.",
        mechanism="x carries more of the label (we saw 97.3 % once)",
        refuted_by="an effect below 0.02",
        arms=arms,
        metric=metric,
        predicted_effect=0.1,
        probability=0.8,
        minimum_effect=0.02,
        seeds=seeds,
        source="task",
    )
    other = idea.model_copy(update={"id": "idea-2", "title": "Both features"})
    plan = Plan(
        idea_id=idea.id,
        arms=arms,
        metric=metric,
        minimum_effect=0.02,
        seeds=seeds,
        seconds_per_trial=60,
        trust="graded" if graded else "reported",
        tuning=tuned,
    )
    record = services.desk.record
    record(IdeasProposed(ideas=[idea, other], model="scripted"))
    record(IdeaRejected(idea_id="idea-2", reason="needs 3 arms", by="anna"))
    record(IdeaChosen(idea_id=idea.id, by="score", reason="highest score"))
    record(PrototypeChosen(name="", origin="model", reason="no bundled prototype fits"))
    record(PlanMade(plan=plan))
    services.sandbox()
    workspace = services.workspace()
    workspace.folder.mkdir(parents=True)
    (workspace.folder / "experiment.py").write_text(SCRIPT)
    (workspace.folder / "arms.json").write_text(json.dumps({arm.name: arm.parameters for arm in arms}))
    snapshot = workspace.snapshot()
    record(FilesChanged(snapshot=snapshot, files=workspace.changes("", snapshot), reason="starting code"))
    box = Toolbox(services.desk, services.bench(), plan, None, list(range(1, seeds + 1)), services.prepare_seed)
    for place, arm in enumerate(arms):
        box.call_id = f"0.{place}"
        box.use("run_experiment", {"arm": arm.name})
