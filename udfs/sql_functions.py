"""The formulas as SQL functions of a Spark session, and the one that is Python: sentiment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from udfs.registry import formulas
from udfs.sentiment import sentiment_of

if TYPE_CHECKING:
    from pyspark.sql import Column, SparkSession  # noqa: TID251 - the session of the caller


def sentiment(text: str | Column) -> Column:
    """`sentiment_of` of a text column, as a Spark column. NaN becomes null."""
    column: Column = _sentiment_udf()(text)
    return column


def register(spark: SparkSession, settings: Mapping[str, Any], schema: str | None = None) -> None:
    """Create or replace a SQL function for each formula.

    Without a schema the functions are temporary and end with the session. With a schema (`schema`
    or `catalog.schema`) they are stored in the catalog. `sentiment` is Python and is always
    temporary, because the catalog of open-source Spark cannot store Python functions.
    """
    for formula in formulas(settings):
        spark.sql(formula.create_sql(schema, temporary=schema is None))
    spark.udf.register("sentiment", _sentiment_udf())


def _sentiment_udf() -> Any:
    return F.pandas_udf(sentiment_of, "double")  # type: ignore[call-overload]
