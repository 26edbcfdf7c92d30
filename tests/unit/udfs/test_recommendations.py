"""Conditions and recommendations in Python against the same formulas in SQL on DuckDB."""

from __future__ import annotations

import duckdb
import pytest
import yaml
from hypothesis import given, settings, strategies as st

from runtime.settings.conf_folder import package_conf
from udfs.conditions import condition
from udfs.formula import FormulaError
from udfs.recommendations import Recommender, confidence_of
from udfs.risk import ACTION_PARAMETERS, confidence_score, recommended_actions
from udfs.risk_bands import risk_level

CONF = yaml.safe_load((package_conf() / "defaults.yaml").read_text())
OPERANDS = st.sampled_from([*ACTION_PARAMETERS, "0.5", "60", "-1", "null"])
COMPARISONS = st.builds(
    lambda a, sign, b: f"{a} {sign} {b}",
    OPERANDS,
    st.sampled_from(["=", "<>", "!=", "<", "<=", ">", ">="]),
    OPERANDS,
)
OTHERS = st.one_of(
    st.builds(lambda a, no: f"{a} is {no}null", OPERANDS, st.sampled_from(["", "not "])),
    st.builds(
        lambda a, no, b, c: f"{a} {no}between {b} and {c}",
        *(OPERANDS, st.sampled_from(["", "not "]), OPERANDS, OPERANDS),
    ),
    st.builds(
        lambda a, no, b: f"{a} {no}in ({', '.join(b)})",
        *(OPERANDS, st.sampled_from(["", "NOT "]), st.lists(OPERANDS, min_size=1, max_size=3)),
    ),
)
CONDITIONS = st.recursive(
    st.one_of(COMPARISONS, OTHERS),
    lambda inner: st.one_of(
        st.builds(lambda a, w, b: f"{a} {w} {b}", inner, st.sampled_from(["and", "or"]), inner),
        st.builds(lambda a: f"not ({a})", inner),
        st.builds(lambda a, w, b: f"({a}) {w} ({b})", inner, st.sampled_from(["AND", "or"]), inner),
    ),
    max_leaves=5,
)
VALUES = st.sampled_from([None, -1.0, 0.0, 0.3, 0.5, 0.7, 1.0, 60.0, 61.0])


def in_sql(sql, row):
    columns = ", ".join(
        f"CAST({'NULL' if value is None else repr(value)} AS DOUBLE) AS {name}"
        for name, value in row.items()
    )
    return duckdb.sql(f"SELECT {sql} FROM (SELECT {columns})").fetchall()[0][0]


@given(CONDITIONS, st.tuples(VALUES, VALUES, VALUES))
@settings(max_examples=300, deadline=None)
def test_a_condition_has_the_value_that_sql_gives(text, values):
    row = dict(zip(ACTION_PARAMETERS, values, strict=True))

    assert condition(text, ACTION_PARAMETERS)(row) == in_sql(f"CAST(({text}) AS BOOLEAN)", row)


@pytest.mark.parametrize(
    "text, what", [("price > 1", "price"), ("recency_days >", "the end"), ("1 2", "2")]
)
def test_a_condition_that_cannot_be_read_names_the_word(text, what):
    with pytest.raises(FormulaError) as caught:
        condition(text, ACTION_PARAMETERS)

    assert str(caught.value) == (
        f"condition {text!r}: cannot read {what!r}. Compare churn_probability, engagement_score, "
        "recency_days with numbers, joined by and, or, not, parentheses."
    )


PROBABILITIES = st.one_of(
    st.floats(0, 1), st.sampled_from([0.0, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0])
)


@given(
    PROBABILITIES,
    st.floats(0.01, 0.99),
    VALUES,
    VALUES,
    st.sampled_from([*CONF["risk"]["schemes"]]),
)
@settings(max_examples=300, deadline=None)
def test_level_actions_and_confidence_are_those_of_sql(p, threshold, engagement, recency, scheme):
    risk = {**CONF["risk"], "scheme": scheme}
    known = Recommender.of(risk, CONF["actions"])
    level = known.risk_level(p, threshold)
    actions = known.actions(p, engagement, recency, level=level)

    row = dict(zip(ACTION_PARAMETERS, (p, engagement, recency), strict=True))
    row["decision_threshold"] = threshold
    names = {n: n for n in ACTION_PARAMETERS}
    formula = recommended_actions(CONF["actions"], risk["level_actions"], risk["call_above"])
    sql = formula.sql(**names, risk_level=f"'{level}'")
    bands = risk_level(risk["schemes"][scheme])
    level_sql = bands.sql(
        churn_probability="churn_probability", decision_threshold="decision_threshold"
    )
    assert level == in_sql(plain(level_sql), row)
    assert ("; ".join(actions) or None) == in_sql(plain(sql), row)
    assert confidence_of(p) == in_sql(
        plain(confidence_score.sql(churn_probability="churn_probability")), row
    )


def plain(sql):
    """DuckDB has no suffix of doubles, and calls STRING VARCHAR."""
    import re

    return re.sub(r"(\d)D\b", r"\1", sql)
