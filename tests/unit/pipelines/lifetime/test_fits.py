"""Which model is used and what is said of it; which value of a purchase."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.btyd.fitting import Fit
from models.btyd.gamma_gamma import SpendRows
from models.btyd.rows import PurchaseRows
from models.btyd.worth import LifetimeModel, Terms
from pipelines.lifetime.btyd_fits import Fits, chosen, doubts, fit_all, fit_worth, terms
from pipelines.lifetime.summaries import Fittable
from runtime.settings import load

SETTINGS = load("demo").lifetime
AS_OF = dt.date(2018, 1, 1)


def fit_of(a=1.0, b=4.0, error=0.1, gradient=1e-9, is_at_a_maximum=True):
    """BG/NBD of a hundred customers; `error`: relative, of every parameter."""
    values = (1.2, 12.0, a, b)
    errors = tuple(error * v for v in values)
    names = ("r", "alpha", "a", "b")
    return Fit(names, values, errors, -500.0, 100.0, gradient, is_at_a_maximum, 9)


GOOD, LOST = fit_of(), fit_of(gradient=0.02)
CONVERGE = (
    "bg_nbd: the fit did not converge (gradient 2.0e-02 a customer), and no other model of conf "
    "did: p_alive is not shown, and forecasts rest on the point where the search ended. See "
    "gold.clv_backtest, or take a longer history."
)
# Of a / b = 1 / 4 and 1 / 1000.
IDENTIFIED = (
    "bg_nbd: dropout is not identified ({} leave a purchase): p_alive is not shown, and strategies "
    "that need it use expected purchases, which do not depend on it."
)


@pytest.mark.parametrize(
    ("fit", "said"),
    [
        (GOOD, []),
        (fit_of(error=1.5), [IDENTIFIED]),
        (fit_of(a=0.02, b=20.0), [IDENTIFIED]),
        # Nothing is known of the dropout of a point that is no maximum.
        (LOST, [CONVERGE]),
        (fit_of(a=0.02, b=20.0, gradient=0.02), [CONVERGE, IDENTIFIED]),
    ],
)
def test_what_is_said_of_the_chosen_fit(fit, said):
    share = f"{fit.values[2] / fit.values[3]:.4f}"
    assert doubts("bg_nbd", fit, SETTINGS) == [s.format(share) for s in said]


@pytest.mark.parametrize(
    ("scores", "fits", "name"),
    [
        ((-5.0, -4.0), (GOOD, GOOD), "mbg_nbd"),
        # A better likelihood counts only at a maximum.
        ((-5.0, -4.0), (GOOD, LOST), "bg_nbd"),
        ((-5.0, None), (LOST, GOOD), "mbg_nbd"),
        ((-5.0, -4.0), (LOST, LOST), "bg_nbd"),
    ],
)
def test_a_fit_at_a_maximum_goes_before_one_that_is_none(scores, fits, name):
    names = ("bg_nbd", "mbg_nbd")
    both = dict(zip(names, scores, strict=True)), dict(zip(names, fits, strict=True))
    assert chosen(*both) == name


class Spends:
    """What Summaries says of repeaters: a frequency and a mean value a customer."""

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
    """400 customers whose mean value grows by `slope` with each repeat purchase, in ratio to a
    draw of gamma with a mean of 30."""
    draw = np.random.default_rng(7)
    frequency = draw.integers(1, 21, 400)
    each = draw.gamma(6, 5, 400) * draw.gamma(4 * frequency, 1 / (4 * frequency))
    return Spends(frequency, each * (1 + slope * frequency))


def test_value_that_rises_with_frequency_is_left_to_credibility():
    found, rising = Fits(), spends(slope=0.2)
    related = np.corrcoef(rising.frequency, rising.value)[0, 1]
    assert related > SETTINGS.most_value_correlation == 0.3

    name, _ = fit_worth(rising, AS_OF, SETTINGS, found)

    assert name == "credibility"
    assert found.warnings == [
        f"gamma_gamma is not used: frequency and value correlate ({related:.2f}); the value of a "
        "purchase is the customer's own mean, shrunk to that of the like (credibility)."
    ]
    is_chosen = {(r["model_name"], r["is_chosen"]) for r in found.rows}
    # Gamma-Gamma has a maximum there: the correlation alone decides.
    assert is_chosen == {("gamma_gamma", False), ("credibility", True)}
    assert {r["converged"] for r in found.rows if r["parameter"] == "q"} == {True}
    told = {r["parameter"]: r["value"] for r in found.rows}
    assert told["frequency_value_correlation"] == pytest.approx(related)


class Customers(Spends):
    """And of purchases: BG/NBD customers of 300 days, each tenth held out."""

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


def test_every_model_at_a_maximum_is_kept_with_the_same_worth():
    context = SimpleNamespace(settings=load("demo"))
    found = fit_all(context, Customers(), AS_OF)
    converged = {r["model_name"] for r in found.rows if r["parameter"] == "r" and r["converged"]}
    assert {found.model.name, *found.others} == converged >= {"bg_nbd", "mbg_nbd"}
    assert found.model.name not in found.others
    for name, other in found.others.items():
        assert (other.name, other.spend, other.terms) == (
            name,
            found.model.spend,
            found.model.terms,
        )
        assert LifetimeModel.from_json(other.to_json()) == other


def test_the_terms_have_the_days_that_tell_who_churned():
    context = SimpleNamespace(settings=load("demo", churn={"lead_days": 14}))
    found = terms(context)
    assert (found.horizon_days, found.lead_days, found.told_after_days) == (30, 14, 44)
    of_before = {n: v for n, v in vars(found).items() if n != "lead_days"}
    assert Terms(**of_before).lead_days == 0, "a model registered before there was a lead"


def test_value_on_which_frequency_says_nothing_is_gamma_gamma():
    found = Fits()
    name, _ = fit_worth(spends(slope=0.0), AS_OF, SETTINGS, found)
    assert (name, found.warnings) == ("gamma_gamma", [])
    assert {r["is_chosen"] for r in found.rows} == {True}
