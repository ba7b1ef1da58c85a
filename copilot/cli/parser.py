"""All commands and their options in one place: what `--help` says, and what the README repeats."""

from __future__ import annotations

import argparse
from typing import Any

from copilot import __version__
from copilot.cli import commands, tools

LEVELS = ("namespace", "landlock", "container", "seccomp-only", "limits-only")
LLM_HELP = "offline, claude, gpt4, gemini, llama, or provider:model (default: offline, which is no language model)"

FALLBACK_HELP = "the model that takes over when a role's own does not answer any more; stamped on the verdict"


def build_parser() -> argparse.ArgumentParser:
    """The parser of `copilot`; every command sets `act`, a function of the parsed arguments."""
    parser = argparse.ArgumentParser(
        prog="copilot",
        description="From a paper to a measured verdict: the model proposes, code measures and decides.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"copilot {__version__}")
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _runs(actions)
    _papers(actions)
    _tools(actions)
    return parser


def _add(actions: Any, name: str, act: Any, text: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = actions.add_parser(name, help=text, description=text, allow_abbrev=False)
    command.set_defaults(act=act)
    return command


def _runs(actions: Any) -> None:
    run = _add(actions, "run", commands.run, "Run a task, a paper or a question to a verdict.")
    run.add_argument("task", nargs="?", default="", metavar="TASK", help="a task in problems/")
    run.add_argument("--paper", default="", metavar="FILE_OR_ARXIV_ID", help="a PDF file or an arXiv id")
    run.add_argument("--objective", default="", metavar="QUESTION", help="a question, without a paper")
    run.add_argument("--code", default="", metavar="DIR", help="a folder with your own code; it goes with --metric")
    run.add_argument(
        "--metric", default="", metavar="NAME", help="needed with --code: the number of its result.json that counts"
    )
    run.add_argument("--direction", choices=["maximize", "minimize"], default="maximize", help="which way is better")
    run.add_argument("--minimum-effect", type=float, metavar="M", help="the smallest effect that matters")
    _asked(run)
    _trials(run)
    _json(run)

    resume = _add(
        actions, "resume", commands.resume, "Go on with a run that was paused, stopped by a crash, or killed."
    )
    _run_argument(resume)
    _opening(resume)
    resume.add_argument("--budget", type=float, metavar="USD", help="a new cap in dollars for the whole run")
    resume.add_argument("--minutes", type=float, metavar="MINUTES", help="a new cap in minutes for the whole run")
    _token_cap(resume, "a new cap, for the whole run: ")
    _gpu_cap(resume, "a new cap, for the whole run: ")
    resume.add_argument("--fallback", metavar="NAME", help=FALLBACK_HELP)
    resume.add_argument(
        "--wait", action="store_true", help="wait at gates for answers from the app or `copilot answer`"
    )
    resume.add_argument("--quiet", action="store_true", help="print no progress")
    _json(resume)

    branch = _add(actions, "branch", commands.branch, "A new run that goes another way from a step of an earlier one.")
    _run_argument(branch)
    branch.add_argument(
        "--at", type=int, required=True, metavar="ENTRY", help="the last entry that both share (`show`)"
    )
    branch.add_argument("--say", default="", metavar="TEXT", help="what to tell the agent at once")
    _json(branch)

    _run_argument(_json(_add(actions, "show", commands.show, "What happened in a run, and where it stands.")))
    _json(_add(actions, "runs", commands.runs, "All runs, newest first."))
    report = _add(actions, "report", commands.report, "Write the report of a run again, and print where it is.")
    _run_argument(report)
    verify = _add(
        actions, "verify", commands.verify, "Recompute every number of a report from the run folder or bundle."
    )
    rerun = _add(actions, "rerun", commands.rerun, "Run every trial of a run or bundle again, and decide anew.")
    for command in (verify, rerun):
        command.add_argument(
            "run", metavar="RUN", help="TASK/START, TASK (its latest run), a run folder or a bundle.zip"
        )
        _json(command)
    replay = _add(actions, "replay", commands.replay, "Do a whole run again from its recorded model answers.")
    _run_argument(_json(replay))

    answer = _add(
        actions, "answer", commands.answer, "Answer an open question of a run, or say something to its agent."
    )
    _run_argument(answer)
    answer.add_argument("--question", default="", metavar="ID", help="which question (default: the oldest open one)")
    answer.add_argument("--choice", default="", help="one of the options, for example an idea's id")
    answer.add_argument("--edit", default="", metavar="FILE.json", help="an idea, or a list: its id and what changes")
    answer.add_argument(
        "--reject", action="append", default=[], metavar="ID=REASON", help="put an idea aside; repeatable"
    )
    answer.add_argument(
        "--merge", action="append", default=[], metavar="ID,ID", help="one idea of two, called own-1; repeatable"
    )
    answer.add_argument(
        "--duplicate", action="append", default=[], metavar="ID", help="a copy of an idea, to be edited; repeatable"
    )
    answer.add_argument("--text", default="", help="free text; without an open question it is a remark to the agent")

    amend = _add(
        actions, "amend", commands.amend, "Change the protocol of a paused run, visibly: more seeds, more time."
    )
    _run_argument(amend)
    amend.add_argument("--seeds", type=int, metavar="N", help="seeds per arm; they can only be added")
    amend.add_argument("--seconds-per-trial", type=float, metavar="S", help="time limit of a trial")
    amend.add_argument("--reason", required=True, help="why; it stands beside the verdict")


def _papers(actions: Any) -> None:
    parse = _add(actions, "parse", commands.parse, "Read a paper: title, authors, sections, references, claims.")
    parse.add_argument("paper", metavar="PAPER", help="a PDF file or an arXiv id")
    _opening(parse)
    parse.add_argument("--ocr", action="store_true", help=OCR_HELP)
    _json(parse)
    ideas = _add(actions, "ideas", commands.ideas, "Draft grounded hypotheses from a paper, and stop there.")
    ideas.add_argument("paper", metavar="PAPER", help="a PDF file or an arXiv id")
    _asked(ideas)
    _json(ideas)
    _retrieve(actions)


def _retrieve(actions: Any) -> None:
    retrieve = _add(actions, "retrieve", tools.retrieve, "Find models, datasets or code on the Hugging Face Hub.")
    retrieve.add_argument("query", nargs="?", default="", help="what for, in words")
    kinds = ["model", "dataset", "code"]
    retrieve.add_argument("--kind", choices=kinds, default="model", help="what to look for (default model)")
    retrieve.add_argument("--top", type=int, default=10, metavar="N", help="how many hits (default 10)")
    retrieve.add_argument("--queries", default="", metavar="FILE.jsonl", help='many: lines of {"id", "query", "kind"}')
    retrieve.add_argument(
        "--index", action="append", default=[], metavar="PATH", help="offline index: JSON Lines files"
    )
    only = retrieve.add_argument_group("what a hit must be, where it is known")
    only.add_argument("--task", default="", help="the Hub's task, for example text-classification")
    only.add_argument("--language", default="", metavar="CODE", help="ISO 639 code")
    only.add_argument("--licence", default="", help="start of a licence tag (apache, mit, cc-by), or `permissive`")
    only.add_argument("--max-parameters", type=_amount, metavar="N", help="largest model, for example 350M or 7B")
    only.add_argument("--max-bytes", type=_amount, metavar="N", help="largest repository, for example 500M or 2G")
    only.add_argument("--exclude", action="append", default=[], metavar="ID", help="an id that must not come back")
    only.add_argument(
        "--task-data", action="append", default=[], metavar="NAME", help="data you test on: training on it is warned of"
    )
    only.add_argument("--memory-bytes", type=_amount, metavar="N", help="memory to fit (default: what is free here)")
    for name, text in RISKS.items():
        only.add_argument(f"--allow-{name}", action="store_true", help=text)
    _json(retrieve)


RISKS = {
    "gated": "take repositories whose owner asks for consent",
    "pickle": "take weights that exist only as pickles, which can run code when loaded",
    "remote-code": "take repositories whose own code runs when they are loaded",
}
UNITS = {"k": 1e3, "m": 1e6, "g": 1e9, "b": 1e9, "t": 1e12}


def _amount(text: str) -> int:
    """A positive count with an optional unit (`350M`, `7B`, `2 GB`)."""
    plain = text.strip().lower()
    plain = plain.removesuffix("b") if plain[-2:-1].isalpha() else plain
    factor = UNITS.get(plain[-1:], 0.0)
    try:
        number = float(plain[:-1]) * factor if factor else float(plain)
    except ValueError:
        number = 0.0
    if not 0 < number < 1e18:
        raise argparse.ArgumentTypeError(f"{text!r} is not an amount: write for example 350M, 7B or 2GB")
    return int(number)


def _tools(actions: Any) -> None:
    ui = _add(actions, "ui", tools.ui, "Open the app in the browser.")
    ui.add_argument("--port", type=int, help="port (default: the first free one from 8501)")
    ui.add_argument(
        "--address", default="127.0.0.1", help="address to listen on (default 127.0.0.1: this machine only)"
    )
    ui.add_argument("--headless", action="store_true", help="do not open a browser")
    ui.add_argument(
        "--shared", action="store_true", help="for many people: each sees their own runs, with limits (docs/http.md)"
    )
    models = _add(actions, "models", tools.models, "Which language models are configured, reachable and priced.")
    models.add_argument("--probe", action="store_true", help="also ask each configured provider whether it answers")
    _json(models)
    imported = _add(actions, "import", tools.import_task, "Import a task folder of another format into problems/.")
    imported.add_argument("what", choices=["task"], help="what to import")
    imported.add_argument("folder", metavar="DIR", help="the task folder")
    imported.add_argument("--grading", default="", metavar="DIR", help="the folder with answers and grade.json")
    imported.add_argument("--name", required=True, metavar="NAME", help="the name it gets in problems/")
    sandbox = _add(actions, "sandbox", tools.sandbox_help, "Run a script as a trial would be run, or test the sandbox.")
    inner = sandbox.add_subparsers(title="actions", metavar="ACTION", required=True)
    script = _add(inner, "run", tools.sandbox_run, "Run one script exactly as a trial would be run.")
    script.add_argument("--workspace", default="", metavar="DIR", help="writable folder (default: a temporary one)")
    script.add_argument("--inputs", default="", metavar="DIR", help="read-only folder")
    script.add_argument("--seconds", type=float, default=60.0, help="time limit (default 60)")
    script.add_argument("--record", default="", metavar="DIR", help="where log.jsonl and report.json go")
    _level(script, "--level", "--sandbox")
    script.add_argument("script", metavar="SCRIPT.py")
    script.add_argument("args", nargs=argparse.REMAINDER, metavar="ARGS")
    check = _add(inner, "check", tools.sandbox_check, "Run the attack suite here; says which level holds what.")
    check.add_argument(
        "--level",
        "--sandbox",
        action="append",
        default=[],
        choices=["auto", *LEVELS],
        metavar="LEVEL",
        help=f"only this level, repeatable: auto (what runs use here), {', '.join(LEVELS)}",
    )
    _json(check)


OCR_HELP = "recognise the text of scanned pages with Tesseract"


def _opening(command: argparse.ArgumentParser) -> None:
    command.add_argument("--password", metavar="WORD", help="for an encrypted PDF; it is kept nowhere")


def _asked(command: argparse.ArgumentParser) -> None:
    """Reading and asking models."""
    _opening(command)
    command.add_argument("--ocr", action="store_true", default=None, help=OCR_HELP)
    command.add_argument("--llm", default="offline", metavar="NAME", help=LLM_HELP)
    command.add_argument("--budget", type=float, metavar="USD", help="hard cap in dollars for model calls")
    command.add_argument("--minutes", type=float, metavar="MINUTES", help="hard cap in minutes of working time")
    _token_cap(command, "hard cap in ")
    command.add_argument("--fallback", metavar="NAME", help=FALLBACK_HELP)


def _trials(command: argparse.ArgumentParser) -> None:
    """Experiments."""
    command.add_argument("--seeds", type=int, metavar="N", help="seeds per arm (default: the task's, else 8)")
    command.add_argument(
        "--tuning", type=int, metavar="N", help="settings each arm may try on validation data (default 4; 1: none)"
    )
    command.add_argument("--steps", type=int, metavar="N", help="turns of the experiment agent (default 30)")
    _gpu_cap(command, "hard cap in ")
    command.add_argument("--approve", choices=["ask", "auto"], default="auto", help="who chooses the idea and the plan")
    command.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="NAME",
        help="let the agent fetch this package or Hub repository (OWNER/NAME) without a question; repeatable",
    )
    _level(command, "--sandbox")


def _level(command: argparse.ArgumentParser, *names: str) -> None:
    command.add_argument(
        *names,
        choices=["auto", *LEVELS],
        default="auto",
        metavar="LEVEL",
        help=f"auto (default), {', '.join(LEVELS)}",
    )


def _token_cap(command: argparse.ArgumentParser, which: str) -> None:
    command.add_argument("--max-tokens", type=int, metavar="N", help=f"{which}tokens of all model calls, in and out")


def _gpu_cap(command: argparse.ArgumentParser, which: str) -> None:
    command.add_argument(
        "--gpu-seconds",
        type=float,
        metavar="S",
        help=f"{which}seconds of programs with the GPU; without it none has it",
    )


def _run_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("run", metavar="RUN", help="TASK/START, TASK (its latest run), or a run folder")


def _json(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--json", action="store_true", help="one JSON document on stdout, all else on stderr")
    return command
