"""All formulas built from conf, and registered in Spark SQL."""

from __future__ import annotations

import copy
import random
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from udfs import PARAMETER_COMMENTS
from udfs.formula import FormulaError, quote
from udfs.registry import formulas
from udfs.sql_functions import register

CONF = Path(__file__).parents[3] / "conf" / "defaults.yaml"
NAMES = {
    *("recency_days", "tenure_days", "tenure_months", "purchase_frequency", "lifecycle"),
    *("login_frequency", "capped_share", "engagement_score", "engagement_basis"),
    *("avg_order_value", "revenue_trend", "clv_score"),
    *("quintile_score", "rfm_score", "rfm_priority", "segment", "segment_group"),
    *("satisfaction_score", "satisfaction_basis"),
    *("risk_level", "confidence_score", "high_risk_churn", "recommended_actions"),
}


@pytest.fixture
def settings():
    """A copy of conf/defaults.yaml that a test may change."""
    return copy.deepcopy(yaml.safe_load(CONF.read_text(encoding="utf-8")))


def test_conf_builds_each_formula_once(settings):
    assert sorted(formula.name for formula in formulas(settings)) == sorted(NAMES)


def test_conf_has_the_numbers_of_the_product(session, settings):
    """At least one row per formula with constants: product.md §2, §4, §5 and §7."""
    expected = {
        ("lifecycle", "30, FALSE"): "active",
        ("lifecycle", "90, FALSE"): "silent",
        ("lifecycle", "91, FALSE"): "lost",
        ("capped_share", "5"): 5 / 10,
        ("engagement_score", "1, 0, 0, 0"): 0.3,
        ("engagement_score", "0, 1, 0, 0"): 0.2,
        ("engagement_score", "0, 0, 1, 0"): 0.3,
        ("engagement_score", "0, 0, 0, 1"): 0.2,
        ("satisfaction_score", "NULL, 4, 0"): (4 - 1) * 2.5,
        ("satisfaction_basis", "NULL, NULL, NULL"): "unknown",
        ("clv_score", "1200, 10, 0.1, 300"): pytest.approx(120 * 12 * 0.2 * 1.2),
        ("clv_score", "6000, 60, 2, 600"): pytest.approx(100 * 60 * 3 * 1.5),
        ("segment", "'active', 3, 3, 5"): "Loyal Customers",
        ("segment_group", "'Lost'"): "Hibernating",
        # Odds at 0.2 are 1/4: HIGH from odds 3/4, CRITICAL from odds 2.
        ("risk_level", "0.5, 0.2"): "HIGH",
        ("risk_level", "0.67, 0.2"): "CRITICAL",
        ("high_risk_churn", "61, 0.29, 6"): True,
        ("high_risk_churn", "60, 0.29, 6"): False,
        ("recommended_actions", "0.6, NULL, NULL, 'HIGH'"): (
            "Loyalty program enrollment; Usage analytics and insights sharing"
        ),
        ("recommended_actions", "0.4, NULL, NULL, 'HIGH'"): (
            "Send the planned offer, call if worth more than 500"
        ),
    }
    by_name = {formula.name: formula for formula in formulas(settings)}
    frame = session.createDataFrame([(1,)], "n int")
    columns = []
    for n, (name, arguments) in enumerate(expected):
        parameters = [parameter for parameter, _ in by_name[name].parameters]
        given = dict(zip(parameters, arguments.split(", "), strict=True))
        columns.append(by_name[name](**given).alias(f"v{n}"))
    row = frame.select(*columns).collect()[0]
    assert [row[f"v{n}"] for n in range(len(expected))] == list(expected.values())


def test_the_scheme_of_conf_decides_the_bands(settings):
    settings["risk"]["scheme"] = "three_bands"
    by_name = {formula.name: formula for formula in formulas(settings)}
    assert by_name["risk_level"].comment == "Band of the churn probability: high, medium, low."
    settings["risk"]["scheme"] = "five_bands"
    with pytest.raises(FormulaError) as caught:
        formulas(settings)
    assert str(caught.value) == (
        "conf risk.scheme: must be one of relative, four_bands, three_bands, got 'five_bands'. "
        "Use one of these, or add the scheme to risk.schemes."
    )


def test_missing_settings_are_all_named_at_once(settings):
    del settings["actions"], settings["engagement"]["cap"], settings["lifecycle"]
    with pytest.raises(FormulaError) as caught:
        formulas(settings)
    assert str(caught.value) == (
        "conf: settings ['lifecycle', 'actions', 'engagement.cap'] are missing. "
        "Set them in conf/defaults.yaml."
    )


def test_groups_hold_exactly_the_segments(settings):
    settings["segments"]["groups"]["New"].remove("Prospects")
    settings["segments"]["groups"]["New"].append("Prospect")
    with pytest.raises(FormulaError, match=r"missing \['Prospects'\], unknown \['Prospect'\]"):
        formulas(settings)


def test_every_parameter_and_formula_has_a_comment(settings):
    for formula in formulas(settings):
        assert {name for name, _ in formula.parameters} <= set(PARAMETER_COMMENTS), formula.name
        assert formula.comment.endswith("."), formula.name


def some_row(draw, types):
    """A value per type. One third of the values are null."""
    made = {
        "DOUBLE": lambda: draw.choice([0.0, 0.25, 0.5, 0.9, 3.0, 45.0, 250.0, float("nan")]),
        "INT": lambda: draw.randint(1, 5),
        "DATE": lambda: date(2017, 1, 1) + timedelta(days=draw.randrange(400)),
        "BOOLEAN": lambda: draw.random() < 0.2,
        "STRING": lambda: draw.choice(["active", "silent", "lost", "prospect", "At Risk"]),
    }
    return [None if draw.random() < 1 / 3 else made[sql_type]() for sql_type in types]


@pytest.fixture
def registered(spark, settings, tmp_path):
    """A session with all formulas, temporary and in schema formulas_test. Dropped afterwards."""
    spark.sql(f"CREATE SCHEMA formulas_test LOCATION {quote(str(tmp_path))}")
    register(spark, settings, schema="formulas_test")
    register(spark, settings)
    yield spark
    spark.sql("DROP SCHEMA formulas_test CASCADE")
    for name in (*NAMES, "sentiment"):
        spark.sql(f"DROP TEMPORARY FUNCTION IF EXISTS {name}")


@pytest.mark.spark_only
def test_sql_function_and_column_give_the_same_value(registered, settings):
    draw = random.Random(11)
    for formula in formulas(settings):
        names = [name for name, _ in formula.parameters]
        rows = [[n, *some_row(draw, [t for _, t in formula.parameters])] for n in range(60)]
        schema = ", ".join(["n int", *(f"{name} {t}" for name, t in formula.parameters)])
        frame = registered.createDataFrame(rows, schema).withColumn(
            "as_column", formula(**{name: name for name in names})
        )
        call = f"{formula.name}({', '.join(names)})"
        got = frame.selectExpr("as_column", call, f"formulas_test.{call}").collect()
        assert [tuple(row) for row in got] == [(row[0],) * 3 for row in got], formula.name
        assert any(row[0] is not None for row in got), formula.name


@pytest.mark.spark_only
def test_a_sql_function_has_comments(registered):
    told = registered.sql("DESCRIBE FUNCTION EXTENDED formulas_test.recency_days").collect()
    text = "\n".join(row[0] for row in told)
    assert "last_purchase_on DATE 'Day of the last purchase; null: no purchase'" in text
    assert "Whole days from the last purchase day to as_of, at least 1" in text


@pytest.mark.spark_only
def test_registering_again_uses_the_new_constants(registered, settings):
    settings["lifecycle"] = {"active_days": 7, "silent_days": 14}
    register(registered, settings)
    row = registered.sql("SELECT lifecycle(8, NULL), formulas_test.lifecycle(8, NULL)").collect()[0]
    assert tuple(row) == ("silent", "active")


@pytest.mark.spark_only
def test_sentiment_by_name(registered):
    row = registered.sql(
        "SELECT sentiment('I love it!'), sentiment('  '), sentiment(NULL)"
    ).collect()[0]
    # VADER .6696 with the weight .7, Pattern .625 with .3.
    assert tuple(row) == (pytest.approx(0.7 * 0.6696 + 0.3 * 0.625, abs=1e-4), None, None)
