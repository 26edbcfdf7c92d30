"""The past day on which the retention strategies can be evaluated."""

from __future__ import annotations

import datetime as dt

from pyspark.sql import DataFrame, functions as F

from transforms.slices import newest_as_of


def last_judged_day(
    scores: DataFrame, labels: DataFrame, latest: dt.date, *, horizon_days: int
) -> DataFrame:
    """One row: as_of, the last day up to `latest` with scores and labels; null if there is none.

    A day has scores if any value_at_stake is known. It has labels if any label has horizon_days.
    """
    until = F.lit(latest).cast("date")
    scored = scores.where((F.col("as_of") <= until) & F.col("value_at_stake").isNotNull())
    labelled = labels.where((F.col("as_of") <= until) & (F.col("horizon_days") == horizon_days))
    both = (
        scored.select("as_of")
        .distinct()
        .join(labelled.select("as_of").distinct(), on="as_of", how="inner")
    )
    return newest_as_of(both)
