"""Phase 3: parts from the Hub, the code to start from, the plan, and a workspace that is ready for the agent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from copilot.agents.idea import PROBE_TRIALS, arms_problem
from copilot.domain.experiment import Plan, Tuning
from copilot.domain.idea import Idea, Scalar
from copilot.domain.task import Task
from copilot.engine.human import gate, safe_point
from copilot.engine.ideation import DEFAULT_MINIMUM, installed, task_choice, usable_cards
from copilot.engine.own_code import brings_code
from copilot.engine.services import Services, fallback_name, model_name
from copilot.errors import CannotDo, Retry, RunFailed, SetupError
from copilot.events import FilesChanged, PlanMade, PrototypeChosen, QuestionAsked, Retrieved
from copilot.lab.arms import read_space
from copilot.lab.cards import Card, prototype_folder
from copilot.lab.taskkind import prepare as prepare_files
from copilot.lab.trials import ARMS_FILE
from copilot.lab.tuning import TUNING_SEEDS, Parameters, schedule, space_of, space_problem
from copilot.lab.verdict import possible_verdicts
from copilot.memory.past import PastVerdict, same_question

GATE = "gate-plan"
PROMPT_TOKENS, ANSWER_TOKENS, CACHED = 6_000, 900, 0.8
"""A typical turn of the experiment agent, tools and instructions included, and the share a cache serves."""
WANTED: tuple[tuple[Literal["model", "dataset", "code"], int], ...] = (("model", 5), ("dataset", 5), ("code", 5))


def idea_of(services: Services) -> Idea:
    """The idea under test. Raises RunFailed before one was chosen."""
    idea = services.state.chosen_idea
    if idea is None:
        raise RunFailed("no idea was chosen yet")
    return idea


def card_of(services: Services) -> Card | None:
    """The card of the prototype, when it is a bundled one."""
    cards = usable_cards(services)
    chosen = services.state.prototype.name if services.state.prototype else ""
    return cards.get(chosen) or cards.get(idea_of(services).prototype)


def retrieve(services: Services) -> None:
    """Models, datasets and code for the idea, each with the reason; nothing is downloaded or run here."""
    from copilot.engine.hub import hub_source, run_filters
    from copilot.hub.retrieve import search

    idea = idea_of(services)
    if idea.kind == "given":  # nothing is missing from a whole experiment
        return
    query = f"{idea.title}. {idea.data}"
    for what, top in WANTED:
        if what in services.state.retrieved:
            continue
        safe_point(services)
        found = search(query, what, top=top, source=hub_source(services), filters=run_filters(services))
        event = Retrieved(
            what=what,
            query=query,
            hits=[hit.model_dump(mode="json") for hit in found.hits],
            source=found.source,
            note=" ".join(found.notes),
            refusals=[refusal.model_dump(mode="json") for refusal in found.refusals],
        )
        services.desk.record(event)


def prototype(services: Services) -> None:
    """The code that the experiment starts from: the task's starter, a bundled prototype, or none yet."""
    if services.state.prototype is not None:
        return
    idea, cards = idea_of(services), usable_cards(services)
    if services.task.starter:
        event = PrototypeChosen(name=services.task.name, origin="starter", reason=_whose_code(services.task))
    elif idea.prototype in cards:
        card = cards[idea.prototype]
        _check_requirements(card)
        event = PrototypeChosen(
            name=card.name, origin="bundled", reason=f"{card.title}: {card.summary}", candidates=sorted(cards)
        )
    elif services.desk.model("experiment").name == "offline":
        raise CannotDo("offline can only run bundled prototypes, and none of them fits this idea; use a language model")
    else:
        event = PrototypeChosen(
            name="", origin="model", reason="no bundled prototype fits; the agent writes the script"
        )
    services.desk.record(event)


def _whose_code(task: Task) -> str:
    return "the experiment is given" if brings_code(task) else "the task brings starter code"


def _check_requirements(card: Card) -> None:
    if card.requires and not installed(card.requires):
        raise SetupError(
            f"the prototype {card.name} needs {card.requires}, which is not installed: "
            "pip install -c constraints.txt -e '.[ml]', then resume this run"
        )


def plan(services: Services) -> None:
    """The plan, by code from the idea and the card; a person may change it at the gate."""
    state = services.state
    if state.plan is None:
        made = make_plan(services)
        services.desk.record(PlanMade(plan=made, forecast=forecast(services, made)))
    if services.settings.approve == "ask" and not any(made.by != "agent" for made in state.plans):
        text = "Is this how it shall be tested? After the freeze a change is an amendment."
        answer = gate(services, QuestionAsked(id=GATE, gate="plan", text=text, options=["approve"], default="approve"))
        edited = _edited(services, answer.data.get("plan"))
        services.desk.record(PlanMade(plan=edited, by=answer.author, forecast=forecast(services, edited)))


def _edited(services: Services, given: object) -> Plan:
    current = services.state.plan
    if current is None:
        raise RunFailed("no plan was made yet")
    if given is None:
        return current
    try:
        edited = Plan.model_validate(given)
    except ValidationError as error:
        services.desk.warn("plan", f"the edited plan was not taken: {error.errors()[0]['msg']}")
        return current
    cards = usable_cards(services)
    if problem := arms_problem(edited.arms, current.prototype if current.prototype in cards else "", cards):
        services.desk.warn("plan", f"the edited plan was not taken: {problem}")
        return current
    arms = [arm.parameters for arm in edited.arms]
    if problem := space_problem(edited.tuning.space, arms, cards.get(current.prototype)):
        services.desk.warn("plan", f"the edited plan was not taken: {problem}")
        return current
    fixed = {"idea_id", "trust", "prototype", "data"}
    return edited.model_copy(update={name: getattr(current, name) for name in fixed})


def make_plan(services: Services) -> Plan:
    """Arms, metric, seeds and limits for the chosen idea."""
    idea, card = idea_of(services), card_of(services)
    graded = services.task.sealed or bool(card and card.dataset)
    limit = services.task.head.seconds_per_trial or (max(60.0, 20 * card.seconds_per_trial) if card else 600.0)
    notes = []
    tuning = _tuning(services, card, idea)
    minimum = idea.minimum_effect
    if services.task.sealed and not (services.task.head.metric and services.task.head.metric.minimum_effect):
        minimum = DEFAULT_MINIMUM
        notes.append(
            f"The task names no smallest effect that matters; {minimum:g} is the default for {idea.metric.name}."
        )
    return Plan(
        idea_id=idea.id,
        prototype=services.state.prototype.name if services.state.prototype else "",
        arms=idea.arms,
        metric=idea.metric,
        minimum_effect=minimum,
        seeds=services.seeds if services.settings.seeds else idea.seeds,
        seconds_per_trial=limit,
        steps=_steps(tuning),
        data=_dataset(card, idea) if card and not services.task.sealed else "",
        trust="graded" if graded else "reported",
        notes=notes,
        tuning=tuning,
    )


def _tuning(services: Services, card: Card | None, idea: Idea) -> Tuning:
    """As many settings as the run or the task asks for, of what the card says can be tuned."""
    if brings_code(services.task):
        space = _own_space(services)
    else:
        space = {} if services.task.sealed else space_of(card, [arm.parameters for arm in idea.arms])
    asked = services.settings.tuning or services.task.head.tuning
    return Tuning(space=space, settings=asked) if asked else Tuning(space=space)


def _own_space(services: Services) -> dict[str, list[Scalar]]:
    """What the given code says may be tuned; a file that cannot be read is warned of, and nothing is tuned."""
    try:
        return read_space(Path(services.task.starter))
    except Retry as error:
        services.desk.warn("tuning", f"no arm will be tuned: {error}")
        return {}


def _steps(tuning: Tuning) -> list[str]:
    return [
        "explore both arms on validation data",
        *(["tune every arm alike on validation data"] if tuning.space and tuning.settings > 1 else []),
        "freeze the protocol",
        "run every arm on every seed from the frozen snapshot",
        "probe: repeat a seed, shuffle the training labels",
        "decide by paired statistics",
    ]


def _dataset(card: Card, idea: Idea) -> str:
    """The data set that the idea names, when the card allows it, else the card's own."""
    return idea.data if idea.data in card.datasets else card.dataset


START_SECONDS = 0.6
"""What a trial takes beside its own work: the sandbox, Python, imports."""


def forecast(services: Services, made: Plan) -> list[str]:
    """What a person should know before the freeze: time, and which verdicts this design can reach at all."""
    card = card_of(services)
    trials = len(made.arms) * made.seeds
    each = card.seconds_per_trial + START_SECONDS if card else made.seconds_per_trial
    tuning = tuning_programs(made)
    seconds = each * (tuning + trials + PROBE_TRIALS) / services.workers
    before = f"{tuning} programs to tune the arms alike, then " if tuning else ""
    count = f"{before}{trials} trials ({len(made.arms)} arms x {made.seeds} seeds)"
    about = "about" if card else "at most about"
    text = f"{count} and the probes, {about} {in_words(seconds)} on this machine."
    from copilot.engine.measuring import build_protocol

    design = possible_verdicts(build_protocol(services, made, idea_of(services), {}, draft=True))
    gpu = _gpu_time(services, seconds * services.workers)
    return [text, *design, *gpu, *_model_cost(services), *_seen_before(services, made)]


def in_words(seconds: float) -> str:
    """A length of time as a person says it: 40 s, 12 minutes, 3.5 hours."""
    if seconds < 100:
        return f"{max(1, round(seconds))} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 6000 else f"{seconds / 3600:.2g} hours"


def tuning_programs(made: Plan) -> int:
    """How many programs tuning is going to run, when exploration treats the arms alike."""
    if made.tuning.settings < 2:
        return 0
    arms: dict[str, Parameters] = {arm.name: arm.parameters for arm in made.arms}
    tried = schedule(arms, made.tuning, {}) if made.tuning.space else {}
    return sum(map(len, tried.values())) * len(TUNING_SEEDS)


def _model_cost(services: Services) -> list[str]:
    """What the experiment agent may still cost, from the sizes that `benchmarks/prompt_growth.py` measures."""
    from copilot.llm.names import resolve
    from copilot.llm.prices import forecast_usd

    who = resolve(model_name(services.settings, services.task, "experiment"))
    if who.provider == "offline":
        return []
    calls = services.settings.steps
    usd = forecast_usd(who, calls, PROMPT_TOKENS, ANSWER_TOKENS, CACHED)
    told = "no price is known for it" if usd is None else f"about ${usd:.2f} if every one is used"
    state, caps = services.state, services.state.limits
    spent = f"${state.cost_usd:.2f} were spent so far" + ("" if caps.usd is None else f" of ${caps.usd:.2f}")
    found = [f"The experiment agent may make {calls} calls to {who}: {told}; {spent}."]
    if caps.tokens is not None:
        used, each = state.input_tokens + state.output_tokens, PROMPT_TOKENS + ANSWER_TOKENS
        found.append(f"That is about {calls * each:,} tokens; {used:,} of {caps.tokens:,} are used so far.")
    if second := fallback_name(services.settings, services.task, "experiment"):
        found.append(f"If it does not answer any more, {second} takes over, which would stand beside the verdict.")
    return found


def _gpu_time(services: Services, seconds: float) -> list[str]:
    """Program time summed over workers, for every program holds the GPU that was granted."""
    if not services.gpu:
        return []
    cap = services.state.limits.gpu_seconds
    return [f"About {max(1, round(seconds))} GPU-seconds; {services.state.gpu_seconds:.0f} of {cap:g} are used so far."]


def _seen_before(services: Services, made: Plan) -> list[str]:
    """Earlier verdicts on this very question, so that nobody repeats them unknowingly."""
    past = [PastVerdict.model_validate(item) for item in services.state.past or []]
    found = same_question(past, made.prototype, made.arms, made.metric.name)
    return [
        f"Tested before: {item.run} came out {item.word}"
        + (f" (effect {item.effect:+.4g} {item.metric})." if item.effect is not None else ".")
        for item in found
    ]


def workspace(services: Services) -> None:
    """Copy the starting code into the run's workspace, with the plan's arms; the first snapshot."""
    state = services.state
    folder = services.workspace()
    if state.snapshot:
        if folder.folder.is_dir() and folder.snapshot() == state.snapshot:
            return
        folder.restore(state.snapshot)
        return
    if state.plan is None or state.prototype is None:
        raise RunFailed("no plan was made yet")
    folder.folder.mkdir(parents=True, exist_ok=True)
    if services.task.starter:
        folder.copy_from(Path(services.task.starter))
    choice = task_choice(services) if services.task.sealed and not brings_code(services.task) else None
    if choice is not None:
        prepare_files(choice, folder.folder)
    elif state.prototype.origin == "bundled":
        folder.copy_from(prototype_folder(state.prototype.name))
    arms = {arm.name: arm.parameters for arm in state.plan.arms}
    (folder.folder / ARMS_FILE).write_text(json.dumps(arms, indent=1, sort_keys=True))
    snapshot = folder.snapshot()
    event = FilesChanged(snapshot=snapshot, files=folder.changes("", snapshot)[:200], reason="starting code")
    services.desk.record(event)
