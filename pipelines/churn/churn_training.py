"""Train, compare and register churn models on many as_of dates, split by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd
from threadpoolctl import threadpool_limits

from models.baselines import RFM
from models.encoding import FeatureEncoder
from models.metrics import Estimate, bootstrap_weights, stable_seed
from models.paired import paired_difference
from pipelines import churn, settings_by_size
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.churn_run import fingerprint, log_inputs, log_results, result_writes
from pipelines.churn.dataset import (
    check_features,
    check_finite,
    check_labels,
    tell_undated,
    training_plans,
    training_rows,
)
from pipelines.churn.economics import campaign_economics
from pipelines.churn.evaluation import (
    TestDates,
    check_leak,
    comparison,
    evaluate,
    result_row,
)
from pipelines.churn.feature_sets import compared_feature_sets
from pipelines.churn.fit_costs import costs_text, fits_text, is_asked
from pipelines.churn.horizons import other_horizons, tell_left_out
from pipelines.churn.leak_scan import scan_for_leaks
from pipelines.churn.left_out import trained
from pipelines.churn.model_metadata import (
    NewerModelError,
    check_meaning,
    check_untaught,
    served_facts,
)
from pipelines.churn.named_reasons import reason_models
from pipelines.churn.return_rates import log_silences
from pipelines.churn.rolling import EarlierFits, lack_of_signal, proven
from pipelines.churn.row_share import tell_share
from pipelines.churn.stability import check_stability, stability
from pipelines.churn.time_budget import seconds_of_share, within_budget
from pipelines.churn.time_split import Schedule
from pipelines.churn.tuning import earlier_dates, searched
from runtime.context import Context
from runtime.model_digest import log_record
from runtime.model_registry import CHALLENGER, CHAMPION, Registry
from runtime.run_info import code_version
from runtime.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class TrainOptions:
    """is_older_skipped: a day older than the newest model's is left out, in place of an error."""

    is_older_skipped: bool = False


def run(context: Context, options: TrainOptions = TrainOptions()) -> None:
    """Train, test and register the models; write gold.model_comparison and set `challenger`."""
    context = settings_by_size.sized(context)
    plans = training_plans(context)
    tell_left_out(context, plans)
    plan = plans[context.settings.churn.primary_horizon_days]
    tell_share(context, plan)
    rows = context.lake.keep(training_rows(context, plan))
    counts = check_labels(context, rows)
    check_finite(context, rows, "Nothing was trained.")
    if context.is_dry:
        context.progress.say(
            f"      would train on {plural(sum(counts.values()), 'row')}: {counts}"
        )
        return
    registry = Registry(context.settings)
    mark = fingerprint(context, plans)
    finished = registry.finished_run(mark)
    if finished is None:
        # Fits run in parallel, one thread each: more threads of BLAS would wait for each other.
        try:
            with threadpool_limits(1):
                result = train(context, plans, rows, registry=registry, mark=mark)
        except NewerModelError as error:
            if not options.is_older_skipped:
                raise
            context.progress.say(f"      skipped     {error}")
            context.lake.forget()
            return
    else:
        context.progress.say(
            f"      unchanged   skipped: run {finished.info.run_id[:12]} trained on the same inputs"
        )
        result = registry.run_json(finished.info.run_id, "comparison.json")
    context.write(result_writes(context, result))
    context.lake.forget()


def train(
    context: Context,
    plans: Mapping[int, Schedule],
    rows: DataFrame,
    *,
    registry: Registry,
    mark: str,
) -> dict[str, Any]:
    """One MLflow run with a nested run per learner. Nothing is registered unless all gates pass.

    `evaluate` reads the test rows, after all models are fitted and the best learner is chosen. The
    alias challenger moves last, when the record of the run is complete. validate_model compares the
    version with the champion, and deploy_model alone moves the alias champion.
    """
    settings, say = context.settings.training, context.progress.say
    primary = context.settings.churn.primary_horizon_days
    plan = plans[primary]
    champion = registry.by_alias(CHAMPION)
    if champion is not None:
        check_meaning(context, champion, "Nothing was trained.")
        check_features(champion, rows.columns)
    for alias, model in {CHAMPION: champion, CHALLENGER: registry.by_alias(CHALLENGER)}.items():
        if model is not None:
            check_untaught(context, model, plan, alias=alias, outcome="Nothing was trained.")
    test, known = TestDates(rows), rows.where("split <> 'test'")
    data = TrainingData(
        context, plan, known, served_facts(context, plan, known, horizon_days=primary)
    )
    economics = campaign_economics(settings)
    # MLflow logs nested runs to the experiment that is set, not to the experiment of their parent.
    mlflow.set_experiment(experiment_id=registry.experiment_id())
    with mlflow.start_run(run_name=f"churn-{context.as_of}") as active:
        log_inputs(context, plan, data.plain, mark=mark)
        tell_undated(context, data.plain, champion)
        scan_for_leaks(data)
        check_stability(data)
        log_silences(context, plans)
        search = partial(searched, data, parent=active.info.run_id, earlier=earlier_dates(data))
        say(f"      {fits_text(settings)}")
        size, share = known.count(), seconds_of_share(settings)
        say(f"      {costs_text(settings, size, len(data.plain.names), share=share)}")
        candidates, left_out = trained(data, within_budget(data, search), settings.learners)
        for candidate in candidates:
            figures = f"{candidate.validation_roc_auc:.3f}, {candidate.seconds:.1f} s"
            say(f"      {candidate.name}: validation ROC AUC {figures}")
        rfm = fitted(data, RFM, {})
        best = best_of(data, candidates)
        evaluated = evaluate(test, known, [*candidates, rfm], champion=champion)
        fits = EarlierFits(data)
        chosen, gains = proven(fits, best, candidates, evaluated=evaluated, rfm=rfm)
        reference = chosen.name if champion is None else CHAMPION
        measured = comparison(evaluated, settings.bootstrap_samples, economics, reference=reference)
        check_leak(context, measured, [c.name for c in candidates])
        no_signal = lack_of_signal(measured, [*(c.name for c in candidates), RFM])
        measured += gains
        measured += [
            result_row(c.name, "training_seconds", Estimate(c.seconds), split="train")
            for c in candidates
        ]
        for candidate in candidates:
            if is_asked(candidate, chosen, settings.stability.learners):
                measured += stability(data, candidate)
        sets = compared_feature_sets(data, chosen) if settings.compare_feature_sets else []
        models, further = other_horizons(context, plans, chosen, primary=fits)
        reasons, named = reason_models(data)
        texts = {f"horizon_{days}": model.to_json() for days, model in models.items()}
        texts |= {f"reason_{reason}": model.to_json() for reason, model in reasons.items()}
        version = register(registry, active.info.run_id, chosen, plan=plan, texts=texts)
        mlflow.set_tag("no_signal", no_signal)
        result = {
            "trained_at": active.info.start_time,
            "version": version,
            "name": chosen.name,
            "champion": champion.version if champion else None,
            "no_signal": no_signal,
            "tested_on": plan.test.isoformat(),
            "rows": [*measured, *further, *on_validation(named, plan), *left_out],
            "feature_sets": sets,
        }
        log_record(result, "comparison.json")
        log_results(
            context,
            data,
            [*candidates, rfm],
            chosen=chosen,
            evaluated=evaluated,
            result=result,
        )
        with context.leases.on(["models.churn"]):
            registry.set_alias(CHALLENGER, version)
        say(f"      version {version} is the challenger{': ' + no_signal if no_signal else ''}")
    return result


def on_validation(rows: Sequence[Mapping[str, Any]], plan: Schedule) -> list[dict[str, Any]]:
    """The rows with the validation date as the date that they were measured on."""
    return [{**row, "test_on": plan.validation.isoformat()} for row in rows]


def best_of(data: TrainingData, candidates: Sequence[Candidate]) -> Candidate:
    """The best candidate on the validation date among those with exact explanations.

    Customers count who are scored: those with a purchase in the last 90 days.

    In the order of conf: a later candidate replaces an earlier one only if the interval of its gain
    in ROC AUC, paired by customer, lies above zero. Without a clear gain the first one stays.
    """
    able = [c for c in candidates if c.model.is_exactly_explained] or list(candidates)
    inside = data.held_out["purchases_90d"].to_numpy() > 0
    best, label = able[0], data.held_out_label[inside]
    customers = data.held_out["customer_id"][inside].tolist()
    samples = data.context.settings.training
    if not customers:
        return best
    weights = bootstrap_weights(customers, samples.bootstrap_samples, stable_seed("choice"))
    for candidate in able[1:]:
        gain = paired_difference(
            "roc_auc",
            label,
            candidate.validation_scores[inside],
            other=best.validation_scores[inside],
            weights=weights,
        )
        if gain.low is not None and gain.low > 0:
            best = candidate
    return best


def register(
    registry: Registry,
    run_id: str,
    chosen: Candidate,
    *,
    plan: Schedule,
    texts: Mapping[str, str],
) -> str:
    """Register a version, without an alias yet. `texts`: further portable models by file name."""
    model = chosen.model
    code = Path(churn.__file__).with_name("churn_pyfunc.py")
    example = example_of(model.encoder)
    answer = pd.DataFrame({"churn_probability": model.predict_proba(example)})
    tags = {"code": code_version(), "tested_on": plan.test.isoformat(), "learner": chosen.name}
    return registry.register(
        run_id, code, model.to_json(), example=example, answer=answer, tags=tags, further=texts
    )


def example_of(encoder: FeatureEncoder) -> pd.DataFrame:
    """Input of the served model for two made-up customers, never rows of real ones.

    Every number is 0 and then 1; every category has its first known value and then its last.
    """
    numbers = {feature: [0.0, 1.0] for feature in encoder.numeric}
    categories = {
        feature: [values[0], values[-1]] if values else [None, None]
        for feature, values in encoder.categories
    }
    return pd.DataFrame({**numbers, **categories})
