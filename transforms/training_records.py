"""gold.model_comparison and gold.feature_sets from the figures that a training run recorded."""

from __future__ import annotations

from pyspark.sql import DataFrame, functions as F

from contracts.gold import FEATURE_SETS, MODEL_COMPARISON
from transforms.conform import conform


def model_comparison(
    figures: DataFrame,
    chosen: str,
    version: str,
    *,
    champion: str,
    champion_version: str | None,
    trained_at: str,
    data_set: str,
) -> DataFrame:
    """One row per (model, population, split, metric, horizon) of a training run.

    model_version: `version` for the chosen learner, champion_version for the model named `champion`
    and "-" for models that are not registered. trained_at: as text, with its zone.
    """
    name = F.col("model_name")
    model_version = (
        F.when(name == chosen, version).when(name == champion, champion_version).otherwise("-")
    )
    rows = figures.select("*", model_version.alias("model_version"))
    return conform(_with_run(rows, trained_at, data_set), MODEL_COMPARISON)


def feature_set_results(
    figures: DataFrame, model_name: str, version: str, *, trained_at: str, data_set: str
) -> DataFrame:
    """One row per (feature_set, metric) of a training run. trained_at: as text."""
    rows = figures.select(
        "*", F.lit(model_name).alias("model_name"), F.lit(version).alias("model_version")
    )
    return conform(_with_run(rows, trained_at, data_set), FEATURE_SETS)


def _with_run(rows: DataFrame, trained_at: str, data_set: str) -> DataFrame:
    return rows.select(
        "*",
        F.lit(trained_at).cast("timestamp").alias("trained_at"),
        F.lit(data_set).alias("data_set"),
    )
