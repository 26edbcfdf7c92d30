"""Joins the feature tables to the one frame that learners, scoring and evaluation share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, Window, functions as F

from contracts.table import Table

KEY = ("customer_id", "as_of")
# Dates and metadata, which a learner must not use.
NOT_FEATURES = (
    *(*KEY, "first_purchase_on", "last_purchase_on", "is_terminated", "engagement_basis"),
    *("ticket_sentiment_basis", "review_sentiment_basis"),
)
NUMERIC = ("bigint", "int", "double", "boolean")


def feature_columns(tables: Sequence[Table]) -> tuple[list[str], list[str]]:
    """Names of the numeric and of the categorical features that the contracts declare, in order."""
    columns = [c for t in tables for c in t.columns if c.name not in NOT_FEATURES]
    numeric = [c.name for c in columns if c.type in NUMERIC]
    return numeric, [c.name for c in columns if c.type == "string"]


def feature_rows(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row per (customer_id, as_of) with the columns of all feature tables."""
    first, *others = [frames[name] for name in sorted(frames)]
    rows = first
    for other in others:
        rows = rows.join(other, on=list(KEY), how="inner")
    return rows


def labelled_rows(
    rows: DataFrame, labels: DataFrame, horizon_days: int, *, definition: str, lead_days: int
) -> DataFrame:
    """One row per (customer_id, as_of) whose label of the horizon has passed, with `churned`.

    Labels of another definition or lead, which a table keeps until it is rebuilt, are ignored.
    """
    asked = labels.where(
        (F.col("horizon_days") == horizon_days)
        & (F.col("definition") == definition)
        & (F.col("lead_days") == lead_days)
    )
    return rows.join(asked.select(*KEY, "churned"), on=list(KEY), how="inner")


def with_earlier_label(
    rows: DataFrame, labels: DataFrame, horizon_days: int, *, definition: str, lead_days: int
) -> DataFrame:
    """Add `churned_before`: the label of a shorter horizon. Rows without one are left out."""
    named = rows.withColumnRenamed("churned", "churned_at_end")
    both = labelled_rows(named, labels, horizon_days, definition=definition, lead_days=lead_days)
    return both.withColumnRenamed("churned", "churned_before").withColumnRenamed(
        "churned_at_end", "churned"
    )


def keep_undecided(rows: DataFrame, definition: str) -> DataFrame:
    """The customers whose label can still change after the shorter horizon.

    For inactivity those without a purchase until then (churned_before 1), because a purchase
    decides that they stay. For a termination those whose contract still runs (churned_before 0).
    """
    undecided = 1 if definition == "inactivity" else 0
    return rows.where(F.col("churned_before") == F.lit(undecided))


def with_split(rows: DataFrame, split_of: Mapping[dt.date, str]) -> DataFrame:
    """Set `split` (train, refit, validation, test) from as_of; rows of other dates are left out."""
    dates = {name: [d for d, s in split_of.items() if s == name] for name in set(split_of.values())}
    split = F.lit(None).cast("string")
    for name in sorted(dates):
        split = F.when(
            F.col("as_of").isin([F.lit(d).cast("date") for d in dates[name]]), name
        ).otherwise(split)
    others = [c for c in rows.columns if c != "split"]
    return rows.select(*others, split.alias("split")).where(F.col("split").isNotNull())


def category_counts(rows: DataFrame, categorical: Sequence[str]) -> DataFrame:
    """One row per (feature, category): count. Nulls are not a category."""
    pairs = F.array(
        *[
            F.struct(F.lit(name).alias("feature"), F.col(name).cast("string").alias("category"))
            for name in categorical
        ]
    )
    exploded = rows.select(F.explode(pairs).alias("pair")).select("pair.feature", "pair.category")
    return exploded.where("category IS NOT NULL").groupBy("feature", "category").count()


def frequent_categories(
    rows: DataFrame, categorical: Sequence[str], fewest: int, *, most: int
) -> DataFrame:
    """One row per (feature, category) with at least `fewest` rows.

    At most the `most` frequent per feature; ties: the first by name.
    """
    counted = category_counts(rows, categorical).where(F.col("count") >= fewest)
    by_frequency = Window.partitionBy("feature").orderBy(F.desc("count"), "category")
    placed = counted.select("*", F.row_number().over(by_frequency).alias("place"))
    return placed.where(F.col("place") <= most).select("feature", "category")


def filled_counts(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """One row: for each column the number of rows with a value."""
    return rows.agg(*[F.count(name).alias(name) for name in columns])


def infinite_counts(rows: DataFrame, numeric: Sequence[str], largest: float) -> DataFrame:
    """One row: per numeric column the number of rows that are infinite or above `largest`."""

    def is_infinite(name: str) -> Column:
        value = F.col(name).cast("double")
        return (F.abs(value) > F.lit(largest)) & ~F.isnan(value)

    return rows.agg(*[F.count(F.when(is_infinite(name), 1)).alias(name) for name in numeric])


def numeric_statistics(rows: DataFrame, numeric: Sequence[str]) -> DataFrame:
    """One row per feature: filled, mean, std, skewness, smallest, logged_mean, logged_std.

    The logged columns are those of sign(x) * log(1 + |x|). Nulls are ignored. std is the population
    standard deviation.
    """
    pairs = F.array(
        *[
            F.struct(F.lit(name).alias("feature"), F.col(name).cast("double").alias("value"))
            for name in numeric
        ]
    )
    values = rows.select(F.explode(pairs).alias("pair")).select("pair.feature", "pair.value")
    values = values.select("feature", "value", signed_log(F.col("value")).alias("logged"))
    return values.groupBy("feature").agg(
        F.count("value").alias("filled"),
        F.avg("value").alias("mean"),
        F.stddev_pop("value").alias("std"),
        F.skewness("value").alias("skewness"),
        F.min("value").alias("smallest"),
        F.avg("logged").alias("logged_mean"),
        F.stddev_pop("logged").alias("logged_std"),
    )


def signed_log(value: Column) -> Column:
    """sign(x) * log(1 + |x|): shortens long tails on either side; null stays null.

    | value | signed_log |
    |---|---|
    | 0 | 0 |
    | 1 | 0.6931471805599453 |
    | -1 | -0.6931471805599453 |
    | null | null |
    """
    return F.signum(value) * F.log1p(F.abs(value))


def design_matrix(
    rows: DataFrame,
    numeric: Sequence[str],
    categories: Sequence[tuple[str, Sequence[str]]],
    *,
    also: Sequence[str],
) -> tuple[DataFrame, list[str]]:
    """One row per input row: the columns of an encoder that keeps nulls; null numbers are NaN.

    Returns the frame (the columns `also`, then x0, x1, ...) and the names x0, x1, ... in the order
    of the encoder's columns.
    """
    values = [F.coalesce(F.col(n).cast("double"), F.lit(float("nan"))) for n in numeric]
    return _named(rows, [*values, *_one_hot(categories)], also)


def dense_matrix(
    rows: DataFrame,
    numeric: Mapping[str, tuple[float, float, float]],
    logged: Sequence[str],
    *,
    missing_indicators: Sequence[str],
    categories: Sequence[tuple[str, Sequence[str]]],
    also: Sequence[str],
) -> tuple[DataFrame, list[str]]:
    """`design_matrix` for an encoder that fills nulls. numeric: fill, center, scale per feature."""
    values = []
    for name, (fill, center, scale) in numeric.items():
        value = F.col(name).cast("double")
        value = signed_log(value) if name in logged else value
        values.append((F.coalesce(value, F.lit(fill)) - F.lit(center)) / F.lit(scale))
    missing = [F.col(name).isNull().cast("double") for name in missing_indicators]
    return _named(rows, [*values, *_one_hot(categories), *missing], also)


def _one_hot(categories: Sequence[tuple[str, Sequence[str]]]) -> list[Column]:
    return [
        F.coalesce((F.col(feature) == F.lit(value)).cast("double"), F.lit(0.0))
        for feature, known in categories
        for value in known
    ]


def _named(
    rows: DataFrame, values: Sequence[Column], also: Sequence[str]
) -> tuple[DataFrame, list[str]]:
    names = [f"x{i}" for i in range(len(values))]
    named = [v.cast("float").alias(n) for v, n in zip(values, names, strict=True)]
    return rows.select(*also, *named), names
