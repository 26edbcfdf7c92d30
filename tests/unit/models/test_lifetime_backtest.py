"""Error metrics of forecasts by hand, and the baselines of the lifetime models."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr

from models.lifetime_backtest import (
    BoostedTrees,
    best_before,
    chosen_before,
    last_period,
    measures,
    rank_correlation,
)


def test_measures_by_hand():
    actual = np.array([0.0] * 9 + [10.0] + [2.0] * 10)
    forecast = np.array([0.5] * 9 + [9.0] + [1.0] * 10)
    metrics = measures(actual, forecast)
    assert metrics["mae"] == pytest.approx((9 * 0.5 + 1 + 10 * 1) / 20)
    assert metrics["rmse"] == pytest.approx(np.sqrt((9 * 0.25 + 1 + 10) / 20))
    # Each tenth has two customers. The highest by forecast has 9.0 and the last of the 1.0s.
    assert metrics["top_decile_share"] == pytest.approx((10 + 2) / 30)
    assert metrics["total_ratio"] == pytest.approx((4.5 + 9 + 10) / 30)
    assert metrics["bias_decile_1"] == pytest.approx(0.5)
    assert metrics["bias_decile_10"] == pytest.approx((-1 - 1) / 2)


def test_rank_correlation_is_spearmans():
    draw = np.random.default_rng(2)
    counts, noise = draw.poisson(1.0, 300).astype(float), draw.normal(size=300)
    assert rank_correlation(counts, noise) == pytest.approx(spearmanr(counts, noise).statistic)
    assert rank_correlation(counts, np.ones(300)) is None


def test_nothing_to_measure_gives_no_number():
    assert measures([], []) == {}
    nobody = measures([0.0, 0.0], [1.0, 2.0])
    assert nobody["total_ratio"] is None and nobody["top_decile_share"] is None
    assert nobody["bias_decile_10"] is None  # fewer customers than tenths
    # With so few customers the highest tenth is empty, so its share is None, not 0.
    assert measures([1, 2], [1, 2])["top_decile_share"] is None
    ten = np.arange(10.0)
    assert measures(ten, ten)["top_decile_share"] == pytest.approx(9 / sum(range(10)))


def summary_rows(seed, n=600):
    draw = np.random.default_rng(seed)
    past = draw.poisson(4.0, n)
    return pd.DataFrame(
        {
            "frequency": past + 1,
            "recency_days": 80,
            "T_days": 100,
            "monetary_value": 10.0,
            "past_days_30": past,
            "past_value_30": past * 10.0,
            "next_days_30": 2 * past,
            "next_value_30": 30.0 * past,
        }
    )


def test_the_last_period_is_said_again():
    rows = summary_rows(1, 3)
    forecast = last_period(rows, 30)
    assert forecast["purchases"].tolist() == rows["past_days_30"].tolist()
    assert forecast["value"].tolist() == rows["past_value_30"].tolist()


def test_boosted_trees_learn_a_planted_rule_from_the_earlier_cut():
    trees = BoostedTrees.fit(summary_rows(1), 30, seed=3)
    later = summary_rows(2)
    forecast = trees.predict(later)
    assert measures(later["next_days_30"], forecast["purchases"])["mae"] < 0.3
    assert measures(later["next_value_30"], forecast["value"])["mae"] < 4.0
    hidden = later.assign(next_days_30=0, next_value_30=0.0)
    pd.testing.assert_frame_equal(trees.predict(hidden), forecast)


def test_the_same_seed_gives_the_same_trees():
    first, second = (BoostedTrees.fit(summary_rows(1), 30, seed=3) for _ in range(2))
    pd.testing.assert_frame_equal(first.predict(summary_rows(2)), second.predict(summary_rows(2)))


def test_the_choice_is_made_by_cuts_that_had_passed():
    def row(cut, approach, value, metric="value_mae", horizon=30):
        facts = {"cut": cut, "approach": approach, "horizon_days": horizon}
        return {**facts, "metric": metric, "value": value}

    rows = [
        row("2017-07-05", "btyd", 9.0),
        row("2017-07-05", "survival", 8.0),
        row("2017-07-05", "boosted_trees", 1.0),
        row("2017-08-04", "btyd", 2.0),
        row("2017-08-04", "survival", 8.0),
        row("2017-08-04", "survival", 8.0, horizon=90),
        row("2017-09-03", "btyd", 5.0),
        row("2017-09-03", "survival", 4.0),
    ]
    # On 2017-08-04 the 30 days of the first cut had just passed: 8 < 9. On 2017-09-03 those of two
    # cuts had: (8 + 8) / 2 > (9 + 2) / 2. A cut's own outcome never counts. boosted_trees is not in
    # APPROACHES.
    assert [best_before(rows, day, 30) for day in ("2017-08-03", "2017-08-04", "2017-09-03")] == [
        None,
        "survival",
        "btyd",
    ]
    chosen = {
        (r["cut"], r["approach"], r["horizon_days"]): r["is_chosen"] for r in chosen_before(rows)
    }
    assert chosen["2017-07-05", "btyd", 30] is None
    assert chosen["2017-08-04", "survival", 30] is True
    assert chosen["2017-09-03", "survival", 30] is False
    assert chosen["2017-08-04", "survival", 90] is None, "no cut had 90 days behind it"


def test_without_amounts_purchases_decide_and_only_shared_cuts_count():
    def row(cut, approach, value):
        facts = {"cut": cut, "approach": approach, "horizon_days": 30}
        return {**facts, "metric": "purchases_mae", "value": value}

    rows = [
        row("2017-05-06", "btyd", 1.0),  # survival could not be fitted on this cut
        row("2017-06-05", "btyd", 9.0),
        row("2017-06-05", "survival", 8.0),
    ]
    rows += [{**r, "metric": "value_mae", "value": None} for r in rows]
    assert best_before(rows, "2017-08-04", 30) == "survival"
