"""Train the churn model on many as_of dates, split by time; register it, promote it if better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jobs import modelling
from jobs.modelling.evaluation import Evaluated, advantage, check_leak, comparison, evaluate
from jobs.modelling.record import comparison_write, fingerprint, log_inputs, log_results
from jobs.modelling.rows import Design, check_labels, designed, sample, training_plan, training_rows
from jobs.runtime.command import AsOf, ConfDir, DryRun, Env, application, start
from jobs.runtime.context import Context
from jobs.runtime.registry import CHALLENGER, CHAMPION, Registered, Registry
from jobs.runtime.run_info import code_version
from jobs.runtime.schedule import Schedule


def run(context: Context) -> None:
    """Fit, calibrate, test, register; gold.model_comparison and the registry's aliases."""
    plan = training_plan(context)
    rows = context.lake.keep(training_rows(context, plan))
    counts = check_labels(context, plan, rows)
    if context.is_dry:
        context.progress.say(f"      would train on {sum(counts.values()):,} rows: {counts}")
        return
    registry = Registry(context.settings)
    mark = fingerprint(context, plan)
    done = registry.finished_run(mark)
    if done is not None:
        context.progress.say(
            f"      unchanged   run {done.info.run_id[:12]} trained on the same inputs"
        )
        context.write(
            [comparison_write(context, registry.run_json(done.info.run_id, "comparison.json"))]
        )
        context.lake.forget()
        return
    train(context, plan, rows, registry, mark)
    context.lake.forget()


def train(context: Context, plan: Schedule, rows: Any, registry: Registry, mark: str) -> None:
    """One MLflow run: nothing is registered unless every gate passes."""
    import mlflow

    from models.learners import XgboostLearner

    settings = context.settings
    design = designed(context, rows)
    learner = XgboostLearner(
        settings.training.xgboost.model_dump(), settings.training.seed, settings.training.workers
    )
    with mlflow.start_run(
        experiment_id=registry.experiment_id(), run_name=f"{learner.name}-{context.as_of}"
    ) as active:
        log_inputs(context, plan, design, mark)
        context.progress.say(f"      fitting {learner.name} on the train dates")
        tuned = learner.fit(design.split("train"), design.names, "churned")
        calibration = calibrated(context, rows, design, tuned)
        context.progress.say(f"      fitting {learner.name} on train and validation dates")
        ensemble = learner.fit(design.split("train", "validation"), design.names, "churned")
        model = portable(context, plan, rows, design, ensemble, calibration)
        champion = registry.by_alias(CHAMPION)
        evaluated = evaluate(context, rows, model, learner.name, champion)
        found = comparison(evaluated, settings.training.bootstrap_samples)
        check_leak(context, found, learner.name)
        trained_at = active.info.start_time
        version = register(registry, active.info.run_id, model, rows, plan)
        is_better = promote(context, registry, evaluated, learner.name, champion, version)
        result = {"trained_at": trained_at, "version": version, "name": learner.name, "rows": found}
        mlflow.log_dict(result, "comparison.json")
        log_results(context, found, model, evaluated, learner.name, is_better)
    context.write([comparison_write(context, result)])


def calibrated(context: Context, rows: Any, design: Design, ensemble: Any) -> Any:
    """The calibration by Brier on the validation dates, which the trees have not seen."""
    from models.calibration import best_by_brier

    held_out = sample(rows, "validation")
    raw = ensemble.predict(design.encoder.encode(held_out[list(design.encoder.feature_names)]))
    return best_by_brier(raw, held_out["churned"].to_numpy(), held_out["customer_id"].tolist())


def portable(
    context: Context, plan: Schedule, rows: Any, design: Design, ensemble: Any, calibration: Any
) -> Any:
    """The model as it is served, with what scoring must know beside it."""
    from models.portable import PortableModel

    days = context.settings.training.cold_start_days
    known = rows.where("split <> 'test'")
    cold = known.where(f"tenure_days < {days}").agg({"churned": "avg", "*": "count"}).collect()[0]
    everyone = known.agg({"churned": "avg"}).collect()[0][0]
    # Thirty like them make a rate; with fewer the rate of all is the better guess.
    rate = cold["avg(churned)"] if cold["count(1)"] >= 30 else everyone
    metadata = {
        "model_name": "xgboost",
        "horizon_days": context.settings.churn.primary_horizon_days,
        "lead_days": context.settings.churn.lead_days,
        "cold_start_days": days,
        "cold_start_rate": float(rate),
        "trained_on": [d.isoformat() for d in (*plan.train, plan.validation)],
        "tested_on": plan.test.isoformat(),
    }
    return PortableModel(design.encoder, ensemble, calibration, threshold=0.5, metadata=metadata)


def register(registry: Registry, run_id: str, model: Any, rows: Any, plan: Schedule) -> str:
    """A version in the registry with the alias challenger."""
    import pandas as pd

    served_model = Path(modelling.__file__).with_name("served_model.py")
    example = rows.where("split = 'train'").orderBy("as_of", "customer_id").limit(5).toPandas()
    example = example[list(model.encoder.feature_names)]
    numbers = [c for c in example if c in model.encoder.numeric]
    example = example.astype({c: float for c in numbers})
    answer = pd.DataFrame({"churn_probability": model.predict_proba(example)})
    tags = {"code": code_version(), "tested_on": plan.test.isoformat()}
    version = registry.register(run_id, served_model, model.to_json(), example, answer, tags)
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
    """Champion only where it beats the present one, or recency alone, beyond chance."""
    import mlflow

    rival = CHAMPION if champion is not None else "recency_only"
    gain = advantage(evaluated, name, rival, context.settings.training.bootstrap_samples)
    is_better = gain.low is not None and gain.low > 0
    interval = f"{gain.low or 0:+.4f} to {gain.high or 0:+.4f}"
    text = f"ROC AUC {gain.value or 0:+.4f} ({interval}) against {rival}"
    mlflow.set_tags({"promotion": text, "is_promoted": str(is_better)})
    if is_better:
        registry.promote(version)
    verdict = "promoted to champion" if is_better else "not promoted"
    context.progress.say(f"      version {version} {verdict}: {text}")
    return is_better


def command(
    env: Env = "demo", as_of: AsOf = None, dry_run: DryRun = False, conf_dir: ConfDir = None
) -> None:
    """Train, test and register the churn model; promote it to champion where it is better."""
    start("train_churn", run, env, as_of, dry_run, conf_dir)


main = application(command)

if __name__ == "__main__":
    main()
