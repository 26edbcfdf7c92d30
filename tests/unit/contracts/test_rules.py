"""Row rules of text columns, on both engines."""

from __future__ import annotations

import pytest
from pyspark.sql import functions as F

from contracts.rules import text_rules
from contracts.table import Column

COLUMNS = (Column("order_id", "string", "An id"), Column("plan", "string", "A plan"))


@pytest.mark.parametrize(
    ("value", "is_kept"),
    [
        ("o-1 / \u00fc \u4e2d", True),
        ("", True),
        ("o\x001", False),
        ("o1\n", False),
        ("o\t1", False),
        ("o\x7f1", False),
        ("o\u202e1", False),  # shown as "o1", written from right to left
        ("\u20661", False),
    ],
)
def test_an_id_has_no_invisible_characters(session, value, is_kept):
    (rule,) = (r for r in text_rules(COLUMNS) if r.name.endswith("_invisible"))
    frame = session.createDataFrame([("row", value)], "name string, order_id string")
    assert rule.columns == ("order_id",)
    assert [r[0] for r in frame.select(F.expr(rule.passes).alias("x")).collect()] == [is_kept]
