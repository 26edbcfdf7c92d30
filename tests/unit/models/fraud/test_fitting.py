"""Which payments train, which set the thresholds, and what the score is without labels."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import IsolationForest

from models.fraud.features import CATEGORY, NUMERIC, features, words
from models.fraud.fitting import Fitted, Plan, fitted, is_better, split
from models.fraud.payments import DAY, Payments
from models.fraud.scoring import fraud_scores
from models.fraud.training import (
    Capacity,
    anomaly,
    frame_of,
    isolation_trees,
    recall_at,
    with_thresholds,
)
from models.fraud.windows import states
from models.portable import PortableModel
from tests.unit.models.fraud.recount import START, in_arrival, payment
from tests.unit.models.fraud.small_model import history, made, small_model

PLAN = Plan(
    as_of=START + 20 * DAY,
    label_days=5,
    validation_days=5,
    fewest_frauds=20,
    capacity=Capacity(4.0, 5, 0.9),
    seed=1,
)


@pytest.fixture(scope="module")
def past():
    rows, label = history()
    return in_arrival(rows), [r["payment_id"] for r, f in zip(rows, label, strict=True) if f]


def test_young_payments_do_not_train():
    """As_of is day 20, labels take 5 days: days 0 to 9 train, 10 to 14 set the thresholds."""
    days = np.array([0, 9, 10, 14, 15, 19]) * DAY + START
    train, validation = split(days, PLAN, is_labelled=True)
    newest = split(days, PLAN, is_labelled=False)

    assert train.tolist() == [True, True, False, False, False, False]
    assert validation.tolist() == [False, False, True, True, False, False]
    assert newest[0].tolist() == [True, True, True, True, False, False]


def test_a_label_of_a_young_payment_changes_nothing(past):
    """A review found fraud on the last day. It would be a label without its like."""
    payments, frauds = past
    young = payments.payment_id[-5:].tolist()
    first, second = fitted(payments, frauds, PLAN), fitted(payments, [*frauds, *young], PLAN)

    assert first.model.to_json() == second.model.to_json()
    assert first.model.metadata["basis"] == "model"


def test_the_thresholds_follow_the_capacity(past):
    """4 reviews a day for 5 days: the 20th highest score of the newest 5 days is the threshold.

    A payment with the same score is an alert too."""
    payments, frauds = past
    result = fitted(payments, frauds, PLAN)
    score = result.model.predict_proba(frame_of(made(payments)))
    newest = score[(payments.paid_at >= START + 15 * DAY) & (payments.paid_at < PLAN.as_of)]

    assert result.model.metadata["review_from"] == np.sort(newest)[::-1][19]


def test_blocking_needs_precision_and_ties_are_blocked_together():
    model = small_model()
    score = np.concatenate([np.full(18, 0.9), np.full(4, 0.8), np.full(78, 0.1)])
    fraud = np.concatenate([np.ones(18), [1, 1, 0, 0], np.zeros(78)]).astype(np.int64)

    def block_from(precision):
        capacity = Capacity(50, 1, precision)
        made = with_thresholds(model, score, capacity, held=score, label=fraud)
        return made.metadata["block_from"]

    assert block_from(20 / 22) == 0.8
    assert block_from(0.95) is None  # 18 payments above 0.8 are fewer than 20


def test_without_labels_the_score_is_an_anomaly(past):
    payments, frauds = past
    result = fitted(payments, [], PLAN)
    scores = fraud_scores(result.model, payments, states(payments), degraded_amount=1000)
    fraud = np.isin(payments.payment_id, frauds)
    score = np.array([s.score for s in scores])

    assert {s.basis for s in scores} == {"anomaly"}
    assert {s.decision for s in scores} == {"approve", "review"}  # never block
    assert score[fraud].mean() > score[~fraud].mean() + 0.05
    assert result.metrics == {}


def test_isolation_trees_equal_the_forest(past):
    """sklearn's score is 2^-(mean depth / c); each leaf of ours has 2^-(depth / c), so that the
    log of a single tree's score is the same."""
    payments, _ = past
    model = anomaly(made(payments), seed=1)
    matrix = model.encoder.encode(frame_of(made(payments)))
    forest = IsolationForest(n_estimators=1, max_samples=256, random_state=1, n_jobs=1).fit(matrix)

    np.testing.assert_allclose(
        isolation_trees(forest).predict(matrix), -forest.score_samples(matrix), rtol=1e-6
    )


def fit_of(score, label):
    """A result whose validation rows have these amounts, and a model that scores by them."""
    frame = frame_of({n: np.array(score, dtype=float) for n in NUMERIC} | {CATEGORY: [None] * 4})
    return dataclasses.replace(
        Fitted(small_model(), 1, frame, None), label=None if label is None else np.array(label)
    )


def test_promotion():
    class Ranked:
        def __init__(self, score, basis="model"):
            self.score, self.metadata = np.array(score), {"basis": basis}

        def predict_proba(self, frame):
            return self.score

    good, bad = Ranked([0.1, 0.2, 0.8, 0.9]), Ranked([0.9, 0.8, 0.2, 0.1])
    result = fit_of([3, 1, 2, 0], [0, 0, 1, 1])

    def better(model, champion):
        return is_better(dataclasses.replace(result, model=model), champion)

    assert better(good, None) and not better(bad, None)
    assert better(good, bad) and better(good, good) and not better(bad, good)
    none = dataclasses.replace(result, label=None)
    assert is_better(none, None) and is_better(none, Ranked([], "anomaly"))
    assert not is_better(none, good)


def test_too_few_payments():
    with pytest.raises(ValueError, match="0 to train on and 0 of the 5 validation days") as caught:
        fitted(in_arrival([payment(0)]), [], dataclasses.replace(PLAN, as_of=START))
    assert str(caught.value) == (
        "payments: 0 to train on and 0 of the 5 validation days; both must be at least 1"
    )


def test_features_of_one_payment():
    """Two payments of 10.00 and 30.00 before, then 80.00 from a new device, 100 km in 30 minutes."""
    rows = [
        payment(0, minute=600, cents=1000),
        payment(1, minute=610, cents=3000),
        payment(2, minute=640, cents=8000, device_id="x", latitude=52.5 + 100 / 111.19),
    ]
    payments = in_arrival(rows)
    last = {n: v[-1] for n, v in features(payments, states(payments)).items()}

    assert last["amount_to_mean"] == 80 / ((10 + 30) / 2)
    assert (last["is_new_device"], last["is_new_merchant"], last["is_night"]) == (1.0, 0.0, 0.0)
    assert last["travel_kmh"] == pytest.approx(200, rel=1e-3)
    assert (last["customer_count_1h"], last["customer_amount_1d"]) == (3, 120.0)
    assert np.isnan(features(payments, states(payments))["amount_to_mean"][0])


def test_unknown_stays_unknown():
    """No card, device, country or place: null, not 0 and not new."""
    unknown = dict.fromkeys(("card_id", "device_id", "country", "latitude", "longitude"))
    payments = in_arrival([payment(0), payment(1, **unknown)])
    last = {n: v[-1] for n, v in features(payments, states(payments)).items()}

    for name in ("card_count_1h", "device_amount_7d", "is_new_device", "is_new_country"):
        assert np.isnan(last[name])
    assert np.isnan(last["travel_kmh"])
    assert words("is_new_device", None) == "device unknown"


def test_recall_at_a_share_of_false_positives():
    label, score = np.array([0] * 100 + [1, 1]), np.array([*range(100), 98.5, 98.0])

    assert recall_at(label, score, 0.01) == 0.5  # one of 100 may be above: 99


def test_a_model_survives_its_text(past):
    payments, frauds = past
    for labels in (frauds, []):
        model = fitted(payments, labels, PLAN).model
        again = PortableModel.from_json(model.to_json())
        known = payments.take(np.arange(50))
        args = (known, states(payments)[:50])
        assert fraud_scores(again, *args, degraded_amount=1.0) == fraud_scores(
            model, *args, degraded_amount=1.0
        )


def test_payments_sort_by_arrival():
    late = payment(0, received_at=START + DAY)

    made = Payments.from_frame(pd.DataFrame([late, payment(1)]))

    assert made.payment_id.tolist() == ["p1", "p0"]
