"""Recency, tenure, purchase frequency and lifecycle: product.md §2 and §4.

| formula | unit | null when |
|---|---|---|
| recency_days | whole days, >= 1 | no purchase before as_of |
| tenure_days, tenure_months | whole days, months, >= 0 | neither signup nor purchase before as_of |
| purchase_frequency | purchases per day | purchases unknown, or window_days is 0 |
| lifecycle | text | never |

A day on or after as_of is not known at as_of and is treated as null. Timestamps are truncated to
the day in the session's time zone, which is that of the business day.
"""

from __future__ import annotations

from udfs.formula import FormulaError, SqlFormula, number

_SINCE = "COALESCE({})".format(
    ", ".join(
        f"CASE WHEN {day} < as_of THEN {day} END" for day in ("signup_on", "first_purchase_on")
    )
)
_TENURE = (("signup_on", "DATE"), ("first_purchase_on", "DATE"), ("as_of", "DATE"))

recency_days = SqlFormula(
    name="recency_days",
    parameters=(("last_purchase_on", "DATE"), ("as_of", "DATE")),
    returns="BIGINT",
    body="CASE WHEN last_purchase_on < as_of THEN DATEDIFF(as_of, last_purchase_on) END",
    comment="Whole days from the last purchase day to as_of, at least 1; null: no purchase before "
    "as_of.",
)
"""
| last_purchase_on | as_of | recency_days |
|---|---|---|
| 2017-12-31 | 2018-01-01 | 1 |
| 2017-12-02 | 2018-01-01 | 30 |
| null | 2018-01-01 | null |
"""

tenure_days = SqlFormula(
    name="tenure_days",
    parameters=_TENURE,
    returns="BIGINT",
    body=f"DATEDIFF(as_of, {_SINCE})",
    comment="Whole days from signup, else first purchase, to as_of; null: neither before as_of.",
)
"""Like tenure_months, in days."""

tenure_months = SqlFormula(
    name="tenure_months",
    parameters=_TENURE,
    returns="BIGINT",
    body=f"FLOOR(MONTHS_BETWEEN(as_of, {_SINCE}))",
    comment="Whole months from signup, else first purchase, to as_of; null: neither before as_of.",
)
"""A month is complete on the same day of a later month, and from one month end to another.

| signup_on | first_purchase_on | as_of | tenure_months |
|---|---|---|---|
| 2017-01-15 | 2016-12-01 | 2017-04-14 | 2 |
| 2017-01-15 | null | 2017-04-15 | 3 |
| 2017-01-31 | null | 2017-02-28 | 1 |
| null | 2017-03-20 | 2017-04-01 | 0 |
"""

purchase_frequency = SqlFormula(
    name="purchase_frequency",
    parameters=(("purchases", "DOUBLE"), ("window_days", "DOUBLE")),
    returns="DOUBLE",
    body="CASE WHEN window_days > 0 THEN purchases / window_days END",
    comment="Purchases per day: purchases in the window / days of the window.",
)
"""
| purchases | window_days | purchase_frequency |
|---|---|---|
| 3 | 30 | 0.1 |
| 0 | 30 | 0 |
| null | 30 | null |
"""


def lifecycle(active_days: float, silent_days: float) -> SqlFormula:
    """Lifecycle of a known customer at as_of. Both bounds are inclusive.

    terminated takes precedence. A prospect has no purchase (recency_days is null). Conf:
    `lifecycle`.
    With active_days 30 and silent_days 90:

    | recency_days | is_terminated | lifecycle |
    |---|---|---|
    | 30 | false | active |
    | 31 | null | silent |
    | 91 | false | lost |
    | null | false | prospect |
    | 5 | true | terminated |
    """
    active = number(active_days, "lifecycle.active_days")
    silent = number(silent_days, "lifecycle.silent_days")
    if not 1 <= active_days < silent_days:
        raise FormulaError(
            "conf lifecycle: 1 <= active_days < silent_days must hold, got "
            f"{active_days} and {silent_days}. Set whole numbers of days in that order."
        )
    return SqlFormula(
        name="lifecycle",
        parameters=(("recency_days", "DOUBLE"), ("is_terminated", "BOOLEAN")),
        returns="STRING",
        body=(
            "CASE WHEN is_terminated THEN 'terminated' WHEN recency_days IS NULL THEN 'prospect' "
            f"WHEN recency_days <= {active} THEN 'active' "
            f"WHEN recency_days <= {silent} THEN 'silent' ELSE 'lost' END"
        ),
        comment="active, silent, lost, prospect (no purchase) or terminated, at as_of.",
    )
