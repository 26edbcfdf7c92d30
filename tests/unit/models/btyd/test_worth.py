"""CLV: identities, simulations, spend models, contracts, and errors for bad input."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from models.btyd.bg_nbd import BgNbd
from models.btyd.choice import fit_model, fitted
from models.btyd.credibility import Credibility, correlation
from models.btyd.gamma_gamma import GammaGamma, SpendRows
from models.btyd.mbg_nbd import MbgNbd
from models.btyd.pareto_nbd import ParetoNbd
from models.btyd.rows import LifetimeDataError, NotFittableError, PurchaseRows, check_fittable
from models.btyd.shifted_beta_geometric import Renewals, ShiftedBetaGeometric, fit
from models.btyd.worth import MONTH_DAYS, LifetimeModel, LifetimeModelError, Terms, month_ends
from models.lifetime_scoring import model_of

TERMS = Terms(margin=1.0, monthly_discount=0.01, interval=0.9, horizon_days=30)
SPEND = GammaGamma(6.25, 3.74, 15.44)
# Parameters of CDNOW, in days.
PURCHASES = {
    "bg_nbd": BgNbd(0.2426, 30.9, 0.793, 2.426),
    "mbg_nbd": MbgNbd(0.5248, 43.3, 0.8914, 1.614),
    "pareto_nbd": ParetoNbd(0.5533, 74.0, 0.6062, 81.7),
}
SOME = pd.DataFrame(
    {
        "frequency": [0, 1, 4, 30, 0],
        "recency_days": [0, 20, 200, 260, 0],
        "T_days": [270, 30, 210, 265, 0],
        "monetary_value": [np.nan, 30.0, 12.5, 80.0, np.nan],
    }
)


def model(name="bg_nbd", spend=SPEND, p_alive_missing=None, **terms):
    kept = Terms(**{**vars(TERMS), **terms})
    return LifetimeModel(
        name, PURCHASES[name], "gamma_gamma" if spend else None, spend, p_alive_missing, kept
    )


@pytest.mark.parametrize("name", PURCHASES)
def test_worth_without_discount_is_purchases_times_value(name):
    predicted = model(name, monthly_discount=0.0).predict(SOME)
    p = PURCHASES[name]
    x, t_x, T = (SOME[c].to_numpy(dtype=float) for c in ("frequency", "recency_days", "T_days"))
    value = SPEND.expected_value(x, SOME["monetary_value"])
    for column, days in (("clv_30d", 30), ("clv_90d", 90), ("clv_12m", 365), ("clv_36m", 1095)):
        expected = p.p_alive(x, t_x, T) * p.purchases_while_alive(x, T, days) * value
        assert predicted[column].to_numpy() == pytest.approx(expected, rel=1e-10), column


def test_each_month_is_discounted_once_more():
    half = model(monthly_discount=1.0).predict(SOME.iloc[[2]]).iloc[0]
    p, value = PURCHASES["bg_nbd"], float(SPEND.expected_value(4, 12.5))
    month = 365 / 12
    grown = float(p.p_alive(4, 200, 210)) * p.purchases_while_alive(
        4, 210, np.array([month, 2 * month, 90])
    )
    # 90 days are two months and most of the third.
    assert half["clv_90d"] == pytest.approx(
        value * (grown[0] / 2 + (grown[1] - grown[0]) / 4 + (grown[2] - grown[1]) / 8), rel=1e-12
    )
    assert month_ends(0.0, 1095.0).size == 36 and month_ends(30.0, 365.0).size == 12


def test_clv_equals_that_of_lifetimes(cdnow):
    lifetimes = pytest.importorskip("lifetimes")
    s = cdnow.summary("1997-09-30").head(500)
    bgf, ggf = lifetimes.BetaGeoFitter(), lifetimes.GammaGammaFitter()
    bgf.params_ = pd.Series(vars(PURCHASES["bg_nbd"])).drop("survived_first")
    bgf.predict = bgf.conditional_expected_number_of_purchases_up_to_time
    ggf.params_ = pd.Series({"p": 6.25, "q": 3.74, "v": 15.44})
    # The months of lifetimes have 30 days.
    theirs = ggf.customer_lifetime_value(
        bgf, s["x"], s["t_x"], s["T"], s["m"].fillna(0), time=1, discount_rate=0.01, freq="D"
    )
    frame = s.rename(
        columns={"x": "frequency", "t_x": "recency_days", "T": "T_days", "m": "monetary_value"}
    )
    ours = model().predict(frame)["clv_30d"]
    assert ours.to_numpy() == pytest.approx(theirs.to_numpy(), rel=1e-6)


def test_weekly_and_daily_input_give_the_same_worth(cdnow):
    s = cdnow.summary("1997-09-30")
    frame = s.rename(
        columns={"x": "frequency", "t_x": "recency_days", "T": "T_days", "m": "monetary_value"}
    )
    clv = []
    for unit, per in (("days", 1), ("weeks", 7)):
        rows = PurchaseRows.of(s["x"], s["t_x"] / per, s["T"] / per, unit=unit)
        purchases = fitted("bg_nbd", fit_model("bg_nbd", rows))
        kept = LifetimeModel("bg_nbd", purchases, "gamma_gamma", SPEND, True, TERMS)
        clv.append(kept.predict(frame)["clv_12m"].to_numpy())
    assert clv[0] == pytest.approx(clv[1], rel=1e-7)


@pytest.mark.parametrize("name", PURCHASES)
def test_interval_and_value_at_stake_are_those_of_a_simulation(name):
    """400,000 futures of one customer: a year's revenue, in all and with a purchase in 30 days."""
    draw, n = np.random.default_rng(3), 400_000
    x, t_x, T, m = 4, 200, 210, 12.5
    p = PURCHASES[name]
    alive = draw.random(n) < float(p.p_alive(x, t_x, T))
    rate = draw.gamma(p.r + x, 1 / (p.alpha + T), n)
    if name == "pareto_nbd":
        death = draw.exponential(1 / draw.gamma(p.s, 1 / (p.beta + T), n))
        first = draw.poisson(rate * np.minimum(death, 30))
        more = draw.poisson(rate * np.clip(np.minimum(death, 365) - 30, 0, None))
    else:
        chance = draw.beta(p.a, p.b + x + p.survived_first, n)
        bought, later = draw.poisson(rate * 30), draw.poisson(rate * 335)
        last = draw.geometric(chance)
        first = np.minimum(bought, last)
        more = np.minimum(bought + later, last) - first
    first, more = first * alive, more * alive
    inverse = 1 / draw.gamma(SPEND.q + SPEND.p * x, 1 / (SPEND.v + x * m), n)
    count = first + more
    revenue = np.where(count > 0, draw.gamma(np.maximum(SPEND.p * count, 1e-9)) * inverse, 0)
    row = pd.DataFrame(
        {"frequency": [x], "recency_days": [t_x], "T_days": [T], "monetary_value": [m]}
    )
    predicted = model(name, monthly_discount=0.0).predict(row).iloc[0]
    error = revenue.std() / np.sqrt(n)
    assert predicted["clv_12m"] == pytest.approx(revenue.mean(), abs=4.5 * error)
    # The gamma distribution has the exact mean and variance, but not the exact shape: allow 6 %.
    low, high = np.quantile(revenue, [0.05, 0.95])
    assert predicted["clv_12m_low"] == pytest.approx(low, abs=0.06 * high)
    assert predicted["clv_12m_high"] == pytest.approx(high, rel=0.06)
    stayed = revenue[first > 0]
    error = stayed.std() / np.sqrt(len(stayed))
    assert predicted["value_at_stake"] == pytest.approx(stayed.mean(), abs=4.5 * error)


@pytest.mark.parametrize("lead", [14, 45])
@pytest.mark.parametrize("name", PURCHASES)
def test_value_at_stake_after_a_lead_is_that_of_a_simulation(name, lead):
    """400,000 futures: a year's discounted purchases, given one in the 30 days after the lead."""
    draw, n = np.random.default_rng(8), 400_000
    x, t_x, T, m = 4, 200, 210, 12.5
    p = PURCHASES[name]
    ends = np.unique([*month_ends(0.0, 365.0), lead, lead + 30])
    begins = np.append(0.0, ends[:-1])
    rate = draw.gamma(p.r + x, 1 / (p.alpha + T), n)
    left = draw.random(n) >= float(p.p_alive(x, t_x, T))
    if name == "pareto_nbd":
        death = np.where(left, 0, draw.exponential(1 / draw.gamma(p.s, 1 / (p.beta + T), n)))
        lived = np.clip(death - begins[:, None], 0, (ends - begins)[:, None])
        bought = draw.poisson(rate * lived)
    else:
        last = draw.geometric(draw.beta(p.a, p.b + x + p.survived_first, n))
        tried = draw.poisson(rate * (ends - begins)[:, None]).cumsum(axis=0)
        bought = np.diff(np.minimum(tried, np.where(left, 0, last)), axis=0, prepend=0)
    is_in = (begins >= lead) & (ends <= lead + 30)
    buys = bought[is_in].sum(axis=0) > 0
    money = 1.01 ** -np.ceil(ends / MONTH_DAYS - 1e-9) @ bought
    kept = model(name, lead_days=lead)
    row = pd.DataFrame(
        {"frequency": [x], "recency_days": [t_x], "T_days": [T], "monetary_value": [m]}
    )
    predicted = kept.predict(row).iloc[0]
    each = float(SPEND.expected_value(x, m))
    error = money[buys].std() / np.sqrt(buys.sum())
    assert predicted["value_at_stake"] / each == pytest.approx(money[buys].mean(), abs=4.5 * error)
    error = buys.std() / np.sqrt(n)
    assert predicted["p_no_purchase"] == pytest.approx(1 - buys.mean(), abs=4.5 * error)
    assert predicted["clv_12m"] == model(name).predict(row)["clv_12m"].iloc[0]


@pytest.mark.parametrize("lead", [0, 14, 365])
@pytest.mark.parametrize("name", PURCHASES)
def test_every_figure_is_finite_and_in_order(name, lead):
    predicted = model(name, lead_days=lead).predict(SOME)
    once = SOME["frequency"] == 0
    alive = ["p_alive", "p_alive_30d", "p_alive_90d"]
    assert predicted["p_alive"].isna().tolist() == (once & (name == "bg_nbd")).tolist()
    numbers = predicted.fillna(dict.fromkeys(alive, 0.0)).select_dtypes("number")
    assert np.isfinite(numbers.to_numpy()).all()
    assert (numbers >= 0).all().all()
    assert (predicted["clv_30d"] <= predicted["clv_90d"]).all()
    assert (predicted["clv_90d"] <= predicted["clv_12m"]).all()
    assert (predicted["clv_12m"] <= predicted["clv_36m"]).all()
    assert (predicted["clv_12m_low"] <= predicted["clv_12m"]).all()
    assert (predicted["clv_12m"] <= predicted["clv_12m_high"]).all()
    assert (predicted["value_at_stake"] >= predicted["clv_12m"]).all()


def test_money_scales_with_money_and_margin():
    dear = SOME.assign(monetary_value=SOME["monetary_value"] * 10)
    scaled = GammaGamma(6.25, 3.74, 154.4)
    plain, ten = model().predict(SOME), model(spend=scaled).predict(dear)
    tenth = model(spend=scaled, margin=0.1).predict(dear)
    for column in ("clv_12m", "clv_12m_low", "clv_12m_high", "clv_36m", "value_at_stake"):
        assert ten[column].to_numpy() == pytest.approx(10 * plain[column].to_numpy(), rel=1e-9)
        assert tenth[column].to_numpy() == pytest.approx(plain[column].to_numpy(), rel=1e-9)


def test_unknown_values_are_null():
    bare = model(spend=None, p_alive_missing="no_dropout").predict(SOME)
    assert bare["p_alive"].isna().all() and set(bare["p_alive_basis"]) == {"no_dropout"}
    assert bare["clv_12m"].isna().all() and set(bare["clv_basis"]) == {"no_amounts"}
    assert (bare["expected_purchases_30d"] > 0).all()
    known = model().predict(SOME)
    assert set(known["clv_basis"]) == {"btyd_gamma_gamma"}


@pytest.mark.parametrize("name", PURCHASES)
def test_p_alive_is_null_or_below_1(name):
    """P(alive) of one-time buyers (first and last row) is null under BG/NBD, where it is always 1.

    The other two models give a probability below 1.
    """
    predicted = model(name).predict(SOME)
    bases = ["no_repeat" if name == "bg_nbd" and x == 0 else name for x in SOME["frequency"]]
    assert predicted["p_alive_basis"].tolist() == bases
    assert predicted["p_alive"].notna().tolist() == [basis == name for basis in bases]
    p = PURCHASES[name]
    x, t_x, T = (SOME[c].to_numpy(dtype=float) for c in ("frequency", "recency_days", "T_days"))
    for column, days in (("p_alive", 0), ("p_alive_30d", 30), ("p_alive_90d", 90)):
        shown = predicted[column].notna()
        assert shown.tolist() == predicted["p_alive"].notna().tolist()
        assert predicted[column][shown].tolist() == pytest.approx(
            p.p_alive(x, t_x, T, after_days=days)[shown]
        )
    # T = 0 is left out: on the day of a purchase P(alive) is 1.
    assert predicted["p_alive"][SOME["T_days"] > 0].max() < 1
    hidden = model(name, p_alive_missing="not_precise").predict(SOME)
    assert set(hidden["p_alive_basis"]) == {"not_precise"} and hidden["p_alive"].isna().all()


@pytest.mark.parametrize("name", PURCHASES)
def test_the_portable_form_predicts_the_same(name):
    for kept in (model(name), model(name, spend=None)):
        again = LifetimeModel.from_json(kept.to_json())
        pd.testing.assert_frame_equal(again.predict(SOME), kept.predict(SOME))
    shrunk = Credibility((1.0, 3.0), (10.0, 20.0), 4.0, 2.0)
    kept = LifetimeModel(name, PURCHASES[name], "credibility", shrunk, True, TERMS)
    assert model_of(kept.to_json()) == kept


@pytest.mark.parametrize("text", ["{", "{}", json.dumps({"format": "another"})])
def test_another_text_is_refused(text):
    with pytest.raises(LifetimeModelError, match="this text is not a lifetime model"):
        LifetimeModel.from_json(text)


# ---------------------------------------------------------------------- spend


def test_gamma_gamma_shrinks_to_the_mean_of_all():
    # v p / (q - 1) without a repeat purchase; (v + x m) p / (p x + q - 1) with x of them.
    assert SPEND.expected_value(0, np.nan) == pytest.approx(15.44 * 6.25 / 2.74)
    assert SPEND.expected_value(4, 12.5) == pytest.approx((15.44 + 50) * 6.25 / (25 + 2.74))
    # Returns exceed purchases: the customer gets the overall mean.
    assert SPEND.expected_value(3, -5.0) == SPEND.expected_value(0, 0.0)


@pytest.mark.parametrize("q", [1.2, 1.5, 2.04])
def test_the_mean_is_exact_where_the_variance_is_infinite(q):
    wide = GammaGamma(6.25, q, 15.44)
    mean = 6.25 * 15.44 / (q - 1)  # 482.5, 193 and 92.8
    assert wide.expected_value(0, np.nan) == pytest.approx(mean)
    # The variance is bounded at the shape of 2.05: (2.05 - 1) / (2.05 - 2) = 21.
    within, of_mean = wide.spread(0, np.nan)
    assert (within, of_mean) == (pytest.approx(21 * mean**2 / 6.25), pytest.approx(21 * mean**2))
    new = model(spend=wide).predict(SOME.iloc[[0]]).iloc[0]
    assert 0 <= new["clv_12m_low"] < new["clv_12m"] <= new["clv_12m_high"]


def test_spread_is_that_of_an_inverse_gamma():
    # Shape 3.74 + 6.25 · 4 = 28.74, scale 15.44 + 4 · 12.5 = 65.44.
    within, of_mean = SPEND.spread(4, 12.5)
    assert within == pytest.approx(6.25 * 65.44**2 / (27.74 * 26.74))
    assert of_mean == pytest.approx(6.25**2 * 65.44**2 / (27.74 * 26.74))


def sums(rows):
    """One row per frequency: customers, and sum and sum of squares of their mean values."""
    frame = pd.DataFrame(rows, columns=["frequency", "m"])
    of = frame.assign(square=frame["m"] ** 2).groupby("frequency", as_index=False)
    return of.agg(customers=("m", "size"), value=("m", "sum"), square=("square", "sum"))


def test_credibility_finds_the_variances_that_were_planted():
    """Variance 25 between and 100 within customers, both normal: var(m | x) = 25 + 100 / x."""
    draw = np.random.default_rng(1)
    x = draw.integers(1, 21, 60_000)
    m = 50 + draw.normal(0, 5, len(x)) + draw.normal(0, 10, len(x)) / np.sqrt(x)
    fitted_model = Credibility.fit(sums(zip(x, m, strict=True)))
    assert fitted_model.between == pytest.approx(25, rel=0.05)
    assert fitted_model.within == pytest.approx(100, rel=0.05)
    assert fitted_model.means == pytest.approx([50] * len(fitted_model.means), abs=0.5)
    weight = 4 / (4 + fitted_model.within / fitted_model.between)
    band = fitted_model.means[np.searchsorted(fitted_model.highest, 4)]
    assert fitted_model.expected_value(4, 70.0) == pytest.approx(weight * 70 + (1 - weight) * band)


def test_credibility_follows_value_that_depends_on_frequency():
    rows = [(1, 10.0), (1, 12.0), (9, 40.0), (9, 44.0)]
    fitted_model = Credibility.fit(sums(rows))
    assert fitted_model.means == (11.0, 42.0) and fitted_model.highest == (1.0, 9.0)
    assert fitted_model.expected_value(0, np.nan) == 11.0
    assert fitted_model.expected_value(50, np.nan) == 42.0


def test_credibility_without_customers_is_refused():
    with pytest.raises(NotFittableError, match="no customer has repeat purchases"):
        Credibility.fit(sums([]))


def test_correlation_is_pearsons(cdnow):
    s = cdnow.summary("1997-09-30")
    repeaters = s[s["x"] > 0]
    pearson = correlation(sums(zip(repeaters["x"], repeaters["m"], strict=True)))
    assert pearson == pytest.approx(np.corrcoef(repeaters["x"], repeaters["m"])[0, 1], rel=1e-9)
    positive = repeaters[repeaters["m"] > 0]
    assert correlation(sums(zip(positive["x"], positive["m"], strict=True))) == pytest.approx(
        0.114, abs=5e-4
    )
    assert correlation(sums([(2, 5.0), (2, 5.0)])) is None


# ---------------------------------------------------------------------- contracts


@pytest.mark.parametrize(
    ("survivors", "alpha", "beta"),
    [
        ((100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1), 0.70408, 1.18204),
        ((100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1), 0.66809, 3.80610),
    ],
)
def test_shifted_beta_geometric_of_the_paper(survivors, alpha, beta):
    left = -np.diff(survivors)
    still = np.zeros(len(survivors))
    still[-1] = survivors[-1]
    estimated = fit(Renewals.of(left, still))
    assert estimated.converged
    assert estimated.values == pytest.approx((alpha, beta), abs=2e-4)
    kept = ShiftedBetaGeometric(*estimated.values)
    # The curve is within two percentage points of the observed shares.
    assert 100 * kept.survival(np.arange(8)) == pytest.approx(np.array(survivors), abs=2)
    assert kept.survival(3) * kept.survival(2, after=3) == pytest.approx(kept.survival(5))
    assert kept.retention(1) == pytest.approx(kept.survival(1))
    assert (np.diff(kept.retention(np.arange(1, 8))) > 0).all()


def test_a_model_of_renewals_from_text_predicts_the_same():
    even = ShiftedBetaGeometric(1.0, 1.0)
    again = model_of(even.to_json())
    assert again == even
    # beta(1, 1): 1 / (1 + t) pass t renewals, so (1 + n) / (1 + n + t) of those that passed n do.
    chances = again.predict(pd.DataFrame({"renewals": [0, 3]}, index=["new", "older"]))
    assert chances.index.tolist() == ["new", "older"]
    for months in (1, 3, 12, 36):
        expected = [1 / (1 + months), 4 / (4 + months)]
        assert chances[f"survival_{months}m"].tolist() == pytest.approx(expected)


def test_contracts_without_information_are_refused():
    with pytest.raises(NotFittableError) as caught:
        Renewals.of([0], [0, 5])
    assert str(caught.value) == (
        "renewals: of 5 contracts 0 ended, and 5 were observed beyond the first renewal. Both must "
        "be above 0 to fit the model."
    )
    with pytest.raises(LifetimeDataError, match="must be finite and not below 0"):
        Renewals.of([-1], [0, 5])


# ---------------------------------------------------------------------- bad input


def test_impossible_rows_are_reported_together():
    with pytest.raises(LifetimeDataError) as caught:
        PurchaseRows.of([1, 2, -1, 0, 3], [5, 0, 0, 2, 9], [4, 9, 9, 9, np.nan])
    assert str(caught.value) == (
        "1 row has a frequency, recency, T or weight that is missing or infinite; 1 row has a "
        "negative or fractional frequency; 1 row has a recency above T; 1 row has repeat "
        "purchases but a recency of 0; 1 row has a recency above 0 but no repeat purchase. "
        "Frequency counts purchase days after the first one; recency and T count days from the "
        "first one. Remove these rows, or fix the query that made them."
    )


@pytest.mark.parametrize(("customers", "repeaters"), [(1, 1), (500, 3)])
def test_too_few_customers_are_refused(customers, repeaters):
    with pytest.raises(NotFittableError, match=r"fewer than lifetime\.fewest_customers = 50"):
        check_fittable(customers, repeaters, 50)


def test_one_time_buyers_alone_are_refused():
    with pytest.raises(NotFittableError, match="none of 900 customers bought again"):
        check_fittable(900, 0, 50)
    check_fittable(900, 60, 50)


@pytest.mark.parametrize("name", PURCHASES)
def test_customers_first_seen_on_the_last_day_change_no_parameter(name, cdnow):
    """A row with T = 0 has the likelihood 1, so only the number of customers differs."""
    s = cdnow.summary("1997-09-30")
    x, t_x, T = (np.append(s[c].to_numpy(), np.zeros(40)) for c in ("x", "t_x", "T"))
    with_new = fit_model(name, PurchaseRows.of(x, t_x, T))
    without = fit_model(name, PurchaseRows.of(s["x"], s["t_x"], s["T"]))
    if name == "mbg_nbd":
        # Stayed or left after the first purchase: b / (a + b) + a / (a + b) = 1 too.
        assert with_new.log_likelihood == pytest.approx(without.log_likelihood, rel=1e-12)
    assert with_new.values == pytest.approx(without.values, rel=1e-7)


def test_spend_rows_of_0_or_less_are_refused():
    with pytest.raises(LifetimeDataError, match="2 rows with a frequency, value or weight"):
        SpendRows.of([1, 2, 0], [5.0, -1.0, 4.0])


def test_equal_values_correlate_with_nothing():
    """Mean values of 9.9 whose sums differ by rounding: 3 x 9.9 / 3 is 9.899999999999999."""
    sums = pd.DataFrame({"frequency": [1, 3, 9], "customers": [10, 10, 10]})
    rounded = np.array([9.9, 9.9 * (1 - 1e-15), 9.9 * (1 + 1e-15)])
    equal = sums.assign(value=10 * rounded, square=10 * rounded**2)
    assert correlation(equal) is None
    # Values 1, 3, 9 are the frequency itself.
    assert correlation(sums.assign(value=[10, 30, 90], square=[10, 90, 810])) == pytest.approx(1)
