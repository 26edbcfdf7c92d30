"""The windows in Redis equal those of the tables, in any order of arrival."""

from __future__ import annotations

import asyncio
import datetime as dt
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hypothesis import HealthCheck, given, settings

from contracts.silver_payments import PAYMENTS
from models.fraud.windows import STATE, states
from runtime.lakehouse.arrow_types import arrow_schema, nullable
from service.fraud_filling import fill_fraud, fill_payments
from service.fraud_script import SCRIPT
from service.fraud_state import FraudKeys, FraudState, digest, parsed
from service.redis_client import GuardedRedis
from tests.unit.models.fraud.recount import DAY, in_arrival, payment, recounted
from tests.unit.models.fraud.test_windows import payments
from tests.unit.service import company
from udfs.micros import EPOCH

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


def write_payments(root, rows):
    """silver.payments of a lake, as ingest writes it."""
    schema = nullable(arrow_schema(PAYMENTS))
    moment = dt.timedelta(microseconds=1)
    content = [
        {
            **row,
            "amount": Decimal(row["cents"]) / 100,
            "paid_at": EPOCH + row["paid_at"] * moment,
            "received_at": row["received_at"] and EPOCH + row["received_at"] * moment,
        }
        for row in rows
    ]
    columns = [{n: row.get(n) for n in schema.names} for row in content]
    write_deltalake(root / "silver" / "payments", pa.Table.from_pylist(columns, schema))


def test_the_store_is_filled_from_the_table(client, tmp_path):
    """Payments of 200 days, some without a device or a place, and one that came too late. A
    repeated request of a filled payment gets what it was, and no earlier one is forgotten."""
    rows = [payment(n, minute=n * 24 * 60, cents=n) for n in range(200)]
    rows[150] |= {"device_id": None, "latitude": None, "longitude": None}
    received = [{**row, "received_at": row["paid_at"] + 5} for row in rows]
    late = payment(900, minute=190 * 24 * 60, received_at=rows[195]["paid_at"] + 6)
    write_payments(tmp_path, [*received, late])
    client.flushall()
    told = fill_fraud(company.settings_of(tmp_path, None), client)
    again, following = counted(client, rows[199]), counted(client, payment(200, minute=200 * 1440))

    assert told == "fraud: 93 payments counted"  # of 92 days, both ends
    np.testing.assert_array_equal(again.state[0], recounted(rows)[-1])
    assert not again.is_other
    expected = recounted([*rows, payment(200, minute=200 * 1440)])[-1]
    np.testing.assert_array_equal(following.state[0], expected)
