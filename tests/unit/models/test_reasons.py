"""Reasons from SHAP values of feature groups, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit

from contracts import catalog
from contracts.silver import REASONS
from models.reasons import reason_features, reasons_from_contributions
from runtime.settings import load

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
    # Recency belongs to no reason: its push of .2 is the last share.
    assert len(shares) == len(REASONS) + 1
    assert shares[-1] == pytest.approx(1 - expit(-0.5) / expit(-0.3))


def test_what_is_no_reason_counts_by_its_strongest_family():
    members = reason_features(
        ["discounts_30d", "recency_days", "gap_mean_days", "purchases_30d"],
        {"price": ["discounts_*"]},
        {"silence": ["recency_*", "gap_*"], "frequency": ["purchases_*", "discounts_*"]},
    )
    assert members["other: silence"] == ["recency_days", "gap_mean_days"]
    assert members["other: frequency"] == ["purchases_30d"]
    # Discounts .4, recency .6 - gap .1, purchases -1, and .2 of a feature without a family.
    features = ["discounts_30d", "recency_days", "gap_mean_days", "purchases_30d", "kids_count"]
    contributions = np.array([[0.4, 0.6, -0.1, -1.0, 0.2]])
    shares = reasons_from_contributions(contributions, 0.0, features, members=members)[0]
    # The margin is .1.
    assert shares[REASONS.index("price")] == pytest.approx(1 - expit(-0.3) / expit(0.1))
    assert shares[-1] == pytest.approx(1 - expit(-0.4) / expit(0.1))


def test_buying_less_is_no_evidence_for_a_reason():
    """The families of conf: what every company has, purchases, points to no reason."""
    patterns = load("demo").training.reasons.features
    purchases = [c.name for c in catalog.tables()["features.transactions"].columns]
    members = reason_features(purchases, patterns)
    named = {name.rpartition("_")[0] for reason in REASONS for name in members[reason]}
    assert named == {"discounts", "returns"}
    assert members["competitor"] == []


def test_in_probability_units_the_push_is_taken_off_the_probability():
    contributions = np.array([[0.3, 0.1, 0.0]])
    shares = reasons_from_contributions(
        contributions, 0.1, FEATURES, members=MEMBERS, in_probability_units=True
    )[0]
    # The probability is .1 + .3 + .1 = .5: .3 from price and .1 from support.
    assert shares[REASONS.index("price")] == pytest.approx(0.3 / 0.5)
    assert shares[REASONS.index("support")] == pytest.approx(0.1 / 0.5)
