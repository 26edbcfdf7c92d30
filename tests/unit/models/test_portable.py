"""The portable model: equal scores for all callers, JSON round trip, checksum errors."""

from __future__ import annotations

import json
import math
import pickle

import numpy as np
import pandas as pd
import pytest
import xgboost as xgb
from hypothesis import given, settings, strategies as st

from models.calibration import Calibration
from models.encoding import FeatureEncoder, FeatureMismatch
from models.portable import (
    LinearScorer,
    MlpScorer,
    NotExplainableError,
    PortableModel,
)
from models.portable_text import PortableModelError, sealed
from models.tree_ensemble import TreeEnsemble
from models.tree_shap import ShapTables

ENCODER = FeatureEncoder(("months", "spend"), (("plan", ("basic", "gold")),))
FILLED = FeatureEncoder(
    ("months", "spend"), ENCODER.categories, fill=(12.0, 0.0), missing_indicators=("spend",)
)


def raw_customers(rows=300, seed=0):
    """Raw features with nulls and an unknown plan, and labels (1: left)."""
    rng = np.random.default_rng(seed)
    months = rng.integers(0, 48, rows).astype(float)
    months[rng.random(rows) < 0.1] = np.nan
    frame = pd.DataFrame(
        {
            "months": months,
            "spend": rng.normal(50, 20, rows),
            "plan": rng.choice(np.array(["basic", "gold", "new", None], dtype=object), rows),
        }
    )
    left = (frame["plan"] == "basic") + (frame["months"] < 12) + rng.normal(size=rows) > 1
    return frame, left.astype(int).to_numpy()


def tree_model(calibration=None):
    frame, left = raw_customers()
    matrix = ENCODER.encode(frame)
    params = {"objective": "binary:logistic", "max_depth": 4, "nthread": 1}
    booster = xgb.train(params, xgb.DMatrix(matrix, left), 25)
    ensemble = TreeEnsemble.from_xgboost(booster)
    calibration = calibration or Calibration.fit(ensemble.predict(matrix), left, "platt")
    return PortableModel(ENCODER, ensemble, calibration, 0.4, {"name": "churn 30 d"}), booster


def forest_model():
    """Two stumps: months < 12 -> 0.6, else 0.2; gold -> 0.1, else 0.5. Each leaf has half the
    cover."""
    forest = TreeEnsemble(
        feature=[0, -1, -1, 3, -1, -1],
        threshold=[12, 0, 0, 0.5, 0, 0],
        left=[1, -1, -1, 4, -1, -1],
        right=[2, -1, -1, 5, -1, -1],
        default_left=[True] * 6,
        value=[0, 0.6, 0.2, 0, 0.5, 0.1],
        cover=[10, 5, 5, 10, 5, 5],
        tree_start=[0, 3, 6],
        base=0.0,
        columns=4,
        scale="mean",
    )
    return PortableModel(ENCODER, forest)


def linear_model():
    """Columns: months, spend, plan=basic, plan=gold, spend is missing."""
    scorer = LinearScorer((-0.1, 0.02, 0.5, -0.5, 1.0), 0.3, (20.0, 50.0, 0.5, 0.25, 0.1))
    return PortableModel(FILLED, scorer)


def mlp_model():
    weights = (np.array([[0.1], [0.0], [1.0], [-1.0], [0.5]]), np.array([[1.0, -2.0]]))
    return PortableModel(FILLED, MlpScorer(weights, (np.array([-0.5]), np.array([0.25, 0.75]))))


def rows_of(frame):
    return [
        {k: None if pd.isna(v) else v for k, v in row.items()} for row in frame.to_dict("records")
    ]


# --- equal scores for all callers ----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["identity", "platt", "isotonic"])
def test_a_dict_scores_exactly_as_a_frame(kind):
    frame, left = raw_customers()
    raw = tree_model()[0].raw_scores(frame)
    model, _ = tree_model(Calibration.fit(raw, left, kind))
    assert [model.predict_one(row) for row in rows_of(frame)] == model.predict_proba(frame).tolist()


@pytest.mark.parametrize("make", [forest_model, linear_model, mlp_model])
def test_other_learners_score_a_dict_as_a_frame(make):
    frame, _ = raw_customers()
    one_by_one = [make().predict_one(row) for row in rows_of(frame)]
    assert one_by_one == pytest.approx(make().predict_proba(frame), abs=1e-12)


def test_uncalibrated_trees_score_as_xgboost_does():
    model, booster = tree_model(Calibration())
    frame, _ = raw_customers(seed=7)
    expected = booster.predict(xgb.DMatrix(ENCODER.encode(frame)))
    assert np.abs(model.predict_proba(frame) - expected).max() < 1e-6


def test_the_raw_score_is_calibrated():
    model, _ = tree_model()
    frame, _ = raw_customers()
    expected = 1 / (
        1
        + np.exp(-(model.calibration.slope * model.raw_scores(frame) + model.calibration.intercept))
    )
    assert model.predict_proba(frame) == pytest.approx(expected)


def test_other_columns_are_refused_unless_ignored():
    model, _ = tree_model()
    frame, _ = raw_customers(3)
    with_id = frame.assign(customer_id=["a", "b", "c"])
    expected = model.predict_proba(frame).tolist()
    assert model.predict_proba(with_id, ignore={"customer_id"}).tolist() == expected
    assert model.predict_one(rows_of(with_id)[0], ignore={"customer_id"}) == expected[0]
    with pytest.raises(FeatureMismatch, match="unexpected: customer_id"):
        model.predict_proba(with_id)


@settings(max_examples=30, deadline=None)
@given(
    months=st.none() | st.floats(-100, 100),
    spend=st.none() | st.floats(-1e6, 1e6),
    plan=st.sampled_from(["basic", "gold", "?", None]),
)
def test_any_customer_has_a_probability_and_an_explanation_that_adds_up(months, spend, plan):
    row = {"months": months, "spend": spend, "plan": plan}
    for model in (TREES, forest_model(), linear_model()):
        phi, base = model.contributions_one(row)
        assert 0.0 < model.predict_one(row) < 1.0
        raw = model.raw_scores(pd.DataFrame([row]))[0]
        assert base + phi.sum() == pytest.approx(raw, rel=1e-6, abs=1e-4)


TREES = tree_model()[0]


# --- by hand -------------------------------------------------------------------------------------


def test_a_forest_gives_the_mean_of_its_probabilities():
    new = {"months": 3, "spend": 0, "plan": "gold"}
    assert forest_model().predict_one(new) == pytest.approx((0.6 + 0.1) / 2)
    assert forest_model().is_in_probability_units


def test_a_forest_is_explained_in_probabilities():
    # The stumps' means are 0.4 and 0.3, so the base is 0.35. months: +0.2 / 2, gold: -0.2 / 2.
    phi, base = forest_model().contributions_one({"months": 3, "spend": 0, "plan": "gold"})
    assert base == pytest.approx((0.4 + 0.3) / 2)
    assert phi == pytest.approx([0.1, 0.0, -0.1])


def test_a_forest_is_calibrated_on_its_log_odds():
    steeper = Calibration("platt", slope=2.0)
    model = PortableModel(ENCODER, forest_model().ensemble, steeper)
    # p = 0.35 has the odds 0.35 / 0.65. The slope of 2 squares them.
    odds = (0.35 / 0.65) ** 2
    row = {"months": 3, "spend": 0, "plan": "gold"}
    assert model.predict_one(row) == pytest.approx(odds / (1 + odds))


def test_a_linear_score_is_the_sum_of_its_terms():
    raw = 0.3 - 0.1 * 10 + 0.02 * 100 + 0.5
    row = {"months": 10, "spend": 100, "plan": "basic"}
    assert linear_model().predict_one(row) == pytest.approx(1 / (1 + math.exp(-raw)))


def test_a_linear_contribution_is_the_way_from_the_mean_and_sums_over_the_features_columns():
    phi, base = linear_model().contributions_one({"months": 10, "spend": None, "plan": "basic"})
    assert base == pytest.approx(0.3 - 0.1 * 20 + 0.02 * 50 + 0.5 * 0.5 - 0.5 * 0.25 + 1.0 * 0.1)
    months = -0.1 * (10 - 20)
    spend = 0.02 * (0 - 50) + 1.0 * (1 - 0.1)  # the filled value and its indicator
    plan = 0.5 * (1 - 0.5) - 0.5 * (0 - 0.25)
    assert phi == pytest.approx([months, spend, plan])


def test_a_network_is_sigmoid_then_softmax():
    # The columns are months 10, spend 100, basic 1, gold 0, spend missing 0.
    hidden = 1 / (1 + math.exp(-(0.1 * 10 + 0.0 * 100 + 1.0 - 0.5)))
    stays, leaves = math.exp(1.0 * hidden + 0.25), math.exp(-2.0 * hidden + 0.75)
    row = {"months": 10, "spend": 100, "plan": "basic"}
    assert mlp_model().predict_one(row) == pytest.approx(leaves / (stays + leaves))


def test_weights_of_spark_are_read_input_by_input_and_then_the_biases():
    # 2 inputs, 3 hidden units, 2 outputs: 2 * 3 + 3 values, then 3 * 2 + 2.
    scorer = MlpScorer.from_flat(np.arange(17.0), [2, 3, 2])
    assert [w.tolist() for w in scorer.weights] == [
        [[0, 1, 2], [3, 4, 5]],
        [[9, 10], [11, 12], [13, 14]],
    ]
    assert [b.tolist() for b in scorer.biases] == [[6, 7, 8], [15, 16]]


# --- explanations --------------------------------------------------------------------------------


def test_columns_of_a_category_count_for_their_feature():
    frame, _ = raw_customers()
    phi, base = TREES.contributions(frame)
    tables = ShapTables.build(TREES.ensemble)
    by_column = tables.contributions(ENCODER.encode(frame))
    assert base == tables.base
    assert phi[:, :2] == pytest.approx(by_column[:, :2])
    assert phi[:, 2] == pytest.approx(by_column[:, 2] + by_column[:, 3])


def test_contributions_and_base_make_the_raw_score():
    frame, _ = raw_customers()
    for model in (TREES, forest_model(), linear_model()):
        phi, base = model.contributions(frame)
        assert phi.shape == (len(frame), 3)
        assert np.abs(phi.sum(axis=1) + base - model.raw_scores(frame)).max() < 1e-4


def test_a_network_is_not_explained():
    frame, _ = raw_customers(2)
    assert [m.is_exactly_explained for m in (TREES, forest_model(), linear_model())] == [True] * 3
    assert not mlp_model().is_exactly_explained
    with pytest.raises(NotExplainableError) as error:
        mlp_model().contributions(frame)
    assert str(error.value) == (
        "contributions: a neural network has no exact explanation, got MlpScorer. "
        "Explain with the trees or the logistic regression instead."
    )


# --- JSON ----------------------------------------------------------------------------------------

ALL_KINDS = [lambda: TREES, forest_model, linear_model, mlp_model]


@pytest.mark.parametrize("make", ALL_KINDS)
def test_json_gives_the_model_back_to_the_last_bit(make):
    model, (frame, _) = make(), raw_customers()
    again = PortableModel.from_json(model.to_json())
    assert again.to_json() == model.to_json()
    assert again.predict_proba(frame).tolist() == model.predict_proba(frame).tolist()
    assert (again.threshold, again.metadata) == (model.threshold, model.metadata)


@pytest.mark.parametrize("make", ALL_KINDS)
def test_a_model_that_spark_has_sent_scores_the_same(make):
    model, (frame, _) = make(), raw_customers()
    sent = pickle.loads(pickle.dumps(model))
    assert sent.predict_proba(frame).tolist() == model.predict_proba(frame).tolist()


def test_any_changed_byte_is_refused():
    text = linear_model().to_json()
    for position, character in enumerate(text):
        other = "0" if character != "0" else "1"
        with pytest.raises(PortableModelError):
            PortableModel.from_json(text[:position] + other + text[position + 1 :])


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + " ",
        lambda text: text.replace('"threshold":0.5', '"threshold":0.50'),
        lambda text: text.replace('"threshold":0.5', '"threshold":0.4'),
        lambda text: json.dumps(json.loads(text), indent=1),
    ],
)
def test_a_change_is_told_with_the_checksum(change):
    text = linear_model().to_json()
    assert change(text) != text
    with pytest.raises(PortableModelError) as error:
        PortableModel.from_json(change(text))
    assert str(error.value) == (
        "checksum: the model was changed after its export, got "
        f"{json.loads(text)['checksum']!r}. Take the file from the registry again."
    )


def test_another_format_is_refused():
    text = linear_model().to_json().replace('"format":1', '"format":2')
    with pytest.raises(PortableModelError) as error:
        PortableModel.from_json(text)
    assert str(error.value) == (
        "format: this release reads format 1, got 2. "
        "Score with the release that exported the model, or export it again."
    )


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"format": 1}'])
def test_what_is_no_model_is_refused(text):
    with pytest.raises(PortableModelError, match="model: the text is not an exported model"):
        PortableModel.from_json(text)


def without(key):
    return lambda content: {k: v for k, v in content.items() if k != key}


def with_part(**changes):
    return lambda content: {**content, **changes}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (without("calibration"), "KeyError: 'calibration'"),
        (with_part(scorer="pickle"), "KeyError: 'pickle'"),
        (
            with_part(threshold="high"),
            "TypeError: '<=' not supported between instances of 'float' and 'str'",
        ),
        (with_part(encoder=[]), "AttributeError: 'list' object has no attribute 'items'"),
        (lambda content: [], "TypeError: list indices must be integers or slices, not str"),
    ],
)
def test_a_sealed_text_with_a_wrong_part_is_refused(change, fault):
    """Anyone can compute the checksum, so it does not show that the parts are those of a model."""
    text = sealed(change(json.loads(linear_model().to_json())["model"]))
    with pytest.raises(PortableModelError) as error:
        PortableModel.from_json(text)
    assert str(error.value) == (
        f"model: each part must be present, known and of its type, got {fault}. Take the file from "
        "the registry again, or train the model again."
    )


@pytest.mark.parametrize("text", ["[" * 200_000, '{"format":1,"model":' * 100_000])
def test_a_text_of_brackets_is_refused(text):
    with pytest.raises(PortableModelError) as error:
        PortableModel.from_json(text)
    assert str(error.value) == (
        "model: the text is nested too deeply for an exported model. Export the model again."
    )


@pytest.mark.parametrize("value", [math.nan, pd.Timestamp("2026-01-01")])
def test_metadata_that_json_cannot_say_is_refused(value):
    model = PortableModel(ENCODER, forest_model().ensemble, metadata={"as_of": value})
    with pytest.raises(PortableModelError, match="model: metadata and numbers must be finite JSON"):
        model.to_json()


# --- parts that do not fit -----------------------------------------------------------------------


def test_an_encoder_of_another_width_is_refused():
    with pytest.raises(PortableModelError) as error:
        PortableModel(FILLED, forest_model().ensemble)
    assert str(error.value) == (
        "encoder: must produce the scorer's 4 columns, got 5. "
        "Use the encoder and the scorer of the same training run."
    )


def test_a_linear_scorer_needs_filled_values():
    with pytest.raises(PortableModelError) as error:
        PortableModel(ENCODER, LinearScorer((1.0,) * 4, 0.0, (0.0,) * 4))
    assert str(error.value) == (
        "fill: a LinearScorer does not accept null, got an encoder without fill values. "
        "Give the encoder one fill value per numeric feature."
    )


@pytest.mark.parametrize("threshold", [-0.1, 1.1, math.nan])
def test_a_threshold_that_is_no_probability_is_refused(threshold):
    with pytest.raises(PortableModelError, match="threshold: must be a probability in 0"):
        PortableModel(ENCODER, forest_model().ensemble, threshold=threshold)


def test_means_of_other_columns_are_refused():
    with pytest.raises(PortableModelError, match="means: must be one per column, got 1 for 2"):
        LinearScorer((1.0, 2.0), 0.0, (0.0,))
