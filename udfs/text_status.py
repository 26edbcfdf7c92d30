"""The status of a text in gold.text_pool and the decision on it, as SQL of Spark and DuckDB."""

from __future__ import annotations

import datetime as dt

# True if the text passed the form checks and the judge, so that it may be approved.
IS_USABLE = "coalesce(form_verdict = 'passed' AND judge_verdict = 'passed', false)"
# approved, rejected, waiting (for a person), or refused (by the checks).
STATUS = (
    f"CASE WHEN NOT {IS_USABLE} THEN 'refused' WHEN approved IS NULL THEN 'waiting' "
    "WHEN approved THEN 'approved' ELSE 'rejected' END"
)


def decision(is_approved: bool, by: str, moment: dt.datetime) -> dict[str, object]:
    """The columns that the decision of `by` at `moment` (with a zone) sets, in UTC.

    >>> decision(True, "ann", dt.datetime(2024, 6, 1, 12, tzinfo=dt.UTC))["approved_at"]
    datetime.datetime(2024, 6, 1, 12, 0)
    """
    return {
        "approved": is_approved,
        "approved_by": by,
        "approved_at": moment.astimezone(dt.UTC).replace(tzinfo=None),
    }
