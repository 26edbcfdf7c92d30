"""Write messages: draft, guard, a second try if refused, and a template as fallback."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from messages.batches import BatchWriter, custom_id
from messages.brief import Brief
from messages.gateway import Answer, Gateway
from messages.guard import faults
from messages.limits import Usage
from messages.prompt import PROMPT_VERSION, request
from messages.templates import template

CLAUDE, TEMPLATE = "claude", "template"
PASSED = "passed"


@dataclass(frozen=True)
class Order:
    """A message to write, with campaign and customer."""

    campaign_id: str
    customer_id: str
    brief: Brief


@dataclass(frozen=True)
class Message:
    """A message that may be stored. `verdict`: passed, passed_second, or why the template is used
    (refused: <rules of the guard>, or not_written: <reason of the gateway>)."""

    order: Order
    text: str
    written_by: str
    model: str | None
    verdict: str
    usage: Usage

    @property
    def digest(self) -> str:
        return self.order.brief.digest(PROMPT_VERSION)


class Writer:
    """Writes the messages of a run. A name in `other_names` may occur only in its own message."""

    def __init__(
        self, gateway: Gateway, batches: BatchWriter, other_names: Collection[str] = ()
    ) -> None:
        self.gateway, self.batches = gateway, batches
        self.limits, self.other_names = gateway.limits, frozenset(other_names)

    def write(self, orders: Sequence[Order], is_large: bool) -> list[Message]:
        """One message per order, in the same sequence. `is_large`: use Message Batches."""
        first = self._ask(orders, [None] * len(orders), is_large)
        refused = [self._faults(o, a) for o, a in zip(orders, first, strict=True)]
        again = [n for n, rules in enumerate(refused) if rules]
        second = dict(
            zip(
                again,
                self._ask(
                    [orders[n] for n in again], [", ".join(refused[n]) for n in again], is_large
                ),
                strict=True,
            )
        )
        return [
            self._message(order, answer, refused[n], second.get(n))
            for n, (order, answer) in enumerate(zip(orders, first, strict=True))
        ]

    def _ask(
        self, orders: Sequence[Order], refused_for: Sequence[str | None], is_large: bool
    ) -> list[Answer]:
        parameters = [
            request(o.brief, self.limits.model, self.limits.max_tokens, refused_for=m)
            for o, m in zip(orders, refused_for, strict=True)
        ]
        if not is_large:
            with ThreadPoolExecutor(self.limits.concurrency) as pool:
                return list(pool.map(self.gateway.ask, parameters))
        names = [
            custom_id(o.campaign_id, o.customer_id, f"{o.brief.digest(PROMPT_VERSION)}{m or ''}")
            for o, m in zip(orders, refused_for, strict=True)
        ]
        answers = self.batches.ask_all(dict(zip(names, parameters, strict=True)))
        return [answers[name] for name in names]

    def _faults(self, order: Order, answer: Answer) -> tuple[str, ...]:
        """Rules that a draft breaks. Empty if there is no draft."""
        if answer.text is None:
            return ()
        return faults(answer.text, order.brief, self.other_names)

    def _message(
        self, order: Order, first: Answer, refused: Iterable[str], second: Answer | None
    ) -> Message:
        usage = first.usage + (second.usage if second else Usage())
        if first.text is not None and not refused:
            return self._claudes(order, first.text, PASSED, usage)
        if second is not None and second.text is not None:
            broken = self._faults(order, second)
            if not broken:
                return self._claudes(order, second.text, "passed_second", usage)
            return self._templates(order, f"refused: {', '.join(broken)}", usage)
        if second is not None:
            return self._templates(order, f"refused: {', '.join(refused)}", usage)
        return self._templates(order, f"not_written: {first.reason}", usage)

    def _claudes(self, order: Order, text: str, verdict: str, usage: Usage) -> Message:
        return Message(order, text, CLAUDE, self.limits.model, verdict, usage)

    def _templates(self, order: Order, verdict: str, usage: Usage) -> Message:
        return Message(order, template(order.brief), TEMPLATE, None, verdict, usage)
