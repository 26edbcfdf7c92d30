"""The windows in Redis equal those of the tables, in any order of arrival."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from models.fraud.windows import STATE, states
from service.fraud_filling import fill_payments
from service.fraud_script import SCRIPT
from service.fraud_state import FraudKeys, digest, parsed
from tests.unit.models.fraud.recount import DAY, in_arrival, payment, recounted
from tests.unit.models.fraud.test_windows import payments

KEYS = FraudKeys("demo")


@pytest.fixture(scope="module")
def client(redis_server):
    return redis_server.client


def counted(client, row, **options):
    """The reply for one payment."""
    return parsed(client.eval(SCRIPT, *KEYS.arguments(row, **options)), digest(row))


def in_redis(client, rows):
    client.flushall()
    return np.array([counted(client, row).state[0] for row in rows])


@given(rows=payments())
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_states_equal_those_of_the_tables(client, rows):
    np.testing.assert_array_equal(in_redis(client, rows), states(in_arrival(rows)))


def test_a_busy_merchant(client):
    """Minutes, hours and days are summed whole: 3,000 payments in 10 days, every 40th late."""
    rng = np.random.default_rng(1)
    minutes = np.sort(rng.uniform(0, 10 * 24 * 60, 3000))
    minutes[::40] -= rng.uniform(0, 20 * 60, 75)
    rows = [
        payment(n, minute=m, customer_id=f"c{n % 50}", cents=int(rng.integers(1, 10**6)))
        for n, m in enumerate(minutes)
    ]

    np.testing.assert_array_equal(in_redis(client, rows), states(in_arrival(rows)))
    assert client.zcard(KEYS.of("merchant", "m")) < 3000  # older than 8 days: forgotten


def test_the_state_is_bounded_and_expires(client):
    """One payment per day for 200 days: 91 days stay for the customer, 8 for the card."""
    in_redis(client, [payment(n, minute=n * 24 * 60) for n in range(200)])

    assert client.zcard(KEYS.of("customer", "c")) == 92  # both ends of 91 days
    assert client.zcard(KEYS.of("card", "k")) == 9
    assert client.hlen(KEYS.of("sums:card", "k")) == 3 * 9
    ages = {key: client.ttl(key) for key in client.keys("*") if key != KEYS.facts.encode()}
    assert min(ages.values()) > 0 and max(ages.values()) <= 92 * 86_400


def test_a_repeated_payment_counts_once(client):
    rows = [payment(0), payment(1), payment(2)]
    in_redis(client, rows)
    again = counted(client, rows[1])
    other = counted(client, {**rows[1], "cents": 7})
    after = counted(client, payment(3)).state[0, STATE.index("customer_count_1h")]

    np.testing.assert_array_equal(again.state[0], recounted(rows)[1])
    assert (again.is_other, other.is_other, after) == (False, True, 4)


def test_received_at_increases_with_each_payment(client):
    client.flushall()
    times = [counted(client, payment(n)).received_at for n in range(50)]

    assert times == sorted(set(times))


def test_a_rebuilt_store_knows_what_the_lost_one_knew(client):
    """Half of the payments are lost with Redis and filled from the tables; the rest is equal."""
    rows = [payment(n, minute=n * 7 * 60, cents=n, customer_id="ab"[n % 2]) for n in range(400)]
    whole = in_redis(client, rows)
    client.flushall()
    sent = fill_payments(client, KEYS, in_arrival(rows[:200]))
    after = np.array([counted(client, row).state[0] for row in rows[200:]])

    np.testing.assert_array_equal(after, whole[200:])
    assert (sent, counted(client, rows[200]).is_complete) == (200, True)


def test_a_fill_below_running_requests(client):
    """Requests came while the store was empty. The fill completes it, and counts none twice."""
    rows = [payment(n, minute=n * 60, cents=n) for n in range(100)]
    whole = in_redis(client, rows)
    client.flushall()
    first = [counted(client, row).is_complete for row in rows[60:80]]
    fill_payments(client, KEYS, in_arrival(rows[:70]))
    after = np.array([counted(client, row).state[0] for row in rows[80:]])

    assert not any(first)
    np.testing.assert_array_equal(after, whole[80:])


def test_payments_that_came_too_late_are_not_filled(client):
    rows = [payment(0, minute=0), payment(1, paid_at=payment(0, minute=0)["paid_at"] - DAY - 1)]
    client.flushall()

    assert fill_payments(client, KEYS, in_arrival(rows)) == 1
    assert client.zcard(KEYS.of("customer", "c")) == 1


def test_concurrent_requests_count_each_payment(client, redis_server):
    """200 payments at once over one connection pool: the counts are 1 to 200."""
    from service.fraud_state import FraudState
    from service.redis_client import GuardedRedis
    from tests.unit.service import company

    client.flushall()
    conf = company.settings_of("/lake", redis_server.url).service.redis

    async def ask():
        guarded = GuardedRedis(conf)
        state = FraudState(guarded, "demo")
        rows = [payment(n, minute=0, payment_id=f"p{n:03d}") for n in range(200)]
        answers = await asyncio.gather(*(state.counted(row) for row in rows))
        last = await state.counted(payment(999, minute=0.5))
        await guarded.close()
        return answers, last

    answers, last = asyncio.run(ask())
    column = STATE.index("customer_count_1h")
    assert last.state[0, column] == 201
    assert len({a.received_at for a in answers}) == 200
