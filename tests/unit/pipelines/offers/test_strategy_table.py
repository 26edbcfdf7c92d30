"""The comparison of strategies as it stands on the screen."""

from __future__ import annotations

from pipelines.offers.strategy_table import strategy_table

ROW = {
    "strategy": "net_value",
    "chosen": 465,
    "value_kept": 17_434.4,
    "cost": 7_100.2,
    "net_value_kept": 10_334.2,
    "ci_low": 7_599.0,
    "ci_high": 13_069.0,
}
UNKNOWN = dict.fromkeys(("value_kept", "cost", "net_value_kept", "ci_low", "ci_high"))


def test_the_default_strategy_comes_first_and_the_unknown_is_a_dash():
    random = {**ROW, **UNKNOWN, "strategy": "random", "chosen": 9}
    lines = strategy_table([ROW, random], ["random", "net_value"], default="net_value")
    assert lines == [
        "back-test one horizon earlier: value kept by strategy, in currency",
        "strategy             chosen   gross   cost     net  95 % interval of net",
        "net_value (default)     465  17,434  7,100  10,334       7,599 to 13,069",
        "random                    9       -      -       -                     -",
    ]


def test_without_a_customer_to_send_an_offer_to_the_screen_says_so():
    assert strategy_table([], ["net_value"], default="net_value") == [
        "no strategy chooses a customer: no offer can be sent in the period of the plan"
    ]
