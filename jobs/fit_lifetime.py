"""Fit what customers will buy and are worth; back-test it; register it; worth by customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from jobs.lifetime.backtest import Cuts, backtest, compare
from jobs.lifetime.fits import Fits, fit_all
from jobs.lifetime.record import RECORD, fingerprint, log_run, register, writes_of
from jobs.lifetime.summaries import Summaries
from jobs.lifetime.timing import add_contracts, add_timing
from jobs.runtime.command import AsOf, ConfDir, DryRun, Env, application, start
from jobs.runtime.context import Context
from jobs.runtime.errors import TableError
from jobs.runtime.registry import Registry
from jobs.runtime.writes import Write


def run(context: Context) -> None:
    """gold.lifetime_models, clv_backtest, customer_lifetime, rows of model_comparison."""
    context.needs("silver.transactions", "ingest")
    if context.as_of <= context.observed_from:
        raise TableError(
            f"as_of {context.as_of}: no purchase lies before it; the first is on "
            f"{context.observed_from}. Take a later day."
        )
    registry = registry_of(context)
    done = registry.finished_run(fingerprint(context)) if registry else None
    if registry and done is not None:
        context.progress.say(
            f"      unchanged   run {done.info.run_id[:12]} fitted the same inputs"
        )
        record = registry.run_json(done.info.run_id, RECORD)
        summaries = Summaries.at(context, [context.as_of])
    else:
        cuts = Cuts.of(context)
        tested = tested_on(context)
        dates = {context.as_of, tested, *(d for d in cuts.all_days if d > context.observed_from)}
        summaries = Summaries.at(context, sorted(d for d in dates if d > context.observed_from))
        record = fitted(context, summaries, cuts, tested, registry)
    for warning in record["warnings"]:
        context.progress.warn(warning)
    context.write([worth(context, summaries, record["portable"]), *writes_of(context, record)])
    context.lake.forget()


def registry_of(context: Context) -> Registry | None:
    """Where lifetime models are registered; None in a dry run, which leaves no trace."""
    if context.is_dry:
        return None
    return Registry(context.settings, context.settings.lifetime.registered_model)


def tested_on(context: Context) -> dt.date:
    """The last day whose label of the primary horizon has passed: where classifiers are tested."""
    churn = context.settings.churn
    return context.as_of - dt.timedelta(days=churn.primary_horizon_days + churn.lead_days)


def fitted(
    context: Context,
    summaries: Summaries,
    cuts: Cuts,
    tested: dt.date,
    registry: Registry | None,
) -> dict[str, Any]:
    """One MLflow run with all that its tables can be made from again."""
    found = fit_all(context, summaries, context.as_of)
    add_timing(context, summaries, context.as_of, found)
    add_contracts(context, summaries, context.as_of, found)
    record = recorded(context, summaries, cuts, tested, found)
    if registry is None:
        return record
    import mlflow

    mark = fingerprint(context)
    name = f"lifetime-{context.as_of}"
    with mlflow.start_run(experiment_id=registry.experiment_id(), run_name=name) as active:
        record["trained_at"] = active.info.start_time
        if found.model is not None:
            record["version"] = register(context, registry, active.info.run_id, found.model)
        log_run(context, record, mark)
    context.progress.say(f"      chosen      {record['chosen'] or 'no model'}")
    return record


def recorded(
    context: Context, summaries: Summaries, cuts: Cuts, tested: dt.date, found: Fits
) -> dict[str, Any]:
    """The run's facts as JSON can hold them."""
    model = found.model
    has_past = model is not None and tested > context.observed_from
    return {
        "chosen": model.name if model else None,
        "portable": model.to_json() if model else None,
        "version": "-",
        "trained_at": 0,
        "warnings": found.warnings,
        "models": found.rows,
        "backtest": backtest(context, summaries, cuts, model.name) if model else [],
        "comparison": compare(context, summaries, tested) if has_past else [],
    }


def worth(context: Context, summaries: Summaries, portable: str | None) -> Write:
    """gold.customer_lifetime: predictions in batches on the workers."""
    from models.btyd.scoring import PREDICTED_DDL, SUMMARY, batch_predictor
    from transforms.lifetime import customer_lifetime

    rows = summaries.of_day(summaries.summary, context.as_of).select(*SUMMARY)
    predicted = rows.mapInPandas(batch_predictor(portable), PREDICTED_DDL)
    table = context.table("gold.customer_lifetime")
    return Write(table, customer_lifetime(predicted), [context.as_of])


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Fit lifetime models, back-test them, and say what each customer will buy and is worth."""
    start("fit_lifetime", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
