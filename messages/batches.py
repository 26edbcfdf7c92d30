"""Large campaigns: Message Batches, at half the price, that a killed run takes up again.

Before a batch is sent its key is noted, after that its id; only then is it waited for. A run that
died between the two finds the batch in the service's list, by its size, and knows it by its ids.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from messages.gateway import SERVICE, Answer, Gateway, read_answer, reason_of
from messages.limits import cost_at_most
from messages.prompt import input_tokens_at_most

# Newest batches looked through for one that a killed run sent without noting its id.
LOOKED_THROUGH = 100


class BatchPendingError(Exception):
    """The batch is made and its results are not here: a later run takes it up, and pays nothing.

    Says the batch's id and why: "has not ended within messages.batch_wait_seconds", or the reason
    for which it could not be asked for.
    """


class Ledger(Protocol):
    """Where batches are noted, so that they outlive a run."""

    def batch_id(self, key: str) -> str | None:
        """The id noted for a key; "" where only the intention is; None where nothing is."""

    def note(self, key: str, batch_id: str, requests: int) -> None:
        """Note the intention (batch_id "") or the id."""

    def known_ids(self) -> set[str]:
        """Every id that was ever noted."""


def custom_id(campaign_id: str, customer_id: str, digest: str) -> str:
    """What a request is called outside: a hash, so that no customer's id leaves the company."""
    return hashlib.sha256(f"{campaign_id}|{customer_id}|{digest}".encode()).hexdigest()[:48]


class BatchWriter:
    """Asks many requests at once through Message Batches."""

    def __init__(
        self,
        gateway: Gateway,
        ledger: Ledger,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.gateway, self.ledger = gateway, ledger
        self.limits = gateway.limits
        self._sleep, self._clock = sleep, clock

    def ask_all(self, requests: Mapping[str, dict[str, Any]]) -> dict[str, Answer]:
        """An answer for each custom_id. Raises BatchPendingError where one has to wait."""
        answers: dict[str, Answer] = {}
        names = sorted(requests)
        for part in _parts(names, self.limits.batch_size):
            answers.update(self._ask_part({name: requests[name] for name in part}))
        return answers

    def _ask_part(self, requests: Mapping[str, dict[str, Any]]) -> dict[str, Answer]:
        closed = self.gateway.closed()
        # A batch may take longer than conf's deadline_seconds; batch_wait_seconds is its own limit.
        if closed and closed != "deadline":
            return {name: Answer(None, closed) for name in requests}
        affordable = self._affordable(requests)
        answers = {n: Answer(None, "spend_cap") for n in requests if n not in affordable}
        if affordable:
            try:
                # Of the whole part: a later run with more money left knows it all the same.
                key = hashlib.sha256("|".join(requests).encode()).hexdigest()[:32]
                answers.update(self._results(key, affordable))
            except BatchPendingError:
                raise
            except Exception as error:  # the service, not us: templates serve
                answers.update({n: Answer(None, reason_of(error)) for n in affordable})
        return answers

    def _affordable(self, requests: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """As many as the budget holds at their dearest; the money is set aside."""
        taken = {}
        for name, parameters in requests.items():
            if not self.gateway.budget.reserve(self._at_most(parameters)):
                break
            taken[name] = parameters
        return taken

    def _at_most(self, parameters: dict[str, Any]) -> float:
        tokens = input_tokens_at_most(parameters)
        return cost_at_most(tokens, self.limits.max_tokens, self.limits.prices, True)

    def _results(self, key: str, requests: Mapping[str, dict[str, Any]]) -> dict[str, Answer]:
        for batch_id, is_ours in self._candidates(key, requests):
            found = self._fetched(batch_id)
            if is_ours or set(found) & set(requests):
                self.ledger.note(key, batch_id, len(requests))
                break
        answers = {n: found.get(n, Answer(None, "missing")) for n in requests}
        for name, answer in answers.items():
            self.gateway.budget.settle(self._at_most(requests[name]), answer.usage.cost_usd)
        return answers

    def _candidates(
        self, key: str, requests: Mapping[str, dict[str, Any]]
    ) -> Iterator[tuple[str, bool]]:
        """(batch id, whether it is surely ours): the noted one, one found, else a new one."""
        noted = self.ledger.batch_id(key)
        if noted:
            yield noted, True
            return
        retrying = Retrying(
            retry=retry_if_exception(_may_be_retried),
            stop=stop_after_attempt(self.limits.max_retries + 1),
            wait=_wait_of,
            sleep=self._sleep,
            reraise=True,
        )
        for attempt in retrying:
            # If only the answer was lost, the batch exists. A second one would be billed too.
            if noted == "" or attempt.retry_state.attempt_number > 1:
                yield from self._unclaimed(len(requests))
            self.ledger.note(key, "", len(requests))
            with attempt:
                batch_id = self._create(requests)
        self.ledger.note(key, batch_id, len(requests))
        yield batch_id, True

    def _unclaimed(self, size: int) -> Iterator[tuple[str, bool]]:
        """Batches of the service that nobody noted and that have as many requests."""
        known = self.ledger.known_ids()
        listed = self.gateway.client.messages.batches.list(limit=LOOKED_THROUGH)
        for batch in islice(listed, LOOKED_THROUGH):
            counts = batch.request_counts
            total = sum((counts.processing, counts.succeeded, counts.errored, counts.canceled))
            if batch.id not in known and total + counts.expired == size:
                yield batch.id, False

    def _create(self, requests: Mapping[str, dict[str, Any]]) -> str:
        """Sent once: the SDK's own retries cannot tell a lost request from a lost answer."""
        self.gateway.calls += 1
        sent = [{"custom_id": name, "params": p} for name, p in requests.items()]
        client = self.gateway.client.with_options(max_retries=0)
        return str(client.messages.batches.create(requests=sent).id)

    def _fetched(self, batch_id: str) -> dict[str, Answer]:
        """Answers of a batch that is made, and so paid for: a bad day of the service loses none."""
        try:
            self._wait(batch_id)
            return self._read(batch_id)
        except BatchPendingError:
            raise
        except Exception as error:
            reason = reason_of(error)
            # Half an answer or a proxy's page says nothing of the batch; a refusal of it does.
            if reason in SERVICE or reason == "malformed":
                raise BatchPendingError(f"{batch_id} could not be asked for: {reason}") from error
            raise

    def _wait(self, batch_id: str) -> None:
        ends = self._clock() + self.limits.batch_wait_seconds
        while self.gateway.client.messages.batches.retrieve(batch_id).processing_status != "ended":
            if self._clock() >= ends:
                raise BatchPendingError(
                    f"{batch_id} has not ended within messages.batch_wait_seconds"
                )
            self._sleep(self.limits.batch_poll_seconds)

    def _read(self, batch_id: str) -> dict[str, Answer]:
        """Answers by custom_id; they come in any order."""
        found = {}
        for line in self.gateway.client.messages.batches.results(batch_id):
            kind = getattr(line.result, "type", "errored")
            if kind == "succeeded":
                found[line.custom_id] = read_answer(line.result.message, self.limits, True)
            else:
                found[line.custom_id] = Answer(None, kind)
        return found


def _may_be_retried(error: BaseException) -> bool:
    return isinstance(error, Exception) and reason_of(error) in SERVICE


def _wait_of(state: RetryCallState) -> float:
    """Seconds before the next attempt: retry-after, else 1 s doubled per attempt; at most 60."""
    error = state.outcome.exception() if state.outcome else None
    headers = getattr(getattr(error, "response", None), "headers", {})
    said = headers.get("retry-after", "")
    return min(float(said) if said.isdigit() else 2.0 ** (state.attempt_number - 1), 60.0)


def _parts(names: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), size):
        yield names[start : start + size]
