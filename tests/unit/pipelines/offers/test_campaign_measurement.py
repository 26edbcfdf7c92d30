"""measure_campaigns from contacts and receipts to the table and the screen, without Spark."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pytest
from scipy import stats

from contracts import catalog
from pipelines.offers import campaign_measurement
from runtime.settings import load

AS_OF, DAY = dt.date(2018, 1, 1), "2017-11-01"


@pytest.fixture
def context(frame, session):
    """200 customers with an offer: 80 buy for 10.00. 100 customers without one: 20 buy."""
    contacts = [
        {
            **{"customer_id": f"c{n}", "campaign_id": "trial-1", "is_treated": n < 200},
            **{"offer_id": "ten" if n < 200 else None, "is_randomised": True, "contacted_at": DAY},
        }
        for n in range(300)
    ]
    receipts = [
        {
            **{"customer_id": f"c{n}", "order_id": f"o{n}", "amount": "10.00"},
            **{"purchased_at": "2017-11-04", "quantity": 1},
        }
        for n in (*range(80), *range(200, 220))
    ]
    rows = {"silver.campaign_contacts": contacts, "silver.transactions": receipts}
    told = SimpleNamespace(lines=[], warnings=[], written=[])
    campaigns = {"trial-*": {"intended_share": 0.5}, "sprng": {"intended_share": 0.5}}
    return SimpleNamespace(
        as_of=AS_OF,
        settings=load("demo", measurement={"campaigns": campaigns}),
        spark=session,
        lake=SimpleNamespace(keep=lambda rows: rows, forget=lambda: None),
        needs=lambda *_: None,
        read=lambda name: frame(name, rows.get(name, [])),
        table=lambda name: catalog.tables()[name],
        write=told.written.extend,
        progress=SimpleNamespace(say=told.lines.append, warn=told.warnings.append),
        told=told,
    )


def test_the_intended_share_of_conf_reaches_the_table_and_the_screen(context):
    campaign_measurement.run(context)
    write, of_texts = context.told.written
    assert of_texts.table.name == "gold.text_results"
    rows = [r.asDict() for r in write.frame.collect() if r["segment"] == "all"]
    # 200 and 100 of 300, where 150 each were intended: 50^2 / 150 twice.
    p_value = stats.chi2.sf(2 * 50**2 / 150, 1)
    assert [r["srm_p_value"] for r in rows] == pytest.approx([p_value, p_value])
    lines = [line.strip() for line in context.told.lines]
    assert lines[1] == "trial-1 ten (2017-11): 200 sent, 100 held out; sample ratio p = 7.8e-09"
    assert lines[2].startswith("conversion 40.0 % against 20.0 %: +20.0 percentage points (")
    assert lines[3].startswith("revenue per customer 4.00 against 2.00: +2.00 (")
    unknown, mismatch = context.told.warnings
    assert "is called sprng." in unknown
    assert mismatch.startswith("trial-1 ten (2017-11): sample ratio mismatch. 200 customers")
