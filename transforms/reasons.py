"""Reasons that leavers named, as labels of feature rows; and gold.churn_reasons."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from contracts.gold import CHURN_REASONS
from contracts.silver import REASONS
from transforms.conform import conform


def named_reasons(
    surveys: DataFrame | None, tickets: DataFrame | None, categories: Mapping[str, str]
) -> DataFrame:
    """One row a (customer_id, reason, said_on, is_survey): what was said, and when.

    A ticket speaks through its category (category -> reason); other categories say nothing. One of
    the two sources may be absent.
    """
    frames = []
    if surveys is not None:
        frames.append(
            surveys.select(
                "customer_id",
                "reason",
                F.col("answered_at").cast("date").alias("said_on"),
                F.lit(True).alias("is_survey"),
            )
        )
    if tickets is not None:
        reason = F.lit(None).cast("string")
        for category in sorted(categories):
            reason = F.when(
                F.lower("category") == category.lower(), categories[category]
            ).otherwise(reason)
        said = tickets.select(
            "customer_id",
            reason.alias("reason"),
            F.col("opened_at").cast("date").alias("said_on"),
            F.lit(False).alias("is_survey"),
        )
        frames.append(said.where("reason IS NOT NULL AND customer_id IS NOT NULL"))
    both = frames[0]
    for other in frames[1:]:
        both = both.unionByName(other)
    return both.distinct()


def reason_labels(leavers: DataFrame, named: DataFrame, horizon: int, within: int) -> DataFrame:
    """One row a (customer_id, as_of) of `leavers` that named a reason, with 0/1 `named_<reason>`.

    A survey counts from as_of to `within` days after the horizon's end; where there is none, the
    tickets of the horizon do.
    """
    near = leavers.select("customer_id", "as_of").join(named, on="customer_id", how="inner")
    near = near.select(
        "customer_id",
        "as_of",
        "reason",
        "is_survey",
        F.datediff(F.col("said_on"), F.col("as_of")).alias("days"),
    )
    latest = F.when(F.col("is_survey"), horizon + within).otherwise(horizon)
    inside = near.where((F.col("days") >= 0) & (F.col("days") < latest))

    def said(reason: str, is_survey: bool) -> Column:
        hit = (F.col("reason") == reason) & (F.col("is_survey") == is_survey)
        return F.max(F.when(hit, 1).otherwise(0))

    found = inside.groupBy("customer_id", "as_of").agg(
        F.max(F.col("is_survey").cast("int")).alias("has_survey"),
        *[said(r, True).alias(f"survey_{r}") for r in REASONS],
        *[said(r, False).alias(f"ticket_{r}") for r in REASONS],
    )
    return found.select(
        "customer_id",
        "as_of",
        *[
            F.when(F.col("has_survey") == 1, F.col(f"survey_{r}"))
            .otherwise(F.col(f"ticket_{r}"))
            .alias(f"named_{r}")
            for r in REASONS
        ],
    )


def churn_reasons(scored: DataFrame, basis: str) -> DataFrame:
    """One row a (as_of, customer_id, reason). `scored` has `reasons`, an array in their order;
    null (nothing is known of the customer): no rows."""
    pairs = F.arrays_zip(F.array(*[F.lit(r) for r in REASONS]).alias("names"), "reasons")
    each = scored.where("reasons IS NOT NULL").select(
        "as_of", "customer_id", F.explode(pairs).alias("pair")
    )
    rows = each.select(
        "as_of",
        "customer_id",
        F.col("pair.names").alias("reason"),
        F.col("pair.reasons").alias("probability"),
        F.lit(basis).alias("reason_basis"),
    )
    return conform(rows, CHURN_REASONS)


def with_main_reason(scored: DataFrame, basis: str) -> DataFrame:
    """Adds main_reason, the likeliest (ties: the first), and reason_basis; null where none is
    above 0."""
    best = F.array_max("reasons")
    place = F.array_position("reasons", best).cast("int")
    names = F.array(*[F.lit(r) for r in REASONS])
    main = F.when(best > 0, F.element_at(names, place))
    rows = scored.select("*", main.alias("main_reason"))
    return rows.select(
        "*", F.when(F.col("main_reason").isNotNull(), F.lit(basis)).alias("reason_basis")
    )
