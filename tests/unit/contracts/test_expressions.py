"""What is read out of an expression's text."""

from __future__ import annotations

import pytest

from contracts.expressions import columns_used, may_be_null, with_try_casts

COLUMNS = ["id", "date", "day", "price", "Unit price", "double"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("price", ["price"]),
        ("PRICE * 2", ["price"]),
        ("`Unit price` - price", ["price", "Unit price"]),
        # A function, a cast's type, a typed literal, a text and a struct's field are no columns.
        ("date(day)", ["day"]),
        ("cast(price as double)", ["price"]),
        ("day >= date '2020-01-01'", ["day"]),
        ("concat('price', \"date\", id)", ["id"]),
        ("id.price", ["id"]),
        ("price::double", ["price"]),
        ("true", []),
    ],
)
def test_columns_used(expression, expected):
    assert columns_used(expression, COLUMNS) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("CAST (price AS int)", "try_cast (price AS int)"),
        ("try_cast(price as int)", "try_cast(price as int)"),
        ("concat('cast(', price)", "concat('cast(', price)"),
        ("broadcast(price)", "broadcast(price)"),
        # A column may have the name.
        ("cast + 1", "cast + 1"),
    ],
)
def test_a_cast_becomes_a_try_cast(expression, expected):
    assert with_try_casts(expression) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("cast(price as double)", False),
        ("case when id > 0 then cast(price as double) else 0 end", False),
        ("case when id > 0 then cast(price as double) end", True),
        ("nullif(price, '-')", True),
        ("try_to_timestamp(date)", True),
        ("split(id, '-')[1]", True),
        ("if(id > 0, price, null)", True),
        ("price is not null", False),
    ],
)
def test_an_author_may_let_a_value_be_null(expression, expected):
    assert may_be_null(expression) is expected
