"""measure_campaigns on Spark: the effect of a campaign from contacts and purchases, run twice."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from pipelines.offers import campaign_measurement
from runtime.lakehouse.writes import Write
from tests.jobs.decision_lake import AS_OF, rows_of

pytestmark = [pytest.mark.acceptance, pytest.mark.spark_only]


def test_a_campaign_is_measured_against_its_hold_out(make_context, tmp_path):
    context = make_context(tmp_path / "lake", as_of=AS_OF)
    context = context.at(AS_OF)
    day = dt.datetime(2017, 11, 1)
    # 80 of 200 treated and 20 of 100 held-out customers buy. A purchase is worth 10.
    contacts = [
        {
            "customer_id": f"c{n}",
            "campaign_id": "t",
            "offer_id": "discount_10" if n < 200 else None,
            "is_treated": n < 200,
            "is_randomised": True,
            "contacted_at": day,
        }
        for n in range(300)
    ]
    buyers = [*range(80), *range(200, 220)]
    receipts = [
        {
            "customer_id": f"c{n}",
            "order_id": f"o{n}",
            "amount": Decimal("10.00"),
            "purchased_at": day + dt.timedelta(days=3),
        }
        for n in buyers
    ]
    tables = {"silver.campaign_contacts": contacts, "silver.transactions": receipts}
    context.lake.commit(
        [
            Write(context.table(n), rows_of(context, n, rows), ["x"], is_checked=False)
            for n, rows in tables.items()
        ]
    )
    campaign_measurement.run(context)
    campaign_measurement.run(context)  # merged on the key: no new rows
    results = context.read("gold.campaign_results").toPandas()
    whole = results[results["segment"] == "all"].set_index("metric")
    assert len(whole) == 2
    assert whole.loc["conversion", "effect"] == pytest.approx(80 / 200 - 20 / 100)
    assert whole.loc["retained_revenue", "value_treated"] == pytest.approx(80 * 10 / 200)
    assert list(whole["treated"]) == [200, 200] and list(whole["held_out"]) == [100, 100]
    assert set(whole["policy"]) == {"mass"} and set(whole["month"]) == {"2017-11"}
