"""Who may be contacted: the one place that reads is_opted_out for a contact."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, functions as F

OPTED_OUT, CONSENT_UNKNOWN = "opted_out", "consent_unknown"
# Values of contact.when_consent_unknown in conf.
CONTACT, DO_NOT_CONTACT = "contact", "do_not_contact"


def consent_barrier(when_unknown: str) -> Column:
    """Why a customer may not be contacted: opted_out, consent_unknown, or null: may be contacted.

    Reads the column is_opted_out. Its null means that the consent is unknown: the source does not
    say, or the customer has no profile. `when_unknown` decides about these customers:

    | is_opted_out | contact | do_not_contact |
    |---|---|---|
    | true | opted_out | opted_out |
    | false | null | null |
    | null | null | consent_unknown |
    """
    unknown = F.lit(None).cast("string") if when_unknown == CONTACT else F.lit(CONSENT_UNKNOWN)
    return F.when(F.col("is_opted_out"), OPTED_OUT).when(F.col("is_opted_out").isNull(), unknown)


def with_consent(rows: DataFrame, profiles: DataFrame) -> DataFrame:
    """One row per input row: adds is_opted_out; null without a profile.

    `profiles`: one row per customer, customer_id and is_opted_out.
    """
    known = profiles.select("customer_id", "is_opted_out")
    # A plain select after the join, for the DuckDB engine.
    joined = rows.join(known, on="customer_id", how="left")
    return joined.select(*rows.columns, "is_opted_out")


def consent_counts(rows: DataFrame, profiles: DataFrame) -> DataFrame:
    """One row: the number of customers in the rows, and `unknown`, how many may have no consent.

    `rows` has customer_id, in any number of rows per customer. `profiles` as in `with_consent`.
    """
    customers = rows.where(F.col("customer_id").isNotNull()).select("customer_id").distinct()
    known = with_consent(customers, profiles)
    is_unknown = F.when(F.col("is_opted_out").isNull(), 1).otherwise(0)
    return known.agg(
        F.count("*").alias("customers"), F.coalesce(F.sum(is_unknown), F.lit(0)).alias("unknown")
    )
