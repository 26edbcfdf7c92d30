"""Compare those who were sent an offer with those held out at random: did it work?"""

from __future__ import annotations

from typing import Any

from pipelines.offers.campaign_results import expected_conversion, power, power_said, results
from runtime.context import Context
from runtime.lakehouse.writes import Write


def run(context: Context) -> None:
    """gold.campaign_results of every campaign with a hold-out whose horizon has passed by as_of."""
    from transforms.campaign_outcomes import METRICS, measured_contacts, moments, outcomes

    context.needs("silver.campaign_contacts", "ingest")
    contacts = measured_contacts(
        context.read("silver.campaign_contacts"),
        context.read("gold.offer_decisions"),
        context.read("gold.outbox"),
    )
    tell_power(context, contacts)
    rows = outcomes(
        contacts,
        context.read("silver.transactions"),
        context.read("gold.customer_segments"),
        context.settings.churn.primary_horizon_days,
        context.as_of,
    )
    # Campaigns x offers x segments x arms.
    arms = [r.asDict() for r in moments(rows).collect()]
    found = results(arms, METRICS, context.settings.decisions.hold_out_share)
    if not found:
        days = context.settings.churn.primary_horizon_days
        context.progress.warn(
            f"no campaign with a random hold-out has had its {days} days by {context.as_of}: "
            "nothing can be measured."
        )
        return
    table = context.table("gold.campaign_results")
    records = [tuple(row[c] for c in table.column_names) for row in found]
    frame = context.spark.createDataFrame(records, table.ddl)
    context.write([Write(table, frame, mode="merge")])
    tell(context, found)


def tell_power(context: Context, contacts: Any) -> None:
    """What campaigns under way can find, before they have: too small a hold-out is seen in time."""
    from transforms.campaign_outcomes import arms_under_way

    horizon = context.settings.churn.primary_horizon_days
    arms = [r.asDict() for r in arms_under_way(contacts, horizon, context.as_of).collect()]
    if not arms:
        return
    scores = context.read("gold.customer_scores").where(f"as_of <= DATE'{context.as_of}'")
    share = context.settings.decisions.hold_out_share
    for row in power(arms, expected_conversion(scores), share):
        context.progress.say(f"      under way   {power_said(row)}")


def tell(context: Context, found: list[dict[str, Any]]) -> None:
    """How many campaigns, and how many effects their interval tells from nothing."""
    whole = [r for r in found if r["segment"] == "all" and r["metric"] == "conversion"]
    clear = [r for r in whole if r["p_value_corrected"] < 0.05]
    context.progress.say(
        f"      {len({r['campaign_id'] for r in found})} campaigns: of {len(whole)} offers, "
        f"{len(clear)} changed conversion beyond chance (p < 0.05, corrected)"
    )
