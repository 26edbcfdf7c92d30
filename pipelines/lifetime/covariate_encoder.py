"""The encoder of the covariates of survival models, with robust bounds."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

from models.encoding import FeatureEncoder
from transforms import survival_rows

# Bound of a covariate, in robust standard deviations from the median. Beyond it lie one value in
# 10^88 of a normal distribution, and one in 10^8 of an exponential one. Without the bound, an order
# of a million beside a median of 300 decides the coefficient of all customers: money that returns
# make negative has no logarithm.
MOST_SPREADS = 20.0


def encoder_of(sample: pd.DataFrame) -> FeatureEncoder | None:
    """Encoder of the covariates that vary; in logarithms where they are never negative.

    A missing value is replaced by the mean and flagged in a column of its own. Values beyond
    MOST_SPREADS robust standard deviations of the median become that bound. None: no covariate
    varies.
    """
    covariates = [c for c in sample if c.startswith(survival_rows.COVARIATE)]
    names = [c for c in covariates if sample[c].nunique() > 1]
    if not names:
        return None
    logged = tuple(n for n in names if sample[n].min() >= 0)
    values = sample[names].astype(float)
    values[list(logged)] = np.log1p(values[list(logged)])
    middle, spread = values.median(), _spreads(values)
    return FeatureEncoder(
        numeric=tuple(names),
        fill=tuple(float(m) for m in values.mean()),
        missing_indicators=tuple(n for n in names if sample[n].isna().any()),
        logged=logged,
        lowest=tuple(float(v) for v in middle - MOST_SPREADS * spread),
        highest=tuple(float(v) for v in middle + MOST_SPREADS * spread),
    )


def _spreads(values: pd.DataFrame) -> pd.Series:
    """Robust standard deviation of each column.

    From the quartiles, or from the outer hundredths where they lie further apart: for a covariate
    that is 0 for most customers, both quartiles are 0. Where those are equal too, the standard
    deviation.
    """
    ends = values.quantile([0.01, 0.25, 0.75, 0.99])
    quartiles = (ends.loc[0.75] - ends.loc[0.25]) / (2 * norm.ppf(0.75))
    hundredths = (ends.loc[0.99] - ends.loc[0.01]) / (2 * norm.ppf(0.99))
    robust = np.maximum(quartiles, hundredths)
    return robust.where(robust > 0, values.std(ddof=0))
