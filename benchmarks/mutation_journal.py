"""Edits of the journal for the mutation test: of one event, with or without making the chain of hashes right again.

The strongest forger here also writes the whole report anew with our own program and records its hashes. `Change` edits
the lines in place and says what it did, or gives None when this journal has nothing of that kind.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Callable
from typing import Any

from copilot.domain.base import canonical_json
from copilot.journal import GENESIS
from copilot.report.write import write_report
from copilot.runs import RunFolder

Edit = Callable[[random.Random, RunFolder], str | None]
Line = dict[str, Any]


def lines_of(run: RunFolder) -> list[Line]:
    """The journal as JSON objects."""
    return [json.loads(line) for line in run.journal.read_text("ascii").splitlines()]


def write_lines(run: RunFolder, lines: list[Line], *, chain: bool) -> None:
    """The journal again; with `chain` all numbers and hashes are made right."""
    prev = GENESIS
    for seq, line in enumerate(lines):
        if chain:
            body = {key: value for key, value in line.items() if key != "hash"} | {"seq": seq, "prev": prev}
            line.update(body, hash=hashlib.sha256(canonical_json(body).encode()).hexdigest())
        prev = line["hash"]
    run.journal.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines), "ascii")


def report_again(run: RunFolder) -> None:
    """A forger's last step: the whole report by our own program, its hashes into the journal."""
    files = write_report(run)
    lines = lines_of(run)
    for line in lines:
        if line["kind"] == "ReportWritten":
            line["data"]["files"] = files
    write_lines(run, lines, chain=True)


def _of(lines: list[Line], kind: str) -> list[Line]:
    return [line for line in lines if line["kind"] == kind]


def _one(lines: list[Line], kind: str, rng: random.Random) -> Line | None:
    found = _of(lines, kind)
    return rng.choice(found) if found else None


Change = Callable[[random.Random, list[Line]], str | None]


def trial_value(rng: random.Random, lines: list[Line]) -> str | None:
    """A trial's number, a little or a lot."""
    found = [line for line in _of(lines, "TrialFinished") if line["data"]["result"]["value"]]
    line = rng.choice(found)
    factor = rng.choice([1.01, 100, 0.99, 1 + 1e-6])
    line["data"]["result"]["value"] *= factor
    return f"value x {factor} at entry {line['seq']}"


def trial_reported(rng: random.Random, lines: list[Line]) -> str | None:
    """What the script reported."""
    line = rng.choice([one for one in _of(lines, "TrialFinished") if one["data"]["result"]["reported"]])
    reported = line["data"]["result"]["reported"]
    name = rng.choice(sorted(reported))
    reported[name] += 0.01
    return f"reported {name} at entry {line['seq']}"


def trial_status(rng: random.Random, lines: list[Line]) -> str | None:
    """A trial is said to have failed, or not to have."""
    line = rng.choice(_of(lines, "TrialFinished"))
    result = line["data"]["result"]
    result.update({"status": "failed", "value": None} if result["status"] == "ok" else {"status": "ok", "value": 0.9})
    return f"status at entry {line['seq']}"


def trial_seconds(rng: random.Random, lines: list[Line]) -> str | None:
    """How long a trial took."""
    line = rng.choice(_of(lines, "TrialFinished"))
    line["data"]["result"]["seconds"] += 0.5
    return f"seconds at entry {line['seq']}"


def trial_swap(rng: random.Random, lines: list[Line]) -> str | None:
    """Two trials exchange their arms."""
    found = [
        line["data"]["result"] for line in _of(lines, "TrialFinished") if line["data"]["result"]["purpose"] == "confirm"
    ]
    pairs = [
        (a, b)
        for a in found
        for b in found
        if a["seed"] == b["seed"] and a["arm"] < b["arm"] and a["value"] != b["value"]
    ]
    if not pairs:
        return None
    one, other = rng.choice(pairs)
    one["arm"], other["arm"] = other["arm"], one["arm"]
    return f"arms at seed {one['seed']}"


def trial_gone(rng: random.Random, lines: list[Line]) -> str | None:
    """All traces of a seed leave the journal, and it leaves the protocol."""
    seed = max(
        line["data"]["result"]["seed"]
        for line in _of(lines, "TrialFinished")
        if line["data"]["result"]["purpose"] == "confirm"
    )
    kinds = {"TrialStarted", "TrialFinished", "CommandRun"}
    kept = [
        line
        for line in lines
        if not (
            (line["kind"] in kinds and f'"seed": {seed}' in json.dumps(line["data"]))
            or f'/{seed}"' in json.dumps(line["data"].get("call_id", ""))
        )
    ]
    if len(kept) == len(lines):
        return None
    lines[:] = kept
    for line in _of(lines, "ProtocolFrozen"):
        line["data"]["protocol"]["seeds"].remove(seed)
    return f"seed {seed} and its trials"


def verdict_word(rng: random.Random, lines: list[Line]) -> str | None:
    """Another verdict."""
    verdict = _of(lines, "VerdictReached")[0]["data"]["verdict"]
    words = [word for word in ("supported", "refuted", "inconclusive", "invalid") if word != verdict["word"]]
    verdict["word"] = rng.choice(words)
    verdict["comparisons"][0]["word"] = verdict["word"]
    return f"verdict {verdict['word']}"


def verdict_number(rng: random.Random, lines: list[Line]) -> str | None:
    """The effect, its interval, p, or what could be detected."""
    item = _of(lines, "VerdictReached")[0]["data"]["verdict"]["comparisons"][0]
    names = [name for name in ("effect", "p", "p_adjusted", "detectable_effect") if item[name]]
    if not names:
        return None
    name = rng.choice(names)
    item[name] *= rng.choice([1.01, 100, -1])
    return f"{name} in the verdict"


def verdict_stamp(rng: random.Random, lines: list[Line]) -> str | None:
    """A stamp is taken from the verdict, or put there."""
    stamps = _of(lines, "VerdictReached")[0]["data"]["verdict"]["stamps"]
    if stamps and rng.random() < 0.6:
        return f"stamp {stamps.pop(rng.randrange(len(stamps)))[:40]!r}"
    stamps.append("Reviewed and confirmed.")
    return "a stamp more"


def verdict_reason(rng: random.Random, lines: list[Line]) -> str | None:
    """A reason says something else."""
    verdict = _of(lines, "VerdictReached")[0]["data"]["verdict"]
    holder = verdict["comparisons"][0]["reasons"]
    holder[0] = holder[0].replace("better", "much better") + " Clearly."
    return "a reason"


def check_outcome(rng: random.Random, lines: list[Line]) -> str | None:
    """An integrity check passed, or failed, or was not possible."""
    line = rng.choice(_of(lines, "IntegrityChecked"))
    check = line["data"]["check"]
    check["passed"] = rng.choice([word for word in (True, False, None) if word is not check["passed"]])
    return f"check {check['name']} now {check['passed']}"


def check_evidence(rng: random.Random, lines: list[Line]) -> str | None:
    """A number in the evidence of a check."""
    found = [
        line["data"]["check"]
        for line in _of(lines, "IntegrityChecked")
        if re.search(r"\d", line["data"]["check"]["evidence"])
    ]
    check = rng.choice(found)
    check["evidence"] = re.sub(r"\d", lambda m: str((int(m[0]) + 1) % 10), check["evidence"], count=1)
    return f"evidence of {check['name']}"


def check_gone(rng: random.Random, lines: list[Line]) -> str | None:
    """An integrity check was never made."""
    line = rng.choice(_of(lines, "IntegrityChecked"))
    lines.remove(line)
    return f"check {line['data']['check']['name']}"


def protocol_minimum(rng: random.Random, lines: list[Line]) -> str | None:
    """The smallest effect that matters, with the protocol's hash made right everywhere."""
    protocol = _of(lines, "ProtocolFrozen")[0]["data"]["protocol"]
    protocol["minimum_effect"] *= rng.choice([0.1, 0.5, 2.0])
    return _rehash(lines, "minimum effect")


def protocol_alpha(rng: random.Random, lines: list[Line]) -> str | None:
    """The error rate of the test."""
    protocol = _of(lines, "ProtocolFrozen")[0]["data"]["protocol"]
    protocol["analysis"]["alpha"] = 0.1
    return _rehash(lines, "alpha")


def protocol_plain(rng: random.Random, lines: list[Line]) -> str | None:
    """Any part of the protocol, its hash left alone."""
    protocol = _of(lines, "ProtocolFrozen")[0]["data"]["protocol"]
    what = rng.choice(["minimum_effect", "seconds_per_trial", "stop_rule", "evaluator", "environment"])
    protocol[what] = protocol[what] * 2 if not isinstance(protocol[what], str) else protocol[what][::-1] or "none"
    return f"{what} of the protocol"


def protocol_arm(rng: random.Random, lines: list[Line]) -> str | None:
    """The snapshot of an arm."""
    protocol = _of(lines, "ProtocolFrozen")[0]["data"]["protocol"]
    arm = rng.choice(protocol["arms"])
    arm["snapshot"] = hashlib.sha256(arm["snapshot"].encode()).hexdigest()
    return _rehash(lines, f"snapshot of {arm['name']}")


def protocol_data(rng: random.Random, lines: list[Line]) -> str | None:
    """The hash of an input file."""
    protocol = _of(lines, "ProtocolFrozen")[0]["data"]["protocol"]
    if not protocol["data"]:
        return None
    name = rng.choice(sorted(protocol["data"]))
    protocol["data"][name] = hashlib.sha256(b"other").hexdigest()
    return _rehash(lines, f"hash of {name}")


def _rehash(lines: list[Line], what: str) -> str:
    frozen = _of(lines, "ProtocolFrozen")[0]["data"]
    frozen["hash"] = hashlib.sha256(canonical_json(frozen["protocol"]).encode()).hexdigest()
    _of(lines, "VerdictReached")[0]["data"]["verdict"]["protocol_hash"] = frozen["hash"]
    return f"{what}, hashes made right"


def late_freeze(rng: random.Random, lines: list[Line]) -> str | None:
    """The freeze comes after the first trials."""
    frozen = _of(lines, "ProtocolFrozen")[0]
    lines.remove(frozen)
    first = next(place for place, line in enumerate(lines) if line["kind"] == "TrialFinished")
    lines.insert(first + 1, frozen)
    return "freeze after a trial"


def explored_value(rng: random.Random, lines: list[Line]) -> str | None:
    """A number from the exploration."""
    line = _one(lines, "MetricRecorded", rng)
    if line is None:
        return None
    line["data"]["value"] += 0.01
    return f"exploration at entry {line['seq']}"


def explored_gone(rng: random.Random, lines: list[Line]) -> str | None:
    """An exploration run was never made: fewer attempts."""
    found = [line for line in _of(lines, "CommandRun") if line["data"]["purpose"] == "explore"]
    if not found:
        return None
    lines.remove(rng.choice(found))
    return "an exploration run"


def tuned_value(rng: random.Random, lines: list[Line]) -> str | None:
    """The number that a setting was chosen by."""
    line = _one(lines, "ArmsTuned", rng)
    if line is None:
        return None
    rng.choice(line["data"]["tried"])["values"][0] = 0.999
    return "a number of the tuning"


def tuned_choice(rng: random.Random, lines: list[Line]) -> str | None:
    """Another setting than the best was kept."""
    line = _one(lines, "ArmsTuned", rng)
    if line is None:
        return None
    data = line["data"]
    others = [one for one in data["tried"] if one["parameters"] != data["chosen"][one["arm"]]]
    other = rng.choice(others)
    data["chosen"][other["arm"]] = other["parameters"]
    return f"the setting that was kept of {other['arm']}"


def tuned_gone(rng: random.Random, lines: list[Line]) -> str | None:
    """The arms were never tuned."""
    line = _one(lines, "ArmsTuned", rng)
    if line is None:
        return None
    lines.remove(line)
    return "the tuning"


def idea_kept(rng: random.Random, lines: list[Line]) -> str | None:
    """A discarded idea leaves the journal: fewer attempts."""
    line = _one(lines, "IdeaRejected", rng)
    if line is None:
        return None
    lines.remove(line)
    return "a discarded idea"


def weaker_sandbox(rng: random.Random, lines: list[Line]) -> str | None:
    """The sandbox is said to be another one."""
    line = _of(lines, "SandboxChosen")[0]
    line["data"]["level"] = "landlock" if line["data"]["level"] == "namespace" else "namespace"
    return "sandbox level"


def second_result(rng: random.Random, lines: list[Line]) -> str | None:
    """A second, better result for a trial, before the first."""
    place = rng.choice([place for place, line in enumerate(lines) if line["kind"] == "TrialFinished"])
    copy = json.loads(json.dumps(lines[place]))
    copy["data"]["result"]["value"] = 0.999
    lines.insert(place, copy)
    return "a second result"


def second_verdict(rng: random.Random, lines: list[Line]) -> str | None:
    """Another verdict after the first."""
    copy = json.loads(json.dumps(_of(lines, "VerdictReached")[0]))
    copy["data"]["verdict"]["word"] = "supported" if copy["data"]["verdict"]["word"] != "supported" else "refuted"
    lines.insert(len(lines) - 1, copy)
    return "a second verdict"


def no_stamp(rng: random.Random, lines: list[Line]) -> str | None:
    """The stamp of the rule-based planner leaves the whole journal."""
    started = _of(lines, "RunStarted")[0]["data"]
    if not started["stamps"]:
        return None
    gone = started["stamps"].pop()
    _of(lines, "VerdictReached")[0]["data"]["verdict"]["stamps"].remove(gone)
    return "the stamp of the planner"


CHANGES: tuple[Change, ...] = (
    trial_value,
    trial_reported,
    trial_status,
    trial_seconds,
    trial_swap,
    trial_gone,
    verdict_word,
    verdict_number,
    verdict_stamp,
    verdict_reason,
    check_outcome,
    check_evidence,
    check_gone,
    protocol_minimum,
    protocol_alpha,
    protocol_plain,
    protocol_arm,
    protocol_data,
    late_freeze,
    explored_value,
    tuned_value,
    tuned_choice,
    tuned_gone,
    explored_gone,
    idea_kept,
    weaker_sandbox,
    second_result,
    second_verdict,
    no_stamp,
)


def journal_edit(change: Change, *, chain: bool, report: bool) -> Edit:
    """`change` on the journal: as it is, with the hashes made right, or with the report made again as well."""

    def edit(rng: random.Random, run: RunFolder) -> str | None:
        lines = lines_of(run)
        said = change(rng, lines)
        if said is None:
            return None
        write_lines(run, lines, chain=chain)
        if report:
            try:
                report_again(run)
            except (ValueError, KeyError):
                return None  # our own program refuses to write a report on this
        return said

    return edit


def journal_byte(rng: random.Random, run: RunFolder) -> str | None:
    """A digit somewhere in the journal."""
    data = run.journal.read_text("ascii")
    place = rng.choice([match.start() for match in re.finditer(r"\d", data)])
    run.journal.write_text(data[:place] + str((int(data[place]) + 1) % 10) + data[place + 1 :], "ascii")
    return f"character {place} of the journal"


def journal_cut(rng: random.Random, run: RunFolder) -> str | None:
    """The last lines of the journal."""
    lines = run.journal.read_text("ascii").splitlines(keepends=True)
    count = rng.randint(1, 3)
    run.journal.write_text("".join(lines[:-count]), "ascii")
    return f"the last {count} lines"
