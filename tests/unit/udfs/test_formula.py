"""SqlFormula: parameter replacement, null handling, and validation."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest

from udfs import PARAMETER_COMMENTS
from udfs.formula import FormulaError, SqlFormula, number, quote, words

ROOT = Path(__file__).parents[3]


def some_formula(body, *names, sql_type="STRING", returns="STRING"):
    return SqlFormula("some", tuple((name, sql_type) for name in names), returns, body, "Some.")


def evaluated(session, column):
    return (
        session.createDataFrame([(1,)], "n int").select(column.alias("value")).collect()[0]["value"]
    )


def test_each_parameter_is_replaced_as_a_whole_word():
    formula = some_formula("CONCAT(a, ab, b_a, a)", "a", "ab")
    assert formula.sql(a="x", ab="y") == (
        "CAST(CONCAT(CAST((x) AS STRING), CAST((y) AS STRING), b_a, CAST((x) AS STRING)) AS STRING)"
    )


def test_replacements_do_not_cascade():
    # Two passes (a -> b -> a) would use one argument twice.
    formula = some_formula("CONCAT(a, b)", "a", "b")
    assert formula.sql(a="b", b="a") == (
        "CAST(CONCAT(CAST((b) AS STRING), CAST((a) AS STRING)) AS STRING)"
    )


def test_quoted_text_is_left_alone(session):
    formula = some_formula(r"CONCAT('a', a, '\'a', a, '\\')", "a")
    assert formula.sql(a="x").count("CAST((x) AS STRING)") == 2
    assert evaluated(session, formula(a="'z'")) == "az'az\\"


def test_an_argument_may_be_any_expression(session):
    formula = some_formula("a * 2", "a", sql_type="DOUBLE", returns="DOUBLE")
    assert evaluated(session, formula(a="n + 1")) == 4.0  # (1 + 1) * 2
    assert evaluated(session, formula(a="NULL")) is None


def test_nan_and_infinite_arguments_and_results_are_null(session):
    double = some_formula("a * 2", "a", sql_type="DOUBLE", returns="DOUBLE")
    for argument in ("'NaN'", "'Infinity'", "'-Infinity'", "1e308D"):  # the last overflows
        assert evaluated(session, double(a=f"CAST({argument} AS DOUBLE)")) is None
    assert evaluated(session, double(a="1e307D")) == 2e307


def test_the_result_has_the_declared_type(session):
    whole = some_formula("a", "a", sql_type="INT", returns="BIGINT")
    frame = session.createDataFrame([(1,)], "n int").select(whole(a="n").alias("value"))
    assert frame.schema.simpleString() == "struct<value:bigint>"


@pytest.mark.parametrize(
    "text", ["Can't Lose Them", "back\\slash", "new\nline", "\\' OR 1", '"', "é"]
)
def test_a_quoted_text_round_trips(session, text):
    assert evaluated(session, some_formula(quote(text))()) == text


@pytest.mark.parametrize("value", [0, 1, -2.5, 0.1, 1e22, 1e-7, 1 / 3])
def test_a_number_round_trips(session, value):
    formula = some_formula(number(value, "x"), returns="DOUBLE")
    assert evaluated(session, formula()) == value


@pytest.mark.parametrize("value", [math.nan, math.inf, "0.3", None, True, [1]])
def test_a_constant_must_be_a_finite_number(value):
    with pytest.raises(FormulaError) as caught:
        number(value, "rfm.priority_weights.r")
    assert str(caught.value) == (
        f"conf rfm.priority_weights.r: must be a finite number, got {value!r}. Set a number."
    )


def test_words_are_names_outside_quoted_text():
    assert words("a1 > 0.7D AND b = 'c d' OR _e") == {"a1", "AND", "b", "OR", "_e"}


def test_wrong_arguments_are_all_named_at_once():
    formula = some_formula("CONCAT(a, b)", "a", "b")
    with pytest.raises(FormulaError) as caught:
        formula(a="x", revenue="y")
    assert str(caught.value) == (
        "some: arguments: missing ['b'], unknown ['revenue']. Give exactly: a, b."
    )


@pytest.mark.parametrize("argument", [3, None, "", "  "])
def test_an_argument_is_text(argument):
    with pytest.raises(FormulaError) as caught:
        some_formula("a", "a")(a=argument)
    assert str(caught.value) == (
        f"some: a must be a column name or SQL text, got {argument!r}. "
        "Pass a string, or 'NULL' if there is no source."
    )


@pytest.mark.parametrize(
    "parameters, returns, said",
    [
        ((("A", "INT"),), "INT", "some: 'A' is not a valid name. Use lower snake_case."),
        ((("a b", "INT"),), "INT", "some: 'a b' is not a valid name. Use lower snake_case."),
        (
            (("a", "FLOAT"),),
            "TEXT",
            "some: unknown types ['FLOAT', 'TEXT']. "
            "Use DOUBLE, INT, BIGINT, STRING, DATE, BOOLEAN.",
        ),
        (
            (("a", "INT"), ("a", "INT")),
            "INT",
            "some: duplicate parameter in ['a', 'a']. Use each name once.",
        ),
    ],
)
def test_a_malformed_formula_is_refused(parameters, returns, said):
    with pytest.raises(FormulaError) as caught:
        SqlFormula("some", parameters, returns, "1", "Some.")
    assert str(caught.value) == said


def test_the_statement_that_creates_the_function():
    formula = SqlFormula("twice", (("events", "INT"),), "BIGINT", "events * 2", "Both of a pair's.")
    signature = "twice(events INT COMMENT 'Number of events in the window')"
    body = "\nRETURNS BIGINT COMMENT 'Both of a pair\\'s.'\nRETURN CAST(events * 2 AS BIGINT)"
    head = "CREATE OR REPLACE "
    assert formula.create_sql(None, temporary=True) == f"{head}TEMPORARY FUNCTION {signature}{body}"
    assert formula.create_sql(None, temporary=False) == f"{head}FUNCTION {signature}{body}"
    assert formula.create_sql("main.gold", temporary=False) == (
        f"{head}FUNCTION main.gold.{signature}{body}"
    )
    assert "FUNCTION `my-cat`.gold.twice(" in formula.create_sql("`my-cat`.gold", temporary=False)


def test_an_invalid_schema_is_refused():
    formula = some_formula("a", "a")
    with pytest.raises(FormulaError) as caught:
        formula.create_sql("gold", temporary=True)
    assert str(caught.value) == "some: a temporary function has no schema, got 'gold'. Pass None."
    for schema in ("gold; DROP TABLE x", "my-cat.gold", "", "gold."):
        with pytest.raises(FormulaError, match="is not a valid schema"):
            formula.create_sql(schema, temporary=False)


def test_parameters_are_listed_in_order():
    assert list(PARAMETER_COMMENTS) == sorted(PARAMETER_COMMENTS)


def test_formulas_need_neither_pyspark_nor_vader():
    # The service builds formulas, and neither package is installed there.
    code = (
        "import sys; sys.modules['pyspark'] = sys.modules['vaderSentiment'] = None; "
        "from udfs import registry; from udfs.risk import confidence_score; "
        "print(confidence_score.sql(churn_probability='p')[:9])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("CASE WHEN\n", "")
