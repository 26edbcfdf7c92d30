"""Views of gold tables, beside the `_latest` views: a selection of columns and rows, or sums."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.features import AS_OF
from contracts.gold_monitoring import DRIFT
from contracts.gold_satisfaction import SATISFACTION
from contracts.gold_serving import INFERENCE_LOG
from contracts.table import Column


@dataclass(frozen=True)
class View:
    """One view of the latest as_of of a table. `condition`: the rows that it keeps, in SQL."""

    name: str
    row: str
    source: str
    columns: tuple[str, ...]
    condition: str


@dataclass(frozen=True)
class GroupedView:
    """One view over all as_of of a table. `query`: its SQL, in which {source} is the table."""

    name: str
    row: str
    source: str
    columns: tuple[Column, ...]
    query: str


OVERDUE_CUSTOMERS = View(
    name="gold.overdue_customers",
    row="One row per active or silent customer of the latest as_of who is overdue: silent for "
    "longer than the customer's usual gap between two purchases.",
    source="gold.customer_scores",
    columns=(
        "customer_id",
        "as_of",
        "days_overdue",
        "overdue_percentile",
        "next_purchase_on",
        "value_at_stake",
        "churn_probability",
    ),
    condition="days_overdue > 0",
)

_BASES = ("survey", "stars", "sentiment", "unknown")
_SHARES = ", ".join(
    f"avg(CAST(satisfaction_basis = '{basis}' AS double)) AS {basis}_share" for basis in _BASES
)

SATISFACTION_BY_SEGMENT = GroupedView(
    name="gold.satisfaction_by_segment",
    row="One row per as_of and segment, with the trend of satisfaction.",
    source=SATISFACTION.name,
    columns=(
        AS_OF,
        Column("segment", "string", "Segment at as_of", False),
        Column("customers", "bigint", "Customers of the segment", False),
        Column(
            "satisfaction_mean",
            "double",
            "Mean satisfaction_score of the customers who have one, 0 to 10; null: none has",
        ),
        Column(
            "satisfaction_change",
            "double",
            "satisfaction_mean minus that of the segment at the previous as_of of "
            "gold.satisfaction; null: unknown at one of the two",
        ),
        *(
            Column(f"{basis}_share", "double", f"Share of customers with basis {basis}, 0 to 1")
            for basis in _BASES
        ),
    ),
    # A segment without customers at the previous as_of has no change, hence the numbers of dates.
    query="SELECT as_of, segment, customers, satisfaction_mean, CASE WHEN lag(place) OVER "
    "(PARTITION BY segment ORDER BY as_of) = place - 1 THEN satisfaction_mean - "
    "lag(satisfaction_mean) OVER (PARTITION BY segment ORDER BY as_of) END AS "
    "satisfaction_change, survey_share, stars_share, sentiment_share, unknown_share FROM "
    "(SELECT as_of, segment, count(*) AS customers, avg(satisfaction_score) AS "
    f"satisfaction_mean, {_SHARES}, dense_rank() OVER (ORDER BY as_of) AS place FROM "
    "{source} GROUP BY as_of, segment) AS by_segment",
)

INFERENCE_TABLE = GroupedView(
    name="gold.inference_table",
    row="One row per answer of the prediction service, with the columns of Databricks' inference "
    "tables.",
    source=INFERENCE_LOG.name,
    columns=(
        Column("request_date", "date", "Day of request_time (UTC)", False),
        Column("databricks_request_id", "string", "request_id of gold.inference_log", False),
        Column("request_time", "timestamp", "When the request arrived (UTC)", False),
        Column("status_code", "int", "HTTP status of the answer", False),
        Column("execution_duration_ms", "bigint", "Time until the answer was ready", False),
        Column("request", "string", "The features as a JSON object"),
        Column("response", "string", "The answer as a JSON object; null: not scored"),
        Column("served_entity_id", "string", "Version in the model registry; null: not scored"),
    ),
    query="SELECT CAST(request_at AS date) AS request_date, request_id AS databricks_request_id, "
    "request_at AS request_time, status AS status_code, "
    "CAST(duration_ms AS bigint) AS execution_duration_ms, features AS request, "
    "'{{\"churn_probability\":' || CAST(churn_probability AS string) || '}}' AS response, "
    "model_version AS served_entity_id FROM {source} WHERE arm <> 'shadow'",
)

_STATISTICS = {
    "wasserstein_distance": "wasserstein",
    "population_stability_index": "psi",
    "tv_distance": "total_variation",
}

DRIFT_METRICS = GroupedView(
    name="gold.drift_metrics",
    row="One row per as_of and column, with the column names of Databricks' drift metrics table.",
    source=DRIFT.name,
    columns=(
        AS_OF,
        Column("column_name", "string", "Feature, or churn_probability", False),
        Column("drift_type", "string", "BASELINE: compared with the training sample", False),
        Column(
            "wasserstein_distance",
            "double",
            "In standard deviations of the training sample (Databricks: in units of the column); "
            "null: a text",
        ),
        Column("population_stability_index", "double", "PSI over the bins of the sample"),
        Column("tv_distance", "double", "Total variation; null: a number"),
        Column("percent_null_delta", "double", "Change of the share of nulls, per cent"),
    ),
    query="SELECT as_of, feature AS column_name, 'BASELINE' AS drift_type, "
    + ", ".join(
        f"max(CASE WHEN statistic = '{statistic}' THEN value END) AS {name}"
        for name, statistic in _STATISTICS.items()
    )
    + ", 100 * max(CASE WHEN statistic = 'missing_share' THEN value END) AS percent_null_delta "
    "FROM {source} WHERE model_version IS NOT NULL GROUP BY as_of, feature",
)

VIEWS: tuple[View | GroupedView, ...] = (
    OVERDUE_CUSTOMERS,
    SATISFACTION_BY_SEGMENT,
    INFERENCE_TABLE,
    DRIFT_METRICS,
)
