"""New customers and past errors of a purchase model: factors by hand, and the interval."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.btyd.past_errors import PastErrors
from models.btyd.worth import LifetimeModel
from models.btyd.worth_fit import with_past
from models.new_customers import NewCustomers, Tenure
from models.value_interval import Calibrated, Spread
from tests.unit.models.btyd.test_worth import SOME, model

MONEY = ["clv_30d", "clv_90d", "clv_12m", "clv_12m_low", "clv_12m_high", "clv_36m"]
# Class means of 2 money and .1 purchases per day; the own rate has the weight 31 / (31 + 31).
VALUE = NewCustomers((60,), ((2.0, 2.0, 2.0),), 31.0, 9)
PURCHASES = NewCustomers((60,), ((0.1, 0.1, 0.1),), 31.0, 9)


def test_money_and_purchases_of_a_new_customer_are_scaled_to_the_credibility_mean():
    """The second customer is known for 31 days; the others for 211 days and more."""
    plain = model()
    shrunk = replace(plain, past=PastErrors(VALUE, PURCHASES))
    month = plain.forecast(SOME, 30).iloc[1]
    of_value = (0.5 * month["value"] / 30 + 0.5 * 2.0) / (month["value"] / 30)
    of_count = (0.5 * month["purchases"] / 30 + 0.5 * 0.1) / (month["purchases"] / 30)
    before, after = plain.predict(SOME), shrunk.predict(SOME)
    for column in (*MONEY, "value_at_stake"):
        assert after[column].iloc[1] == pytest.approx(of_value * before[column].iloc[1]), column
    for column in ("expected_purchases_30d", "expected_purchases_90d"):
        assert after[column].iloc[1] == pytest.approx(of_count * before[column].iloc[1]), column
    others = [0, 2, 3]
    pd.testing.assert_frame_equal(after.iloc[others], before.iloc[others])
    forecast = shrunk.forecast(SOME, 90).iloc[1]
    assert forecast["value"] == pytest.approx(of_value * plain.forecast(SOME, 90)["value"].iloc[1])


def test_past_errors_give_the_variance():
    """Expected revenue of the fourth customer: mean; variance (5 + 2 x 90) x mean."""
    wide = replace(model(), past=PastErrors(interval=Calibrated(Spread(0.0, 5.0, 2.0))))
    moments = wide.moments(SOME, 90)
    bounds = wide.interval(SOME, 90, level=0.8).iloc[3]
    draw, count = np.random.default_rng(4), 400_000
    mean, none = moments.mean[3], moments.none[3]
    # Buyers have the mean m and the second moment (variance + mean^2) / (1 - none).
    m = mean / (1 - none)
    left = (185.0 * mean + mean**2) / (1 - none) - m**2
    sample = draw.gamma(m**2 / left, left / m, count) * (draw.random(count) >= none)
    assert sample.var() == pytest.approx(185.0 * mean, rel=0.02)
    assert bounds.tolist() == pytest.approx(np.quantile(sample, [0.1, 0.9]), rel=0.01)


def test_without_past_rows_the_model_stays_as_it_is():
    tenure = Tenure((7, 60), 0)
    assert with_past(model(), {}, tenure) == model()
    assert LifetimeModel.from_json(with_past(model(), {}, tenure).to_json()) == model()


def test_what_came_to_new_customers_is_learned():
    """120 customers of 10 days with no repeat brought 6 in 30 days, .2 per day; one older one."""
    new = pd.DataFrame(
        {"T_days": 9, "frequency": 0, "recency_days": 0, "as_of": "2018-01-01"}, range(120)
    )
    old = pd.DataFrame(
        {"T_days": [299], "frequency": 30, "recency_days": 280, "as_of": "2018-01-01"}
    )
    rows = pd.concat([new, old]).assign(monetary_value=np.nan, next_value_30=6.0, next_days_30=1.0)
    fitted = with_past(model(), {30: rows}, Tenure((14, 60), 30))
    assert fitted.past.value.customers == 120
    assert fitted.past.value.means[0][0] == pytest.approx(0.2)
    assert fitted.past.purchases.means[0][0] == pytest.approx(1 / 30)
    assert fitted.forecast(rows, 30)["value"].iloc[0] == pytest.approx(6.0, rel=0.1)
    assert LifetimeModel.from_json(fitted.to_json()) == fitted
