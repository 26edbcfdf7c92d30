"""Measure campaigns: compare customers who got an offer with their random control group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipelines.offers import campaign_screen
from pipelines.offers.campaign_results import (
    CampaignResult,
    expected_conversion,
    power,
    power_said,
    results,
)
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.wording import plural
from transforms.campaign_outcomes import (
    METRICS,
    arms_under_way,
    measured_contacts,
    moments,
    outcomes,
)
from transforms.text_results import text_results

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def run(context: Context) -> None:
    """Write the results of campaigns with a control group whose horizon ends by as_of.

    gold.campaign_results compares treated and held-out customers, gold.text_results the texts of
    messages.
    """
    context.needs("silver.campaign_contacts", "ingest")
    contacts = measured_contacts(
        context.read("silver.campaign_contacts"),
        context.read("gold.offer_decisions"),
        context.read("gold.outbox"),
    )
    say_power(context, contacts)
    measurement = context.settings.measurement
    warn_of_unknown(context, contacts)
    horizon = context.settings.churn.primary_horizon_days
    outcome_rows = outcomes(
        contacts,
        context.read("silver.transactions"),
        context.read("gold.customer_segments"),
        horizon_days=horizon,
        observed_until=context.as_of,
    )
    rows = context.lake.keep(outcome_rows)
    # Campaigns x offers x segments x arms.
    arms = [r.asDict() for r in moments(rows).collect()]
    hold_out_share = context.settings.decisions.hold_out_share
    intended = measurement.intended_shares({arm["campaign_id"] for arm in arms})
    measured = results(arms, METRICS, hold_out_share, intended=intended)
    if not measured:
        context.lake.forget()
        context.progress.warn(
            f"No campaign was measured: by {context.as_of} no campaign with a random control group "
            f"has completed its horizon of {plural(horizon, 'day')}."
        )
        return
    table = context.table("gold.campaign_results")
    rows_by_column: Sequence[Mapping[str, object]] = measured
    records = [tuple(row[c] for c in table.column_names) for row in rows_by_column]
    frame = context.spark.createDataFrame(records, table.ddl)
    of_texts = context.table("gold.text_results")
    texts = text_results(rows, context.read("gold.messages")).select(*of_texts.column_names)
    writes = [Write(table, frame, mode="merge"), Write(of_texts, texts, mode="merge")]
    context.write(writes)
    context.lake.forget()
    context.progress.say(f"      {summary(measured)}")
    say_effects(context, measured)


def say_effects(context: Context, measured: Sequence[CampaignResult]) -> None:
    """Print the effects of the newest campaigns. Warn of groups whose sizes are not as planned."""
    for line in campaign_screen.effect_lines(measured):
        context.progress.say(f"      {line}")
    alarm = context.settings.measurement.mismatch_p_value
    for warning in campaign_screen.mismatches(measured, alarm):
        context.progress.warn(warning)
    if (sentence := campaign_screen.untested(measured)) is not None:
        context.progress.say(f"      {sentence}")


def warn_of_unknown(context: Context, contacts: DataFrame) -> None:
    """Warn if conf names campaigns that have no contact with a random control group."""
    stated = context.settings.measurement.campaigns
    if not stated:
        return
    known = {r["campaign_id"] for r in contacts.select("campaign_id").distinct().collect()}
    if (warning := campaign_screen.not_measured(stated, known)) is not None:
        context.progress.warn(warning)


def say_power(context: Context, contacts: DataFrame) -> None:
    """Report the effects that running campaigns can detect, to spot small control groups early."""
    horizon = context.settings.churn.primary_horizon_days
    # Campaigns x offers x 2.
    arms = [r.asDict() for r in arms_under_way(contacts, horizon, context.as_of).collect()]
    if not arms:
        return
    scores = context.read("gold.customer_scores").where(f"as_of <= DATE'{context.as_of}'")
    share = context.settings.decisions.hold_out_share
    for row in power(arms, expected_conversion(scores), share):
        context.progress.say(f"      under way   {power_said(row)}")


def summary(measured: Sequence[CampaignResult]) -> str:
    """The number of campaigns, and of the offers that changed conversion significantly."""
    whole = [r for r in measured if r["segment"] == "all" and r["metric"] == "conversion"]
    clear = [r for r in whole if r["p_value_corrected"] < 0.05]
    campaigns = len({r["campaign_id"] for r in measured})
    return (
        f"{plural(campaigns, 'campaign')} measured: {len(clear)} of {plural(len(whole), 'offer')} "
        "changed conversion significantly (corrected p < 0.05)"
    )
