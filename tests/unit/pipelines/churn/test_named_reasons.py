"""Churn reasons that customers named: only what was known on the day of the training counts."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pandas as pd
import pytest

from contracts.silver import REASONS
from models.encoding import FeatureEncoder
from models.portable import LinearScorer
from pipelines.churn.churn_run import fingerprint
from pipelines.churn.dataset import Design
from pipelines.churn.named_reasons import (
    FOLDS,
    SOURCES,
    labels_of_leavers,
    reason_model,
    unseen_scores,
)
from runtime import settings

# Trained on 1 January. A customer churned on 1 October: the horizon of 30 days and the 60 days for
# answers after it have passed.
AS_OF, THEN = dt.date(2018, 1, 1), dt.date(2017, 10, 1)
SURVEYS, TICKETS = SOURCES


@pytest.fixture
def context_of(frame):
    """A function: rows of each table, by name -> a context that reads these tables."""

    def make(rows):
        frames = {name: frame(name, given) for name, given in rows.items()}
        return SimpleNamespace(
            settings=settings.load("demo"),
            as_of=AS_OF,
            has=frames.__contains__,
            read=frames.__getitem__,
        )

    return make


def survey(who, at, known_at=None):
    return {"customer_id": who, "reason": "price", "answered_at": at, "known_at": known_at}


def ticket(who, at, known_at=None):
    row = {"ticket_id": who, "customer_id": who, "category": "outage"}
    return {**row, "opened_at": at, "known_at": known_at}


def test_what_is_said_or_known_from_as_of_on_labels_nobody(frame, rows_of, context_of):
    context = context_of(
        {
            SURVEYS: [
                survey("survey", "2017-12-20"),
                survey("survey of the day", "2018-01-01"),
                survey("survey known late", "2017-12-20", "2018-01-01"),
            ],
            TICKETS: [
                ticket("ticket", "2017-10-05"),
                ticket("ticket known late", "2017-10-05", "2018-01-01"),
            ],
        }
    )
    customers = ("survey", "survey of the day", "survey known late", "ticket", "ticket known late")
    rows = frame(
        "customer_id string, as_of date, recency_days bigint, churned int",
        [(who, THEN, 20, 1) for who in customers],
    )
    reasons = {
        row["customer_id"]: {r for r in REASONS if row[f"named_{r}"]}
        for row in rows_of(labels_of_leavers(context, rows))
    }
    assert reasons == {"survey": {"price"}, "ticket": {"quality"}}


def test_without_a_source_of_reasons_there_is_no_label(context_of):
    assert labels_of_leavers(context_of({}), None) is None


@pytest.mark.parametrize("changed", SOURCES)
def test_new_answers_and_tickets_ask_for_another_training(changed, monkeypatch):
    monkeypatch.setattr("runtime.fingerprint.table_id", lambda context, name: name)

    def mark(versions):
        context = SimpleNamespace(
            settings=settings.load("demo"),
            run=SimpleNamespace(inputs={"features.labels": 3}),
            lake=SimpleNamespace(content_version=versions.get),
        )
        return fingerprint(context, {})

    before = dict.fromkeys(SOURCES, 1)
    assert mark(before) == mark(dict(before))
    assert len({mark({}), mark(before), mark({**before, changed: 2})}) == 3


COLUMN, ENCODER = "named_price", FeatureEncoder(("orders",), fill=(0.0,))
TOLD = "customer_id string, split string, fold int, orders double, named_price int"


class Fixed:
    """A learner that records its training customers. Its log-odds are always 4 times orders."""

    def __init__(self):
        self.fitted_on = []

    def fit(self, frame, names, label):
        rows = frame.select("customer_id").toArrow().to_pylist()
        self.fitted_on.append({r["customer_id"] for r in rows})
        return LinearScorer((4.0,), 0.0, (0.0,))


def told_by(customers, split):
    """Rows of n customers. Orders alternate between 1 and -1. With 1, 3 in 5 name the price; with
    -1, 2 in 5 do."""
    return [
        (f"c{n}", split, n % FOLDS, 1.0 - 2 * (n % 2), int(n // 2 % 5 < 3 - n % 2))
        for n in range(customers)
    ]


def held_by(customers):
    return pd.DataFrame(
        told_by(customers, "validation"), columns=[c.split()[0] for c in TOLD.split(", ")]
    )


def test_who_is_judged_has_taught_nothing(frame):
    """The answer of a customer also labels earlier dates, so the whole customer is left out."""
    train, held, learner = frame(TOLD, told_by(60, "train")), held_by(60), Fixed()
    design = Design(train, ["orders"], ENCODER, [])
    raw = unseen_scores(learner, design, train, held=held, column=COLUMN)
    assert raw.tolist() == (4 * held["orders"]).tolist()
    everyone = {f"c{n}" for n in range(60)}
    assert learner.fitted_on == [
        everyone - {f"c{n}" for n in range(fold, 60, FOLDS)} for fold in range(FOLDS)
    ]


def test_what_is_measured_is_what_is_served(frame):
    """Log-odds are 4 and -4, but the shares that name the price are .6 and .4.

    Calibrated, the Brier score is .6 * .4 ** 2 + .4 * .6 ** 2 = .24. Uncalibrated it is about
    .4 * .98 ** 2 = .386, and the calibration error is .98 - .6 = .38.
    """
    rows, held = frame(TOLD, told_by(60, "train")), held_by(600)
    training = SimpleNamespace(bootstrap_samples=50)
    data = SimpleNamespace(
        context=SimpleNamespace(settings=SimpleNamespace(training=training)), metadata={}
    )
    design = Design(rows, ["orders"], ENCODER, [])
    model, measured = reason_model(data, Fixed(), design, rows=rows, held=held, column=COLUMN)
    figures = {row["metric"]: row["value"] for row in measured}
    assert figures["brier"] == pytest.approx(0.24, abs=0.005)
    assert figures["expected_calibration_error"] < 0.1
    served = model.predict_proba(pd.DataFrame({"orders": [1.0, -1.0]}))
    assert served == pytest.approx([0.6, 0.4], abs=0.01)


@pytest.mark.parametrize("fold", range(FOLDS))
def test_a_reason_of_one_fold_has_a_model_and_no_figures(frame, fold):
    """Only customers of one fold named the reason. Without this fold there is only one class."""
    told = [(who, split, n, x, int(n == fold)) for who, split, n, x, _ in told_by(90, "train")]
    rows = frame(TOLD, told)
    design = Design(rows, ["orders"], ENCODER, [])
    data = SimpleNamespace(context=None, metadata={})
    model, measured = reason_model(
        data, Fixed(), design, rows=rows, held=held_by(90), column=COLUMN
    )
    assert measured == [] and model.calibration.kind == "identity"


def test_a_reason_that_few_named_says_how_many(frame):
    told = [
        (who, split, fold, x, int(n < 5))
        for n, (who, split, fold, x, _) in enumerate(told_by(90, "train"))
    ]
    rows = frame(TOLD, told)
    design = Design(rows, ["orders"], ENCODER, [])
    with pytest.raises(ValueError) as error:
        reason_model(None, Fixed(), design, rows=rows, held=held_by(90), column=COLUMN)
    assert str(error.value) == (
        f"5 of {len(told)} customers who left and named a reason named it; a model needs 20 who "
        "did and 20 who did not."
    )
