"""The other horizons: one model each, with the learner and parameters of the primary one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs.modelling.candidates import Candidate, TrainingData, fitted
from jobs.modelling.evaluation import TestDates, comparison, evaluate
from jobs.modelling.rows import check_labels, training_rows
from jobs.runtime.context import Context
from jobs.runtime.errors import ModelGateError
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
    settings = context.settings
    economics = CampaignEconomics(**settings.training.economics.model_dump())
    models: dict[int, Any] = {}
    found: list[dict[str, Any]] = []
    for horizon, plan in plans.items():
        if horizon == settings.churn.primary_horizon_days:
            continue
        rows = context.lake.keep(training_rows(context, plan, horizon))
        try:
            check_labels(context, plan, rows)
        except ModelGateError as error:
            context.progress.warn(f"horizon of {horizon} days is left out: {error}")
            continue
        known = rows.where("split <> 'test'")
        metadata = {**chosen.model.metadata, "horizon_days": horizon}
        metadata |= {"tested_on": plan.test.isoformat()}
        metadata |= {"trained_on": [d.isoformat() for d in (*plan.train, plan.validation)]}
        data = TrainingData(context, plan, known, metadata)
        one = fitted(data, chosen.name, chosen.parameters)
        evaluated = evaluate(TestDates(rows), known, [one], None)
        measured = comparison(evaluated, settings.training.bootstrap_samples, economics)
        found += [{**row, "horizon_days": horizon} for row in measured]
        models[horizon] = one.model
    return models, found
