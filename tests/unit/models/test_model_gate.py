"""The rule for a new champion: each check alone, its bound, and how often it errs."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from models.model_gate import (
    BEATS_RULE,
    BRIER,
    EXPLAINED,
    LOG_LOSS,
    SIGNAL,
    SPEED,
    Bounds,
    Facts,
    Labelled,
    is_accepted,
    judge,
    told,
)

BOUNDS = Bounds(0.002, 0.01, 500, 50.0, samples=200)
FACTS = Facts(is_explained=True, no_signal="", inference_ms=1.0)
COUNT = 4_000


def customers(seed=1, challenger_noise=0.5, champion_noise=0.5, same=False, count=COUNT):
    """Each customer's true probability is known; a model sees its log-odds with noise.

    same: the challenger has the champion's probabilities.
    """
    draw = np.random.default_rng(seed)
    odds = draw.normal(-1.0, 1.2, count)
    label = (draw.random(count) < _p(odds)).astype(float)
    champion = _p(odds + draw.normal(0, champion_noise, count))
    challenger = champion if same else _p(odds + draw.normal(0, challenger_noise, count))
    segments = np.array(["Champions", "At Risk"] * (count // 2), dtype=object)
    rule = _p(0.5 * odds + draw.normal(0, 1.5, count))
    ids = [f"c{n:05d}" for n in range(count)]
    return Labelled(ids, segments, label, challenger, rule, champion)


def _p(odds):
    return 1 / (1 + np.exp(-odds))


def by_name(checks):
    return {check.name: check for check in checks if check.name != LOG_LOSS}


def failed(checks):
    return [check.name for check in checks if not check.is_passed]


def test_a_model_with_the_champions_own_probabilities_is_accepted():
    checks = judge(customers(same=True), FACTS, BOUNDS)
    assert is_accepted(checks)
    brier = by_name(checks)[BRIER]
    assert (brier.value, brier.low, brier.high, brier.bound) == (0.0, 0.0, 0.0, 0.002)


def test_the_brier_score_is_compared_customer_by_customer():
    rows = customers()
    checks = judge(rows, FACTS, BOUNDS)
    expected = ((rows.challenger - rows.label) ** 2 - (rows.champion - rows.label) ** 2).mean()
    brier = by_name(checks)[BRIER]
    assert brier.value == pytest.approx(expected, abs=1e-12)
    assert brier.low < expected < brier.high


def test_a_worse_model_is_refused_twenty_times_of_twenty():
    """Noise of 1.5 in place of .5 in the log-odds: the Brier score rises by about .02."""
    for seed in range(20):
        checks = judge(customers(seed, challenger_noise=1.5), FACTS, BOUNDS)
        assert BRIER in failed(checks), seed


def test_a_better_model_is_accepted_twenty_times_of_twenty():
    for seed in range(20):
        checks = judge(customers(seed, 0.2, champion_noise=1.0), FACTS, BOUNDS)
        assert is_accepted(checks), seed


def test_a_rise_within_the_bound_is_refused_if_the_interval_reaches_beyond_it():
    """Few customers: the difference is zero on average, and its interval wider than the bound."""
    checks = judge(customers(3, 0.9, champion_noise=0.9, count=300), FACTS, BOUNDS)
    brier = by_name(checks)[BRIER]
    assert brier.high > 0.002 and not brier.is_passed
    wide = dataclasses.replace(BOUNDS, brier_rise=brier.high)
    assert by_name(judge(customers(3, 0.9, champion_noise=0.9, count=300), FACTS, wide))[
        BRIER
    ].is_passed


def spoiled_segment(size):
    """The champion's own probabilities, but one segment of `size` gets the opposite ones."""
    rows = customers(same=True)
    challenger, segments = rows.challenger.copy(), rows.segments.copy()
    segments[:size] = "Can't Lose Them"
    challenger[:size] = 1 - challenger[:size]
    return dataclasses.replace(rows, challenger=challenger, segments=segments)


def test_a_segment_whose_log_loss_rises_refuses_the_model_whatever_the_others_gain():
    """With the Brier score allowed to rise, only the segment stands against the model."""
    loose = dataclasses.replace(BOUNDS, brier_rise=1.0)
    checks = judge(spoiled_segment(500), FACTS, loose)
    (spoiled,) = [c for c in checks if not c.is_passed]
    assert (spoiled.name, spoiled.segment, spoiled.customers) == (LOG_LOSS, "Can't Lose Them", 500)
    assert spoiled.low > 0.01
    assert told(spoiled).startswith("log loss of Can't Lose Them (500) +")


def test_a_segment_of_499_is_too_small_to_refuse_a_model():
    checks = judge(spoiled_segment(499), FACTS, dataclasses.replace(BOUNDS, brier_rise=1.0))
    assert {c.segment for c in checks if c.name == LOG_LOSS} == {"Champions", "At Risk"}
    assert is_accepted(checks)


def test_a_segment_may_rise_where_the_rise_may_be_chance():
    """The lower end counts: the same model drawn again is not refused for one unlucky segment."""
    refused = 0
    for seed in range(20):
        checks = judge(customers(seed, 0.55), FACTS, dataclasses.replace(BOUNDS, brier_rise=1.0))
        refused += LOG_LOSS in failed(checks)
    assert refused == 0


def test_the_first_champion_only_has_to_beat_the_rule():
    rows = dataclasses.replace(customers(), champion=None)
    checks = judge(rows, FACTS, BOUNDS)
    assert [c.name for c in checks] == [EXPLAINED, SIGNAL, BEATS_RULE, SPEED]
    assert is_accepted(checks)
    same = dataclasses.replace(rows, challenger=rows.rule)
    assert failed(judge(same, FACTS, BOUNDS)) == [BEATS_RULE]


def test_beside_a_champion_the_model_has_to_beat_the_rule_too():
    rows = customers(same=True)
    worse = dataclasses.replace(rows, rule=rows.champion)
    assert failed(judge(worse, FACTS, BOUNDS)) == [BEATS_RULE]


@pytest.mark.parametrize(
    ("change", "name", "text"),
    [
        ({"is_explained": False}, EXPLAINED, "has no exact explanations"),
        ({"no_signal": "no signal in these data: ..."}, SIGNAL, "no signal in these data"),
        ({"inference_ms": 50.1}, SPEED, "50.10 ms per prediction, allowed up to 50 ms"),
        ({"inference_ms": None}, SPEED, "undefined per prediction, allowed up to 50 ms"),
    ],
)
def test_what_does_not_depend_on_the_labels_refuses_too(change, name, text):
    checks = judge(customers(same=True), dataclasses.replace(FACTS, **change), BOUNDS)
    assert failed(checks) == [name]
    assert told(by_name(checks)[name]) == text


def test_a_prediction_may_take_exactly_as_long_as_the_bound():
    assert is_accepted(
        judge(customers(same=True), dataclasses.replace(FACTS, inference_ms=50.0), BOUNDS)
    )


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_what_cannot_be_measured_is_refused_not_passed(rows):
    """No customer, one, or only customers who stayed: ROC AUC is undefined."""
    some = customers(same=True)
    few = Labelled(
        some.customers[:rows],
        some.segments[:rows],
        np.zeros(rows),
        some.challenger[:rows],
        some.rule[:rows],
        some.champion[:rows],
    )
    checks = by_name(judge(few, FACTS, BOUNDS))
    assert not checks[BEATS_RULE].is_passed and checks[BEATS_RULE].value is None
    assert told(checks[BEATS_RULE]) == "ROC AUC undefined against recency_only, must be above 0"
    if not rows:
        assert not checks[BRIER].is_passed


def test_the_order_of_the_customers_does_not_matter():
    rows = customers()
    order = np.argsort(rows.label, kind="stable")
    mixed = Labelled(
        [rows.customers[n] for n in order],
        *(a[order] for a in (rows.segments, rows.label, rows.challenger, rows.rule, rows.champion)),
    )
    for first, second in zip(judge(rows, FACTS, BOUNDS), judge(mixed, FACTS, BOUNDS), strict=True):
        assert (first.name, first.segment, first.is_passed) == (
            *(second.name, second.segment, second.is_passed),
        )
        assert first.value == pytest.approx(second.value)
        assert first.high == pytest.approx(second.high)
