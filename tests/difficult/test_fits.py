"""Every fit of every difficult company ends with finite figures, or with a reason. Never a warning."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np
import pandas as pd
import pytest

from models.btyd.choice import fit_model, fit_spend, fitted
from models.btyd.credibility import Credibility, correlation
from models.btyd.gamma_gamma import GammaGamma, SpendRows
from models.btyd.rows import PurchaseRows, check_fittable
from models.btyd.worth import MONEY, LifetimeModel, Terms
from models.calibration import best_by_brier, to_log_odds
from models.fit_attempts import LeftOut, fit_or_reason
from models.lifetime_backtest import BoostedTrees, measures
from models.survival.cox import fit_cox
from models.survival.discrete_hazard import fit_hazard_in_memory
from models.survival.portable import LifetimeModel as SurvivalModel
from models.survival.proportional_hazards import proportionality
from models.survival.rows import ArrayRows
from models.survival.survey import survey
from models.survival.weibull_aft import fit_weibull
from models.survival.worth import SurvivalWorth
from models.survival.worth_fit import Past, fit_worth
from pipelines.lifetime.covariate_encoder import encoder_of
from pipelines.lifetime.survival_selection import measured
from tests.difficult.companies import COMPANIES, company
from tests.difficult.frames import STEP, WINDOWS, landmarks, past, purchase_days, summary

pytestmark = pytest.mark.filterwarnings("error")
TERMS = Terms(margin=1.0, monthly_discount=0.01, interval=0.9, horizon_days=30)
TREES = {"n_estimators": 10, "max_depth": 3, "learning_rate": 0.1, "min_child_weight": 20}
HORIZON = 30


class Frames:
    """The rows of one company, made once."""

    def __init__(self, name: str) -> None:
        self.company = company(name)
        self.days = purchase_days(self.company)
        self.last = int(self.days["day"].max()) + 1
        self.summary = summary(self.days, self.last)
        self.landmarks = landmarks(self.company, self.days)


frames = lru_cache(maxsize=None)(Frames)


def is_finite(values) -> bool:
    return bool(np.isfinite(np.asarray(values, dtype=float)).all())


def told(attempt: LeftOut) -> bool:
    """A reason is one line that starts with what is wrong, not the name of an exception."""
    return len(attempt.reason) > 20 and "\n" not in attempt.reason


def spend_of(rows: pd.DataFrame):
    """Name and model of the value of a purchase, as btyd_fits.fit_spend_model chooses them."""
    some = rows[(rows["frequency"] > 0) & (rows["monetary_value"] > 0)]
    if not len(some):
        return None, None
    x, m = some["frequency"], some["monetary_value"]
    sums = pd.DataFrame({"frequency": x, "value": m, "square": m**2, "customers": 1})
    sums = sums.groupby("frequency", as_index=False).sum()
    related = correlation(sums)
    assert related is None or is_finite(related)
    fit = fit_or_reason(lambda: fit_spend(SpendRows.of(x, m)))
    if not isinstance(fit, LeftOut) and fit.converged and fit.parameters["q"] > 1:
        return "gamma_gamma", GammaGamma(**fit.parameters)
    return "credibility", Credibility.fit(sums)


def purchases_of(rows: pd.DataFrame) -> PurchaseRows:
    return PurchaseRows.of(rows["frequency"], rows["recency_days"], rows["T_days"])


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd"])
@pytest.mark.parametrize("name", COMPANIES)
def test_purchase_models(name, model):
    rows = frames(name).summary

    def predicted():
        fewest = fit_or_reason(
            lambda: check_fittable(len(rows), float((rows["frequency"] > 0).sum()), 50)
        )
        if isinstance(fewest, LeftOut):
            raise ValueError(fewest.reason)
        fit = fit_model(model, purchases_of(rows))
        spend_name, spend = spend_of(rows)
        worth = LifetimeModel(model, fitted(model, fit), spend_name, spend, True, TERMS)
        LifetimeModel.from_json(worth.to_json())
        errors = fit.std_errors or ()
        assert is_finite(errors) and all(e > 0 for e in errors)
        return worth.predict(rows)

    values = fit_or_reason(predicted)
    if isinstance(values, LeftOut):
        assert told(values)
        return
    # P(alive) is null under BG/NBD for customers without a repeat purchase; money without amounts.
    always = ["p_no_purchase", "expected_purchases_30d", "expected_purchases_90d"]
    assert is_finite(values[always]) and values["p_no_purchase"].between(0, 1).all()
    assert is_finite(values["p_alive"].dropna()) and values["p_alive"].dropna().between(0, 1).all()
    money = values[list(MONEY)]
    assert is_finite(money) if spend_of(rows)[0] else money.isna().all(axis=None)


def survival_rows(rows: pd.DataFrame, encoder) -> ArrayRows:
    return ArrayRows.of(
        rows["duration_days"],
        rows["event"],
        encoder.encode(rows[list(encoder.feature_names)]),
        start=rows["entry_days"],
        cluster=pd.factorize(rows["customer"], sort=True)[0],
    )


def cox_of(rows, encoder):
    given = survival_rows(rows, encoder)
    surveyed = survey(given)
    columns = surveyed.independent_columns()
    names = [encoder.column_names[k] for k in columns]
    model = fit_cox(given.with_columns(columns), names, surveyed=surveyed.with_columns(columns))
    tests = proportionality(model.residuals, model.covariance, model.names)
    assert all(np.isnan(t.p_value) or 0 <= t.p_value <= 1 for t in tests)
    return model


def weibull_of(rows, encoder):
    given = survival_rows(rows, encoder)
    surveyed = survey(given)
    columns = surveyed.independent_columns()
    names = [encoder.column_names[k] for k in columns]
    return fit_weibull(given.with_columns(columns), names, surveyed.with_columns(columns))


def hazard_of(rows, encoder):
    lived = rows["duration_days"] - rows["entry_days"]
    times = (rows["entry_days"], lived, rows["event"], rows["followed_days"])
    return fit_hazard_in_memory(
        encoder.encode(rows[list(encoder.feature_names)]).astype(float),
        tuple(t.to_numpy(dtype=np.int64) for t in times),
        encoder.column_names,
        parameters=TREES,
        seed=1,
        period_days=30,
        most_periods=6,
    )


FITS = {"cox": cox_of, "weibull_aft": weibull_of, "discrete_hazard": hazard_of}


@pytest.mark.parametrize("model", FITS)
@pytest.mark.parametrize("name", COMPANIES)
def test_survival_models(name, model):
    rows = frames(name).landmarks
    encoder = encoder_of(rows) if len(rows) else None
    if encoder is None:
        return  # pipelines.lifetime names the reason: no covariate, or no departure
    fit = fit_or_reason(partial(FITS[model], rows, encoder))
    if isinstance(fit, LeftOut):
        assert told(fit)
        return
    life = SurvivalModel.from_json(SurvivalModel(encoder, fit).to_json())
    for errors in ("std_errors", "robust_std_errors"):
        known = getattr(fit, errors, np.array([]))
        assert is_finite(known[~np.isnan(known)])
    curve = life.conditional_survival(rows, np.arange(0, 1096, 15))
    assert is_finite(curve) and curve.min() >= 0 and curve.max() <= 1
    assert all(is_finite(r["value"]) for r in measured(model, life, rows) if r["value"] is not None)
    worth = fit_or_reason(lambda: fit_worth(life, Past({STEP: rows}), WINDOWS, terms=TERMS))
    if isinstance(worth, LeftOut):
        assert told(worth)
        return
    worth = SurvivalWorth.from_json(worth.to_json())
    predicted = worth.predict(rows)
    assert is_finite(predicted["remaining_lifetime_days"])
    money = [c for c in predicted if c.startswith("clv_")]
    assert is_finite(predicted[money]) if worth.value else predicted[money].isna().all(axis=None)


@pytest.mark.parametrize("name", COMPANIES)
def test_backtest_and_calibration(name):
    all_frames = frames(name)
    cut = all_frames.last - HORIZON
    rows = past(all_frames.days, cut, HORIZON) if cut > 0 else pd.DataFrame()
    if len(rows) < 2:
        return
    trees = fit_or_reason(lambda: BoostedTrees.fit(rows, HORIZON, 1))
    if isinstance(trees, LeftOut):
        assert told(trees)
        return
    forecast = trees.predict(rows)
    for what in ("days", "value"):
        column = "purchases" if what == "days" else "value"
        figures = measures(rows[f"next_{what}_{HORIZON}"], forecast[column])
        assert all(is_finite(v) for v in figures.values() if v is not None)
    came = (rows[f"next_days_{HORIZON}"] == 0).astype(float)
    scores = to_log_odds(np.clip(1 - forecast["purchases"], 0, 1))
    curve = fit_or_reason(lambda: best_by_brier(scores, came, list(rows.index)))
    if isinstance(curve, LeftOut):
        assert told(curve)
    else:
        assert is_finite(curve.apply(scores))
