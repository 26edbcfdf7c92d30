"""What the report says, as plain numbers: a few hundred rows, whatever the size of the lake."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from contracts.bronze import source_table
from contracts.table import Table
from runtime.context import Context
from runtime.model_registry import CHAMPION, Registered, Registry
from runtime.run_info import code_version

Row = dict[str, Any]

MOST_CUSTOMERS = 20
MOST_REASONS = 3
MOST_QUARANTINE_REASONS = 20
LATER_DAYS = 30
# Segments of these groups are called safe; product.md names the groups.
SAFE_GROUPS = ("High-value", "Loyal")
PLOTS = ("roc.png", "calibration.png", "drivers.png")


@dataclass(frozen=True)
class ModelFacts:
    """The champion, its test figures beside the baselines, and its pictures (name -> PNG)."""

    name: str
    version: str
    trained_on: tuple[str, ...]
    tested_on: str
    promotion: str
    figures: list[Row]
    plots: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """All that the page and the closing summary show. Where a list is empty, they say so."""

    env: str
    root: str
    code: str
    as_of: dt.date
    horizon_days: int
    lead_days: int
    definition: str
    rfm_days: int
    active_days: int
    silent_days: int
    groups: dict[str, list[str]]
    levels: list[str]
    tables: list[Row] = field(default_factory=list)
    lifecycles: dict[str, int] = field(default_factory=dict)
    origins: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)
    segments: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    model: ModelFacts | None = None
    drivers: list[Row] = field(default_factory=list)
    silences: list[Row] = field(default_factory=list)
    returns: list[Row] = field(default_factory=list)
    tested_as_of: dt.date | None = None
    tested: list[Row] = field(default_factory=list)
    sources: list[Row] = field(default_factory=list)
    quarantined: list[Row] = field(default_factory=list)
    campaigns: list[Row] = field(default_factory=list)

    @property
    def segment_order(self) -> list[str]:
        """The segments as conf's groups list them, from the best to the lost."""
        return [name for names in self.groups.values() for name in names]

    @property
    def safe_segments(self) -> list[str]:
        return [name for group in SAFE_GROUPS for name in self.groups.get(group, [])]

    @property
    def known(self) -> int:
        return sum(self.lifecycles.values())


def gather(context: Context) -> Facts:
    """Read the lake and the registry. What is missing stays empty."""
    settings = context.settings
    now = of_as_of(context, context.as_of)
    return Facts(
        env=settings.env,
        root=settings.lakehouse.catalog or settings.root.name,
        code=code_version(),
        as_of=context.as_of,
        horizon_days=settings.churn.primary_horizon_days,
        lead_days=settings.churn.lead_days,
        definition=settings.churn.definition,
        rfm_days=settings.rfm.window_days,
        active_days=settings.lifecycle.active_days,
        silent_days=settings.lifecycle.silent_days,
        groups={group: list(names) for group, names in settings.segments["groups"].items()},
        levels=[band["level"] for band in settings.risk.schemes[settings.risk.scheme]],
        **now,
        **of_the_past(context),
        **of_the_intake(context),
        model=of_the_model(context),
        tables=table_rows(context),
        campaigns=sorted_rows(context.read("gold.campaign_results").where("segment = 'all'")),
    )


def of_as_of(context: Context, day: dt.date) -> Row:
    """The customers, segments, moves and drivers of one as_of."""
    from transforms import report_tables as tables

    slices = {
        name: context.slice(f"gold.{name}", day)
        for name in ("customer_scores", "customer_segments", "risk_factors", "segment_migration")
    }
    scores, segments = slices["customer_scores"], slices["customer_segments"]
    customers = context.lake.keep(tables.scored_customers(scores, segments))
    first = context.lake.keep(tables.first_to_act_on(customers, MOST_CUSTOMERS))
    found = {
        # Five lifecycles; a handful of bases and model versions.
        "lifecycles": {
            r["lifecycle"]: r["customers"]
            for r in sorted_rows(tables.lifecycle_counts(segments), "lifecycle")
        },
        "origins": sorted_rows(tables.score_counts(scores), "score_basis", "model_version"),
        # MOST_CUSTOMERS rows, and at most five factors each.
        "customers": with_reasons(
            sorted_rows(first, "-revenue_at_risk", "customer_id"),
            sorted_rows(tables.rising_factors(slices["risk_factors"], first), "rank"),
        ),
        # Twelve segments; their square and the newcomers; a row a feature of the contracts.
        "segments": in_order(context, sorted_rows(tables.segment_figures(segments, customers))),
        "moves": sorted_rows(slices["segment_migration"], "from_segment", "to_segment"),
        "drivers": sorted_rows(
            tables.driver_figures(slices["risk_factors"]), "-strength", "feature"
        ),
    }
    context.lake.forget()
    return found


def of_the_past(context: Context) -> Row:
    """What became of the customers of earlier as_of dates, by labels that had matured by as_of."""
    from transforms import report_tables as tables

    churn = context.settings.churn
    labels = context.lake.keep(tables.matured(context.read("features.labels"), context.as_of))
    found: Row = {}
    if churn.definition == "inactivity":
        horizons = [h for h in sorted(churn.horizons_days) if h >= LATER_DAYS]
        pairs = [(h, h + LATER_DAYS) for h in horizons if h + LATER_DAYS in horizons]
        recency = context.read("features.transactions")
        wanted = labels.where(f"horizon_days IN ({', '.join(map(str, horizons[:2] or [0]))})")
        # Nobody's and each window's silence, times two horizons; a row a pair of horizons.
        silent = tables.returns_by_silence(recency, wanted, [0, *sorted(churn.horizons_days)])
        found["silences"] = sorted_rows(silent, "silent_days", "horizon_days")
        if pairs:
            again = tables.returns_after_horizon(labels, pairs)
            found["returns"] = sorted_rows(again, "horizon_days")
    labels = labels.where(f"horizon_days = {churn.primary_horizon_days}")
    segments, scores = context.read("gold.customer_segments"), context.read("gold.customer_scores")
    tested = tables.latest_shared_as_of(segments, labels).collect()[0]["as_of"]  # one row
    if tested is not None:
        then = [f.where(f"as_of = DATE'{tested}'") for f in (segments, labels, scores)]
        # Twelve segments times five lifecycles.
        found["tested"] = sorted_rows(tables.churn_by_segment(*then), "segment", "lifecycle")
        found["tested_as_of"] = tested
    context.lake.forget()
    return found


def of_the_intake(context: Context) -> Row:
    """What ingest took in, and what waits in quarantine."""
    from transforms import report_tables as tables

    # A row a source of conf; MOST_QUARANTINE_REASONS rows.
    sources = sorted_rows(tables.ingest_figures(context.read("bronze.ingest_log")), "source")
    waiting = tables.quarantine_figures(context.read("silver.quarantine"), MOST_QUARANTINE_REASONS)
    return {
        "sources": sources,
        "quarantined": sorted_rows(waiting, "-rows", "source", "reasons"),
    }


def of_the_model(context: Context) -> ModelFacts | None:
    """The champion of the registry with the figures of its own run; None: there is none."""
    from models.portable import PortableModel

    registry = Registry(context.settings)
    champion = registry.by_alias(CHAMPION)
    if champion is None:
        return None
    facts = PortableModel.from_json(champion.portable).metadata
    run = registry.client.get_run(champion.run_id)
    return ModelFacts(
        name=facts.get("model_name", champion.name),
        version=champion.version,
        trained_on=tuple(facts.get("trained_on", ())),
        tested_on=facts.get("tested_on", ""),
        promotion=run.data.tags.get("promotion", ""),
        figures=test_figures(context, facts.get("model_name", champion.name), champion.version),
        plots=plots(registry, champion),
    )


def test_figures(context: Context, name: str, version: str) -> list[Row]:
    """The test rows of gold.model_comparison of the run that made this version."""
    comparison = context.read("gold.model_comparison").where(
        f"split = 'test' AND data_set = '{context.settings.env}'"
        f" AND horizon_days = {context.settings.churn.primary_horizon_days}"
    )
    # Models of other families number their versions on their own.
    mine = comparison.where(f"model_name = '{name}' AND model_version = '{version}'")
    mine = mine.select("trained_at").distinct()
    rows = comparison.join(mine, on="trained_at", how="left_semi")
    # Some models times two populations times some twenty metrics.
    return sorted_rows(rows, "population", "model_name", "metric")


def plots(registry: Registry, champion: Registered) -> dict[str, bytes]:
    """The PNG files of the champion's run; one that the store lacks is left out."""
    there = {Path(f.path).name for f in registry.client.list_artifacts(champion.run_id, "plots")}
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: Path(
                registry.client.download_artifacts(champion.run_id, f"plots/{name}", folder)
            ).read_bytes()
            for name in PLOTS
            if name in there
        }


def table_rows(context: Context) -> list[Row]:
    """Each table that exists: rows (of as_of, where it has one, else all) and Delta version."""
    from transforms.report_tables import rows_by_table

    bronze = [source_table(name, {}, is_personal=False) for name in context.settings.sources]
    known: list[Table] = [*bronze, *context.tables.values()]
    there = [t for t in known if context.lake.exists(t.name)]
    if not there:
        return []
    frames = {t.name: context.lake.read(t) for t in there}
    # Labels of as_of itself cannot have matured.
    sliced = {t.name for t in there if "as_of" in t.column_names and t.name != "features.labels"}
    frames = {
        name: frame.where(f"as_of = DATE'{context.as_of}'") if name in sliced else frame
        for name, frame in frames.items()
    }
    counted = {r["table"]: r["rows"] for r in sorted_rows(rows_by_table(frames))}  # a row a table
    return [
        {
            "table": t.name,
            "rows": counted[t.name],
            "is_of_as_of": t.name in sliced,
            "version": context.run.inputs.get(t.name),
        }
        for t in there
    ]


def with_reasons(customers: Sequence[Row], factors: Sequence[Row]) -> list[Row]:
    """Each customer with the `factors` that raise the risk most, strongest first."""
    return [
        c | {"factors": [f for f in factors if f["customer_id"] == c["customer_id"]][:MOST_REASONS]}
        for c in customers
    ]


def in_order(context: Context, found: Sequence[Row]) -> list[Row]:
    """All segments of conf, those without a customer too, as its groups list them."""
    by_name = {r["segment"]: r for r in found}
    nothing = dict.fromkeys(("customers", "revenue", "scored", "probability", "revenue_at_risk"), 0)
    rows = []
    for group, names in context.settings.segments["groups"].items():
        for name in names:
            row = {k: v for k, v in by_name.get(name, {}).items() if v is not None}
            rows.append({"segment": name, "segment_group": group} | nothing | row)
    return rows


def sorted_rows(frame: Any, *keys: str) -> list[Row]:
    """A small frame as dictionaries, by the keys; "-" before a number: descending. Nulls first."""
    rows = [r.asDict() for r in frame.collect()]  # bounded by the caller, who says how
    return sorted(rows, key=lambda row: [_place(row, key) for key in keys])


def _place(row: Row, key: str) -> tuple[bool, Any]:
    value = row[key.removeprefix("-")]
    if value is None:
        return False, 0
    return True, -value if key.startswith("-") else value
