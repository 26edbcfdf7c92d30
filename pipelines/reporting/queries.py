"""Read the report's data from the lake: a few hundred rows, whatever the size of the lake."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.bronze import source_table
from contracts.table import Table
from models.portable import PortableModel
from pipelines.reporting.contact_list import STAKES, at_risk_unit, contact_list
from pipelines.reporting.report_data import (
    MOST_QUARANTINE_REASONS,
    ModelData,
    ReportData,
    Row,
    sorted_rows,
)
from runtime.model_registry import CHALLENGER, CHAMPION, Registered, Registry
from runtime.run_info import code_version
from transforms import first_list, report_tables
from transforms.slices import at_date

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context
    from runtime.settings import Settings

    # Computes a frame once; the lake frees it later.
    Keep = Callable[[DataFrame], DataFrame]

LATER_DAYS = 30
PLOTS = ("roc.png", "calibration.png", "drivers.png")


def gather(context: Context) -> ReportData:
    """Read the lake and the model registry. Data that does not exist stays empty."""
    settings, lake, as_of = context.settings, context.lake, context.as_of
    current = current_figures(
        {
            name: at_date(context.read(f"gold.{name}"), as_of)
            for name in (
                "customer_scores",
                "customer_segments",
                "risk_factors",
                "segment_migration",
                "offer_decisions",
                "retention_plan",
                "strategy_comparison",
            )
        },
        settings,
        lake.keep,
    )
    lake.forget()
    past = past_figures(
        {
            "labels": context.read("features.labels"),
            "transactions": context.read("features.transactions"),
            "segments": context.read("gold.customer_segments"),
            "scores": context.read("gold.customer_scores"),
        },
        settings,
        as_of,
        keep=lake.keep,
    )
    lake.forget()
    intake = intake_figures(context.read("bronze.ingest_log"), context.read("silver.quarantine"))
    model = champion_data(settings, context.read("gold.model_comparison"))
    bronze = [source_table(name, {}) for name in settings.sources]
    tables = [t for t in (*bronze, *context.tables.values()) if lake.exists(t.name)]
    frames = {t.name: lake.read(t) for t in tables}
    campaigns = context.read("gold.campaign_results").where("segment = 'all'")
    return ReportData(
        env=settings.env,
        root=settings.lakehouse.catalog or settings.root.name,
        code=code_version(),
        as_of=as_of,
        time_zone=settings.features.business_time_zone,
        horizon_days=settings.churn.primary_horizon_days,
        lead_days=settings.churn.lead_days,
        definition=settings.churn.definition,
        rfm_days=settings.rfm.window_days,
        active_days=settings.lifecycle.active_days,
        silent_days=settings.lifecycle.silent_days,
        groups={group: list(names) for group, names in settings.segments["groups"].items()},
        levels=[band["level"] for band in settings.risk.schemes[settings.risk.scheme]],
        mismatch_p_value=settings.measurement.mismatch_p_value,
        **current,
        **past,
        **intake,
        model=model,
        no_signal="" if model else no_signal(settings),
        tables=table_rows(tables, frames, context.run.inputs, as_of=as_of),
        campaigns=sorted_rows(campaigns),
    )


def current_figures(slices: Mapping[str, DataFrame], settings: Settings, keep: Keep) -> Row:
    """The contact list, segments, moves and drivers of one as_of.

    `slices`: gold tables by name without the schema, rows of this as_of only.
    """
    scores, segments = slices["customer_scores"], slices["customer_segments"]
    unit = at_risk_unit(scores)
    customers = keep(first_list.scored_customers(scores, segments, STAKES.get(unit)))
    return {
        # Five lifecycles; a few score bases and model versions.
        "lifecycles": {
            r["lifecycle"]: r["customers"]
            for r in sorted_rows(report_tables.lifecycle_counts(segments), "lifecycle")
        },
        "origins": sorted_rows(report_tables.score_counts(scores), "score_basis", "model_version"),
        "at_risk_unit": unit,
        **contact_list(slices, customers, settings, keep=keep),
        # At most: 12 segments; 12 x 12 moves plus new customers; one row per feature.
        "segments": in_order(
            settings.segments["groups"],
            sorted_rows(report_tables.segment_figures(segments, customers)),
        ),
        "moves": sorted_rows(slices["segment_migration"], "from_segment", "to_segment"),
        "drivers": sorted_rows(
            report_tables.driver_figures(slices["risk_factors"]), "-strength", "feature"
        ),
    }


def past_figures(
    frames: Mapping[str, DataFrame], settings: Settings, as_of: dt.date, *, keep: Keep
) -> Row:
    """Outcomes of earlier as_of dates, from labels whose window had ended by as_of.

    `frames`: labels, transactions (features), segments and scores (gold), of all dates.
    """
    churn = settings.churn
    labels = keep(report_tables.matured(frames["labels"], as_of))
    figures: Row = {}
    if churn.definition == "inactivity":
        horizons = [h for h in sorted(churn.horizons_days) if h >= LATER_DAYS]
        pairs = [(h, h + LATER_DAYS) for h in horizons if h + LATER_DAYS in horizons]
        shortest = labels.where(f"horizon_days IN ({', '.join(map(str, horizons[:2] or [0]))})")
        # One row per silence (0 and each horizon) and horizon (at most two).
        silent = report_tables.returns_by_silence(
            frames["transactions"], shortest, [0, *sorted(churn.horizons_days)]
        )
        figures["silences"] = sorted_rows(silent, "silent_days", "horizon_days")
        if pairs:
            # One row per pair of horizons.
            returns = report_tables.returns_after_horizon(labels, pairs)
            figures["returns"] = sorted_rows(returns, "horizon_days")
    primary = labels.where(f"horizon_days = {churn.primary_horizon_days}")
    segments, scores = frames["segments"], frames["scores"]
    dates = report_tables.latest_shared_as_of(segments, primary)
    tested = dates.collect()[0]["as_of"]  # one row
    if tested is not None:
        slices = [at_date(frame, tested) for frame in (segments, primary, scores)]
        # 12 segments x 5 lifecycles.
        figures["tested"] = sorted_rows(
            report_tables.churn_by_segment(*slices), "segment", "lifecycle"
        )
        figures["tested_as_of"] = tested
    return figures


def intake_figures(ingest_log: DataFrame, quarantine: DataFrame) -> Row:
    """The rows that ingest loaded, and the rows in quarantine."""
    # One row per source of conf; at most MOST_QUARANTINE_REASONS rows.
    sources = report_tables.ingest_figures(ingest_log)
    waiting = report_tables.quarantine_figures(quarantine, MOST_QUARANTINE_REASONS)
    return {
        "sources": sorted_rows(sources, "source"),
        "quarantined": sorted_rows(waiting, "-rows", "source", "reasons"),
    }


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
        plots=plots(registry, champion),
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


def plots(registry: Registry, champion: Registered) -> dict[str, bytes]:
    """The PNG files of the champion's run; files that are missing in the store are left out."""
    artifacts = registry.client.list_artifacts(champion.run_id, "plots")
    stored = {Path(artifact.path).name for artifact in artifacts}
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: Path(
                registry.client.download_artifacts(champion.run_id, f"plots/{name}", folder)
            ).read_bytes()
            for name in PLOTS
            if name in stored
        }


def table_rows(
    tables: Sequence[Table],
    frames: Mapping[str, DataFrame],
    versions: Mapping[str, int | None],
    *,
    as_of: dt.date,
) -> list[Row]:
    """One row per table: row count and Delta version.

    Tables with an as_of column are counted for this as_of, all others completely.
    """
    if not tables:
        return []
    # The outcome at as_of itself is not known yet, so labels are counted completely.
    sliced = {t.name for t in tables if "as_of" in t.column_names and t.name != "features.labels"}
    counted_frames = {
        name: at_date(frame, as_of) if name in sliced else frame for name, frame in frames.items()
    }
    counts = sorted_rows(report_tables.rows_by_table(counted_frames))  # one row per table
    rows = {r["table"]: r["rows"] for r in counts}
    return [
        {
            "table": t.name,
            "rows": rows[t.name],
            "is_for_as_of": t.name in sliced,
            "version": versions.get(t.name),
        }
        for t in tables
    ]


def in_order(groups: Mapping[str, Sequence[str]], figures: Sequence[Row]) -> list[Row]:
    """One row per segment of `groups`, in their order. Segments without customers have zeros."""
    by_name = {r["segment"]: r for r in figures}
    figures_of_none = ("customers", "revenue", "scored", "probability", "at_stake", "at_risk")
    zeros = dict.fromkeys(figures_of_none, 0)
    rows = []
    for group, names in groups.items():
        for name in names:
            row = {k: v for k, v in by_name.get(name, {}).items() if v is not None}
            rows.append({"segment": name, "segment_group": group} | zeros | row)
    return rows
