"""Steps of the search for shadow prices: samples, undecided customers, sums and solved choices."""

from __future__ import annotations

import pytest

from transforms.allocation_search import (
    between_prices,
    keep_choice,
    keep_next,
    keep_price_sample,
    keep_with_gain,
    plan_totals,
    with_next_choice,
    with_solved_choice,
)

OPTIONS = "customer_id string, gain_a double, cost_a double, gain_b double, cost_b double"


def ids(rows):
    return sorted(r["customer_id"] for r in rows.collect())


def test_customers_without_a_gain_above_0_are_left_out(frame):
    rows = [
        ("one_gain", 1.0, 1.0, None, None),
        ("loss", -1.0, 1.0, None, None),
        ("zero", 0.0, 1.0, -2.0, 1.0),
        ("not_possible", None, None, None, None),
        ("second_gain", -1.0, 1.0, 2.0, 1.0),
    ]
    assert ids(keep_with_gain(frame(OPTIONS, rows), ["a", "b"])) == ["one_gain", "second_gain"]


def test_between_two_prices_only_the_undecided_remain(frame):
    """The price of the budget rises from 1 to 3; gain per cost decides."""
    rows = [
        ("always", 8.0, 2.0, None, None),  # 8 - 1 x 2 and 8 - 3 x 2 are above 0
        ("sometimes", 4.0, 2.0, None, None),  # 4 - 1 x 2 is above 0, 4 - 3 x 2 is not
        ("never", 1.0, 2.0, None, None),  # 1 - 1 x 2 is below 0
    ]
    split = between_prices(
        frame(OPTIONS, rows), ["a", "b"], "money", cheap={"budget": 1.0}, dear={"budget": 3.0}
    )
    assert ids(split.undecided) == ["sometimes"]
    assert split.undecided.columns == [part.split(" ")[0] for part in OPTIONS.split(", ")]
    (total,) = split.settled.collect()
    assert (total["used"], total["count_a"], total["count_b"]) == (2.0, 1, 0)


def test_the_totals_of_a_plan_are_one_row_and_none_without_customers(frame):
    columns = f"{OPTIONS}, choice string"
    rows = [
        ("c1", 8.0, 2.0, None, None, "a"),
        ("c2", 8.0, 2.0, 5.0, 0.5, "b"),
        ("c3", 8.0, 2.0, 5.0, 0.5, "none"),
    ]
    (total,) = plan_totals(frame(columns, rows), ["a", "b"], "money").collect()
    assert (total["used"], total["count_a"], total["count_b"]) == (2.0 + 0.5, 1, 1)
    (total,) = plan_totals(frame(columns, rows), ["a", "b"], "customers").collect()
    assert total["used"] == 2.0
    assert plan_totals(frame(columns, []), ["a", "b"], "money").collect() == []


def test_a_solved_choice_replaces_the_earlier_one(frame, tuples_of):
    rows = [("c1", "a"), ("c2", "a"), ("c3", "b"), ("c4", "none")]
    chosen = frame("customer_id string, choice string", rows)
    solved = {"c1": "none", "c3": "a", "c4": "b"}
    assert tuples_of(with_solved_choice(chosen, solved, ["customer_id"])) == [
        ("c1", "none"),
        ("c2", "a"),
        ("c3", "a"),
        ("c4", "b"),
    ]
    assert ids(keep_choice(chosen, "a")) == ["c1", "c2"]


def test_a_price_sample_has_about_its_share_and_a_larger_one_contains_it(frame):
    customers = frame("customer_id string", [(f"c{n}",) for n in range(1_000)])
    small, large = (ids(keep_price_sample(customers, share)) for share in (0.1, 0.4))
    # Four standard errors: 4 x sqrt(1,000 x 0.1 x 0.9) = 38.
    assert len(small) == pytest.approx(100, abs=38)
    assert set(small) < set(large)


def test_what_is_left_of_a_budget_goes_to_the_next_by_gain_then_risk_then_id(frame, tuples_of):
    columns = f"{OPTIONS}, churn_probability double, choice string"
    rows = [
        ("c1", 9.0, 1.0, None, None, 0.1, "a"),  # has an offer
        ("c2", 5.0, 1.0, 5.0, 1.0, 0.2, "none"),
        ("c3", 1.0, 1.0, 5.0, 1.0, 0.9, "none"),
        ("c4", 5.0, 1.0, None, None, 0.2, "none"),
        ("c5", 0.0, 1.0, -1.0, 1.0, 0.9, "none"),  # no gain
        ("c6", 7.0, 1.0, None, None, 0.1, "none"),
    ]
    chosen = frame(columns, rows)
    following = keep_next(chosen, ["a", "b"], 3)
    assert tuples_of(following) == [("c2", "a"), ("c3", "b"), ("c6", "a")]
    assert len(ids(keep_next(chosen, ["a", "b"], 9))) == 4
    assert tuples_of(with_next_choice(chosen, following), "customer_id", "choice") == [
        ("c1", "a"),
        ("c2", "a"),
        ("c3", "b"),
        ("c4", "none"),
        ("c5", "none"),
        ("c6", "a"),
    ]
