"""Read the report's data from the lake: a few hundred rows, whatever the size of the lake."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from contracts.bronze import source_table
from contracts.table import Table
from pipelines.churn.feature_families import family_of
from pipelines.offers.consent import opt_outs
from pipelines.reporting.contact_list import STAKES, at_risk_unit, contact_list
from pipelines.reporting.history_queries import past_figures
from pipelines.reporting.model_queries import champion_data, no_signal
from pipelines.reporting.report_data import (
    MOST_QUARANTINE_REASONS,
    ReportData,
    Row,
    sorted_rows,
)
from runtime.parallel import side_by_side
from runtime.run_info import code_version
from runtime.settings.offers import load_offers
from transforms import first_list, report_tables, report_trend
from transforms.slices import at_date

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context
    from runtime.settings import Settings

    # Computes a frame once; the lake frees it later.
    Keep = Callable[[DataFrame], DataFrame]

# The next purchase is due within this many days.
DUE_DAYS = 30
OF_AS_OF = (
    "customer_scores",
    "customer_segments",
    "customer_lifetime",
    "risk_factors",
    "segment_migration",
    "offer_decisions",
    "retention_plan",
    "strategy_comparison",
)


def gather(context: Context) -> ReportData:
    """Read the lake and the model registry. Data that does not exist stays empty."""
    settings, lake, as_of = context.settings, context.lake, context.as_of
    slices = {name: at_date(context.read(f"gold.{name}"), as_of) for name in OF_AS_OF}
    unit = at_risk_unit(slices["customer_scores"])
    history = {
        "labels": context.read("features.labels"),
        "transactions": context.read("features.transactions"),
        "segments": context.read("gold.customer_segments"),
        "scores": context.read("gold.customer_scores"),
    }
    intake = [
        context.read(name)
        for name in ("bronze.ingest_log", "silver.quarantine", "silver.transactions")
    ]
    profiles, compared = opt_outs(context), context.read("gold.model_comparison")
    # Small queries: one leaves cores idle while its next stage is planned.
    parts: list[Callable[[], Row]] = [
        lambda: current_figures(
            slices, settings, as_of, unit=unit, keep=lake.keep, profiles=profiles
        ),
        lambda: past_figures(history, settings, as_of, stake=STAKES.get(unit), keep=lake.keep),
        lambda: intake_figures(*intake, as_of=as_of),
        lambda: {"model": champion_data(settings, compared)},
    ]
    figures: Row = {}
    for part in answers(context, parts):
        figures |= part
    lake.forget()
    bronze = [source_table(name, {}) for name in settings.sources]
    tables = [t for t in (*bronze, *context.tables.values()) if lake.exists(t.name)]
    frames = {t.name: lake.read(t) for t in tables}
    campaigns = context.read("gold.campaign_results").where("segment = 'all'")
    return ReportData(
        env=settings.env,
        root=settings.lakehouse.catalog or settings.root.name,
        code=code_version(),
        as_of=as_of,
        scored_at=lake.written_at("gold.customer_scores"),
        **settings_figures(settings),
        **figures,
        no_signal="" if figures["model"] else no_signal(settings),
        tables=table_rows(tables, frames, context.run.inputs, as_of=as_of),
        campaigns=sorted_rows(campaigns),
    )


def answers(context: Context, queries: Sequence[Callable[[], Row]]) -> list[Row]:
    """The results of independent queries: in parallel on Spark, one by one on DuckDB."""
    if context.engine != "spark":
        return [query() for query in queries]
    return side_by_side(context.spark, lambda query: query(), queries, at_once=len(queries))


def settings_figures(settings: Settings) -> Row:
    """What the report says about the settings."""
    return {
        "time_zone": settings.features.business_time_zone,
        "horizon_days": settings.churn.primary_horizon_days,
        "lead_days": settings.churn.lead_days,
        "definition": settings.churn.definition,
        "rfm_days": settings.rfm.window_days,
        "active_days": settings.lifecycle.active_days,
        "silent_days": settings.lifecycle.silent_days,
        "groups": {group: list(names) for group, names in settings.segments["groups"].items()},
        "levels": [band["level"] for band in settings.risk.schemes[settings.risk.scheme]],
        "mismatch_p_value": settings.measurement.mismatch_p_value,
        "budget": settings.decisions.budget,
        "report": settings.report.in_currency(settings.currency),
        "segment_rules": list(settings.segments["rules"]),
        "offer_terms": {name: offer.texts["en"].terms for name, offer in load_offers().items()},
    }


def current_figures(
    slices: Mapping[str, DataFrame],
    settings: Settings,
    as_of: dt.date,
    *,
    unit: str,
    keep: Keep,
    profiles: DataFrame,
) -> Row:
    """The contact list, segments, values, reasons, moves and drivers of one as_of.

    `slices`: gold tables by name without the schema, rows of this as_of only. `unit`: from
    `at_risk_unit`. `profiles`: from `opt_outs`.
    """
    scores, segments = slices["customer_scores"], slices["customer_segments"]
    customers = keep(first_list.scored_customers(scores, segments, STAKES.get(unit)))
    due_before = as_of + dt.timedelta(days=DUE_DAYS)
    return {
        # Five lifecycles; a few score bases and model versions.
        "lifecycles": {
            r["lifecycle"]: r["customers"]
            for r in sorted_rows(report_tables.lifecycle_counts(segments), "lifecycle")
        },
        "origins": sorted_rows(report_tables.score_counts(scores), "score_basis", "model_version"),
        "at_risk_unit": unit,
        **contact_list(slices, customers, settings, profiles=profiles, keep=keep),
        # At most: 12 segments; 12 x 12 moves plus new customers; one row per feature.
        "segments": in_order(
            settings.segments["groups"],
            sorted_rows(report_tables.segment_figures(segments, customers)),
        ),
        "moves": sorted_rows(slices["segment_migration"], "from_segment", "to_segment"),
        "drivers": [
            row | {"family": family_of(row["feature"], settings.training.feature_families)}
            for row in sorted_rows(
                report_tables.driver_figures(slices["risk_factors"]), "-strength", "feature"
            )
        ],
        # 12 segments; six reasons x five bases; one row.
        "values": sorted_rows(
            report_trend.value_by_segment(scores, segments, due_before), "segment"
        ),
        "reasons": sorted_rows(
            report_trend.reason_figures(scores), "-customers", "main_reason", "reason_basis"
        ),
        "gone_for_good": sorted_rows(
            report_trend.gone_for_good(slices["customer_lifetime"], scores)
        )[0],
    }


def intake_figures(
    ingest_log: DataFrame, quarantine: DataFrame, transactions: DataFrame, *, as_of: dt.date
) -> Row:
    """The rows that ingest loaded, the rows in quarantine, and how fresh the data are."""
    # One row per source of conf; at most MOST_QUARANTINE_REASONS rows.
    sources = report_tables.ingest_figures(ingest_log)
    waiting = report_tables.quarantine_figures(quarantine, MOST_QUARANTINE_REASONS)
    return {
        "sources": sorted_rows(sources, "source"),
        "quarantined": sorted_rows(waiting, "-rows", "source", "reasons"),
        **{
            name: text and dt.datetime.fromisoformat(text)
            for name, text in sorted_rows(report_trend.last_times(transactions, ingest_log, as_of))[
                0
            ].items()  # one row
        },
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
