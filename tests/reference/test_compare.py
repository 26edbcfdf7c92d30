"""The comparison of two lakes sees what differs and nothing else."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from tests.reference.compare import compare_lakes, main

DAY = dt.date(2024, 1, 1)


def scores(
    probability: float | None = 0.5, level: str | None = "LOW", customers=("a", "b")
) -> pa.Table:
    return pa.table(
        {
            "as_of": [DAY] * len(customers),
            "customer_id": list(customers),
            "churn_probability": pa.array([probability, None][: len(customers)], pa.float64()),
            "risk_level": pa.array([level] * len(customers), pa.string()),
            "amount": [Decimal("1.20")] * len(customers),
        }
    )


def lakes(folder, before: pa.Table, after: pa.Table, name: str = "gold/customer_scores"):
    for side, table in (("before", before), ("after", after)):
        write_deltalake(str(folder / side / name), table)
    return folder / "before", folder / "after"


@pytest.mark.parametrize(
    ("after", "cells", "only"),
    [
        (scores(0.5), {}, (0, 0)),
        # 0.5 x 1e-9 = 5e-10: below it no difference, above it one.
        (scores(0.5 + 4e-10), {}, (0, 0)),
        (scores(0.5 + 6e-10), {"churn_probability": 1}, (0, 0)),
        (scores(level="HIGH"), {"risk_level": 2}, (0, 0)),
        (scores(level=None), {"risk_level": 2}, (0, 0)),
        (scores(customers=("a",)), {}, (1, 0)),
        (scores(customers=("a", "c")), {}, (1, 1)),
    ],
)
def test_rows_are_joined_on_the_key_and_each_cell_is_compared(tmp_path, after, cells, only):
    (result,) = compare_lakes(*lakes(tmp_path, scores(), after))
    assert result.cells == cells
    assert (result.only_before, result.only_after) == only
    assert result.is_equal == (not cells and only == (0, 0))


def test_a_null_is_no_number(tmp_path):
    (result,) = compare_lakes(*lakes(tmp_path, scores(0.0), scores(None)))
    assert result.cells == {"churn_probability": 1}


def test_a_key_that_occurs_twice_and_another_type_are_differences(tmp_path):
    (twice,) = compare_lakes(*lakes(tmp_path / "twice", scores(), scores(customers=("a", "a"))))
    assert twice.notes == ["1 keys occur more than once after"]
    typed = scores().set_column(4, "amount", pa.array([1.2, 1.2]))
    (other,) = compare_lakes(*lakes(tmp_path / "type", scores(), typed))
    assert other.notes == ["amount: decimal128(3, 2) before, double after"]


def test_without_a_key_rows_are_counted(tmp_path):
    rows = pa.table({"customer": ["a", "a", "b"]})
    fewer = pa.table({"customer": ["a", "b", "b"]})
    (result,) = compare_lakes(*lakes(tmp_path, rows, fewer, "bronze/receipts"))
    assert (result.only_before, result.only_after) == (1, 1)


def test_the_command_says_which_table_differs_and_exits_with_1(tmp_path, capsys):
    before, after = lakes(tmp_path, scores(), scores(level="HIGH"))
    write_deltalake(str(before / "bronze" / "receipts"), pa.table({"text": ["a"]}))
    assert main([str(before), str(after)]) == 1
    out = capsys.readouterr().out
    assert "risk_level: 2 cells" in out and "'LOW' -> 'HIGH'" in out
    assert "the table is missing after" in out and "2 tables, 2 differ" in out
    assert main([str(before), str(before)]) == 0
    assert main([str(before), str(tmp_path / "nowhere")]) == 2


def test_a_column_that_was_rewritten_on_purpose_is_reported_and_not_compared(tmp_path, capsys):
    before, after = lakes(tmp_path, scores(), scores(level="HIGH"))
    column = "gold.customer_scores.risk_level"
    assert main([str(before), str(after), "--rewritten", column]) == 0
    assert f"rewritten: {column}: 2 cells" in capsys.readouterr().out
    assert main([str(before), str(after), "--rewritten", "gold.customer_scores.other"]) == 1


def test_a_bound_of_a_column_replaces_the_general_one(tmp_path, monkeypatch):
    # 0.5 x 1e-3 = 5e-4: 4e-4 is within the bound of this column, 6e-4 is not.
    bounds = {("gold.customer_scores", "churn_probability"): (1e-3, "a reason")}
    monkeypatch.setattr("tests.reference.compare.BOUNDS", bounds)
    (near,) = compare_lakes(*lakes(tmp_path / "near", scores(0.5), scores(0.5 + 4e-4)))
    (far,) = compare_lakes(*lakes(tmp_path / "far", scores(0.5), scores(0.5 + 6e-4)))
    assert near.is_equal and far.cells == {"churn_probability": 1}


def test_only_tables_with_the_prefix_are_compared(tmp_path):
    before, after = lakes(tmp_path, scores(), scores())
    write_deltalake(str(before / "features" / "labels"), pa.table({"text": ["a"]}))
    assert [t.name for t in compare_lakes(before, after, prefix="gold.")] == [
        "gold.customer_scores"
    ]
    (labels,) = compare_lakes(before, after, prefix="features.")
    assert labels.notes == ["the table is missing after"]
