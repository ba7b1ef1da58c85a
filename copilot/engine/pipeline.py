"""The phases of a run, in order. Each looks into the journal for what is done and does the rest, so that `drive` can be
killed anywhere and called again.

The one broad `except` of the engine stands here: whatever went wrong, the journal's last line says so.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Mapping

from copilot.config import Home
from copilot.disk import out_of_room
from copilot.domain.task import Settings
from copilot.engine import exploring, ideation, measuring, preparing, reading, reporting, tuning
from copilot.engine.human import Stopped, safe_point
from copilot.engine.services import Services, build
from copilot.errors import CannotDo, CopilotError, NotRecorded, Paused, SetupError
from copilot.events import QuestionAsked, RunFinished, RunPaused, RunResumed
from copilot.journal import Entry, Journal
from copilot.llm.keys import Keys
from copilot.runs import RunFolder

PHASES: tuple[Callable[[Services], None], ...] = (
    reading.read,
    reading.claims,
    reading.literature,
    ideation.recall,
    ideation.ideas,
    ideation.choose,
    preparing.retrieve,
    preparing.prototype,
    preparing.plan,
    preparing.workspace,
    exploring.experiment,
    tuning.tune,
    measuring.freeze,
    measuring.trials,
    measuring.probes,
    measuring.verdict,
    reporting.report,
)


IDEAS_ONLY = PHASES[:5]
"""Up to the review of the ideas, for `copilot ideas`."""


def patient(question: QuestionAsked) -> bool:
    """Wait for an answer from elsewhere (the app, `copilot answer`)."""
    time.sleep(0.3)
    return True


def nobody(question: QuestionAsked) -> bool:
    """Do not wait: the run pauses, and is resumed when the answer is there."""
    return False


def drive(
    run: RunFolder,
    home: Home,
    env: Mapping[str, str],
    *,
    on_event: Callable[[Entry], None] | None = None,
    wait: Callable[[QuestionAsked], bool] = nobody,
    settings: Settings | None = None,
    on_text: Callable[[str], None] | None = None,
    phases: tuple[Callable[[Services], None], ...] = PHASES,
) -> None:
    """Take a run to its end, or to a pause. Everything that happened is in the journal when this returns.

    Raises SetupError or NotRecorded when something on this machine has to be mended first; the run stays resumable.
    """
    journal = Journal(run.journal, on_event=on_event)
    try:
        services = build(run, home, env, journal, wait)
        services.desk.on_text = on_text
        if services.state.finished is not None:
            return
        if services.state.seq > 0 or journal.repaired:
            services.desk.record(RunResumed(pid=os.getpid(), repaired=journal.repaired, settings=settings))
        _work(services, phases)
    finally:
        journal.close()


def _work(services: Services, phases: tuple[Callable[[Services], None], ...]) -> None:
    record = services.desk.record
    try:
        for phase in phases:
            safe_point(services)
            phase(services)
        if phases is not PHASES:
            raise Paused("person", "stopped after the ideas, as asked")
        record(RunFinished(status="done", exit_code=0))
    except NotRecorded:
        raise
    except Paused as pause:
        record(RunPaused(reason=pause.reason, detail=str(pause)))
    except Stopped as stop:
        record(RunFinished(status="stopped", exit_code=1, detail=str(stop)))
    except CannotDo as refusal:
        record(RunFinished(status="cannot", exit_code=refusal.exit_code, detail=str(refusal)))
    except SetupError as problem:
        record(RunPaused(reason="setup", detail=str(problem)))
        raise
    except CopilotError as failure:
        record(RunFinished(status="failed", exit_code=failure.exit_code, detail=str(failure)))
    except OSError as failure:
        if out_of_room(failure):
            raise NotRecorded(f"the disk is full ({failure}); make room, then resume this run") from failure
        record(RunFinished(status="failed", exit_code=1, detail=f"{type(failure).__name__}: {failure}"))
    except Exception as bug:  # noqa: BLE001 - the one broad except of the engine: the journal must say how the run ended
        redact = Keys.from_environment(services.env).redact
        record(RunFinished(status="failed", exit_code=1, detail=redact(f"{type(bug).__name__}: {bug}")))
        with services.run.engine_log.open("a", encoding="utf-8", errors="replace") as log:
            log.write(redact("".join(traceback.format_exception(bug))))
