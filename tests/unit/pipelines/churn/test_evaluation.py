"""Models are evaluated on the probabilities that the tables serve."""

from __future__ import annotations

import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable import LinearScorer, PortableModel
from models.prediction import predict
from pipelines.churn.evaluation import predicted


def test_who_is_new_is_judged_by_the_rate_that_serves_them():
    """Log-odds 0 are .5. `predict` has no tenure_days here and returns .5 for all customers."""
    facts = {"cold_start_days": 7, "cold_start_rate": 0.3}
    model = PortableModel(
        FeatureEncoder(("orders",), fill=(0.0,)), LinearScorer((1.0,), 0.0, (0.0,)), metadata=facts
    )
    rows = pd.DataFrame({"orders": [0.0] * 4, "tenure_days": [6, 7, 8, None], "churned": [0] * 4})
    assert predicted(model, rows).tolist() == pytest.approx([0.3, 0.5, 0.5, 0.3])
    assert predict(model, rows[["orders"]]).tolist() == pytest.approx([0.5] * 4)
