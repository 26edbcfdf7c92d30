"""The landmark design: ages, events and censoring computed by hand; no data after the landmark in
covariates.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from contracts.features import transactions as transactions_contract
from pipelines.lifetime.landmarks import seen_by as on_driver
from transforms.labels import churn_population, inactivity_labels, purchase_days
from transforms.purchase_summary import purchase_totals
from transforms.survival_rows import (
    alive,
    band_of,
    ends,
    event_counts,
    lapses,
    lived_counts,
    person_periods,
    seen_by,
    spells,
    with_covariates,
    without_ended_before,
    without_times,
)
from transforms.transaction_features import transaction_features

L = dt.date(2018, 1, 10)
UNTIL = dt.date(2018, 2, 9)  # 30 days after L
FEATURE_TYPES = {c.name: c.type for c in transactions_contract([30, 90]).columns}
SPELL = (
    "customer_id string, as_of date, entry_days bigint, duration_days bigint, event int, "
    "followed_days bigint"
)
KNOWN = SPELL + ", known_days bigint"
PROFILE = "customer_id string, as_of date, is_terminated boolean"
NO_PROFILE = "customer_id string, as_of date, signup_on date"
FEATURES = (
    "customer_id string, as_of date, recency_days bigint, tenure_days bigint, observed_days bigint"
)


def bought(customer, *days, amount=5):
    return [
        {
            "customer_id": customer,
            "order_id": f"{customer} {day}",
            "product_id": "p",
            "purchased_at": f"2018-{day} 10:00",
            "amount": amount,
        }
        for day in days
    ]


@pytest.fixture
def landmark(frame):
    """A function: lines -> (transactions, landmarks alive at L) with a window of 10 days.

    The three columns of features.transactions that it needs are computed here.
    """

    def make(lines, window=10, ended=(), signups=()):
        features = []
        for customer in sorted({line["customer_id"] for line in lines}):
            days = [day(line) for line in lines if line["customer_id"] == customer]
            before = [d for d in days if d < L]
            if before:
                first = min(before)
                began = dt.date.fromisoformat(dict(signups).get(customer, first.isoformat()))
                recency, tenure = (L - max(before)).days, (L - began).days
                features.append((customer, L, recency, tenure, (L - first).days - 1))
            else:
                features.append((customer, L, None, None, None))
        shown = frame(PROFILE, [(row[0], L, row[0] in ended) for row in features])
        landmarks = alive(frame(FEATURES, features), shown, window)
        return frame("silver.transactions", lines), landmarks

    return make


def day(line):
    return dt.date.fromisoformat(line["purchased_at"][:10])


@pytest.fixture
def outcome(landmark, tuples_of):
    """A function: lines -> (customer, entry, duration, event) with a window of 10 days."""

    def make(lines, until=UNTIL):
        transactions, landmarks = landmark(lines)
        lived = spells(landmarks, lapses(purchase_days(transactions), 10), until)
        return tuples_of(lived, "customer_id", "entry_days", "duration_days", "event")

    return make


def test_the_event_is_dated_at_the_last_purchase_and_the_window(outcome):
    # First purchase on the 1st: 9 days old at L.
    lines = [
        # Last purchase on the 5th: the 15th, 5 days after L.
        *bought("a silent", "01-01", "01-05"),
        # Buys on the 12th and the 20th, then silent: the 30th, 20 days after L.
        *bought("b back", "01-01", "01-05", "01-12", "01-20"),
        # Silent from the 5th to the 15th: the event counts, although the customer returns that day.
        *bought("c late", "01-01", "01-05", "01-15"),
        # Buys on the last day of the window, the 14th; then the 24th.
        *bought("d in time", "01-01", "01-05", "01-14"),
    ]
    assert outcome(lines) == [
        ("a silent", 9, 9 + 5, 1),
        ("b back", 9, 9 + 20, 1),
        ("c late", 9, 9 + 5, 1),
        ("d in time", 9, 9 + 14, 1),
    ]


@pytest.mark.parametrize("days_of", [purchase_days, purchase_totals])
def test_a_return_breaks_no_silence(days_of, frame, tuples_of):
    lines = bought("a", "01-01", "01-05") + bought("a", "01-12", amount=-3)
    silences = lapses(days_of(frame("silver.transactions", lines)), 10)
    assert tuples_of(silences, "customer_id", "ended_on") == [("a", dt.date(2018, 1, 15))]


def test_who_is_not_yet_silent_at_the_end_is_censored_there(outcome):
    lines = [
        # The window ends on 9 February, the end of observation: an event.
        *bought("a seen", "01-01", "01-09", "01-18", "01-26", "01-30"),
        # One day later: censored.
        *bought("b censored", "01-01", "01-09", "01-18", "01-26", "01-31"),
    ]
    assert outcome(lines) == [("a seen", 9, 9 + 30, 1), ("b censored", 9, 9 + 30, 0)]


def test_who_is_silent_at_the_landmark_is_not_in_it(outcome):
    lines = [
        *bought("a of today", "01-10"),
        *bought("b nine days", "01-01"),
        {**bought("c ten days", "01-01")[0], "purchased_at": "2017-12-31 23:59:59"},
    ]
    # a: no purchase before L; b: 9 days silent, the event is on the 11th; c: over on the 10th.
    assert outcome(lines) == [("b nine days", 9, 10, 1)]


def test_a_landmark_at_the_end_of_observation_has_no_row(outcome):
    assert outcome(bought("a", "01-05"), until=L) == []
    assert outcome(bought("a", "01-05"), until=L + dt.timedelta(days=1)) == [("a", 5, 6, 0)]


def test_age_counts_from_signup_or_the_first_purchase_the_earlier(landmark, tuples_of):
    lines = bought("a", "01-05") + bought("b", "01-05") + bought("c", "01-05")
    signups = [("a", "2017-12-31"), ("b", "2018-01-08")]
    _, landmarks = landmark(lines, signups=signups)
    assert tuples_of(landmarks, "customer_id", "entry_days") == [("a", 10), ("b", 5), ("c", 5)]


def test_the_terminated_are_not_alive(landmark, tuples_of):
    _, landmarks = landmark(bought("a", "01-05") + bought("b", "01-05"), ended={"a"})
    assert tuples_of(landmarks, "customer_id") == [("b",)]


def test_a_termination_is_seen_on_the_day_after(frame, landmark, tuples_of):
    at = {
        "a on the day": "2018-01-10 00:00",
        "b before": "2018-01-09 23:59:59",
        "c at the end": "2018-02-08 12:00",
        "d after the end": "2018-02-09 00:00",
        "e never": None,
        "f twice": "2018-01-20 12:00",
    }
    rows = [{"customer_id": c, "terminated_at": day} for c, day in at.items() if day]
    rows += [{"customer_id": "f twice", "terminated_at": "2018-01-30"}]
    ended = ends(frame("silver.terminations", rows), UNTIL)
    _, landmarks = landmark([line for c in at for line in bought(c, "01-05")], window=None)
    outcomes = spells(without_ended_before(landmarks, ended), ended, UNTIL)
    # b had ended before L, which was not known at L.
    assert tuples_of(outcomes, "customer_id", "duration_days", "event", "followed_days") == [
        ("a on the day", 5 + 1, 1, 30),
        ("c at the end", 5 + 30, 1, 30),
        ("d after the end", 5 + 30, 0, 30),
        ("e never", 5 + 30, 0, 30),
        ("f twice", 5 + 11, 1, 30),
    ]


def test_a_termination_counts_from_the_day_that_it_was_known(frame, landmark, tuples_of):
    known = {
        "a on the day": "2018-01-20 13:00",
        "b later": "2018-01-25 09:00",
        "c on the last day": "2018-02-08 23:59",
        "d too late": "2018-02-09 00:00",
    }
    rows = [
        {"customer_id": c, "terminated_at": "2018-01-20 12:00", "known_at": at}
        for c, at in known.items()
    ]
    ended = ends(frame("silver.terminations", rows), UNTIL)
    _, landmarks = landmark([line for c in known for line in bought(c, "01-05")], window=None)
    outcomes = spells(landmarks, ended, UNTIL)
    names = ("customer_id", "duration_days", "event", "known_days")
    # Dated when it happened, not when it became known; as_of 2018-02-09 sees the 8th, not the 9th.
    assert tuples_of(outcomes, *names) == [
        ("a on the day", 5 + 11, 1, 11),
        ("b later", 5 + 11, 1, 16),
        ("c on the last day", 5 + 11, 1, 30),
        ("d too late", 5 + 30, 0, None),
    ]


def test_what_happens_after_the_landmark_changes_no_covariate(frame, rows_of, tuples_of):
    """Twins: the second of each pair buys or returns items after L; their features are equal."""
    lines, after = [], {"a2": bought("a2", "01-10", "01-11", amount=900)}
    for twin in ("a1", "a2"):
        lines += bought(twin, "01-01", "01-05") + after.get(twin, [])
    for twin in ("b1", "b2"):
        lines += bought(twin, "01-02", "01-09")
    lines += bought("b2", "01-15", "01-20", "01-29") + bought("b2", "02-01", amount=-3)
    transactions = frame("silver.transactions", lines)
    spine = frame("customer_id string, as_of date", [(c, L) for c in ("a1", "a2", "b1", "b2")])
    features = transaction_features(
        transactions, spine, frame(NO_PROFILE, []), as_of_dates=[L], windows=[30, 90]
    )
    columns = {name: kind for name, kind in FEATURE_TYPES.items() if name in features.columns}
    covariates = rows_of(features)
    for left, right in (covariates[:2], covariates[2:]):
        assert {**left, "customer_id": ""} == {**right, "customer_id": ""}
    stored = frame(", ".join(f"{n} {t}" for n, t in columns.items()), covariates)
    shown = frame(PROFILE, [(r["customer_id"], L, False) for r in covariates])
    rows = spells(alive(stored, shown, 10), lapses(purchase_days(transactions), 10), UNTIL)
    # a1: the 15th; a2: the 21st. b1: the 19th; b2: the 8th of February (from the 29th).
    assert tuples_of(rows, "customer_id", "entry_days", "duration_days", "event") == [
        ("a1", 9, 9 + 5, 1),
        ("a2", 9, 9 + 11, 1),
        ("b1", 8, 8 + 9, 1),
        ("b2", 8, 8 + 29, 1),
    ]


def test_whoever_churns_by_the_label_has_had_the_event(frame, landmark, tuples_of):
    """No purchase in [L, L + 10): the ten days of silence began earlier, so the event is within
    them.
    """
    days = [1, 3, 5, 8, 9, 10, 12, 14, 17, 19, 20, 24, 29]
    lines = []
    for customer in range(60):
        own = [d for k, d in enumerate(days) if (customer * 7 + k * k) % 4 < 2] or [1]
        lines += bought(f"c{customer:02}", *[f"01-{day:02}" for day in own])
    transactions, landmarks = landmark(lines)
    seen = purchase_days(transactions)
    nobody = frame("customer_id string, as_of date", [])
    population = churn_population(seen, nobody, [L])
    labels = tuples_of(
        inactivity_labels(seen, population, [10], lead_days=0, wait_days=7, observed_until=UNTIL),
        "customer_id",
        "churned",
    )
    lived = {
        c: (stop - start, event)
        for c, start, stop, event in tuples_of(
            spells(landmarks, lapses(seen, 10), UNTIL),
            *("customer_id", "entry_days", "duration_days", "event"),
        )
    }
    churned = [c for c, label in labels if label and c in lived]
    assert len(churned) > 3
    assert all(lived[c][0] <= 10 and lived[c][1] == 1 for c in churned)
    stayed = [c for c, label in labels if not label and c in lived]
    assert any(lived[c][0] > 10 for c in stayed)


# ---------------------------------------------------------------------- person-periods


@pytest.fixture
def periods(frame, tuples_of):
    """A function: (entry, duration, event, followed) -> (period, age, churned), 10 days per period."""

    def make(entry, duration, event, followed, most=9):
        rows = frame(SPELL, [("a", L, entry, duration, event, followed)])
        churned = person_periods(rows, 10, most)
        return tuples_of(churned, "period", "period_age_days", "churned")

    return make


def test_a_period_is_a_row_as_long_as_the_customer_is_there(periods):
    # Lives 25 days from age 5: churns in the third period of ten days.
    assert periods(5, 30, 1, 100) == [(0, 5, 0), (1, 15, 0), (2, 25, 1)]
    # The last day of a period belongs to it.
    assert periods(5, 25, 1, 100) == [(0, 5, 0), (1, 15, 1)]
    assert periods(5, 26, 1, 100) == [(0, 5, 0), (1, 15, 0), (2, 25, 1)]


def test_a_period_cut_short_by_the_end_does_not_count_whatever_happened(periods):
    # 25 days observed: two complete periods.
    assert periods(5, 30, 0, 25) == [(0, 5, 0), (1, 15, 0)]
    assert periods(5, 27, 1, 25) == [(0, 5, 0), (1, 15, 0)]
    assert periods(5, 14, 0, 9) == []


def test_periods_are_at_most_as_many_as_asked_for(periods):
    assert periods(5, 105, 0, 100, most=2) == [(0, 5, 0), (1, 15, 0)]


def test_covariates_are_those_of_the_landmark_and_of_the_living(frame, tuples_of):
    features = frame(
        FEATURES + ", is_terminated boolean, orders bigint, late int",
        [
            ("a", L, 3, 40, 30, False, 7, 1),
            ("silent too long", L, 10, 40, 30, False, 7, 1),
            ("gone", L, 3, 40, 30, True, 7, 1),
            ("a", UNTIL, 9, 70, 60, False, None, 1),
        ],
    )
    covariates = with_covariates(features, ["orders"], 10)
    assert covariates.columns == ["customer_id", "as_of", "entry_days", "feature_orders"]
    assert tuples_of(covariates) == [("a", L, 40, 7.0), ("a", UNTIL, 70, None)]


def test_rows_stand_as_they_did_on_a_day(frame, tuples_of, rows_of):
    rows = frame(
        KNOWN,
        [
            ("known on day 13", L, 100, 105, 1, 30, 13),
            ("left on day 12", L, 100, 112, 1, 30, 12),
            ("left on day 20", L, 100, 120, 1, 30, 20),
            ("stayed", L, 100, 130, 0, 30, None),
            ("of that day", dt.date(2018, 1, 22), 112, 130, 0, 18, None),
        ],
    )
    # 12 days after L: a customer who left that day has churned. A customer who left later, or was
    # not known to have left, is censored there.
    names = ("customer_id", "duration_days", "event", "followed_days")
    day = dt.date(2018, 1, 22)
    expected = [
        ("known on day 13", 112, 0, 12),
        ("left on day 12", 112, 1, 12),
        ("left on day 20", 112, 0, 12),
        ("stayed", 112, 0, 12),
    ]
    assert tuples_of(seen_by(rows, day).select(*names)) == expected
    before = pd.DataFrame(rows_of(rows.where(rows["as_of"] < L + dt.timedelta(days=1))))
    again = on_driver(before, day)[list(names)]
    assert [tuple(r) for r in again.to_numpy().tolist()] == expected


def test_bands_are_those_of_the_model(frame, rows_of):
    from models.survival.portable import Bands

    values = [None, -1.0, 3.0, 3.5, 9.0, 40.0]
    rows = frame("n int, gap double", list(enumerate(values)))
    bands = rows_of(rows.select("n", band_of("gap", [3.0, 9.0]).alias("band")))
    given = Bands("gap", (3.0, 9.0)).of(pd.DataFrame({"gap": values}))
    assert [r["band"] for r in bands] == given == ["null", "0", "0", "1", "1", "2"]


def test_a_customer_counts_once_from_the_first_landmark_on(frame, tuples_of):
    rows = frame(
        SPELL,
        [
            ("a", L, 100, 112, 1, 30),
            ("a", UNTIL, 130, 140, 0, 10),
            ("b", L, 50, 62, 1, 30),
            ("c", UNTIL, 50, 60, 0, 10),
        ],
    )
    segments = frame(
        "customer_id string, as_of date, segment string",
        [("a", L, "New"), ("a", UNTIL, "Old"), ("b", L, "New"), ("c", UNTIL, "Old")],
    )
    assert tuples_of(lived_counts(rows, segments)) == [("New", 12, 1, 2), ("Old", 10, 0, 1)]


def test_periods_in_one_process_are_those_of_the_frame(frame, tuples_of):
    from models.survival.discrete_hazard import periods_lived

    spells = [(100, 112, 1, 30), (100, 120, 1, 30), (100, 130, 0, 30), (100, 104, 0, 4)]
    rows = frame(SPELL, [(f"c{k}", L, *spell) for k, spell in enumerate(spells)])
    table = np.array(spells)
    lived, event, followed = table[:, 1] - table[:, 0], table[:, 2], table[:, 3]
    lived_periods = zip(
        *(
            a.tolist()
            for a in periods_lived(lived, event, followed, period_days=10, most_periods=3)
        ),
        strict=True,
    )
    names = ("customer_id", "period", "churned")
    expected = tuples_of(person_periods(rows, 10, 3).select(*names))
    assert [(f"c{row}", period, churned) for row, period, churned in lived_periods] == expected
    # Days 1 to 10 and 11 to 20 of the customer who left on day 12; three periods of the one who stayed.
    assert len(expected) == 2 + 2 + 3


def test_a_customer_of_two_landmarks_counts_once_and_each_event_counts(frame, tuples_of):
    rows = frame(SPELL, [("a", L, 1, 3, 1, 30), ("a", UNTIL, 31, 33, 1, 9), ("b", L, 1, 9, 0, 8)])
    assert tuples_of(event_counts(rows)) == [(2, 2)]
    assert tuples_of(event_counts(rows.where("event > 1"))) == [(0, 0)]


def test_a_lake_without_features_has_no_times(frame, rows_of):
    rows = frame("customer_id string, as_of date", [("a", L)])
    (row,) = rows_of(without_times(rows))
    assert row == {
        **{"customer_id": "a", "as_of": L, "entry_days": None, "duration_days": None},
        **{"event": None, "followed_days": None, "known_days": None},
    }
