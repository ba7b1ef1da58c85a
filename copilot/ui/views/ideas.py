"""The hypotheses as cards: evidence, review, edit, put aside, copy, merge, add, choose. All of it is one answer."""

from __future__ import annotations

import json

import streamlit as st

from copilot.domain.edits import Edits, Origin, changes
from copilot.domain.idea import Arm, Change, Idea, Metric, Review
from copilot.errors import SetupError
from copilot.events import QuestionAsked
from copilot.ui.parts import actions, drafts, forms, frame, links, live, questions
from copilot.ui.parts.session import View
from copilot.ui.parts.text import about, clip, count, number, one_line, plain, seconds, signed, web_address
from copilot.ui.parts.timeline import WHO

KINDS = {
    "new": "new hypothesis",
    "reproduction": "the paper's own claim",
    "improvement": "improvement",
    "given": "from your own code",
}
SCORE = (
    "From 0 to 1, to order the cards and to choose when nobody is asked: relevance, probability, expected effect, "
    "evidence in the paper, and whether it runs here as it stands."
)
TOUCHED_ON = "The paper no more than touches on this. A verdict will say so: it is none on what the paper claims."
UNTOLD = frozenset({"id", "score", "source"})
"""Fields whose change says nothing that the card does not."""


def show() -> None:
    """The page."""
    view = frame.open_run("ideas")
    if view is None:
        return
    if not view.state.ideas:
        _nothing_yet(view)
        return
    question = questions.open_gate(view, "ideas")
    draft = drafts.of(view)
    _intro(view, question)
    _past(view)
    _compare(view, draft)
    for idea in drafts.in_order(view, draft):
        _card(view, draft, idea, question)
    if question is not None:
        _add(view, draft)


def _nothing_yet(view: View) -> None:
    if live.ended(view.state):
        frame.ended(view, "it had ideas")
    else:
        live.coming(view, "Ideas are being drafted.")


def _intro(view: View, question: QuestionAsked | None) -> None:
    state = view.state
    if state.about:
        st.markdown(f"**About.** {plain(state.about, 1500)}")
    if question is not None:
        st.markdown(
            f":material/pan_tool: **{plain(question.text, 400)}** Your edits are kept here as drafts, also when you "
            "leave, and are handed in together with your choice."
        )
    elif state.chosen is not None:
        who = WHO[state.chosen.by]
        why = f": {plain(state.chosen.reason, 300)}" if state.chosen.reason else ""
        st.markdown(f"Chosen by {who}{why}")


def _past(view: View) -> None:
    if not view.state.past:
        return
    with st.expander(f"What {count(len(view.state.past), 'earlier run')} found", icon=":material/history:"):
        for item in view.state.past[:20]:
            word, claim = str(item.get("word", "")), str(item.get("claim", ""))
            st.markdown(f"- **{plain(word, 40)}**: {plain(claim, 400)} ({plain(str(item.get('run', '')), 120)})")


def _compare(view: View, draft: Edits) -> None:
    ideas = drafts.in_order(view, draft)
    if len(ideas) < 2:
        return
    with st.expander(f"Compare {len(ideas)} ideas", icon=":material/compare_arrows:"):
        st.dataframe(
            [
                {
                    "idea": one_line(idea.title, 100),
                    "score": round(idea.score, 2),
                    "probability": idea.probability if idea.foretold else None,
                    "predicted effect": idea.predicted_effect if idea.foretold else None,
                    "smallest effect": idea.minimum_effect,
                    "metric": idea.metric.name,
                    "seeds": idea.seeds,
                    "cost": seconds(idea.cost_seconds),
                }
                for idea in ideas
            ],
            hide_index=True,
            alt="Ideas side by side",
        )


def _card(view: View, draft: Edits, idea: Idea, question: QuestionAsked | None) -> None:
    state = view.state
    put_aside = draft.rejected.get(idea.id) or state.rejected.get(idea.id)
    with st.container(border=True, key=f"idea-{_safe(idea.id)}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            _badges(view, draft, idea, put_aside)
        st.subheader(plain(idea.title, 200), anchor=False)
        if put_aside:
            st.caption(f"Put aside: {plain(_named(view, draft, put_aside), 300)}")
        whole = not put_aside or _wanted(idea)
        if whole:
            _body(view, draft, idea)
        if question is not None:
            _buttons(view, draft, idea, question, whole=whole)


def _body(view: View, draft: Edits, idea: Idea) -> None:
    st.text(clip(idea.claim, 2000))
    _reproduction(idea)
    _facts(idea)
    _evidence(view, idea)
    _review(view.state.reviews.get(idea.id, []))
    _details(idea)
    _diffs(view, draft, idea)


def _wanted(idea: Idea) -> bool:
    """An idea that was put aside is one line until somebody wants to see it."""
    return st.toggle(about("Show it whole", idea.title), key=f"whole_{_safe(idea.id)}")


def _named(view: View, draft: Edits, reason: str) -> str:
    """The reason with the title of an idea in place of its id."""
    known = view.state.ideas | draft.ideas
    words = [f"“{known[word].title}”" if word in known else word for word in reason.split()]
    return " ".join(words)


def _safe(idea_id: str) -> str:
    return "".join(c if c.isalnum() else "-" for c in idea_id)[:60]


def _badges(view: View, draft: Edits, idea: Idea, put_aside: str | None) -> None:
    if view.state.chosen is not None and view.state.chosen.idea_id == idea.id:
        st.badge("chosen", color="green", icon=":material/check:")
    if put_aside:
        st.badge("put aside", color="gray", icon=":material/block:")
    origin = draft.origins.get(idea.id)
    recorded = [edit.how for edit in view.state.edits if edit.idea.id == idea.id]
    if origin is not None:
        st.badge(f"{origin.how} by you, a draft", color="violet", icon=":material/add:")
    elif idea.id in draft.ideas:
        st.badge("edited by you, a draft", color="violet", icon=":material/edit:")
    for how in dict.fromkeys(recorded):
        st.badge(how, color="violet", icon=":material/edit:")
    st.badge(KINDS[idea.kind], color="blue")
    if idea.foretold:
        st.badge(f"score {idea.score:.2f}", color="gray", help=SCORE)
    if idea.touched_on:
        st.badge("at the paper's edge", color="orange", icon=":material/explore:", help=TOUCHED_ON)
    reviews = view.state.reviews.get(idea.id, [])
    if reviews and not reviews[-1].accepted:
        st.badge("not accepted in review", color="orange", icon=":material/rate_review:")


def _reproduction(idea: Idea) -> None:
    """The claim of the paper that is repeated, and how far the experiment is from it."""
    if idea.reproduces is None:
        return
    told = idea.reproduces
    figure = f" It gives {number(told.number)}{plain(told.unit, 20)}." if told.number is not None else ""
    st.markdown(f":material/replay: **The paper's own claim, page {told.page}.**{figure}")
    for sentence in told.distance:
        st.caption(f":material/straighten: {plain(sentence, 400)}")


def _diffs(view: View, draft: Edits, idea: Idea) -> None:
    """What was changed, by whom, and what it was before; the draft on top."""
    origin = draft.origins.get(idea.id)
    source = view.state.ideas.get(origin.sources[0] if origin and origin.sources else idea.id)
    found: list[tuple[str, list[Change]]] = []
    if idea.id in draft.ideas and source is not None:
        found.append(("Your draft", changes(source, idea)))
    for edit in reversed(view.state.edits):
        if edit.idea.id == idea.id and edit.changes:
            made_of = f" from {' and '.join(edit.sources)}" if edit.sources else ""
            found.append((f"{edit.how.capitalize()}{made_of} by {edit.by}", edit.changes))
    for title, changed in ((title, [one for one in changed if one.field not in UNTOLD]) for title, changed in found):
        with st.expander(f"{one_line(title, 120)}: {count(len(changed), 'field')}", icon=":material/difference:"):
            for change in changed:
                st.markdown(f"**{plain(change.field, 60)}**")
                st.text(f"− {clip(_said(change.before), 1500)}\n+ {clip(_said(change.after), 1500)}")


def _said(text: str) -> str:
    """The JSON text of a field as a person reads it; what is no JSON stays as it is."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _facts(idea: Idea) -> None:
    best = "larger is better" if idea.metric.direction == "maximize" else "smaller is better"
    unit = f" {plain(idea.metric.unit, 20)}" if idea.metric.unit else ""
    facts = [
        f"**{plain(idea.metric.name, 60)}** ({best})",
        f"smallest effect that matters {number(idea.minimum_effect)}{unit}",
    ]
    if idea.foretold:
        facts += [f"predicted {signed(idea.predicted_effect)}{unit}", f"probability of support {idea.probability:.0%}"]
    facts.append(count(idea.seeds, "seed"))
    if idea.cost_seconds:
        facts.append(f"about {seconds(idea.cost_seconds)}")
    st.markdown(" · ".join(facts))


def _evidence(view: View, idea: Idea) -> None:
    grounded = [item for item in idea.evidence if item.grounded]
    for item in grounded:
        with st.container(gap="xxsmall"):
            st.markdown(f"> {plain(item.quote, 500)}")
            if item.page:
                links.link(
                    "paper",
                    view.run.name,
                    label=about(f"page {item.page}", item.quote),
                    page=str(item.page),
                    quote=one_line(item.quote, 400),
                )
    missing = len(idea.evidence) - len(grounded)
    if missing:
        st.caption(f":material/flag: {count(missing, 'quote')} left out: the words are not in the paper.")
    if not idea.evidence and idea.source == "paper":
        st.caption(":material/flag: No words of the paper were given as evidence.")


def _review(reviews: list[Review]) -> None:
    if not reviews:
        return
    latest = reviews[-1]
    word = "accepted" if latest.accepted else "not accepted"
    scores = (
        f"clarity {latest.clarity:.2f}, novelty {latest.novelty:.2f}, "
        f"feasibility {latest.feasibility:.2f}, alignment {latest.alignment:.2f}"
    )
    with st.expander(f"Review: {word} ({scores})", icon=":material/rate_review:"):
        for reason in latest.reasons or ["No reasons were given."]:
            st.markdown(f"- {plain(reason, 500)}")


def _details(idea: Idea) -> None:
    with st.expander(about("Mechanism, arms and risks", idea.title), icon=":material/schema:"):
        st.markdown(f"**Mechanism.** {plain(idea.mechanism, 2000)}")
        if idea.refuted_by:
            st.markdown(f"**Refuted by.** {plain(idea.refuted_by, 1000)}")
        if idea.data:
            st.markdown(f"**Data.** {plain(idea.data, 400)}")
        for arm in idea.arms:
            values = ", ".join(f"{name} = {value}" for name, value in arm.parameters.items())
            st.markdown(f"- **{plain(arm.name)}**: {plain(arm.description, 400)} {plain(values, 600)}")
        for risk in idea.risks:
            st.markdown(f":material/warning: {plain(risk, 400)}")
        if idea.novelty:
            st.markdown(f"**Novelty.** {plain(idea.novelty, 1000)}")
        for paper in idea.related:
            year = f" ({paper.year})" if paper.year else ""
            st.markdown(f"- {plain(paper.title, 200)}{year} {web_address(paper.url) if paper.url else ''}")


def _buttons(view: View, draft: Edits, idea: Idea, question: QuestionAsked, *, whole: bool) -> None:
    key = _safe(idea.id)
    with st.container(horizontal=True):
        if idea.id in draft.rejected and st.button(
            about("Take back", idea.title), icon=":material/undo:", key=f"restore_{key}"
        ):
            _keep(view, draft.take_back(idea.id))
        if not whole:
            return
        if st.button(about("Test this idea", idea.title), type="primary", icon=":material/check:", key=f"choose_{key}"):
            _submit(view, draft, idea, question)
        if idea.id not in draft.rejected:
            _reject(view, draft, idea, key)
        if st.button(about("Duplicate", idea.title), icon=":material/content_copy:", key=f"copy_{key}"):
            _keep(view, draft.duplicate(idea, view.state.ideas))
        _merge(view, draft, idea, key)
    _edit(view, draft, idea, key)


def _keep(view: View, draft: Edits) -> None:
    with frame.told():
        drafts.keep(view, draft)
        st.rerun()


def _edit(view: View, draft: Edits, idea: Idea, key: str) -> None:
    proposed = view.state.ideas.get(idea.id, idea).title  # a box with another label would be another box, and closed
    box = st.expander(
        about("Edit this idea", proposed), icon=":material/edit:", key=f"editing_{key}", on_change="rerun"
    )
    if not box.open:  # thirty fields a card: they are drawn where they are wanted
        return
    with box, st.form(f"edit_{key}", border=False):
        build = forms.idea_fields(idea, f"edit_{key}")
        if st.form_submit_button(about("Keep these edits", idea.title), type="primary", key=f"save_{key}"):
            with frame.told():
                _keep(view, draft.change(build(), idea))
        st.caption("Kept as a draft until you choose an idea; then everything is handed in together.")


def _reject(view: View, draft: Edits, idea: Idea, key: str) -> None:
    with st.popover(about("Put aside", idea.title), icon=":material/block:"), st.form(f"reject_{key}", border=False):
        reason = st.text_input("Why?", key=f"reason_{key}", max_chars=500)
        if st.form_submit_button(about("Put aside", idea.title), key=f"reject_ok_{key}"):
            _keep(view, draft.reject(idea.id, reason or ""))


def _merge(view: View, draft: Edits, idea: Idea, key: str) -> None:
    others = {item.id: item for item in drafts.in_order(view, draft) if item.id not in {idea.id, *draft.rejected}}
    if not others or idea.id in draft.rejected:
        return
    with st.popover(about("Merge", idea.title), icon=":material/merge:"), st.form(f"merge_{key}", border=False):
        other = st.selectbox(
            "With which idea?",
            list(others),
            format_func=lambda name: one_line(others[name].title, 80),
            key=f"merge_with_{key}",
        )
        st.caption("Makes one idea of the two, to edit further, and puts the two aside.")
        if st.form_submit_button(about("Merge", idea.title), key=f"merge_ok_{key}") and other:
            _keep(view, draft.merge(idea, others[other], view.state.ideas))


def _submit(view: View, draft: Edits, idea: Idea, question: QuestionAsked) -> None:
    with frame.told():
        data = draft.data(drafts.in_order(view, draft), idea.id)
        actions.answer(view.run, question.id, choice=idea.id, data=data)
        drafts.drop(view.run)
        links.go("plan", view.run.name)


def _add(view: View, draft: Edits) -> None:
    box = st.expander("Add an idea of your own", icon=":material/add:", key="own_adding", on_change="rerun")
    if not box.open:
        return
    with box, st.form("own_idea", border=False):
        blank = Idea(
            id=draft.new_id(view.state.ideas),
            title="",
            claim="",
            mechanism="",
            predicted_effect=0.0,
            probability=0.5,
            minimum_effect=0.01,
            metric=Metric(name="accuracy", direction="maximize"),
            source="person",
            arms=[Arm(name="baseline"), Arm(name="treatment")],
        )
        added = sum(origin.how == "added" for origin in draft.origins.values())
        build = forms.idea_fields(blank, f"own{added}")
        if st.form_submit_button("Add it", key="own_add", icon=":material/add:"):
            with frame.told():
                _keep(view, draft.add(_worded(build()), Origin(how="added")))


def _worded(idea: Idea) -> Idea:
    """The idea. Raises SetupError when it says nothing."""
    if not idea.title.strip() or not idea.claim.strip():
        raise SetupError("give the idea a title and a claim")
    return idea
