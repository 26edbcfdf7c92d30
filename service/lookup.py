"""Records of customers: from Redis, and from Delta while Redis is away."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from runtime.errors import TableError
from service.champion import Models
from service.delta_features import DeltaFeatures
from service.online_store import OnlineStore
from service.problems import Problem
from service.records import Record
from service.redis_client import StoreUnavailableError

UNAVAILABLE = "unavailable"
# How often answers are written to the cache; at most as many at once.
KEEP_SECONDS, MOST_KEPT = 0.1, 5_000
log = logging.getLogger("holdfast.service")


@dataclass
class Lookup:
    """Finds records. Requests that come while Delta is read are read together afterwards."""

    store: OnlineStore
    delta: DeltaFeatures
    _wanted: dict[str, asyncio.Future[Record | None]] = field(default_factory=dict)
    _reader: asyncio.Task[None] | None = None
    _answers: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    _models: str = ""
    _keeper: asyncio.Task[None] | None = None

    async def one(
        self, customer_id: str, models: Models
    ) -> tuple[Record | None, bytes | None, str]:
        """The record, the cached answer, and what the answer says of the cache."""
        try:
            record, answer = await self.store.record_and_answer(customer_id, models.key)
        except StoreUnavailableError:
            return await self._from_delta(customer_id), None, UNAVAILABLE
        if not self.store.cache_seconds:
            return record, None, "off"
        return record, answer, "miss" if answer is None else "hit"

    async def many(self, customer_ids: Sequence[str]) -> tuple[dict[str, Record | None], str]:
        """The records of a batch, and what its answers say of the cache, which they do not use."""
        unique = list(dict.fromkeys(customer_ids))
        try:
            return await self.store.records(unique), "off"
        except StoreUnavailableError:
            records = await asyncio.gather(*map(self._from_delta, unique))
            return dict(zip(unique, records, strict=True)), UNAVAILABLE

    def keep(self, models: Models, customer_id: str, *, stamp: str, answer: bytes) -> None:
        """Cache an answer soon. The request does not wait for it."""
        if models.key != self._models:
            self._answers, self._models = {}, models.key
        if len(self._answers) < MOST_KEPT:
            self._answers[customer_id] = (stamp, answer)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        await asyncio.sleep(KEEP_SECONDS)
        answers, self._answers = self._answers, {}
        await self.store.keep_answers(self._models, answers)

    async def _from_delta(self, customer_id: str) -> Record | None:
        waiting = self._wanted.get(customer_id)
        if waiting is None:
            waiting = self._wanted[customer_id] = asyncio.get_running_loop().create_future()
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read_delta())
        return await asyncio.shield(waiting)

    async def _read_delta(self) -> None:
        while self._wanted:
            wanted, self._wanted = self._wanted, {}
            try:
                records = await asyncio.to_thread(self.delta.records, list(wanted))
            except Exception as error:  # each waiting request gets the same answer
                problem = _unreadable(error)
                for future in wanted.values():
                    if not future.done():
                        future.set_exception(problem)
                continue
            for customer_id, future in wanted.items():
                if not future.done():
                    future.set_result(records[customer_id])


def _unreadable(error: Exception) -> Problem:
    if isinstance(error, TableError):
        return Problem(503, str(error))
    log.error("the feature tables cannot be read: %s: %s", type(error).__name__, error)
    return Problem(
        503,
        "the online store is unavailable and the feature tables cannot be read. Try again later, "
        "or send the features themselves.",
        headers={"Retry-After": "5"},
    )
