"""The other horizons: one model each, with the learner and parameters of the primary one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.fit_attempts import LeftOut, fit_or_reason
from models.portable import PortableModel
from models.profit import CampaignEconomics
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.dataset import check_finite, check_labels, training_rows
from pipelines.churn.evaluation import (
    TestDates,
    check_leak,
    comparison,
    evaluate,
    left_out_row,
)
from pipelines.churn.model_metadata import served_facts
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.parallel import side_by_side

HorizonModel = tuple[PortableModel, list[dict[str, Any]]]


def other_horizons(
    context: Context, plans: Mapping[int, Schedule], chosen: Candidate
) -> tuple[dict[int, PortableModel], list[dict[str, Any]]]:
    """The portable models by horizon (days), and their rows of gold.model_comparison.

    Each model is fitted, calibrated and tested on the dates of its horizon, with the parameters
    that the search chose for the primary horizon. If that search used the test date, the rows have
    split `validation`. A horizon is left out, with a warning and one row, if its history is too
    short, its labels lack a class, its model cannot be fitted, or its test ROC AUC is above the
    leak alarm.
    """
    primary = context.settings.churn.primary_horizon_days
    further = {horizon: plan for horizon, plan in plans.items() if horizon != primary}

    def fit(item: tuple[int, Schedule]) -> HorizonModel | LeftOut:
        return of_horizon(context, *item, chosen=chosen)

    at_once = context.settings.training.fits_at_once
    results = dict(
        zip(
            further, side_by_side(context.spark, fit, further.items(), at_once=at_once), strict=True
        )
    )
    left_out = without_plan(context, plans)
    left_out |= {h: r.reason for h, r in results.items() if isinstance(r, LeftOut)}
    done = {h: result for h, result in results.items() if not isinstance(result, LeftOut)}
    splits = {horizon: plans[horizon].split_judged(plans[primary]) for horizon in done}
    for horizon, split in splits.items():
        if split != "test":
            context.progress.say(
                f"      horizon of {horizon} days: tested on {plans[horizon].test}, which the "
                f"search for learner and parameters also used: split {split}"
            )
    rows = [
        {**row, "horizon_days": horizon, "split": splits[horizon]}
        for horizon, (_, measured) in done.items()
        for row in measured
    ]
    rows += [
        {**left_out_row(chosen.name, reason, split="test"), "horizon_days": horizon}
        for horizon, reason in left_out.items()
    ]
    return {horizon: model for horizon, (model, _) in done.items()}, rows


def of_horizon(
    context: Context, horizon: int, plan: Schedule, *, chosen: Candidate
) -> HorizonModel | LeftOut:
    """The model of one horizon and its rows. Warns if a gate fails or it cannot be fitted."""
    model = fit_or_reason(
        lambda: through_gates(context, horizon, plan, chosen=chosen), (ModelGateError,)
    )
    if isinstance(model, LeftOut):
        context.progress.warn(f"horizon of {horizon} days is left out: {model.reason}")
    return model


def through_gates(
    context: Context, horizon: int, plan: Schedule, *, chosen: Candidate
) -> HorizonModel:
    """As `of_horizon`, but a failed gate raises ModelGateError."""
    rows = context.lake.keep(training_rows(context, plan, horizon))
    check_labels(context, rows)
    # `designed` checks the other dates when it builds the matrix.
    check_finite(context, rows.where("split = 'test'"), "Nothing was trained.")
    known = rows.where("split <> 'test'")
    facts = served_facts(context, plan, known, horizon_days=horizon)
    data = TrainingData(context, plan, known, facts)
    candidate = fitted(data, chosen.name, chosen.parameters)
    training = context.settings.training
    measured = comparison(
        evaluate(TestDates(rows), known, [candidate], champion=None),
        training.bootstrap_samples,
        CampaignEconomics(**training.economics.model_dump()),
        reference=candidate.name,
    )
    check_leak(context, measured, [candidate.name])
    return candidate.model, measured


def tell_left_out(context: Context, plans: Mapping[int, Schedule]) -> None:
    """Warn about each horizon of conf that has no plan because the history is too short."""
    for horizon, reason in without_plan(context, plans).items():
        context.progress.warn(f"horizon of {horizon} days is left out: {reason}")


def without_plan(context: Context, plans: Mapping[int, Schedule]) -> dict[int, str]:
    """The horizons of conf (days) for which the history is too short, with the reason."""
    history = context.settings.training.min_history_days
    return {
        horizon: f"it needs three dates before as_of {context.as_of} (train, tune, test) with "
        f"{history} days of history each, but events begin on {context.observed_from}. Use a later "
        f"as_of, or remove {horizon} from churn.horizons_days."
        for horizon in sorted(set(context.settings.churn.horizons_days) - set(plans))
    }
