"""Fits against published figures, the lifetimes package, and the same rows in other forms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from models.btyd.choice import (
    KINDS,
    fit_model,
    fit_spend,
    fitted,
    held_out,
    likelihood_of,
    partial_sums,
)
from models.btyd.gamma_gamma import GammaGamma, GammaGammaLikelihood, SpendRows
from models.btyd.rows import PurchaseRows

CALIBRATION = "1997-09-30"


def rows_of(summary, per=1.0):
    return PurchaseRows.of(summary["x"], summary["t_x"] / per, summary["T"] / per)


@pytest.fixture(scope="module")
def sample(cdnow):
    return cdnow.summary(CALIBRATION)


# Fader, Hardie & Lee 2005 and other published fits: parameters in weeks, and log-likelihood.
PUBLISHED = {
    "bg_nbd": ((0.24259451, 4.41360171, 0.79292207, 2.42590693), -9582.429207),
    "pareto_nbd": ((0.5533, 10.578, 0.6062, 11.669), -9594.976),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_cdnow_sample_gives_the_published_parameters(name, sample):
    expected, log_likelihood = PUBLISHED[name]
    fit = fit_model(name, rows_of(sample, per=7))
    assert fit.converged
    assert fit.values == pytest.approx(expected, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-3)


def test_mbg_nbd_on_the_rounded_summary_of_lifetimes():
    package = pytest.importorskip("lifetimes", reason="its data sets are not installed")
    data = pd.read_csv(Path(package.__file__).parent / "datasets/cdnow_customers_summary.csv")
    rows = PurchaseRows.of(data["frequency"], data["recency"], data["T"])
    fit = fit_model("mbg_nbd", rows)
    assert fit.values == pytest.approx((0.524838, 6.182992, 0.891356, 1.613999), abs=2e-6)
    assert fit.log_likelihood == pytest.approx(-9582.132685, abs=1e-5)


def test_cdnow_master_gives_the_published_parameters(cdnow_master):
    fit = fit_model("bg_nbd", rows_of(cdnow_master.summary(CALIBRATION), per=7))
    assert fit.values == pytest.approx((0.2516, 4.7889, 0.7234, 2.1610), abs=1e-4)
    assert fit.log_likelihood == pytest.approx(-95368.444, abs=1e-2)


def test_parameters_and_errors_are_those_of_lifetimes(sample):
    fitter = pytest.importorskip("lifetimes").BetaGeoFitter()
    # The rounding error of its gradient is about 1e-9: a smaller tol fails on some processors.
    fitter.fit(sample["x"], sample["t_x"] / 7, sample["T"] / 7, tol=1e-8)
    fit = fit_model("bg_nbd", rows_of(sample, per=7))
    assert fit.values == pytest.approx(tuple(fitter.params_), rel=1e-6)
    assert fit.std_errors == pytest.approx(tuple(fitter.standard_errors_), rel=1e-3)


def test_gamma_gamma_of_the_946_repeaters(sample):
    repeaters = sample[(sample["x"] > 0) & (sample["m"] > 0)]
    fit = fit_spend(SpendRows.of(repeaters["x"], repeaters["m"]))
    assert fit.customers == 946
    assert fit.values == pytest.approx((6.25, 3.74, 15.44), abs=0.006)
    assert fit.log_likelihood == pytest.approx(-4055.92, abs=0.005)
    model = GammaGamma(**fit.parameters)
    # Over all customers; those without a repeat purchase get the overall mean.
    mean = model.expected_value(sample["x"], sample["m"]).mean()
    assert mean == pytest.approx(35.253, abs=0.002)


@pytest.mark.parametrize("name", KINDS)
def test_merged_rows_with_weights_equal_one_row_per_customer(name, sample):
    merged = rows_of(sample)
    assert len(merged) < merged.customers
    # Not merged: one row per customer, with weight 1.
    single = PurchaseRows(
        *(sample[c].to_numpy(dtype=float) for c in ("x", "t_x", "T")), np.ones(len(sample))
    )
    of_merged, of_single = fit_model(name, merged), fit_model(name, single)
    assert of_merged.values == pytest.approx(of_single.values, rel=1e-9)
    assert of_merged.log_likelihood == pytest.approx(of_single.log_likelihood, rel=1e-12)
    assert of_merged.std_errors == pytest.approx(of_single.std_errors, rel=1e-6)


@pytest.mark.parametrize("name", KINDS)
def test_the_gradient_is_the_slope_of_the_likelihood(name, sample):
    likelihood = KINDS[name].likelihood(rows_of(sample.head(300)))
    for at in ([0.1, 3.0, -0.5, 0.7], [-1.0, 1.0, 0.8, 4.0]):
        slope = approx_fprime(np.array(at), lambda t: likelihood(t)[0], 1e-6)
        assert likelihood(np.array(at))[1] == pytest.approx(slope, rel=2e-4, abs=2e-3)


def test_the_gradient_of_gamma_gamma(sample):
    repeaters = sample[(sample["x"] > 0) & (sample["m"] > 0)].head(200)
    likelihood = GammaGammaLikelihood(SpendRows.of(repeaters["x"], repeaters["m"]))
    at = np.array([1.0, 1.2, 3.0])
    slope = approx_fprime(at, lambda t: likelihood(t)[0], 1e-6)
    assert likelihood(at)[1] == pytest.approx(slope, rel=2e-4, abs=2e-3)


@pytest.mark.parametrize("name", KINDS)
def test_likelihoods_of_customers_add_up_to_the_likelihood_of_the_rows(name, sample):
    rows = rows_of(sample)
    fit = fit_model(name, rows)
    whole, _ = KINDS[name].likelihood(rows)(np.log(fit.values))
    assert held_out(fitted(name, fit), rows) * rows.customers == pytest.approx(whole, rel=1e-10)


@pytest.mark.parametrize("name", KINDS)
def test_sums_over_parts_fit_as_the_whole_does(name, sample):
    """Like Spark's workers: the sums of batches of rows with their numbers of customers."""
    rows = rows_of(sample)
    frame = pd.DataFrame(
        {
            "frequency": rows.frequency,
            "recency_days": rows.recency,
            "T_days": rows.T,
            "customers": rows.weight,
        }
    )
    parts = [frame.iloc[:100], frame.iloc[100:100], frame.iloc[100:]]

    def in_parts(at):
        sums = pd.concat(partial_sums(name, at)(iter(parts))).sum()
        return sums["value"], sums[["g0", "g1", "g2", "g3"]].to_numpy()

    fit = fit_model(name, rows.thinned(200), in_parts, customers=rows.customers)
    assert fit.values == pytest.approx(fit_model(name, rows).values, rel=1e-8)
    assert fit.customers == rows.customers


def test_sums_over_parts_of_spend(sample):
    repeaters = sample[(sample["x"] > 0) & (sample["m"] > 0)]
    rows = SpendRows.of(repeaters["x"], repeaters["m"])
    frame = pd.DataFrame(
        {"frequency": rows.frequency, "monetary_value": rows.value, "customers": rows.weight}
    )

    def in_parts(at):
        batches = iter([frame.iloc[::2], frame.iloc[1::2]])
        sums = pd.concat(partial_sums("gamma_gamma", at)(batches)).sum()
        return sums["value"], sums[["g0", "g1", "g2"]].to_numpy()

    fit = fit_spend(rows.thinned(100), in_parts, rows.customers)
    assert fit.values == pytest.approx(fit_spend(rows).values, rel=1e-8)
    assert likelihood_of("gamma_gamma", frame)(np.zeros(3))[0] == pytest.approx(
        in_parts(np.zeros(3))[0]
    )


def test_time_in_weeks_is_turned_into_days(sample):
    days = rows_of(sample)
    weeks = PurchaseRows.of(sample["x"], sample["t_x"] / 7, sample["T"] / 7, unit="weeks")
    for part in ("frequency", "recency", "T", "weight"):
        assert getattr(weeks, part) == pytest.approx(getattr(days, part), rel=1e-12)


@pytest.mark.parametrize("name", KINDS)
def test_a_longer_unit_of_time_scales_only_the_rates(name, sample):
    """The log-likelihood changes by purchases · log 7, because its density is per unit of time."""
    days, weeks = fit_model(name, rows_of(sample)), fit_model(name, rows_of(sample, per=7))
    scale = np.array([1, 7, 1, 7 if name == "pareto_nbd" else 1])
    assert np.array(days.values) == pytest.approx(np.array(weeks.values) * scale, rel=1e-7)
    moved = days.log_likelihood + sample["x"].sum() * np.log(7)
    assert moved == pytest.approx(weeks.log_likelihood, rel=1e-10)


def simulated(leaves, seed=5, customers=3000, days=300):
    """BG/NBD customers: rate gamma(1.2, 12); chance to leave beta(1, 4), or 0."""
    draw = np.random.default_rng(seed)
    rows = []
    for rate in draw.gamma(1.2, 1 / 12, customers):
        chance = draw.beta(1, 4) if leaves else 0.0
        x, last, at = 0, 0.0, draw.exponential(1 / rate)
        while at < days:
            x, last = x + 1, at
            if draw.random() < chance:
                break
            at += draw.exponential(1 / rate)
        rows.append((x, last, days))
    return PurchaseRows.of(*map(np.array, zip(*rows, strict=True)))


def test_planted_parameters_are_estimated_within_their_errors():
    fit = fit_model("bg_nbd", simulated(leaves=True))
    # Four standard errors: a false failure in 1 of 16,000 cases per parameter.
    for value, error, planted in zip(fit.values, fit.std_errors, (1.2, 12, 1, 4), strict=True):
        assert abs(value - planted) < 4 * error


def test_the_true_model_has_the_best_held_out_likelihood():
    train, test = simulated(leaves=True), simulated(leaves=True, seed=6)
    scores = {n: held_out(fitted(n, fit_model(n, train)), test) for n in ("bg_nbd", "mbg_nbd")}
    assert scores["bg_nbd"] > scores["mbg_nbd"]


def test_a_fit_from_its_dictionary_is_equal():
    fit = fit_model("bg_nbd", simulated(leaves=True, customers=300))
    assert type(fit).from_dict(fit.to_dict()) == fit
