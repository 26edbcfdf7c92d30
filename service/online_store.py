"""Features of customers from Redis, in one round trip per request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from typing import Any

from redis.exceptions import ResponseError

from service.records import Keys, Record
from service.redis_client import GuardedRedis, StoreUnavailableError

# Requests in one MGET. A batch of 1,000 customers counts as one.
MOST_SHARED = 64


class UnknownStoreError(StoreUnavailableError):
    """Redis answers, but fill_online_store has not filled it, or the records have expired."""


class OnlineStore:
    """The records and cached answers of one environment."""

    def __init__(self, redis: GuardedRedis, env: str, cache_seconds: int) -> None:
        self.redis, self.keys, self.cache_seconds = redis, Keys(env), cache_seconds
        self._waiting: list[tuple[list[str], asyncio.Future[list[bytes | None]]]] = []
        self._reader: asyncio.Task[None] | None = None

    async def get_features_for_inference(
        self, customer_ids: Sequence[str]
    ) -> dict[str, dict[str, Any] | None]:
        """The features of each customer; None: no such customer at the last closed day.

        StoreUnavailableError: Redis does not answer or is empty.
        """
        records = await self.records(customer_ids)
        return {c: record.features if record else None for c, record in records.items()}

    async def records(self, customer_ids: Sequence[str]) -> dict[str, Record | None]:
        """The record of each customer; None: no such customer. One MGET for all."""
        keys = [self.keys.filled, *map(self.keys.customer, customer_ids)]
        filled, *values = await self._read(keys)
        records = {
            c: Record.parsed(value) if value else None
            for c, value in zip(customer_ids, values, strict=True)
        }
        if filled is None and not all(records.values()):
            raise UnknownStoreError
        return records

    async def record_and_answer(
        self, customer_id: str, models: str
    ) -> tuple[Record | None, bytes | None]:
        """The record and the cached answer of these models, if its features are the same.

        One MGET. The answer is None too if the cache is off.
        """
        keys = [self.keys.filled, self.keys.customer(customer_id)]
        if self.cache_seconds:
            keys.append(self.keys.answer(models, customer_id))
        filled, value, *cached = await self._read(keys)
        if value is None:
            if filled is None:
                raise UnknownStoreError
            return None, None
        record = Record.parsed(value)
        if not cached or cached[0] is None:
            return record, None
        stamp, _, answer = cached[0].partition(b"\n")
        return record, answer if stamp.decode() == record.stamp else None

    async def _read(self, keys: list[str]) -> list[bytes | None]:
        """The values of keys, in one round trip.

        Requests that come while another MGET is on its way share the next one: under load Redis'
        client takes more time than the rest of an answer.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((keys, future))
        if self._reader is None or self._reader.done():
            self._reader = asyncio.create_task(self._read_waiting())
        values: list[bytes | None] = await future
        return values

    async def _read_waiting(self) -> None:
        while self._waiting:
            waiting, self._waiting = self._waiting[:MOST_SHARED], self._waiting[MOST_SHARED:]
            keys = [key for wanted, _ in waiting for key in wanted]
            try:
                values: Any = await self.redis.call(partial(_mget, keys))
            except StoreUnavailableError as error:
                for _, future in waiting:
                    if not future.done():  # the client may have gone
                        future.set_exception(error)
                continue
            begin = 0
            for wanted, future in waiting:
                if not future.done():
                    future.set_result(values[begin : begin + len(wanted)])
                begin += len(wanted)

    async def keep_answers(self, models: str, answers: Mapping[str, tuple[str, bytes]]) -> None:
        """Cache answers: (stamp, answer) by customer. Nothing happens if Redis cannot take them.

        Not part of a request: the answer was sent before.
        """
        if not self.cache_seconds or not answers:
            return
        try:
            await self.redis.call(lambda client: self._set_all(client, models, answers))
        except StoreUnavailableError:
            return

    async def _set_all(
        self, client: Any, models: str, answers: Mapping[str, tuple[str, bytes]]
    ) -> None:
        async with client.pipeline(transaction=False) as pipeline:
            for customer_id, (stamp, answer) in answers.items():
                key = self.keys.answer(models, customer_id)
                pipeline.set(key, stamp.encode() + b"\n" + answer, ex=self.cache_seconds)
            try:
                await pipeline.execute()
            except ResponseError:  # Redis is full (OOM). It still answers reads.
                return


def _mget(keys: list[str], client: Any) -> Awaitable[list[bytes | None]]:
    values: Awaitable[list[bytes | None]] = client.mget(keys)
    return values
