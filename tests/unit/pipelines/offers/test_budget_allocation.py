"""The allocation against an exact solver. No plan exceeds the budget, and no offer loses money."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, sparse

from models.knapsack import best_choices
from pipelines.offers import budget_allocation, shadow_prices
from pipelines.offers.budget_allocation import allocate, check_cap
from pipelines.offers.shadow_prices import Problem
from runtime.errors import UsageError
from tests.unit.conftest import keeper

# sqlframe caches the columns of a table name for the life of the process, so each name is new.
NUMBERS = itertools.count()
OFFERS = ("a", "b", "c", "d", "e", "f")


def customers(rows, seed, offers=OFFERS):
    """Gains and costs that grow with the value of the customer; a third of the offers is not possible."""
    draw = np.random.default_rng(seed)
    value = draw.lognormal(5, 1, rows)
    cost = value[:, None] * draw.uniform(0.01, 0.2, (rows, len(offers)))
    gain = value[:, None] * draw.uniform(-0.05, 0.3, (rows, len(offers)))
    barred = draw.random((rows, len(offers))) < 0.33
    return np.where(barred, np.nan, gain), np.where(barred, np.nan, cost)


def frame_of(session, gain, cost, offers=OFFERS):
    data = {"customer_id": [f"c{i:05d}" for i in range(len(gain))]}
    for k, name in enumerate(offers):
        data[f"gain_{name}"] = gain[:, k]
        data[f"cost_{name}"] = cost[:, k]
    rows = pd.DataFrame(data)
    if hasattr(session, "_conn"):
        # Inline values would be parsed with each query.
        name = f"customers_{next(NUMBERS)}"
        session._conn.register(f"{name}_source", rows)
        session._conn.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_source")
        return session.table(name)
    ddl = ", ".join(f"{c} {'string' if c == 'customer_id' else 'double'}" for c in rows)
    records = [
        tuple(None if isinstance(v, float) and np.isnan(v) else v for v in row)
        for row in rows.itertuples(index=False)
    ]
    return session.createDataFrame(records, ddl)


def solved(session, gain, cost, unit, budget, caps=None, offers=OFFERS):
    rows = frame_of(session, gain, cost, offers)
    plan = allocate(Problem(rows, offers, unit, budget, caps or {}), keeper(session))
    rows = plan.rows.select("customer_id", "choice").toPandas().sort_values("customer_id")
    names = {name: k for k, name in enumerate(offers)}
    return np.array([names.get(c, -1) for c in rows["choice"]]), plan


def worth(matrix, chosen):
    taken = np.flatnonzero(chosen >= 0)
    return matrix[taken, chosen[taken]].sum()


@pytest.mark.parametrize("share", [0.05, 0.3, 0.7])
@pytest.mark.parametrize("seed", [1, 2])
def test_money_is_spent_within_a_thousandth_of_the_exact_solver(session, seed, share):
    gain, cost = customers(600, seed)
    budget = share * np.nansum(np.where(gain > 0, cost, 0).min(axis=1))
    exact = best_choices(gain, cost, budget, caps=np.full(6, np.inf))
    chosen, plan = solved(session, gain, cost, "money", budget)
    assert worth(cost, chosen) <= budget + 1e-9
    assert worth(gain, chosen) >= 0.999 * worth(gain, exact)
    assert plan.used == pytest.approx(worth(cost, chosen))


def test_a_budget_in_customers_gives_the_exact_optimum(session):
    gain, cost = customers(900, 3)
    best = np.sort(np.nan_to_num(gain, nan=-1.0).max(axis=1))[::-1]
    chosen, _ = solved(session, gain, cost, "customers", 90)
    assert (chosen >= 0).sum() == 90
    # One offer per customer: the 90 greatest of the customers' best gains.
    assert worth(gain, chosen) == pytest.approx(best[:90].sum())


def test_equal_customers_at_the_edge_use_up_the_budget_in_the_order_of_the_id(session):
    """1,000 customers have the same gain, and 600 of them can get the offer."""
    gain, cost = np.full((1_000, 1), 2.0), np.full((1_000, 1), 1.0)
    chosen, plan = solved(session, gain, cost, "customers", 600, offers=("a",))
    assert plan.used == 600
    assert (chosen[:600] == 0).all() and (chosen[600:] == -1).all()
    # A second offer keeps more, but only five customers may get it.
    gain, cost = np.tile([2.0, 3.0], (1_000, 1)), np.full((1_000, 2), 1.0)
    chosen, plan = solved(session, gain, cost, "customers", 600, {"b": 5}, offers=("a", "b"))
    assert ((chosen == 0).sum(), (chosen == 1).sum()) == (595, 5)


def test_a_cap_of_an_offer_holds_with_little_loss(session):
    gain, cost = customers(600, 4)
    budget = 0.5 * np.nansum(np.where(gain > 0, cost, 0).min(axis=1))
    caps = np.full(6, np.inf)
    caps[:2] = (10, 25)
    exact = best_choices(gain, cost, budget, caps=caps)
    chosen, _ = solved(session, gain, cost, "money", budget, {"a": 10, "b": 25})
    assert (chosen == 0).sum() <= 10 and (chosen == 1).sum() <= 25
    assert worth(cost, chosen) <= budget + 1e-9
    assert worth(gain, chosen) >= 0.999 * worth(gain, exact)


# Costs of the offers as shares of the customer's value. The first is cheap: all customers want it.
COST_SHARES = np.array([0.01, 0.2, 0.05, 0.15, 0.03, 0.10])


def most_worth(gain, cost, budget, caps):
    """An upper bound of the gain: the linear relaxation, in which a customer gets parts of offers."""
    rows, count = gain.shape
    one_each = sparse.kron(sparse.eye(rows), np.ones((1, count)))
    of_offers = sparse.kron(np.ones((1, rows)), sparse.eye(count)).tocsr()[: len(caps)]
    limits = np.concatenate([np.ones(rows), [budget], caps])
    all_rules = sparse.vstack([one_each, cost.reshape(1, -1), of_offers])
    solution = optimize.linprog(-np.maximum(gain, 0).ravel(), all_rules, limits, bounds=(0, 1))
    return -solution.fun


def four_capped(share):
    """3,000 customers whose gains hardly depend on the costs. Budget: a share of the highest costs."""
    draw = np.random.default_rng(3)
    value = draw.lognormal(5, 1, 3_000)
    cost = value[:, None] * COST_SHARES
    gain = value[:, None] * draw.uniform(-0.05, 0.3, cost.shape)
    budget = share * np.where(gain > 0, cost, 0).max(axis=1).sum()
    return gain, cost, budget, {"a": 30, "b": 30, "c": 30, "d": 60}


@pytest.mark.parametrize("share", [0.2, 0.3])
def test_a_cap_of_an_offer_holds_beside_three_others(session, share):
    """The price of the budget is searched last, and each price changes the choice of other offers."""
    gain, cost, budget, caps = four_capped(share)
    chosen, _ = solved(session, gain, cost, "money", budget, caps)
    assert [(chosen == k).sum() <= cap for k, cap in enumerate(caps.values())] == [True] * 4
    assert worth(cost, chosen) <= budget + 1e-9
    bound = most_worth(gain, cost, budget, list(caps.values()))
    assert worth(gain, chosen) >= 0.999 * bound


def test_customers_above_a_cap_are_solved_exactly(session, monkeypatch):
    """After two rounds, more customers than the caps have an offer, and most are not near a tie."""
    monkeypatch.setattr(shadow_prices, "CAP_ROUNDS", 2)
    monkeypatch.setattr(budget_allocation, "CORE", 20)
    gain, cost, budget, caps = four_capped(0.2)
    chosen, _ = solved(session, gain, cost, "money", budget, caps)
    assert [(chosen == k).sum() <= cap for k, cap in enumerate(caps.values())] == [True] * 4
    assert worth(cost, chosen) <= budget + 1e-9


def test_a_plan_above_a_cap_is_refused():
    problem = Problem(None, ("a",), "money", 100.0, {"a": 2})
    check_cap(problem, "a", 2)
    with pytest.raises(UsageError) as raised:
        check_cap(problem, "a", 10)
    assert str(raised.value) == (
        "conf/offers.yaml: most_customers of a is 2, but the best plan found gives the offer to 10 "
        "customers. Raise most_customers, or remove one of the caps."
    )


@pytest.mark.parametrize(("customers_sent", "is_kept"), [(2, True), (3, False)])
def test_a_plan_one_customer_above_a_cap_is_refused(session, monkeypatch, customers_sent, is_kept):
    """The exact solver is replaced by a plan that may exceed the cap. The final check refuses it."""
    chosen = {f"c{n:05d}": "a" if n < customers_sent else "none" for n in range(5)}
    monkeypatch.setattr(budget_allocation, "solve_core", lambda problem, rows: chosen)
    gain, cost = np.ones((5, 1)), np.ones((5, 1))
    if is_kept:
        choices, plan = solved(session, gain, cost, "money", 100.0, {"a": 2}, ("a",))
        assert (choices == 0).sum() == plan.used == 2
        return
    with pytest.raises(
        UsageError, match="is 2, but the best plan found gives the offer to 3 customers"
    ):
        solved(session, gain, cost, "money", 100.0, {"a": 2}, ("a",))


@pytest.mark.parametrize("unit", ["money", "customers"])
@pytest.mark.parametrize("budget", [2_300, 2_700])
def test_the_price_is_exact_if_more_customers_than_the_core_are_near_the_limit(
    session, unit, budget
):
    """4,000 customers with cost 1 and gains 0.14000, 0.13999, ..., 0.10001.

    1,000 of them lie within 0.01, and the exact solver gets the nearest 400. The prices, 0.117 and
    0.113, are not near a multiple of 0.01.
    """
    gain = (14_000 - np.arange(4_000))[:, None] / 100_000
    assert budget_allocation.CORE == 400
    chosen, plan = solved(session, gain, np.ones((4_000, 1)), unit, float(budget), offers=("a",))
    assert plan.used == (chosen == 0).sum() <= budget
    # Exactly the customers with the greatest gains get the offer.
    assert (chosen == 0).tolist() == [n < budget for n in range(4_000)]
    assert gain[budget, 0] <= plan.shadow_price <= gain[budget - 1, 0]


THREE = OFFERS[:3]


# More customers than the driver holds, and few of them solved exactly, as with millions.
@pytest.fixture
def many(monkeypatch):
    monkeypatch.setattr(shadow_prices, "SAMPLE", 200)
    monkeypatch.setattr(budget_allocation, "CORE", 20)
    passes = []
    undecided = shadow_prices.Search._undecided

    def counted(self, *given):
        passes.append(self.axis)
        return undecided(self, *given)

    monkeypatch.setattr(shadow_prices.Search, "_undecided", counted)
    return passes


def test_more_customers_than_a_sample_are_within_a_thousandth_of_the_exact_solver(session, many):
    gain, cost = customers(3_000, 7, THREE)
    budget = 0.3 * np.nansum(np.where(gain > 0, cost, 0).min(axis=1))
    exact = best_choices(gain, cost, budget, caps=np.full(3, np.inf))
    chosen, plan = solved(session, gain, cost, "money", budget, offers=THREE)
    assert set(many) == {"budget"}
    assert worth(cost, chosen) <= budget + 1e-9
    assert worth(gain, chosen) >= 0.999 * worth(gain, exact)
    assert plan.used == pytest.approx(worth(cost, chosen))


def test_more_customers_than_a_sample_give_the_exact_optimum(session, many):
    gain, cost = customers(3_000, 8, THREE)
    best = np.sort(np.nan_to_num(gain, nan=-1.0).max(axis=1))[::-1]
    chosen, plan = solved(session, gain, cost, "customers", 300, offers=THREE)
    assert set(many) == {"budget"}
    assert (chosen >= 0).sum() == 300
    assert worth(gain, chosen) == pytest.approx(best[:300].sum())
    # The price lies between the last chosen customer and the first one who is not chosen.
    assert best[300] <= plan.shadow_price <= best[299]


def test_a_cap_holds_for_more_customers_than_a_sample(session, many):
    gain, cost = customers(3_000, 9, THREE)
    budget = 0.5 * np.nansum(np.where(gain > 0, cost, 0).min(axis=1))
    exact = best_choices(gain, cost, budget, caps=np.array([50, np.inf, np.inf]))
    assert (best_choices(gain, cost, budget, caps=np.full(3, np.inf)) == 0).sum() > 50
    chosen, _ = solved(session, gain, cost, "money", budget, {"a": 50}, THREE)
    assert set(many) == {"a", "budget"}
    assert (chosen == 0).sum() <= 50
    assert worth(cost, chosen) <= budget + 1e-9
    assert worth(gain, chosen) >= 0.999 * worth(gain, exact)


def test_with_enough_money_all_customers_get_their_best_offer_at_price_0(session):
    gain, cost = customers(100, 5)
    chosen, plan = solved(session, gain, cost, "money", 1e9)
    filled = np.nan_to_num(gain, nan=-1.0)
    assert plan.shadow_price == 0.0
    assert (chosen == np.where(filled.max(axis=1) > 0, filled.argmax(axis=1), -1)).all()


def test_no_customer_gets_an_offer_that_loses_money(session):
    gain, cost = customers(300, 6)
    chosen, _ = solved(session, -np.abs(gain), cost, "money", 1e9)
    assert (chosen == -1).all()


@pytest.mark.parametrize("unit", ["money", "customers"])
def test_a_budget_of_0_gives_no_offers(session, unit):
    gain, cost = customers(100, 5)
    chosen, plan = solved(session, gain, cost, unit, 0.0, {"a": 0, "b": 9})
    assert (chosen == -1).all() and plan.used == 0.0


def test_no_customers_give_an_empty_plan(session):
    chosen, plan = solved(session, np.zeros((0, 6)), np.zeros((0, 6)), "money", 10.0)
    assert len(chosen) == 0 and plan.used == 0.0


def test_the_shadow_price_is_the_gain_of_one_more_unit(session):
    """Gains 10, 9, ..., 1 at cost 1 each: with a budget of 4, the next customer would bring 6."""
    gain = np.arange(10, 0, -1.0)[:, None]
    cost = np.ones((10, 1))
    chosen, plan = solved(session, gain, cost, "money", 4.0, offers=("a",))
    assert (chosen >= 0).tolist() == [True] * 4 + [False] * 6
    # The fifth customer, with a gain of 6, gets no offer at a price of 6 or above.
    assert plan.shadow_price == pytest.approx(6.0, abs=1e-6)


def test_the_exact_solver_by_hand():
    """Budget 3. One offer has gain 5 and use 3; two have gain 3 and use 1.5: the two are chosen."""
    gain = np.array([[5.0, np.nan], [3.0, np.nan], [np.nan, 3.0]])
    use = np.array([[3.0, np.nan], [1.5, np.nan], [np.nan, 1.5]])
    assert best_choices(gain, use, 3.0, caps=np.array([np.inf, np.inf])).tolist() == [-1, 0, 1]
    assert best_choices(gain, use, 3.0, caps=np.array([np.inf, 0.0])).tolist() == [0, -1, -1]
    assert best_choices(gain, use, -1.0, caps=np.array([np.inf, np.inf])).tolist() == [-1, -1, -1]
