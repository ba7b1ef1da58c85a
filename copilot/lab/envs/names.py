"""What an agent may ask for by name: packages as PEP 508 names with versions, and nothing that leads anywhere else.

No address, path, version control, option, marker or file. What a person allowed beforehand is read here too. Nothing is
looked up on a network.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from importlib import metadata
from typing import TYPE_CHECKING

from copilot.errors import Retry

if TYPE_CHECKING:
    from packaging.requirements import Requirement

MOST_NAMES = 10
MOST_CHARACTERS = 100
_SHAPE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._ -]+\])?[ ]*(?:[<>=!~][A-Za-z0-9<>=!~.,*+_ -]*)?")
RULE = 'give names with versions from the index, like "tqdm" or "tqdm>=4.60,<5"; no address, path, option or marker'


def read_requests(texts: Sequence[str]) -> list[Requirement]:
    """The packages asked for, once each. Raises Retry with what is wrong."""
    if not 1 <= len(texts) <= MOST_NAMES:
        raise Retry(f"ask for 1 to {MOST_NAMES} packages at once")
    found: dict[str, Requirement] = {}
    for text in texts:
        one = _read(text)
        if found.setdefault(normal(one), one) is not one:
            raise Retry(f"{normal(one)} is named twice")
    return list(found.values())


def _read(text: str) -> Requirement:
    from packaging.requirements import InvalidRequirement, Requirement

    if len(text) > MOST_CHARACTERS or not _SHAPE.fullmatch(text):
        raise Retry(f"{text[:MOST_CHARACTERS]!r} is refused: {RULE}")
    try:
        found = Requirement(text)
    except InvalidRequirement as error:
        raise Retry(f"{text!r} is refused: {RULE}") from error
    arbitrary = any(item.operator == "===" for item in found.specifier)
    if found.url is not None or found.marker is not None or arbitrary:
        raise Retry(f"{text!r} is refused: {RULE}")
    return found


def normal(requirement: Requirement) -> str:
    """The name as the index knows it."""
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(requirement.name))


def canonical(requirement: Requirement) -> str:
    """The whole request in one way of writing it."""
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    return f"{normal(requirement)}{extras}{requirement.specifier}"


def satisfied(requirement: Requirement) -> str:
    """The version in the base environment that fulfils the request, or empty.

    A request with extras counts as not there: whether its extras are is for the resolver to say.
    """
    if requirement.extras:
        return ""
    version = base_version(normal(requirement))
    return version if version and requirement.specifier.contains(version, prereleases=True) else ""


def base_version(name: str) -> str:
    """The version of a package in the base environment, or empty."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def package_allowed(name: str, allow: Collection[str]) -> bool:
    """True when a person allowed this package by name. An entry with a slash or a colon is a Hub id, not a package."""
    from packaging.utils import canonicalize_name

    return name in {str(canonicalize_name(entry)) for entry in allow if "/" not in entry and ":" not in entry}


def hub_allowed(kind: str, name: str, allow: Collection[str]) -> bool:
    """True when a person allowed this repository: `OWNER/NAME`, or `model:NAME`, `dataset:NAME`, `code:OWNER/NAME`.

    Code lies elsewhere than the Hub, where the same name may be somebody else's: it is allowed as code only.
    """
    return f"{kind}:{name}" in allow or (kind != "code" and "/" in name and name in allow)
