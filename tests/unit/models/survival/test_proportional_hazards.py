"""The test of proportional hazards: figures of R and of lifelines."""

from __future__ import annotations

import pytest

from models.survival.cox import CoxModel, fit_cox
from models.survival.proportional_hazards import proportionality
from models.survival.rows import ArrayRows, SurvivalError

LUNG = ["age", "sex", "wt.loss"]
ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def test_lung_has_the_figures_of_r():
    """cox.zph(coxph(Surv(time, status) ~ age + sex + wt.loss, lung)) of R's survival 2.x:
    age 0.378 (p 0.538), sex 2.349 (0.125), wt.loss 0.024 (0.877), GLOBAL 2.846 (0.416)."""
    from lifelines.datasets import load_lung

    lung = load_lung()[["time", "status", *LUNG]].dropna()
    model = fit_cox(ArrayRows.of(lung["time"], lung["status"], lung[LUNG]), LUNG)
    tests = proportionality(model.residuals, model.covariance, LUNG)
    assert [f.name for f in tests] == [*LUNG, "all covariates"]
    assert [f.degrees for f in tests] == [1, 1, 1, 3]
    assert [f.chi_squared for f in tests] == pytest.approx([0.378, 2.349, 0.024, 2.846], abs=5e-4)
    assert [f.p_value for f in tests] == pytest.approx([0.538, 0.125, 0.877, 0.416], abs=5e-4)


@pytest.mark.parametrize(("scale", "theirs"), [("days", "identity"), ("log", "log")])
def test_rossi_has_the_figures_of_lifelines(rossi, scale, theirs):
    from lifelines import CoxPHFitter
    from lifelines.statistics import proportional_hazard_test

    other = proportional_hazard_test(
        CoxPHFitter().fit(rossi, "week", "arrest"), rossi, time_transform=theirs
    ).summary["test_statistic"]
    model = fit_cox(ArrayRows.of(rossi["week"], rossi["arrest"], rossi[ROSSI]), ROSSI)
    tests = proportionality(model.residuals, model.covariance, ROSSI, scale=scale)[:-1]
    assert [f.chi_squared for f in tests] == pytest.approx(other[ROSSI].to_numpy(), rel=1e-4)


def test_a_stored_model_cannot_be_tested(rossi):
    model = fit_cox(ArrayRows.of(rossi["week"], rossi["arrest"], rossi[ROSSI]), ROSSI)
    stored = CoxModel.from_dict(model.to_dict())
    with pytest.raises(SurvivalError, match="a stored model has no residuals"):
        proportionality(stored.residuals, stored.covariance, ROSSI)


def test_events_on_a_single_day_are_refused():
    model = fit_cox(ArrayRows.of([5, 5, 5, 6], [1, 1, 0, 0], [1, 2, 3, 1]), ["x"])
    with pytest.raises(SurvivalError, match="needs events on at least two days, got 1"):
        proportionality(model.residuals, model.covariance, ["x"])
