"""The main job: ingestion, features, models, scores, plan and report in one Spark session."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from functools import partial

from pipelines import finished_run
from pipelines.churn import churn_training, customer_scoring
from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from pipelines.ingestion import source_ingestion
from pipelines.ingestion.source_ingestion import IngestOptions
from pipelines.lifetime import lifetime_fitting
from pipelines.offers import (
    campaign_measurement,
    observational,
    offer_planning,
    retention_planning,
    uplift_estimation,
)
from pipelines.offers.uplift_campaigns import own_campaigns, past_campaigns
from pipelines.outreach import message_writing, outbox_delivery
from pipelines.reporting.report import next_step, write_report
from pipelines.simulation import company_files
from runtime.context import Context
from runtime.machine import lack_of_disk, local_bytes, machine_text
from runtime.wording import duration

# Days of simulated answers: one month in which offers are sent, and one to measure their effect.
ANSWER_DAYS = 60
# Days after as_of on which messages are delivered: within that month, and before the offer
# expires or the customer's likely churn date passes. A message that is sent on the first day may be
# close to that date; a later one is sent 14 days before it.
DELIVERIES = (1, 10, 20, 30)


def run(context: Context) -> None:
    """Run every step in order. Each step prints the tables that it wrote."""
    progress = context.progress
    began = time.monotonic()
    is_simulated = context.settings.simulation is not None
    tell_machine(context)
    progress.expect(9 + 10 * is_simulated)
    if is_simulated:
        with progress.step("simulate: source files of a company"):
            company_files.run(context)
    with progress.step("ingest: sources to bronze and silver"):
        source_ingestion.run(context)
    state = None if is_simulated or context.is_dry else finished_run.state_of(context)
    done = finished_run.finished_with(context, state)
    for name, step in model_steps(context):
        with progress.step(name):
            if done is None:
                step()
            else:
                progress.say(f"      unchanged   skipped: run {done[:12]} had the same inputs")
    if is_simulated:
        campaign_loop(context)
    with progress.step("report"):
        report(context)
    if state is not None and done is None:
        finished_run.record(context, finished_run.state_of(context))
    progress.say(f"Finished in {duration(time.monotonic() - began)}.")
    progress.say(next_step(context.settings.root, is_dry=context.is_dry))


def model_steps(context: Context) -> list[tuple[str, Callable[[], None]]]:
    """The steps after ingest by name, up to the plan. They depend on tables and settings only."""
    # The date one horizon earlier is scored too: for segment migration and to back-test plans.
    before = context.as_of - context.settings.churn.wait
    days = (before, context.as_of)
    return [
        (
            "build_features: one row per customer and date",
            partial(feature_tables.run, context),
        ),
        ("train_churn: fit, test and register models", partial(churn_training.run, context)),
        *[(f"fit_lifetime: {d}", partial(lifetime_fitting.run, context.at(d))) for d in days],
        *[(f"score_customers: {d}", partial(customer_scoring.run, context.at(d))) for d in days],
        (
            "plan_retention: customers to retain within the budget",
            partial(retention_planning.run, context),
        ),
    ]


def tell_machine(context: Context) -> None:
    """Print what the run has at its disposal. Warn if the disk is likely to be too small."""
    sources = context.settings.sources.items()
    size = local_bytes({name: source.path for name, source in sources if source.path})
    root = context.settings.root
    context.progress.say(machine_text(root, size))
    context.progress.say(
        "A first run takes minutes: 7 for 1.5 million receipt lines of 2,500 customers on 2 cores."
    )
    if lacking := lack_of_disk(root, size):
        context.progress.warn(lacking)


def campaign_loop(context: Context) -> None:
    """Estimate effects, decide and send offers, simulate the answers, measure the result."""
    progress = context.progress
    later = context.as_of + dt.timedelta(days=ANSWER_DAYS)
    with progress.step("build_features: days of past campaigns"):
        days = past_campaigns(context)
        other_days = {*observational.past_campaigns(context), *own_campaigns(context)}
        campaign_days = sorted({*days, *other_days})
        if campaign_days:
            feature_tables.run(context, FeatureOptions(campaign_days))
    with progress.step("score_customers: day of the last randomised campaign"):
        if days and not context.is_dry:
            customer_scoring.run(context.at(days[-1]))
    with progress.step("estimate_uplift: effects of the offers and value of the policies"):
        if not context.is_dry:
            uplift_estimation.run(context)
    with progress.step("decide_offers: one offer or none per customer"):
        if not context.is_dry:
            offer_planning.run(context)
    with progress.step("write_messages"):
        if not context.is_dry:
            message_writing.run(context)
            if company_files.approve(context):
                message_writing.run(context)
    with progress.step("deliver_outbox: all messages"):
        if not context.is_dry:
            company_files.book(context)
            for days_later in DELIVERIES:
                day = context.as_of + dt.timedelta(days=days_later)
                outbox_delivery.run(context.at(day))
    with progress.step(f"simulate: answers of the customers until {later}"):
        company_files.answer(context, ANSWER_DAYS + 1)
    with progress.step("ingest: the answers"):
        moment = dt.datetime.combine(later, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=1)
        source_ingestion.run(context, IngestOptions(known_at=moment))
    with progress.step(f"measure_campaigns: {later}"):
        if not context.is_dry:
            campaign_measurement.run(context.at(later))


def report(context: Context) -> None:
    """Print the summary and write report.html."""
    if context.is_dry:
        context.progress.say("      would write report.html")
        return
    write_report(context)
