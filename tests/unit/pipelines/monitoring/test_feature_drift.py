"""Counts of the transform and in memory are the same; alerts name the features."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from models.drift import Statistic
from models.feature_histogram import Current, Reference
from pipelines.monitoring.feature_drift import counted, drift_alerts


def test_the_transform_counts_as_the_model_does(frame):
    draw = np.random.default_rng(5)
    spend = np.where(draw.random(200) < 0.1, np.nan, draw.lognormal(3, 1, 200)).round(2)
    tiers = draw.choice(["a", "b", "c"], 200)
    references = [
        Reference.of_numbers("spend", pd.Series(spend[:100]), 100),
        Reference.of_texts("tier", pd.Series(tiers[:100]).replace("c", "b"), 100),
    ]
    later = pd.DataFrame({"spend": spend[100:] * 3, "tier": tiers[100:]})
    rows = [(None if np.isnan(s) else s, t) for s, t in later.itertuples(index=False)]
    for reference, current in counted(references, frame("spend double, tier string", rows)):
        expected = Current.of(reference, later[reference.feature])
        assert current.sums == pytest.approx(expected.sums or (0.0,) * len(current.sums))
        assert (current.counts, current.missing, current.new) == (
            expected.counts,
            expected.missing,
            expected.new,
        )
        assert (current.below, current.above) == (expected.below, expected.above)


def test_a_feature_that_is_gone_is_missing_in_every_row(frame):
    reference = Reference.of_numbers("stars", pd.Series([1.0, 2.0]), 2)
    [(_, current)] = counted([reference], frame("spend double", [(1.0,), (2.0,)]))
    assert (current.counts, current.missing) == ((0, 0), 2)


def statistic(feature, name, value, threshold, is_alert=True):
    return Statistic(feature, name, value, threshold, 0.001, 100, is_alert)


def test_one_alert_names_the_features_by_size(context):
    statistics = [
        statistic("recency_days", "psi", 0.3, 0.2),
        statistic("recency_days", "wasserstein", 0.9, 0.3),  # 3 times the threshold
        statistic("tier", "total_variation", 0.6, 0.15),  # 4 times
        statistic("stars", "psi", 9.0, 0.2, is_alert=False),
        statistic("churn_probability", "psi", 0.4, 0.2),
    ]
    assert [a.message for a in drift_alerts(context({}), statistics)] == [
        "2 features drifted from the training sample: tier (total_variation 0.6, threshold 0.15); "
        "recency_days (wasserstein 0.9, threshold 0.3).",
        "The churn probabilities drifted from those of the test date: churn_probability (psi 0.4, "
        "threshold 0.2).",
    ]
