"""features.demographics: the customer attributes that were known at as_of."""

from __future__ import annotations

from pyspark.sql import DataFrame, functions as F

from contracts.features import DEMOGRAPHICS
from contracts.silver import ATTRIBUTES
from transforms.conform import conform


def valid_at(customers: DataFrame, spine: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) with a profile: the last version known before as_of."""
    began = F.col("valid_from") < F.col("midnight")
    goes_on = F.col("valid_to").isNull() | (F.col("valid_to") >= F.col("midnight"))
    versions = customers.select(
        "customer_id",
        *("valid_from", "valid_to", "signup_on", "is_opted_out"),
        *[a.name for a in ATTRIBUTES],
    )
    of_customer = _with_midnight(spine).join(versions, on="customer_id", how="inner")
    return of_customer.where(began & goes_on)


def terminated(terminations: DataFrame, spine: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) whose contract had ended before as_of, as known then."""
    ends = terminations.select(
        "customer_id", F.greatest("terminated_at", "known_at").alias("over_at")
    )
    of_customer = _with_midnight(spine).join(ends, on="customer_id", how="inner")
    ended = of_customer.where(F.col("over_at") < F.col("midnight"))
    return ended.select("customer_id", "as_of").distinct()


def demographic_features(profiles: DataFrame, ended: DataFrame, spine: DataFrame) -> DataFrame:
    """One row per (customer_id, as_of) of the spine; attributes are null without a profile."""
    has = profiles.select("customer_id", "as_of", F.lit(True).alias("profiled"), *_attributes())
    over = ended.select("customer_id", "as_of", F.lit(True).alias("over"))
    rows = spine.join(has, on=["customer_id", "as_of"], how="left").join(
        over, on=["customer_id", "as_of"], how="left"
    )
    flagged = rows.select(
        "*",
        F.coalesce(F.col("profiled"), F.lit(False)).alias("has_profile"),
        F.coalesce(F.col("over"), F.lit(False)).alias("is_terminated"),
    )
    return conform(flagged, DEMOGRAPHICS)


def _with_midnight(spine: DataFrame) -> DataFrame:
    return spine.select("customer_id", "as_of", F.col("as_of").cast("timestamp").alias("midnight"))


def _attributes() -> list[str]:
    return [a.name for a in ATTRIBUTES]
