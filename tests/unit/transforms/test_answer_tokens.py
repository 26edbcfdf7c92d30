"""Tokens of survey answers at ingest: refused with a reason, and the key stays out of plans."""

from __future__ import annotations

import datetime as dt

from transforms.answer_tokens import with_refused_tokens
from udfs.survey_tokens import survey_token

KEY = b"0123456789abcdef0123456789abcdef"


def test_a_refused_token_is_one_more_reason_and_the_plan_has_no_key(spark):
    good = survey_token("6f" * 16, dt.date(2026, 3, 1), KEY)
    at, after = dt.datetime(2026, 3, 1, 23, 59), dt.datetime(2026, 3, 2)
    rows = [
        (good, at, None),
        (None, at, None),
        (good, after, None),
        ("x", at, "score_in_range"),
        ("x", at, "malformed_row"),
        (good.replace("6f", "7a"), None, "answered_at_type"),
    ]
    given = spark.createDataFrame(rows, "token string, answered_at timestamp, _errors string")
    judged = with_refused_tokens(given, KEY)
    assert [row["_errors"] for row in judged.collect()] == [
        None,
        None,
        "token_expired",
        "score_in_range, token_garbled",
        "malformed_row",
        "answered_at_type, token_forged",
    ]
    plan = judged._jdf.queryExecution().toString()
    assert "refusals(" in plan and KEY.decode() not in plan
