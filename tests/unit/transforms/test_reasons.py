"""Reasons that leavers stated, as labels; the most likely reason; consistent horizons."""

from __future__ import annotations

import datetime as dt
from collections import Counter

import pytest

from contracts.silver import REASONS
from transforms.reasons import (
    churn_reasons,
    named_reasons,
    reason_labels,
    with_main_reason,
    with_own_reason,
)
from transforms.scores import bounded_counts, churn_by_horizon

AS_OF = dt.date(2018, 1, 1)
NAMED_HERE = ("price", "quality", "support")
SURVEYS = "customer_id string, reason string, answered_at timestamp"
TICKETS = "customer_id string, category string, opened_at timestamp"


def at(day, hour=12):
    return dt.datetime(2018, 1, 1, hour) + dt.timedelta(days=day)


def test_a_survey_speaks_before_tickets_and_both_in_their_time(frame, rows_of):
    surveys = frame(
        SURVEYS,
        [
            ("survey", "price", at(3)),
            ("late", "price", at(30 + 9)),  # within 10 days after the horizon of 30
            ("too late", "price", at(30 + 10)),
            ("early", "price", at(-20)),  # the day of the last purchase
            ("too early", "price", at(-21)),
        ],
    )
    tickets = frame(
        TICKETS,
        [
            ("survey", "Outage", at(1)),  # the survey takes precedence
            ("ticket", "Outage", at(29)),
            ("ticket", "billing", at(2)),
            ("ticket late", "Outage", at(30)),
            ("other", "small talk", at(2)),
            ("complained before", "Outage", at(-1)),
            (None, "Outage", at(2)),
        ],
    )
    named = named_reasons(surveys, tickets, {"outage": "quality", "billing": "price"})
    who = ("survey", "late", "too late", "early", "too early", "ticket", "ticket late", "other")
    leavers = frame(
        "customer_id string, as_of date, recency_days bigint",
        [(name, AS_OF, 20) for name in (*who, "complained before")],
    )
    labels = {
        row["customer_id"]: {r for r in REASONS if row[f"named_{r}"]}
        for row in rows_of(reason_labels(leavers, named, 30, within=10))
    }
    told = {"price"}
    assert labels == {
        "survey": told,
        "late": told,
        "early": told,
        "ticket": {"quality", "price"},
    }


def test_one_source_is_enough(frame, rows_of):
    surveys = frame(SURVEYS, [("a", "support", at(0))])
    assert [r["reason"] for r in rows_of(named_reasons(surveys, None, {}))] == ["support"]


@pytest.mark.spark_only
def test_reasons_become_rows_and_the_likeliest_is_the_main_one(spark, rows_of):
    rows = spark.createDataFrame(
        [
            (AS_OF, "quality", [0.1, 0.0, 0.2, 0.5, 0.0], "labelled", "model"),
            (AS_OF, "tie", [0.3, 0.3, 0.0, 0.0, 0.0], "labelled", "model"),
            (AS_OF, "nothing", [0.0] * 5, "labelled", "model"),
            (AS_OF, "new", None, "labelled", "cold_start"),
            (AS_OF, "no model", None, "shap_families", "rule"),
            (AS_OF, "new, but told", [0.0, 0.0, 0.0, 1.0, 0.0], "named", "cold_start"),
            (AS_OF, "buys less", [0.2, 0.0, 0.0, 0.0, 0.0, 0.4], "shap_families", "model"),
            (AS_OF, "uses coupons", [0.4, 0.0, 0.0, 0.0, 0.0, 0.4], "shap_families", "model"),
        ],
        "as_of date, customer_id string, reasons array<double>, basis string, score_basis string",
    )
    main = {
        r["customer_id"]: (r["main_reason"], r["reason_basis"])
        for r in rows_of(with_main_reason(rows))
    }
    assert main == {
        "quality": ("quality", "labelled"),
        "tie": ("price", "labelled"),
        "nothing": (None, None),
        "new": (None, "cold_start"),
        "no model": (None, "rule"),
        "new, but told": ("quality", "named"),
        "buys less": ("unknown", "no_evidence"),
        "uses coupons": ("price", "shap_families"),
    }
    told = rows_of(churn_reasons(rows))
    counts = Counter(r["customer_id"] for r in told)
    # Named reasons have no share without a reason.
    five = dict.fromkeys(("quality", "tie", "nothing", "new, but told"), 5)
    assert counts == {**five, "buys less": 6, "uses coupons": 6}
    (unknown,) = [r for r in told if r["customer_id"] == "buys less" and r["reason"] == "unknown"]
    assert (unknown["probability"], unknown["reason_basis"]) == (0.4, "shap_families")
    of_quality = {r["reason"]: r["probability"] for r in told if r["customer_id"] == "quality"}
    assert of_quality == dict(zip(REASONS, [0.1, 0.0, 0.2, 0.5, 0.0], strict=True))


@pytest.mark.spark_only
def test_who_has_said_why_since_the_last_purchase_is_believed(spark, frame, rows_of):
    scored = spark.createDataFrame(
        [(AS_OF, who, 20, [0.5, 0.1, 0.1, 0.1, 0.1]) for who in ("told", "again", "back", "silent")]
        + [(AS_OF, "too late", 20, None), (AS_OF, "unscored", 20, None)],
        "as_of date, customer_id string, recency_days bigint, reasons array<double>",
    )
    known = "customer_id string, reason string, answered_at timestamp, known_at timestamp"
    surveys = frame(
        known,
        [
            ("told", "support", at(-20), at(-20)),  # the day of the last purchase
            ("again", "support", at(-9), at(-9)),
            ("again", "quality", at(-8), at(-8)),  # the latest answer
            ("back", "support", at(-21), at(-21)),  # bought again since then
            ("too late", "support", at(-3), at(0)),  # not known before as_of
            ("unscored", "price", at(-3), at(-3)),
        ],
    )
    reasons = {
        r["customer_id"]: (r["basis"], r["reasons"])
        for r in rows_of(with_own_reason(scored, surveys, "labelled"))
    }
    price, quality, support = ([float(r == name) for r in REASONS] for name in NAMED_HERE)
    assert reasons == {
        "told": ("named", support),
        "again": ("named", quality),
        "back": ("labelled", [0.5, 0.1, 0.1, 0.1, 0.1]),
        "silent": ("labelled", [0.5, 0.1, 0.1, 0.1, 0.1]),
        "too late": ("labelled", None),
        "unscored": ("named", price),
    }


@pytest.mark.spark_only
def test_without_surveys_nobody_has_said_why(spark, rows_of):
    scored = spark.createDataFrame(
        [(AS_OF, "a", 20, [1.0, 0.0, 0.0, 0.0, 0.0])],
        "as_of date, customer_id string, recency_days bigint, reasons array<double>",
    )
    (row,) = rows_of(with_own_reason(scored, None, "shap_families"))
    assert (row["basis"], row["reasons"]) == ("shap_families", [1.0, 0.0, 0.0, 0.0, 0.0])


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        # Silence for 60 days implies silence for 30: .5 cannot follow .4, nor .3 precede it.
        ("inactivity", {7: 0.4, 30: 0.4, 60: 0.4, 90: 0.1}),
        # A contract that ends within 30 days also ends within 60.
        ("termination", {7: 0.3, 30: 0.4, 60: 0.5, 90: 0.5}),
    ],
)
def test_horizons_agree_with_each_other(frame, rows_of, definition, expected):
    rows = frame(
        "as_of date, customer_id string, churn_probability double, p_7 double, p_60 double, "
        "p_90 double, model_name string, model_7 string, model_60 string, model_90 string",
        [(AS_OF, "a", 0.4, 0.3, 0.5, 0.1, "xgboost", "rfm_logistic", "xgboost", "xgboost")],
    )
    by_horizon = rows_of(churn_by_horizon(rows, 30, [90, 7, 60], definition=definition))
    assert {r["horizon_days"]: r["churn_probability"] for r in by_horizon} == expected
    names = {r["horizon_days"]: r["model_name"] for r in by_horizon}
    assert names == {7: "rfm_logistic", 30: "xgboost", 60: "xgboost", 90: "xgboost"}
    # The rows whose own probability (.3, .5, .1) is not the one of the table.
    own = {7: 0.3, 60: 0.5, 90: 0.1}
    (counts,) = rows_of(bounded_counts(rows, 30, [90, 7, 60], definition=definition))
    changed = {str(h): int(p != expected[h]) for h, p in own.items()}
    assert counts == {"rows": 1} | changed
