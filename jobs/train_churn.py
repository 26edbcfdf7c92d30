"""Train, compare and register churn models on many as_of dates, split by time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from jobs import modelling
from jobs.modelling.candidates import Candidate, TrainingData
from jobs.modelling.evaluation import (
    Evaluated,
    TestDates,
    advantage,
    check_leak,
    comparison,
    evaluate,
    result_row,
)
from jobs.modelling.feature_sets import compared_feature_sets
from jobs.modelling.horizons import other_horizons
from jobs.modelling.leakage import scan_for_leaks
from jobs.modelling.named_reasons import reason_models
from jobs.modelling.record import fingerprint, log_inputs, log_results, result_writes
from jobs.modelling.rows import (
    FEATURE_TABLES,
    check_features,
    check_finite,
    check_labels,
    training_plans,
    training_rows,
)
from jobs.modelling.silences import log_silences
from jobs.modelling.stability import check_stability, stability
from jobs.modelling.tuning import searched
from jobs.runtime.command import AsOf, ConfDir, DryRun, Env, application, start
from jobs.runtime.context import Context
from jobs.runtime.registry import CHALLENGER, CHAMPION, Registered, Registry
from jobs.runtime.run_info import code_version
from jobs.runtime.schedule import Schedule
from models.metrics import Estimate, bootstrap_weights, paired_difference, stable_seed
from models.profit import CampaignEconomics
from models.reasons import reason_features


def run(context: Context) -> None:
    """Fit, calibrate, test, register; gold.model_comparison and the registry's aliases."""
    plans = training_plans(context)
    plan = plans[context.settings.churn.primary_horizon_days]
    rows = context.lake.keep(training_rows(context, plan))
    counts = check_labels(context, plan, rows)
    check_finite(context, rows, "Nothing was trained.")
    if context.is_dry:
        context.progress.say(f"      would train on {sum(counts.values()):,} rows: {counts}")
        return
    registry = Registry(context.settings)
    mark = fingerprint(context, plans)
    done = registry.finished_run(mark)
    if done is None:
        result = train(context, plans, rows, registry, mark)
    else:
        context.progress.say(
            f"      unchanged   run {done.info.run_id[:12]} trained on the same inputs"
        )
        result = registry.run_json(done.info.run_id, "comparison.json")
    context.write(result_writes(context, result))
    context.lake.forget()


def train(
    context: Context, plans: Mapping[int, Schedule], rows: Any, registry: Registry, mark: str
) -> dict[str, Any]:
    """One MLflow run with a nested one a learner; nothing is registered unless every gate passes.

    The test rows are read in `evaluate`, after all is fitted and the best learner is chosen.
    """
    import mlflow

    settings, say = context.settings.training, context.progress.say
    champion = registry.by_alias(CHAMPION)
    if champion is not None:
        check_features(champion, rows.columns)
    plan = plans[context.settings.churn.primary_horizon_days]
    test, known = TestDates(rows), rows.where("split <> 'test'")
    data = TrainingData(context, plan, known, served_facts(context, plan, known))
    economics = CampaignEconomics(**settings.economics.model_dump())
    # Nested runs go to the experiment that is set, not to that of the run around them.
    mlflow.set_experiment(experiment_id=registry.experiment_id())
    with mlflow.start_run(run_name=f"churn-{context.as_of}") as active:
        log_inputs(context, plan, data.plain, mark)
        scan_for_leaks(data)
        check_stability(data)
        log_silences(context, plans)
        search = partial(searched, data, active.info.run_id)
        candidates = data.side_by_side(search, settings.learners)
        for one in candidates:
            figures = f"validation ROC AUC {one.validation_roc_auc:.3f}, {one.seconds:.1f} s"
            say(f"      {one.name}: {figures}")
        chosen = best_of(data, candidates)
        evaluated = evaluate(test, known, candidates, champion)
        found = comparison(evaluated, settings.bootstrap_samples, economics)
        check_leak(context, found, [c.name for c in candidates])
        found += [
            result_row(one.name, "training_seconds", Estimate(one.seconds), split="train")
            for one in candidates
        ]
        for one in candidates:
            if one.name in settings.stability.learners:
                found += stability(data, one)
        sets = compared_feature_sets(data, chosen) if settings.compare_feature_sets else []
        models, further = other_horizons(context, plans, chosen)
        reasons, named = reason_models(data)
        texts = {f"horizon_{days}": one.to_json() for days, one in models.items()}
        texts |= {f"reason_{reason}": one.to_json() for reason, one in reasons.items()}
        version = register(registry, active.info.run_id, chosen, data, plan, texts)
        is_better = promote(context, registry, evaluated, chosen.name, champion, version)
        result = {
            "trained_at": active.info.start_time,
            "version": version,
            "name": chosen.name,
            "rows": [*found, *further, *named],
            "feature_sets": sets,
        }
        mlflow.log_dict(result, "comparison.json")
        log_results(context, data, candidates, chosen, evaluated, result, is_better)
    return result


def best_of(data: TrainingData, candidates: Sequence[Candidate]) -> Candidate:
    """The best on the validation date of those with exact explanations.

    In the order of conf: a later one takes the place of an earlier only where the interval of its
    gain in ROC AUC, paired by customer, lies above zero. Within chance the first stays.
    """
    able = [c for c in candidates if c.model.is_exactly_explained] or list(candidates)
    best, label = able[0], data.held_out_label
    customers, samples = data.held_out["customer_id"].tolist(), data.context.settings.training
    weights = bootstrap_weights(customers, samples.bootstrap_samples, stable_seed("choice"))
    for one in able[1:]:
        scores = (one.validation_scores, best.validation_scores)
        gain = paired_difference("roc_auc", label, *scores, weights)
        if gain.low is not None and gain.low > 0:
            best = one
    return best


def served_facts(context: Context, plan: Schedule, known: Any) -> dict[str, Any]:
    """What scoring must know beside the model."""
    days = context.settings.training.cold_start_days
    cold = known.where(f"tenure_days < {days}").agg({"churned": "avg", "*": "count"}).collect()[0]
    everyone = known.agg({"churned": "avg"}).collect()[0][0]
    # Thirty like them make a rate; with fewer the rate of all is the better guess.
    rate = cold["avg(churned)"] if cold["count(1)"] >= 30 else everyone
    features = [c.name for t in FEATURE_TABLES for c in context.table(t).columns]
    patterns = context.settings.training.reasons.features
    return {
        "reason_features": reason_features(features, patterns),
        "horizon_days": context.settings.churn.primary_horizon_days,
        "lead_days": context.settings.churn.lead_days,
        "cold_start_days": days,
        "cold_start_rate": float(rate),
        "trained_on": [d.isoformat() for d in (*plan.train, plan.validation)],
        "tested_on": plan.test.isoformat(),
    }


def register(
    registry: Registry,
    run_id: str,
    chosen: Candidate,
    data: TrainingData,
    plan: Schedule,
    texts: Mapping[str, str],
) -> str:
    """A version in the registry with the alias challenger; `texts`: further portable models."""
    import pandas as pd

    model = chosen.model
    served_model = Path(modelling.__file__).with_name("served_model.py")
    example = data.held_out.head(5)[list(model.encoder.feature_names)]
    numbers = [c for c in example if c in model.encoder.numeric]
    example = example.astype({c: float for c in numbers})
    answer = pd.DataFrame({"churn_probability": model.predict_proba(example)})
    tags = {"code": code_version(), "tested_on": plan.test.isoformat(), "learner": chosen.name}
    version = registry.register(run_id, served_model, model.to_json(), example, answer, tags, texts)
    registry.set_alias(CHALLENGER, version)
    return version


def promote(
    context: Context,
    registry: Registry,
    evaluated: Evaluated,
    name: str,
    champion: Registered | None,
    version: str,
) -> bool:
    """Champion only where it beats the present one, or recency alone, beyond chance.

    A learner without exact explanations is never promoted.
    """
    import mlflow

    from models.portable import PortableModel

    rival = CHAMPION if champion is not None else "recency_only"
    gain = advantage(evaluated, name, rival, context.settings.training.bootstrap_samples)
    explained = PortableModel.from_json(registry.by_version(version).portable).is_exactly_explained
    is_better = gain.low is not None and gain.low > 0 and explained
    interval = f"{gain.low or 0:+.4f} to {gain.high or 0:+.4f}"
    text = f"{name}: ROC AUC {gain.value or 0:+.4f} ({interval}) against {rival}"
    text += "" if explained else "; has no exact explanations"
    mlflow.set_tags({"promotion": text, "is_promoted": str(is_better)})
    if is_better:
        registry.promote(version)
    verdict = "promoted to champion" if is_better else "not promoted"
    context.progress.say(f"      version {version} {verdict}: {text}")
    return is_better


def command(
    env: Env = "demo",
    as_of: AsOf = None,
    search: Annotated[
        str | None, typer.Option(help="Name of a search in conf: none, small, full. Default: conf.")
    ] = None,
    dry_run: DryRun = False,
    conf_dir: ConfDir = None,
) -> None:
    """Train, compare and register the churn models; promote the best where it is better."""
    changes = {} if search is None else {"training": {"search": search}}
    start("train_churn", run, env, as_of, dry_run, conf_dir, changes=changes)


main = application(command)

if __name__ == "__main__":
    main()
