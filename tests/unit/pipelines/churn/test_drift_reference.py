"""The histograms of the training sample that are logged with a model."""

from __future__ import annotations

import pandas as pd

from models.encoding import FeatureEncoder
from pipelines.churn.drift_reference import histograms


def test_each_feature_of_the_encoder_has_a_histogram():
    sample = pd.DataFrame(
        {
            "customer_id": ["a", "a", "b", "c"],  # two dates of a: three customers
            "orders": [1, 1, 2, None],
            "has_profile": pd.Series([True, False, None, True], dtype=object),
            "city": ["x", "x", "y", None],
            "unused": [1, 2, 3, 4],
        }
    )
    encoder = FeatureEncoder(numeric=("orders", "has_profile"), categories=(("city", ("x", "y")),))
    made = {h.feature: h for h in histograms(sample, encoder)}
    assert list(made) == ["orders", "has_profile", "city"]
    assert {h.customers for h in made.values()} == {3}
    assert (made["orders"].counts, made["orders"].missing) == ((2, 1), 1)
    assert (made["has_profile"].counts, made["has_profile"].missing) == ((1, 2), 1)
    city = made["city"]
    assert (city.categories, city.counts, city.missing) == (("x", "y"), (2, 1), 1)
