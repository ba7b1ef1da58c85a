"""`copilot retrieve` as a person sees it: wishes as options, and what may not be used with the reason."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from copilot.cli import main
from tests.hub.rows import BAIT, HOSTILE, MODELS, RISKY, model, write_index

QUERY = "sentiment analysis of product reviews"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COPILOT_HOME", str(tmp_path))
    trained = model("acme/trained", "text-classification", BAIT, tags=["text-classification", "dataset:imdb"])
    return str(write_index(tmp_path, [*MODELS, *RISKY.values(), HOSTILE["shell"], trained]))


def ask(folder: str, *options: str) -> int:
    return main(["retrieve", QUERY, "--index", folder, *options])


def test_what_may_not_be_used_is_listed_with_reason_and_option(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(folder) == 0
    shown = capsys.readouterr().out
    assert "Not to be used (nothing of it was fetched or run):" in shown
    for name, option in (("one", "--allow-pickle"), ("two", "--allow-remote-code"), ("four", "--allow-gated")):
        line = next(line for line in shown.splitlines() if line.startswith(f"  risky/{name}:"))
        assert option in line
    assert "  evil/four: suspicious text" in shown and "(no option allows it)" in shown


def test_json_keeps_the_hits_and_adds_the_refusals(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask(folder, "--json", "--allow-gated", "--allow-pickle") == 0
    found = json.loads(capsys.readouterr().out)
    refused = {hit["id"] for hit in found["hits"] if hit["refused"]}
    assert refused == {"risky/two", "risky/three"}
    needs = {item["id"]: item["needs"] for item in found["refusals"]}
    assert needs == {"risky/two": ["allow_remote_code"], "risky/three": ["allow_remote_code"], "evil/four": []}


def test_wishes_are_options(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert (
        ask(folder, "--json", "--max-parameters", "1B", "--exclude", "acme/review-sentiment", "--task-data", "IMDB")
        == 0
    )
    hits = {hit["id"]: hit for hit in json.loads(capsys.readouterr().out)["hits"]}
    assert "acme/prose-6.7b" not in hits and "acme/review-sentiment" not in hits
    assert any("train/test overlap" in warning for warning in hits["acme/trained"]["warnings"])


def test_a_file_of_queries_is_filtered_too(folder: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    queries = tmp_path / "queries.txt"
    queries.write_text(json.dumps({"id": "q", "query": QUERY}) + "\n", "utf-8")
    assert main(["retrieve", "--queries", str(queries), "--index", folder, "--exclude", "acme/review-sentiment"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert "acme/review-sentiment" not in [hit["id"] for hit in row["hits"]]
    assert {
        "id": "risky/four",
        "reasons": ["gated: its owner asks for consent first"],
        "needs": ["allow_gated"],
    } in row["refusals"]


@pytest.mark.parametrize("amount", ["many", "-3", "0", "7Q", ""])
def test_an_amount_that_is_none_is_said(folder: str, amount: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        ask(folder, f"--max-parameters={amount}")
    assert "350M, 7B or 2GB" in capsys.readouterr().err
