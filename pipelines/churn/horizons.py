"""The other horizons: one model each, with the learner and parameters of the primary one.

A horizon that is longer than the primary one continues a shorter one, see horizon_steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from models.baselines import RFM
from models.fit_attempts import LeftOut, fit_or_reason
from models.portable import PortableModel
from pipelines.churn.candidates import Candidate, TrainingData, fitted
from pipelines.churn.dataset import check_finite, check_labels, training_rows
from pipelines.churn.economics import campaign_economics
from pipelines.churn.evaluation import (
    SCORED,
    TestDates,
    check_leak,
    comparison,
    evaluate,
    left_out_row,
    value_of,
)
from pipelines.churn.horizon_steps import Step, step_from
from pipelines.churn.model_metadata import served_facts
from pipelines.churn.rolling import EarlierFits
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.parallel import side_by_side
from runtime.wording import plural

if TYPE_CHECKING:
    import datetime as dt


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
    split `validation`. A horizon is left out, with a warning and one row, if its history is too
    short, its labels lack a class, its model cannot be fitted, or its test ROC AUC is above the
    leak alarm. If rfm_logistic ranks the scored customers of the test date better, rfm_logistic
    serves the horizon.

    primary: the fits of the primary horizon on earlier dates.
    """
    days = context.settings.churn.primary_horizon_days
    shorter = [[h] for h in plans if h < days]
    longer = sorted(h for h in plans if h > days)

    def fit(group: Sequence[int]) -> dict[int, HorizonModel | LeftOut]:
        return in_order(context, plans, group, chosen=chosen, primary=primary)

    # A longer horizon continues the one before it, so the longer ones are one group.
    groups = [longer, *shorter] if longer else shorter
    at_once = context.settings.training.fits_at_once
    fits = side_by_side(context.spark, fit, groups, at_once=at_once)
    results = {h: result for group in fits for h, result in group.items()}
    left_out = without_plan(context, plans)
    left_out |= {h: r.reason for h, r in results.items() if isinstance(r, LeftOut)}
    by_horizon = ((h, results.get(h)) for h in plans)
    done = {h: result for h, result in by_horizon if isinstance(result, HorizonModel)}
    splits = {horizon: plans[horizon].split_judged(plans[days]) for horizon in done}
    for horizon, split in splits.items():
        if split != "test":
            context.progress.say(
                f"      horizon of {plural(horizon, 'day')}: tested on {plans[horizon].test}, "
                f"which the search for learner and parameters also used: split {split}"
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
    rows += [
        {**left_out_row(chosen.name, reason, split="test"), "horizon_days": horizon}
        for horizon, reason in sorted(left_out.items())
    ]
    return {horizon: result.model for horizon, result in done.items()}, rows


def in_order(
    context: Context,
    plans: Mapping[int, Schedule],
    group: Sequence[int],
    *,
    chosen: Candidate,
    primary: EarlierFits,
) -> dict[int, HorizonModel | LeftOut]:
    """The models of a group of horizons, ascending. Each continues the last one that was fitted."""
    done: dict[int, HorizonModel | LeftOut] = {}
    before: Step | None = None
    for horizon in group:
        result = of_horizon(
            context, horizon, plans[horizon], chosen=chosen, primary=primary, before=before
        )
        done[horizon] = result
        if isinstance(result, HorizonModel):
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
) -> HorizonModel | LeftOut:
    """The model of one horizon and its rows. Warns if a gate fails or it cannot be fitted."""
    model = fit_or_reason(
        lambda: through_gates(
            context, horizon, plan, chosen=chosen, primary=primary, before=before
        ),
        (ModelGateError,),
    )
    if isinstance(model, LeftOut):
        context.progress.warn(f"horizon of {plural(horizon, 'day')} is left out: {model.reason}")
    return model


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
        campaign_economics(settings.training),
        reference=chosen.name,
    )
    check_leak(context, measured, [chosen.name])
    if is_outranked(context, measured, chosen.name, horizon=horizon, day=plan.test):
        return HorizonModel(rfm.model, measured)
    return HorizonModel(own.model, measured, step)


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
        f"      horizon of {plural(horizon, 'day')}: served by {RFM}, which ranks the scored "
        f"customers of {day} better than {name} (ROC AUC {rival:.4f} against {own:.4f})"
    )
    return True


def tell_left_out(context: Context, plans: Mapping[int, Schedule]) -> None:
    """Warn about each horizon of conf that has no plan because the history is too short."""
    for horizon, reason in without_plan(context, plans).items():
        context.progress.warn(f"horizon of {plural(horizon, 'day')} is left out: {reason}")


def without_plan(context: Context, plans: Mapping[int, Schedule]) -> dict[int, str]:
    """The horizons of conf (days) for which the history is too short, with the reason."""
    history = context.settings.training.min_history_days
    return {
        horizon: f"it needs three dates before as_of {context.as_of} (train, tune, test) with "
        f"{plural(history, 'day')} of history each, but events begin on {context.observed_from}. "
        f"Use a later as_of, or remove {horizon} from churn.horizons_days."
        for horizon in sorted(set(context.settings.churn.horizons_days) - set(plans))
    }
