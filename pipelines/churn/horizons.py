"""The other horizons: one model each, with the learner and parameters of the primary one.

A horizon that is longer than the primary one is a conditional step: the probability that a customer
who was without a purchase for the shorter horizon stays so until the end of the longer one. The
product of the steps cannot rise with the horizon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd
from numpy.typing import NDArray

from models.baselines import RFM
from models.portable import PortableModel
from models.profit import CampaignEconomics
from models.scoring import GIVEN, combined
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.dataset import check_finite, check_labels, training_rows
from pipelines.churn.evaluation import (
    SCORED,
    TestDates,
    check_leak,
    comparison,
    evaluate,
    predicted,
    value_of,
)
from pipelines.churn.model_metadata import served_facts
from pipelines.churn.rolling import EarlierFits
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.parallel import side_by_side
from transforms.training_rows import keep_undecided

if TYPE_CHECKING:
    import datetime as dt

    import numpy as np


@dataclass(frozen=True)
class Step:
    """A conditional model from a shorter horizon to a longer one.

    before: the step to the shorter horizon. None: the shorter horizon is the primary one.
    fits: its fits on earlier dates. They take parameters from `chosen`, as all fits do.
    """

    chosen: Candidate
    fits: EarlierFits
    before: Step | None

    @property
    def horizon(self) -> int:
        """The longer horizon in days."""
        return int(self.fits.data.metadata["horizon_days"])

    @cached_property
    def candidate(self) -> Candidate:
        """The step as it is served."""
        return fitted(self.fits.data, self.chosen.name, self.chosen.parameters)

    def is_testable(self, primary: EarlierFits, day: dt.date) -> bool:
        """Whether all models before this step can be fitted on the dates before `day`."""
        if self.before is None:
            return primary.data_on(day) is not None
        return self.before.fits.data_on(day) is not None and self.before.is_testable(primary, day)

    def probabilities(
        self, primary: EarlierFits, day: dt.date, rows: pd.DataFrame
    ) -> NDArray[np.float64]:
        """P(churned within the horizon) of the rows of `day`, by models that know no label of it.

        Only for a testable day.
        """
        if self.before is None:
            first = primary.candidate(self.chosen, day)
            shorter = predicted(first.model, rows)
        else:
            shorter = self.before.probabilities(primary, day, rows)
        is_own = day == self.fits.data.plan.test
        last = self.candidate if is_own else self.fits.candidate(self.chosen, day)
        return combined(shorter, predicted(last.model, rows), self.fits.data.metadata["definition"])


@dataclass(frozen=True)
class HorizonModel:
    """The served model of a horizon and its rows of gold.model_comparison. step: if it is one."""

    model: PortableModel
    rows: list[dict[str, Any]]
    step: Step | None = None


def other_horizons(
    context: Context, plans: Mapping[int, Schedule], chosen: Candidate, *, primary: EarlierFits
) -> tuple[dict[int, PortableModel], list[dict[str, Any]]]:
    """The portable models by horizon (days), and their rows of gold.model_comparison.

    Each model is fitted, calibrated and tested on the dates of its horizon, with the parameters
    that the search chose for the primary horizon. If that search used the test date, the rows have
    split `validation`. A horizon is skipped, with a warning, if its labels lack a class or its test
    ROC AUC is above the leak alarm. If rfm_logistic ranks the scored customers of the test date
    better, rfm_logistic serves the horizon.

    primary: the fits of the primary horizon on earlier dates.
    """
    days = context.settings.churn.primary_horizon_days
    shorter = [[h] for h in plans if h < days]
    longer = sorted(h for h in plans if h > days)

    def fit(group: Sequence[int]) -> dict[int, HorizonModel]:
        return in_order(context, plans, group, chosen=chosen, primary=primary)

    # A longer horizon continues the one before it, so the longer ones are one group.
    groups = [longer, *shorter] if longer else shorter
    at_once = context.settings.training.fits_at_once
    fits = side_by_side(context.spark, fit, groups, at_once=at_once)
    done = {h: model for group in fits for h, model in group.items()}
    done = {h: done[h] for h in plans if h in done}
    splits = {horizon: plans[horizon].split_judged(plans[days]) for horizon in done}
    for horizon, split in splits.items():
        if split != "test":
            context.progress.say(
                f"      horizon of {horizon} days: tested on {plans[horizon].test}, which the "
                f"search for learner and parameters also used: split {split}"
            )
    rows = [
        {
            **row,
            "horizon_days": horizon,
            "split": splits[horizon],
            "test_on": plans[horizon].test.isoformat(),
        }
        for horizon, result in done.items()
        for row in result.rows
    ]
    return {horizon: result.model for horizon, result in done.items()}, rows


def in_order(
    context: Context,
    plans: Mapping[int, Schedule],
    group: Sequence[int],
    *,
    chosen: Candidate,
    primary: EarlierFits,
) -> dict[int, HorizonModel]:
    """The models of a group of horizons, ascending. A skipped horizon is not in the result."""
    done: dict[int, HorizonModel] = {}
    before: Step | None = None
    for horizon in group:
        result = of_horizon(
            context, horizon, plans[horizon], chosen=chosen, primary=primary, before=before
        )
        if result is not None:
            done[horizon] = result
            before = result.step or before
    return done


def of_horizon(
    context: Context,
    horizon: int,
    plan: Schedule,
    *,
    chosen: Candidate,
    primary: EarlierFits,
    before: Step | None = None,
) -> HorizonModel | None:
    """The model of one horizon and its rows. None, with a warning, if a gate fails."""
    try:
        return through_gates(context, horizon, plan, chosen=chosen, primary=primary, before=before)
    except ModelGateError as error:
        context.progress.warn(f"horizon of {horizon} days is skipped: {error}")
        return None


def through_gates(
    context: Context,
    horizon: int,
    plan: Schedule,
    *,
    chosen: Candidate,
    primary: EarlierFits,
    before: Step | None = None,
) -> HorizonModel:
    """As `of_horizon`, but a failed gate raises ModelGateError."""
    settings = context.settings
    days = settings.churn.primary_horizon_days
    given = (before.horizon if before else days) if horizon > days else None
    rows = context.lake.keep(training_rows(context, plan, horizon, after=given))
    check_labels(context, rows)
    # `designed` checks the other dates when it builds the matrix.
    check_finite(context, rows.where("split = 'test'"), "Nothing was trained.")
    known = rows.where("split <> 'test'")
    data = TrainingData(
        context, plan, known, served_facts(context, plan, known, horizon_days=horizon)
    )
    step = None
    if given is not None:
        step = step_from(data, given, chosen=chosen, primary=primary, before=before)
    rfm = fitted(data, RFM, {})
    own = rfm if step or chosen.name == RFM else fitted(data, chosen.name, chosen.parameters)
    whole = evaluate(
        TestDates(rows), known, list({own.name: own, RFM: rfm}.values()), champion=None
    )
    if step is not None:
        p = step.probabilities(primary, plan.test, whole.rows)
        whole = replace(whole, probabilities={**whole.probabilities, chosen.name: p})
        own = step.candidate
    measured = comparison(
        whole,
        settings.training.bootstrap_samples,
        CampaignEconomics(**settings.training.economics.model_dump()),
        reference=chosen.name,
    )
    check_leak(context, measured, [chosen.name])
    if is_outranked(context, measured, chosen.name, horizon=horizon, day=plan.test):
        return HorizonModel(rfm.model, measured)
    return HorizonModel(own.model, measured, step)


def step_from(
    data: TrainingData,
    given: int,
    *,
    chosen: Candidate,
    primary: EarlierFits,
    before: Step | None,
) -> Step | None:
    """The step from the horizon `given` to that of the data, not fitted yet.

    None, with a message, if the history is too short to test it or the labels of the customers who
    are undecided at the shorter horizon have one class only. The horizon then has a model of its
    own.
    """
    context, horizon = data.context, data.metadata["horizon_days"]
    undecided = context.lake.keep(keep_undecided(data.rows, data.metadata["definition"]))
    try:
        check_labels(context, undecided, ("train", "validation"))
        facts = served_facts(context, data.plan, undecided, horizon_days=horizon)
        fits = EarlierFits(TrainingData(context, data.plan, undecided, facts | {GIVEN: given}))
        step = Step(chosen, fits, before)
        if step.is_testable(primary, data.plan.test):
            return step
        reason = f"the history before {data.plan.test} is too short to test both"
    except ModelGateError as error:
        reason = str(error)
    context.progress.say(
        f"      horizon of {horizon} days: has a model of its own and does not continue that of "
        f"{given} days: {reason}"
    )
    return None


def is_outranked(
    context: Context,
    measured: Sequence[Mapping[str, Any]],
    name: str,
    *,
    horizon: int,
    day: dt.date,
) -> bool:
    """Whether rfm_logistic has the higher ROC AUC among the scored customers of the test date."""
    own, rival = (value_of(measured, n, "roc_auc", population=SCORED) for n in (name, RFM))
    if own is None or rival is None or own >= rival:
        return False
    context.progress.say(
        f"      horizon of {horizon} days: served by {RFM}, which ranks the scored customers of "
        f"{day} better than {name} (ROC AUC {rival:.4f} against {own:.4f})"
    )
    return True


def tell_left_out(context: Context, plans: Mapping[int, Schedule]) -> None:
    """Warn about each horizon of conf that has no plan because the history is too short."""
    for horizon in sorted(set(context.settings.churn.horizons_days) - set(plans)):
        history = context.settings.training.min_history_days
        context.progress.warn(
            f"horizon of {horizon} days is skipped: it needs three dates before as_of "
            f"{context.as_of} (train, tune, test) with {history} days of history each, but events "
            f"begin on {context.observed_from}. Use a later as_of, or remove {horizon} from "
            "churn.horizons_days."
        )
