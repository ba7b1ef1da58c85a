"""The rooms and who may look into which: a module imports only from rooms below its own. And what importing costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent.parent / "copilot"
FLOORS: list[set[str]] = [
    {"errors", "domain"},
    {"config", "disk", "events"},
    {"runs", "blobs", "inbox", "journal"},
    {"state"},
    {"projection"},
    {"llm", "sandbox", "hub", "paper", "literature", "memory"},
    {"lab"},
    {"report"},
    {"agents"},
    {"engine"},
    {"hosting"},
    {"api"},
    {"cli", "ui"},
    {"web"},
    {"__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
SHARED_SEAMS = {"copilot.llm.protocol", "copilot.sandbox.protocol"}
NOT_FOR_PEOPLE = {"agents", "llm", "sandbox", "lab", "hub", "paper", "literature"}
CLI_TOOLS = {"cli/tools.py"}
"""Commands that are about a seam itself (models, retrieve, sandbox, import): thin, and named here."""
HEAVY = {"torch", "transformers", "sentence_transformers", "pymupdf", "sklearn", "scipy", "streamlit", "pandas"}


def room_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "copilot"


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = (
                {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "copilot" else {node.module}
            )
            found |= names
    return {name for name in found if name.split(".")[0] == "copilot"}


def modules() -> list[Path]:
    found = [path for path in PACKAGE.rglob("*.py") if "prototypes" not in path.parts and "kit" not in path.parts]
    assert len(found) > 40
    return found


def test_every_room_has_a_floor() -> None:
    rooms = {path.stem if path.is_file() else path.name for path in PACKAGE.iterdir() if path.suffix in {".py", ""}}
    assert rooms - {"__init__", "__pycache__", "py"} <= set(FLOOR)


def test_imports_go_down() -> None:
    wrong = []
    for path in modules():
        relative = path.relative_to(PACKAGE)
        room = relative.parts[0].removesuffix(".py")
        for name in imports(path):
            target = room_of(name)
            if target in {"copilot", "__version__"} or target == room or name in SHARED_SEAMS:
                continue
            if FLOOR[target] >= FLOOR[room]:
                wrong.append(f"{relative} imports {name}")
    assert wrong == []


def test_what_people_touch_reads_journals_and_leaves_answers() -> None:
    wrong = []
    for path in modules():
        relative = path.relative_to(PACKAGE).as_posix()
        if relative.startswith(("cli/", "ui/")) and relative not in CLI_TOOLS:
            used = imports(path) - SHARED_SEAMS
            wrong += [f"{relative} imports {name}" for name in used if room_of(name) in NOT_FOR_PEOPLE]
    assert wrong == []


def test_every_module_says_what_it_is_for() -> None:
    silent = [path for path in modules() if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert silent == []


def test_listing_runs_loads_nothing_heavy() -> None:
    code = (
        "import sys; from copilot.cli import main; main(['runs']);"
        f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_one_broad_except_in_the_engine() -> None:
    broad = []
    for path in modules():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler) and (
                node.type is None
                or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
            ):
                broad.append(path.relative_to(PACKAGE).as_posix())
    assert broad == ["engine/pipeline.py"]
