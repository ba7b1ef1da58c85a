"""Does the journal hold together beyond its chain: order of events, protocol, stored texts, what they stand for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from copilot import events as ev
from copilot.blobs import Blobs
from copilot.domain.experiment import Analysis, Plan, Protocol, TrialResult
from copilot.domain.idea import Idea
from copilot.domain.paper import Claim, Paper
from copilot.errors import CopilotError
from copilot.journal import Entry
from copilot.llm.protocol import Reply, Request
from copilot.report.record import Record
from copilot.runs import RunFolder
from copilot.sandbox.protocol import LEVEL_TEXTS
from copilot.state import TrialKey

RELATIVE_MINIMUM = 0.02
"""Share of the baseline's explored error that matters where nobody said what does (the engine's rule at the freeze)."""

NO_MODEL = "No language model took part"
"""How the stamp of a run begins in which only the rule-based planner answered."""

ONCE: tuple[type[ev.Event], ...] = (
    ev.RunStarted,
    ev.PaperRead,
    ev.ClaimsExtracted,
    ev.LiteratureFound,
    ev.IdeaChosen,
    ev.PrototypeChosen,
    ev.SandboxChosen,
    ev.ProtocolFrozen,
    ev.VerdictReached,
    ev.RunFinished,
)


def check_record(run: RunFolder, record: Record, entries: Sequence[Entry]) -> Iterator[str]:
    """`entries` is the whole journal, `record` what stands up to the verdict."""
    yield from _order(entries)
    yield from _protocol(record)
    yield from _amendments(record)
    yield from _stored(run, record)
    yield from _models(run, record)
    yield from _paper(run, record)
    yield from _sandbox(record)


def _order(entries: Sequence[Entry]) -> Iterator[str]:
    for kind in ONCE:
        count = sum(isinstance(entry.event, kind) for entry in entries)
        if count > 1:
            yield f"the journal holds {count} events {kind.__name__}; there can be one"
    if not isinstance(entries[0].event, ev.RunStarted):
        yield "the journal does not begin with the start of the run"
    started: set[TrialKey] = set()
    ended: dict[TrialKey, TrialResult] = {}
    frozen = False
    for entry in entries:
        event = entry.event
        frozen = frozen or isinstance(event, ev.ProtocolFrozen)
        if isinstance(event, ev.Unknown) and event.original_kind in vars(ev):
            yield f"entry {entry.seq} of the journal is not a {event.original_kind} as this program writes it"
        if isinstance(event, ev.TrialStarted):
            started.add((event.purpose, event.arm, event.seed))
            if not frozen:
                yield f"the trial at entry {entry.seq} started before the protocol was frozen"
        if isinstance(event, ev.TrialFinished):
            key = (event.result.purpose, event.result.arm, event.result.seed)
            if key not in started:
                yield f"the trial {_trial(key)} ended at entry {entry.seq} without having started"
            if ended.setdefault(key, event.result) != event.result:
                yield f"the trial {_trial(key)} has two different results, the second at entry {entry.seq}"


def _trial(key: TrialKey) -> str:
    return f"{key[0]} {key[1]} seed {key[2]}"


def _protocol(record: Record) -> Iterator[str]:
    state = record.state
    for entry in record.entries:
        event = entry.event
        if isinstance(event, ev.ProtocolFrozen | ev.ProtocolAmended) and event.protocol.digest() != event.hash:
            yield f"the protocol at entry {entry.seq} does not have the hash that the journal gives"
    if record.verdict.protocol_hash != state.protocol_hash:
        yield "the verdict names another protocol than the one that was frozen"
    frozen = [entry.event.protocol for entry in record.entries if isinstance(entry.event, ev.ProtocolFrozen)]
    yield from _planned(record, frozen[0]) if frozen else ["no protocol was frozen"]


def _planned(record: Record, protocol: Protocol) -> Iterator[str]:
    """The first frozen protocol is the plan that came before it."""
    state, plan = record.state, record.state.plan
    if plan is None:
        yield "a protocol was frozen without a plan"
        return
    seeds = list(range(1, plan.seeds + 1))
    same = {
        "hypothesis": (protocol.idea_id, plan.idea_id),
        "arms": ([arm.name for arm in protocol.arms], [arm.name for arm in plan.arms]),
        "metric": (protocol.metric, plan.metric),
        "seeds": (protocol.seeds, seeds),
        "trust": (protocol.trust, plan.trust),
        "time limit": (protocol.seconds_per_trial, plan.seconds_per_trial),
    }
    yield from (
        f"the frozen protocol and the plan before it differ in: {name}" for name, (a, b) in same.items() if a != b
    )
    if not _minimum_follows(record, plan, protocol):
        yield "the frozen protocol has another smallest effect that matters than the plan before it"
    if protocol.analysis != Analysis(family=max(1, len(protocol.arms) - 1)):
        yield "the analysis in the protocol is not the one that is frozen for this many arms: nobody can choose another"
    claim = state.chosen_idea.claim if state.chosen_idea else None
    if claim is not None and any(not one.claim.startswith(claim) for one in protocol.comparisons):
        yield "the claim in the protocol does not begin with that of the chosen hypothesis"
    snapshots = {entry.event.snapshot for entry in record.entries if isinstance(entry.event, ev.FilesChanged)}
    for arm in protocol.arms:
        if arm.snapshot not in snapshots:
            yield f"the code snapshot of arm {arm.name!r} is not one that the workspace ever had"


def _minimum_follows(record: Record, plan: Plan, protocol: Protocol) -> bool:
    """As planned; a task that states none may take a share of what its baseline had reached while exploring."""
    state = record.state
    if protocol.minimum_effect == plan.minimum_effect:
        return True
    metrics = [one.value for one in state.metrics if one.arm == plan.arms[0].name and one.name == plan.metric.name]
    shares = {float(f"{abs(value) * RELATIVE_MINIMUM:.2g}") for value in metrics[-1:]}
    return bool(state.task and state.task.sealed) and len(state.plans) == 1 and protocol.minimum_effect in shares


def _amendments(record: Record) -> Iterator[str]:
    seen, before = 0, None
    for entry in record.entries:
        if isinstance(entry.event, ev.TrialFinished) and entry.event.result.purpose == "confirm":
            seen += 1
        if isinstance(entry.event, ev.ProtocolAmended):
            if entry.event.results_seen != seen:
                yield f"the amendment at entry {entry.seq} does not say that {seen} results were seen before it"
            if before is not None and _changed(before, entry.event.protocol) != {c.field for c in entry.event.changes}:
                yield f"the amendment at entry {entry.seq} does not list what it changes"
        if isinstance(entry.event, ev.ProtocolFrozen | ev.ProtocolAmended):
            before = entry.event.protocol


def _changed(before: Protocol, after: Protocol) -> set[str]:
    old, new = before.model_dump(), after.model_dump()
    return {name for name in old if old[name] != new[name]}


def _stored(run: RunFolder, record: Record) -> Iterator[str]:
    """Each stored text has its hash for a name, and those that the journal names are there."""
    store = Blobs(run.blobs)
    names = {name for entry in record.entries for name in _named(entry.event)}
    names |= {record.protocol.environment} if record.protocol.environment else set()
    for name in sorted(names):
        try:
            store.get(name)
        except CopilotError as error:
            yield str(error)
    for path in sorted(run.blobs.iterdir()) if run.blobs.is_dir() else ():
        if path.name not in names and not path.name.startswith(".") and _sha256(path.read_bytes()) != path.name:
            yield f"the stored text {path.name[:12]}… was changed after it was written"


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _named(event: ev.AnyEvent) -> list[str]:
    if isinstance(event, ev.PaperRead):
        return [event.blob]
    if isinstance(event, ev.SuppliesFetched):
        return [event.lock] if event.lock else []
    return [event.request_blob] if isinstance(event, ev.ModelCalled) else []


def _models(run: RunFolder, record: Record) -> Iterator[str]:
    """What was asked has the hash that it was remembered by; tokens are those of the answer; `offline` is stamped."""
    for entry in record.entries:
        event = entry.event
        if not isinstance(event, ev.ModelCalled):
            continue
        where = f"the model call at entry {entry.seq}"
        try:
            request = Request.model_validate_json(Blobs(run.blobs).get(event.request_blob))
            usage = Reply.model_validate(event.reply).usage
        except (CopilotError, ValidationError):
            yield f"{where} cannot be read back from the stored texts"
            continue
        if request.digest(event.model) != event.request_hash or request.role != event.role:
            yield f"{where} is not the request that its hash stands for"
        tokens = (usage.input + usage.cache_read + usage.cache_write, usage.output)
        if tokens != (event.input_tokens, event.output_tokens):
            yield f"{where} counts other tokens than its answer says"
        if event.model == "offline" and event.cost_usd:
            yield f"{where} has a cost although no provider was asked"
    models = {entry.event.model for entry in record.entries if isinstance(entry.event, ev.ModelCalled)}
    yield from _offline_stamp(record, models)


def _offline_stamp(record: Record, models: set[str]) -> Iterator[str]:
    stamped = any(stamp.startswith(NO_MODEL) for stamp in record.state.stamps)
    if "offline" in models and not stamped:
        yield "the rule-based planner took part, but the run is not stamped so"


def _paper(run: RunFolder, record: Record) -> Iterator[str]:
    event = record.state.paper
    if event is None:
        return
    try:
        paper = Paper.model_validate_json(Blobs(run.blobs).get(event.blob))
    except (CopilotError, ValidationError):
        yield "the parsed paper cannot be read back from the stored texts"
        return
    said = (event.sha256, event.title, list(event.authors), event.pages, list(event.warnings))
    if said != (paper.sha256, paper.title, list(paper.authors), paper.pages, list(paper.warnings)):
        yield "what the journal says of the paper is not what was read from it"
    if record.state.claims is not None and not _stand(paper, record.state.claims):
        yield "the claims in the journal are not those taken from the paper"
    for idea in record.state.ideas.values():
        yield from _quotes(paper, idea)


def _stand(paper: Paper, claims: Sequence[Claim]) -> bool:
    """Whether a ledger holds those of the rules, and beyond them only what is in the paper word by word."""
    from copilot.paper.claim_check import checked

    rules, added = list(claims[: len(paper.claims)]), claims[len(paper.claims) :]
    return rules == list(paper.claims) and all(checked(paper, claim) == claim for claim in added)


def _quotes(paper: Paper, idea: Idea) -> Iterator[str]:
    from copilot.paper.ground import ground

    for item in idea.evidence:
        if item.grounded and not ground(paper, item.quote, item.page)[0]:
            yield f"a quote of the hypothesis {idea.id} is marked as found in the paper, but it is not there"


def _sandbox(record: Record) -> Iterator[str]:
    sandbox = record.state.sandbox
    ran = {entry.event.level for entry in record.entries if isinstance(entry.event, ev.CommandRun)}
    if sandbox is None:
        if ran:
            yield "programs ran, but the journal names no sandbox"
        return
    if sandbox.text != LEVEL_TEXTS.get(sandbox.level):
        yield "the journal's words about the sandbox are not those of its level"
    for level in sorted(ran - {sandbox.level}):
        yield f"a program ran at the sandbox level {level!r}, the run says {sandbox.level!r}"
