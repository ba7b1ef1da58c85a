"""Programs side by side: as many at once as the machine has cores, each recorded as it comes. Not here: what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from copilot.engine.human import safe_point
from copilot.engine.services import Services
from copilot.errors import CopilotError, Paused

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(
    services: Services,
    due: Iterable[T],
    work: Callable[[T], R],
    started: Callable[[T], None],
    finished: Callable[[R], None],
) -> None:
    """Do `work` for each item in threads; `started` and `finished` are called here, where the journal is written.

    When a person pauses, time is up or a program cannot be run here, what else runs is finished and recorded before
    Paused or Stopped is raised.
    """
    waiting = list(due)
    stop: CopilotError | None = None
    with ThreadPoolExecutor(max_workers=services.workers) as pool:
        running: set[Future[R]] = set()
        while waiting or running:
            while waiting and len(running) < services.workers and stop is None:
                try:
                    services.reserve_gpu(len(running) + 1)
                except Paused as pause:
                    stop = None if running else pause  # a program that ends early may leave room
                    break
                item = waiting.pop(0)
                started(item)
                running.add(pool.submit(work, item))
            if not running:
                break
            for done in wait(running, return_when=FIRST_COMPLETED).done:
                running.remove(done)
                try:
                    finished(done.result())
                except Paused as pause:
                    stop = stop or pause
            stop = stop or _asked_to_stop(services)
    if stop is not None:
        raise stop


def _asked_to_stop(services: Services) -> CopilotError | None:
    try:
        safe_point(services)
    except CopilotError as stop:
        return stop
    return None
