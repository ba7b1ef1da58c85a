"""Commands about runs and papers."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from copilot import api
from copilot.cli.edits import edits_of
from copilot.cli.progress import Live, Progress
from copilot.cli.words import now, paper_parts, verdict_lines
from copilot.config import PAPER_PASSWORD, environment, find_home
from copilot.domain.edits import Edits
from copilot.domain.task import OwnCode, Settings, TaskMetric
from copilot.errors import CopilotError, Paused, SetupError
from copilot.events import QuestionAsked
from copilot.journal import Entry, read
from copilot.runs import RunFolder


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings that this command has an option for. Raises SetupError naming the one that is out of range."""
    options = {name: OPTIONS.get(name, name).replace("-", "_") for name in Settings.model_fields}
    given = {name: getattr(arguments, option, None) for name, option in options.items()}
    return _checked({name: value for name, value in given.items() if value is not None})


OPTIONS = {"budget_usd": "budget", "tokens": "max-tokens", "gpu_seconds": "gpu-seconds"}
"""Setting -> option, where they differ."""


def _checked(given: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        option = OPTIONS.get(str(first["loc"][0]), str(first["loc"][0]))
        raise SetupError(f"--{option}: {first['msg']}") from error


def run(arguments: argparse.Namespace) -> int:
    """`copilot run`."""
    ask = api.Ask(
        task=arguments.task,
        paper=arguments.paper,
        objective=arguments.objective,
        code=_own_code(arguments),
        settings=settings_of(arguments),
    )
    secret = _password(arguments)
    folder = api.start(ask, keys=secret)
    return _work(folder, as_json=arguments.json, quiet=False, secret=secret)


def _password(arguments: argparse.Namespace) -> dict[str, str]:
    """The paper's password as the engine reads it from its environment: no program and no file sees it there."""
    return {PAPER_PASSWORD: arguments.password} if arguments.password else {}


def _own_code(arguments: argparse.Namespace) -> OwnCode | None:
    if not arguments.code:
        if arguments.metric:
            raise SetupError("--metric goes with --code; a task names its metric itself")
        return None
    smallest = arguments.minimum_effect
    metric = {"name": arguments.metric, "direction": arguments.direction, "minimum_effect": smallest}
    try:
        return OwnCode(folder=arguments.code, metric=TaskMetric.model_validate(metric) if arguments.metric else None)
    except ValidationError as error:
        raise SetupError(
            f"--{str(error.errors()[0]['loc'][0]).replace('_', '-')}: {error.errors()[0]['msg']}"
        ) from error


def resume(arguments: argparse.Namespace) -> int:
    """`copilot resume`."""
    folder = api.find(arguments.run)
    changed = _new_limits(folder, arguments)
    return _work(
        folder,
        as_json=arguments.json,
        quiet=arguments.quiet,
        wait=arguments.wait,
        settings=changed,
        secret=_password(arguments),
    )


def branch(arguments: argparse.Namespace) -> int:
    """`copilot branch`."""
    folder = api.branch(api.find(arguments.run), arguments.at, say=arguments.say)
    return _work(folder, as_json=arguments.json, quiet=False)


def _new_limits(folder: RunFolder, arguments: argparse.Namespace) -> Settings | None:
    given = {
        "budget_usd": arguments.budget,
        "minutes": arguments.minutes,
        "tokens": arguments.max_tokens,
        "gpu_seconds": arguments.gpu_seconds,
        "fallback": arguments.fallback,
    }
    given = {name: value for name, value in given.items() if value is not None}
    if not given:
        return None
    settings = api.state(folder).settings or Settings()
    return _checked(settings.model_dump() | given)


def _work(
    folder: RunFolder,
    *,
    as_json: bool,
    quiet: bool,
    wait: bool = False,
    settings: Settings | None = None,
    secret: Mapping[str, str] | None = None,
) -> int:
    from copilot.engine.pipeline import drive, nobody, patient

    out = sys.stderr if as_json else sys.stdout
    progress = Progress(out, quiet=quiet)
    progress.remember(read(folder.journal))
    live = Live(folder, sys.stdout if sys.stdout.isatty() and not (quiet or as_json) else None)
    asker = _ask_here(folder) if sys.stdin.isatty() and not as_json and not quiet else nobody
    if not quiet:
        print(f"run {folder.name}\n    {folder.path}", file=out)

    def see(entry: Entry) -> None:
        live.see(entry)
        progress.show(entry)

    home = find_home()
    with _resumable(folder):
        drive(
            folder,
            home,
            {**environment(home), **(secret or {})},
            on_event=see,
            on_text=live.hear,
            wait=patient if wait else asker,
            settings=settings,
        )
    found = api.summary(folder)
    if as_json:
        print(found.model_dump_json(indent=1))
    elif not quiet:
        print("\n".join(verdict_lines(found, api.state(folder))))
    return found.exit_code


@contextlib.contextmanager
def _resumable(folder: RunFolder) -> Iterator[None]:
    """Ctrl-C leaves a run that can go on, and says how. Raises Paused."""
    try:
        yield
    except KeyboardInterrupt as interrupt:
        raise Paused("person", f"interrupted; go on with: copilot resume {folder.name}") from interrupt


def _ask_here(folder: RunFolder) -> Any:
    """At a terminal a question is asked right here."""

    def ask(question: QuestionAsked) -> bool:
        print(f"\n{question.text}")
        ideas = api.state(folder).ideas
        for option in question.options:
            described = f"  {ideas[option].title} (score {ideas[option].score:.2f})" if option in ideas else ""
            print(f"  {option}{described}")
        try:
            said = input(f"[{question.default}] (or `later`) > ").strip()
        except EOFError:
            said = "later"
        if said == "later":
            return False
        if said and said not in question.options:
            print(f"{said!r} is none of these: {', '.join(question.options)}")
            return True
        api.answer(folder, question.id, choice=said or question.default)
        return True

    return ask


def show(arguments: argparse.Namespace) -> int:
    """`copilot show`."""
    folder = api.find(arguments.run)
    found = api.summary(folder)
    if arguments.json:
        print(found.model_dump_json(indent=1))
        return 0
    progress = Progress(sys.stdout, numbered=True)
    for entry in read(folder.journal):
        progress.show(entry)
    print("\n".join(verdict_lines(now(found, api.engine_alive(folder)), api.state(folder))))
    return 0


def runs(arguments: argparse.Namespace) -> int:
    """`copilot runs`."""
    folders = list(api.runs())
    found = [_summary(folder) for folder in folders]
    if arguments.json:
        print(json.dumps([item.model_dump(mode="json") for item in found], indent=1))
        return 0
    width = max((len(item.run) for item in found), default=0)
    for folder, item in zip(folders, found, strict=True):
        word = item.verdict or now(item, item.status == "running" and api.engine_alive(folder)).status
        effect = "" if item.effect is None else f"  effect {item.effect:+.4g} {item.metric}"
        print(f"{item.run:<{width}}  {word:<13} {item.trust or '':<9}{effect}".rstrip())
    if not found:
        print("no runs yet; start one with: copilot run demo", file=sys.stderr)
    return 0


def _summary(folder: RunFolder) -> api.Summary:
    """A damaged run is one line of the list and hides no other."""
    try:
        return api.summary(folder)
    except CopilotError as error:
        return api.Summary(
            run=folder.name, task=folder.path.parent.name, status="damaged", detail=str(error), exit_code=1
        )


def report(arguments: argparse.Namespace) -> int:
    """`copilot report`."""
    print(api.write_report(api.find(arguments.run)))
    return 0


def verify(arguments: argparse.Namespace) -> int:
    """`copilot verify`: 0 when everything follows, 1 with the list of what does not."""
    bundle = Path(arguments.run)
    target = bundle if bundle.is_file() else api.find(arguments.run)
    return _tell(arguments, api.verify(target), "every number follows from the record")


def rerun(arguments: argparse.Namespace) -> int:
    """`copilot rerun`: 0 when every trial came out again, 1 with the list of what did not."""
    from copilot.report.rerun import rerun as again

    bundle = Path(arguments.run)
    target = bundle if bundle.is_file() else api.find(arguments.run).path
    return _tell(arguments, again(target), "every number came out again, and so did the verdict")


def replay(arguments: argparse.Namespace) -> int:
    """`copilot replay`: 0 when the whole run came out again, 1 with the list of what did not."""
    from copilot.engine.replay import replay as again

    differences = again(api.find(arguments.run), find_home())
    return _tell(arguments, differences, "the whole run came out again")


def _tell(arguments: argparse.Namespace, problems: list[str], fine: str) -> int:
    if arguments.json:
        print(json.dumps({"ok": not problems, "problems": problems}, indent=1))
    else:
        print("\n".join(problems or [fine]))
    return 1 if problems else 0


def answer(arguments: argparse.Namespace) -> int:
    """`copilot answer`."""
    folder = api.find(arguments.run)
    state = api.state(folder)
    if state.finished is not None:
        raise SetupError(f"{folder.name} has ended ({state.status}): nobody reads an answer to it any more")
    waiting = state.open_questions
    if not waiting or (arguments.text and not arguments.choice and not arguments.question):
        if not arguments.text:
            raise SetupError("no question is open; use --text to say something to the agent")
        api.say(folder, arguments.text)
        print("said; the agent reads it before its next step", file=sys.stderr)
        return 0
    asked = {item.id: item for item in waiting}
    question = asked.get(arguments.question or waiting[0].id)
    if question is None:
        raise SetupError(f"no open question {arguments.question!r}; open: {', '.join(asked)}")
    edits = edits_of(arguments, folder) if question.gate == "ideas" else Edits()
    if arguments.choice and question.options and arguments.choice not in {*question.options, *edits.ideas}:
        raise SetupError(
            f"{arguments.choice!r} is no answer to {question.id}; say one of {', '.join(question.options)}"
        )
    data = edits.data(list(edits.ideas.values()), arguments.choice) if edits != Edits() else None
    api.answer(folder, question.id, choice=arguments.choice, text=arguments.text, data=data)
    print(f"answered {question.id}; `copilot resume {folder.name}` goes on", file=sys.stderr)
    return 0


def amend(arguments: argparse.Namespace) -> int:
    """`copilot amend`."""
    folder = api.find(arguments.run)
    event = api.amend(
        folder, seeds=arguments.seeds, seconds_per_trial=arguments.seconds_per_trial, reason=arguments.reason
    )
    print(f"amended after {event.results_seen} results, protocol {event.hash[:16]}…; `copilot resume {folder.name}`")
    return 0


def parse(arguments: argparse.Namespace) -> int:
    """`copilot parse`."""
    paper = api.parse(arguments.paper, password=arguments.password, ocr=arguments.ocr)
    if arguments.json:
        print(paper.model_dump_json(exclude={"page_texts"}, indent=1))
        return 0
    print("\n\n".join(part for part in paper_parts(paper) if part))
    return 0


def ideas(arguments: argparse.Namespace) -> int:
    """`copilot ideas`: a run that stops after the review; `copilot resume` would go on with it."""
    from copilot.engine.pipeline import IDEAS_ONLY, drive

    secret = _password(arguments)
    folder = api.start(api.Ask(paper=arguments.paper, settings=settings_of(arguments)), keys=secret)
    home = find_home()
    progress = Progress(sys.stderr)
    with _resumable(folder):
        drive(folder, home, {**environment(home), **secret}, on_event=progress.show, phases=IDEAS_ONLY)
    state = api.state(folder)
    if arguments.json:
        found = [idea.model_dump(mode="json") for idea in state.ideas.values()]
        document = {
            "run": folder.name,
            "paper": state.paper.title if state.paper else "",
            "model": arguments.llm,
            "stamps": state.stamps,
            "ideas": found,
        }
        print(json.dumps(document, indent=1, ensure_ascii=False))
    else:
        for idea in sorted(state.ideas.values(), key=lambda item: -item.score):
            print(f"\n{idea.id}  {idea.title}  (score {idea.score:.2f})\n  {idea.claim}\n  why: {idea.mechanism}")
            for item in idea.evidence:
                mark = f"p. {item.page}" if item.grounded else "NOT FOUND IN THE PAPER"
                print(f"  “{item.quote}” ({mark})")
    if state.ideas:
        return 0
    return api.summary(folder).exit_code
