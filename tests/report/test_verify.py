"""Verify: honest runs pass anywhere, edited ones do not, and a stranger's bundle can do no harm."""

from __future__ import annotations

import io
import json
import random
import shutil
import stat
import zipfile
from pathlib import Path

import pytest

from benchmarks.mutation import mutate
from benchmarks.mutation_journal import lines_of, report_again, write_lines
from benchmarks.mutation_kinds import EDITS, FORGED
from benchmarks.mutation_runs import make_run
from copilot import __version__
from copilot.errors import SetupError
from copilot.report.agree import agree
from copilot.report.bundle import unpack
from copilot.report.contained import open_contained
from copilot.report.rerun import rerun
from copilot.report.verify import verify_run
from copilot.runs import RunFolder
from tests.report.conftest import copied

pytestmark = pytest.mark.sandbox


def test_honest_runs_follow(graded: RunFolder, reported: RunFolder) -> None:
    for run in (graded, reported):
        assert verify_run(run.path) == []


def test_a_journal_in_the_words_of_an_earlier_version_follows(graded: RunFolder, tmp_path: Path) -> None:
    copy = copied(graded, tmp_path)
    lines = lines_of(copy)
    check = next(
        line["data"]["check"] for line in lines if line["data"].get("check", {}).get("name") == "protocol_first"
    )
    now = check["evidence"]
    assert now.startswith("frozen before the first of")
    for said, problems in ((now.replace("before", "0.3 s before"), 0), (now.replace("before", "9 s before"), 1)):
        check["evidence"] = said
        write_lines(copy, lines, chain=True)
        report_again(copy)
        lines = lines_of(copy)
        check = next(
            line["data"]["check"] for line in lines if line["data"].get("check", {}).get("name") == "protocol_first"
        )
        assert len(verify_run(copy.path)) == problems


def test_a_bundle_is_enough_without_the_task(graded: RunFolder, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.zip"
    shutil.copyfile(graded.report / "bundle.zip", bundle)
    task = graded.path.parent.parent.parent / "problems"
    task.rename(task.with_name("away"))
    try:
        assert verify_run(bundle) == []
        unpacked = tmp_path / "unpacked"
        unpack(bundle, unpacked)
        assert verify_run(unpacked) == []
        assert any("sealed labels are not at hand" in problem for problem in verify_run(graded.path))
    finally:
        task.with_name("away").rename(task)
    names = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert {"README.md", "rerun.py", "protocol.json", "environment.txt", "MANIFEST.json"} <= names
    assert {"run/data/sealed/answers.csv", "run/data/inputs/train.csv", "run/report/report.md"} <= names
    assert any(name.startswith("prml/") for name in names)
    assert "run/data/sealed/" in (unpacked / "README.md").read_text()


def test_a_bundle_runs_again(reported: RunFolder, tmp_path: Path) -> None:
    assert rerun(reported.report / "bundle.zip") == []
    unpack(reported.report / "bundle.zip", tmp_path / "b")
    journal = tmp_path / "b" / "run" / "agent_log" / "full_log.jsonl"
    assert journal.is_file() and rerun(tmp_path / "b") == []


def test_other_code_does_not_come_out_again(reported: RunFolder, tmp_path: Path) -> None:
    copy = copied(reported, tmp_path)
    for path in (copy.history / "objects").iterdir():
        path.write_bytes(path.read_bytes().replace(b"0.7 +", b"0.8 +"))
    assert any("frozen code" in problem for problem in rerun(copy.path))


KINDS = sorted(set(EDITS) - set(FORGED)) + sorted(FORGED)[::2]


@pytest.mark.parametrize("part", range(4))
def test_mutants_are_caught(graded: RunFolder, reported: RunFolder, tmp_path: Path, part: int) -> None:
    """A part of the kinds of edits, alternately on both runs; benchmarks/mutation.py makes hundreds."""
    made = 0
    for place, kind in enumerate(KINDS[part::4][:16]):
        runs = [graded, reported] if place % 3 else [reported, graded]
        mutants = (mutate(run, kind, random.Random(f"{part}-{kind}"), tmp_path / "copy") for run in runs)
        mutant = next((found for found in mutants if found is not None), None)
        if mutant is not None:
            made += 1
            assert mutant.problems, f"missed: {kind}: {mutant.said}"
    assert made >= 11


def test_a_forged_error_rate_is_caught_where_no_sentence_names_it(tmp_path: Path) -> None:
    """A run without any effect: its reasons do not tell alpha, and everything that hashes was made right again."""
    run = make_run(tmp_path / "made", "null")
    mutant = mutate(run, "forged: protocol_alpha", random.Random(1), tmp_path / "copy")
    assert mutant is not None
    assert any("analysis in the protocol" in problem for problem in mutant.problems), mutant.problems


@pytest.mark.parametrize(("version", "problems"), [("0.1.0", 0), (__version__, 1)])
def test_only_a_version_that_did_not_know_a_check_may_lack_it(
    graded: RunFolder, tmp_path: Path, version: str, problems: int
) -> None:
    copy = copied(graded, tmp_path)
    lines = lines_of(copy)
    lines[0]["data"]["version"] = version
    kept = [line for line in lines if line["data"].get("check", {}).get("name") != "near_duplicates"]
    assert len(kept) == len(lines) - 1
    write_lines(copy, kept, chain=True)
    report_again(copy)
    assert len(verify_run(copy.path)) == problems


def zipped(*members: tuple[zipfile.ZipInfo | str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members:
            archive.writestr(name, data)
    return out.getvalue()


def linked() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("run/link")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


@pytest.mark.parametrize(
    "archive",
    [
        zipped(("../out", b"x")),
        zipped(("/etc/out", b"x")),
        zipped(("a/../../out", b"x")),
        zipped(("a\\..\\out", b"x")),
        zipped((linked(), b"/etc/passwd")),
        zipped(("folder/", b"")),
        b"no zip at all",
        zipped(("a", b"x"))[:40],
    ],
)
def test_a_bad_bundle_is_refused(archive: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(archive)
    with pytest.raises(SetupError):
        unpack(path, tmp_path / "in" / "side")
    assert not (tmp_path / "out").exists() and not (tmp_path / "in" / "out").exists()
    assert verify_run(path)


def test_a_bomb_is_refused_before_it_unfolds(tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big", bytes(4 << 20))
    with pytest.raises(SetupError, match="too large"):
        unpack(path, tmp_path / "inside", limit=2 << 20)
    assert not (tmp_path / "inside").exists()


def test_a_strangers_evaluator_is_contained(tmp_path: Path) -> None:
    """Its own number counts; the file that it tries to leave outside does not appear."""
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    (sealed / "grade.json").write_text(json.dumps({"metric": "accuracy", "direction": "higher"}))
    outside = tmp_path / "outside"
    script = tmp_path / "evaluate.py"
    script.write_text(
        "import json, sys\n"
        f"try:\n    open({str(outside)!r}, 'w').write('x')\nexcept OSError:\n    pass\n"
        "print(json.dumps({'metric': len(open(sys.argv[2]).read())}))\nprint('a warning', file=sys.stderr)\n"
    )
    predictions = tmp_path / "predictions.csv"
    predictions.write_text("12345")
    assert open_contained(sealed, script).grade(predictions, 1) == 5.0
    assert not outside.exists()


def test_only_rounding_may_differ() -> None:
    assert agree({"a": [0.1 + 0.2, None, "x", 3]}, {"a": [0.3, None, "x", 3]})
    for other in (0.3001, 1, "0.3", None, [0.3]):
        assert not agree(0.3, other)
    assert not agree({"a": 1}, {"b": 1}) and not agree(True, 1)
