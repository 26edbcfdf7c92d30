"""Rows in this process are cut as rows in Spark are."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from models.matrix_rows import CUSTOMER_HASH, MatrixRows
from pipelines.churn import fit_rows

DAYS = [dt.date(2020, month, 1) for month in (1, 2, 3)]
SPLITS = ["train", "validation", "test"]
DDL = "customer_id string, as_of date, split string, fold int, named int, place int, x0 double"
# The place of a row is its number.
ROWS = [(f"c{n}", DAYS[n % 3], SPLITS[n % 3], n % 2, n // 3 % 2, n, float(n)) for n in range(12)]


@pytest.fixture(params=["frame", "matrix"])
def rows(request, frame):
    if request.param == "frame":
        return frame(DDL, ROWS)
    names = [column.split()[0] for column in DDL.split(", ")]
    table = pd.DataFrame(ROWS, columns=names)
    x = table[["x0"]].to_numpy(np.float32)
    return MatrixRows(table.drop(columns="x0").assign(**{CUSTOMER_HASH: -7 - table.index}), x)


def places(rows):
    if isinstance(rows, MatrixRows):
        assert rows.x[:, 0].tolist() == rows.keys["place"].tolist()
        return sorted(rows.keys["place"])
    return sorted(row["place"] for row in rows.select("place").collect())


def test_splits_dates_and_folds_are_cut_alike(rows):
    assert places(fit_rows.of_splits(rows, ["train", "test"])) == [0, 2, 3, 5, 6, 8, 9, 11]
    assert places(fit_rows.before(rows, DAYS[1])) == [0, 3, 6, 9]
    assert places(fit_rows.outside_fold(rows, 1)) == [0, 2, 4, 6, 8, 10]
    # Fold 0 has 0, 2, 6, 8 without and 4, 10 with the name, fold 1 has 1, 7 and 3, 5, 9, 11.
    assert sorted(fit_rows.counts_by_fold(rows, "named")) == [(0, 2), (0, 4), (1, 2), (1, 4)]


def test_an_earlier_test_date_hides_itself_and_what_follows(rows):
    again = fit_rows.split_again(rows, {DAYS[0]: "validation", DAYS[1]: "test"})
    assert places(again) == [0, 3, 6, 9]
    assert places(fit_rows.of_splits(again, ["validation"])) == [0, 3, 6, 9]


def test_columns_are_chosen_by_position():
    matrix = MatrixRows(pd.DataFrame({"split": ["train"]}), np.array([[1, 2, 3]], np.float32))
    chosen, names = fit_rows.with_columns(matrix, ["a", "b", "c"], [2, 0])
    assert names == ["c", "a"] and chosen.x.tolist() == [[3.0, 1.0]]


def test_a_fold_is_the_positive_rest_of_the_hash():
    """pmod(-7, 3) = 2, as in Spark; the sign of the hash does not count."""
    keys = pd.DataFrame({CUSTOMER_HASH: [-7, 7, 9]})
    assert fit_rows.folded(MatrixRows(keys, np.zeros((3, 1), np.float32)), 3).keys[
        "fold"
    ].tolist() == [2, 1, 0]


def test_joined_labels_keep_the_order_of_the_rows(frame):
    keys = pd.DataFrame({"customer_id": ["b", "a", "c"], "as_of": DAYS})
    matrix = MatrixRows(keys, np.array([[0], [1], [2]], np.float32))
    labels = frame(
        "customer_id string, as_of date, named int", [("c", DAYS[2], 1), ("b", DAYS[0], 0)]
    )
    labelled = fit_rows.joined(matrix, labels)
    assert labelled.keys["customer_id"].tolist() == ["b", "c"]
    assert labelled.label("named").tolist() == [0, 1]
    assert labelled.x[:, 0].tolist() == [0.0, 2.0]
