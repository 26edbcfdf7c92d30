"""The other horizons: one model each, with the learner and parameters of the primary one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.profit import CampaignEconomics
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.dataset import check_finite, check_labels, training_rows
from pipelines.churn.evaluation import TestDates, check_leak, comparison, evaluate
from pipelines.churn.model_metadata import served_facts
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.parallel import side_by_side


def other_horizons(
    context: Context, plans: Mapping[int, Schedule], chosen: Candidate
) -> tuple[dict[int, Any], list[dict[str, Any]]]:
    """The portable models by horizon (days), and their rows of gold.model_comparison.

    Each is fitted, calibrated and tested on dates of its own, with the parameters that the primary
    horizon's search chose. Where that search had read the test date, rows have split `validation`.
    A horizon without matured labels of both classes, or with a test figure above the leak alarm, is
    left out, with a warning.
    """
    primary = context.settings.churn.primary_horizon_days
    further = {horizon: plan for horizon, plan in plans.items() if horizon != primary}

    def one(item: tuple[int, Schedule]) -> tuple[Any, list[dict[str, Any]]] | None:
        return of_horizon(context, *item, chosen)

    at_once = context.settings.training.fits_at_once
    found = dict(
        zip(further, side_by_side(context.spark, one, further.items(), at_once), strict=True)
    )
    done = {horizon: item for horizon, item in found.items() if item}
    splits = {horizon: plans[horizon].split_judged(plans[primary]) for horizon in done}
    for horizon, split in splits.items():
        if split != "test":
            context.progress.say(
                f"      horizon of {horizon} days: judged on {plans[horizon].test}, which had a "
                f"part in choosing learner and parameters: split {split}"
            )
    rows = [
        {**row, "horizon_days": horizon, "split": splits[horizon]}
        for horizon, (_, measured) in done.items()
        for row in measured
    ]
    return {horizon: model for horizon, (model, _) in done.items()}, rows


def of_horizon(
    context: Context, horizon: int, plan: Schedule, chosen: Candidate
) -> tuple[Any, list[dict[str, Any]]] | None:
    """The portable model of one horizon, and what `comparison` gives; None, with a warning, where a
    gate shuts."""
    try:
        return through_gates(context, horizon, plan, chosen)
    except ModelGateError as error:
        context.progress.warn(f"horizon of {horizon} days is left out: {error}")
        return None


def through_gates(
    context: Context, horizon: int, plan: Schedule, chosen: Candidate
) -> tuple[Any, list[dict[str, Any]]]:
    """`of_horizon`, raising ModelGateError as the primary horizon does."""
    rows = context.lake.keep(training_rows(context, plan, horizon))
    check_labels(context, plan, rows)
    # Those of the other dates are looked at where their matrix is laid out.
    check_finite(context, rows.where("split = 'test'"), "Nothing was trained.")
    known = rows.where("split <> 'test'")
    facts = served_facts(context, plan, known, horizon)
    one = fitted(TrainingData(context, plan, known, facts), chosen.name, chosen.parameters)
    training = context.settings.training
    measured = comparison(
        evaluate(TestDates(rows), known, [one], None),
        training.bootstrap_samples,
        CampaignEconomics(**training.economics.model_dump()),
        reference=one.name,
    )
    check_leak(context, measured, [one.name])
    return one.model, measured


def tell_left_out(context: Context, plans: Mapping[int, Schedule]) -> None:
    """A warning for each horizon of conf that has no plan, since history is too short for it."""
    for horizon in sorted(set(context.settings.churn.horizons_days) - set(plans)):
        history = context.settings.training.min_history_days
        context.progress.warn(
            f"horizon of {horizon} days is left out: as_of {context.as_of} leaves no three dates "
            f"with {history} days of history before them (train, tune, test), since events begin "
            f"on {context.observed_from}. Take a later as_of, or take it out of "
            "churn.horizons_days."
        )
