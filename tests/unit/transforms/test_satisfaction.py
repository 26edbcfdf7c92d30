"""gold.satisfaction: what counts as the latest answer, what replaces it, and the trend of segments."""

from __future__ import annotations

import datetime as dt

import duckdb
import pytest

from contracts.gold_views import SATISFACTION_BY_SEGMENT
from contracts.silver import SURVEY_ANSWERS
from runtime.lakehouse.views import view_select
from transforms.quality import is_broken
from transforms.satisfaction import latest_answers, satisfaction, without_contact

AS_OF = dt.date(2026, 3, 1)
CONTACTS = "contact_id string, customer_id string"
FEATURES = (
    "customer_id string, review_stars_mean double, review_sentiment_mean double, "
    "ticket_sentiment_mean double"
)
SEGMENTS = "customer_id string, as_of date, segment string"
ANSWERED = "customer_id string, survey_score double, answered_on date"
KNOWN_ID, UNKNOWN_ID = "6f" * 16, "7a" * 16


def answer(at, score, customer_id=None, contact_id=None, **more):
    token = f"{contact_id}.20260401.{'s' * 43}" if contact_id else None
    given = {"customer_id": customer_id, "token": token, "answered_at": at, "score": score}
    return {**given, **more}


def seen(frame, rows_of, answers, as_of=AS_OF):
    contacts = frame(CONTACTS, [(KNOWN_ID, "contacted")])
    latest = latest_answers(frame("silver.survey_answers", answers), contacts, as_of)
    return {r["customer_id"]: (r["survey_score"], r["answered_on"]) for r in rows_of(latest)}


def test_the_latest_answer_before_as_of_counts(frame, rows_of):
    answers = [
        answer("2026-02-01 10:00:00", 9.0, "two"),
        answer("2026-02-20 10:00:00", 2.0, "two"),
        answer("2026-02-28 23:59:59", 0.0, "last second"),
        answer("2026-03-01 00:00:00", 1.0, "at as_of"),
        answer("2026-02-01 10:00:00", 8.0, "late", known_at="2026-03-01 00:00:00"),
        # At the same time: the lowest.
        answer("2026-02-01 10:00:00", 7.0, "tie"),
        answer("2026-02-01 10:00:00", 6.0, "tie"),
    ]
    assert seen(frame, rows_of, answers) == {
        "two": (2.0, dt.date(2026, 2, 20)),
        "last second": (0.0, dt.date(2026, 2, 28)),
        "tie": (6.0, dt.date(2026, 2, 1)),
    }


def test_an_answer_that_becomes_visible_later_changes_no_earlier_row(frame, rows_of):
    before = [answer("2026-02-01 10:00:00", 9.0, "a")]
    later = [
        answer("2026-03-01 00:00:00", 1.0, "a"),
        answer("2026-02-02 10:00:00", 1.0, "a", known_at="2026-03-05 08:00:00"),
        answer("2026-03-02 00:00:00", 1.0, contact_id=KNOWN_ID),
    ]
    assert seen(frame, rows_of, before) == seen(frame, rows_of, before + later)
    # A week later the answers of March count.
    on = dt.date(2026, 3, 8)
    assert seen(frame, rows_of, before + later, on) == {
        "a": (1.0, dt.date(2026, 3, 1)),
        "contacted": (1.0, dt.date(2026, 3, 2)),
    }


def test_the_token_decides_who_answered_and_an_unknown_contact_is_counted(frame, rows_of):
    at = "2026-02-01 10:00:00"
    answers = [
        answer(at, 3.0, "other", KNOWN_ID),
        answer(at, 4.0, "named", UNKNOWN_ID),
        answer(at, 5.0, None, UNKNOWN_ID),
        answer("2026-03-09 10:00:00", 5.0, None, UNKNOWN_ID),
        {**answer(at, 6.0, "blank"), "token": " "},
    ]
    day = dt.date(2026, 2, 1)
    assert seen(frame, rows_of, answers) == {"contacted": (3.0, day), "blank": (6.0, day)}
    contacts = frame(CONTACTS, [(KNOWN_ID, "contacted")])
    unknown = without_contact(frame("silver.survey_answers", answers), contacts, AS_OF)
    assert [r["score"] for r in rows_of(unknown, "score")] == [4.0, 5.0]


def test_without_answers_nobody_has_one(frame, rows_of):
    assert seen(frame, rows_of, []) == {}


# customer: (answer, stars, sentiment of reviews, of tickets) -> score, basis
BASES = {
    "answer": ((0.0, 5.0, 1.0, 1.0), (0.0, "survey")),
    "stars": ((None, 4.0, -1.0, -1.0), ((4 - 1) * 2.5, "stars")),
    "one star": ((None, 1.0, None, None), (0.0, "stars")),
    "both": ((None, None, 0.5, -0.1), (((0.5 - 0.1) / 2 + 1) * 5, "sentiment")),
    "reviews": ((None, None, -0.2, None), ((-0.2 + 1) * 5, "sentiment")),
    "tickets": ((None, None, None, 1.0), (10.0, "sentiment")),
    "nothing": ((None, None, None, None), (None, "unknown")),
    # Without a row among the features.
    "bare": (None, (None, "unknown")),
}


def test_each_customer_has_one_row_by_the_first_basis_that_exists(frame, rows_of):
    segments = frame(SEGMENTS, [(name, AS_OF, "Champions") for name in BASES])
    given = {name: values for name, (values, _) in BASES.items() if values}
    features = frame(FEATURES, [(name, *values[1:]) for name, values in given.items()])
    day = dt.date(2026, 2, 1)
    # The answer of a customer who is not known at as_of has no row.
    answers = [(n, v[0], day) for n, v in given.items() if v[0] is not None] + [("gone", 1.0, day)]
    rows = rows_of(satisfaction(segments, features, frame(ANSWERED, answers)))
    assert [r["customer_id"] for r in rows] == sorted(BASES)
    for row in rows:
        score, basis = BASES[row["customer_id"]][1]
        assert row["satisfaction_basis"] == basis, row
        assert row["satisfaction_score"] == pytest.approx(score), row
        assert row["answered_on"] == (day if basis == "survey" else None)
        assert (row["as_of"], row["segment"]) == (AS_OF, "Champions")


DAYS = [dt.date(2026, month, 1) for month in (1, 2, 3)]
SCORED = [
    ("a", DAYS[0], "A", 4.0, "survey"),
    ("b", DAYS[0], "A", 8.0, "stars"),
    ("a", DAYS[1], "A", 9.0, "survey"),
    ("b", DAYS[1], "A", None, "unknown"),
    ("a", DAYS[2], "A", None, "unknown"),
    ("c", DAYS[0], "B", 5.0, "sentiment"),
    ("c", DAYS[2], "B", 6.0, "sentiment"),
]
# B has no customers on 1 February, so its change on 1 March is unknown.
TREND = [
    (DAYS[0], "A", 2, (4 + 8) / 2, None, 0.5, 0.5, 0.0, 0.0),
    (DAYS[1], "A", 2, 9.0, 9.0 - 6.0, 0.5, 0.0, 0.0, 0.5),
    (DAYS[2], "A", 1, None, None, 0.0, 0.0, 0.0, 1.0),
    (DAYS[0], "B", 1, 5.0, None, 0.0, 0.0, 1.0, 0.0),
    (DAYS[2], "B", 1, 6.0, None, 0.0, 0.0, 1.0, 0.0),
]
TREND_QUERY = f"{view_select(SATISFACTION_BY_SEGMENT, 'scored')} ORDER BY segment, as_of"
TREND_COLUMNS = [column.name for column in SATISFACTION_BY_SEGMENT.columns]


def test_the_view_has_mean_change_and_shares_per_segment():
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE scored (customer_id TEXT, as_of DATE, segment TEXT, "
        "satisfaction_score DOUBLE, satisfaction_basis TEXT)"
    )
    connection.executemany("INSERT INTO scored VALUES (?, ?, ?, ?, ?)", SCORED)
    trend = connection.execute(TREND_QUERY)
    assert [column[0] for column in trend.description] == TREND_COLUMNS
    assert trend.fetchall() == TREND


def test_the_view_gives_the_same_on_spark(spark):
    columns = (
        "customer_id string, as_of date, segment string, satisfaction_score double, "
        "satisfaction_basis string"
    )
    spark.createDataFrame(SCORED, columns).createOrReplaceTempView("scored")
    trend = spark.sql(TREND_QUERY)
    assert trend.columns == TREND_COLUMNS
    assert [tuple(row) for row in trend.collect()] == TREND


@pytest.mark.parametrize(
    ("customer_id", "token", "score", "broken"),
    [
        ("c1", None, 0.0, []),
        (None, "t", 10.0, []),
        ("c1", "t", 10.1, ["score_in_range"]),
        ("c1", None, -0.1, ["score_in_range"]),
        ("c1", None, None, ["score_not_null"]),
        (None, None, 5.0, ["customer_id_or_token"]),
        (None, " ", 5.0, ["customer_id_or_token"]),
        # A blank id would be a customer of its own.
        (" ", "t", 5.0, ["customer_id_or_token"]),
    ],
)
def test_an_answer_that_breaks_a_rule_is_named(frame, customer_id, token, score, broken):
    named = ("customer_id_or_token", "score_not_null", "score_in_range")
    rules = [rule for rule in SURVEY_ANSWERS.rules if rule.name in named]
    row = frame("customer_id string, token string, score double", [(customer_id, token, score)])
    flags = row.select(*[is_broken(rule).alias(rule.name) for rule in rules]).collect()[0]
    assert [rule.name for rule in rules if flags[rule.name]] == broken
