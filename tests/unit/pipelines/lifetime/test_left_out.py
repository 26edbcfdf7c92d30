"""A lifetime or survival model that cannot be fitted leaves a row and a reason; the others stay."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.survival.rows import SurvivalError
from pipelines.lifetime import survival_fits
from pipelines.lifetime.comparison import left_out, not_compared
from pipelines.lifetime.covariate_encoder import MOST_SPREADS, encoder_of
from pipelines.lifetime.model_rows import NO_VARIANCE, left_out_row, survival_row
from pipelines.lifetime.survival_selection import without_error
from runtime.settings import load


class Seen:
    customers = 40


def test_a_survival_model_that_fails_is_left_out_by_name(monkeypatch):
    def fit_one(settings, seen, name):
        if name == "cox":
            raise SurvivalError("feature_recency_days: has no finite estimate.")
        return f"model {name}", [{"model_name": name}]

    monkeypatch.setattr(survival_fits, "fit_one", fit_one)
    fits = survival_fits.fits_of(load("demo"), Seen())
    assert fits.models == {n: f"model {n}" for n in ("weibull_aft", "discrete_hazard")}
    assert fits.left_out == {"cox": "recency_days: has no finite estimate."}
    assert fits.rows[0] == {
        "model_name": "cox",
        "parameter": "left_out",
        "value": None,
        "std_error": None,
        "log_likelihood": None,
        "customers": 40,
        "converged": False,
        "is_chosen": False,
        "is_identified": None,
        "reason": "recency_days: has no finite estimate.",
    }


@pytest.mark.parametrize(
    ("error", "std_error", "reason"),
    [(0.5, 0.5, None), (np.nan, None, NO_VARIANCE), (None, None, None)],
)
def test_a_variance_that_is_not_positive_is_null_with_a_reason(error, std_error, reason):
    row = survival_row("cox", "recency_days", 1.5, customers=9, std_error=error, log_likelihood=-2)
    assert (row["value"], row["std_error"], row["reason"]) == (1.5, std_error, reason)
    told = ["cox: recency_days: no standard error: its estimated variance is not positive."]
    assert without_error([row, left_out_row("weibull_aft", "why", 9)]) == (told if reason else [])


def test_covariates_are_bounded_by_robust_standard_deviations():
    many = pd.DataFrame({"feature_money": [*np.tile(np.arange(-9.0, 10.0), 50), 1e6]})
    bounded = encoder_of(many)
    # Quartiles -5 and 5, hundredths -9 and 9: 18 / 4.653 = 3.87 < 10 / 1.349 = 7.41.
    assert bounded.highest[0] == pytest.approx(MOST_SPREADS * 10 / 1.34898, rel=1e-5)
    encoded = bounded.encode(many)[:, 0]
    assert encoded[:-1].tolist() == many["feature_money"].tolist()[:-1]
    assert encoded[-1] == pytest.approx(bounded.highest[0])
    # Nothing is bounded where most values are equal: hundredths 0 and 1, 20 x 1 / 4.65 = 4.3 > 1.
    rare = encoder_of(pd.DataFrame({"feature_money": [-1.0] * 3 + [0.0] * 90 + [1.0] * 7}))
    assert rare.lowest[0] < -1 and rare.highest[0] > 1


def test_a_model_without_metrics_is_told():
    rows = [left_out("cox", "one class."), {"model_name": "bg_nbd", "metric": "roc_auc"}]
    told = "cox is left out of the comparison with the classifiers: one class."
    assert not_compared(rows) == [told]
