"""Whether customers leave, and whether P(alive) is precise: values on paper, planted dropout."""

from __future__ import annotations

import numpy as np
import pytest

from models.btyd.choice import fit_model, fit_without_dropout
from models.btyd.dropout import Bounds, dropout, leaving_a_year, p_alive_errors
from models.btyd.fitting import Fit
from models.btyd.nbd import NbdLikelihood
from models.btyd.pareto_nbd import ParetoNbd
from models.btyd.rows import PurchaseRows
from tests.unit.models.btyd.test_fits import simulated

BOUNDS = Bounds(least_likelihood_ratio=9.2, least_leaving_a_year=0.01, most_p_alive_error=0.1)
NAMES = ("r", "alpha", "a", "b")


def fit_of(log_likelihood=-100.0, variance_of_log_a=0.25, values=(1.0, 10.0, 1.0, 4.0)):
    """A converged BG/NBD fit in which only a is uncertain."""
    covariance = np.zeros((4, 4))
    covariance[2, 2] = variance_of_log_a
    rows = tuple(map(tuple, covariance.tolist()))
    return Fit(NAMES, values, (0.1,) * 4, log_likelihood, 2.0, 1e-9, True, 1, rows)


def without(log_likelihood):
    return Fit(("r", "alpha"), (1.0, 10.0), (0.1,) * 2, log_likelihood, 2.0, 1e-9, True, 1)


# With r = 1, alpha = 10, a = 1, b = 4: odds of having left a / (b + x - 1) · (30 / 20)^(1 + x).
ROWS = PurchaseRows.of([1, 2], [10, 10], [20, 20])
ODDS = np.array([1 / 4 * 1.5**2, 1 / 5 * 1.5**3])


def test_the_likelihood_without_dropout():
    """x = 0: (alpha / (alpha + T))^r = (10 / 30)^2. x = 1: r alpha^r / (alpha + T)^(r + 1)."""
    at = np.log([2.0, 10.0])
    value, _ = NbdLikelihood(PurchaseRows.of([0], [0], [20]))(at)
    assert value == pytest.approx(2 * np.log(1 / 3))
    value, _ = NbdLikelihood(PurchaseRows.of([1], [5], [20], [3]))(at)
    assert value == pytest.approx(3 * np.log(2 * 100 / 30**3))


def test_the_gradient_is_that_of_the_likelihood():
    likelihood, at = NbdLikelihood(PurchaseRows.of([0, 1, 7], [0, 5, 18], [20, 9, 30])), np.zeros(2)
    _, gradient = likelihood(at)
    for place in range(2):
        step = np.eye(2)[place] * 1e-5
        slope = (likelihood(at + step)[0] - likelihood(at - step)[0]) / 2e-5
        assert gradient[place] == pytest.approx(slope, rel=1e-6)


def test_without_dropout_the_mean_rate_is_purchases_over_time():
    """All customers observed for 300 days: the fitted mean rate r / alpha is that of the data."""
    rows = simulated(leaves=False, customers=400)
    r, alpha = fit_without_dropout(rows).values
    assert r / alpha == pytest.approx(rows.purchases / (400 * 300), rel=1e-6)


def test_the_error_of_p_alive_by_the_delta_method():
    """logit P(alive) = -log a + ..., so the slope by log a is -p (1 - p); deviation of log a: 0.5."""
    p = 1 / (1 + ODDS)
    errors = p_alive_errors("bg_nbd", fit_of(variance_of_log_a=0.25), ROWS)
    assert errors == pytest.approx(0.5 * p * (1 - p), rel=1e-6)


def test_leaving_within_a_year():
    """Pareto/NBD with s = 1 and beta + T = 365: half of those alive die within 365 days."""
    model = ParetoNbd(1.0, 10.0, 1.0, 345.0)
    assert leaving_a_year(model, ROWS) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("gained", "variance", "bounds", "missing"),
    [
        # Twice the gain: 9.4 and 9.0. It must be above the bound, not equal.
        (4.7, 1e-6, BOUNDS, None),
        (4.5, 1e-6, BOUNDS, "no_dropout"),
        (4.5, 1e-6, Bounds(9.0, 0.01, 0.1), "no_dropout"),
        (4.7, 1e-6, Bounds(9.2, 0.99, 0.1), "no_dropout"),
        # The errors are p (1 - p) times the deviation of log a: 0.23 and 0.24 times 1.
        (4.7, 1.0, BOUNDS, "not_precise"),
        (4.7, 1.0, Bounds(9.2, 0.01, 0.25), None),
        # What does not happen is missing before its precision is asked for.
        (4.5, 1.0, BOUNDS, "no_dropout"),
    ],
)
def test_what_is_missing(gained, variance, bounds, missing):
    fit = fit_of(-100.0, variance)
    shown = dropout(
        "bg_nbd", fit, without(-100.0 - gained), rows=ROWS, silent_days=90, bounds=bounds
    )
    assert shown.missing == missing
    assert shown.likelihood_ratio == pytest.approx(2 * gained)
    p = 1 / (1 + ODDS)
    assert shown.p_alive_error == pytest.approx(min(p * (1 - p)) * np.sqrt(variance), rel=1e-4)


def test_only_customers_who_can_be_kept_count():
    """The third customer has been silent for 991 days, with P(alive) near 0."""
    rows = PurchaseRows.of([1, 1, 2], [10, 10, 10], [20, 1000, 20])
    kept = {"silent_days": 90, "bounds": BOUNDS}
    both = dropout("bg_nbd", fit_of(), without(-200.0), rows=ROWS, **kept)
    assert dropout("bg_nbd", fit_of(), without(-200.0), rows=rows, **kept) == both
    lost = PurchaseRows.of([1], [10], [1000])
    assert dropout("bg_nbd", fit_of(), without(-200.0), rows=lost, **kept).p_alive_error >= 0


def test_a_fit_without_a_maximum_is_not_precise():
    fit = Fit(NAMES, (1.0, 10.0, 1.0, 4.0), None, -100.0, 2.0, 0.1, False, 1)
    shown = dropout("bg_nbd", fit, without(-200.0), rows=ROWS, silent_days=90, bounds=BOUNDS)
    assert shown.missing == "not_precise" and shown.p_alive_error is None
    unknown = dropout("bg_nbd", fit, None, rows=ROWS, silent_days=90, bounds=BOUNDS)
    assert unknown.missing == "no_dropout" and unknown.likelihood_ratio is None


@pytest.mark.parametrize("name", ["bg_nbd", "pareto_nbd"])
@pytest.mark.parametrize("leaves", [True, False])
def test_planted_dropout(name, leaves):
    """One in five purchases is the last, or none is. All rows are used, the lost ones too."""
    rows = simulated(leaves=leaves, customers=800)
    fit = fit_model(name, rows)
    shown = dropout(
        name, fit, fit_without_dropout(rows), rows=rows, silent_days=1000, bounds=BOUNDS
    )
    assert shown.missing == (None if leaves else "no_dropout")
