"""The other horizons: one model each, with the learner and parameters of the primary one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.modelling.candidates import Candidate, TrainingData, fitted
from jobs.modelling.evaluation import TestDates, comparison, evaluate
from jobs.modelling.rows import check_labels, training_rows
from jobs.runtime.context import Context
from jobs.runtime.errors import ModelGateError
from jobs.runtime.parallel import side_by_side
from jobs.runtime.schedule import Schedule
from models.profit import CampaignEconomics


def other_horizons(
    context: Context, plans: Mapping[int, Schedule], chosen: Candidate
) -> tuple[dict[int, Any], list[dict[str, Any]]]:
    """The portable models by horizon (days), and their rows of gold.model_comparison.

    Each is fitted, calibrated and tested on dates of its own, with the parameters that the primary
    horizon's search chose. A horizon without matured labels of both classes is left out, with a
    warning.
    """
    primary = context.settings.churn.primary_horizon_days
    further = {horizon: plan for horizon, plan in plans.items() if horizon != primary}

    def one(item: tuple[int, Schedule]) -> tuple[Any, list[dict[str, Any]]] | None:
        return of_horizon(context, *item, chosen)

    at_once = context.settings.training.fits_at_once
    found = dict(
        zip(further, side_by_side(context.spark, one, further.items(), at_once), strict=True)
    )
    models = {horizon: item[0] for horizon, item in found.items() if item}
    return models, [row for item in found.values() if item for row in item[1]]


def of_horizon(
    context: Context, horizon: int, plan: Schedule, chosen: Candidate
) -> tuple[Any, list[dict[str, Any]]] | None:
    """The portable model of one horizon, and its rows; None, with a warning, without labels."""
    rows = context.lake.keep(training_rows(context, plan, horizon))
    try:
        check_labels(context, plan, rows)
    except ModelGateError as error:
        context.progress.warn(f"horizon of {horizon} days is left out: {error}")
        return None
    known = rows.where("split <> 'test'")
    metadata = {**chosen.model.metadata, "horizon_days": horizon}
    metadata |= {"tested_on": plan.test.isoformat()}
    metadata |= {"trained_on": [d.isoformat() for d in (*plan.train, plan.validation)]}
    one = fitted(TrainingData(context, plan, known, metadata), chosen.name, chosen.parameters)
    training = context.settings.training
    measured = comparison(
        evaluate(TestDates(rows), known, [one], None),
        training.bootstrap_samples,
        CampaignEconomics(**training.economics.model_dump()),
    )
    return one.model, [{**row, "horizon_days": horizon} for row in measured]
