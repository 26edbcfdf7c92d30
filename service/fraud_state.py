"""The windows of payments in Redis: one call per payment."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from redis.exceptions import NoScriptError, ResponseError

from models.fraud.payments import Floats, Payments
from models.fraud.windows import ENTITIES, STATE
from service.fraud_script import SCRIPT
from service.redis_client import GuardedRedis, StoreUnavailableError

SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()
BODY = (
    *("payment_id", "customer_id", "card_id", "device_id", "merchant_id", "merchant_category"),
    *("country", "latitude", "longitude", "cents", "paid_at"),
)


@dataclass(frozen=True)
class Counted:
    """What Redis knew of a payment when it arrived.

    is_other: an earlier payment with this payment_id had other values. state: a row of
    `models.fraud.windows.states`. received_at: microseconds since 1970. answer: that of an earlier
    request; empty: there was none. is_complete: the store had been filled.
    """

    is_other: bool
    state: Floats
    received_at: int
    answer: bytes
    is_complete: bool


def digest(payment: Mapping[str, Any]) -> str:
    """A hash of all values of a payment but received_at."""
    text = repr([payment[name] for name in BODY])
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


@dataclass(frozen=True)
class FraudKeys:
    """The keys of one environment, see service/fraud_script.py."""

    env: str

    def of(self, kind: str, value: str | None = None) -> str:
        """A key; empty for an unknown value."""
        if value is None:
            return ""
        return f"holdfast:{self.env}:fraud:{kind}:{value}"

    @property
    def facts(self) -> str:
        """newest, received and filled."""
        return f"holdfast:{self.env}:fraud:facts"

    def arguments(self, payment: Mapping[str, Any], *, is_fill: bool = False) -> list[Any]:
        """The number of keys, the keys and the arguments of the script."""
        customer = payment["customer_id"]
        keys = [self.of("payment", payment["payment_id"]), self.facts]
        for entity in ENTITIES:
            value = payment[f"{entity}_id"]
            keys += [self.of(entity, value), self.of(f"sums:{entity}", value)]
        keys += [self.of("nights", customer), self.of("seen", customer)]
        keys.append(self.of("place", payment["card_id"]))
        has_place = payment["latitude"] is not None and payment["longitude"] is not None
        place = [repr(payment[n]) if has_place else "" for n in ("latitude", "longitude")]
        night = bool(Payments.single({**payment, "received_at": 0}).is_night[0])
        seen = [
            "" if payment[name] is None else f"{name[0]}:{payment[name]}"
            for name in ("device_id", "merchant_id", "country")
        ]
        values = [payment["payment_id"], payment["cents"], payment["paid_at"], digest(payment)]
        received = payment.get("received_at") or 0
        return [len(keys), *keys, *values, int(night), *place, received, int(is_fill), *seen]


class FraudState:
    """The windows of one environment."""

    def __init__(self, redis: GuardedRedis, env: str) -> None:
        self.redis, self.keys = redis, FraudKeys(env)

    async def counted(self, payment: Mapping[str, Any]) -> Counted:
        """Count a payment and return what was known. StoreUnavailableError: Redis is away or full.

        A payment that was counted before is not counted again.
        """
        arguments = self.keys.arguments(payment)

        async def command(client: Any) -> Any:
            try:
                try:
                    return await client.evalsha(SHA, *arguments)
                except NoScriptError:  # after a restart of Redis
                    return await client.eval(SCRIPT, *arguments)
            except ResponseError as error:  # full: it still answers reads, so it is not away
                return error

        answer = await self.redis.call(command)
        if isinstance(answer, ResponseError):
            raise StoreUnavailableError from answer
        return parsed(answer, digest(payment))

    async def keep(self, payment_id: str, answer: bytes) -> None:
        """Keep an answer for repeated requests, as long as its payment is remembered."""
        key = self.keys.of("payment", payment_id)

        async def command(client: Any) -> None:
            try:
                await client.eval(KEEP, 1, key, answer)
            except ResponseError:
                return

        try:
            await self.redis.call(command)
        except StoreUnavailableError:
            return


# Not a plain HSET: it would make a key that never expires if the payment's has expired.
KEEP = """
if redis.call('EXISTS', KEYS[1]) == 1 then redis.call('HSETNX', KEYS[1], 'answer', ARGV[1]) end
"""


def parsed(answer: Sequence[bytes], body: str) -> Counted:
    """The reply of the script."""
    kind, known, state, received, kept, is_filled = answer
    values = state.decode().split(",") if state else [""] * len(STATE)
    row = np.array([[float(v) if v else np.nan for v in values]])
    is_other = kind == b"again" and known.decode() != body
    return Counted(is_other, row, int(received), kept, is_filled == b"1")
