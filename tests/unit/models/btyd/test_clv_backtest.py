"""CLV backtest on public purchase data: the chosen approach beats the last period.

The same steps as the backtest of fit_lifetime, without Spark: landmarks 30 days apart and three
evaluated cuts. At each cut, the chosen approach had the lower error on the earlier cuts whose
horizon had passed by then.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models.btyd.choice import SPEND, fit_model, fit_spend, fitted
from models.btyd.gamma_gamma import GammaGamma, SpendRows
from models.btyd.rows import PurchaseRows
from models.btyd.worth import LifetimeModel as BtydModel, Terms
from models.encoding import FeatureEncoder
from models.lifetime_backtest import chosen_before, last_period, measures
from models.survival.portable import LifetimeModel
from models.survival.rows import ArrayRows
from models.survival.survey import survey
from models.survival.weibull_aft import fit_weibull
from models.survival.worth_fit import Past, fit_worth

HORIZONS = (30, 90)
TERMS = Terms(1.0, 0.0, 0.9, 30)
# Customers without a purchase for this many days are lost, and not in gold.customer_scores.
LOST = 91
COVARIATES = ("silent", "past_days_30", "past_days_90", "frequency", "mean_gap", "past_value_90")


def at_cut(days: pd.DataFrame, cut: pd.Timestamp) -> pd.DataFrame:
    """One row per customer with a purchase before the cut: summary, past and next sums, the end."""
    days = days.sort_values(["customer", "day"])
    before, of = days[days["day"] < cut], days[days["day"] < cut].groupby("customer")
    first, last, count = of["day"].min(), of["day"].max(), of["day"].count()
    repeat = of["money"].sum() - of["money"].first()
    rows = pd.DataFrame(
        {
            "frequency": count - 1,
            "recency_days": (last - first).dt.days,
            "T_days": (cut - first).dt.days - 1,
            "monetary_value": (repeat / (count - 1)).where(count > 1),
            "silent": (cut - last).dt.days,
        }
    )
    rows["mean_gap"] = rows["recency_days"] / rows["frequency"].clip(lower=1)
    rows["entry_days"] = (rows["T_days"] + 1).where(rows["silent"] < LOST)
    after = days[days["day"] >= cut]
    for h in HORIZONS:
        wide = pd.Timedelta(days=h)
        for name, part in (
            ("past", before[before["day"] >= cut - wide]),
            ("next", after[after["day"] < cut + wide]),
        ):
            sums = part.groupby("customer")["money"].agg(["count", "sum"])
            rows[f"{name}_days_{h}"] = sums["count"].reindex(rows.index, fill_value=0)
            rows[f"{name}_value_{h}"] = sums["sum"].reindex(rows.index, fill_value=0.0)
    gap = days.groupby("customer")["day"].shift(-1) - days["day"]
    ends = days[gap.isna() | (gap >= pd.Timedelta(days=LOST))]
    ends = ends["day"] + pd.Timedelta(days=LOST)
    ends = ends[ends > cut].groupby(days["customer"]).min()
    rows["ends_after"] = (ends.reindex(rows.index) - cut).dt.days
    return rows.reset_index()


def staying(by_day, cut):
    """Weibull model and spend rates from the data that was known at the cut."""
    parts = []
    for day, rows in by_day.items():
        if day < cut:
            living = rows[rows["entry_days"].notna()]
            followed = (cut - day).days
            event = living["ends_after"] <= followed
            lived = living["ends_after"].where(event, followed)
            parts.append(living.assign(event=event.astype(int), stop=living["entry_days"] + lived))
    seen = pd.concat(parts)
    encoder = FeatureEncoder(COVARIATES, fill=(0.0,) * len(COVARIATES), logged=COVARIATES)
    matrix = encoder.encode(seen[list(COVARIATES)])
    cluster = pd.factorize(seen["customer"])[0]
    rows = ArrayRows.of(
        seen["stop"], seen["event"], matrix, start=seen["entry_days"], cluster=cluster
    )
    model = fit_weibull(rows, COVARIATES, survey(rows))
    life = LifetimeModel(encoder, model)
    passed = [r for d, r in by_day.items() if d + pd.Timedelta(days=HORIZONS[0]) <= cut]
    past = pd.concat(passed)
    known = Past({HORIZONS[0]: past[past["entry_days"].notna()]})
    return fit_worth(life, known, HORIZONS, terms=TERMS)


def buying(rows):
    """BG/NBD x Gamma-Gamma on all customers with a purchase before the cut."""
    counted = PurchaseRows.of(*(rows[c] for c in ("frequency", "recency_days", "T_days")))
    paid = rows[(rows["frequency"] > 0) & (rows["monetary_value"] > 0)]
    spend = fit_spend(SpendRows.of(paid["frequency"], paid["monetary_value"]))
    model = fitted("bg_nbd", fit_model("bg_nbd", counted))
    return BtydModel("bg_nbd", model, SPEND, GammaGamma(**spend.parameters), True, TERMS)


def backtested(days, until):
    """Rows as in gold.clv_backtest: value_mae and value_rank_correlation of the kept customers."""
    end = pd.Timestamp(until) + pd.Timedelta(days=1)
    landmarks = [end - pd.Timedelta(days=30 * n) for n in range(3, 11)]
    by_day = {day: at_cut(days, day) for day in sorted(landmarks)}
    scores = []
    for cut in sorted(landmarks)[3:]:
        rows, models = by_day[cut], (buying(by_day[cut]), staying(by_day, cut))
        kept = rows["entry_days"].notna().to_numpy()
        for h in HORIZONS:
            forecasts = {
                "last_period": last_period(rows, h),
                "btyd": models[0].forecast(rows, h),
                "survival": models[1].forecast(rows, h),
            }
            for approach, forecast in forecasts.items():
                figures = measures(rows[f"next_value_{h}"][kept], forecast["value"][kept])
                facts = {"cut": cut.date().isoformat(), "approach": approach, "horizon_days": h}
                scores += [
                    {**facts, "metric": f"value_{m}", "value": v} for m, v in figures.items()
                ]
    return pd.DataFrame(chosen_before(scores)), [c.date() for c in sorted(landmarks)[-3:]]


@pytest.mark.parametrize(
    ("data", "until"), [("complete_journey", "2017-12-31"), ("cdnow_master", "1998-06-30")]
)
def test_the_chosen_approach_beats_the_last_period(data, until, request):
    rows, judged = backtested(request.getfixturevalue(data).days, until)
    places = [(c.isoformat(), h) for c in judged for h in HORIZONS]
    compared = 0
    for cut, horizon in places:
        part = rows[(rows["cut"] == cut) & (rows["horizon_days"] == horizon)]
        chosen = part[part["is_chosen"] == True]["approach"].unique()  # noqa: E712 - null is no
        if not len(chosen):
            continue
        figures = part.pivot(index="metric", columns="approach", values="value")
        mine, last = figures[chosen[0]], figures["last_period"]
        assert mine["value_mae"] < last["value_mae"], (cut, horizon)
        assert mine["value_rank_correlation"] > last["value_rank_correlation"], (cut, horizon)
        compared += 1
    assert compared >= 5, "nearly all evaluated cuts have an earlier cut whose horizon had passed"


def test_the_end_of_a_life_is_the_day_of_counting_as_lost():
    days = pd.DataFrame(
        {
            "customer": ["a", "a", "b"],
            "day": pd.to_datetime(["2017-01-01", "2017-01-05", "2017-01-03"]),
            "money": [1.0, 2.0, 4.0],
        }
    )
    rows = at_cut(days, pd.Timestamp("2017-01-11")).set_index("customer")
    assert rows["ends_after"].to_dict() == {"a": 91 - 6, "b": 91 - 8}
    assert rows["past_value_30"].to_dict() == {"a": 3.0, "b": 4.0}
    assert np.isnan(rows["monetary_value"]["b"]) and rows["entry_days"]["a"] == 10
    assert dt.timedelta(days=int(rows["T_days"]["a"])) == dt.timedelta(days=9)
