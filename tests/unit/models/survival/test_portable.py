"""A lifetime model as JSON text, and its predicted dates."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from models.encoding import FeatureEncoder
from models.portable_text import PortableModelError, sealed
from models.survival.cox import fit_cox
from models.survival.portable import Bands, LifetimeModel, predict_batch
from models.survival.rows import ArrayRows, SurvivalError
from models.survival.weibull_aft import WeibullModel, fit_weibull

L = dt.date(2018, 1, 1)
FEATURES = ["x2", "x0", "x1"]


@pytest.fixture(scope="module")
def fitted(sample):
    """A function from kind to a lifetime model that uses two (x0, x1) of three encoded features."""
    frame = sample()
    encoder = FeatureEncoder(
        numeric=tuple(FEATURES), fill=(0.0,) * 3, center=(0.0,) * 3, scale=(2.0,) * 3
    )
    rows = ArrayRows.of(
        frame["stop"], frame["event"], frame[["x0", "x1"]] / 2, stratum=frame["stratum"]
    )
    fits = {"cox": fit_cox, "weibull_aft": fit_weibull}
    return lambda kind: LifetimeModel(encoder, fits[kind](rows, ["x0", "x1"]))


@pytest.fixture
def batch(sample):
    return (
        sample()
        .head(50)
        .assign(as_of=L, customer_id=lambda f: [f"c{k}" for k in f.index], entry_days=20)
    )


@pytest.mark.parametrize("kind", ["cox", "weibull_aft"])
def test_the_model_from_text_predicts_the_same(fitted, batch, kind):
    model = fitted(kind)
    again = LifetimeModel.from_json(model.to_json())
    predicted, other = (predict_batch(m, batch, [7, 30]) for m in (model, again))
    pd.testing.assert_frame_equal(predicted, other)
    assert list(predicted["customer_id"]) == list(batch["customer_id"])
    assert predicted["churn_probability_7d"].between(0, 1).all()
    assert (predicted["churn_probability_7d"] <= predicted["churn_probability_30d"]).all()


def test_covariates_are_found_by_name(fitted, batch):
    model = fitted("cox")
    expected = batch[["x0", "x1"]].to_numpy() / 2
    assert model.matrix(batch) == pytest.approx(expected, abs=1e-6)


def test_dates_are_days_after_as_of_and_null_beyond_36_months():
    # Exponential lifetimes: shape 1, scale 100 / log 2, so the median is 100 days at any age. S is
    # .9 after 100 log2(1 / .9) = 15.2 days and .1 after 332.2 days. x = 1 is 100 times slower.
    scale = 100 / np.log(2)
    model = WeibullModel(
        ("x",), np.array([np.log(100)]), np.log(scale), 0.0, np.eye(3), np.eye(3), 0.0, 2, 1, 9, 1
    )
    lifetime = LifetimeModel(FeatureEncoder(numeric=("x",), fill=(0.0,)), model)
    batch = pd.DataFrame({"as_of": L, "customer_id": ["a", "b"], "entry_days": [5, 900]})
    a, b = predict_batch(lifetime, batch.assign(x=[0.0, 1.0]), [100]).to_dict("records")
    # S(100) is exactly 1/2; the first day below 1/2 is 101, or 100 by rounding.
    assert a["likely_churn_date"] in (L + dt.timedelta(100), L + dt.timedelta(101))
    assert a["likely_churn_from"] == L + dt.timedelta(16)
    assert a["likely_churn_to"] == L + dt.timedelta(333)
    assert a["churn_probability_100d"] == pytest.approx(0.5)
    assert b["likely_churn_date"] is None and b["likely_churn_to"] is None
    assert b["survival_by_month"][35] == pytest.approx(0.5 ** (1096 / 10_000))
    assert (a["observed_days"], b["observed_days"]) == (4, 0)


def test_a_band_unknown_at_the_fit_lies_between_those_known_and_changes_no_other(fitted, batch):
    """The same customer in the bands 0 and 1, which were in the fit, and without a value."""
    cox = fitted("cox")
    bands = {"a": "0", "b": "1"}
    known = {bands[name]: curve for name, curve in cox.model.baselines.items()}
    model = replace(cox, model=replace(cox.model, baselines=known), bands=Bands("gap", (5.0,)))
    customer = pd.concat([batch.head(1)] * 3, ignore_index=True).assign(gap=[1.0, None, 9.0])
    churn = predict_batch(model, customer, [30])["churn_probability_30d"]
    low, high = sorted((churn[0], churn[2]))
    assert 0 < low < churn[1] < high < 1
    alone = predict_batch(model, customer.iloc[[0, 2]], [30])["churn_probability_30d"]
    assert alone.tolist() == [churn[0], churn[2]]


def test_a_changed_byte_is_refused(fitted):
    text = fitted("cox").to_json().replace('"level":0.8', '"level":0.9')
    with pytest.raises(PortableModelError, match="changed after its export"):
        LifetimeModel.from_json(text)


def test_a_sealed_text_of_an_unknown_kind_is_refused(fitted):
    content = json.loads(fitted("cox").to_json())["model"]
    with pytest.raises(PortableModelError) as error:
        LifetimeModel.from_json(sealed({**content, "kind": "pickle"}))
    assert str(error.value) == (
        "model: each part must be present, known and of its type, got KeyError: 'pickle'. Take the "
        "file from the registry again, or train the model again."
    )


def test_an_encoder_of_another_training_is_refused(fitted):
    with pytest.raises(SurvivalError) as error:
        LifetimeModel(FeatureEncoder(numeric=("x0",)), fitted("cox").model)
    assert str(error.value) == (
        "encoder: must create all columns of the model, but does not create x1. Use the encoder "
        "and the model of one training."
    )
