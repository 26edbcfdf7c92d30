"""The selection of the strongest features."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from pipelines.churn.feature_sets import selected


def test_the_date_that_judges_the_sets_has_not_taught_what_selects_them():
    encoder = FeatureEncoder(numeric=("a", "b"), fill=(0.0, 0.0))
    rows = pd.DataFrame({"a": [1.0, -1.0], "b": [1.0, -1.0]})
    # |SHAP| of the scorer of the train dates is 1 and 19, shares of .05 and .95. The model that was
    # refitted with the validation date has them the other way round.
    candidate = SimpleNamespace(
        model=PortableModel(encoder, LinearScorer((19.0, 1.0), 0.0, (0.0, 0.0))),
        scorer=LinearScorer((1.0, 19.0), 0.0, (0.0, 0.0)),
    )
    assert selected(SimpleNamespace(held_out=rows), candidate, 0.9) == ["b"]
    assert selected(SimpleNamespace(held_out=rows), candidate, 0.99) == ["a", "b"]
