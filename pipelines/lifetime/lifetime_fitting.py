"""fit_lifetime: fit, backtest and register lifetime models; predict the CLV of each customer."""

from __future__ import annotations

import datetime as dt

import mlflow

from models.btyd.scoring import SUMMARY
from models.lifetime_backtest import APPROACHES, best_before
from models.lifetime_scoring import PREDICTED_DDL, batch_predictor
from pipelines import settings_by_size
from pipelines.lifetime.backtest import Chosen, Cuts, backtest
from pipelines.lifetime.btyd_fits import Fits, fit_all
from pipelines.lifetime.comparison import compare, not_compared
from pipelines.lifetime.landmarks import Landmarks, feature_dates
from pipelines.lifetime.lifetime_run import (
    RECORD,
    Record,
    fingerprint,
    log_run,
    register,
    writes_of,
)
from pipelines.lifetime.model_rows import Row
from pipelines.lifetime.next_purchases import dates_needed, fit_next_purchases
from pipelines.lifetime.past_errors import all_with_past_errors
from pipelines.lifetime.segment_survival import survival_by_segment
from pipelines.lifetime.summaries import Summaries
from pipelines.lifetime.survival_fits import SurvivalFits
from pipelines.lifetime.survival_selection import fit_survival
from pipelines.lifetime.timing import contracts, timing
from runtime.context import Context
from runtime.errors import TableError
from runtime.lakehouse.writes import Write
from runtime.model_registry import Registry
from runtime.wording import plural
from transforms.lifetime import customer_lifetime
from transforms.slices import at_date


def run(context: Context) -> None:
    """Write gold.lifetime_models, clv_backtest, segment_survival, customer_lifetime, and rows of
    gold.model_comparison."""
    context.needs("silver.transactions", "ingest")
    if context.as_of <= context.observed_from:
        raise TableError(
            f"as_of {context.as_of}: no purchase lies before it; the first is on "
            f"{context.observed_from}. Use a later day."
        )
    context = settings_by_size.sized(context)
    registry = registry_of(context)
    done = registry.finished_run(fingerprint(context)) if registry else None
    if registry and done is not None:
        context.progress.say(
            f"      unchanged   run {done.info.run_id[:12]} has fitted the same inputs"
        )
        record = registry.run_json(done.info.run_id, RECORD)
        summaries = Summaries.at(context, [context.as_of])
        landmarks = Landmarks.at(context, summaries, [context.as_of], dates=[])
    else:
        cuts, tested, dates = Cuts.of(context), tested_on(context), feature_dates(context)
        wanted = {context.as_of, tested, *dates, *cuts.all_days}
        days = sorted(d for d in wanted if d > context.observed_from)
        summaries = Summaries.at(context, sorted({*days, *dates_needed(context, cuts)}))
        landmarks = Landmarks.at(context, summaries, days, dates=dates)
        record = fitted(context, summaries, landmarks, cuts=cuts, tested=tested, registry=registry)
    for warning in record["warnings"]:
        context.progress.warn(warning)
    context.write([predictions(context, landmarks, record), *writes_of(context, record)])
    context.lake.forget()


def registry_of(context: Context) -> Registry | None:
    """The registry of lifetime models; None in a dry run, which registers nothing."""
    if context.is_dry:
        return None
    return Registry(context.settings, context.settings.lifetime.registered_model)


def tested_on(context: Context) -> dt.date:
    """The test date of the classifiers: the last day whose primary label has passed by as_of."""
    return context.as_of - context.settings.churn.wait


def fitted(
    context: Context,
    summaries: Summaries,
    landmarks: Landmarks,
    *,
    cuts: Cuts,
    tested: dt.date,
    registry: Registry | None,
) -> Record:
    """Fit all models. With a registry, one MLflow run stores the results."""
    part = context.progress.part
    with part("models of purchases and their past errors"):
        fits = fit_all(context.settings, summaries, context.as_of)
        fits = all_with_past_errors(context.settings, landmarks, fits)
        fits = fits.plus(timing(summaries, context.as_of))
        fits = fits.plus(contracts(context, summaries, context.as_of))
    with part("survival models"):
        survival = fit_survival(context.settings, landmarks, tested)
    record = recorded(
        context, summaries, landmarks, cuts=cuts, tested=tested, fits=fits, survival=survival
    )
    if registry is None:
        return record
    mark = fingerprint(context)
    name = f"lifetime-{context.as_of}"
    with mlflow.start_run(experiment_id=registry.experiment_id(), run_name=name) as active:
        record["trained_at"] = active.info.start_time
        record["versions"] = register(
            context, registry, active.info.run_id, fits=fits, survival=survival
        )
        log_run(context, record, mark)
    names = [n for n in record["chosen"].values() if n]
    context.progress.say(f"      chosen      {' and '.join(names) or 'no model'}")
    return record


def recorded(
    context: Context,
    summaries: Summaries,
    landmarks: Landmarks,
    *,
    cuts: Cuts,
    tested: dt.date,
    fits: Fits,
    survival: SurvivalFits,
) -> Record:
    """The results as JSON values: gold tables can be written from them without a new fit."""
    btyd, life = fits.model, survival.model
    chosen = Chosen(btyd.name if btyd else None, life.kind if life else None)
    has_model = btyd is not None or life is not None
    tests: list[Row] = []
    if has_model:
        with context.progress.part(f"back-test on {plural(len(cuts.days), 'past date')}"):
            tests = backtest(context.settings, summaries, landmarks, cuts=cuts, chosen=chosen)
    is_compared = has_model and tested > context.observed_from
    with context.progress.part("next purchases"):
        following = fit_next_purchases(context, summaries, cuts)
    with context.progress.part(f"comparison with the churn models on {tested}"):
        compared = compare(context, summaries, landmarks, day=tested) if is_compared else []
    warnings = [*fits.warnings, *survival.warnings, *following.warnings]
    return {
        "chosen": chosen._asdict(),
        "approach": approach(context, tests, cuts),
        "portable": {
            "btyd": btyd.to_json() if btyd else None,
            "survival": life.to_json() if life else None,
            "next_purchase": following.model.to_json() if following.model else None,
        },
        "versions": {},
        "trained_at": 0,
        "warnings": [*warnings, *not_compared(compared)],
        "models": [*fits.rows, *survival.rows, *following.models],
        "backtest": [*tests, *following.backtest],
        "segments": survival_by_segment(context, landmarks),
        "comparison": compared,
    }


def approach(context: Context, tests: list[Row], cuts: Cuts) -> str:
    """btyd or survival: the better forecast on the longest horizon, over all finished cuts."""
    return best_before(tests, context.as_of.isoformat(), max(cuts.horizons)) or APPROACHES[0]


def predictions(context: Context, landmarks: Landmarks, record: Record) -> Write:
    """gold.customer_lifetime of as_of, predicted in batches on the workers."""
    rows = at_date(landmarks.frame, context.as_of)
    inputs = [c for c in rows.columns if c.startswith(("feature_", "past_"))]
    portable = record["portable"]
    predicted = rows.select(*SUMMARY, "entry_days", "is_terminated", *inputs).mapInPandas(
        batch_predictor(portable["btyd"], portable["survival"], portable["next_purchase"]),
        PREDICTED_DDL,
    )
    table = context.table("gold.customer_lifetime")
    frame = customer_lifetime(predicted, record["approach"] == "survival")
    return Write(table, frame, [context.as_of])
