"""Read what the report says about the model: the champion in the registry, and its test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from models.portable import PortableModel
from pipelines.reporting.report_data import ModelData, Row, sorted_rows
from runtime.model_registry import CHALLENGER, CHAMPION, Registry

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.settings import Settings


def champion_data(settings: Settings, comparison: DataFrame) -> ModelData | None:
    """The registry's champion with the test metrics of its own training run; None: no champion.

    `comparison`: gold.model_comparison.
    """
    registry = Registry(settings)
    champion = registry.by_alias(CHAMPION)
    if champion is None:
        return None
    metadata = PortableModel.from_json(champion.portable).metadata
    name = metadata.get("model_name", champion.name)
    run = registry.client.get_run(champion.run_id)
    return ModelData(
        name=name,
        version=champion.version,
        trained_on=tuple(metadata.get("trained_on", ())),
        tested_on=metadata.get("tested_on", ""),
        promotion=run.data.tags.get("promotion", ""),
        figures=test_figures(comparison, settings, name, version=champion.version),
    )


def no_signal(settings: Settings) -> str:
    """Why the last training run made no champion if no learner was better than chance, else ""."""
    registry = Registry(settings)
    last = registry.by_alias(CHALLENGER)
    return registry.client.get_run(last.run_id).data.tags.get("no_signal", "") if last else ""


def test_figures(
    comparison: DataFrame, settings: Settings, name: str, *, version: str
) -> list[Row]:
    """The test rows of gold.model_comparison from the run that created this model version."""
    comparison = comparison.where(
        f"split = 'test' AND data_set = '{settings.env}'"
        f" AND horizon_days = {settings.churn.primary_horizon_days}"
    )
    # Version numbers are unique per model family only, so the name is needed too.
    own = comparison.where(f"model_name = '{name}' AND model_version = '{version}'")
    own = own.select("trained_at").distinct()
    of_run = comparison.join(own, on="trained_at", how="left_semi")
    # A few models x two populations x about twenty metrics. Some are of earlier test dates too.
    rows = sorted_rows(of_run, "population", "model_name", "metric")
    last = max((r["test_on"] for r in rows if r["test_on"]), default=None)
    return [r for r in rows if r["test_on"] == last]
