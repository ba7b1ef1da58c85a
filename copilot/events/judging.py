"""Events of what a verdict rests on: tuning, protocol, trials, checks."""

from __future__ import annotations

from typing import ClassVar, Literal

from copilot.domain.experiment import Check, Protocol, Purpose, TrialResult, TriedSetting, Verdict
from copilot.domain.idea import Change, Scalar
from copilot.events.base import Event


class ArmsTuned(Event):
    """Before the freeze every arm was tuned alike, on validation data; `chosen` is what is frozen."""

    kind: Literal["ArmsTuned"] = "ArmsTuned"
    durable: ClassVar[bool] = True
    metric: str
    seeds: list[int]
    tried: list[TriedSetting]
    """In the order of trying; the first of each arm is the one that was planned."""
    chosen: dict[str, dict[str, Scalar]]
    """Arm -> parameters."""


class ProtocolFrozen(Event):
    """From here on the protocol decides; `hash` is `protocol.digest()`."""

    kind: Literal["ProtocolFrozen"] = "ProtocolFrozen"
    durable: ClassVar[bool] = True
    protocol: Protocol
    hash: str


class ProtocolAmended(Event):
    """A change after the freeze: never silent, always shown beside the verdict."""

    kind: Literal["ProtocolAmended"] = "ProtocolAmended"
    durable: ClassVar[bool] = True
    protocol: Protocol
    hash: str
    changes: list[Change]
    results_seen: int
    reason: str
    by: str


class TrialStarted(Event):
    """One cell of the matrix began; `attempt` counts from 1 (a killed engine starts it again)."""

    kind: Literal["TrialStarted"] = "TrialStarted"
    purpose: Purpose
    arm: str
    seed: int
    attempt: int = 1
    argv: list[str] = []


class TrialFinished(Event):
    """One cell of the matrix ended, well or not. A graded one opened the sealed labels once."""

    kind: Literal["TrialFinished"] = "TrialFinished"
    durable: ClassVar[bool] = True
    result: TrialResult


class IntegrityChecked(Event):
    """One integrity check."""

    kind: Literal["IntegrityChecked"] = "IntegrityChecked"
    check: Check


class VerdictReached(Event):
    """What code decided."""

    kind: Literal["VerdictReached"] = "VerdictReached"
    durable: ClassVar[bool] = True
    verdict: Verdict
