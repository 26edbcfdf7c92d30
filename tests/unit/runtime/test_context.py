"""A date that the data cannot serve is refused with the day that would do, on DuckDB."""

from __future__ import annotations

import datetime as dt

import pytest
from deltalake import write_deltalake

from pipelines.features import feature_tables
from pipelines.features.feature_tables import FeatureOptions
from runtime.errors import TableError, UsageError
from tests.jobs.silver_lake import SILVER, arrow_of, context_at

pytestmark = pytest.mark.duckdb_only


@pytest.fixture(scope="module")
def silver(tmp_path_factory):
    """Purchases from 2017-10-01 to 2018-02-20, and nothing else."""
    root = tmp_path_factory.mktemp("silver")
    rows = arrow_of("silver.transactions", SILVER["silver.transactions"])
    (root / "silver").mkdir()
    write_deltalake(root / "silver" / "transactions", rows)
    return root


@pytest.mark.parametrize(
    "day, message",
    [
        (
            dt.date(2017, 10, 1),
            "as_of 2017-10-01: no purchase lies before this day. The first purchase is on "
            "2017-10-01. Use a later day.",
        ),
        (
            dt.date(1999, 1, 1),
            "as_of 1999-01-01: no purchase lies before this day. The first purchase is on "
            "2017-10-01. Use a later day.",
        ),
        (
            dt.date(2018, 2, 21),
            "--as-of 2018-02-21: purchases are complete only up to 2018-02-20. Use that day or "
            "an earlier one.",
        ),
    ],
)
def test_a_day_before_any_data_or_after_all_of_it(silver, day, message):
    with pytest.raises(UsageError) as error:
        feature_tables.run(context_at(silver, engine="duckdb"), FeatureOptions([day]))
    assert str(error.value) == message
    assert not (silver / "features").exists()


def test_before_the_ingest_it_says_what_to_run(tmp_path):
    root = tmp_path / "lakehouse"
    with pytest.raises(TableError) as error:
        options = FeatureOptions([dt.date(2018, 1, 1)])
        feature_tables.run(context_at(root, engine="duckdb"), options)
    assert str(error.value) == (
        "silver.transactions: does not exist in lakehouse. Run `holdfast ingest --env demo` first."
    )


def test_without_a_source_of_purchases_the_conf_is_named(tmp_path):
    root = tmp_path / "lakehouse"
    context = context_at(root, engine="duckdb")
    others = {n: s for n, s in context.settings.sources.items() if s.table != "transactions"}
    context.settings = context.settings.model_copy(update={"sources": others})
    with pytest.raises(UsageError) as error:
        context.needs("silver.transactions", "ingest")
    assert str(error.value) == (
        "conf/demo.yaml: sources fill campaign_contacts, customers, offer_redemptions, but no "
        "source has `table: transactions`, so silver.transactions does not exist. Add a source of "
        "transactions; docs/own_data.md shows one."
    )
