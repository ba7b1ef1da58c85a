"""What an experiment needs from outside: asked for by name, approved by a person or a policy, fetched by trusted code.

The agent's programs never have a network. A request becomes a question at the gate `install` (`--approve ask`), or is
covered by `--allow NAME`, or is refused and recorded. What is approved is exactly what was shown: the lock or the
commit is stored with the question, so a run that was killed neither asks nor resolves nor downloads twice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from copilot.domain.base import canonical_json, sha256_text
from copilot.engine.human import gate
from copilot.engine.services import Services
from copilot.errors import Retry
from copilot.events import QuestionAsked, SuppliesFetched
from copilot.hub.github import name_of
from copilot.hub.safety import printable
from copilot.lab.envs.lock import overlay_lock, read_lock
from copilot.lab.envs.mounts import VARIABLES
from copilot.lab.envs.names import canonical, hub_allowed, normal, package_allowed, read_requests, satisfied
from copilot.lab.envs.resolve import Wheel
from copilot.lab.trials import Bench
from copilot.state import RunState

if TYPE_CHECKING:
    from packaging.requirements import Requirement

Kind = Literal["model", "dataset", "code"]
SHOWN = 20
PLURAL = {"model": "models", "dataset": "datasets", "code": "code repositories"}
MOST_QUESTIONS = 10
"""Installs that a person is asked about in one run."""


@dataclass(frozen=True)
class Request:
    """One thing asked for: what is shown, how a person could have allowed it, and whether that was done."""

    what: Literal["packages", "model", "dataset", "code"]
    name: str
    allowed: bool
    option: str
    """As it would stand on the command line."""

    @property
    def question(self) -> str:
        """The same request is the same question: it is asked once in a run, whatever happens to the engine."""
        return f"install-{sha256_text(canonical_json([self.what, self.name]))[:16]}"


@dataclass(frozen=True)
class SupplyDesk:
    """Answers the two request tools of the experiment agent (`copilot.agents.tools.Supplies`)."""

    services: Services

    def bench(self) -> Bench:
        """With everything that was fetched so far."""
        return self.services.bench()

    def packages(self, texts: list[str], why: str) -> str:
        """Packages as an overlay in front of the experiment's Python.

        Raises Retry for a name that is no name, for a no, and when nothing fits; Paused while a person is waited for.
        """
        wanted = read_requests(texts)
        base = [f"{normal(one)}=={version}" for one in wanted if (version := satisfied(one))]
        request = self._request([one for one in wanted if not satisfied(one)])
        known = self.services.state.supplies.get(("packages", request.name))
        if known is not None or not request.name:
            return _importable(base + (known.items if known else []))
        self._policy(request, why)
        held = self._held()
        lock, text = self._locked(request, held, base)
        items = [pin.text for pin in read_lock(lock)]
        if set(items) != {f"{name}=={version}" for name, version in held.items()}:
            self._install(request, lock, self._approved(request, text, why, lock))
        return _importable(base + items)

    def _request(self, missing: Sequence[Requirement]) -> Request:
        names = [normal(one) for one in missing]
        return Request(
            what="packages",
            name=", ".join(sorted(canonical(one) for one in missing)),
            allowed=all(package_allowed(name, self.services.settings.allow) for name in names),
            option=" ".join(f"--allow {name}" for name in names),
        )

    def _held(self) -> dict[str, str]:
        """name -> version of the overlay so far."""
        items = [item for item in self.services.state.supplies.values() if item.what == "packages"]
        return dict(item.split("==", 1) for item in items[-1].items) if items else {}

    def _locked(self, request: Request, held: dict[str, str], present: Sequence[str]) -> tuple[str, str]:
        """The lock and the question's text: as asked before, or found out now. The lock holds earlier packages too."""
        asked = self.services.state.questions.get(request.question)
        if asked is not None:
            return self.services.desk.blobs.text(asked.blob), asked.text
        pins = [f"{name}=={version}" for name, version in held.items()]
        wheels = self.services.store.installer().resolve([*request.name.split(", "), *pins])
        new = [wheel for wheel in wheels if held.get(wheel.name) != wheel.version]
        return overlay_lock(wheel.pin for wheel in wheels), _package_text(new, present)

    def _install(self, request: Request, lock: str, approved_by: str) -> None:
        built = self.services.store.packages(lock)
        event = SuppliesFetched(
            what="packages",
            name=request.name,
            items=[pin.text for pin in read_lock(lock)],
            lock=self.services.desk.blobs.put(lock),
            sha256=built.tree,
            bytes=built.bytes,
            path=self.services.store.relative(built.folder),
            approved_by=approved_by,
        )
        self.services.desk.record(event)

    def repository(self, kind: Kind, name: str, why: str) -> str:
        """A repository at one commit, safe file kinds only, as a read-only folder. Raises Retry and Paused."""
        known = self.services.state.supplies.get((kind, name))
        if known is not None:
            return _mounted(known, self.services.desk.blobs.text(known.lock))
        request = Request(
            what=kind,
            name=name,
            allowed=hub_allowed(kind, name, self.services.settings.allow),
            option=f"--allow {name if '/' in name and kind != 'code' else f'{kind}:{name}'}",
        )
        hit_revision = self._listed(request)
        self._policy(request, why)
        contents = self._contents(request, kind, hit_revision)
        approved_by = self._approved(request, _repository_text(request, contents), why, contents)
        return self._fetch(request, kind, contents, approved_by)

    def _listed(self, request: Request) -> str:
        """The commit that retrieval named (may be empty). Raises Retry for an id that it did not list, or refused."""
        hits = _fetchable(self.services.state, request.what)
        hit = next((hit for hit in hits if hit["id"] == request.name), None)
        if not request.allowed and (hit is None or hit.get("refused")):
            usable = [str(hit["id"]) for hit in hits if not hit.get("refused")][:SHOWN]
            raise Retry(
                f"{printable(request.name)} is not one of the {PLURAL[request.what]} that retrieval listed as usable "
                f"({', '.join(usable) or 'none'}); another one has to be allowed by a person: {request.option}"
            )
        return str(hit.get("revision") or "") if hit else ""

    def _contents(self, request: Request, kind: Kind, revision: str) -> str:
        """The commit and its files as JSON: as asked before, or looked up now."""
        asked = self.services.state.questions.get(request.question)
        if asked is not None:
            return self.services.desk.blobs.text(asked.blob)
        revision, files = self.services.store.look_up(kind, request.name, revision, self._token(request))
        licence = self._licence(request)
        return canonical_json(
            {"id": request.name, "kind": kind, "revision": revision, "files": files, "licence": licence}
        )

    def _licence(self, request: Request) -> str:
        """As retrieval listed it."""
        hits = _fetchable(self.services.state, request.what)
        return next((str(hit.get("licence") or "") for hit in hits if hit["id"] == request.name), "")

    def _fetch(self, request: Request, kind: Kind, contents: str, approved_by: str) -> str:
        store, revision = self.services.store, json.loads(contents)["revision"]
        folder = store.hub(kind, request.name, revision, self._token(request))
        tree, size = store.hub_tree(folder)
        event = SuppliesFetched(
            what=kind,
            name=request.name,
            revision=revision,
            lock=self.services.desk.blobs.put(contents),
            sha256=tree,
            bytes=size,
            path=store.relative(str(folder)),
            approved_by=approved_by,
        )
        self.services.desk.record(event)
        return _mounted(event, contents)

    def _token(self, request: Request) -> str | None:
        """For a gated repository: only where a person named this one, and never handed to a job."""
        from copilot.llm.keys import Keys

        return (Keys.from_environment(self.services.env).secret(["HF_TOKEN"]) or None) if request.allowed else None

    def _policy(self, request: Request, why: str) -> None:
        """Raises Retry when nobody will be asked and the policy does not cover it: before anything is looked up."""
        if request.allowed or self.services.settings.approve == "ask":
            return
        what = f"{request.what} {printable(request.name)}"
        self.services.desk.warn("install", f"The agent asked for {what} and was refused. Its reason: {_quote(why)}")
        raise Retry(
            f"refused: nothing is fetched without approval; a person has to allow it: "
            f"run with --approve ask or {request.option}. Go on with what is there"
        )

    def _approved(self, request: Request, text: str, why: str, lock: str) -> str:
        """Who approved it. Raises Retry for a no, Paused when nobody is there to wait for."""
        if request.allowed:
            return f"policy: {request.option}"
        state = self.services.state
        if request.question not in state.questions and _asked(state) >= MOST_QUESTIONS:
            raise Retry(f"a person was asked {MOST_QUESTIONS} times already; go on with what is there")
        question = state.questions.get(request.question) or QuestionAsked(
            id=request.question,
            gate="install",
            text=f"{text}\nThe agent's reason: {_quote(why)}",
            options=["approve", "refuse"],
            default="refuse",
            blob=self.services.desk.blobs.put(lock),
        )
        answer = gate(self.services, question)
        if answer.choice != "approve":
            said = f": {printable(answer.text, 500)}" if answer.text else ""
            raise Retry(f"a person refused this{said}. Go on with what is there")
        return answer.author


def _asked(state: RunState) -> int:
    return sum(question.gate == "install" for question in state.questions.values())


def _fetchable(state: RunState, what: str) -> list[dict[str, Any]]:
    """The hits of a kind that can be fetched by their id: of code only repositories on GitHub, not Spaces."""
    found = state.retrieved.get(what)
    hits = found.hits if found else []
    return hits if what != "code" else [hit for hit in hits if name_of(str(hit.get("url") or "")) == hit["id"]]


def _quote(why: str) -> str:
    """The agent's words, on one line and as its words."""
    return f"“{printable(' '.join(why.split()), 500)}”"


def _importable(items: Sequence[str]) -> str:
    return f"These can be imported in every run of the experiment, in all arms: {', '.join(sorted(set(items)))}"


def _package_text(wheels: Sequence[Wheel], present: Sequence[str]) -> str:
    many = f"{len(wheels)} packages" if len(wheels) != 1 else "1 package"
    lines = [f"The agent asks to install {many} for the experiment (wheels only; nothing of them runs outside it):"]
    for wheel in wheels:
        size = f"{wheel.bytes:,} bytes" if wheel.bytes is not None else "size not stated"
        age = f", of {wheel.uploaded}" if wheel.uploaded else ""
        lines.append(f"- {wheel.name} {wheel.version}, new, {size}{age}, sha256 {wheel.sha256[:16]}…")
    lines += [f"- {item.replace('==', ' ')}, already there" for item in present]
    return "\n".join(lines)


def _repository_text(request: Request, contents: str) -> str:
    found = json.loads(contents)
    files = found["files"]
    place = "GitHub" if request.what == "code" else "the Hub"
    sort = "text files, to be read" if request.what == "code" else "files of kinds that cannot run"
    return (
        f"The agent asks to fetch the {request.what} {printable(request.name)} from {place}, at commit "
        f"{found['revision']}: {len(files)} {sort}, {sum(files.values()):,} bytes. "
        f"Licence: {printable(found.get('licence') or 'not stated', 60)}."
    )


def _mounted(item: SuppliesFetched, contents: str) -> str:
    variable = VARIABLES[item.what]
    files = sorted(json.loads(contents)["files"])
    names = ", ".join(printable(name) for name in files[:SHOWN]) + (", …" if len(files) > SHOWN else "")
    return (
        f"{item.name} at commit {item.revision} is readable in every run of the experiment. Its folder is "
        f"json.loads(os.environ['{variable}'])['{item.name}']; files: {names}"
    )
