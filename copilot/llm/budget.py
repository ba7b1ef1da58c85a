"""Hard caps in dollars, tokens, minutes and GPU-seconds, as a value.

A call is reserved *before* it is made, by its worst case: if that would pass a cap, `Paused("budget", ...)` says so and
nothing is sent. Afterwards `settle` counts what it really cost. The value holds no clock and no file: on resume it is
built again from the totals in the journal. Not for parallel callers: reserve, call and settle one at a time.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from copilot.domain.base import Value
from copilot.errors import Paused
from copilot.llm.fallback import FallbackModel
from copilot.llm.prices import worst_case_tokens
from copilot.llm.protocol import Model, Request, Usage

Unit = Literal["usd", "tokens", "minutes", "gpu_s"]
_SPELLING: dict[Unit, str] = {
    "usd": "${:.4f}",
    "tokens": "{:,.0f} tokens",
    "minutes": "{:.1f} minutes",
    "gpu_s": "{:.0f} GPU-seconds",
}


class Gauge(Value):
    """One cap for display: what is spent of what is allowed, in its unit (`limit` None: no cap)."""

    unit: Unit
    spent: float
    limit: float | None


class Reservation(Value):
    """What a call may cost at most. `usd` is None when no price is known (only possible without a dollar cap)."""

    usd: float | None
    tokens: int | None
    """Counted only under a token cap."""


class Budget(Value):
    """Caps (None: no cap) and what is spent of each: dollars, tokens of any kind, wall-clock minutes, GPU-seconds."""

    limit_usd: float | None = Field(default=None, ge=0)
    spent_usd: float = Field(default=0.0, ge=0)
    limit_tokens: int | None = Field(default=None, ge=0)
    spent_tokens: int = Field(default=0, ge=0)
    limit_minutes: float | None = Field(default=None, ge=0)
    spent_minutes: float = Field(default=0.0, ge=0)
    limit_gpu_s: float | None = Field(default=None, ge=0)
    spent_gpu_s: float = Field(default=0.0, ge=0)

    def reserve(self, model: Model, request: Request) -> Reservation:
        """What this call may cost at most. Raises Paused("budget") when that would pass a cap: then do not call.

        Under a dollar cap a model without a known price is refused, because nothing bounds its cost.
        """
        usd = model.worst_case_usd(request)
        asked = model.asked if isinstance(model, FallbackModel) else 1
        tokens = None if self.limit_tokens is None else asked * worst_case_tokens(request)
        if self.limit_usd is not None:
            if usd is None:
                who = model.name if asked == 1 else f"{model.name} or its fall-back"
                raise Paused(
                    "budget",
                    f"no price is known for {who}, so a budget in dollars cannot be kept; "
                    "choose a priced model, or cap tokens instead of dollars",
                )
            self._check("usd", usd, f"the next call to {model.name} may cost")
        # A model that runs here without any network (offline, scripted) has no tokens to count.
        if tokens is not None and not (model.honest_label and usd == 0):
            self._check("tokens", tokens, f"the next call to {model.name} may take")
        self.reserve_time()
        return Reservation(usd=usd, tokens=tokens)

    def settle(self, model: Model, usage: Usage) -> Budget:
        """This budget after a call that used `usage` (also one that failed: `ProviderError.usage`)."""
        tokens = usage.input + usage.output + usage.cache_read + usage.cache_write
        return self.spend(usd=model.cost_usd(usage) or 0.0, tokens=tokens)

    def reserve_time(self, *, minutes: float = 0.0, gpu_s: float = 0.0) -> None:
        """Raise Paused("budget") when a step of this length would pass a cap, or one is already reached."""
        self._check("minutes", minutes, "the next step may take")
        self._check("gpu_s", gpu_s, "the next step may take")

    def spend(self, *, usd: float = 0.0, tokens: int = 0, minutes: float = 0.0, gpu_s: float = 0.0) -> Budget:
        """This budget with more spent."""
        return self.model_copy(
            update={
                "spent_usd": self.spent_usd + usd,
                "spent_tokens": self.spent_tokens + tokens,
                "spent_minutes": self.spent_minutes + minutes,
                "spent_gpu_s": self.spent_gpu_s + gpu_s,
            }
        )

    def gauges(self) -> list[Gauge]:
        """All four, for display."""
        return [
            Gauge(unit="usd", spent=self.spent_usd, limit=self.limit_usd),
            Gauge(unit="tokens", spent=self.spent_tokens, limit=self.limit_tokens),
            Gauge(unit="minutes", spent=self.spent_minutes, limit=self.limit_minutes),
            Gauge(unit="gpu_s", spent=self.spent_gpu_s, limit=self.limit_gpu_s),
        ]

    def _check(self, unit: Unit, more: float, what: str) -> None:
        gauge = next(gauge for gauge in self.gauges() if gauge.unit == unit)
        if gauge.limit is None:
            return
        # A step of unknown length may begin as long as anything is left.
        passes = gauge.spent + more > gauge.limit if more else gauge.spent >= gauge.limit and unit != "usd"
        if passes:
            spell = _SPELLING[unit].format
            raise Paused(
                "budget",
                f"{what} up to {spell(more)}, but {spell(gauge.spent)} of {spell(gauge.limit)} are spent; "
                "raise the cap and resume",
            )
