"""Feature tables -> the one frame that learners, scoring and evaluation share."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from pyspark.sql import DataFrame, functions as F

from contracts.table import Table

KEY = ("customer_id", "as_of")
# Facts that say when or how, not what a learner may use.
NOT_FEATURES = (*KEY, "first_purchase_on", "last_purchase_on", "is_terminated", "engagement_basis")
NUMERIC = ("bigint", "int", "double", "boolean")


def feature_columns(tables: Sequence[Table]) -> tuple[list[str], list[str]]:
    """Names of the numeric and of the categorical features that the contracts declare, in order."""
    columns = [c for t in tables for c in t.columns if c.name not in NOT_FEATURES]
    numeric = [c.name for c in columns if c.type in NUMERIC]
    return numeric, [c.name for c in columns if c.type == "string"]


def feature_rows(frames: Mapping[str, DataFrame]) -> DataFrame:
    """One row a (customer_id, as_of) with the columns of all feature tables."""
    first, *others = [frames[name] for name in sorted(frames)]
    rows = first
    for other in others:
        rows = rows.join(other, on=list(KEY), how="inner")
    return rows


def labelled_rows(rows: DataFrame, labels: DataFrame, horizon_days: int) -> DataFrame:
    """One row a (customer_id, as_of) whose label of the horizon has passed, with `churned`."""
    of_horizon = labels.where(F.col("horizon_days") == horizon_days)
    return rows.join(of_horizon.select(*KEY, "churned"), on=list(KEY), how="inner")


def with_split(rows: DataFrame, split_of: Mapping[dt.date, str]) -> DataFrame:
    """Add `split` (train, validation, test) from as_of; rows of other dates are left out."""
    dates = {name: [d for d, s in split_of.items() if s == name] for name in set(split_of.values())}
    split = F.lit(None).cast("string")
    for name in sorted(dates):
        split = F.when(
            F.col("as_of").isin([F.lit(d).cast("date") for d in dates[name]]), name
        ).otherwise(split)
    return rows.select("*", split.alias("split")).where(F.col("split").isNotNull())


def category_counts(rows: DataFrame, categorical: Sequence[str]) -> DataFrame:
    """One row a (feature, category) with the rows it has; nulls are no category."""
    pairs = F.array(
        *[
            F.struct(F.lit(name).alias("feature"), F.col(name).cast("string").alias("category"))
            for name in categorical
        ]
    )
    exploded = rows.select(F.explode(pairs).alias("pair")).select("pair.feature", "pair.category")
    return exploded.where("category IS NOT NULL").groupBy("feature", "category").count()


def filled_counts(rows: DataFrame, columns: Sequence[str]) -> DataFrame:
    """One row: for each column how many rows have a value."""
    return rows.agg(*[F.count(name).alias(name) for name in columns])


def design_matrix(
    rows: DataFrame,
    numeric: Sequence[str],
    categories: Sequence[tuple[str, Sequence[str]]],
    also: Sequence[str],
) -> tuple[DataFrame, list[str]]:
    """The encoder's columns as Spark expressions, for distributed fits; null numbers are NaN.

    Returns the frame (the columns `also`, then x0, x1, ...) and the names x0, x1, ... in the order
    of the encoder's columns.
    """
    values = [F.coalesce(F.col(n).cast("double"), F.lit(float("nan"))) for n in numeric]
    for feature, known in categories:
        values += [
            F.coalesce((F.col(feature) == F.lit(c)).cast("double"), F.lit(0.0)) for c in known
        ]
    names = [f"x{i}" for i in range(len(values))]
    named = [v.cast("float").alias(n) for v, n in zip(values, names, strict=True)]
    return rows.select(*also, *named), names
