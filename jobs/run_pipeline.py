"""The main job: ingest, features, models, scores, plan and the report, in one session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from jobs import (
    build_features,
    fit_lifetime,
    ingest,
    plan_retention,
    score_customers,
    simulate,
    train_churn,
)
from jobs.runtime.command import AsOf, ConfDir, DryRun, Env, application, start
from jobs.runtime.context import Context


def run(context: Context) -> None:
    """Every step in order; each prints what it wrote."""
    progress = context.progress
    is_simulated = context.settings.simulation is not None
    progress.expect(9 + is_simulated)
    if is_simulated:
        with progress.step("simulate: a company and its files"):
            simulate.run(context)
    with progress.step("ingest: sources to bronze and silver"):
        ingest.run(context)
    with progress.step("build_features: one row a customer and date"):
        build_features.run(context)
    with progress.step("train_churn: fit, test, register"):
        train_churn.run(context)
    # The date a horizon earlier is scored too: for moves between segments, and to back-test plans.
    churn = context.settings.churn
    before = context.as_of - dt.timedelta(days=churn.primary_horizon_days + churn.lead_days)
    with progress.step(f"fit_lifetime: {before}"), at(context, before):
        fit_lifetime.run(context)
    with progress.step(f"fit_lifetime: {context.as_of}"):
        fit_lifetime.run(context)
    with progress.step(f"score_customers: {before}"), at(context, before):
        score_customers.run(context)
    with progress.step(f"score_customers: {context.as_of}"):
        score_customers.run(context)
    with progress.step("plan_retention: whom to keep under the budget"):
        plan_retention.run(context)
    with progress.step("report"):
        report(context)


@contextmanager
def at(context: Context, day: dt.date) -> Iterator[None]:
    """The same context with another as_of."""
    today = context.as_of
    context.__dict__["as_of"] = day
    try:
        yield
    finally:
        context.__dict__["as_of"] = today


def report(context: Context) -> None:
    """The summary on the screen and the HTML page."""
    if context.is_dry:
        context.progress.say("      would write report.html")
        return
    from jobs.reporting.report import write_report

    write_report(context)


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """From raw files to scored, explained and segmented customers."""
    start("run_pipeline", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
