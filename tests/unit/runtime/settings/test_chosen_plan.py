"""The budget of a plan is a finite amount of money above 0, or a share of the customers."""

from __future__ import annotations

import pytest

from runtime.errors import UsageError
from runtime.settings import load


def of_options(budget_share=None, budget_money=None):
    limits = load("demo").decisions.budget.chosen(budget_share, budget_money)
    return limits.customers_share, limits.money


@pytest.mark.parametrize("money", [float("nan"), float("inf"), 0.0, -1.0])
def test_an_invalid_amount_of_money_is_refused(money):
    with pytest.raises(UsageError) as caught:
        of_options(budget_money=money)
    assert str(caught.value) == (
        f"--budget-money {money}: must be above 0 and finite, in the data's currency."
    )


@pytest.mark.parametrize("share", [float("nan"), float("inf"), 0.0, -1.0, 1.5])
def test_an_invalid_share_is_refused(share):
    with pytest.raises(UsageError, match=f"--budget-share {share}: must be above 0"):
        of_options(budget_share=share)


def test_a_budget_is_money_or_a_share():
    assert of_options(budget_money=0.5) == (None, 0.5)
    assert of_options(budget_share=1.0) == (1.0, None)
    assert of_options() == (0.2, None)


def test_a_plan_has_one_strategy_of_conf_or_all():
    plan = load("demo").plan
    assert plan.chosen("net_value") == ["net_value"]
    assert plan.chosen("all") == [
        "churn_probability", "p_alive", "clv_at_risk", "net_value", "random"
    ]  # fmt: skip
    with pytest.raises(UsageError) as caught:
        plan.chosen("net_valu")
    assert str(caught.value) == (
        "--strategy net_valu: must be all or one of churn_probability, p_alive, clv_at_risk, "
        "net_value, random. Did you mean net_value?"
    )
