"""The rows that validate_model judges: labels, probabilities and segments of the test date."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.model_gate import BRIER, EXPLAINED, LOG_LOSS, Check
from models.portable import LinearScorer, PortableModel
from pipelines.churn import model_validation
from pipelines.churn.model_validation import inference_ms, labelled, reason_of
from pipelines.churn.time_split import Schedule
from runtime.context import Context
from runtime.errors import ModelGateError
from runtime.model_registry import Registered
from runtime.progress import Progress
from runtime.run_info import RunInfo
from runtime.settings import load
from tests.unit.pipelines.memory_lake import MemoryLake

# The primary horizon is 30 days, so this day tests on 2 December.
AS_OF = dt.date(2018, 1, 1)
PASSED = Check(BRIER, True, 900, value=-0.001, low=-0.002, high=0.001, bound=0.002)
FAILED = Check(LOG_LOSS, False, 600, "At Risk", value=0.03, low=0.02, high=0.04, bound=0.01)
FACTS = {"cold_start_days": 7, "cold_start_rate": 0.5}
MODEL = PortableModel(
    FeatureEncoder(("x",), fill=(0.0,)), LinearScorer((1.0,), 0.0, (0.0,)), metadata=FACTS
)
SEEN = pd.DataFrame(
    {
        "customer_id": ["a", "b"],
        "segment": ["Champions", None],
        "churned": [0, 1],
        "x": [0.0, 2.0],
        "tenure_days": [100, 100],
    }
)


def test_each_customer_has_the_probabilities_of_both_models_and_of_the_rule():
    rule = SimpleNamespace(predict_proba=lambda seen: np.array([0.25, 0.75]))
    rows = labelled(SEEN, MODEL, MODEL, rule=rule)
    assert (rows.customers, rows.segments.tolist()) == (["a", "b"], ["Champions", "unknown"])
    assert (rows.label.tolist(), rows.rule.tolist()) == ([0.0, 1.0], [0.25, 0.75])
    expected = [0.5, 1 / (1 + np.exp(-2.0))]
    assert rows.challenger.tolist() == rows.champion.tolist() == pytest.approx(expected)
    assert labelled(SEEN, MODEL, None, rule=rule).champion is None


def test_the_time_of_a_prediction_is_that_of_the_fastest(monkeypatch):
    """The clock is read twice per prediction; the second one takes 2 ms, the others 5 ms."""
    ticks = iter([value for n in range(20) for value in (n, n + (0.002 if n == 1 else 0.005))])
    monkeypatch.setattr(model_validation.time, "perf_counter", lambda: next(ticks))
    assert inference_ms(MODEL, SEEN) == pytest.approx(2.0)
    assert inference_ms(MODEL, SEEN.iloc[:0]) is None


def test_the_reason_of_an_accepted_version_has_no_segment():
    assert reason_of([Check(EXPLAINED, True, 9), PASSED, FAILED]).startswith("log loss of At Risk")
    kept = Check(LOG_LOSS, True, 600, "At Risk", value=0.0, low=-0.1, high=0.1, bound=0.01)
    assert reason_of([Check(EXPLAINED, True, 9), PASSED, kept]).count(";") == 0


# --- labels, features and segments of the test date ----------------------------------------------

EARLIER, TESTED = dt.date(2017, 11, 2), dt.date(2017, 12, 2)
PLAN = Schedule((EARLIER - dt.timedelta(days=30),), EARLIER, TESTED)
NAMES = ("features.demographics", "features.behavior", "features.transactions")


def customer_rows(day):
    """80 customers: those without a purchase in 30 days leave, every tenth has been lost before."""
    for n in range(80):
        key = {"customer_id": f"c{n:02d}", "as_of": day}
        is_lost = n % 10 == 0
        yield (
            key,
            {
                **key,
                "recency_days": 120 if is_lost else 1 + n * 7 % 80,
                "purchases_30d": n % 2,
                "purchases_90d": 0 if is_lost else 3,
                "purchases_365d": 5,
                "revenue_365d": 10.0 * n,
                "tenure_days": 200,
            },
            {
                **key,
                **{"horizon_days": 30, "lead_days": 0, "definition": "inactivity"},
                "churned": 1 - n % 2,
            },
        )


@pytest.fixture
def judged_lake(frame):
    """A context over three dates, of which the last one is tested on."""
    parts = [part for day in (*PLAN.train, EARLIER, TESTED) for part in customer_rows(day)]
    keys, features, labels = (list(rows) for rows in zip(*parts, strict=True))
    tables = {**dict.fromkeys(NAMES[:2], keys), NAMES[2]: features, "features.labels": labels}
    made = Context(load("demo"), RunInfo("test"), Progress(is_quiet=True), engine="duckdb")
    made.__dict__["lake"] = MemoryLake(frame, tables)
    return made.at(AS_OF)


def by_feature(name, weight):
    encoder, scorer = FeatureEncoder((name,), fill=(0.0,)), LinearScorer((weight,), 0.0, (0.0,))
    model = PortableModel(encoder, scorer, metadata=FACTS)
    return Registered("churn", "2", "run", model.to_json(), {})


REGISTRY = SimpleNamespace(
    client=SimpleNamespace(
        get_run=lambda run_id: SimpleNamespace(data=SimpleNamespace(tags={"no_signal": ""}))
    )
)


def test_scored_customers_of_the_test_date_are_judged(judged_lake):
    """72 of 80 are active or silent. Purchases in 30 days tell who leaves, recency does not."""
    checks, reason = model_validation.judged(
        judged_lake, REGISTRY, by_feature("purchases_30d", -9.0), champion=None, plan=PLAN
    )
    assert all(check.is_passed for check in checks)
    assert {check.customers for check in checks} == {72}
    assert reason.startswith("ROC AUC +")


def test_beside_a_champion_that_knows_more_the_challenger_is_refused(judged_lake):
    checks, reason = model_validation.judged(
        judged_lake,
        REGISTRY,
        by_feature("recency_days", 0.01),
        champion=by_feature("purchases_30d", -9.0),
        plan=PLAN,
    )
    failed = {check.name for check in checks if not check.is_passed}
    assert failed == {"roc_auc_over_recency_only", "brier_rise"}
    assert "Brier score +" in reason


def test_each_judged_customer_has_a_segment(judged_lake):
    from pipelines.churn.dataset import sample, training_rows

    rows = training_rows(judged_lake, PLAN)
    seen = sample(model_validation.with_segments(judged_lake, rows, PLAN), "test")
    assert len(seen) == 72 and seen["segment"].notna().all()
    assert set(seen["as_of"].astype(str)) == {str(TESTED)}


def test_labels_that_have_not_matured_are_an_error(judged_lake):
    later = Schedule(PLAN.train, EARLIER, TESTED + dt.timedelta(days=30))
    with pytest.raises(ModelGateError, match="has no row for the test dates"):
        model_validation.judged(
            judged_lake, REGISTRY, by_feature("purchases_30d", -9.0), champion=None, plan=later
        )
