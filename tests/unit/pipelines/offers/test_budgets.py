"""Budget and caps of a plan: per plan, or less what earlier plans of the period used."""

from __future__ import annotations

import dataclasses
import datetime as dt
from types import SimpleNamespace

import pytest

from pipelines.offers import budgets
from pipelines.offers.offer_catalog import offers_of_conf
from runtime import settings

USED = {
    "discount_10": {"customers": 3, "expected_cost": 40.0},
    "loyalty_bonus": {"customers": 1, "expected_cost": 25.0},
}
KEPT = SimpleNamespace(where=lambda _: SimpleNamespace(count=lambda: 50))


def problem(monkeypatch, used, **budget):
    """The problem of a plan whose period has this use; `budget`: settings of conf."""
    conf = settings.load("demo", decisions={"budget": budget})
    context = SimpleNamespace(settings=conf, as_of=dt.date(2026, 1, 1))
    monkeypatch.setattr(budgets, "used_of_period", lambda _: used)
    offers = [
        dataclasses.replace(o, most_customers={"discount_10": 5, "discount_20": 2}.get(o.name))
        for o in offers_of_conf()
    ]
    return budgets.problem_of(context, KEPT, offers)


@pytest.mark.parametrize(
    ("budget", "budget_of_conf", "left"),
    [
        ({"customers_share": None, "money": 100.0}, ("money", 100.0), 100.0 - (40.0 + 25.0)),
        ({"customers_share": None, "money": 60.0}, ("money", 60.0), 0.0),
        ({"customers_share": 0.2, "money": None}, ("customers", 10.0), 10.0 - (3 + 1)),
    ],
)
def test_the_use_by_earlier_plans_is_subtracted(monkeypatch, budget, budget_of_conf, left):
    whole = problem(monkeypatch, {}, **budget)
    assert (whole.unit, whole.budget) == budget_of_conf
    assert whole.caps == {"discount_10": 5, "discount_20": 2}
    remaining = problem(monkeypatch, USED, **budget)
    assert (remaining.unit, remaining.budget) == (budget_of_conf[0], left)
    assert remaining.caps == {"discount_10": 2, "discount_20": 2}
    # The survey is outside the budget.
    assert "winback_survey" not in remaining.offers


def test_without_a_period_no_table_is_read():
    context = SimpleNamespace(settings=settings.load("demo"))
    assert budgets.used_of_period(context) == {}


@pytest.mark.parametrize(
    ("share", "customers", "size"),
    [
        (0.2, 30 + 24, 10.0),  # 10.8: the eleventh customer would be above the budget
        (0.29, 100, 29.0),  # 28.999999999999996 in binary
    ],
)
def test_a_share_of_the_customers_is_rounded_down(share, customers, size):
    conf = {"customers_share": share, "money": None}
    budget = settings.load("demo", decisions={"budget": conf}).decisions.budget
    assert budgets.budget_of(budget, customers) == ("customers", size)


def test_a_budget_counts_active_and_silent_customers_alone(session, monkeypatch):
    """0.2 x (30 + 24) = 10.8, without the ten lost customers."""
    numbers = {"active": 30, "silent": 24, "lost": 10}
    lifecycles = [(name,) for name, count in numbers.items() for _ in range(count)]
    options = session.createDataFrame(lifecycles, "lifecycle string")
    monkeypatch.setattr(budgets, "used_of_period", lambda _: {})
    conf = settings.load("demo", decisions={"budget": {"customers_share": 0.2, "money": None}})
    context = SimpleNamespace(settings=conf, as_of=dt.date(2026, 1, 1))
    assert budgets.problem_of(context, options, []).budget == 10.0
