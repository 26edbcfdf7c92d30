"""features.transactions against plain Python: every column, over random logs.

The oracle loops over all lines per customer and as_of and shares no code with the transform. It was
written from product.md §2 and §4.
"""

from __future__ import annotations

import calendar
import datetime as dt
import random
import statistics
from decimal import Decimal
from itertools import pairwise

import pytest

from contracts import catalog
from transforms.transaction_features import transaction_features

WINDOWS = catalog.DEFAULT_WINDOWS
AS_OF_DATES = [
    dt.date(2018, 1, 15),
    dt.date(2018, 2, 14),
    dt.date(2018, 2, 15),
    dt.date(2018, 3, 1),
]
LOGS, CUSTOMERS_A_LOG = 320, 3
SPINE = "customer_id string, as_of date"
ONE_DAY = dt.timedelta(days=1)


def oracle(lines, signup, as_of):
    """All features of a customer, from the lines known before midnight of as_of."""
    midnight = dt.datetime.combine(as_of, dt.time.min)
    seen = [x for x in lines if x["purchased_at"] < midnight and x["known_at"] < midnight]
    bought = [x for x in seen if x["amount"] >= 0]
    orders = [order_day([x for x in bought if x["order_id"] == o]) for o in ids(bought, "order_id")]
    days = sorted({x["purchased_at"].date() for x in bought})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    repeat_days = [total(x for x in seen if x["purchased_at"].date() == day) for day in days[1:]]

    def within(rows, most, least=0):
        """Rows of [as_of - most days, as_of - least days)."""
        start = midnight - most * ONE_DAY
        return [x for x in rows if start <= x["purchased_at"] < midnight - least * ONE_DAY]

    last_30, previous_30 = total(within(seen, 30)), total(within(seen, 60, 30))
    since = next((d for d in (signup, days[0] if days else None) if d and d < as_of), None)
    mean_gap = sum(gaps) / len(gaps) if gaps else None
    row = {
        "first_purchase_on": days[0] if days else None,
        "last_purchase_on": days[-1] if days else None,
        "recency_days": (as_of - days[-1]).days if days else None,
        "tenure_days": (as_of - since).days if since else None,
        "tenure_months": whole_months(since, as_of) if since else None,
        "total_orders": len(orders),
        "total_revenue": total(seen),
        "avg_order_value": total(seen) / max(len(orders), 1),
        "purchase_days": len(days),
        "repeat_purchase_days": max(len(days) - 1, 0),
        "active_span_days": (days[-1] - days[0]).days if days else None,
        "observed_days": (as_of - ONE_DAY - days[0]).days if days else None,
        "repeat_day_value": statistics.fmean(repeat_days) if repeat_days else None,
        "gap_mean_days": mean_gap,
        "gap_std_days": statistics.stdev(gaps) if len(gaps) > 1 else None,
        "gap_longest_days": max(gaps) if gaps else None,
        "recency_over_gap": (as_of - days[-1]).days / mean_gap if gaps else None,
        "weekend_share": sum(d.weekday() >= 5 for d in orders) / len(orders) if orders else None,
        "product_variety": len(ids(bought, "product_id")),
        "returns_90d": sum(x["amount"] < 0 for x in within(seen, 90)),
        "purchase_frequency_30d": sum(d >= as_of - 30 * ONE_DAY for d in orders) / 30,
        "purchase_frequency_90d": sum(d >= as_of - 90 * ONE_DAY for d in orders) / 90,
        "revenue_trend": (last_30 - previous_30) / max(previous_30, 1),
    }
    for n in WINDOWS:
        purchases = sum(d >= as_of - n * ONE_DAY for d in orders)
        revenue = total(within(seen, n))
        row |= {
            f"purchases_{n}d": purchases,
            f"revenue_{n}d": revenue,
            f"products_{n}d": len(ids(within(bought, n), "product_id")),
            f"discounts_{n}d": sum((x["discount"] or 0) > 0 for x in within(seen, n)),
            f"mean_basket_{n}d": revenue / purchases if purchases else None,
        }
    return row


def order_day(lines):
    """The day of the order's first visible line; of several such lines, the earliest."""
    return min(
        (max(x["purchased_at"], x["known_at"]).date(), x["purchased_at"].date()) for x in lines
    )[1]


def ids(lines, name):
    return {x[name] for x in lines} - {None}


def total(lines):
    return float(sum((x["amount"] for x in lines), Decimal(0)))


def whole_months(start, end):
    """Complete months: the same day of a later month has come, or both are last days of months."""

    def is_last(day):
        return day.day == calendar.monthrange(day.year, day.month)[1]

    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (end.day < start.day and not (is_last(start) and is_last(end)))


def random_log(draw):
    """Lines of one customer with few orders, products, days and times, so that they collide."""
    start = dt.datetime(2017, 1, 25) if draw.random() < 0.2 else dt.datetime(2017, 12, 10)
    end = dt.datetime(2018, 3, 3)
    lines = []
    for _ in range(draw.choice((0, 1, 2, 5, 12))):
        at = start + draw.randrange((end - start).days + 1) * ONE_DAY
        at += draw.choice((dt.timedelta(), dt.timedelta(hours=12), dt.timedelta(microseconds=-1)))
        late = draw.choice((0, 0, 0, 1, 3, 40)) * ONE_DAY
        lines.append(
            {
                "order_id": draw.choice("123456"),
                "product_id": draw.choice(("p", "q", "r", None)),
                "purchased_at": at,
                "amount": Decimal(draw.choice((0, 1, 999, 12345, -1, -500))).scaleb(-2),
                "discount": draw.choice((None, Decimal(0), Decimal("0.01"))),
                "known_at": at + late,
            }
        )
    return lines


@pytest.fixture(scope="module")
def logs():
    """customer -> (lines, day of signup): all LOGS random logs in one dict."""
    draw = random.Random(20180101)
    return {
        f"{log}/{customer}": (
            random_log(draw),
            draw.choice((None, None, dt.date(2017, 11, 30), dt.date(2018, 1, 20))),
        )
        for log in range(LOGS)
        for customer in range(CUSTOMERS_A_LOG)
    }


@pytest.fixture(scope="module")
def computed(frame, rows_of, logs):
    """A function that returns the feature rows of some lines, by customer and as_of."""

    def rows(lines, change=lambda frame: frame):
        spine = [(customer, as_of) for customer in logs for as_of in AS_OF_DATES]
        signups = [(c, d, logs[c][1]) for c, d in spine]
        results = transaction_features(
            change(frame("silver.transactions", lines)),
            frame(SPINE, spine),
            frame(f"{SPINE}, signup_on date", signups),
            as_of_dates=AS_OF_DATES,
            windows=WINDOWS,
        )
        return {(row["customer_id"], row["as_of"]): row for row in rows_of(results)}

    return rows


@pytest.fixture(scope="module")
def lines(logs):
    return [{"customer_id": c, **line} for c, (given, _) in logs.items() for line in given]


@pytest.fixture(scope="module")
def features(computed, lines):
    return computed(lines)


def test_every_column_equals_the_oracle_over_320_random_logs(features, logs, differences):
    columns = set(catalog.tables()["features.transactions"].column_names) - {"customer_id", "as_of"}
    wrong = {}
    for (customer, as_of), row in features.items():
        expected = oracle(*logs[customer], as_of)
        assert set(expected) == columns
        if differing := differences(expected, row, tolerance=1e-9):
            wrong[customer, as_of] = (differing, *logs[customer])
    assert wrong == {}
    assert len(features) == LOGS * CUSTOMERS_A_LOG * len(AS_OF_DATES)


def test_neither_the_order_of_the_lines_nor_partitions_matter(features, computed, lines):
    shuffled = random.Random(7).sample(lines, len(lines))
    again = computed(shuffled, lambda frame: frame.repartition(7, "order_id"))
    # Every value is equal to the last bit, floats included: sums are over whole cents.
    assert again == features


def test_ten_times_the_amounts_are_ten_times_the_money(features, computed, lines, differences):
    rich = computed([{**line, "amount": line["amount"] * 10} for line in lines])
    money = ("revenue_", "mean_basket_", "total_revenue", "avg_order_value", "repeat_day_value")
    for key, row in features.items():
        expected = {
            name: value * 10 if value is not None and name.startswith(money) else value
            for name, value in row.items()
            if name != "revenue_trend"  # divided by greatest(..., 1), which does not scale
        }
        assert differences(expected, rich[key]) == {}
