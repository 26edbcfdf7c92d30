"""Metrics against scikit-learn, and intervals against explicit resampling."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from sklearn import metrics as sk

from models.metrics import CALIBRATION_CURVE, METRICS, bootstrap_weights, estimates, point_estimates
from models.paired import mean_paired_difference, paired_difference

SCORES = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 8)), min_size=4, max_size=60).filter(
    lambda rows: 0 < sum(label for label, _ in rows) < len(rows)
)


@settings(max_examples=200, deadline=None)
@given(SCORES)
def test_metrics_are_those_of_scikit_learn_also_with_ties(rows):
    label = np.array([label for label, _ in rows], dtype=float)
    p = np.array([score / 8 for _, score in rows])
    ours = point_estimates(label, p, 0.5)
    hit = p >= 0.5
    expected = {
        "roc_auc": sk.roc_auc_score(label, p),
        "average_precision": sk.average_precision_score(label, p),
        "brier": sk.brier_score_loss(label, p),
        "log_loss": sk.log_loss(label, np.clip(p, 1e-15, 1 - 1e-15)),
        "accuracy": sk.accuracy_score(label, hit),
        "precision": sk.precision_score(label, hit, zero_division=0),
        "recall": sk.recall_score(label, hit),
        "f1": sk.f1_score(label, hit, zero_division=0),
        "false_positive_rate": hit[label == 0].mean(),
    }
    for name, value in expected.items():
        assert ours[name] == pytest.approx(value, abs=1e-9), name


def test_top_shares_by_hand():
    p = np.linspace(1, 0.1, 10)
    label = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 0], dtype=float)
    values = point_estimates(label, p, 0.5)
    assert values["precision_at_10"] == 1 / 1
    assert values["precision_at_30"] == pytest.approx(2 / 3)
    assert values["lift_at_20"] == pytest.approx((2 / 2) / (3 / 10))


def test_precision_at_p30_is_by_probability_and_precision_at_30_by_rank():
    """Of ten customers three have p >= .3, two of them leave. The first three by rank are the same.

    With half of the probabilities only one customer has p >= .3, but the ranks stay.
    """
    p = np.array([0.6, 0.5, 0.3, 0.29, 0.2, 0.1, 0.1, 0.1, 0.1, 0.1])
    label = np.array([1, 0, 1, 1, 0, 0, 0, 0, 0, 0], dtype=float)
    values = point_estimates(label, p, 0.5)
    assert (values["precision_at_p30"], values["share_at_p30"]) == (2 / 3, 3 / 10)
    assert values["precision_at_30"] == pytest.approx(2 / 3)
    half = point_estimates(label, p / 2, 0.5)
    assert (half["precision_at_p30"], half["share_at_p30"]) == (1 / 1, 1 / 10)
    assert half["precision_at_30"] == pytest.approx(2 / 3)
    # Nobody at or above .3: no precision.
    none = point_estimates(label, p / 3, 0.5)
    assert (none["precision_at_p30"], none["share_at_p30"]) == (None, 0.0)


def test_the_mean_difference_over_parts_by_hand():
    """Part 1: 3 of 4 pairs ranked correctly against 2 of 4. Part 2: 0 of 1 against 1 of 1."""
    first = np.array([1, 1, 0, 0.0]), np.array([0.9, 0.4, 0.6, 0.1]), np.array([0.9, 0.1, 0.6, 0.2])
    second = np.array([1, 0.0]), np.array([0.1, 0.2]), np.array([0.2, 0.1])
    gain = mean_paired_difference("roc_auc", [first, second], weights=[])
    assert gain.value == pytest.approx(((3 / 4 - 2 / 4) + (0 - 1)) / 2)


def test_the_interval_of_one_part_is_that_of_the_paired_difference():
    draw = np.random.default_rng(3)
    label, p, other = draw.integers(0, 2, 200).astype(float), draw.random(200), draw.random(200)
    weights = bootstrap_weights([str(i) for i in range(200)], 60, seed=5)
    alone = paired_difference("log_loss", label, p, other=other, weights=weights)
    parts = [(label, p, other)]
    assert mean_paired_difference("log_loss", parts, weights=weights) == alone
    # The same customers twice: the same mean, and an interval that is not narrower.
    twice = [np.hstack([block, block]) for block in weights]
    both = mean_paired_difference("log_loss", parts * 2, weights=twice)
    assert (both.value, both.low, both.high) == pytest.approx((alone.value, alone.low, alone.high))


def test_calibration_error_by_hand():
    # Ten bins with one row each, with gaps |1 - .8| and |0 - .2|.
    p = np.array([0.8, 0.2] * 5)
    label = np.array([1.0, 0.0] * 5)
    assert point_estimates(label, p, 0.5)["expected_calibration_error"] == pytest.approx(0.2)


def test_calibration_curve_by_hand():
    # Twenty rows, two per tenth. The order of the rows does not matter.
    p = np.arange(20) / 20
    label = (np.arange(20) % 4 == 0).astype(float)
    mixed = np.random.default_rng(8).permutation(20)
    curve = point_estimates(label[mixed], p[mixed], 0.5, measures=CALIBRATION_CURVE)
    assert curve["calibration_1_predicted"] == pytest.approx((0 + 0.05) / 2)
    assert curve["calibration_10_predicted"] == pytest.approx((0.9 + 0.95) / 2)
    assert [curve[f"calibration_{n}_observed"] for n in (1, 2, 9, 10)] == [0.5, 0.0, 0.5, 0.0]


def test_the_interval_of_a_tenth_is_that_of_its_own_customers():
    draw = np.random.default_rng(9)
    p = np.sort(draw.random(300))
    label = (draw.random(300) < p).astype(float)
    weights = bootstrap_weights([str(i // 3) for i in range(300)], 60, seed=5)
    tenth = estimates(label, p, 0.5, weights=weights, measures=CALIBRATION_CURVE)[
        "calibration_4_observed"
    ]
    inside = slice(90, 120)
    drawn = [np.average(label[inside], weights=w[inside]) for w in np.concatenate(weights)]
    assert tenth.value == pytest.approx(label[inside].mean())
    assert tenth.low == pytest.approx(np.percentile(drawn, 2.5))
    assert tenth.high == pytest.approx(np.percentile(drawn, 97.5))


def test_a_tenth_without_rows_is_undefined():
    curve = point_estimates(
        np.array([1.0, 0.0]), np.array([0.2, 0.1]), 0.5, measures=CALIBRATION_CURVE
    )
    assert curve["calibration_1_observed"] == 0.0
    assert curve["calibration_2_observed"] is None


def test_one_class_leaves_ranking_metrics_undefined():
    values = point_estimates(np.ones(5), np.linspace(0, 1, 5), 0.5)
    assert values["roc_auc"] is None
    assert values["brier"] is not None


def test_weights_draw_whole_customers():
    groups = ["a", "a", "b", "c"]
    for row in np.concatenate(bootstrap_weights(groups, 30, seed=1)):
        assert row[0] == row[1]
        assert row[0] + row[2] + row[3] == 3


def test_weights_of_a_sample_take_a_byte_a_row():
    weights = bootstrap_weights([str(i) for i in range(1_000)], 80, seed=1)
    assert sum(block.nbytes for block in weights) == 1_000 * 80


def test_weights_as_floats_give_the_same_figures():
    draw = np.random.default_rng(2)
    label, p = draw.integers(0, 2, 300).astype(float), draw.random(300).round(2)
    weights = bootstrap_weights([str(i // 2) for i in range(300)], 60, seed=5)
    measures = {**METRICS, **CALIBRATION_CURVE}
    floats = [block.astype(float) for block in weights]
    assert estimates(label, p, 0.5, weights=weights, measures=measures) == estimates(
        label, p, 0.5, weights=floats, measures=measures
    )


def test_a_weighted_sample_is_the_sample_written_out():
    draw = np.random.default_rng(3)
    label, p = draw.integers(0, 2, 80).astype(float), draw.random(80).round(1)
    weights = bootstrap_weights([str(i) for i in range(80)], 25, seed=5)
    weighted = estimates(label, p, 0.5, weights=weights)
    rows = [np.repeat(np.arange(80), w.astype(int)) for w in np.concatenate(weights)]
    by_hand = [sk.roc_auc_score(label[r], p[r]) for r in rows]
    assert weighted["roc_auc"].low == pytest.approx(np.percentile(by_hand, 2.5))
    assert weighted["roc_auc"].high == pytest.approx(np.percentile(by_hand, 97.5))


def test_the_interval_of_a_difference_to_itself_is_zero():
    draw = np.random.default_rng(4)
    label, p = draw.integers(0, 2, 200).astype(float), draw.random(200)
    weights = bootstrap_weights([str(i) for i in range(200)], 40, seed=5)
    same = paired_difference("roc_auc", label, p, other=p, weights=weights)
    assert (same.value, same.low, same.high) == (0, 0, 0)


def test_a_clearly_better_score_has_an_interval_above_zero():
    draw = np.random.default_rng(6)
    label = draw.integers(0, 2, 500).astype(float)
    good, bad = label + draw.normal(0, 0.7, 500), draw.normal(0, 1, 500)
    weights = bootstrap_weights([str(i) for i in range(500)], 100, seed=7)
    gain = paired_difference("roc_auc", label, good, other=bad, weights=weights)
    assert gain.low is not None and gain.low > 0.1
