"""Static checks of SQL expressions."""

from __future__ import annotations

import pytest

from contracts.expressions import (
    columns_used,
    may_be_null,
    refused_words,
    unquoted_names,
    with_stored_names,
    with_try_casts,
)

COLUMNS = ["id", "date", "day", "price", "Unit price", "double"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("price", ["price"]),
        ("PRICE * 2", ["price"]),
        ("`Unit price` - price", ["price", "Unit price"]),
        # Function names, cast types, typed literals, strings and struct fields are not columns.
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
        # A column may be called cast.
        ("cast + 1", "cast + 1"),
    ],
)
def test_cast_is_replaced_by_try_cast(expression, expected):
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
def test_expressions_that_may_return_null(expression, expected):
    assert may_be_null(expression) is expected


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("reflect('java.lang.System', 'getenv', 'KEY')", ["reflect"]),
        ("REFLECT ('java.lang.System', 'exit', 0)", ["reflect"]),
        ("try_reflect('a', 'b')", ["try_reflect"]),
        ("java_method('a', 'b')", ["java_method"]),
        ("(select max(value) from text.`/etc/passwd`)", ["select"]),
        ("exists(SELECT 1)", ["select"]),
        # Queries without SELECT.
        ("(TABLE text.`/etc/passwd`)", ["table"]),
        ("(from text.`/etc/passwd` |> aggregate max(value))", ["from"]),
        ("(map a using 'cat /etc/passwd' as b)", ["using"]),
        ("explode(split(a, ','))", ["explode"]),
        ("coalesce(a, secret('scope', 'key'))", ["secret"]),
        ("`reflect`('java.lang.System', 'getenv', 'KEY')", ["reflect"]),
        ("reflect/* */('java.lang.System', 'getenv', 'KEY')", ["/*"]),
        ("reflect --\n('java.lang.System', 'getenv', 'KEY')", ["--"]),
        # Spark replaces this even inside a text.
        ("concat(a, '${env:ANTHROPIC_API_KEY}')", ["${"]),
        # Columns and texts with these names are no calls.
        ("concat('--', a, \"/*\", `b--c`)", []),
        ("a - -1", []),
        ("reflect", []),
        ("table || `table`", []),
        ("coalesce(`table`, `from`, `using`)", []),
        ("concat('select ', `select`)", []),
        ("'reflect(' || a", []),
        ("extract(year from day)", []),
        ("trim(both ' ' from a)", []),
    ],
)
def test_expressions_that_reach_beyond_their_row_are_recognised(expression, words):
    assert refused_words(expression) == words


NAMES = ["Bestell-Nr_", "Bestell", "Rabatt_%", "Kunden_Nr_", "Größe", "price", "a_b"]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # The whole text is a name: as in the header, or as in bronze; case and margins do not count.
        ("Bestell-Nr.", "`Bestell-Nr_`"),
        ("Bestell-Nr_", "`Bestell-Nr_`"),
        (" kunden nr. ", "`Kunden_Nr_`"),
        ("Rabatt %", "`Rabatt_%`"),
        ("Größe", "`Größe`"),
        ("price", "`price`"),
        ("`price`", "`price`"),
        # Also where it could be read as a field of a struct.
        ("a.b", "`a_b`"),
        # Inside an expression, only names in backticks are names of the header.
        ("concat(`Kunden Nr.`, 'Kunden Nr.')", "concat(`Kunden_Nr_`, 'Kunden Nr.')"),
        ("Bestell-Nr. + 1", "Bestell-Nr. + 1"),
        ("`unknown name`", "`unknown name`"),
        ("price * 2", "price * 2"),
    ],
)
def test_names_of_the_header_become_names_of_bronze(expression, expected):
    assert with_stored_names(expression, NAMES) == expected
    assert with_stored_names(expected, NAMES) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("upper(Bestell-Nr.)", ["Bestell-Nr."]),
        ("Bestell-Nr_ || Rabatt %", ["Bestell-Nr_", "Rabatt %"]),
        ("upper(`Bestell-Nr.`) || 'Rabatt %'", []),
        ("price - Bestell", []),
    ],
)
def test_names_that_lack_their_backticks(expression, expected):
    assert unquoted_names(expression, NAMES) == expected
