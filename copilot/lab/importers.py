"""Bring a task folder made for something else into `problems/NAME` (and `workspaces/NAME`), whole or not at all.

Two known forms: the plain one (`task.md` beside data files, answers and `grade.json` in a second folder) and that of
MLAgentBench and MLR-Copilot (`env/`, `scripts/research_problem.txt`, `scripts/eval.py`). Nothing of the source is ever
executed or changed here, symbolic links in it are not followed, and sealed answers go to `sealed/` alone.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from copilot.errors import SetupError
from copilot.lab import taskkind
from copilot.lab.taskkind.wording import Wording, read_wording, section, title
from copilot.lab.unpack import unpack_all
from copilot.lab.workspace import walk_regular

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
NOT_SEALED = {"research_problem.txt", "prepare.py", "read_only_files.txt", "environment.yml", "requirements.txt"}
ANSWERS = {".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".npz", ".npy", ".conll", ".txt"}
CODE = {".py", ".ipynb", ".sh", ".yaml", ".yml", ".toml", ".cfg", ".ini", ".md", ".rst"}
CODE_NAMES = re.compile(r"requirements.*\.txt|.*config.*\.json|makefile|dockerfile|license.*|readme.*", re.I)
STARTERS = ("train.py", "main.py", "run.py", "baseline.py")


def import_task(source: Path, *, grading: Path | None, name: str, problems: Path, workspaces: Path) -> list[str]:
    """Import `source` as task `name`; returns what was done, in sentences.

    Raises SetupError when the folder has no known form, lacks something that only a person can supply, or the name is
    taken or no name; then nothing was made.
    """
    if not NAME.fullmatch(name):
        raise SetupError(f"{name!r} cannot name a task: use letters, digits, '-' and '_'.")
    for taken in (problems / name, workspaces / name):
        if taken.exists():
            raise SetupError(f"{taken} exists already; choose another --name or remove it first.")
    if grading is not None and not grading.is_dir():
        raise SetupError(f"There is no grading folder {grading}.")
    with _staging(problems, workspaces, name) as (problem, workspace):
        if (source / "task.md").is_file():
            return _plain(source, grading, problem)
        if (source / "env").is_dir() and (source / "scripts").is_dir():
            return _benchmark(source, grading, problem, workspace)
        raise SetupError(
            f"{source} is no task folder of a known form: expected task.md beside data files, "
            "or env/ and scripts/research_problem.txt (MLAgentBench, MLR-Copilot)."
        )


@contextmanager
def _staging(problems: Path, workspaces: Path, name: str) -> Iterator[tuple[Path, Path]]:
    """Two hidden folders beside their final places; moved there only when everything went well."""
    problems.mkdir(parents=True, exist_ok=True)
    workspaces.mkdir(parents=True, exist_ok=True)
    problem = Path(tempfile.mkdtemp(prefix=".import-", dir=problems))
    workspace = Path(tempfile.mkdtemp(prefix=".import-", dir=workspaces))
    try:
        yield problem, workspace
        for made in (problem, workspace):
            made.chmod(0o755)
        if any(workspace.iterdir()):
            workspace.rename(workspaces / name)
        try:
            problem.rename(problems / name)
        except OSError:
            shutil.rmtree(workspaces / name, ignore_errors=True)
            raise
    finally:
        shutil.rmtree(problem, ignore_errors=True)
        shutil.rmtree(workspace, ignore_errors=True)


def _plain(source: Path, grading: Path | None, problem: Path) -> list[str]:
    text = (source / "task.md").read_text(encoding="utf-8", errors="replace")
    done = [_copy(source, problem / "data", lambda path: path != "task.md")]
    if not any((problem / "data").iterdir()):
        raise SetupError(f"{source} has a task.md but no data files.")
    grade = None
    if grading is None:
        done.append(
            "No grading folder was given: numbers of this task will only be reported by the script, not graded."
        )
    else:
        grade = _seal(grading, problem, source)
        done.append(f"Sealed the answers and the grading rule of {grading} in sealed/, out of reach of any experiment.")
    wording = read_wording(text, grade)
    extra = {"source": str((grade or {}).get("source", "")), "licence": str((grade or {}).get("licence", ""))}
    _write_problem(problem, text, wording, extra)
    return done + _described(problem, text, grade)


def _seal(grading: Path, problem: Path, source: Path) -> dict[str, Any]:
    """Copy grading rule and answers to sealed/ and return the rule. Refuses answers that lie in the open as well."""
    rule = grading / "grade.json"
    answers = [p for p in sorted(grading.iterdir()) if p.stem == "answers" and p.suffix in ANSWERS and p.is_file()]
    if not rule.is_file() or len(answers) != 1:
        raise SetupError(f"{grading} needs grade.json and one file called answers (.csv, .jsonl, .npz, .conll, ...).")
    try:
        grade = json.loads(rule.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SetupError(f"{rule} is not JSON: {error}") from error
    if not isinstance(grade, dict) or not grade.get("metric"):
        raise SetupError(f"{rule} must be an object with at least `metric`, `key` and `target`.")
    sealed = hashlib.sha256(answers[0].read_bytes()).hexdigest()
    for folder in (source, problem / "data"):
        for path, _ in walk_regular(folder):
            if hashlib.sha256((folder / path).read_bytes()).hexdigest() == sealed:
                raise SetupError(f"{path} is the same as the sealed answers; take it out of the task folder first.")
    (problem / "sealed").mkdir()
    shutil.copyfile(rule, problem / "sealed" / "grade.json")
    shutil.copyfile(answers[0], problem / "sealed" / answers[0].name)
    return grade


def _copy(source: Path, target: Path, wanted: Callable[[str], bool], what: str = "data/") -> str:
    """Copy the regular files whose relative path is wanted; says how many, and what was left out."""
    target.mkdir(parents=True, exist_ok=True)
    copied = size = 0
    for path, entry in walk_regular(source):
        if wanted(path):
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / path, target / path)
            copied, size = copied + 1, size + entry.st_size
    links = sum(wanted(path.name) and path.is_symlink() for path in source.rglob("*"))
    left = f"; {links} symbolic link(s) were left out" if links else ""
    unpacked = unpack_all(target) if target.name == "data" else 0
    left += f"; {unpacked} archive(s) were unpacked" if unpacked else ""
    return f"Copied {copied} file(s), {size / 1e6:.1f} MB, to {what}{left}."


def _write_problem(problem: Path, text: str, wording: Wording, extra: dict[str, str]) -> None:
    head: dict[str, Any] = {"title": title(text)}
    if wording.metric:
        head["metric"] = {"name": wording.metric, "direction": wording.direction}
    for name, said in (("source", extra["source"]), ("licence", extra["licence"])):
        if said:
            head[name] = said
    if "source" not in head and (said := section(text, "source")):
        head["source"] = said.splitlines()[0]
    front = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=1000)
    (problem / "problem.md").write_text(f"---\n{front}---\n{text.strip()}\n", encoding="utf-8")


def _described(problem: Path, text: str, grade: dict[str, Any] | None) -> list[str]:
    kind = taskkind.describe(problem / "data", text, grade)
    if kind is not None:
        return [f"Looks like {kind.sentence()}; it can run without a language model."]
    return [f"It needs a language model: {taskkind.why_not(problem / 'data', text, grade)}"]


def _is_code(path: str) -> bool:
    file = Path(path)
    return file.suffix.lower() in CODE or bool(CODE_NAMES.fullmatch(file.name))


def _benchmark(source: Path, grading: Path | None, problem: Path, workspace: Path) -> list[str]:
    env, scripts = source / "env", source / "scripts"
    said = scripts / "research_problem.txt"
    if not said.is_file():
        raise SetupError(f"{said} is missing: it holds the task's text.")
    text = said.read_text(encoding="utf-8", errors="replace")
    done = [
        _copy(env, workspace, _is_code, "the workspace"),
        _copy(env, problem / "data", lambda path: not _is_code(path)),
    ]
    preparer = scripts / "prepare.py"
    if not any((problem / "data").iterdir()):
        hint = f"; run {preparer} yourself (it is never run here), then import again" if preparer.is_file() else ""
        raise SetupError(f"{env} has no data files{hint}.")
    if preparer.is_file():
        done.append(
            f"{preparer} was not run; if it makes data that are missing here, run it yourself and import again."
        )
    grade, notes = _grading(scripts, grading, problem, source, text)
    body = text + _read_only(scripts)
    wording = read_wording(text, grade)
    _write_problem(problem, body, wording, {"source": "imported from an MLAgentBench-style folder", "licence": ""})
    return done + notes + _wrap(problem, workspace, text, grade)


def _read_only(scripts: Path) -> str:
    listed = scripts / "read_only_files.txt"
    names = listed.read_text(encoding="utf-8").split() if listed.is_file() else []
    return f"\n\nThese files must stay as they are: {', '.join(names)}.\n" if names else ""


def _grading(
    scripts: Path, grading: Path | None, problem: Path, source: Path, text: str
) -> tuple[dict[str, Any] | None, list[str]]:
    """The grading rule, by id where it can be derived; else the folder's own eval.py; else none. And notes on it."""
    if grading is not None:
        return _seal(grading, problem, source), ["Sealed the given answers and grading rule."]
    answers = next((p for p in sorted(scripts.rglob("answer*")) if p.suffix == ".csv"), None)
    script = scripts / "eval.py"
    code = script.read_text(encoding="utf-8", errors="replace") if script.is_file() else ""
    grade = derive_grade(answers, problem / "data", text, code) if answers else None
    if answers and grade:
        (problem / "sealed").mkdir()
        shutil.copyfile(answers, problem / "sealed" / "answers.csv")
        (problem / "sealed" / "grade.json").write_text(json.dumps(grade, indent=1), encoding="utf-8")
        note = f"Grading by id with {grade['metric']} over {answers.name}, as eval.py and text say (not run)."
        return grade, [note, "Check sealed/grade.json: the metric was read from words."]
    if not code:
        return None, [
            "There is no scripts/eval.py and no answer file: numbers will only be reported by the script, not graded."
        ]
    return _own_script(scripts, problem, text, code)


def _own_script(scripts: Path, problem: Path, text: str, code: str) -> tuple[dict[str, Any], list[str]]:
    """eval.py, what lies beside it and the untouched modules go to sealed/, behind an `evaluate.py` that calls it."""
    _copy(scripts, problem / "sealed", lambda path: Path(path).name not in NOT_SEALED)
    _copy(scripts.parent / "env", problem / "sealed" / "starter", lambda path: path.endswith(".py"))
    shutil.copyfile(taskkind.FOLDER / "starter" / "evaluate.py", problem / "evaluate.py")
    wording = read_wording(text + "\n" + code, None)
    keys, targets = _sample_columns(problem / "data")
    direction = "lower" if wording.direction == "minimize" else "higher"
    grade = {"metric": wording.metric or "score", "direction": direction, "key": keys, "target": targets}
    (problem / "sealed" / "grade.json").write_text(json.dumps(grade, indent=1), encoding="utf-8")
    warning = (
        "eval.py will grade, called through evaluate.py in a process of its own; read it before you trust its numbers. "
        "It sees the starter's modules as they were imported; one that downloads its labels cannot run."
    )
    return grade, [warning, f"Check sealed/grade.json: {grade['metric']} ({direction} is better) was read from words."]


def _sample_columns(data: Path) -> tuple[list[str], list[str]]:
    """Key and target columns as a sample submission beside a test file shows them; empty without both."""
    from copilot.lab.taskkind.kit import taskfiles

    files = sorted(data.rglob("*.csv"))
    sample = next((path for path in files if re.search(r"sample_?submission", path.name, re.I)), None)
    test = next((path for path in files if taskfiles.part_of(path.stem) == "test"), None)
    if sample is None or test is None:
        return [], []
    shown, columns = taskfiles.read_delimited(test).columns, taskfiles.read_delimited(sample).columns
    keys = [str(name) for name in columns if name in shown]
    return keys[:1], [str(name) for name in columns if name not in shown]


def derive_grade(answers: Path, data: Path, text: str, code: str) -> dict[str, Any] | None:
    """Metric, key and target from an answer file, the test file and the words of eval.py and task; None if unsure."""
    from copilot.lab.taskkind.kit import taskfiles

    table = taskfiles.read_delimited(answers)
    tests = [path for path in sorted(data.rglob("*.csv")) if taskfiles.part_of(path.stem) == "test"]
    if not tests:
        return None
    shown = taskfiles.read_delimited(tests[0])
    shared = [str(name) for name in table.columns if name in shown.columns]
    keys = [name for name in shared if table[name].is_unique and set(table[name]) == set(shown[name])][:1]
    targets = [str(name) for name in table.columns if name not in shared]
    wording = read_wording(text + "\n" + code, None)
    if not keys or not targets or not wording.metric:
        return None
    target: Any = targets if len(targets) > 1 else targets[0]
    direction = "lower" if wording.direction == "minimize" else "higher"
    return {"metric": wording.metric, "direction": direction, "key": keys, "target": target}


def _wrap(problem: Path, workspace: Path, text: str, grade: dict[str, Any] | None) -> list[str]:
    """Make the untouched starter the baseline arm of an obeying `experiment.py`, where the task's kind is known."""
    starter = next((name for name in STARTERS if (workspace / name).is_file()), "")
    if (workspace / "experiment.py").is_file():
        return ["The starter code has an experiment.py of its own; it was left as it is."]
    kind = taskkind.describe(problem / "data", text, grade)
    if kind is None:
        return [f"It needs a language model: {taskkind.why_not(problem / 'data', text, grade)}"]
    if not starter:
        return [
            f"Looks like {kind.sentence()}.",
            "No starter script was found; the baseline will be the simplest honest predictor.",
        ]
    if grade is None:
        taskkind.prepare(taskkind.choose(kind, starter), workspace)
    else:  # a run adds what runs the starter: the workspace stays the stranger's own
        taskkind.mark_starter(workspace, starter)
    return [
        f"Looks like {kind.sentence()}.",
        f"The untouched {starter} is the baseline arm, run by an added experiment.py.",
    ]
