"""A/B of champion and challenger: what came of the customers that each of them scored."""

from __future__ import annotations

from typing import Any

from pipelines.churn.ab_results import ab_results
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHALLENGER


def run(context: Context) -> None:
    """gold.model_ab of every experiment with an as_of whose horizon has passed by as_of."""
    from transforms.model_ab import METRICS, arm_moments, by_customer, matured, scored_outcomes

    churn = context.settings.churn
    span = (churn.primary_horizon_days, churn.lead_days)
    arms = matured(context.read("gold.model_arms"), *span, context.as_of)
    # An experiment has two arms a date; a date has one experiment.
    known = [r.asDict() for r in arms.collect()]
    if not known:
        context.progress.warn(
            f"no experiment on models has had its {sum(span)} days by {context.as_of}: nothing can "
            "be compared. Set model_ab.challenger_share, and score with champion and challenger."
        )
        return
    rows = scored_outcomes(
        arms,
        context.read("gold.customer_scores"),
        context.read("features.labels"),
        context.read("silver.transactions"),
        churn.primary_horizon_days,
        churn.definition,
        churn.lead_days,
    )
    sums = arm_moments(by_customer(rows, context.read("gold.customer_segments")))
    # Experiments x segments x arms.
    moments = [r.asDict() for r in sums.collect()]
    if not moments:
        days = sorted({str(r["as_of"]) for r in known})
        raise TableError(
            f"features.labels: has no label for {', '.join(days)}. Run `spark-submit "
            f"jobs/build_features.py --env {context.settings.env} --as-of {days[0]}` again, now "
            "that the horizon has passed."
        )
    # What the last of an experiment's dates meant holds for it.
    shares: dict[str, dict[str, float]] = {}
    for row in sorted(known, key=lambda r: r["as_of"]):
        shares.setdefault(row["experiment_id"], {})[row["arm"]] = row["share"]
    found = ab_results(moments, METRICS, shares)
    table = context.table("gold.model_ab")
    records = [tuple(row[c] for c in table.column_names) for row in found]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.write([Write(table, frame, mode="merge")])
    tell(context, found)


def tell(context: Context, found: list[dict[str, Any]]) -> None:
    """The effects, and a warning where the arms are not as they were meant."""
    for row in [r for r in found if r["arm"] == CHALLENGER]:
        context.progress.say(
            f"      {row['experiment_id']} {row['metric']:<17}{row['effect']:+.4f} "
            f"({row['ci_low']:+.4f} to {row['ci_high']:+.4f}), p at any time "
            f"{row['anytime_p_value']:.3f}"
        )
    for name in sorted({r["experiment_id"] for r in found if r["srm_p_value"] < 0.001}):
        context.progress.warn(
            f"{name}: the arms have other sizes than were meant (p < 0.001). Look for what drops "
            "customers before you read the effects."
        )
