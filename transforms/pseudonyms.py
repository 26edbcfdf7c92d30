"""Rows of silver.pseudonyms."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pyspark.sql import DataFrame, functions as F

from contracts.pseudonyms import PSEUDONYM, PSEUDONYMS

if TYPE_CHECKING:
    import pandas as pd

# 128 bits: two of 10^9 customers share a pseudonym with a probability below 10^-20.
DIGITS = 32


def distinct_ids(rows: DataFrame) -> DataFrame:
    """One row per customer_id that is not null."""
    return rows.where(F.col("customer_id").isNotNull()).select("customer_id").distinct()


def with_pseudonyms(
    ids: DataFrame, digests: Callable[[pd.Series], pd.Series], stamp: str
) -> DataFrame:
    """One row per customer_id with its pseudonym. Spark only.

    digests: a pandas function, so that plans and event logs show no key. stamp: of that key.
    """
    digest = F.pandas_udf(digests, "string")(F.col("customer_id"))  # type: ignore[call-overload]
    return ids.select(
        "customer_id",
        F.substring(digest, 1, DIGITS).alias(PSEUDONYM),
        F.lit(stamp).alias("key_id"),
    ).select(*PSEUDONYMS.column_names)


def changed(rows: DataFrame, present: DataFrame) -> DataFrame:
    """The rows that `present` does not have with the same pseudonym."""
    return rows.join(present, on=list(PSEUDONYMS.column_names), how="left_anti")
