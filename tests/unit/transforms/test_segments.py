"""Lifecycle, RFM scores, the twelve segments, and the migration between them."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

import pytest
import yaml

from transforms.segments import customer_segments, cut_points, segment_migration
from udfs.registry import formulas

AS_OF, LATER = dt.date(2018, 1, 1), dt.date(2018, 2, 1)
CONF = Path(__file__).parents[3] / "conf" / "defaults.yaml"
FEATURES = (
    "customer_id string, as_of date, recency_days bigint, purchases_365d bigint, "
    "revenue_365d double, is_terminated boolean, tenure_months bigint, total_revenue double, "
    "purchase_frequency_30d double, avg_order_value double, engagement_score double, "
    "engagement_basis string, support_tickets_30d bigint"
)


# Each as_of has its own cut points, so each test uses its own date in a shared frame.
TWELVE_ON, EDGES_ON, NULLS_ON, TIES_ON, ALONE_ON, RETURNS_ON, RULES_ON, PROSPECT_ON, FREE_ON = (
    dt.date(2018, month, 1) for month in range(1, 10)
)


def customer(name, recency, purchases=1, revenue=10.0, **more):
    return {
        "customer_id": name,
        "recency_days": recency,
        "purchases_365d": purchases,
        "revenue_365d": float(revenue),
        "is_terminated": False,
        **more,
    }


RISKY = {"engagement_score": 0.2, "engagement_basis": "login", "support_tickets_30d": 6}
WORTH = {
    "tenure_months": 10,
    "total_revenue": 1200.0,
    "purchase_frequency_30d": 0.1,
    "avg_order_value": 100.0,
}
LIFECYCLES = {1: "active", 30: "active", 31: "silent", 90: "silent", 91: "lost", None: "prospect"}

CUSTOMERS = {
    TWELVE_ON: [
        # Five customers per score: recency 10 (R 5) to 50 days (R 1), 1 to 5 purchases of 10 each.
        *[
            customer(f"{r}{fm}", 60 - 10 * r, fm, 10 * fm)
            for r in range(1, 6)
            for fm in range(1, 6)
        ],
        # Customers who cannot be kept have no score and do not affect a cut point, however extreme.
        *[customer(f"lost {n}", 91, 1000, 1e6) for n in range(30)],
        customer("terminated", 1, 1000, 1e6, is_terminated=True),
        customer("prospect", None, 0, 0),
    ],
    EDGES_ON: [customer(str(d), d) for d in LIFECYCLES],
    NULLS_ON: [customer("a", None, 0, 0, is_terminated=True)],
    TIES_ON: [customer(str(n), n + 1, 1 if n < 5 else 2, 10) for n in range(10)],
    ALONE_ON: [customer("a", 5)],
    RETURNS_ON: [customer(str(n), 1, 1, revenue) for n, revenue in enumerate([-50, 0, 50])],
    RULES_ON: [
        customer("a", 61, **RISKY, **WORTH),
        customer("b", 60, **RISKY, **WORTH),
        customer("c", 61, support_tickets_30d=6),
    ],
    PROSPECT_ON: [customer("a", None, 0, 0)],
    # As on TWELVE_ON, in a company without amounts. A lost customer with an amount changes nothing.
    FREE_ON: [
        *[customer(f"{r}{f}", 60 - 10 * r, f, 0) for r in range(1, 6) for f in range(1, 6)],
        customer("lost", 91, 1000, 1e6),
    ],
}


@pytest.fixture(scope="module")
def conf():
    return {f.name: f for f in formulas(yaml.safe_load(CONF.read_text()))}


@pytest.fixture(scope="module")
def segmented(frame, rows_of, conf):
    """as_of -> name -> row of gold.customer_segments."""
    rows = [{"as_of": as_of, **c} for as_of, customers in CUSTOMERS.items() for c in customers]
    by_day = {as_of: {} for as_of in CUSTOMERS}
    for row in rows_of(customer_segments(frame(FEATURES, rows), 365, conf)):
        assert row["customer_id"] not in by_day[row["as_of"]]
        by_day[row["as_of"]][row["customer_id"]] = row
    return by_day


CUTS = [
    (range(1, 11), (2, 4, 6, 8)),  # the 2nd, 4th, 6th and 8th of ten
    ([5, 4, 3, 2, 1], (1, 2, 3, 4)),  # 1 of 5 is 20 %
    ([1] * 5 + [2] * 5, (1, 1, 2, 2)),  # 1 reaches 5 of 10 = 50 %
    ([1] * 9 + [100], (1, 1, 1, 1)),  # 1 reaches 90 %, past the last cut
    ([1, 2, 3], (1, 2, 2, 3)),  # 1 reaches 33 %, 2 67 %, 3 100 %
    ([7], (7, 7, 7, 7)),
    ([7, None, None], (7, 7, 7, 7)),  # nulls are ignored
    ([-3, -1, -2, -5, -4], (-5, -4, -3, -2)),
    ([None], None),
]


def test_a_cut_point_is_the_smallest_value_that_reaches_its_share(frame, tuples_of):
    """Random values too: the k-th of n sorted values, with the smallest k for which 100 k >= n p."""
    draw = random.Random(5)
    logs = [[draw.randrange(20) for _ in range(draw.randrange(1, 40))] for _ in range(300)]
    by_rank = [tuple(sorted(v)[-(-len(v) * p // 100) - 1] for p in (20, 40, 60, 80)) for v in logs]
    cases = [*CUTS, *zip(logs, by_rank, strict=True)]
    day = [AS_OF + dt.timedelta(days=n) for n in range(len(cases))]
    values = [(day[n], v) for n, (given, _) in enumerate(cases) for v in given]
    all_cuts = tuples_of(cut_points(frame("as_of date, value bigint", values), "value"))
    assert all_cuts == [(day[n], *cuts) for n, (_, cuts) in enumerate(cases) if cuts]


# F = M = 1 ... 5, with R = 1 ... 5 in the rows from the top: product.md §5.
TWELVE = {
    5: ["New Customers", "New Customers", "Potential Loyalists", "Champions", "Champions"],
    4: ["Promising", "Promising", "Potential Loyalists", "Loyal Customers", "Loyal Customers"],
    3: ["About To Sleep", "About To Sleep", "Need Attention", "Loyal Customers", "Loyal Customers"],
    2: ["Hibernating", "Hibernating", "At Risk", "Can't Lose Them", "Can't Lose Them"],
    1: ["Hibernating", "Hibernating", "At Risk", "Can't Lose Them", "Can't Lose Them"],
}
GROUPS = {
    "Champions": "High-value",
    "Loyal Customers": "Loyal",
    "Potential Loyalists": "Loyal",
    "New Customers": "New",
    "Promising": "New",
    "Prospects": "New",
    "Need Attention": "At-risk",
    "About To Sleep": "At-risk",
    "At Risk": "At-risk",
    "Can't Lose Them": "At-risk",
    "Hibernating": "Hibernating",
    "Lost": "Hibernating",
}


def test_all_twelve_segments(segmented):
    rows = segmented[TWELVE_ON]
    for r, names in TWELVE.items():
        for fm, segment in enumerate(names, start=1):
            row = rows[f"{r}{fm}"]
            assert (row["r_score"], row["f_score"], row["m_score"]) == (r, fm, fm)
            assert (row["rfm_score"], row["segment"]) == (f"{r}{fm}{fm}", segment)
            assert row["rfm_priority"] == pytest.approx(0.4 * r + 0.3 * fm + 0.3 * fm)
    assert {r["segment"]: r["segment_group"] for r in rows.values()} == GROUPS
    assert len(rows) == 25 + 30 + 2


def test_without_amounts_the_frequency_alone_decides_beside_the_recency(segmented):
    """M is 1 for all. With FM = (F + 1) / 2 no customer would reach 4, and there were no Champions."""
    rows = segmented[FREE_ON]
    for r, names in TWELVE.items():
        for f, segment in enumerate(names, start=1):
            row = rows[f"{r}{f}"]
            assert (row["rfm_score"], row["segment"]) == (f"{r}{f}1", segment)
    # The same M for all, but not the same amount: one of ten is above the others.
    assert segmented[TIES_ON]["9"]["segment"] == TWELVE[1][3 - 1]


# Ten customers with 1 to 10 purchases, all else equal. "3" has score 2 (above cut_20 = 2, not above
# cut_40 = 4); with cut points 10 % of the customers higher (3, 5, 7, 9) score 1, lower (1, 3, 5, 7) 2.
HELD = [
    # name, margin, previous score, score that decides the segment
    ("3", 10, 1, 1),  # within the margin: kept
    ("3", 10, 2, 2),  # unchanged
    ("3", 10, 3, 2),  # beyond the margin
    ("3", 10, None, 2),  # the customer had no score
    ("3", 0, 1, 2),  # without a margin the score of the date decides
    ("9", 10, 4, 4),  # score 5 (above 8), 4 with cut_90 = 9, which is not below 9
    ("10", 10, 4, 5),  # above cut_90
]


@pytest.mark.parametrize(("name", "margin", "before", "decides"), HELD)
def test_a_score_within_the_margin_of_the_previous_date_decides_the_segment(
    frame, rows_of, conf, name, margin, before, decides
):
    rows = [{"as_of": LATER, **customer(str(n), 5, n, 10)} for n in range(1, 11)]
    scores = "customer_id string, segment_r int, segment_f int, segment_m int"
    previous = frame(scores, [(name, 1, before, 1)])
    held = customer_segments(frame(FEATURES, rows), 365, conf, previous=previous, margin=margin)
    by_name = {r["customer_id"]: r for r in rows_of(held)}
    alone = {
        r["customer_id"]: r for r in rows_of(customer_segments(frame(FEATURES, rows), 365, conf))
    }
    assert by_name[name]["segment_f"] == decides
    scored = ("r_score", "f_score", "m_score", "rfm_score", "rfm_priority")
    for other, row in by_name.items():
        assert [row[s] for s in scored] == [alone[other][s] for s in scored]
        if other != name:
            assert row["segment_f"] == row["f_score"]


def test_the_segment_follows_the_scores_that_decide_it(frame, rows_of, conf):
    """R is 1 for all (same day), M too. F 4 gives Can't Lose Them, F 3 At Risk: FM = F."""
    rows = [{"as_of": LATER, **customer(str(n), 5, n, 10)} for n in range(1, 11)]
    columns = "customer_id string, segment_r int, segment_f int, segment_m int"
    previous = frame(columns, [("7", 1, 3, 1)])  # 7: score 4; with cut points 3, 5, 7, 9 score 3
    for before, segment in ((None, "Can't Lose Them"), (previous, "At Risk")):
        held = customer_segments(frame(FEATURES, rows), 365, conf, previous=before, margin=10)
        row = next(r for r in rows_of(held) if r["customer_id"] == "7")
        assert (row["f_score"], row["segment"]) == (4, segment)


def test_a_lost_customer_keeps_no_score(frame, rows_of, conf):
    columns = "customer_id string, segment_r int, segment_f int, segment_m int"
    rows = [{"as_of": LATER, **customer("a", 91)}, {"as_of": LATER, **customer("b", 5)}]
    previous = frame(columns, [("a", 5, 5, 5)])
    held = customer_segments(frame(FEATURES, rows), 365, conf, previous=previous, margin=10)
    lost = next(r for r in rows_of(held) if r["customer_id"] == "a")
    assert (lost["segment"], lost["segment_r"]) == ("Lost", None)


def test_who_cannot_be_kept_has_a_segment_and_no_scores(segmented):
    for name, segment in (("lost 0", "Lost"), ("terminated", "Lost"), ("prospect", "Prospects")):
        row = segmented[TWELVE_ON][name]
        scores = ("r_score", "f_score", "m_score", "rfm_score", "rfm_priority")
        assert [row[score] for score in scores] == [None] * 5
        assert (row["lifecycle"], row["segment"]) == (name.split(" ")[0], segment)


def test_lifecycle_at_its_edges(segmented):
    assert {d: segmented[EDGES_ON][str(d)]["lifecycle"] for d in LIFECYCLES} == LIFECYCLES


def test_who_left_without_a_purchase_is_terminated(segmented):
    row = segmented[NULLS_ON]["a"]
    assert (row["lifecycle"], row["segment"]) == ("terminated", "Lost")


def test_ties_share_a_score_and_a_degenerate_distribution_gives_fewer(segmented):
    # Frequency 1 for five, 2 for five: cut points 1, 1, 2, 2. All revenues are equal: one score.
    rows = [segmented[TIES_ON][str(n)] for n in range(10)]
    scores = [(row["f_score"], row["m_score"]) for row in rows]
    assert scores == [(1, 1)] * 5 + [(1 + 2, 1)] * 5
    # Silent for 1 to 10 days, two customers per score.
    assert [row["r_score"] for row in rows] == [5, 5, 4, 4, 3, 3, 2, 2, 1, 1]


def test_one_customer_has_the_lowest_scores(segmented):
    row = segmented[ALONE_ON]["a"]
    assert (row["rfm_score"], row["segment"]) == ("111", "Hibernating")


def test_returns_may_make_the_money_negative(segmented):
    # Cut points -50, 0, 0, 50: none, one, then three of them are below the value.
    assert [segmented[RETURNS_ON][str(n)]["m_score"] for n in range(3)] == [1, 1 + 1, 1 + 3]


def test_prospects_alone_have_no_cut_points(segmented):
    assert segmented[PROSPECT_ON]["a"]["segment"] == "Prospects"


def test_no_customer_gives_no_row(frame, rows_of, conf):
    assert rows_of(customer_segments(frame(FEATURES, []), 365, conf)) == []


def test_the_rule_flag_and_the_rule_of_thumb_for_value(segmented):
    rows = segmented[RULES_ON]
    # The rule applies at 61 days, not at 60, and not with a null.
    assert [rows[name]["high_risk_churn"] for name in "abc"] == [True, False, False]
    # 1200 / 10 per month, times min(1.2 * 10, 60) months, times min(2 * 0.1, 3), without a tier.
    assert rows["a"]["clv_score"] == pytest.approx(120 * 12 * 0.2 * 1)
    assert rows["c"]["clv_score"] is None
    assert rows["a"]["engagement_basis"] == "login"


def test_customers_are_counted_by_the_way_they_took(frame, tuples_of):
    columns = "customer_id string, as_of date, segment string, monetary double"
    now = [
        ("stayed", LATER, "Champions", 100.10),
        ("stayed too", LATER, "Champions", 50.05),
        ("fell", LATER, "At Risk", 30.0),
        ("came", LATER, "New Customers", -5.0),
    ]
    then = [
        ("stayed", AS_OF, "Champions", 1.0),
        ("stayed too", AS_OF, "Champions", 1.0),
        ("fell", AS_OF, "Champions", 1.0),
        ("erased since", AS_OF, "Lost", 1.0),
    ]
    ways = segment_migration(frame(columns, now), frame(columns, then), AS_OF)
    assert tuples_of(ways) == [
        (LATER, AS_OF, "Champions", "At Risk", 1, 30.0),
        (LATER, AS_OF, "Champions", "Champions", 2, (10010 + 5005) / 100),
        (LATER, AS_OF, "New customer", "New Customers", 1, -5.0),
    ]
