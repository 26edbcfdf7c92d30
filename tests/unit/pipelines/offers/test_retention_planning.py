"""A budget is a finite amount of money above 0, or a share of the customers."""

from __future__ import annotations

import pytest

from pipelines.offers.retention_planning import PlanOptions, budget
from runtime.errors import UsageError
from runtime.settings import load


def of_options(**options):
    limits = budget(load("demo").decisions.budget, PlanOptions(**options))
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
