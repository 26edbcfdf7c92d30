"""The SQL of the notebooks names tables and columns that exist. tests/notebooks runs it on Spark."""

from __future__ import annotations

import re
from functools import cache

import pytest
from sqlglot import exp, parse_one
from sqlglot.optimizer.qualify import qualify

from contracts import catalog
from contracts.gold_views import VIEWS
from tests.notebooks.running import NOTEBOOKS, cells, magic

# Variables of the session that the notebooks declare.
VARIABLES = {
    **dict.fromkeys(("chosen_day", "monitored_day"), "DATE '2018-01-01'"),
    "chosen_customer": "'a'",
    "horizon": "30",
    "churn_kind": "'inactivity'",
}
# Of a temporary view that first_look makes from a frame.
AT_RISK = {"customer_id": "string", "at_risk": "double", "churn_probability": "double"}


@cache
def schema() -> dict[str, dict[str, dict[str, str]]]:
    """Layer -> table -> column -> type."""
    tables: dict[str, dict[str, dict[str, str]]] = {}
    for table in catalog.tables().values():
        columns = {column.name: column.type for column in table.columns}
        tables.setdefault(table.layer, {})[table.short_name] = columns
    for view in VIEWS:
        names = [c if isinstance(c, str) else c.name for c in view.columns]
        tables["gold"][view.name.partition(".")[2]] = dict.fromkeys(names, "string")
    tables["gold"]["at_risk"] = AT_RISK
    return tables


def queries(text: str) -> list[str]:
    """SELECTs of a Python cell: literals that begin with SELECT."""
    return re.findall(r'spark\.sql\(\s*"""\s*(SELECT\b.*?)"""', text, re.DOTALL)


def all_queries() -> list:
    cases = []
    for path in NOTEBOOKS:
        for number, cell in enumerate(cells(path)):
            kind, body = magic(cell)
            for query in [body] if kind == "sql" else queries(cell) if kind == "python" else []:
                cases.append(pytest.param(query, id=f"{path.stem}-{number}"))
    return cases


def unknown_names(query: str) -> str | None:
    """What is wrong with the query; None: nothing."""
    for name, value in VARIABLES.items():
        query = re.sub(rf"\b{name}\b(?! *=[^=])", value, query)
    tree = parse_one(query.replace("FROM at_risk\n", "FROM gold.at_risk\n"), dialect="spark")
    known = schema()
    missing = [
        f"{table.db}.{table.name}"
        for table in tree.find_all(exp.Table)
        if table.name not in known.get(table.db, {})
    ]
    if missing:
        return f"no table {', '.join(missing)}"
    try:
        qualify(tree, schema=known, dialect="spark", quote_identifiers=False)
    except Exception as error:
        return str(error)
    return None


@pytest.mark.parametrize("query", all_queries())
def test_a_query_names_tables_and_columns_that_exist(query):
    assert unknown_names(query) is None


@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("SELECT customer FROM gold.customer_scores", "customer"),
        ("SELECT customer_id FROM gold.scores", "no table gold.scores"),
        ("SELECT s.frequency FROM gold.customer_scores AS s", "frequency"),
    ],
)
def test_an_unknown_name_is_found(query, problem):
    assert problem in (unknown_names(query) or "")
