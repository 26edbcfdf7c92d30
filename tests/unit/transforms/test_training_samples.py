"""Folds, samples and counts of training rows."""

from __future__ import annotations

import datetime as dt

import pytest

from transforms import training_samples as s

D = dt.date
LABEL = "customer_id string, as_of date, horizon_days int, lead_days int, churned int"


@pytest.fixture
def labels(frame):
    return frame(
        LABEL,
        [
            ("passed", D(2018, 1, 1), 30, 0, 1),  # ends on 31 January
            ("passed with lead", D(2018, 1, 1), 23, 7, 1),
            ("one day too long", D(2018, 1, 1), 31, 0, 1),
            ("lead too long", D(2018, 1, 1), 30, 1, 1),
            ("later", D(2018, 1, 2), 30, 0, 1),
        ],
    )


def customers_of(rows_of, rows):
    return {r["customer_id"] for r in rows_of(rows)}


def test_a_label_has_passed_when_its_horizon_ends_on_the_day(labels, rows_of):
    passed = s.keep_passed(labels, D(2018, 1, 31))
    assert customers_of(rows_of, passed) == {"passed", "passed with lead"}


def test_labels_of_the_given_dates_and_horizons(labels, rows_of):
    kept = s.keep_labels(labels, [D(2018, 1, 1)], [30])
    assert customers_of(rows_of, kept) == {"passed", "lead too long"}
    assert customers_of(rows_of, s.keep_labels(labels, [D(2018, 1, 2)], [30, 31])) == {"later"}


def test_cold_start_counts_by_hand(frame, rows_of):
    rows = frame(
        "tenure_days int, churned int",
        [(6, 1), (0, 0), (None, 0), (7, 1), (200, 1)],  # three are known for less than 7 days
    )
    assert rows_of(s.cold_start_counts(rows, 7)) == [
        {"base_rate": 3 / 5, "cold_rate": pytest.approx(1 / 3), "cold_rows": 3}
    ]
    assert rows_of(s.cold_start_counts(rows.where("tenure_days > 6"), 7)) == [
        {"base_rate": 1.0, "cold_rate": None, "cold_rows": 0}
    ]


@pytest.mark.spark_only
def test_a_customer_is_in_one_fold_and_all_folds_are_used(frame, rows_of):
    days = (D(2018, 1, 1), D(2018, 2, 1))
    rows = frame("customer_id string, as_of date", [(f"c{n}", d) for n in range(60) for d in days])
    folds = {(r["customer_id"], r["fold"]) for r in rows_of(s.with_fold(rows, 3))}
    assert len(folds) == 60
    assert {fold for _, fold in folds} == {0, 1, 2}


@pytest.mark.spark_only
def test_a_sample_does_not_depend_on_the_order_of_rows(frame, rows_of):
    given = [(f"c{n}", D(2018, 1, 1)) for n in range(60)]
    columns = "customer_id string, as_of date"
    sample = rows_of(s.hash_sample(frame(columns, given), 10))
    assert len(sample) == 10
    assert rows_of(s.hash_sample(frame(columns, given[::-1]), 10)) == sample


def test_a_share_keeps_whole_customers_and_is_part_of_a_larger_share(frame, row_hashes, rows_of):
    days = (D(2018, 1, 1), D(2018, 2, 1))
    rows = frame(LABEL, [(f"c{n}", day, 30, 0, 1) for n in range(400) for day in days])
    half, quarter, everyone = (
        [r["customer_id"] for r in rows_of(s.keep_share(rows, share))] for share in (0.5, 0.25, 1.0)
    )
    assert len(everyone) == 800 and set(quarter) < set(half) < set(everyone)
    # Each customer with both dates. Of 400 customers 200 and 100 are expected, give or take 4 sd.
    assert len(half) == 2 * len(set(half)) and abs(len(set(half)) - 200) < 40
    assert len(quarter) == 2 * len(set(quarter)) and abs(len(set(quarter)) - 100) < 35
