"""The budget of conf, as the plan used it."""

from __future__ import annotations

from dataclasses import dataclass

from app.data.plan import Plan, plan_of, population
from app.offers import caps
from app.session import Session


@dataclass(frozen=True)
class Budget:
    """unit: customers or money (currency). share: of the active and silent customers, if given."""

    size: float
    unit: str
    customers: int

    def share_of(self, size: float) -> float:
        """A number of customers as a share of the active and silent customers."""
        return size / self.customers if self.customers else 0.0


def budget_of(session: Session) -> Budget:
    """The budget per plan. What earlier plans of rolling_days used is not subtracted."""
    given, customers = session.settings.decisions.budget, population(session.lake, session.as_of)
    if given.money is not None:
        return Budget(given.money, "money", customers)
    # 0.29 x 100 is 28.999999999999996.
    return Budget(
        float(int(customers * (given.customers_share or 0) + 1e-9)), "customers", customers
    )


def plan(session: Session, strategy: str | None = None) -> Plan:
    """The plan of a strategy, by default that of conf, with the caps of conf/offers.yaml."""
    name = strategy or session.settings.plan.default_strategy
    return plan_of(session.lake, session.as_of, name, caps=caps())
