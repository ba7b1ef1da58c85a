"""A second model for when the first one fails: never silent, and never back.

Which model answered is part of an experiment's protocol, so a switch is reported to the caller *before* the second
model is asked (the caller records it as a deviation), and it holds for the rest of this object's life.
"""

from __future__ import annotations

from collections.abc import Callable

from copilot.llm.protocol import Model, ProviderError, Reply, Request, Usage

OnSwitch = Callable[[Model, Model, ProviderError], None]


class FallbackModel:
    """Asks `first` until it raises ProviderError, then `second`. Name, label and prices are those of the one in use.

    `on_switch` gets both models and the error; its `usage` is what the failed call of the first one has to be settled
    for. What it raises ends the call: a caller can forbid the switch.
    """

    def __init__(self, first: Model, second: Model, on_switch: OnSwitch) -> None:
        self._first = first
        self._second = second
        self._on_switch = on_switch
        self._switched = False
        self.name = first.name
        self.honest_label = first.honest_label

    def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Reply:
        """Answer by the model in use, or by the second one when the first fails now."""
        if not self._switched:
            try:
                return self._first.complete(request, on_text)
            except ProviderError as error:
                self._on_switch(self._first, self._second, error)
                self._switched = True
                self.name, self.honest_label = self._second.name, self._second.honest_label
        return self._second.complete(request, on_text)

    def worst_case_usd(self, request: Request) -> float | None:
        """Until the switch both may be paid for one question; None when a price is unknown."""
        second = self._second.worst_case_usd(request)
        if self._switched or second is None:
            return second
        first = self._first.worst_case_usd(request)
        return None if first is None else first + second

    @property
    def asked(self) -> int:
        """How many models one question may be paid to."""
        return 1 if self._switched else 2

    def cost_usd(self, usage: Usage) -> float | None:
        """What this usage cost with the model in use."""
        return (self._second if self._switched else self._first).cost_usd(usage)
