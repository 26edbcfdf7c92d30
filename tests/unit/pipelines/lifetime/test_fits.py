"""The choice of the purchase model and of the spend model, and the warnings."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models.btyd.fitting import Fit
from models.btyd.gamma_gamma import SpendRows
from models.btyd.rows import PurchaseRows
from models.btyd.worth import LifetimeModel, Terms
from pipelines.lifetime.btyd_fits import chosen, fit_all, fit_spend_model, terms
from pipelines.lifetime.summaries import Fittable
from runtime.settings import load

SETTINGS = load("demo").lifetime
AS_OF = dt.date(2018, 1, 1)


def fit_of(a=1.0, b=4.0, error=0.1, gradient=1e-9, is_at_a_maximum=True):
    """A BG/NBD fit of 100 customers. error: relative standard error of each parameter."""
    values = (1.2, 12.0, a, b)
    errors = tuple(error * v for v in values)
    names = ("r", "alpha", "a", "b")
    return Fit(names, values, errors, -500.0, 100.0, gradient, is_at_a_maximum, 9)


GOOD, LOST = fit_of(), fit_of(gradient=0.02)


@pytest.mark.parametrize(
    ("scores", "fits", "name"),
    [
        ((-5.0, -4.0), (GOOD, GOOD), "mbg_nbd"),
        # A better likelihood counts only if the fit converged.
        ((-5.0, -4.0), (GOOD, LOST), "bg_nbd"),
        ((-5.0, None), (LOST, GOOD), "mbg_nbd"),
        ((-5.0, -4.0), (LOST, LOST), "bg_nbd"),
    ],
)
def test_a_converged_fit_is_chosen_first(scores, fits, name):
    names = ("bg_nbd", "mbg_nbd")
    both = dict(zip(names, scores, strict=True)), dict(zip(names, fits, strict=True))
    assert chosen(*both) == name


class Spends:
    """Stands in for Summaries: frequency and mean value per repeat customer."""

    def __init__(self, frequency, value):
        self.frequency, self.value = frequency, value

    def spend_sums(self, day):
        rows = pd.DataFrame({"frequency": self.frequency, "value": self.value})
        rows = rows.assign(square=rows["value"] ** 2, customers=1)
        return rows.groupby("frequency", as_index=False).sum()

    def spend(self, day):
        rows = SpendRows.of(self.frequency, self.value)
        return Fittable(rows, None, rows.customers)


def spends(slope):
    """400 customers. The mean value is drawn from a gamma distribution with mean 30.

    It is then multiplied by 1 + slope * frequency.
    """
    draw = np.random.default_rng(7)
    frequency = draw.integers(1, 21, 400)
    each = draw.gamma(6, 5, 400) * draw.gamma(4 * frequency, 1 / (4 * frequency))
    return Spends(frequency, each * (1 + slope * frequency))


def test_value_that_rises_with_frequency_is_left_to_credibility():
    rising = spends(slope=0.2)
    related = np.corrcoef(rising.frequency, rising.value)[0, 1]
    assert related > SETTINGS.most_value_correlation == 0.3

    spend = fit_spend_model(rising, AS_OF, SETTINGS)

    assert spend.name == "credibility"
    assert spend.warnings == [
        f"gamma_gamma is not used: frequency and value correlate ({related:.2f}, at most 0.3 is "
        "allowed). The value of a purchase is the customer's own mean, shrunk to the mean of "
        "customers with a similar frequency (credibility)."
    ]
    is_chosen = {(r["model_name"], r["is_chosen"]) for r in spend.rows}
    # Gamma-Gamma converged: only the correlation decides.
    assert is_chosen == {("gamma_gamma", False), ("credibility", True)}
    assert {r["converged"] for r in spend.rows if r["parameter"] == "q"} == {True}
    values = {r["parameter"]: r["value"] for r in spend.rows}
    assert values["frequency_value_correlation"] == pytest.approx(related)


class Customers(Spends):
    """With purchases too: BG/NBD customers over 300 days; every tenth is in the hold-out."""

    def __init__(self, count=1_000):
        draw, rows = np.random.default_rng(5), []
        for rate, chance in zip(
            draw.gamma(1.2, 1 / 12, count), draw.beta(1, 4, count), strict=True
        ):
            days = draw.exponential(1 / rate, 400).cumsum()[: draw.geometric(chance)]
            seen = days[days < 300]
            rows.append((len(seen), seen[-1] if len(seen) else 0.0, 300.0))
        self.rows = np.array(rows)
        repeats = self.rows[self.rows[:, 0] > 0, 0]
        super().__init__(repeats, draw.gamma(6, 5, len(repeats)))

    def purchases(self, day, is_held_out=None):
        tenth = np.arange(len(self.rows)) % 10 == 0
        chosen = slice(None) if is_held_out is None else tenth == is_held_out
        rows = PurchaseRows.of(*self.rows[chosen].T)
        return Fittable(rows, None, rows.customers)


def test_every_converged_model_is_kept_with_the_same_spend_model():
    fits = fit_all(load("demo"), Customers(), AS_OF)
    converged = {r["model_name"] for r in fits.rows if r["parameter"] == "r" and r["converged"]}
    assert {fits.model.name, *fits.others} == converged >= {"bg_nbd", "mbg_nbd"}
    assert fits.model.name not in fits.others
    for name, other in fits.others.items():
        assert (other.name, other.spend, other.terms) == (
            name,
            fits.model.spend,
            fits.model.terms,
        )
        assert LifetimeModel.from_json(other.to_json()) == other


def test_the_terms_have_the_horizon_and_the_lead_of_conf():
    with_lead = terms(load("demo", churn={"lead_days": 14}))
    assert (with_lead.horizon_days, with_lead.lead_days, with_lead.told_after_days) == (30, 14, 44)
    without = {n: v for n, v in vars(with_lead).items() if n != "lead_days"}
    assert Terms(**without).lead_days == 0, "a model registered before the setting existed"


def test_value_that_does_not_depend_on_frequency_is_left_to_gamma_gamma():
    spend = fit_spend_model(spends(slope=0.0), AS_OF, SETTINGS)
    assert (spend.name, spend.warnings) == ("gamma_gamma", [])
    assert {r["is_chosen"] for r in spend.rows} == {True}
