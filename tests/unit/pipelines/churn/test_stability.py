"""Cross-validation by customer: each customer is scored once, by a model that has not seen them."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pytest

from models.encoding import FeatureEncoder
from pipelines.churn import stability as module
from pipelines.churn.dataset import Design
from runtime import settings

FOLDS, CUSTOMERS = 3, 40
DAYS = {dt.date(2018, 1, 1): "train", dt.date(2018, 2, 1): "validation"}


class Witness:
    """A learner that records the customers of each fit and of each prediction."""

    takes_null = True

    def __init__(self):
        self.seen = []

    def fit(self, frame, names, label):
        fitted_on = {int(r["customer_id"]) for r in frame.select("customer_id").collect()}

        def predict(matrix):
            # The only feature is the number of the customer.
            self.seen.append((fitted_on, matrix[:, 0].astype(int).tolist()))
            return matrix[:, 0]

        return SimpleNamespace(predict=predict)


def test_each_customer_is_judged_in_one_fold_and_absent_from_its_fit(
    frame, row_hashes, monkeypatch
):
    rows = frame(
        "customer_id string, as_of date, split string, churned int, orders double",
        [(f"{n}", day, split, n % 2, n) for n in range(CUSTOMERS) for day, split in DAYS.items()],
    )
    witness = Witness()
    monkeypatch.setattr(module, "learner_of", lambda context, name, parameters: witness)
    training = {"stability": {"folds": FOLDS, "learners": ["xgboost"]}}
    data = SimpleNamespace(
        context=SimpleNamespace(settings=settings.load("demo", training=training)),
        rows=rows,
        design=lambda learner: Design(rows, ["orders"], FeatureEncoder(("orders",)), []),
        side_by_side=lambda fit, items, name: [fit(item) for item in items],
    )

    rows_of_stability = module.stability(data, SimpleNamespace(name="xgboost", parameters={}))

    everyone = set(range(CUSTOMERS))
    assert len(witness.seen) == FOLDS
    for fitted_on, judged in witness.seen:
        assert judged and fitted_on == everyone - set(judged)
    # Both dates of a customer are in one fold.
    judged = [(n, place) for place, (_, who) in enumerate(witness.seen) for n in who]
    assert len(judged) == CUSTOMERS * len(DAYS)
    assert len(set(judged)) == CUSTOMERS
    figures = {row["metric"]: row["value"] for row in rows_of_stability}
    areas = [module.roc_auc(np.array(who) % 2, np.array(who)) for _, who in witness.seen]
    assert figures["cv_roc_auc_mean"] == pytest.approx(sum(areas) / FOLDS)
    assert figures["cv_roc_auc_min"] == min(areas)
