"""The same fits in Spark and in one process."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
import xgboost

from models.encoding import FeatureEncoder
from models.learners import XgboostLearner
from models.survival import distributed
from models.survival.cox import fit_cox
from models.survival.discrete_hazard import fit_hazard
from models.survival.distributed import SparkRows, person_rows, survival_frame
from models.survival.kaplan_meier import kaplan_meier
from models.survival.portable import LifetimeModel, batch_predictor, predict_batch, predicted_ddl
from models.survival.rows import ArrayRows, SurvivalError
from models.survival.survey import survey
from models.survival.weibull_aft import fit_weibull

pytestmark = pytest.mark.spark_only
COLUMNS = ["x0", "x1", "x2"]
L = dt.date(2018, 1, 1)
ENCODER = FeatureEncoder(numeric=tuple(COLUMNS), fill=(0.0,) * 3)


@pytest.fixture(scope="module")
def frame(sample):
    rows = sample(600)
    rows[COLUMNS] = rows[COLUMNS].astype(np.float32).astype(float)
    named = rows.rename(columns={"start": "entry_days", "stop": "duration_days"})
    return named.assign(customer_id=[f"c{k}" for k in rows["customer"]], as_of=L)


@pytest.fixture(scope="module")
def in_spark(session, frame):
    # Seven partitions, so that the rows of a customer are in different ones.
    rows = session.createDataFrame(frame).repartition(7)
    kept = survival_frame(rows, ENCODER, stratum="stratum", weight="weight").persist()
    yield SparkRows.of(kept)
    kept.unpersist()


@pytest.fixture(scope="module")
def in_memory(frame):
    return ArrayRows.of(
        frame["duration_days"],
        frame["event"],
        frame[COLUMNS],
        start=frame["entry_days"],
        weight=frame["weight"],
        stratum=frame["stratum"],
        cluster=frame["customer"],
    )


def test_cox_is_the_same_with_sums_in_pieces(in_spark, in_memory, monkeypatch):
    # Small pieces, so that the vector is cut into several of them.
    monkeypatch.setattr(distributed, "PIECE", 100)
    of_spark, other = (fit_cox(rows, COLUMNS) for rows in (in_spark, in_memory))
    assert of_spark.coefficients == pytest.approx(other.coefficients, abs=1e-10)
    assert of_spark.robust_covariance == pytest.approx(other.robust_covariance, abs=1e-10)
    assert of_spark.log_likelihood == pytest.approx(other.log_likelihood, abs=1e-8)
    assert set(of_spark.baselines) == {"a", "b"}


def test_some_of_the_columns(in_spark, in_memory):
    of_spark, other = (
        fit_weibull(rows.with_columns([2, 0]).with_columns([1]), ["x0"])
        for rows in (in_spark, in_memory)
    )
    assert list(of_spark.parameters.values()) == pytest.approx(
        list(other.parameters.values()), abs=1e-9
    )
    assert of_spark.robust_covariance == pytest.approx(other.robust_covariance, abs=1e-9)


def test_kaplan_meier_by_stratum(in_spark, in_memory):
    of_spark, other = (kaplan_meier(survey(rows), "a") for rows in (in_spark, in_memory))
    assert of_spark.days.tolist() == other.days.tolist()
    assert of_spark.survival == pytest.approx(other.survival)


def test_no_rows_are_refused(session, frame):
    none = session.createDataFrame(frame).where("event = 9")
    with pytest.raises(SurvivalError, match="rows: got none"):
        SparkRows.of(survival_frame(none, ENCODER))


def test_predictions_are_those_of_one_process(session, frame, in_memory):
    model = LifetimeModel(ENCODER, fit_cox(in_memory, COLUMNS))
    rows = session.createDataFrame(frame.assign(customer_id=[f"c{k}" for k in frame.index]))
    predicted = rows.mapInPandas(batch_predictor(model.to_json(), [30]), predicted_ddl([30]))
    predicted = predicted.toPandas().sort_values("customer_id").reset_index(drop=True)
    batch = frame.assign(customer_id=[f"c{k}" for k in frame.index])
    expected = predict_batch(model, batch, [30]).sort_values("customer_id").reset_index(drop=True)
    assert predicted["likely_churn_date"].tolist() == expected["likely_churn_date"].tolist()
    for name in ("remaining_lifetime_days", "churn_probability_30d", "observed_days"):
        assert predicted[name].to_numpy() == pytest.approx(expected[name].to_numpy())
    assert predicted["survival_by_month"][0] == pytest.approx(expected["survival_by_month"][0])


def test_a_discrete_hazard_in_spark(session, frame):
    periods = [
        {**row, "period": k, "period_age_days": row["entry_days"] + 20 * k, "churned": gone}
        for row in frame.head(300).to_dict("records")
        for k in range(3)
        if (lived := row["duration_days"] - row["entry_days"]) > 20 * k
        for gone in [int(row["event"] and lived <= 20 * (k + 1))]
    ]
    rows = person_rows(session.createDataFrame(periods), ENCODER)
    learner = XgboostLearner({"n_estimators": 20, "max_depth": 3}, seed=1, workers=1)
    model = fit_hazard(rows, COLUMNS, learner, period_days=20)
    assert (model.periods, model.rows) == (3, len(periods))
    assert model.events == sum(row["churned"] for row in periods)
    # The same rows and settings in one process, without Spark, give the same hazards.
    table = pd.DataFrame(periods)
    names = [*COLUMNS, "period_age_days", "period"]
    data = xgboost.DMatrix(table[names].astype(np.float32), table["churned"])
    given = {"objective": "binary:logistic", "max_depth": 3, "tree_method": "hist", "seed": 1}
    expected = xgboost.train(given, data, 20).predict(data)
    hazards = model.hazards(table[COLUMNS].to_numpy(), table["entry_days"].to_numpy())
    of_own_period = hazards[np.arange(len(table)), table["period"]]
    assert of_own_period == pytest.approx(expected, abs=1e-5)
