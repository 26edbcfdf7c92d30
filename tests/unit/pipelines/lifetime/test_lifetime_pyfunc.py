"""The pyfunc of both lifetime models takes the values as tables and dicts give them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from pipelines.lifetime.lifetime_pyfunc import ServedLifetimeModel


def test_integers_booleans_and_missing_values_become_numbers():
    served = ServedLifetimeModel()
    served.portable = SimpleNamespace(predict=lambda frame: frame)
    given = pd.DataFrame(
        {
            "frequency": [3, 0],
            "monetary_value": np.array([24, None], dtype=object),
            "T_days": pd.array([100, None], "Int64"),
            "is_new": np.array([True, None], dtype=object),
        },
        index=[7, 2],
    )
    numbers = served.predict(None, given)
    expected = {
        "frequency": [3.0, 0.0],
        "monetary_value": [24.0, np.nan],
        "T_days": [100.0, np.nan],
        "is_new": [1.0, np.nan],
    }
    pd.testing.assert_frame_equal(numbers, pd.DataFrame(expected, index=[7, 2]))
