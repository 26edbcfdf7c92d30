"""Approval of the texts in gold.text_pool."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, functions as F

from udfs.text_status import IS_USABLE, STATUS, decision


def is_usable() -> Column:
    """True if the text passed the form checks and the judge, so that it may be approved."""
    return F.expr(IS_USABLE)


def status() -> Column:
    """approved, rejected, waiting (for a person), or refused (by the checks).

    | form_verdict | judge_verdict | approved | status |
    |---|---|---|---|
    | passed | passed | true | approved |
    | passed | passed | false | rejected |
    | passed | passed | null | waiting |
    | passed | refused: promise | null | refused |
    | name | null | null | refused |
    """
    return F.expr(STATUS)


def with_status(pool: DataFrame) -> DataFrame:
    """One row per text of gold.text_pool, with its `status`."""
    return pool.select("*", status().alias("status"))


def restricted(
    texts: DataFrame, offer: str | None, language: str | None, *, status: str | None
) -> DataFrame:
    """One row per text (`with_status`) of that offer, language and status. None: all of them."""
    wanted = {"offer_id": offer, "language": language, "status": status}
    for column, value in wanted.items():
        if value is not None:
            texts = texts.where(F.col(column) == value)
    return texts


def with_prefix(texts: DataFrame, digits: str) -> DataFrame:
    """One row per text whose id begins with these digits."""
    return texts.where(F.col("text_id").startswith(digits))


def with_ids(pool: DataFrame, text_ids: Sequence[str], *, is_usable_only: bool) -> DataFrame:
    """One row per text with one of these ids, if `is_usable_only` only usable texts."""
    texts = pool.where(F.col("text_id").isin(*text_ids))
    return texts.where(is_usable()) if is_usable_only else texts


def with_decision(
    texts: DataFrame, is_approved: bool, by: str, *, moment: dt.datetime
) -> DataFrame:
    """One row per text, with the decision of `by` at `moment`."""
    decided = {name: F.lit(value) for name, value in decision(is_approved, by, moment).items()}
    decided["approved_at"] = decided["approved_at"].cast("timestamp")
    return texts.select(*[decided.get(c, F.col(c)).alias(c) for c in texts.columns])
