"""Cox: published figures on Rossi, lifelines, statsmodels, invariances and errors."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from models.survival.cox import CoxModel, fit_cox
from models.survival.rows import ArrayRows, SurvivalError

ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
COLUMNS = ["x0", "x1", "x2"]


def rossi_rows(rossi, **more):
    return ArrayRows.of(rossi["week"], rossi["arrest"], rossi[ROSSI], **more)


def sample_rows(frame, *used, parts=1):
    more = {name: frame[name] for name in used if name in ("start", "weight", "stratum")}
    if "customer" in used:
        more["cluster"] = frame["customer"]
    return ArrayRows.of(frame["stop"], frame["event"], frame[COLUMNS], parts=parts, **more)


def test_rossi_has_the_published_figures(rossi):
    model = fit_cox(rossi_rows(rossi), ROSSI)
    coefficients = [-0.3794222, -0.0574377, 0.3138998, -0.1497957, -0.4337039, -0.0848711]
    errors = [0.1913795, 0.0219995, 0.3079928, 0.2122243, 0.3818681, 0.1957567, 0.0286485]
    assert model.coefficients == pytest.approx([*coefficients, 0.0914971], abs=1e-7)
    assert model.std_errors == pytest.approx(errors, abs=1e-7)
    assert model.log_likelihood == pytest.approx(-658.747659, abs=1e-6)
    assert (model.rows, model.events) == (432, 114)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_coefficients_errors_and_likelihood_are_those_of_statsmodels(rossi, ties):
    peer = pytest.importorskip("statsmodels.api").PHReg
    model = fit_cox(rossi_rows(rossi), ROSSI, ties)
    x, week = rossi[ROSSI].astype(float), rossi["week"].astype(float)
    other = peer(week, x, rossi["arrest"], ties=ties).fit()
    assert model.coefficients == pytest.approx(other.params, abs=1e-7)
    assert model.std_errors == pytest.approx(other.bse, abs=1e-7)
    assert model.log_likelihood == pytest.approx(other.llf, abs=1e-7)


@pytest.mark.parametrize(
    "used",
    [
        ("start",),
        ("weight",),
        ("stratum",),
        ("start", "weight", "stratum"),
    ],
    ids="-".join,
)
def test_entry_weights_and_strata_are_those_of_lifelines(sample, used):
    from lifelines import CoxPHFitter

    frame = sample()
    given = {"start": "entry_col", "weight": "weights_col", "stratum": "strata"}
    wanted = {given[name]: name if name != "stratum" else [name] for name in used}
    other = CoxPHFitter().fit(frame[[*COLUMNS, "stop", "event", *used]], "stop", "event", **wanted)
    model = fit_cox(sample_rows(frame, *used), COLUMNS)
    assert model.coefficients == pytest.approx(other.params_.to_numpy(), abs=1e-5)
    assert model.std_errors == pytest.approx(other.standard_errors_.to_numpy(), abs=1e-5)
    assert model.log_likelihood == pytest.approx(other.log_likelihood_, abs=1e-5)


@pytest.mark.parametrize("stratum", ["a", "b"])
def test_the_baseline_of_each_stratum_is_that_of_lifelines(sample, stratum):
    from lifelines import CoxPHFitter

    # One event per day: with ties, lifelines combines Breslow's hazard with Efron's coefficients.
    frame = sample().sort_values("stop").drop_duplicates("stop")
    frame = frame[[*COLUMNS, "stop", "event", "stratum"]]
    other = CoxPHFitter().fit(frame, "stop", "event", strata=["stratum"])
    hazard = other.baseline_cumulative_hazard_[stratum].dropna()
    model = fit_cox(sample_rows(frame, "stratum"), COLUMNS)
    # lifelines also centres on the mean over all rows.
    ours = model.baselines[stratum]
    inside = hazard[hazard.index <= ours.last_day]
    assert len(inside) > 10
    assert ours.at(inside.index.to_numpy().astype(int)) == pytest.approx(inside, abs=1e-5)


def test_the_step_of_the_baseline_under_ties_is_efrons():
    # Events: 2 of 6 on day 1, 2 of 4 on day 2. The covariate is balanced in both risk sets and
    # among the events, so b = 0. For the second of two ties, one row less is at risk.
    stop, event, x = [1, 1, 2, 2, 2, 2], [1, 1, 1, 1, 0, 0], [1, -1, 1, -1, 1, -1]
    efron = fit_cox(ArrayRows.of(stop, event, x), ["x"], "efron")
    breslow = fit_cox(ArrayRows.of(stop, event, x), ["x"], "breslow")
    assert efron.coefficients == pytest.approx([0.0], abs=1e-9)
    steps = np.array([1, 2])
    assert breslow.baselines[""].at(steps) == pytest.approx([2 / 6, 2 / 6 + 2 / 4])
    day_1 = 1 / 6 + 1 / 5
    assert efron.baselines[""].at(steps) == pytest.approx([day_1, day_1 + 1 / 4 + 1 / 3])


@pytest.mark.parametrize("rows_each", [1, 3])
def test_robust_errors_are_those_of_statsmodels_by_customer(rossi, rows_each):
    peer = pytest.importorskip("statsmodels.api").PHReg
    x, week = rossi[ROSSI].astype(float), rossi["week"].astype(float)
    customer = np.arange(len(rossi)) // rows_each
    other = peer(week, x, rossi["arrest"], ties="breslow").fit(groups=customer)
    model = fit_cox(rossi_rows(rossi, cluster=customer), ROSSI, "breslow")
    assert model.robust_std_errors == pytest.approx(other.bse, abs=1e-7)


TELCO = ["dependents", "dsl", "online_backup", "tech_support"]


def test_telco_month_to_month_has_the_published_figures(telco):
    chosen = telco[(telco["contract"] == "Month-to-month") & (telco["internet_service"] != "No")]
    x = pd.DataFrame(
        {
            "dependents": chosen["dependents"] == 1,
            "dsl": chosen["internet_service"] == "DSL",
            "online_backup": chosen["online_backup"] == "Yes",
            "tech_support": chosen["tech_support"] == "Yes",
        }
    ).astype(float)
    model = fit_cox(ArrayRows.of(chosen["tenure"], chosen["churn"] == "Yes", x), TELCO)
    published = [-0.3286509, -0.2173291, -0.7766204, -0.6391662]
    assert model.rows == 3351
    assert model.coefficients == pytest.approx(published, abs=1e-7)
    assert model.log_likelihood == pytest.approx(-11315.9525, abs=1e-4)


def test_robust_errors_with_weights_and_strata_are_those_of_lifelines(sample):
    from lifelines import CoxPHFitter

    # One event per day: with ties, the residuals of lifelines depend on the order of the rows.
    frame = sample(800).sort_values("stop").drop_duplicates("stop")
    used = ["weight", "stratum"]
    other = CoxPHFitter().fit(
        frame[[*COLUMNS, "stop", "event", *used]],
        "stop",
        "event",
        weights_col="weight",
        strata=["stratum"],
        robust=True,
    )
    model = fit_cox(sample_rows(frame, *used), COLUMNS)
    assert model.robust_std_errors == pytest.approx(other.standard_errors_.to_numpy(), abs=1e-5)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_score_residuals_equal_numerical_differences_of_the_estimate(sample, ties):
    """The score residuals in the sandwich estimator, against numerical differences.

    Increasing a row's weight by `little` moves the estimate by covariance x residual x little.
    """
    frame = sample(60)
    frame["stop"] = frame["stop"] // 10 + frame["start"] + 1
    model = fit_cox(sample_rows(frame, "start", "weight", "stratum"), COLUMNS, ties)
    little, moved = 1e-4, []
    for row in range(len(frame)):
        estimates = []
        for sign in (1, -1):
            weight = frame["weight"].copy()
            weight.iloc[row] += sign * little
            changed = sample_rows(frame.assign(weight=weight), "start", "weight", "stratum")
            estimates.append(fit_cox(changed, COLUMNS, ties).coefficients)
        moved.append((estimates[0] - estimates[1]) / (2 * little) * frame["weight"].iloc[row])
    sandwich = np.array(moved).T @ np.array(moved)
    assert model.robust_covariance == pytest.approx(sandwich, rel=1e-4, abs=1e-7)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), parts=st.integers(2, 7))
def test_order_and_partitions_do_not_matter(sample, seed, parts):
    frame = sample(200)
    used = ("start", "weight", "stratum", "customer")
    ordered = fit_cox(sample_rows(frame, *used), COLUMNS)
    shuffled = frame.sample(frac=1, random_state=seed)
    other = fit_cox(sample_rows(shuffled, *used, parts=parts), COLUMNS)
    assert other.coefficients == pytest.approx(ordered.coefficients, abs=1e-10)
    assert other.robust_covariance == pytest.approx(ordered.robust_covariance, abs=1e-10)
    assert other.log_likelihood == pytest.approx(ordered.log_likelihood, abs=1e-9)


def test_a_weight_equals_repeated_rows_under_breslow(sample):
    frame = sample()
    repeated = frame.loc[frame.index.repeat(frame["weight"].astype(int))]
    weighted = fit_cox(sample_rows(frame, "start", "weight"), COLUMNS, "breslow")
    other = fit_cox(sample_rows(repeated, "start"), COLUMNS, "breslow")
    assert weighted.coefficients == pytest.approx(other.coefficients, abs=1e-9)
    assert weighted.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-8)


def test_units_of_a_covariate_change_only_its_coefficient(sample):
    frame = sample()
    plain = fit_cox(sample_rows(frame, "start"), COLUMNS)
    other = fit_cox(sample_rows(frame.assign(x0=frame["x0"] * 1e6 + 2e9), "start"), COLUMNS)
    expected = plain.coefficients * [1e-6, 1, 1]
    assert other.coefficients == pytest.approx(expected, rel=1e-6)


def test_a_row_that_enters_after_an_event_is_not_at_risk_for_it():
    # Day 5: the two rows from the beginning are at risk, the third enters on day 5. The row with
    # x = 1 has the event: likelihood e^b / (e^b + 1). Day 9: the row with x = 0 has the event, and
    # the third row (x = 1) is also at risk: 1 / (1 + e^b). The maximum is at b = 0.
    rows = ArrayRows.of([5, 9, 9], [1, 1, 0], [1, 0, 1], start=[0, 0, 5])
    model = fit_cox(rows, ["x"])
    assert model.coefficients == pytest.approx([0.0], abs=1e-9)
    assert model.log_likelihood == pytest.approx(2 * math.log(1 / 2))


def test_all_events_and_no_censoring_is_a_model(sample):
    frame = sample()
    frame["event"] = 1
    assert np.isfinite(fit_cox(sample_rows(frame), COLUMNS).std_errors).all()


def test_an_event_on_the_first_day_counts_without_an_age_at_entry():
    rows = ArrayRows.of([0, 0, 3, 4], [1, 1, 1, 0], [1, -1, 0, 0.5])
    assert fit_cox(rows, ["x"]).events == 3


def test_a_stored_model_predicts_the_same(sample):
    frame = sample()
    model = fit_cox(sample_rows(frame, "stratum"), COLUMNS)
    again = CoxModel.from_dict(model.to_dict())
    given = (frame[COLUMNS].to_numpy(), frame["stop"].to_numpy(), np.array([0, 1, 30, 900]))
    curves = model.conditional_survival(*given, stratum=frame["stratum"])
    assert np.array_equal(curves, again.conditional_survival(*given, stratum=frame["stratum"]))
    assert (curves[:, 0] == 1).all() and (np.diff(curves, axis=1) <= 0).all()


def test_conditional_survival_is_a_ratio_of_survivals(sample):
    frame = sample()
    model = fit_cox(sample_rows(frame), COLUMNS)
    x = frame[COLUMNS].to_numpy()[:20]
    from_birth = model.conditional_survival(x, np.zeros(20), np.array([40, 60]))
    at_40 = model.conditional_survival(x, np.full(20, 40), np.array([20]))
    assert at_40[:, 0] == pytest.approx(from_birth[:, 1] / from_birth[:, 0])


def test_a_stratum_unknown_at_the_fit_has_the_mean_hazard_of_those_at_risk():
    # x is balanced in all risk sets and among the events, so b = 0. Stratum a: 2 of 4 leave on day
    # 1, 2 are censored on day 2. Stratum b: 2 of 4 leave on day 2, 2 are censored on day 3.
    rows = ArrayRows.of(
        [1, 1, 2, 2, 2, 2, 3, 3],
        [1, 1, 0, 0, 1, 1, 0, 0],
        [1, -1] * 4,
        stratum=list("aaaabbbb"),
    )
    model = fit_cox(rows, ["x"], "breslow")
    x, age, days = np.zeros((3, 1)), np.zeros(3), np.array([0, 1, 2, 3])
    for fitted in (model, CoxModel.from_dict(model.to_dict())):
        curve = fitted.conditional_survival(x, age, days, stratum=["a", "null", "b"])
        # Pooled: day 1 has 2 + 0 events of 4 + 4 at risk; day 2 has 0 + 2 events of 2 + 4.
        hazard = [[0, 2 / 4, 2 / 4], [0, 2 / 8, 2 / 8 + 2 / 6], [0, 0, 2 / 4]]
        assert curve[:, :3] == pytest.approx(np.exp(-np.array(hazard)))
        assert np.isfinite(curve).all()
        assert fitted.observed_days(age, ["a", "null", "b"]).tolist() == [2, 3, 3]


# ---------------------------------------------------------------------- bad input

FEW = {"stop": [3, 4, 5, 6], "event": [1, 0, 1, 0]}


@pytest.mark.parametrize(
    ("given", "names", "text"),
    [
        (
            {**FEW, "event": [0, 0, 0, 0], "x": [1, 2, 3, 4]},
            ["age"],
            "cox: needs rows with an event, got none in 4 rows. Observe the customers for longer, "
            "or choose an earlier landmark.",
        ),
        (
            {"stop": [3], "event": [1], "x": [1]},
            ["age"],
            "cox: needs at least two rows, got 1. Fit on more customers.",
        ),
        (
            {**FEW, "x": [7, 7, 7, 7]},
            ["age"],
            "age: must vary, got 7 in all 4 rows. Leave the covariate out.",
        ),
        (
            {**FEW, "x": [[1, 5, 2], [2, 1, 4], [3, 0, 6], [5, 9, 10]]},
            ["age", "orders", "age_in_months"],
            "age_in_months: covariates must be linearly independent, but these are linear "
            "functions of the columns before them. Leave them out (Survey.independent_columns "
            "returns the columns to keep).",
        ),
        (
            {**FEW, "x": [1, 2, math.nan, 4]},
            ["age"],
            "age: must be finite in all rows, got 1 of 4 rows without a value. Fill the missing "
            "values, or leave the covariate out.",
        ),
        (
            {**FEW, "x": [[], [], [], []]},
            [],
            "cox: needs at least one covariate, got none. Use the Kaplan-Meier curve instead.",
        ),
        (
            {**FEW, "start": [0, 4, 0, 0], "x": [1, 2, 3, 4]},
            ["age"],
            "start: must be before stop, got 1 of 4 rows that are never at risk. Leave them out, "
            "or count the day of the event as day 1.",
        ),
        (
            {**FEW, "weight": [0, 1, 1, -1], "x": [1, 2, 3, 4]},
            ["age"],
            "weight: must be above 0, got 2 of 4 rows that are not. Leave out rows of weight 0.",
        ),
        (
            {**FEW, "event": [2, 0, 1, 0], "x": [1, 2, 3, 4]},
            ["age"],
            "event: must be 0 or 1, got 1 of 4 rows that are neither. Write 1 for an event and 0 "
            "for a censored row.",
        ),
        (
            {**FEW, "stop": [3, 4, 5.5, 6], "x": [1, 2, 3, 4]},
            ["age"],
            "stop: must be whole days, got 5.5. Round fractions up to the next whole day, and "
            "leave out rows without a time.",
        ),
        (
            {**FEW, "stop": [3, 4, 5, 40_000], "x": [1, 2, 3, 4]},
            ["age"],
            "stop: must be from 0 to 36525 days, got 40000. Use ages in days, not dates or "
            "seconds.",
        ),
        (
            {"stop": [], "event": [], "x": []},
            ["age"],
            "rows: got none. Fit on at least two customers.",
        ),
        (
            # All rows with an event have the flag, and the rows without it stay longer.
            {"stop": [1, 2, 3, 9, 9, 9], "event": [1, 1, 1, 0, 0, 0], "x": [1, 1, 1, 0, 0, 0]},
            ["complained"],
            "complained: within the risk sets the covariate is constant, or separates the rows "
            "with an event from the others, so its coefficient has no finite estimate. Leave it "
            "out, or use a coarser grouping of its values.",
        ),
    ],
    ids=[
        *("no events", "one row", "constant", "collinear", "unknown value", "no covariate"),
        *("never at risk", "weights", "events", "fractions", "seconds", "no rows", "separated"),
    ],
)
def test_rows_that_cannot_be_fitted_are_refused(given, names, text):
    with pytest.raises(SurvivalError) as error:
        fit_cox(ArrayRows.of(**given), names)
    assert str(error.value) == text


def test_too_many_strata_are_refused():
    with pytest.raises(SurvivalError, match="must have at most 100 values, got more"):
        ArrayRows.of(range(1, 102), [1] * 101, stratum=[str(k) for k in range(101)])


def test_a_covariate_that_is_constant_in_each_stratum_is_refused():
    frame = pd.DataFrame({"stop": [1, 2, 3, 4], "event": 1, "stratum": list("aabb")})
    rows = ArrayRows.of(frame["stop"], frame["event"], [1, 1, 2, 2], stratum=list(frame["stratum"]))
    with pytest.raises(SurvivalError, match="plan: within the risk sets the covariate is constant"):
        fit_cox(rows, ["plan"])
