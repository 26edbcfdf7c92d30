"""Large campaigns: Message Batches at half the price. A restarted run resumes its batches.

The key of a batch is recorded before it is sent, and its id afterwards. Then the run waits for the
results. If a run stops between the two, the next run looks for the batch in the list of the
service, by its size, and recognises it by its custom_ids.
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

# Number of recent batches to search for one that was sent but whose id was not recorded.
LOOKED_THROUGH = 100


class BatchPendingError(Exception):
    """The batch was created, but its results are pending. A later run fetches them at no cost.

    The message has the id of the batch and the reason: "has not ended within
    messages.batch_wait_seconds", or "could not be read" with a reason code.
    """


class Ledger(Protocol):
    """Persistent record of batches."""

    def batch_id(self, key: str) -> str | None:
        """Recorded id of a key; "": only the intention is recorded; None: no record."""

    def note(self, key: str, batch_id: str, requests: int) -> None:
        """Record the intention (batch_id "") or the id."""

    def known_ids(self) -> set[str]:
        """All recorded ids."""


def custom_id(campaign_id: str, customer_id: str, digest: str) -> str:
    """External name of a request: a hash, so that no customer id leaves the company."""
    return hashlib.sha256(f"{campaign_id}|{customer_id}|{digest}".encode()).hexdigest()[:48]


class BatchWriter:
    """Sends many requests at once through Message Batches."""

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
        """One answer per custom_id. Raises BatchPendingError if results are pending."""
        answers: dict[str, Answer] = {}
        names = sorted(requests)
        for part in _parts(names, self.limits.batch_size):
            answers.update(self._ask_part({name: requests[name] for name in part}))
        return answers

    def _ask_part(self, requests: Mapping[str, dict[str, Any]]) -> dict[str, Answer]:
        closed = self.gateway.closed()
        # deadline_seconds does not apply to batches. Their limit is batch_wait_seconds.
        if closed and closed != "deadline":
            return {name: Answer(None, closed) for name in requests}
        affordable = self._affordable(requests)
        answers = {n: Answer(None, "spend_cap") for n in requests if n not in affordable}
        if affordable:
            try:
                # Hash of the whole part, so that a later run with more budget gets the same key.
                key = hashlib.sha256("|".join(requests).encode()).hexdigest()[:32]
                answers.update(self._results(key, affordable))
            except BatchPendingError:
                raise
            except Exception as error:  # an error of the service: templates are used
                answers.update({n: Answer(None, reason_of(error)) for n in affordable})
        return answers

    def _affordable(self, requests: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """As many requests as the budget allows at maximum cost. Their cost is reserved."""
        taken = {}
        for name, parameters in requests.items():
            if not self.gateway.budget.reserve(self._at_most(parameters)):
                break
            taken[name] = parameters
        return taken

    def _at_most(self, parameters: dict[str, Any]) -> float:
        tokens = input_tokens_at_most(parameters)
        return cost_at_most(tokens, self.limits.max_tokens, self.limits.prices, is_batch=True)

    def _results(self, key: str, requests: Mapping[str, dict[str, Any]]) -> dict[str, Answer]:
        for batch_id, is_ours in self._candidates(key, requests):
            fetched = self._fetched(batch_id)
            if is_ours or set(fetched) & set(requests):
                self.ledger.note(key, batch_id, len(requests))
                break
        answers = {n: fetched.get(n, Answer(None, "missing")) for n in requests}
        for name, answer in answers.items():
            self.gateway.budget.settle(self._at_most(requests[name]), answer.usage.cost_usd)
        return answers

    def _candidates(
        self, key: str, requests: Mapping[str, dict[str, Any]]
    ) -> Iterator[tuple[str, bool]]:
        """(batch id, True if surely ours): the recorded batch, an unclaimed one, or a new one."""
        recorded = self.ledger.batch_id(key)
        if recorded:
            yield recorded, True
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
            if recorded == "" or attempt.retry_state.attempt_number > 1:
                yield from self._unclaimed(len(requests))
            self.ledger.note(key, "", len(requests))
            with attempt:
                batch_id = self._create(requests)
        self.ledger.note(key, batch_id, len(requests))
        yield batch_id, True

    def _unclaimed(self, size: int) -> Iterator[tuple[str, bool]]:
        """Batches of the service that are not recorded and have the same number of requests."""
        known = self.ledger.known_ids()
        listed = self.gateway.client.messages.batches.list(limit=LOOKED_THROUGH)
        for batch in islice(listed, LOOKED_THROUGH):
            counts = batch.request_counts
            total = sum((counts.processing, counts.succeeded, counts.errored, counts.canceled))
            if batch.id not in known and total + counts.expired == size:
                yield batch.id, False

    def _create(self, requests: Mapping[str, dict[str, Any]]) -> str:
        """Send once: the retries of the SDK cannot tell a lost request from a lost answer."""
        self.gateway.calls += 1
        sent = [{"custom_id": name, "params": p} for name, p in requests.items()]
        client = self.gateway.client.with_options(max_retries=0)
        return str(client.messages.batches.create(requests=sent).id)

    def _fetched(self, batch_id: str) -> dict[str, Answer]:
        """Answers of an existing (paid) batch. A service error does not lose them."""
        try:
            self._wait(batch_id)
            return self._read(batch_id)
        except BatchPendingError:
            raise
        except Exception as error:
            reason = reason_of(error)
            # An incomplete answer or a proxy page says nothing about the batch. A refusal does.
            if reason in SERVICE or reason == "malformed":
                raise BatchPendingError(f"{batch_id} could not be read: {reason}") from error
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
        """Answers by custom_id. The service returns them in any order."""
        answers = {}
        for line in self.gateway.client.messages.batches.results(batch_id):
            kind = getattr(line.result, "type", "errored")
            if kind == "succeeded":
                answers[line.custom_id] = read_answer(line.result.message, self.limits, True)
            else:
                answers[line.custom_id] = Answer(None, kind)
        return answers


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
