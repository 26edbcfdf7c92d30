"""Redis without waiting: no retries, short timeouts, and a circuit breaker.

The default client waits 4 s for a refused connection, and 4.4 s for a server that hangs.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from redis import Redis
from redis.asyncio import BlockingConnectionPool, Redis as AsyncRedis
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, TimeoutError as RedisTimeoutError
from redis.retry import Retry

from runtime.settings.service import RedisSettings

T = TypeVar("T")
# Connections of one process. A request that finds none free waits for at most the timeout.
CONNECTIONS = 32
# Timeouts in a row after which Redis is not asked for a while.
MOST_TIMEOUTS = 2


class StoreUnavailableError(Exception):
    """Redis is not configured, does not answer, or failed within the last retry_seconds."""


def connection_options(settings: RedisSettings) -> dict[str, Any]:
    """Timeouts and password of both clients."""
    seconds = settings.timeout_ms / 1000
    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "password": os.environ.get(settings.password_variable) or None,
    }


def blocking_client(settings: RedisSettings) -> Redis:
    """The client of jobs. They may wait longer than a request: 5 s."""
    options = {**connection_options(settings), "socket_timeout": 5.0, "socket_connect_timeout": 5.0}
    return Redis.from_url(settings.url or "", retry=Retry(NoBackoff(), 0), **options)


class GuardedRedis:
    """The client of the service. After a failure, calls are refused until retry_seconds are over.

    A single timeout does not count: this process itself may have been busy for so long, as when it
    loads a model. failures: failed calls since the start.
    """

    def __init__(
        self, settings: RedisSettings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.settings, self.clock = settings, clock
        self.failures = 0
        self._closed_from = 0.0
        self._timeouts = 0  # in a row
        self._client: AsyncRedis | None = None

    @property
    def is_open(self) -> bool:
        """True: Redis is not asked now."""
        return self.settings.url is None or self.clock() < self._closed_from

    async def call(self, command: Callable[[AsyncRedis], Awaitable[T]]) -> T:
        """The result of a command. StoreUnavailableError: see `is_open`, or it failed now."""
        if self.is_open:
            raise StoreUnavailableError
        try:
            answer = await command(self._connected())
        except (RedisError, OSError, TimeoutError) as error:
            self.failures += 1
            is_late = isinstance(error, RedisTimeoutError | TimeoutError)
            self._timeouts = self._timeouts + 1 if is_late else MOST_TIMEOUTS
            if self._timeouts >= MOST_TIMEOUTS:
                # One look at a time tells whether Redis is back: others skip it meanwhile.
                self._closed_from = self.clock() + self.settings.retry_seconds
            raise StoreUnavailableError from error
        self._timeouts = 0
        return answer

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose(close_connection_pool=True)

    def _connected(self) -> AsyncRedis:
        if self._client is None:
            pool = BlockingConnectionPool.from_url(
                self.settings.url or "",
                max_connections=CONNECTIONS,
                timeout=self.settings.timeout_ms / 1000,
                retry=AsyncRetry(NoBackoff(), 0),
                **connection_options(self.settings),
            )
            self._client = AsyncRedis(connection_pool=pool)
        return self._client
