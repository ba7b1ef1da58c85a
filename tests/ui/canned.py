"""Journals as an engine would have written them, in every state that a page has to show. No engine takes part."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from copilot import events as ev
from copilot.blobs import Blobs
from copilot.domain.experiment import (
    Analysis,
    Check,
    Comparison,
    ComparisonResult,
    FrozenArm,
    Plan,
    Protocol,
    Purpose,
    TrialResult,
    Trust,
    Verdict,
    VerdictWord,
)
from copilot.domain.idea import Arm, Evidence, Idea, Metric, RelatedPaper, Review
from copilot.domain.paper import Claim, Paper, Reference, Section, Table
from copilot.domain.task import Settings, Task, TaskHead
from copilot.journal import Journal
from copilot.runs import RunFolder

HOSTILE = (
    "<script>alert(1)</script> ![x](http://evil.example/p.png) **bold** [a](javascript:alert(1)) $x$ `c` :red[r] |"
)
METRIC = Metric(name="accuracy", direction="maximize")
QUOTE = "Activation steering changes what the model says."


def folder(logs: Path, task: str = "demo", start: str = "2026-11-20T09-07-46Z") -> RunFolder:
    """An empty run folder of this name."""
    run = RunFolder(logs / task / start)
    run.path.mkdir(parents=True)
    return run


def idea(number: int, title: str = "", **changes: object) -> Idea:
    """One hypothesis; `title` also goes into every other text."""
    base = Idea(
        id=f"idea-{number}",
        title=title or f"Label smoothing helps, variant {number}",
        claim=f"Training with label smoothing raises accuracy. {title}",
        mechanism=f"Soft targets regularise. {title}",
        evidence=[
            Evidence(quote=title or QUOTE, page=2, section="Method", grounded=True),
            Evidence(quote="These words were made up by a model.", page=3, grounded=False),
        ],
        refuted_by="No difference over the seeds.",
        arms=[
            Arm(name="baseline", description="plain", parameters={"label_smoothing": 0.0}),
            Arm(name="treatment", description=title or "smoothed", parameters={"label_smoothing": 0.1}),
        ],
        metric=METRIC,
        predicted_effect=0.02,
        probability=0.4,
        minimum_effect=0.01,
        cost_seconds=90,
        risks=[title or "The noise may be larger than the effect."],
        related=[RelatedPaper(title=title or "Rethinking Inception", year=2016)],
        score=1.0 / number,
    )
    return base.model_copy(update=changes)


def paper(title: str = "") -> Paper:
    """A small parsed paper."""
    claim = Claim(id="c1", kind="finding", text=title or QUOTE, quote=title or QUOTE, page=2, grounded=True)
    loose = Claim(id="c2", kind="result", text="made up", quote="made up", page=1, grounded=False)
    return Paper(
        source="paper.pdf",
        sha256="0" * 64,
        title=title or "Activation steering in small models",
        authors=[title or "Ada Lovelace", "Alan Turing"],
        abstract=title or "We study activation steering.",
        sections=[Section(title=title or "Introduction", page=1, text=title or "Words.", number="1")],
        references=[Reference(text=title or "Vaswani et al. Attention is all you need. 2017", year=2017)],
        tables=[Table(label="Table 1", caption=title or "Results", page=2, rows=[["a", title or "b"]])],
        claims=[claim, loose],
        warnings=[title] if title else [],
        pages=2,
        page_texts=["First page. " + title, QUOTE + " " + title],
    )


class Canned:
    """Writes one journal, stage by stage."""

    def __init__(
        self, run: RunFolder, title: str = "", settings: Settings | None = None, *, own_code: bool = False
    ) -> None:
        self.run, self.title = run, title
        self.journal = Journal(run.journal)
        task = Task(name="demo", head=TaskHead(title=title or "Does label smoothing help?", paper="paper.pdf"))
        self.add(
            ev.RunStarted(
                run=run.name,
                source="objective" if own_code else "paper",
                task=Task(name="mine") if own_code else task,
                settings=settings or Settings(approve="ask"),
                version="0",
                stamps=["no language model took part"],
            )
        )
        self.add(ev.SandboxChosen(level="bubblewrap", text="bubblewrap: no network, read-only system"))

    def add(self, event: ev.Event) -> None:
        """One event more."""
        self.journal.append(event)

    def read(self, parsed: Paper | None = None) -> None:
        """Paper and claims."""
        parsed = parsed or paper(self.title)
        blob = Blobs(self.run.blobs).put(parsed.model_dump_json())
        self.add(
            ev.PaperRead(
                source="paper.pdf", sha256=parsed.sha256, title=parsed.title, authors=parsed.authors, pages=2, blob=blob
            )
        )
        self.add(ev.ClaimsExtracted(claims=parsed.claims))

    def propose(self) -> None:
        """Three ideas with reviews."""
        self.add(ev.IdeasProposed(ideas=[idea(1, self.title), idea(2), idea(3)], model="offline"))
        reviews = [
            Review(
                idea_id=f"idea-{n}",
                accepted=n < 3,
                clarity=0.8,
                novelty=0.5,
                feasibility=0.9,
                alignment=0.7,
                reasons=[self.title or "Clear and cheap."],
            )
            for n in (1, 2, 3)
        ]
        self.add(ev.IdeaReviewed(reviews=reviews, model="offline"))

    def ask_ideas(self) -> None:
        """The gate of the ideas."""
        options = ["idea-1", "idea-2", "idea-3"]
        text = "Which hypothesis shall be tested? " + self.title
        self.add(ev.QuestionAsked(id="gate-ideas", gate="ideas", text=text, options=options, default="idea-1"))

    def choose(self) -> None:
        """The first idea, and a prototype."""
        self.add(ev.IdeaChosen(idea_id="idea-1", by="person", reason=self.title))
        self.add(ev.PrototypeChosen(name="training_recipe", origin="bundled", reason=self.title or "closest card"))

    def plan(self) -> None:
        """A plan for it."""
        made = Plan(
            idea_id="idea-1",
            prototype="training_recipe",
            arms=idea(1, self.title).arms,
            metric=METRIC,
            minimum_effect=0.01,
            seeds=8,
            steps=[self.title or "Train both arms."],
            notes=[self.title or "The data set is small."],
        )
        self.add(ev.PlanMade(plan=made, forecast=[self.title or "About 90 seconds on two cores."]))

    def ask_plan(self) -> None:
        """The gate of the plan."""
        text = "Is this plan right? " + self.title
        self.add(ev.QuestionAsked(id="gate-plan", gate="plan", text=text, options=["approve"], default="approve"))

    def explore(self, steps: int = 3) -> None:
        """Exploration steps: tool, answer, program, number."""
        for step in range(steps):
            self.add(ev.ToolCalled(call_id=f"{step}.0", name="run", input={"arm": "baseline"}, step=step))
            argv = ["python", "experiment.py", "--seed", str(step)]
            tail = self.title or "epoch 1\nepoch 2\naccuracy 0.9\n"
            self.add(ev.CommandRun(argv=argv, purpose="explore", reason="exit", exit_code=0, seconds=1.2, tail=tail))
            self.add(ev.MetricRecorded(name="accuracy", value=0.9, arm="baseline", seed=step, call_id=f"{step}.0"))
            self.add(ev.ToolReturned(call_id=f"{step}.0", text=self.title or "accuracy 0.9", seconds=1.2))

    def freeze(self, trust: Trust = "graded") -> Protocol:
        """The locked protocol."""
        protocol = Protocol(
            idea_id="idea-1",
            comparisons=[Comparison(id="idea-1-treatment", claim=idea(1, self.title).claim)],
            arms=[FrozenArm(name=a.name, snapshot="s", parameters=a.parameters) for a in idea(1).arms],
            evaluator="e" * 64 if trust == "graded" else "",
            metric=METRIC,
            minimum_effect=0.01,
            seeds=list(range(1, 9)),
            analysis=Analysis(),
            trust=trust,
            seconds_per_trial=60,
        )
        self.add(ev.ProtocolFrozen(protocol=protocol, hash=protocol.digest()))
        return protocol

    def trials(self, count: int = 16, purpose: Purpose = "confirm") -> None:
        """The first cells of the matrix."""
        cells = [(arm, seed) for seed in range(1, 9) for arm in ("baseline", "treatment")][:count]
        for arm, seed in cells:
            argv = ["python", "experiment.py", "--arm", arm, "--seed", str(seed), "--out", "out"]
            self.add(ev.TrialStarted(purpose=purpose, arm=arm, seed=seed, argv=argv))
            value = 0.9 + 0.001 * seed + (0.02 if arm == "treatment" else 0.0)
            result = TrialResult(
                purpose=purpose, arm=arm, seed=seed, status="ok", value=value, trust="graded", seconds=1.5
            )
            self._leave(arm, seed)
            log = f"confirm-{arm}-{seed}.log"
            call = f"{purpose}/{arm}/{seed}"
            self.add(ev.CommandRun(argv=argv, purpose=purpose, call_id=call, reason="exit", exit_code=0, log=log))
            self.add(ev.TrialFinished(result=result))

    def _leave(self, arm: str, seed: int) -> None:
        trial = self.run.trials / "confirm" / arm / str(seed)
        trial.mkdir(parents=True, exist_ok=True)
        points = [{"step": step, "name": "val_loss", "value": 1 / (step + seed)} for step in range(20)]
        (trial / "metrics.jsonl").write_text("\n".join(map(json.dumps, points)) + "\nnot json\n")
        self.run.env_log.mkdir(exist_ok=True)
        (self.run.env_log / f"confirm-{arm}-{seed}.log").write_text(f"trained {arm} {seed} {self.title}\n")

    def verdict(self, word: VerdictWord) -> None:
        """Checks and the verdict."""
        passed = word != "invalid"
        self.add(ev.IntegrityChecked(check=Check(name="journal_chain", passed=True, evidence="every line follows")))
        self.add(ev.IntegrityChecked(check=Check(name="shuffled_labels", passed=passed, evidence=self.title or "0.50")))
        self.add(ev.IntegrityChecked(check=Check(name="environment", passed=None, evidence="no lock was recorded")))
        result = ComparisonResult(
            id="idea-1-treatment",
            claim=idea(1, self.title).claim,
            seeds=list(range(1, 9)),
            differences=[0.02, 0.018, 0.021, 0.02, 0.025, 0.015, 0.02, 0.019],
            effect=0.01975,
            interval=(0.0174, 0.0221),
            p=0.0078,
            p_adjusted=0.0078,
            word=word,
            reasons=[self.title or "the interval lies above zero"],
            detectable_effect=0.006,
        )
        made = Verdict(
            word=word,
            trust="graded",
            comparisons=[result],
            reasons=[self.title or f"the rule says {word}"],
            protocol_hash="ab" * 32,
            noise_floor=0.0024,
            trials_planned=16,
            attempts=3,
            stamps=["no language model took part", *([self.title] if self.title else [])],
        )
        self.add(ev.VerdictReached(verdict=made))

    def report(self) -> None:
        """A report with one bound number, its figure and its bindings."""
        self.run.report.mkdir(exist_ok=True)
        (self.run.report / "figures").mkdir(exist_ok=True)
        (self.run.report / "figures" / "paired.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect width="40" height="20"/></svg>'
        )
        body = (
            "# Report\n\nThe treatment reached [0.921](#cell-t1) at a cost of $0.12 and $0.30.\n\n"
            f"![Paired differences](figures/paired.svg)\n\n{self.title}\n"
        )
        (self.run.report / "report.md").write_text(body)
        trial = next(e.seq for e in self.journal.entries if isinstance(e.event, ev.TrialFinished))
        cell = {
            "text": "0.921",
            "value": 0.9210000001,
            "what": "accuracy of one trial",
            "arm": "baseline",
            "seed": 1,
            "entries": [trial],
        }
        (self.run.report / "cells.json").write_text(json.dumps({"cell-t1": cell, "bad cell": 3}))
        self.add(ev.ReportWritten(files={"report/report.md": "0" * 64}))

    def finish(self, status: str = "done", detail: str = "") -> None:
        """The last line."""
        code = {"done": 0, "failed": 1, "stopped": 1, "cannot": 3}[status]
        self.add(ev.RunFinished.model_validate({"status": status, "exit_code": code, "detail": detail}))

    def close(self) -> RunFolder:
        """Release the lock, as an engine that is gone."""
        self.journal.close()
        return self.run


def started(logs: Path, title: str = "") -> RunFolder:
    """Only the first lines: nothing was read yet."""
    return Canned(folder(logs), title).close()


def at_ideas(logs: Path, title: str = "") -> RunFolder:
    """Waiting at the gate of the ideas."""
    canned = Canned(folder(logs), title)
    for stage in (canned.read, canned.propose, canned.ask_ideas):
        stage()
    return canned.close()


def at_plan(logs: Path, title: str = "") -> RunFolder:
    """Waiting at the gate of the plan."""
    canned = Canned(folder(logs), title)
    for stage in (canned.read, canned.propose, canned.choose, canned.plan, canned.ask_plan):
        stage()
    return canned.close()


def frozen(logs: Path) -> RunFolder:
    """Interrupted after the freeze. Without sealed labels: there are none to prepare for further seeds."""
    canned = Canned(folder(logs))
    for stage in (canned.read, canned.propose, canned.choose, canned.plan):
        stage()
    canned.freeze("reported")
    return canned.close()


def _to_trials(canned: Canned) -> None:
    for stage in (canned.read, canned.propose, canned.choose, canned.plan, canned.explore, canned.freeze):
        stage()


def running(logs: Path, title: str = "") -> Canned:
    """In the middle of the matrix; the caller closes it, which is the engine's end."""
    canned = Canned(folder(logs), title)
    _to_trials(canned)
    canned.trials(5)
    return canned


def failed(logs: Path, detail: str = "the provider refused the key") -> RunFolder:
    """Ended without a verdict."""
    canned = Canned(folder(logs), detail if "<" in detail else "")
    canned.read()
    canned.finish("failed", detail)
    return canned.close()


def finished(
    logs: Path, word: VerdictWord = "supported", title: str = "", start: str = "2026-11-20T09-07-46Z"
) -> RunFolder:
    """The whole way, with report."""
    canned = Canned(folder(logs, start=start), title)
    _to_trials(canned)
    canned.trials()
    canned.verdict(word)
    canned.report()
    canned.finish()
    return canned.close()


def huge(logs: Path, events: int = 20_000) -> RunFolder:
    """A run with very many exploration steps."""
    canned = Canned(folder(logs))
    for stage in (canned.read, canned.propose, canned.choose, canned.plan):
        stage()
    canned.explore(events // 4)
    canned.freeze()
    return canned.close()


STATES: dict[str, Callable[[Path], RunFolder]] = {
    "started": started,
    "ideas": at_ideas,
    "plan": at_plan,
    "running": lambda logs: running(logs).close(),
    "failed": failed,
    "supported": finished,
    "invalid": lambda logs: finished(logs, "invalid"),
    "hostile": lambda logs: finished(logs, "refuted", HOSTILE),
}
"""Every state that every page has to show."""
