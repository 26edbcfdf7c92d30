"""The rows on which purchase models are fitted, and the hold-out that chooses between them."""

from __future__ import annotations

import datetime as dt
import hashlib
from types import SimpleNamespace

import pytest

from pipelines.lifetime.summaries import Summaries
from runtime.settings import load

FIRST, AS_OF = dt.date(2017, 1, 1), dt.date(2018, 1, 1)
EARLIER = AS_OF - dt.timedelta(days=300)
CUSTOMERS, SHARE = 60, 0.25
# The driver holds up to this many distinct rows. Larger tables stay in Spark.
ON_DRIVER, IN_SPARK = 1_000, 1


def first_day(number):
    return FIRST + dt.timedelta(days=5 * number)


def days_observed(number, as_of):
    """From the first purchase to the last day before as_of; a different number per customer."""
    return (as_of - first_day(number)).days - 1


def is_held_out(number):
    """The last two hex digits of the MD5 of the id are below a quarter of 256."""
    return int(hashlib.md5(f"c{number}".encode()).hexdigest()[-2:], 16) < 256 * SHARE


@pytest.fixture
def summaries(frame, row_hashes):
    """A function: most rows on the driver -> the summaries at two dates.

    Customer n buys on first_day(n) and two days later.
    """
    lines = [
        {
            "customer_id": f"c{n}",
            "order_id": f"o{n}-{later}",
            "purchased_at": f"{first_day(n) + dt.timedelta(days=later)} 12:00:00",
            "amount": "10.00",
        }
        for n in range(CUSTOMERS)
        for later in (0, 2)
    ]
    transactions = frame("silver.transactions", lines)

    def at(most_rows):
        lifetime = {"holdout_share": SHARE, "most_rows_on_driver": most_rows}
        context = SimpleNamespace(
            settings=load("demo", lifetime=lifetime),
            read={"silver.transactions": transactions}.__getitem__,
            lake=SimpleNamespace(keep=lambda kept: kept),
        )
        return Summaries.at(context, [EARLIER, AS_OF])

    return at


def observed(fittable):
    """The days observed per row. They identify the customers."""
    return sorted(int(days) for days in fittable.rows.T)


@pytest.mark.parametrize("most_rows", [ON_DRIVER, IN_SPARK])
def test_the_customers_who_choose_the_model_are_not_in_its_fit(summaries, most_rows):
    both = summaries(most_rows)
    for day in (EARLIER, AS_OF):
        known = [n for n in range(CUSTOMERS) if first_day(n) < day]
        judges = [n for n in known if is_held_out(n)]
        learned_from = [n for n in known if not is_held_out(n)]
        assert judges and learned_from
        for chosen, numbers in ((True, judges), (False, learned_from), (None, known)):
            fittable = both.purchases(day, chosen)
            assert observed(fittable) == sorted(days_observed(n, day) for n in numbers)
            assert fittable.customers == len(numbers)
            assert (fittable.in_spark is None) == (most_rows == ON_DRIVER)


def test_rows_that_stay_in_spark_are_split_as_their_sample_is(summaries):
    both = summaries(IN_SPARK)
    for chosen in (True, False):
        fittable = both.purchases(AS_OF, chosen)
        in_spark = sorted(r["T_days"] for r in fittable.in_spark.collect())
        assert in_spark == observed(fittable)
