"""Refuses survey answers whose token is not valid. Spark only, as all of ingest."""

from __future__ import annotations

from pyspark.sql import DataFrame, functions as F

from transforms.quality import with_more_errors
from udfs.survey_tokens import refusals_by


def with_refused_tokens(flagged: DataFrame, key: bytes) -> DataFrame:
    """One row per row of `with_flags`: the refusal of its token is one more reason in `_errors`.

    `flagged` has token and answered_at of silver.survey_answers. A row without a token is not
    judged here.
    """
    # A pandas function: plans and event logs show no key, see udfs/survey_tokens.py.
    refusal = F.pandas_udf(refusals_by(key), "string")  # type: ignore[call-overload]
    return with_more_errors(flagged, refusal(F.col("token"), F.col("answered_at").cast("date")))
