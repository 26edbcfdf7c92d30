"""Notebooks on tables of a few rows: every table that they read exists, or one is missing.

The rows are written by delta-rs from the contracts, so offers, campaigns and monitoring, which the
small lake does not have, are read too. String columns hold the customer's name.
"""

from __future__ import annotations

import datetime as dt
from contextlib import contextmanager

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from contracts import catalog
from runtime import settings
from runtime.lakehouse.arrow_types import arrow_schema
from tests.notebooks.running import NotebookExit, charts, find, frames, notebook, run
from tests.small_lake import write_conf

AS_OF, BEFORE = dt.date(2018, 1, 1), dt.date(2017, 12, 2)
CUSTOMERS = ("ann", "bob")
NAMES = ("rfm_segments", "lifetime_value", "offers_and_uplift", "monitoring", "one_customer")
DEFAULTS = {
    "date": BEFORE,
    "timestamp": dt.datetime(2017, 11, 30, tzinfo=dt.UTC),
    "boolean": True,
}
# What the notebooks filter by. Several entries: one row each.
VALUES: dict[str, list[dict]] = {
    # The last day with a purchase counts as incomplete: AS_OF is the first day that may be asked.
    "silver.transactions": [{}, {"purchased_at": dt.datetime(2018, 1, 1, 12, tzinfo=dt.UTC)}],
    "features.labels": [{"horizon_days": 30, "definition": "inactivity"}],
    "gold.customer_segments": [
        {"segment": "Champions", "segment_group": "High-value", "recency_days": 3, "monetary": 50.0}
    ],
    "gold.segment_migration": [{"from_segment": "At Risk", "to_segment": "Lost"}],
    "gold.segment_survival": [
        {"segment": "all", "days_ahead": days, "survival": 1 - days / 300} for days in (30, 90)
    ],
    "gold.clv_backtest": [
        {"approach": "btyd", "metric": metric} for metric in ("value_mae", "value_bias_decile_1")
    ],
    "gold.drift": [{"feature": "recency_days", "statistic": "psi", "value": 0.25}],
    "gold.uplift_results": [{"metric": "qini"}],
    "gold.campaign_results": [{"segment": "all"}, {"segment": "Champions"}],
}


def rows_of(table) -> list[dict]:
    """One row per customer, date and entry of VALUES; tables without them have fewer."""
    columns = set(table.column_names)
    return [
        {
            column.name: given.get(column.name)
            or {"customer_id": customer, "as_of": day}.get(column.name)
            or (customer if column.type == "string" else DEFAULTS.get(column.type, 1))
            for column in table.columns
        }
        for given in VALUES.get(table.name, [{}])
        for customer in (CUSTOMERS if "customer_id" in columns else CUSTOMERS[:1])
        for day in ((AS_OF, BEFORE) if "as_of" in columns else (AS_OF,))
    ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rows")
    write_conf(folder)
    for table in catalog.tables().values():
        if table.layer in ("silver", "features", "gold"):
            path = folder / "lakehouse" / table.layer / table.short_name
            path.mkdir(parents=True)
            write_deltalake(path, pa.Table.from_pylist(rows_of(table), arrow_schema(table)))
    return folder


@pytest.fixture
def show(spark, folder):
    """A function that runs a notebook on the rows, as if the tables `missing` did not exist."""

    @contextmanager
    def without(missing):
        moved = [folder / "lakehouse" / name.replace(".", "/") for name in missing]
        for path in moved:
            path.rename(path.with_suffix(".away"))
        try:
            yield
        finally:
            for path in moved:
                path.with_suffix(".away").rename(path)

    def run_it(name: str, *missing: str, **widgets: str) -> list:
        with without(missing):
            return run(notebook(name), spark, env="small", as_of=f"{AS_OF}", **widgets)

    settings.use_conf_dir(str(folder / "conf"))
    yield run_it
    settings.use_conf_dir(None)
    for schema in ("silver", "features", "gold"):
        spark.sql(f"DROP SCHEMA IF EXISTS {schema} CASCADE")  # views only


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_shows_every_table_and_chart(name, show):
    displayed = show(name)

    assert [list(frame.columns) for frame in frames(displayed) if frame.empty] == []
    assert charts(displayed)
    assert all("<svg" in chart and "</figure>" in chart for chart in charts(displayed))


def test_rfm_segments_counts_customers_and_those_who_left(show):
    displayed = show("rfm_segments")

    sizes = find(displayed, "customers_percent")
    # Two customers of 50 each, all in one segment.
    assert sizes[["customers", "customers_percent", "revenue"]].iloc[0].tolist() == [2, 100, 100]
    left = find(displayed, "came_back_percent")
    assert left["as_of"].tolist() == [BEFORE]  # the outcome of AS_OF is not known yet
    assert left[["customers", "left_percent"]].iloc[0].tolist() == [2, 100]


def test_one_customer_shows_the_wanted_customer_alone(show, capsys):
    displayed = show("one_customer", customer_id="bob")

    assert "customer bob, as of 2018-01-01" in capsys.readouterr().out
    shown = {value for frame in frames(displayed) for value in frame.to_numpy().ravel()}
    assert "bob" in shown
    assert "ann" not in shown


def test_one_customer_begins_with_the_most_value_at_risk(show, capsys):
    show("one_customer")

    # Both have the same value at risk: a tie is broken by the name.
    assert "customer ann, as of 2018-01-01" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "missing", "message"),
    [
        ("rfm_segments", "gold.customer_segments", "Run score_customers."),
        ("lifetime_value", "gold.customer_lifetime", "Run fit_lifetime."),
        ("offers_and_uplift", "gold.strategy_comparison", "Run plan_retention."),
        ("offers_and_uplift", "gold.offer_decisions", "Run decide_offers."),
        (
            "offers_and_uplift",
            "gold.uplift_results",
            "Run estimate_uplift: it needs contacts of a campaign in silver.campaign_contacts. Until "
            "then the effect is the assumption in conf.",
        ),
        (
            "offers_and_uplift",
            "gold.campaign_results",
            "Run measure_campaigns when a campaign's outcomes are known.",
        ),
        ("monitoring", "gold.drift", "Run monitor."),
        (
            "monitoring",
            "gold.promise_results",
            "Run decide_offers, and monitor when outcomes are known.",
        ),
        ("one_customer", "gold.customer_scores", "Run score_customers."),
        ("one_customer", "gold.retention_plan", "Run plan_retention."),
    ],
)
def test_a_missing_table_is_named_with_the_command_that_writes_it(name, missing, message, show):
    with pytest.raises(NotebookExit) as caught:
        show(name, missing)

    assert str(caught.value) == f"{missing} does not exist. {message}"


def test_an_unknown_customer_is_named(show):
    with pytest.raises(NotebookExit) as caught:
        show("one_customer", customer_id="x' OR '1' = '1")

    assert str(caught.value) == "x' OR '1' = '1 is not known at 2018-01-01"
