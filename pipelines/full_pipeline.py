"""The main job: ingestion, features, models, scores, plan and report in one Spark session."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from pipelines import finished_run
from pipelines.churn import (
    churn_training,
    customer_scoring,
    model_deployment,
    model_validation,
)
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
from pipelines.reporting.report import write_report
from pipelines.reporting.report_data import ReportData
from pipelines.reporting.result_lines import DRY_RUN, result_lines
from pipelines.simulation import company_files
from runtime.context import Context
from runtime.machine import lack_of_disk, local_bytes, machine_text
from runtime.run_estimate import estimate_text
from runtime.wording import duration

# Days of simulated answers: one month in which offers are sent, and one to measure their effect.
ANSWER_DAYS = 60
# Days after as_of on which messages are delivered: within that month, and before the offer
# expires or the customer's likely churn date passes. A message that is sent on the first day may be
# close to that date; a later one is sent 14 days before it.
DELIVERIES = (1, 10, 20, 30)


def run(context: Context) -> None:
    """Run every step in order. Each step prints the tables that it wrote."""
    with context.leases.of_command("run_pipeline"):
        run_steps(context)


@contextmanager
def step(context: Context, title: str) -> Iterator[None]:
    """One step, with the leases of its command. title: the command, then `: ` and details."""
    command = title.partition(":")[0]
    with context.progress.step(title), context.leases.of_command(command):
        yield


def run_steps(context: Context) -> None:
    """The steps, in the order in which each one's input is complete."""
    progress = context.progress
    began = time.monotonic()
    is_simulated = context.settings.simulation is not None
    tell_machine(context)
    progress.expect(11 + 10 * is_simulated)
    if is_simulated:
        with step(context, "simulate: source files of a company"):
            company_files.run(context)
    with step(context, "ingest: sources to bronze and silver"):
        source_ingestion.run(context)
    state = None if is_simulated or context.is_dry else finished_run.state_of(context)
    done = finished_run.finished_with(context, state)
    for title, command in model_steps(context):
        with step(context, title):
            if done is None:
                command()
            else:
                progress.say(f"      unchanged   skipped: run {done[:12]} had the same inputs")
    if is_simulated:
        campaign_loop(context)
    with step(context, "report"):
        data = report(context)
    if state is not None and done is None:
        finished_run.record(context, finished_run.state_of(context))
    took = duration(time.monotonic() - began)
    root = context.settings.root
    for line in [DRY_RUN] if data is None else result_lines(data, root, took):
        progress.say(line)


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
        ("validate_model: challenger against champion", partial(model_validation.run, context)),
        ("deploy_model: champion of the next scores", partial(model_deployment.run, context)),
        *[(f"fit_lifetime: {d}", partial(lifetime_fitting.run, context.at(d))) for d in days],
        *[(f"score_customers: {d}", partial(customer_scoring.run, context.at(d))) for d in days],
        (
            "plan_retention: customers to retain within the budget",
            partial(retention_planning.run, context),
        ),
    ]


def tell_machine(context: Context) -> None:
    """Print what the run has and may need. Warn if the disk is likely to be too small."""
    sources = context.settings.sources
    size = local_bytes({name: source.path for name, source in sources.items() if source.path})
    root = context.settings.root
    context.progress.say(machine_text(root, size))
    if estimate := estimate_text(sources, size):
        context.progress.say(estimate)
    if lacking := lack_of_disk(root, size):
        context.progress.warn(lacking)


def campaign_loop(context: Context) -> None:
    """Estimate effects, decide and send offers, simulate the answers, measure the result."""
    later = context.as_of + dt.timedelta(days=ANSWER_DAYS)
    with step(context, "build_features: days of past campaigns"):
        days = past_campaigns(context)
        other_days = {*observational.past_campaigns(context), *own_campaigns(context)}
        campaign_days = sorted({*days, *other_days})
        if campaign_days:
            feature_tables.run(context, FeatureOptions(campaign_days))
    with step(context, "score_customers: day of the last randomised campaign"):
        if days and not context.is_dry:
            customer_scoring.run(context.at(days[-1]))
    with step(context, "estimate_uplift: effects of the offers and value of the policies"):
        if not context.is_dry:
            uplift_estimation.run(context)
    with step(context, "decide_offers: one offer or none per customer"):
        if not context.is_dry:
            offer_planning.run(context)
    with step(context, "write_messages"):
        if not context.is_dry:
            message_writing.run(context)
            if company_files.approve(context):
                message_writing.run(context)
    with step(context, "deliver_outbox: all messages"):
        if not context.is_dry:
            company_files.book(context)
            for days_later in DELIVERIES:
                day = context.as_of + dt.timedelta(days=days_later)
                outbox_delivery.run(context.at(day))
    with step(context, f"simulate: answers of the customers until {later}"):
        company_files.answer(context, ANSWER_DAYS + 1)
    with step(context, "ingest: the answers"):
        moment = dt.datetime.combine(later, dt.time(), tzinfo=dt.UTC) + dt.timedelta(days=1)
        source_ingestion.run(context, IngestOptions(known_at=moment))
    with step(context, f"measure_campaigns: {later}"):
        if not context.is_dry:
            campaign_measurement.run(context.at(later))


def report(context: Context) -> ReportData | None:
    """Print the first customers and write report.html; None in a dry run."""
    if context.is_dry:
        context.progress.say("      would write report.html")
        return None
    return write_report(context)
