"""Fit what customers will buy and are worth; back-test it; register it; worth by customer."""

from __future__ import annotations

import datetime as dt
from typing import Any

from models.lifetime_backtest import APPROACHES, best_before
from pipelines.lifetime.backtest import Cuts, backtest
from pipelines.lifetime.btyd_fits import Fits, fit_all
from pipelines.lifetime.comparison import compare
from pipelines.lifetime.landmarks import Landmarks, feature_dates
from pipelines.lifetime.lifetime_run import RECORD, fingerprint, log_run, register, writes_of
from pipelines.lifetime.segment_survival import survival_by_segment
from pipelines.lifetime.summaries import Summaries
from pipelines.lifetime.survival_fits import Staying
from pipelines.lifetime.survival_selection import fit_staying
from pipelines.lifetime.timing import add_contracts, add_timing
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import Registry


def run(context: Context) -> None:
    """gold.lifetime_models, clv_backtest, segment_survival, customer_lifetime, and rows of
    model_comparison."""
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
        landmarks = Landmarks.at(context, summaries, [context.as_of], [])
    else:
        cuts, tested, dates = Cuts.of(context), tested_on(context), feature_dates(context)
        wanted = {context.as_of, tested, *dates, *cuts.all_days}
        days = sorted(d for d in wanted if d > context.observed_from)
        summaries = Summaries.at(context, days)
        landmarks = Landmarks.at(context, summaries, days, dates)
        record = fitted(context, summaries, landmarks, cuts, tested, registry)
    for warning in record["warnings"]:
        context.progress.warn(warning)
    context.write([worth(context, landmarks, record), *writes_of(context, record)])
    context.lake.forget()


def registry_of(context: Context) -> Registry | None:
    """Where lifetime models are registered; None in a dry run, which leaves no trace."""
    if context.is_dry:
        return None
    return Registry(context.settings, context.settings.lifetime.registered_model)


def tested_on(context: Context) -> dt.date:
    """The last day whose label of the primary horizon has passed: where classifiers are tested."""
    return context.as_of - context.settings.churn.wait


def fitted(
    context: Context,
    summaries: Summaries,
    landmarks: Landmarks,
    cuts: Cuts,
    tested: dt.date,
    registry: Registry | None,
) -> dict[str, Any]:
    """One MLflow run with all that its tables can be made from again."""
    found = fit_all(context, summaries, context.as_of)
    add_timing(context, summaries, context.as_of, found)
    add_contracts(context, summaries, context.as_of, found)
    staying = fit_staying(context, landmarks, tested)
    record = recorded(context, summaries, landmarks, cuts, tested, found, staying)
    if registry is None:
        return record
    import mlflow

    mark = fingerprint(context)
    name = f"lifetime-{context.as_of}"
    with mlflow.start_run(experiment_id=registry.experiment_id(), run_name=name) as active:
        record["trained_at"] = active.info.start_time
        record["versions"] = register(context, registry, active.info.run_id, found, staying)
        log_run(context, record, mark)
    names = [n for n in record["chosen"].values() if n]
    context.progress.say(f"      chosen      {' and '.join(names) or 'no model'}")
    return record


def recorded(
    context: Context,
    summaries: Summaries,
    landmarks: Landmarks,
    cuts: Cuts,
    tested: dt.date,
    found: Fits,
    staying: Staying,
) -> dict[str, Any]:
    """The run's facts as JSON can hold them."""
    model, life = found.model, staying.model
    chosen = {"btyd": model.name if model else None, "survival": life.kind if life else None}
    has_past = tested > context.observed_from and (model is not None or life is not None)
    tests = backtest(context, summaries, landmarks, cuts, chosen) if any(chosen.values()) else []
    return {
        "chosen": chosen,
        "approach": approach(context, tests, cuts),
        "portable": {
            "btyd": model.to_json() if model else None,
            "survival": life.to_json() if life else None,
        },
        "versions": {},
        "trained_at": 0,
        "warnings": [*found.warnings, *staying.warnings],
        "models": [*found.rows, *staying.rows],
        "backtest": tests,
        "segments": survival_by_segment(context, landmarks),
        "comparison": compare(context, summaries, landmarks, tested) if has_past else [],
    }


def approach(context: Context, tests: list[dict[str, Any]], cuts: Cuts) -> str:
    """btyd or survival: what forecast the longest horizon better on all cuts that have passed."""
    return best_before(tests, context.as_of.isoformat(), max(cuts.horizons)) or APPROACHES[0]


def worth(context: Context, landmarks: Landmarks, record: dict[str, Any]) -> Write:
    """gold.customer_lifetime: predictions in batches on the workers."""
    from models.btyd.scoring import SUMMARY
    from models.lifetime_scoring import PREDICTED_DDL, batch_predictor
    from transforms.lifetime import customer_lifetime

    rows = landmarks.frame.where(f"as_of = DATE'{context.as_of}'")
    others = [c for c in rows.columns if c.startswith(("feature_", "past_"))]
    portable = record["portable"]
    predicted = rows.select(*SUMMARY, "entry_days", *others).mapInPandas(
        batch_predictor(portable["btyd"], portable["survival"]), PREDICTED_DDL
    )
    table = context.table("gold.customer_lifetime")
    frame = customer_lifetime(predicted, record["approach"] == "survival")
    return Write(table, frame, [context.as_of])
