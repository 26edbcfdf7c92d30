"""features.transactions: each case is a customer, with the expected features next to the lines."""

from __future__ import annotations

import datetime as dt
import math

import pytest

from contracts import catalog
from transforms.transaction_features import transaction_features

WINDOWS = catalog.DEFAULT_WINDOWS
EARLIER, AS_OF = dt.date(2018, 1, 21), dt.date(2018, 1, 31)  # a Sunday and a Wednesday
SPINE = "customer_id string, as_of date"
SIGNUPS = f"{SPINE}, signup_on date"

NOTHING_BOUGHT = {
    **dict.fromkeys(("first_purchase_on", "last_purchase_on", "recency_days", "observed_days")),
    **dict.fromkeys(("active_span_days", "repeat_day_value", "gap_mean_days", "gap_std_days")),
    **dict.fromkeys(("gap_longest_days", "recency_over_gap", "weekend_share", "mean_basket_30d")),
    **dict.fromkeys(("tenure_days", "tenure_months")),
    **dict.fromkeys(("total_orders", "purchase_days", "repeat_purchase_days", "returns_90d"), 0),
    **dict.fromkeys(("product_variety", "purchases_365d", "products_365d", "discounts_365d"), 0),
    **dict.fromkeys(("total_revenue", "avg_order_value", "revenue_365d", "revenue_trend"), 0.0),
    **dict.fromkeys(("purchase_frequency_30d", "purchase_frequency_90d"), 0.0),
}


def bought(at, amount, order=None, **more):
    """A line; the order is named after its day unless given."""
    return {"purchased_at": at, "amount": amount, "order_id": order or at[:10], **more}


# customer: (lines, day of signup, features at AS_OF)
CASES = {
    "has bought nothing": ([], None, NOTHING_BOUGHT),
    "has signed up alone": (
        [],
        "2018-01-01",
        {"tenure_days": 30, "tenure_months": 0, "recency_days": None, "total_orders": 0},
    ),
    "has bought once, the day before": (
        [bought("2018-01-30 10:00", 10)],
        None,
        {
            "first_purchase_on": dt.date(2018, 1, 30),
            "last_purchase_on": dt.date(2018, 1, 30),
            "recency_days": 1,
            "tenure_days": 1,
            "tenure_months": 0,
            "total_orders": 1,
            "total_revenue": 10.0,
            "avg_order_value": 10 / 1,
            "purchase_days": 1,
            "repeat_purchase_days": 0,
            "active_span_days": 0,
            "observed_days": 0,  # T ends with the last complete day, the 30th
            "repeat_day_value": None,
            "gap_mean_days": None,
            "gap_std_days": None,
            "gap_longest_days": None,
            "recency_over_gap": None,
            "weekend_share": 0 / 1,
            "product_variety": 0,  # a line without a product
            "purchases_7d": 1,
            "mean_basket_7d": 10 / 1,
            "purchase_frequency_30d": 1 / 30,
            "purchase_frequency_90d": 1 / 90,
            "revenue_trend": (10 - 0) / 1,
        },
    ),
    "the last microsecond before as_of counts": (
        [bought("2018-01-30 23:59:59.999999", 10)],
        None,
        {"total_orders": 1, "recency_days": 1},
    ),
    "exactly at as_of is too late": ([bought("2018-01-31 00:00", 10)], None, NOTHING_BOUGHT),
    "after as_of is too late": ([bought("2018-02-01 10:00", 10)], None, NOTHING_BOUGHT),
    "known at as_of is too late": (
        [bought("2018-01-10 10:00", 10, known_at="2018-01-31 00:00")],
        None,
        NOTHING_BOUGHT,
    ),
    "known the second before as_of counts, on its own day": (
        [bought("2018-01-10 10:00", 10, known_at="2018-01-30 23:59:59")],
        None,
        {"recency_days": 31 - 10, "purchases_30d": 1, "purchases_7d": 0},
    ),
    "a line of no value is a purchase": (
        [bought("2018-01-30 10:00", 0)],
        None,
        {"total_orders": 1, "total_revenue": 0.0, "recency_days": 1, "mean_basket_30d": 0.0},
    ),
    "a return reduces revenue and is no purchase": (
        [bought("2018-01-10 10:00", 30), bought("2018-01-30 10:00", -10)],
        None,
        {
            "total_orders": 1,
            "total_revenue": 30.0 - 10.0,
            "avg_order_value": (30 - 10) / 1,
            "recency_days": 31 - 10,
            "purchase_days": 1,
            "returns_90d": 1,
            "purchases_7d": 0,
            "revenue_7d": -10.0,
            "mean_basket_7d": None,
        },
    ),
    "a return alone": (
        [bought("2018-01-30 10:00", -10)],
        None,
        {
            **NOTHING_BOUGHT,
            "total_revenue": -10.0,
            "avg_order_value": -10 / 1,
            "revenue_365d": -10.0,
            "returns_90d": 1,
            "revenue_trend": (-10 - 0) / 1,
        },
    ),
    "a return 90 days ago counts, 91 days ago no more": (
        [bought("2017-11-02 00:00", -1), bought("2017-11-01 23:59:59", -1)],
        None,
        {"returns_90d": 1, "total_revenue": -2.0},
    ),
    "a line that stands twice": (
        # Silver drops exact duplicates by key; without a key, they are two units of the same product.
        [bought("2018-01-30 10:00", 5, product_id="p")] * 2,
        None,
        {"total_orders": 1, "total_revenue": 5.0 + 5.0, "product_variety": 1, "purchase_days": 1},
    ),
    "the edges of 7 days": (
        [bought("2018-01-24 00:00", 1), bought("2018-01-23 23:59:59.999999", 2)],
        None,
        {"purchases_7d": 1, "revenue_7d": 1.0, "purchases_30d": 2, "revenue_30d": 1.0 + 2.0},
    ),
    "the edges of 30 days, and of the 30 before": (
        [
            bought("2018-01-01 00:00", 50),
            bought("2017-12-31 23:59:59.999999", 20),
            bought("2017-12-02 00:00", 20),
            bought("2017-12-01 23:59:59.999999", 7),
        ],
        None,
        {
            "purchases_30d": 1,
            "purchases_60d": 3,
            "purchases_90d": 4,
            "revenue_30d": 50.0,
            "revenue_trend": (50 - (20 + 20)) / (20 + 20),
            "mean_basket_60d": (50 + 20 + 20) / 3,
        },
    ),
    "the edges of 365 days": (
        [bought("2017-01-31 00:00", 1), bought("2017-01-30 23:59:59", 1)],
        None,
        {"purchases_365d": 1, "purchases_180d": 0, "total_orders": 2},
    ),
    "the rhythm: gaps of 2 and 8 days": (
        [bought(f"2018-01-{d} 10:00", 1) for d in ("01", "03", "11")],
        None,
        {
            "gap_mean_days": (2 + 8) / 2,
            "gap_std_days": math.sqrt(((2 - 5) ** 2 + (8 - 5) ** 2) / (2 - 1)),
            "gap_longest_days": 8,
            "recency_over_gap": 20 / 5,
            "recency_days": 31 - 11,
            "purchase_days": 3,
            "repeat_purchase_days": 2,
            "active_span_days": 11 - 1,
            "observed_days": 30 - 1,
        },
    ),
    "three orders of one day are no gap": (
        [bought("2018-01-11 10:00", 1, order) for order in "123"],
        None,
        {"total_orders": 3, "purchase_days": 1, "gap_mean_days": None, "gap_longest_days": None},
    ),
    "two equal gaps do not vary": (
        [bought(f"2018-01-{d} 10:00", 1) for d in ("01", "06", "11")],
        None,
        {"gap_mean_days": 5.0, "gap_std_days": 0.0},
    ),
    "a return between two purchases does not part them": (
        [
            bought("2018-01-01 10:00", 1),
            bought("2018-01-03 10:00", -1),
            bought("2018-01-11 10:00", 1),
        ],
        None,
        {"gap_longest_days": 10, "purchase_days": 2, "gap_std_days": None},
    ),
    "Saturday, Sunday, Monday": (
        [bought(f"2018-01-{d} 10:00", 1) for d in ("27", "28", "29")],
        None,
        {"weekend_share": 2 / 3},
    ),
    "an order over Sunday and Monday is Sunday's": (
        [bought("2018-01-28 10:00", 1, "1"), bought("2018-01-29 10:00", 1, "1")],
        None,
        {"weekend_share": 1 / 1, "total_orders": 1, "purchase_days": 2, "gap_longest_days": 1},
    ),
    "Monday's line of it known first, it is Monday's": (
        [
            bought("2018-01-28 10:00", 1, "1", known_at="2018-01-30 10:00"),
            bought("2018-01-29 10:00", 1, "1"),
        ],
        None,
        {"weekend_share": 0 / 1, "total_orders": 1, "purchase_days": 2},
    ),
    "an order is in a window with the day that it counts on": (
        # At the 21st, the order was 10 days ago; its second line within 7 days adds only money.
        [bought("2018-01-21 10:00", 3, "1"), bought("2018-01-26 10:00", 4, "1")],
        None,
        {"purchases_7d": 0, "revenue_7d": 4.0, "purchases_30d": 1, "revenue_30d": 3.0 + 4.0},
    ),
    "a product bought again and again is one": (
        [
            bought("2017-12-20 10:00", 1, product_id="p"),
            bought("2018-01-10 10:00", 1, product_id="p"),
            bought("2018-01-26 10:00", 1, product_id="p"),
            bought("2017-12-20 10:00", 1, product_id="q"),
            bought("2018-01-26 10:00", -1, product_id="r"),
        ],
        None,
        {"products_7d": 1, "products_30d": 1, "products_60d": 2, "product_variety": 2},
    ),
    "lines with a discount": (
        [
            bought("2018-01-30 10:00", 1, discount="0.50"),
            bought("2018-01-30 10:00", 1, discount="0.00"),
            bought("2018-01-30 10:00", 1),
            bought("2017-12-20 10:00", 1, discount="0.50"),
        ],
        None,
        {"discounts_7d": 1, "discounts_30d": 1, "discounts_60d": 2},
    ),
    "signed up before the first purchase": (
        [bought("2018-01-10 10:00", 1)],
        "2017-11-30",
        {"tenure_days": 1 + 31 + 30, "tenure_months": 2, "observed_days": 30 - 10},
    ),
    "signed up after the first purchase": (
        [bought("2017-11-10 10:00", 1)],
        "2017-12-31",
        {"tenure_days": 31, "tenure_months": 1},
    ),
    "signs up on the day of as_of, which is unknown then": (
        [bought("2018-01-10 10:00", 1)],
        "2018-01-31",
        {"tenure_days": 31 - 10},
    ),
    "the worth of a repeat day": (
        [
            bought("2018-01-01 10:00", 90),
            bought("2018-01-05 10:00", 20, "2"),
            bought("2018-01-05 12:00", 5, "3"),
            bought("2018-01-09 10:00", 30, "4"),
            bought("2018-01-11 10:00", -7, "5"),  # no purchase that day, so not a repeat day
        ],
        None,
        {"repeat_day_value": ((20 + 5) + 30) / 2, "total_revenue": 90.0 + 25 + 30 - 7},
    ),
    "a return of a repeat day, known later, reduces the day": (
        [
            bought("2018-01-01 10:00", 90),
            bought("2018-01-05 10:00", 20),
            bought("2018-01-05 12:00", -5, known_at="2018-01-20 10:00"),
            bought("2018-01-01 12:00", -9, known_at="2018-01-20 10:00"),
        ],
        None,
        {"repeat_day_value": (20 - 5) / 1, "gap_longest_days": 4, "purchase_days": 2},
    ),
    "a day whose purchases are known at different times is one day": (
        [
            bought("2018-01-01 10:00", 1),
            bought("2018-01-05 10:00", 2, "2", known_at="2018-01-09 10:00"),
            bought("2018-01-05 10:00", 4, "3"),
        ],
        None,
        {"purchase_days": 2, "total_orders": 3, "gap_mean_days": 4 / 1, "repeat_day_value": 6.0},
    ),
}

# customer: (lines, features at EARLIER, features at AS_OF)
OVER_TIME = {
    "late: bought on the 10th, known on the 25th": (
        [bought("2018-01-10 10:00", 5, known_at="2018-01-25 10:00")],
        {"total_orders": 0, "recency_days": None, "total_revenue": 0.0},
        {"total_orders": 1, "recency_days": 31 - 10, "total_revenue": 5.0},
    ),
    "late: the second line of an order": (
        [
            bought("2018-01-10 10:00", 5, "1"),
            bought("2018-01-10 10:00", 6, "1", known_at="2018-01-21 00:00"),
        ],
        {"total_orders": 1, "total_revenue": 5.0, "purchases_30d": 1},
        {"total_orders": 1, "total_revenue": 5.0 + 6.0, "purchases_30d": 1},
    ),
    "late: between them": (
        [bought("2018-01-20 23:59:59", 5), bought("2018-01-21 00:00", 6)],
        {"total_orders": 1, "recency_days": 1, "purchase_days": 1},
        {"total_orders": 2, "recency_days": 31 - 21, "purchase_days": 2, "gap_longest_days": 1},
    ),
}


@pytest.fixture(scope="module")
def by_date(frame, rows_of):
    """(customer, as_of) -> the row of features."""
    lines = [
        {"customer_id": customer, **line}
        for customer, (given, *_) in {**CASES, **OVER_TIME}.items()
        for line in given
    ]
    customers = [*CASES, *OVER_TIME]
    signups = [(c, AS_OF, signup) for c, (_, signup, _) in CASES.items() if signup]
    features = transaction_features(
        frame("silver.transactions", lines),
        frame(SPINE, [(c, as_of) for c in customers for as_of in (EARLIER, AS_OF)]),
        frame(SIGNUPS, signups),
        as_of_dates=[AS_OF, EARLIER],
        windows=WINDOWS,
    )
    return {(row["customer_id"], row["as_of"]): row for row in rows_of(features)}


@pytest.mark.parametrize("customer", CASES)
def test_features_of_a_customer(by_date, differences, customer):
    assert differences(CASES[customer][2], by_date[customer, AS_OF]) == {}


@pytest.mark.parametrize("customer", OVER_TIME)
def test_each_as_of_knows_what_was_known_then(by_date, differences, customer):
    _, then, now = OVER_TIME[customer]
    assert differences(then, by_date[customer, EARLIER]) == {}
    assert differences(now, by_date[customer, AS_OF]) == {}


def test_there_is_one_row_per_customer_and_date_of_the_spine(by_date):
    assert set(by_date) == {(c, d) for c in (*CASES, *OVER_TIME) for d in (EARLIER, AS_OF)}


def test_the_columns_are_those_of_the_contract(by_date):
    names = catalog.tables()["features.transactions"].column_names
    assert {tuple(row) for row in by_date.values()} == {names}


def test_of_no_line_at_all_every_customer_has_bought_nothing(frame, rows_of, differences):
    features = transaction_features(
        frame("silver.transactions", []),
        frame(SPINE, [("a", AS_OF)]),
        frame(SIGNUPS, []),
        as_of_dates=[AS_OF],
        windows=WINDOWS,
    )
    (row,) = rows_of(features)
    assert differences(NOTHING_BOUGHT, row) == {}
