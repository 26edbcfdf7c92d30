"""Churn reasons that leavers stated, as labels of feature rows; and gold.churn_reasons."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame, functions as F

from contracts.gold import CHURN_REASONS
from contracts.silver import REASONS, UNKNOWN_REASON
from transforms.conform import conform
from transforms.visibility import days_before, visible_from

NAMED, NO_EVIDENCE = "named", "no_evidence"
# For a customer who never bought, every answer counts as given since the last purchase.
MOST_DAYS = 1_000_000


def named_reasons(
    surveys: DataFrame | None, tickets: DataFrame | None, categories: Mapping[str, str]
) -> DataFrame:
    """One row per (customer_id, reason, said_on, is_survey): the reason stated, and the day.

    The reason of a ticket comes from its category (category -> reason); other categories give none.
    One of the two sources may be absent.
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
        said = tickets.select(
            "customer_id",
            reason_of_category(categories).alias("reason"),
            F.col("opened_at").cast("date").alias("said_on"),
            F.lit(False).alias("is_survey"),
        )
        frames.append(said.where("reason IS NOT NULL AND customer_id IS NOT NULL"))
    both = frames[0]
    for other in frames[1:]:
        both = both.unionByName(other)
    return both.distinct()


def reason_of_category(categories: Mapping[str, str]) -> Column:
    """The reason that a ticket's `category` expresses, ignoring case; null: none.

    With the categories {"Billing": "price"}:

    | category | reason_of_category |
    |---|---|
    | Billing | price |
    | BILLING | price |
    | question | null |
    | null | null |
    """
    reason = F.lit(None).cast("string")
    for category in sorted(categories):
        reason = F.when(F.lower("category") == category.lower(), categories[category]).otherwise(
            reason
        )
    return reason


def reason_labels(leavers: DataFrame, named: DataFrame, horizon: int, *, within: int) -> DataFrame:
    """One row per (customer_id, as_of) of `leavers` with a stated reason: 0/1 `named_<reason>`.

    A survey counts from the last purchase to `within` days after the end of the horizon: a customer
    who has left by as_of states the same reason as one who leaves later. No feature uses survey
    answers. Without a survey, the tickets of the horizon count.
    """
    near = leavers.select("customer_id", "as_of", "recency_days").join(
        named, on="customer_id", how="inner"
    )
    near = near.select(
        "customer_id",
        "as_of",
        "recency_days",
        "reason",
        "is_survey",
        F.datediff(F.col("said_on"), F.col("as_of")).alias("days"),
    )
    first = F.when(F.col("is_survey"), -F.col("recency_days")).otherwise(0)
    latest = F.when(F.col("is_survey"), horizon + within).otherwise(horizon)
    inside = near.where((F.col("days") >= first) & (F.col("days") < latest))

    def said(reason: str, is_survey: bool) -> Column:
        hit = (F.col("reason") == reason) & (F.col("is_survey") == is_survey)
        return F.max(F.when(hit, 1).otherwise(0))

    answers = inside.groupBy("customer_id", "as_of").agg(
        F.max(F.col("is_survey").cast("int")).alias("has_survey"),
        *[said(r, True).alias(f"survey_{r}") for r in REASONS],
        *[said(r, False).alias(f"ticket_{r}") for r in REASONS],
    )
    return answers.select(
        "customer_id",
        "as_of",
        *[
            F.when(F.col("has_survey") == 1, F.col(f"survey_{r}"))
            .otherwise(F.col(f"ticket_{r}"))
            .alias(f"named_{r}")
            for r in REASONS
        ],
    )


def with_own_reason(scored: DataFrame, surveys: DataFrame | None, basis: str) -> DataFrame:
    """One row per scored customer: adds `basis`, the given one or `named`.

    `named` means that a survey was answered since the last purchase. For such a customer, the
    reason in the latest answer known by as_of has probability 1, the others 0. `scored` has
    recency_days. `surveys` is None where there is no such source.
    """
    rows = scored.select("*", F.lit(basis).alias("basis"))
    if surveys is None:
        return rows
    answers = surveys.select(
        "customer_id",
        F.col("answered_at").cast("date").alias("said_on"),
        visible_from("answered_at").alias("seen_from"),
        F.struct("answered_at", "reason").alias("answer"),
    )
    seen = rows.select("as_of", "customer_id", "recency_days").join(
        answers, on="customer_id", how="inner"
    )
    is_last_word = days_before("as_of", "said_on") <= F.coalesce("recency_days", F.lit(MOST_DAYS))
    seen = seen.where((F.col("seen_from") <= F.col("as_of")) & is_last_word)
    said = seen.groupBy("as_of", "customer_id").agg(F.max("answer").alias("answer"))
    said = said.select("as_of", "customer_id", F.col("answer.reason").alias("said"))
    own = F.array(*[(F.col("said") == r).cast("double") for r in REASONS])
    rows = rows.join(said, on=["as_of", "customer_id"], how="left")
    is_told = F.col("said").isNotNull()
    kept = [c for c in rows.columns if c not in ("reasons", "basis", "said")]
    return rows.select(
        *kept,
        F.when(is_told, own).otherwise(F.col("reasons")).alias("reasons"),
        F.when(is_told, NAMED).otherwise(F.col("basis")).alias("basis"),
    )


def churn_reasons(scored: DataFrame) -> DataFrame:
    """One row per (as_of, customer_id, reason): probability.

    `scored` has `basis` and `reasons`, an array in the order of REASONS, which may have one more
    value, of `unknown`. Customers with null reasons (nothing is known) have no rows.
    """
    names = F.array(*[F.lit(r) for r in (*REASONS, UNKNOWN_REASON)])
    pairs = F.arrays_zip(names.alias("names"), "reasons")
    each = scored.where("reasons IS NOT NULL").select(
        "as_of", "customer_id", "basis", F.explode(pairs).alias("pair")
    )
    rows = each.select(
        "as_of",
        "customer_id",
        F.col("pair.names").alias("reason"),
        F.col("pair.reasons").alias("probability"),
        F.col("basis").alias("reason_basis"),
    ).where("probability IS NOT NULL")
    return conform(rows, CHURN_REASONS)


def with_main_reason(scored: DataFrame) -> DataFrame:
    """Add main_reason, the reason with the highest probability (ties: the first), and reason_basis.

    Where a family of features without a reason raises the risk most, main_reason is `unknown` and
    reason_basis `no_evidence`. main_reason is null where no probability is above 0. reason_basis is
    then the score_basis if that is cold_start or rule, since no model of reasons saw the customer;
    else null.
    """
    best = F.array_max("reasons")
    place = F.array_position("reasons", best).cast("int")
    names = F.array(*[F.lit(r) for r in (*REASONS, UNKNOWN_REASON)])
    main = F.when(best > 0, F.element_at(names, place))
    rows = scored.select("*", main.alias("main_reason"))
    basis = (
        F.when(F.col("main_reason") == UNKNOWN_REASON, F.lit(NO_EVIDENCE))
        .when(F.col("main_reason").isNotNull(), F.col("basis"))
        .when(F.col("score_basis").isin("cold_start", "rule"), F.col("score_basis"))
    )
    return rows.select("*", basis.alias("reason_basis"))
