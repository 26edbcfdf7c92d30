"""Concordance, Brier score and calibration: published figures, brute force, hand calculation."""

from __future__ import annotations

import numpy as np
import pytest

from models.survival.cox import fit_cox
from models.survival.evaluation import brier, calibration_by_decile, concordance
from models.survival.rows import ArrayRows, SurvivalError

ROSSI = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]


def test_rossi_has_the_published_concordance(rossi):
    model = fit_cox(ArrayRows.of(rossi["week"], rossi["arrest"], rossi[ROSSI]), ROSSI)
    share = concordance(rossi["week"], rossi["arrest"], model.log_risk(rossi[ROSSI]))
    assert share == pytest.approx(0.64033, abs=5e-6)


def test_concordance_is_that_of_lifelines_with_many_ties(sample):
    from lifelines.utils import concordance_index

    frame = sample(500)
    stop, risk = frame["stop"] // 7, frame["x0"].round(1)
    other = concordance_index(stop, -risk, frame["event"])
    assert concordance(stop, frame["event"], risk) == pytest.approx(other, abs=1e-12)


def test_every_pair_is_counted_with_entries_and_weights(sample):
    frame = sample(120)
    frame["stop"] = frame["start"] + 1 + (frame["stop"] - frame["start"] - 1) // 9
    risk = frame["x0"].round(1).to_numpy()
    start, stop, event = (frame[c].to_numpy() for c in ("start", "stop", "event"))
    weight = frame["weight"].to_numpy()
    agree = pairs = 0.0
    for i in np.flatnonzero(event):
        for j in range(len(frame)):
            later = stop[j] > stop[i] or (stop[j] == stop[i] and not event[j])
            if later and start[j] < stop[i]:
                pairs += weight[i] * weight[j]
                agree += (
                    weight[i]
                    * weight[j]
                    * (1.0 if risk[i] > risk[j] else 0.5 * (risk[i] == risk[j]))
                )
    share = concordance(stop, event, risk, start=start, weight=weight)
    assert share == pytest.approx(agree / pairs, abs=1e-12)


def test_no_comparable_pair_is_refused():
    with pytest.raises(SurvivalError) as error:
        concordance([1, 2], [0, 0], [1, 2])
    assert str(error.value) == (
        "concordance: none of 2 rows had an event while another row was at risk. Evaluate on more "
        "customers, or over a longer time."
    )


def test_brier_score_on_paper_without_censoring():
    # Lifetimes 1, 2, 3, 4, none censored. The forecast is .5 on days 1 and 2.
    scores = brier(np.full((4, 2), 0.5), [1, 2], [1, 2, 3, 4], event=[1, 1, 1, 1])
    assert scores.score.tolist() == [0.25, 0.25]
    assert scores.integrated == 0.25
    # Kaplan-Meier is 3/4 and 1/2: (1/4 (3/4)^2 + 3/4 (1/4)^2 + 1/4) / 2
    assert scores.reference == pytest.approx((9 / 64 + 3 / 64 + 1 / 4) / 2)


def test_a_perfect_forecast_has_a_brier_score_of_0():
    lived = np.array([1, 2, 3, 4, 9])
    days = np.array([1, 2, 3])
    curve = (lived[:, None] > days[None, :]).astype(float)
    assert brier(curve, days, lived, event=[1, 1, 0, 1, 0]).integrated == 0


def test_brier_score_on_paper_with_censoring():
    # Lifetimes 1 (event), 2 (censored), 3 (event), 5 (censored); day 3 with S = .5 for all.
    # Censoring: one of three is censored on day 2, so G = 2/3 from day 2 on.
    # Event on day 1: weight 1; censored on 2: 0; event on day 3: G(2) = 2/3, weight 3/2;
    # alive after 3: weight 1 / G(3) = 3/2. (1 + 3/2 + 3/2) / 4 x 1/4 = 1/4.
    scores = brier(np.full((4, 1), 0.5), [3], [1, 2, 3, 5], event=[1, 0, 1, 0])
    assert scores.score == pytest.approx([0.25])


def test_an_event_and_a_censoring_on_one_day():
    # Day 2: one event, one censoring. The event comes first, with weight 1 / G(1) = 1. Then one of
    # two is censored: G(2) = 1/2, and the survivor has weight 2. (.09 x 1 + .49 x 2) / 3.
    scores = brier(np.full((3, 1), 0.3), [2], [2, 2, 5], event=[1, 0, 0])
    assert scores.score == pytest.approx([(0.09 * 1 + 0.49 * 2) / 3])


def test_days_after_the_end_of_observation_are_refused():
    with pytest.raises(SurvivalError) as error:
        brier(np.full((2, 1), 0.5), [5], [3, 5], event=[1, 0])
    assert str(error.value) == (
        "days: must be before day 5, the last day on which anyone was observed, got 5. Evaluate a "
        "shorter horizon."
    )


def test_calibration_by_decile_on_paper():
    # 40 customers: p = .1 for 20 of them and .6 for 20; events within 30 days: 2 and 12.
    p = np.repeat([0.1, 0.6], 20)
    lived = np.full(40, 60)
    event = np.zeros(40)
    for tenth in range(5):
        event[tenth * 4] = tenth < 2
        event[20 + tenth * 4 : 23 + tenth * 4] = [1, 1, tenth < 2]
    lived[event == 1] = 10
    bins = calibration_by_decile(p, lived, event, horizon=30)
    assert [b.customers for b in bins] == [4] * 10
    assert [b.predicted for b in bins] == pytest.approx([0.1] * 5 + [0.6] * 5)
    observed = [1 / 4, 1 / 4, 0, 0, 0, 3 / 4, 3 / 4, 1 / 2, 1 / 2, 1 / 2]
    assert [b.observed for b in bins] == pytest.approx(observed)
    assert all(b.low <= b.observed <= b.high for b in bins)
    # Events after the horizon do not count.
    lived[event == 1] = 31
    assert [b.observed for b in calibration_by_decile(p, lived, event, horizon=30)] == [0] * 10


def test_the_censored_count_as_long_as_they_were_observed():
    # Each decile: one of 4 leaves on day 5, one is censored on day 6, one of 2 leaves on day 9:
    # 1 - 3/4 x 1/2.
    bins = calibration_by_decile(
        np.tile(np.arange(10) / 10, 4),
        np.repeat([5, 6, 9, 40], 10),
        np.repeat([1, 0, 1, 0], 10),
        horizon=30,
    )
    assert [b.observed for b in bins] == pytest.approx([5 / 8] * 10)


def test_fewer_customers_than_tenths():
    bins = calibration_by_decile([0.2, 0.1], [40, 40], [0, 0], horizon=30)
    assert [(b.decile, b.predicted, b.observed) for b in bins] == [(1, 0.1, 0.0), (2, 0.2, 0.0)]
