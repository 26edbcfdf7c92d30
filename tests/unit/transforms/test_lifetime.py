"""Counts, sums and outcomes that lifetime models are fitted on and compared with."""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib

import numpy as np
import pytest

from models.btyd.shifted_beta_geometric import Renewals, fit
from transforms.lifetime import (
    contract_renewals,
    customer_lifetime,
    gap_regularity,
    outcomes,
    purchase_rows,
    purchases_by_day,
    spend_rows,
    spend_sums,
    total_customers,
    with_fold,
    with_terminated,
)

NOW, THEN = dt.date(2018, 1, 1), dt.date(2017, 12, 1)
SUMMARY = (
    "customer_id string, as_of date, frequency bigint, recency_days bigint, T_days bigint, "
    "monetary_value double"
)
DAYS = "customer_id string, day date, visible_from date, cents bigint, is_purchase int"


def test_equal_customers_are_one_row_with_their_number(frame, tuples_of):
    rows = frame(
        SUMMARY + ", is_held_out boolean",
        [
            ("a", NOW, 2, 9, 30, 5.0, False),
            ("b", NOW, 2, 9, 30, 7.0, False),
            ("c", NOW, 2, 9, 30, 5.0, True),
            ("d", NOW, 0, 0, 30, None, False),
            ("e", THEN, 2, 9, 30, 5.0, False),
        ],
    )
    assert tuples_of(purchase_rows(rows)) == [
        (THEN, False, 2, 9, 30, 1),
        (NOW, False, 0, 0, 30, 1),
        (NOW, False, 2, 9, 30, 2),
        (NOW, True, 2, 9, 30, 1),
    ]


def test_spend_is_of_repeat_customers_with_a_positive_net_value(frame, tuples_of):
    rows = frame(
        SUMMARY,
        [
            ("a", NOW, 2, 9, 30, 5.0),
            ("b", NOW, 2, 8, 30, 5.0),
            ("c", NOW, 2, 9, 30, 7.0),
            ("d", NOW, 1, 9, 30, 4.0),
            ("e no repeat", NOW, 0, 0, 30, None),
            ("f returned it", NOW, 1, 9, 30, -3.0),
            ("g for nothing", NOW, 1, 9, 30, 0.0),
        ],
    )
    spends = spend_rows(rows)
    assert tuples_of(spends) == [(NOW, 1, 4.0, 1), (NOW, 2, 5.0, 2), (NOW, 2, 7.0, 1)]
    # 5 + 5 + 7 = 17; 25 + 25 + 49 = 99.
    assert tuples_of(spend_sums(spends)) == [(NOW, 1, 1, 4.0, 16.0), (NOW, 2, 3, 17.0, 99.0)]


def test_a_fold_is_the_customers_own_and_about_the_share(frame, rows_of):
    ids = [f"c{n}" for n in range(3000)]
    rows = frame(SUMMARY, [(c, day, 0, 0, 1, None) for c in ids for day in (THEN, NOW)])
    folded = rows_of(with_fold(rows, 0.2))
    held_out = {(r["customer_id"], r["is_held_out"]) for r in folded}
    assert len(held_out) == 3000, "the same at every date"
    # 51 of 256 residues; within five standard errors of a binomial share.
    share = sum(out for _, out in held_out) / 3000
    assert share == pytest.approx(51 / 256, abs=5 * (0.2 * 0.8 / 3000) ** 0.5)
    for name, out in sorted(held_out)[:50]:
        assert out == (int(hashlib.md5(name.encode()).hexdigest()[-2:], 16) < 51)


def test_outcomes_stand_on_both_sides_of_the_cut(frame, rows_of):
    summary = frame(SUMMARY, [("a", THEN, 1, 9, 30, 5.0), ("b", THEN, 0, 0, 1, None)])
    day = dt.date(2017, 12, 1)
    days = frame(
        DAYS,
        [
            ("a", dt.date(2017, 10, 31), dt.date(2017, 11, 1), 100, 1),  # 31 days before
            ("a", dt.date(2017, 11, 1), dt.date(2017, 11, 2), 200, 1),  # 30 days before
            ("a", dt.date(2017, 11, 20), dt.date(2017, 11, 21), -40, 0),  # a return
            ("a", dt.date(2017, 11, 30), dt.date(2017, 12, 1), 300, 1),  # the day before
            ("a", dt.date(2017, 11, 29), dt.date(2017, 12, 2), 999, 1),  # known too late
            ("a", day, dt.date(2017, 12, 2), 1000, 1),  # the day itself
            ("a", dt.date(2017, 12, 5), dt.date(2018, 1, 1), 500, 1),  # known after the horizon
            ("a", dt.date(2017, 12, 20), dt.date(2017, 12, 31), -300, 0),  # a return
            ("a", dt.date(2017, 12, 21), dt.date(2018, 2, 1), -7, 0),  # a return, known later
            ("a", dt.date(2017, 12, 30), dt.date(2017, 12, 31), 2000, 1),  # day 29
            ("a", dt.date(2017, 12, 30), dt.date(2018, 1, 2), 40, 1),  # the same day, known later
            ("a", dt.date(2017, 12, 30), dt.date(2017, 12, 31), 50, 1),  # the same day again
            ("a", dt.date(2017, 12, 31), dt.date(2018, 1, 1), 4000, 1),  # day 30
            ("stranger", day, dt.date(2017, 12, 2), 5, 1),
        ],
    )
    totals = rows_of(outcomes(days, summary, [THEN], horizons=[30]))
    names = ("customer_id", "past_days_30", "past_value_30", "next_days_30", "next_value_30")
    assert [tuple(r[n] for n in names) for r in totals] == [
        # 200 - 40 + 300; 1000 - 300 + 2000 + 50.
        ("a", 2, 4.6, 2, 27.5),
        ("b", 0, 0.0, 0, 0.0),
    ]


def test_horizons_that_lie_only_ahead_have_no_past(frame, rows_of):
    """20 on the first day after the cut, 3 on day 9 and 400 on day 10: 10 days end before it."""
    summary = frame(SUMMARY, [("a", THEN, 1, 9, 30, 5.0)])
    after = [(0, 2000), (9, 300), (10, 40000)]
    days = frame(
        DAYS,
        [
            ("a", THEN + dt.timedelta(days=n), THEN + dt.timedelta(days=n), cents, 1)
            for n, cents in after
        ],
    )
    (row,) = rows_of(outcomes(days, summary, [THEN], horizons=[30], only_ahead=[10, 30]))
    assert (row["next_days_10"], row["next_value_10"]) == (2, 23.0)
    assert (row["next_days_30"], row["next_value_30"]) == (3, 423.0)
    assert "past_days_10" not in row and row["past_days_30"] == 0


def test_regularity_is_the_spread_of_gaps_over_their_mean(frame, tuples_of):
    def days_of(who, *offsets, is_purchase=1):
        start = dt.date(2017, 1, 1)
        days = [start + dt.timedelta(days=n) for n in offsets]
        return [(who, d, d + dt.timedelta(days=1), 100, is_purchase) for d in days]

    rows = [
        *days_of("every week", 0, 7, 14, 21, 28),
        # Gaps 2, 4, 6: mean 4, sample standard deviation 2.
        *days_of("by chance", 0, 2, 6, 12),
        *days_of("too few", 0, 5, 50),
        *days_of("every week", 16, is_purchase=0),  # a return is not a purchase
    ]
    rows.append(("every week", dt.date(2017, 1, 3), dt.date(2018, 6, 1), 1, 1))  # not known by then
    regularity = tuples_of(gap_regularity(frame(DAYS, rows), NOW))
    assert regularity == [(2, pytest.approx((0 + 2 / 4) / 2))]


def test_a_customer_counts_once_a_day(frame, tuples_of):
    day, other = dt.date(2017, 5, 1), dt.date(2017, 5, 2)
    rows = [
        ("a", day, other, 1, 1),
        ("a", day, dt.date(2017, 5, 9), 2, 1),
        ("a", other, dt.date(2017, 5, 3), -1, 0),  # a return
        ("b", day, other, 1, 1),
        ("b", other, dt.date(2017, 5, 3), 1, 1),
        ("b", dt.date(2017, 12, 31), dt.date(2018, 1, 2), 1, 1),
    ]
    assert tuples_of(purchases_by_day(frame(DAYS, rows), NOW)) == [(day, 2), (other, 1)]


def contracts(*rows, as_of=NOW):
    """Inputs of contract_renewals: one (first day, end day or None) per contract."""
    summary = [
        (f"c{n}", as_of, 0, 0, (as_of - first).days - 1, None) for n, (first, _) in enumerate(rows)
    ]
    ended = [
        (f"c{n}", dt.datetime.combine(end, dt.time(9))) for n, (_, end) in enumerate(rows) if end
    ]
    return summary, ended


@pytest.fixture
def renewals(frame):
    """A function: contracts -> frame of contract_renewals."""

    def make(*rows, as_of=NOW):
        summary, ended = contracts(*rows, as_of=as_of)
        terminations = frame("customer_id string, terminated_at timestamp", ended)
        return contract_renewals(frame(SUMMARY, summary), terminations)

    return make


@pytest.mark.parametrize(
    ("first", "ended", "expected"),
    [
        # Ended on an anniversary, at that renewal: only the earlier renewals count.
        ("2017-01-15", "2017-02-15", (0, True)),
        ("2017-02-15", "2017-03-15", (0, True)),  # 28 days
        ("2017-04-10", "2017-05-10", (0, True)),  # 30 days
        ("2016-01-01", "2017-01-01", (11, True)),
        # Ended within a month: the renewal at the start of the month counts.
        ("2017-01-15", "2017-02-16", (1, True)),
        ("2017-01-15", "2017-02-14", (0, True)),
        ("2017-01-15", "2017-01-15", (0, True)),
        # In a month without that day, the renewal is on the last day.
        ("2017-01-31", "2017-02-28", (0, True)),
        ("2017-01-30", "2017-03-01", (1, True)),
        ("2017-01-31", "2017-05-01", (3, True)),
        # Still active. An end on as_of itself is not known yet, so that renewal is open.
        ("2016-12-31", None, (12, False)),
        ("2017-01-01", None, (11, False)),
        ("2017-01-02", None, (11, False)),
        ("2017-12-31", None, (0, False)),
        # Ended in a month that lasts beyond as_of: customers who renew at its end are not known yet.
        ("2017-11-10", "2017-12-09", (0, True)),
        ("2017-11-10", "2017-12-20", (1, False)),
        ("2017-01-01", "2017-12-31", (11, False)),
        ("2017-11-10", "2018-01-01", (1, False)),
    ],
)
def test_renewals_are_the_anniversaries_before_the_end(first, ended, expected, renewals, tuples_of):
    days = [dt.date.fromisoformat(day) if day else None for day in (first, ended)]
    assert tuples_of(renewals(days)) == [(*expected, 1)]


def test_equal_contracts_are_one_row_with_their_number(renewals, tuples_of):
    first, ended = dt.date(2017, 11, 10), dt.date(2017, 12, 10)
    counted = renewals((first, ended), (first, ended), (first, None), (dt.date(2017, 12, 9), None))
    assert tuples_of(counted) == [(0, False, 1), (0, True, 2), (1, False, 1)]


def test_planted_chances_to_renew_come_back(renewals, tuples_of):
    """8,000 monthly contracts, started on any day of three years, that end on an anniversary."""
    planted, draw = (0.704, 1.182), np.random.default_rng(11)
    rows = []
    for days, chance in zip(draw.integers(1, 1096, 8_000), draw.beta(*planted, 8_000), strict=True):
        first = NOW - dt.timedelta(days=int(days))
        ended = anniversary(first, min(int(draw.geometric(chance)), 600))
        rows.append((first, ended if ended < NOW else None))
    counts = np.zeros((2, 37))
    for passed, has_left, customers in tuples_of(renewals(*rows)):
        counts[int(has_left), passed] = customers
    model = fit(Renewals.of(counts[1], counts[0]))
    for name, value in zip(("alpha", "beta"), planted, strict=True):
        place = model.names.index(name)
        error = model.std_errors[place]
        assert error < 0.1 * value
        assert model.values[place] == pytest.approx(value, abs=3 * error)


def anniversary(first, months):
    """The day so many months later, or the last day of a month that does not have it."""
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)
    return dt.date(year, month + 1, min(first.day, calendar.monthrange(year, month + 1)[1]))


def predicted(frame, **changes):
    """Predictions for one customer: btyd predicts 7 for a year, survival 9."""
    from models.lifetime_scoring import PREDICTED_DDL

    columns = [part.split(" ") for part in PREDICTED_DDL.split(", ")]
    row = {name: 0.5 for name, kind in columns if kind == "double"} | {
        "customer_id": "a",
        "as_of": NOW,
        "frequency": 3,
        "recency_days": 20,
        "T_days": 40,
        "p_alive_basis": "bg_nbd",
        "clv_basis": "btyd_gamma_gamma",
        "clv_12m": 7.0,
        "survival_clv_12m": 9.0,
        "survival_clv_basis": "survival_spend_rate",
        "survival_value_at_stake": 9.5,
        "likely_churn_date": dt.date(2018, 6, 1),
        **changes,
    }
    return frame(PREDICTED_DDL, [row])


@pytest.mark.parametrize(
    ("is_survival_chosen", "changes", "clv", "basis"),
    [
        (False, {}, 7.0, "btyd_gamma_gamma"),
        (True, {}, 9.0, "survival_spend_rate"),
        # Already lost: survival has no prediction for the customer.
        (True, {"survival_clv_12m": None}, 7.0, "btyd_gamma_gamma"),
        # A lost customer, valued by the return rate: always where survival is chosen,
        (True, {"survival_clv_basis": "return_rate"}, 9.0, "return_rate"),
        # and under btyd only where it cannot tell who has left.
        (False, {"survival_clv_basis": "return_rate"}, 7.0, "btyd_gamma_gamma"),
        (False, {"survival_clv_basis": "return_rate", "p_alive": None}, 9.0, "return_rate"),
        (False, {"p_alive": None}, 7.0, "btyd_gamma_gamma"),
        # No btyd model could be fitted.
        (False, {"clv_12m": None, "clv_basis": "not_fitted"}, 9.0, "survival_spend_rate"),
        (
            True,
            {"clv_12m": None, "survival_clv_12m": None, "clv_basis": "no_amounts"},
            None,
            "no_amounts",
        ),
    ],
)
def test_the_worth_is_of_the_approach_that_was_chosen(
    is_survival_chosen, changes, clv, basis, frame, rows_of
):
    lifetimes = rows_of(customer_lifetime(predicted(frame, **changes), is_survival_chosen))
    assert len(lifetimes) == 1
    row = lifetimes[0]
    assert (row["observed_days"], row["clv_12m"], row["clv_basis"]) == (40, clv, basis)
    given = {"clv_12m": 7.0, "survival_clv_12m": 9.0, **changes}
    assert (row["clv_12m_btyd"], row["clv_12m_survival"]) == (
        given["clv_12m"],
        given["survival_clv_12m"],
    )
    stake = 9.5 if basis in ("survival_spend_rate", "return_rate") else 0.5
    assert (row["value_at_stake"], row["likely_churn_date"]) == (stake, dt.date(2018, 6, 1))


def test_a_contract_has_ended_once_that_is_known(frame, tuples_of):
    at = dt.datetime(2017, 12, 31, 9)
    terminations = frame(
        "customer_id string, terminated_at timestamp, known_at timestamp",
        [
            ("a the day before", at, at),
            ("a the day before", dt.datetime(2018, 5, 1), dt.datetime(2018, 5, 1)),
            ("b known later", at, dt.datetime(2018, 1, 1)),
            ("c on the day", dt.datetime(2018, 1, 1), dt.datetime(2017, 12, 1)),
        ],
    )
    names = ("a the day before", "b known later", "c on the day", "d never")
    summary = frame(SUMMARY, [(n, day, 0, 0, 1, None) for n in names for day in (THEN, NOW)])
    flagged = with_terminated(summary, terminations)
    assert tuples_of(flagged.select("customer_id", "as_of", "is_terminated")) == [
        (n, day, n.startswith("a") and day == NOW) for n in names for day in (THEN, NOW)
    ]


def test_customers_are_summed_and_no_row_is_none(frame, tuples_of):
    counted = frame("frequency bigint, customers bigint", [(0, 5), (2, 3)])
    assert tuples_of(total_customers(counted)) == [(5 + 3,)]
    assert tuples_of(total_customers(counted.where("customers > 9"))) == [(0,)]


def test_without_terminations_no_contract_has_ended(frame, tuples_of):
    summary = frame(SUMMARY, [("a", NOW, 0, 0, 1, None)])
    assert tuples_of(with_terminated(summary, None), "customer_id", "is_terminated") == [
        ("a", False)
    ]
