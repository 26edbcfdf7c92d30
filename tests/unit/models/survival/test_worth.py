"""CLV from survival: closed forms of an exponential lifetime, value at stake, and the interval."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models.btyd.terms import MONTH_DAYS, Terms
from models.btyd.worth import LifetimeModelError
from models.encoding import FeatureEncoder
from models.lifetime_scoring import model_of, survival_batch
from models.portable_text import PortableModelError
from models.survival.days_lived import lived
from models.survival.portable import LifetimeModel
from models.survival.spend_rate import SpendRate
from models.survival.weibull_aft import WeibullModel
from models.survival.worth import MONEY, SurvivalWorth, day_discounts
from models.survival.worth_fit import Past, fit_worth
from models.value_interval import Calibrated, Intervals, Spread, p_none, quantiles

# The median lifetime is 100 days at any age: the survival per day is 2^(-1 / 100).
KEPT = 0.5 ** (1 / 100)
TERMS = Terms(margin=0.5, monthly_discount=0.0, interval=0.9, horizon_days=30)


def rate(what="value", base=0.0, weight=1.0, **parts):
    return SpendRate(what, (30,), base, (weight, 0.0), 10, **parts)


def intervals(lasting=0.0, passing=0.0, growing=0.0):
    """The purchases of a day have no variance, so hardly anybody buys nothing in a year."""
    return Intervals(Calibrated(Spread(lasting, passing, growing)), Spread())


def worth(terms=TERMS, value=None, staying=None):
    scale = 100 / np.log(2)
    model = WeibullModel(
        ("x",), np.array([0.0]), np.log(scale), 0.0, np.eye(3), np.eye(3), 0.0, 2, 1, 9, 1
    )
    life = LifetimeModel(FeatureEncoder(numeric=("x",), fill=(0.0,)), model)
    return SurvivalWorth(life, value or rate(), rate("days"), terms, staying)


def customers(count=1, money=60.0):
    return pd.DataFrame(
        {
            "x": 0.0,
            "entry_days": 50,
            "frequency": 3,
            "monetary_value": 10.0,
            "recency_days": 40,
            "T_days": 49,
            "past_value_30": money,
            "past_days_30": 6,
            "next_value_30": 5.0,
            "next_days_30": 1,
        },
        index=range(count),
    )


def stayed(days, begin=0):
    """Sum of KEPT^u for u from begin to days - 1."""
    return (KEPT**begin - KEPT**days) / (1 - KEPT)


def test_worth_is_days_to_stay_times_rate_times_margin():
    predicted = worth().predict(customers()).iloc[0]
    # 60 in 30 days: 2 per day, times a margin of 0.5.
    for name, days in {"clv_30d": 30, "clv_90d": 90, "clv_12m": 365, "clv_36m": 1095}.items():
        assert predicted[name] == pytest.approx(stayed(days)), name
    assert predicted["remaining_lifetime_days"] == pytest.approx(stayed(1096))
    assert predicted["likely_churn_days"] in (100, 101)
    assert predicted["p_leaves_30d"] == pytest.approx(1 - KEPT**30)
    assert predicted["p_leaves_90d"] == pytest.approx(1 - KEPT**90)
    # Month ends, with months of 365.25 / 12 days.
    for name, days in {"1m": 30, "3m": 91, "12m": 365, "36m": 1096}.items():
        assert predicted[f"survival_{name}"] == pytest.approx(KEPT**days), name


def test_value_at_stake_is_the_clv_given_staying_through_the_horizon():
    predicted = worth().predict(customers()).iloc[0]
    assert predicted["value_at_stake"] == pytest.approx(30 + stayed(365, 30) / KEPT**30)
    assert predicted["value_at_stake"] > predicted["clv_12m"]


def test_with_a_lead_staying_means_until_the_end_of_the_horizon_after_it():
    predicted = worth(Terms(0.5, 0.0, 0.9, 30, lead_days=14)).predict(customers()).iloc[0]
    assert predicted["value_at_stake"] == pytest.approx(44 + stayed(365, 44) / KEPT**44)
    long = worth(Terms(0.5, 0.0, 0.9, 30, lead_days=365)).predict(customers()).iloc[0]
    assert long["value_at_stake"] == pytest.approx(365)


def test_money_of_a_later_month_counts_less():
    # 1 % per month of 30.4 days: days 0 to 30 are in the first month, day 31 is in the second.
    discount = day_discounts(0.01)
    assert discount[[0, 30]] == pytest.approx([1 / 1.01] * 2)
    assert discount[31] == pytest.approx(1 / 1.01**2)
    assert discount[364] == pytest.approx(1.01 ** -np.ceil(364.5 / MONTH_DAYS))
    dear = worth().predict(customers()).iloc[0]
    cheap = worth(Terms(0.5, 0.01, 0.9, 30)).predict(customers()).iloc[0]
    assert cheap["clv_30d"] == pytest.approx(dear["clv_30d"] / 1.01)


def test_the_interval_has_the_variance_of_the_lifetime_and_of_the_spend():
    """A year's money has the mean stayed(365) and the variance of min(lifetime, 365 days).

    With a spread, the variance of revenue grows by lasting x mean^2 + (passing + growing x 365) x
    mean; money is half of the revenue, so its variance is a quarter. Six purchases in 30 days are
    .2 per day.
    """
    day = np.arange(365)
    mean, life = stayed(365), ((2 * day + 1) * KEPT**day).sum() - stayed(365) ** 2
    none = p_none(np.array([0.2 * mean]), np.array([0.2**2 * life]))
    sure = worth(staying=intervals()).predict(customers()).iloc[0]
    ends = quantiles(none, np.array([mean]), np.array([life]), level=0.9)
    assert sure[["clv_12m_low", "clv_12m_high"]].tolist() == pytest.approx([e.item() for e in ends])
    noisy = worth(staying=intervals(0.2, 50.0, 3.0)).predict(customers()).iloc[0]
    variance = life + 0.2 * mean**2 + (50.0 + 3.0 * 365) * (2 * mean) / 4
    ends = quantiles(none, np.array([mean]), np.array([variance]), level=0.9)
    assert noisy[["clv_12m_low", "clv_12m_high"]].tolist() == pytest.approx(
        [e.item() for e in ends]
    )
    assert noisy["clv_12m_low"] < sure["clv_12m_low"] and noisy["clv_12m_high"] > mean


def test_without_past_forecasts_there_is_no_interval():
    predicted = worth().predict(customers()).iloc[0]
    assert predicted["clv_12m_low"] == predicted["clv_12m"] == predicted["clv_12m_high"]
    assert worth().interval(customers(), 90, level=0.9).isna().all().all()


def test_money_scales():
    model = worth(Terms(0.5, 0.01, 0.9, 30))
    plain, ten = (model.predict(customers(money=m)).iloc[0] for m in (60.0, 600.0))
    assert ten[list(MONEY)].tolist() == pytest.approx((10 * plain[list(MONEY)]).tolist())


def test_without_amounts_days_are_known_and_money_is_null():
    past = customers(5).assign(next_value_30=0.0)
    model = fit_worth(worth().life, Past({30: past}), [30], terms=TERMS)
    assert model.clv_basis == "no_amounts" and model.value is None
    predicted = model.predict(customers()).iloc[0]
    assert predicted[list(MONEY)].isna().all() and predicted["remaining_lifetime_days"] > 0
    assert model.forecast(customers(), 30)["value"].isna().all()


def test_rates_are_fitted_on_the_expected_days_as_a_customer():
    """All customers spend 60 in the next 30 days, with stayed(30) expected days as a customer."""
    past = customers(50).assign(next_value_30=60.0)
    model = fit_worth(worth().life, Past({30: past}), [30], terms=TERMS)
    assert lived(model.life, past, 30).days == pytest.approx(np.full(50, stayed(30)))
    assert model.forecast(customers(), 30)["value"].iloc[0] == pytest.approx(60.0)


LOST = customers(60).assign(entry_days=np.nan, recency_days=9, T_days=199, past_value_30=0.0)
# Silent for 191 days; three repeat purchases of 10 in 199 days.
BEFORE = 3 * 10 / 199


def with_returns():
    """A fit where a lost customer came back for 90 in 30 days: 3 per day."""
    lost = LOST.assign(next_value_30=90.0, next_days_30=3.0)
    past = Past({30: customers(400).assign(next_value_30=60.0)}, {30: lost}, 91, (120, 365))
    return fit_worth(worth().life, past, [30], terms=TERMS)


def test_lost_customers_are_valued_by_their_return_rate():
    model = with_returns()
    returned = model.value.lost
    assert (returned.customers, returned.last_days) == (60, ())
    assert returned.levels[0] + returned.weight * BEFORE == pytest.approx(3.0)
    money = model.predict_lost(LOST.iloc[:1]).iloc[0]
    # The margin is a half, so 1.5 per day.
    for name, days in {"clv_30d": 30, "clv_90d": 90, "clv_12m": 365, "clv_36m": 1095}.items():
        assert money[name] == pytest.approx(1.5 * days), name
    assert money["value_at_stake"] == money["clv_12m"]
    assert model.forecast(LOST, 30)["value"].tolist() == pytest.approx([90.0] * 60)


def test_days_after_a_loss_count_with_the_return_rate_but_never_more_than_before():
    """The rate as a customer is 60 / stayed(30), a little above 2; after the loss it is 3 at most,
    so the bound is the own rate: the customer is worth 365 days of it."""
    model = with_returns()
    own = 60 / stayed(30)
    assert model.forecast(customers(), 365)["value"].iloc[0] == pytest.approx(365 * own)
    kept = model.predict(customers()).iloc[0]
    assert kept["clv_12m"] == pytest.approx(365 * own / 2) == kept["value_at_stake"]


def test_a_lost_customer_is_worth_no_more_than_the_same_customer_who_is_silent():
    model = with_returns()
    silent = LOST.iloc[:1].assign(entry_days=200)
    assert model.predict_lost(LOST.iloc[:1])["clv_12m"].iloc[0] <= 1.5 * 365 + 1e-9
    assert model.value.after_loss(silent)[0] <= model.value.of(silent)[0]


def test_an_ended_contract_has_no_return_rate():
    batch = LOST.iloc[:2].assign(is_terminated=[True, False], as_of=dt.date(2018, 1, 1))
    predicted = survival_batch(with_returns(), batch)
    assert predicted["survival_clv_basis"].tolist() == [None, "return_rate"]
    assert predicted["survival_clv_12m"].isna().tolist() == [True, False]
    assert predicted["remaining_lifetime_days"].isna().all()


def test_the_model_from_text_predicts_the_same():
    plain = worth(Terms(0.5, 0.01, 0.9, 30), staying=intervals(0.1, 3.0, 0.2))
    for model in (plain, with_returns()):
        again = model_of(model.to_json())
        pd.testing.assert_frame_equal(again.predict(customers(3)), model.predict(customers(3)))
        assert again.to_json() == model.to_json()


@pytest.mark.parametrize("text", ["[" * 200_000, "[3]", '{"life": "{}"}', '{"format": 1'])
def test_a_text_that_is_no_lifetime_model_is_refused(text):
    with pytest.raises((PortableModelError, LifetimeModelError)) as error:
        model_of(text)
    assert str(error.value).startswith(("model: ", "this text is not a lifetime model"))


def test_a_customer_who_has_left_has_null_figures():
    batch = customers(2).assign(as_of=dt.date(2018, 1, 1), entry_days=[50.0, None])
    predicted = survival_batch(worth(), batch)
    assert predicted["remaining_lifetime_days"].tolist()[0] == pytest.approx(stayed(1096))
    assert predicted.iloc[1].isna().all()
    assert predicted["likely_churn_date"].iloc[0] - dt.date(2018, 1, 1) in (
        dt.timedelta(100),
        dt.timedelta(101),
    )
    nothing = survival_batch(None, batch)
    assert nothing.isna().all().all() and list(nothing) == list(predicted)
