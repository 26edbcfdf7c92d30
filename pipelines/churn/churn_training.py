"""Train, compare and register churn models on many as_of dates, split by time."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import pandas as pd

from models.baselines import RFM
from models.encoding import FeatureEncoder
from models.metrics import Estimate, bootstrap_weights, stable_seed
from models.paired import paired_difference
from models.portable import PortableModel
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
    Evaluated,
    TestDates,
    advantage,
    check_leak,
    comparison,
    evaluate,
    result_row,
)
from pipelines.churn.feature_sets import compared_feature_sets
from pipelines.churn.fit_costs import fits_text, is_asked
from pipelines.churn.horizons import other_horizons, tell_left_out
from pipelines.churn.leak_scan import scan_for_leaks
from pipelines.churn.left_out import trained
from pipelines.churn.model_metadata import check_meaning, served_facts
from pipelines.churn.named_reasons import reason_models
from pipelines.churn.return_rates import log_silences
from pipelines.churn.rolling import EarlierFits, lack_of_signal, proven
from pipelines.churn.stability import check_stability, stability
from pipelines.churn.time_split import Schedule
from pipelines.churn.tuning import earlier_dates, searched
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_digest import log_record
from runtime.model_registry import CHALLENGER, CHAMPION, Registered, Registry
from runtime.run_info import code_version
from runtime.wording import plural

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def run(context: Context) -> None:
    """Train, test and register the models; write gold.model_comparison and set the aliases."""
    context = settings_by_size.sized(context)
    plans = training_plans(context)
    tell_left_out(context, plans)
    plan = plans[context.settings.churn.primary_horizon_days]
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
        result = train(context, plans, rows, registry=registry, mark=mark)
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
    aliases move last, when the record of the run is complete.
    """
    settings, say = context.settings.training, context.progress.say
    primary = context.settings.churn.primary_horizon_days
    plan = plans[primary]
    champion = registry.by_alias(CHAMPION)
    if champion is not None:
        check_meaning(context, champion, "Nothing was trained.")
        check_features(champion, rows.columns)
        check_untaught(context, champion, plan)
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
        candidates, left_out = trained(data, search, settings.learners)
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
        is_better = deserves_promotion(
            context,
            registry,
            evaluated,
            name=chosen.name,
            champion=champion,
            version=version,
            no_signal=no_signal,
        )
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
            is_better=is_better,
        )
        registry.set_alias(CHALLENGER, version)
        if is_better:
            registry.promote(version)
        verdict = "promoted to champion" if is_better else "not promoted"
        say(f"      version {version} {verdict}")
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


def check_untaught(context: Context, champion: Registered, plan: Schedule) -> None:
    """Raise ModelGateError if the champion was trained with labels of this run's test date.

    The champion was trained only on labels whose horizon ended by its own test date.
    """
    tested_on = PortableModel.from_json(champion.portable).metadata["tested_on"]
    later = dt.date.fromisoformat(tested_on) - plan.test
    if later > dt.timedelta(0):
        raise ModelGateError(
            f"as_of {context.as_of}: the champion, version {champion.version}, was trained with "
            f"labels up to {tested_on}, but this run tests on {plan.test}, so the champion knows "
            f"the test labels. Nothing was trained. Use as_of {context.as_of + later} or later, or "
            "another mlflow.model_name."
        )


def deserves_promotion(
    context: Context,
    registry: Registry,
    evaluated: Evaluated,
    *,
    name: str,
    champion: Registered | None,
    version: str,
    no_signal: str = "",
) -> bool:
    """True if the model is significantly better than the champion, by ROC AUC on the test date.

    Customers count who are scored. Without a champion it is compared with `recency_only`. A learner
    without exact explanations is never promoted, and no learner is if there is no signal
    (`lack_of_signal`).
    """
    rival = CHAMPION if champion is not None else "recency_only"
    samples = context.settings.training.bootstrap_samples
    gain = advantage(evaluated, name, rival, samples=samples)
    explained = PortableModel.from_json(registry.by_version(version).portable).is_exactly_explained
    is_better = gain.low is not None and gain.low > 0 and explained and not no_signal
    interval = f"{gain.low or 0:+.4f} to {gain.high or 0:+.4f}"
    text = f"{name}: ROC AUC {gain.value or 0:+.4f} ({interval}) against {rival}"
    text += "" if explained else "; has no exact explanations"
    text = no_signal or text
    mlflow.set_tags({"promotion": text, "is_promoted": str(is_better), "no_signal": no_signal})
    context.progress.say(f"      {text}")
    return is_better
