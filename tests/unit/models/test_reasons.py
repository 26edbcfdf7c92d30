"""Reasons from SHAP values of feature groups, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from contracts.silver import REASONS
from models.reasons import reason_features, reasons_from_contributions

FEATURES = ["discounts_30d", "support_tickets_30d", "recency_days"]
MEMBERS = {"price": ["discounts_30d"], "support": ["support_tickets_30d"]}


def test_features_belong_to_the_first_reason_whose_pattern_holds():
    patterns = {"price": ["discounts_*"], "support": ["support_*", "discounts_90d"]}
    members = reason_features([*FEATURES, "discounts_90d"], patterns)
    assert members["price"] == ["discounts_30d", "discounts_90d"]
    assert members["support"] == ["support_tickets_30d"]
    assert members["competitor"] == []


def test_a_reason_is_the_share_of_the_risk_that_goes_with_its_push():
    contributions = np.array([[1.0, -0.5, 0.2]])
    shares = reasons_from_contributions(contributions, -1.0, FEATURES, members=MEMBERS)[0]
    # The margin is -1 + 1 - .5 + .2 = -.3, and -1.3 without the push of 1 for price. Support lowers
    # the risk, so its share is 0.
    assert shares[REASONS.index("price")] == pytest.approx(1 - expit(-1.3) / expit(-0.3))
    assert shares[REASONS.index("support")] == 0
    assert shares[REASONS.index("quality")] == 0


def test_in_probability_units_the_push_is_taken_off_the_probability():
    contributions = np.array([[0.3, 0.1, 0.0]])
    shares = reasons_from_contributions(
        contributions, 0.1, FEATURES, members=MEMBERS, in_probability_units=True
    )[0]
    # The probability is .1 + .3 + .1 = .5: .3 from price and .1 from support.
    assert shares[REASONS.index("price")] == pytest.approx(0.3 / 0.5)
    assert shares[REASONS.index("support")] == pytest.approx(0.1 / 0.5)
