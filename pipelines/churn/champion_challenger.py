"""A/B tests of champion and challenger: outcomes of the customers that each of them scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.churn.ab_results import ab_results
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHALLENGER
from runtime.wording import plural
from transforms.model_ab import METRICS, arm_moments, by_customer, matured, scored_outcomes


def run(context: Context) -> None:
    """Write gold.model_ab for every experiment with an as_of whose horizon has passed."""
    churn = context.settings.churn
    span = (churn.primary_horizon_days, churn.lead_days)
    arms = matured(context.read("gold.model_arms"), *span, until=context.as_of)
    # Two rows per experiment and date. A date has one experiment.
    known = [r.asDict() for r in arms.collect()]
    if not known:
        context.progress.warn(
            f"A/B test of models: no experiment is {plural(sum(span), 'day')} old on "
            f"{context.as_of}, so "
            "there is nothing to compare. Set model_ab.challenger_share and run score_customers "
            "with a champion and a challenger."
        )
        return
    rows = scored_outcomes(
        arms,
        context.read("gold.customer_scores"),
        context.read("features.labels"),
        transactions=context.read("silver.transactions"),
        horizon_days=churn.primary_horizon_days,
        definition=churn.definition,
        lead_days=churn.lead_days,
    )
    sums = arm_moments(by_customer(rows, context.read("gold.customer_segments")))
    # Experiments x segments x arms.
    moments = [r.asDict() for r in sums.collect()]
    if not moments:
        days = sorted({str(r["as_of"]) for r in known})
        raise TableError(
            f"features.labels: has no label for {', '.join(days)}. The horizon has passed, so run "
            f"`spark-submit jobs/build_features.py --env {context.settings.env} --as-of {days[0]}` "
            "again."
        )
    results = ab_results(moments, METRICS, planned_shares(known))
    table = context.table("gold.model_ab")
    records = [tuple(row[c] for c in table.column_names) for row in results]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.write([Write(table, frame, mode="merge")])
    tell(context, results)


def planned_shares(arms: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """The planned share of each arm, by experiment: that of the experiment's last date."""
    shares: dict[str, dict[str, float]] = {}
    for row in sorted(arms, key=lambda r: r["as_of"]):
        shares.setdefault(row["experiment_id"], {})[row["arm"]] = row["share"]
    return shares


def tell(context: Context, results: Sequence[Mapping[str, Any]]) -> None:
    """Print the effects, and warn if the sizes of the arms differ from the planned shares."""
    for row in [r for r in results if r["arm"] == CHALLENGER]:
        context.progress.say(
            f"      {row['experiment_id']} {row['metric']:<17}{row['effect']:+.4f} "
            f"({row['ci_low']:+.4f} to {row['ci_high']:+.4f}), anytime p-value "
            f"{row['anytime_p_value']:.3f}"
        )
    for name in sorted({r["experiment_id"] for r in results if r["srm_p_value"] < 0.001}):
        context.progress.warn(
            f"{name}: sample ratio mismatch, the sizes of the arms differ from the planned shares "
            "(p < 0.001). The effects may be biased. Find what drops customers from one arm before "
            "you use them."
        )
