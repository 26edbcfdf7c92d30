"""Limits of a run (requests, time, money), prices, and usage."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens, from the price list on the day given in conf."""

    input: float
    output: float


@dataclass(frozen=True)
class Limits:
    """Limits of a run, in seconds, tokens and US dollars.

    max_tokens: of one answer, thinking included.
    thinking: disabled, or adaptive (with low effort).
    """

    model: str
    thinking: str
    max_tokens: int
    concurrency: int
    max_retries: int
    timeout_seconds: float
    deadline_seconds: float
    failures_to_stop: int
    spend_cap_usd: float
    prices: Prices

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Limits:
        """Create the limits from a section of conf, in which `prices` is a mapping."""
        prices = {name: values["prices"][name] for name in ("input", "output")}
        return cls(**{**values, "prices": Prices(**prices)})


@dataclass(frozen=True)
class Usage:
    """Tokens and cost of one or more calls. `input` includes cache reads and cache writes."""

    input: int = 0
    output: int = 0
    cost_usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.input + other.input, self.output + other.output, self.cost_usd + other.cost_usd
        )

    def share(self, parts: int, number: int) -> Usage:
        """Part `number` (from 0) of `parts`, so that the parts add up to the whole."""
        return Usage(
            _part(self.input, parts, number),
            _part(self.output, parts, number),
            self.cost_usd / parts,
        )


def _part(total: int, parts: int, number: int) -> int:
    return total // parts + (number < total % parts)


def usage_of(counts: object, prices: Prices) -> Usage:
    """The usage reported with an answer (`usage` of the SDK). A missing field counts as 0.

    No request marks a part to cache; what the service caches anyway counts at the full price.
    """

    def count(name: str) -> int:
        value = getattr(counts, name, None)
        return value if isinstance(value, int) and value > 0 else 0

    names = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    sent, out = sum(map(count, names)), count("output_tokens")
    return Usage(sent, out, (sent * prices.input + out * prices.output) / 1e6)


def cost_at_most(input_tokens: int, max_tokens: int, prices: Prices) -> float:
    """Maximum cost of one attempt in US dollars."""
    return (input_tokens * prices.input + max_tokens * prices.output) / 1e6


@dataclass
class Budget:
    """Spending of a run. The maximum cost of a call is reserved first, so the cap always holds."""

    cap_usd: float
    spent_usd: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def reserve(self, usd: float) -> bool:
        """Reserve an amount. False: it would exceed the cap, and nothing is reserved."""
        with self._lock:
            if self.spent_usd + usd > self.cap_usd:
                return False
            self.spent_usd += usd
            return True

    def settle(self, reserved_usd: float, cost_usd: float) -> None:
        """Replace the reserved amount by the actual cost."""
        with self._lock:
            self.spent_usd += cost_usd - reserved_usd
