"""Encoding of raw features: a frame and a dict give the same numbers and the same errors."""

from __future__ import annotations

import json
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from models.encoding import FeatureEncoder, FeatureMismatch, FeatureValueError

PLAIN = FeatureEncoder(("months", "spend"), (("plan", ("basic", "gold")), ("region", ("north",))))
DENSE = FeatureEncoder(
    ("months", "spend"),
    (("plan", ("basic", "gold")),),
    fill=(10.0, 0.0),
    center=(12.0, 1.0),
    scale=(4.0, 2.0),
    missing_indicators=("spend",),
)


def frame_of(*rows):
    return pd.DataFrame([dict(row) for row in rows])


def both_ways(encoder, row):
    """Encode the row from a frame and from a dict. Both must be identical."""
    by_frame = encoder.encode(frame_of(row))[0]
    by_dict = encoder.encode_one(row)
    assert by_dict.dtype == by_frame.dtype == np.float32
    assert np.array_equal(by_dict, by_frame, equal_nan=True)
    return by_dict.tolist()


def refused_both_ways(error, encoder, row):
    with pytest.raises(error) as from_frame:
        encoder.encode(frame_of(row))
    with pytest.raises(error) as from_dict:
        encoder.encode_one(row)
    assert str(from_frame.value) == str(from_dict.value)
    return str(from_dict.value)


# --- names ---------------------------------------------------------------------------------------


def test_columns_are_numbers_then_categories_then_indicators():
    assert PLAIN.feature_names == ("months", "spend", "plan", "region")
    assert PLAIN.column_names == ("months", "spend", "plan=basic", "plan=gold", "region=north")
    assert PLAIN.column_feature.tolist() == [0, 1, 2, 2, 3]
    assert DENSE.column_names == (
        "months", "spend", "plan=basic", "plan=gold", "spend is missing",
    )  # fmt: skip
    assert DENSE.column_feature.tolist() == [0, 1, 2, 2, 1]


# --- values --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "region", "one_hot"),
    [
        ("gold", "north", [0, 1, 1]),
        ("basic", "north", [1, 0, 1]),
        ("basic", "south", [1, 0, 0]),  # unknown category: no column is set
        (None, None, [0, 0, 0]),
        (math.nan, pd.NA, [0, 0, 0]),
        ("Gold", "", [0, 0, 0]),  # categories are case-sensitive
    ],
)
def test_a_known_category_sets_its_column(plan, region, one_hot):
    row = {"months": 7, "spend": 2.5, "plan": plan, "region": region}
    assert both_ways(PLAIN, row) == [7, 2.5, *one_hot]


@pytest.mark.parametrize(
    ("given_value", "number"),
    [
        (3, 3.0),
        (True, 1.0),
        (False, 0.0),
        (Decimal("2.25"), 2.25),
        (np.float32(0.1), float(np.float32(0.1))),
        (np.int64(-4), -4.0),
        (0.1, float(np.float32(0.1))),
    ],
)
def test_every_kind_of_number_becomes_a_float(given_value, number):
    row = {"months": given_value, "spend": given_value, "plan": None, "region": None}
    assert both_ways(PLAIN, row) == [number, number, 0, 0, 0]


@pytest.mark.parametrize("null", [None, math.nan, pd.NA, np.nan, pd.NaT, Decimal("NaN")])
def test_a_missing_number_stays_missing(null):
    row = {"months": null, "spend": 1, "plan": "gold", "region": None}
    months, *others = both_ways(PLAIN, row)
    assert math.isnan(months)
    assert others == [1, 0, 1, 0]


@pytest.mark.parametrize(
    ("months", "spend", "encoded"),
    [
        (20, 5, [(20 - 12) / 4, (5 - 1) / 2, 0, 0, 0]),
        (None, 5, [(10 - 12) / 4, (5 - 1) / 2, 0, 0, 0]),  # filled; months has no indicator
        (20, None, [(20 - 12) / 4, (0 - 1) / 2, 0, 0, 1]),
    ],
)
def test_dense_numbers_are_filled_then_scaled_and_the_gap_is_told(months, spend, encoded):
    assert both_ways(DENSE, {"months": months, "spend": spend, "plan": None}) == encoded


@pytest.mark.parametrize(
    "months",
    [
        pd.array([7, None], dtype="Int64"),
        pd.array([7, None], dtype="Float32"),
        pd.array([7, None], dtype="float64[pyarrow]"),
        pd.Series([7, None], dtype="object"),
        pd.Series([Decimal(7), None]),
        pd.Series([7.0, np.nan], dtype="float32"),
    ],
)
@pytest.mark.parametrize("text", ["object", "string", "string[pyarrow]", "category"])
def test_every_type_of_frame_column_is_read_alike(months, text):
    frame = pd.DataFrame({"months": months, "spend": [1, 2]})
    frame["plan"] = pd.Series(["gold", None], dtype=text)
    frame["region"] = [None, None]
    matrix = PLAIN.encode(frame)
    assert matrix[0].tolist() == [7, 1, 0, 1, 0]
    assert math.isnan(matrix[1, 0])
    assert matrix[1, 1:].tolist() == [2, 0, 0, 0]


def test_columns_in_another_order_and_an_index_of_their_own_change_nothing():
    row = {"months": 7, "spend": 2, "plan": "gold", "region": "north"}
    frame = frame_of(row, row)[["region", "spend", "plan", "months"]].set_index([[5, 5]])
    assert PLAIN.encode(frame).tolist() == [[7, 2, 0, 1, 1]] * 2
    assert PLAIN.encode_one(dict(reversed(row.items()))).tolist() == [7, 2, 0, 1, 1]


def test_no_rows_give_an_empty_matrix_of_full_width():
    frame = frame_of({"months": 7, "spend": 2, "plan": "gold", "region": "north"})
    assert PLAIN.encode(frame.iloc[:0]).shape == (0, 5)


def test_an_encoder_of_categories_alone_has_no_numeric_column():
    encoder = FeatureEncoder((), (("plan", ("basic", "gold")),))
    assert both_ways(encoder, {"plan": "gold"}) == [0, 1]


NUMBERS = st.none() | st.integers(-(10**9), 10**9) | st.floats(-1e30, 1e30) | st.booleans()


@settings(max_examples=100, deadline=None)
@given(
    months=NUMBERS,
    spend=NUMBERS,
    plan=st.sampled_from(["basic", "gold", "other", "", None]),
    encoder=st.sampled_from([DENSE, FeatureEncoder(DENSE.numeric, DENSE.categories)]),
)
def test_any_row_is_encoded_alike_by_frame_and_dict(months, spend, plan, encoder):
    both_ways(encoder, {"months": months, "spend": spend, "plan": plan})


# --- errors --------------------------------------------------------------------------------------


def test_other_features_are_refused_by_name():
    message = refused_both_ways(
        FeatureMismatch, PLAIN, {"months": 7, "plan": "gold", "tenure": 3, "age": 40}
    )
    assert message == (
        "features: the model takes its own 4 exactly, got missing: spend, region; "
        "unexpected: tenure, age. Send each feature once (null if unknown), and list further "
        "columns in `ignore`."
    )


def test_what_is_ignored_may_stand_beside_the_features():
    row = {"months": 7, "spend": 2, "plan": "gold", "region": None, "customer_id": "c1"}
    ignore = {"customer_id", "not there"}
    assert PLAIN.encode_one(row, ignore).tolist() == [7, 2, 0, 1, 0]
    assert PLAIN.encode(frame_of(row), ignore).tolist() == [[7, 2, 0, 1, 0]]
    assert "unexpected: customer_id." in refused_both_ways(FeatureMismatch, PLAIN, row)


def test_a_missing_feature_is_not_forgiven_for_an_ignored_column():
    row = {"months": 7, "spend": 2, "plan": "gold", "customer_id": "c1"}
    with pytest.raises(FeatureMismatch, match="got missing: region"):
        PLAIN.encode_one(row, {"customer_id"})


def test_a_feature_given_twice_is_refused():
    frame = frame_of({"months": 7, "spend": 2, "plan": "gold", "region": None})
    with pytest.raises(FeatureMismatch, match=r"got given twice: months\."):
        PLAIN.encode(pd.concat([frame, frame[["months"]]], axis=1))


@pytest.mark.parametrize("value", [math.inf, -math.inf, 1e39])  # the largest float32 is 3.4e38
def test_an_infinite_number_is_refused(value):
    row = {"months": 7, "spend": value, "plan": "gold", "region": None}
    assert refused_both_ways(FeatureValueError, PLAIN, row) == (
        "spend: a numeric feature must be finite (float32) or null, got an infinite value. "
        "Send null where the value is unknown."
    )


@pytest.mark.parametrize("value", ["7", "", [7], b"7", pd.Timestamp("2026-01-01")])
def test_what_is_no_number_is_refused(value):
    row = {"months": value, "spend": 2, "plan": "gold", "region": None}
    assert refused_both_ways(FeatureValueError, PLAIN, row) == (
        f"months: a numeric feature must be a number or null, got {value!r}. "
        "Cast it where the features are made."
    )


@pytest.mark.parametrize("value", [3, True, 2.5])
def test_a_category_that_is_no_text_is_refused(value):
    # Otherwise a known category of another type would count as unknown and give a wrong score.
    row = {"months": 7, "spend": 2, "plan": value, "region": None}
    message = refused_both_ways(FeatureValueError, PLAIN, row)
    assert message.startswith("plan: a category must be text or null, got ")


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            {"numeric": ("months", "months")},
            "features: names must be unique, got months twice. Rename one.",
        ),
        (
            {"numeric": ("plan=gold",), "categories": (("plan", ("gold",)),)},
            "features: names must be unique, got plan=gold twice. Rename one.",
        ),
        (
            {"numeric": (), "categories": (("plan", ("gold", "basic")),)},
            "plan: categories must be sorted, got gold, basic. Sort them.",
        ),
        (
            {"numeric": ("months",), "fill": (1.0, 2.0)},
            "fill: must be 1 finite numbers, one per numeric feature, got (1.0, 2.0). "
            "Compute them from the training rows.",
        ),
        (
            {"numeric": ("months",), "center": (math.nan,)},
            "center: must be 1 finite numbers, one per numeric feature, got (nan,). "
            "Compute them from the training rows.",
        ),
        (
            {"numeric": ("months",), "scale": (0.0,)},
            "scale: must not be 0, got (0.0,). Use 1 for a constant feature.",
        ),
        (
            {"numeric": ("months",), "missing_indicators": ("plan",)},
            "missing_indicators: must be numeric features, got plan. "
            "A category needs no indicator: null sets all its columns to 0.",
        ),
    ],
)
def test_an_encoder_that_contradicts_itself_is_refused(parts, message):
    with pytest.raises(ValueError) as error:
        FeatureEncoder(**parts)
    assert str(error.value) == message


@pytest.mark.parametrize("encoder", [PLAIN, DENSE])
def test_json_gives_the_encoder_back(encoder):
    assert FeatureEncoder.from_dict(json.loads(json.dumps(encoder.to_dict()))) == encoder


# --- bounds --------------------------------------------------------------------------------------


def test_values_beyond_the_bounds_become_the_bound():
    # spend: log(1 + 1000) = 6.9 is above 3; null becomes 5, which is above 3 too. months: -7 < -2.
    bounded = FeatureEncoder(
        ("months", "spend"),
        fill=(0.0, 5.0),
        logged=("spend",),
        lowest=(-2.0, 0.0),
        highest=(2.0, 3.0),
    )
    assert both_ways(bounded, {"months": 1.5, "spend": 0}) == [1.5, 0.0]
    assert both_ways(bounded, {"months": -7, "spend": 1000}) == [-2.0, 3.0]
    assert both_ways(bounded, {"months": 9, "spend": None}) == [2.0, 3.0]
    again = FeatureEncoder.from_dict(json.loads(json.dumps(bounded.to_dict())))
    assert again == bounded
    # An encoder that was written before there were bounds has none.
    old = {k: v for k, v in DENSE.to_dict().items() if k not in ("lowest", "highest")}
    assert FeatureEncoder.from_dict(old) == DENSE
