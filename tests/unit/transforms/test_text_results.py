"""What the customers with each text did, with every sum computed by hand."""

from __future__ import annotations

import pytest

from transforms.text_results import text_results

OUTCOMES = (
    "campaign_id string, customer_id string, offer_id string, is_treated boolean, "
    "conversion double, retained_revenue double"
)


def message(customer, text_id, **more):
    plain = {"campaign_id": "plan", "offer_id": "ten", "theme": "savings", "tone": "warm"}
    plain |= {"language": "en", "written_by": "claude"}
    return {**plain, "customer_id": customer, "text_id": text_id, **more}


def test_texts_of_treated_customers(frame, rows_of):
    outcomes = frame(
        OUTCOMES,
        [
            ("plan", "a", "ten", True, 1.0, 10.0),
            ("plan", "b", "ten", True, 1.0, 20.0),
            ("plan", "c", "ten", True, 0.0, 0.0),
            ("plan", "d", "ten", True, 0.0, 4.0),
            ("plan", "e", "ten", False, 1.0, 99.0),  # held out
            ("plan", "f", "ten", True, 1.0, 99.0),  # has no message
            ("plan", "g", "gift", True, 1.0, 99.0),  # the message was for another offer
            ("mass", "a", "ten", True, 1.0, 99.0),  # a campaign without messages
        ],
    )
    messages = frame(
        "gold.messages",
        [
            *[message(c, "t1") for c in "abce"],
            message("d", "t2", written_by="template"),
            message("g", "t1"),
        ],
    )
    rows = {(r["text_id"], r["metric"]): r for r in rows_of(text_results(outcomes, messages))}
    assert set(rows) == {(t, m) for t in ("t1", "t2") for m in ("conversion", "retained_revenue")}
    share, revenue = rows["t1", "conversion"], rows["t1", "retained_revenue"]
    assert (share["customers"], share["value"]) == (3, pytest.approx(2 / 3))
    # (2 + 1.9208) / (3 + 3.8415) = 0.57309; half: 1.96 x (0.57309 x 0.42691 / 6.8415) ** 0.5
    assert share["ci_low"] == pytest.approx(0.57309 - 0.37064, abs=1e-4)
    assert share["ci_high"] == pytest.approx(0.57309 + 0.37064, abs=1e-4)
    # 10, 20 and 0: mean 10, variance 100; half: 1.96 x (100 / 3) ** 0.5 = 11.3159
    assert revenue["value"] == 10.0
    assert (revenue["ci_low"], revenue["ci_high"]) == (
        pytest.approx(10 - 11.3159, abs=1e-3),
        pytest.approx(10 + 11.3159, abs=1e-3),
    )
    alone = rows["t2", "retained_revenue"]
    assert (alone["customers"], alone["value"], alone["ci_low"]) == (1, 4.0, None)
    assert alone["written_by"] == "template"
