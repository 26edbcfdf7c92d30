"""Counts the rows of features in the bins of a reference histogram, in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame, functions as F

# The bins of rows without a value, and of texts that have no bin of their own.
MISSING, OTHER = -1, -2


def number_bin(value: Column, edges: Sequence[float]) -> Column:
    """The number of edges below a number: bin i is (edge i - 1, edge i]. Null and NaN: MISSING.

    With the edges 1 and 2:

    | value | number_bin |
    |---|---|
    | 1 | 0 |
    | 1.5 | 1 |
    | 3 | 2 |
    | null | -1 |
    """
    is_missing = value.isNull() | F.isnan(value)
    whens = F.when(is_missing, F.lit(MISSING))
    for place, edge in enumerate(edges):
        whens = whens.when(value <= F.lit(edge), F.lit(place))
    return whens.otherwise(F.lit(len(edges)))


def text_bin(value: Column, categories: Sequence[str]) -> Column:
    """The place of a text in the categories. Null: MISSING; another text: OTHER."""
    whens = F.when(value.isNull(), F.lit(MISSING))
    for place, category in enumerate(categories):
        whens = whens.when(value == F.lit(category), F.lit(place))
    return whens.otherwise(F.lit(OTHER))


def feature_bins(
    rows: DataFrame,
    edges: Mapping[str, Sequence[float]],
    ranges: Mapping[str, tuple[float, float]],
    *,
    categories: Mapping[str, Sequence[str]],
) -> DataFrame:
    """One row per (feature, bin) with rows: `rows`, `total`, `below`, `above`.

    edges: upper bounds of the bins of each number, but the last one. ranges: smallest and largest
    number of the training sample; `below` and `above` count the rows outside. A feature without a
    range has none. `total`: sum of the numbers; 0 for texts and missing values. A bin without a row
    is left out.
    """
    parts = [
        _part(name, number_bin(_number(name), bounds), _number(name), ranges.get(name))
        for name, bounds in edges.items()
    ]
    parts += [
        _part(name, text_bin(F.col(name).cast("string"), known), None, None)
        for name, known in categories.items()
    ]
    names = ("feature", "bin", "value", "below", "above")
    exploded = rows.select(F.explode(F.array(*parts)).alias("part"))
    exploded = exploded.select(*[F.col(f"part.{name}").alias(name) for name in names])
    return exploded.groupBy("feature", "bin").agg(
        F.count(F.lit(1)).alias("rows"),
        F.sum("value").alias("total"),
        F.sum("below").alias("below"),
        F.sum("above").alias("above"),
    )


def _number(name: str) -> Column:
    return F.col(name).cast("double")


def _part(
    name: str, place: Column, value: Column | None, span: tuple[float, float] | None
) -> Column:
    zero = F.lit(0.0)
    number = zero if value is None else F.when(F.isnan(value), zero).otherwise(value)
    outside = [F.lit(0), F.lit(0)]
    if value is not None and span is not None:
        is_outside = [value < F.lit(span[0]), (value > F.lit(span[1])) & ~F.isnan(value)]
        outside = [F.when(c, F.lit(1)).otherwise(F.lit(0)) for c in is_outside]
    return F.struct(
        F.lit(name).alias("feature"),
        place.alias("bin"),
        F.coalesce(number, zero).alias("value"),
        outside[0].alias("below"),
        outside[1].alias("above"),
    )
