"""Companies whose data are difficult to fit: one function per company, the same lines each time.

A company is its purchase lines, and the settings in which it differs from `CONF`. The functions take
numpy's generator, seeded by the company's name, so a new company does not change the others.
"""

from __future__ import annotations

import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

FIRST_DAY = dt.date(2023, 1, 1)
DAYS = 365
CUSTOMERS = 250


@dataclass(frozen=True)
class Company:
    """lines: customer, receipt, article, day (days since FIRST_DAY), units, paid.

    settings: sections of conf that replace those of `CONF`. ends: customer and day on which the
    contract ended; None: a company without contracts.
    """

    lines: pd.DataFrame
    settings: dict[str, Any] = field(default_factory=dict)
    ends: pd.DataFrame | None = None


def named(customers: int) -> list[str]:
    return [f"c{n:04d}" for n in range(customers)]


def visits(
    draw: np.random.Generator,
    customers: list[str],
    days: int = DAYS,
    *,
    gap: float = 20.0,
    stay: float = 150.0,
) -> pd.DataFrame:
    """Purchase days, one row per customer and day: gaps and stays are exponential, by customer.

    gap: mean days between purchases of a mean customer. stay: mean days until a customer leaves.
    """
    rows = []
    for customer in customers:
        mean = gap * draw.gamma(2.0, 0.5)
        day = draw.uniform(0, 0.7 * days)
        end = min(day + draw.exponential(stay), days - 1)
        while day <= end:
            rows.append((customer, int(day)))
            day += 1 + draw.exponential(mean)
    return pd.DataFrame(rows, columns=["customer", "day"]).drop_duplicates()


def lines_of(
    draw: np.random.Generator, visits: pd.DataFrame, paid: np.ndarray | float, articles: int = 40
) -> pd.DataFrame:
    """One line per visit."""
    return pd.DataFrame(
        {
            "customer": visits["customer"].to_numpy(),
            "receipt": [f"r{n:06d}" for n in range(len(visits))],
            "article": [f"a{k}" for k in draw.integers(0, articles, len(visits))],
            "day": visits["day"].to_numpy(),
            "units": 1,
            "paid": np.round(np.broadcast_to(paid, len(visits)), 2),
        }
    )


def money(draw: np.random.Generator, count: int) -> np.ndarray:
    """Ordinary amounts: median 30."""
    return draw.lognormal(np.log(30), 0.6, count)


def one_big_customer(draw: np.random.Generator) -> Company:
    """One customer pays nine times as much as all others together: 90 % of the revenue."""
    seen = visits(draw, named(CUSTOMERS))
    paid = money(draw, len(seen))
    big = (seen["customer"] == seen["customer"].value_counts().idxmax()).to_numpy()
    paid[big] *= 9 * paid[~big].sum() / paid[big].sum()
    return Company(lines_of(draw, seen, paid))


def wide_amounts(draw: np.random.Generator) -> Company:
    """Amounts from 0.01 to 10^7, uniform in their logarithm. Above 10^6 a rule rejects by default."""
    seen = visits(draw, named(CUSTOMERS))
    lines = lines_of(draw, seen, 10 ** draw.uniform(-2, 7, len(seen)))
    return Company(lines, {"severity": {"amount_in_range": "warn"}})


def equal_amounts(draw: np.random.Generator) -> Company:
    return Company(lines_of(draw, visits(draw, named(CUSTOMERS)), 25.0))


def no_amounts(draw: np.random.Generator) -> Company:
    """Purchases without amounts, mapped to 0 as docs/own_data.md says."""
    return Company(lines_of(draw, visits(draw, named(CUSTOMERS)), 0.0))


def one_purchase_each(draw: np.random.Generator) -> Company:
    customers = named(400)
    seen = pd.DataFrame({"customer": customers, "day": draw.integers(0, DAYS, len(customers))})
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def one_day(draw: np.random.Generator) -> Company:
    """Everyone bought on the same day, once."""
    seen = pd.DataFrame({"customer": named(300), "day": 100})
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def weekly_contracts(draw: np.random.Generator) -> Company:
    """A bill every seventh day until the contract ends: gaps do not vary, and ends are known."""
    rows, ends = [], []
    for customer in named(CUSTOMERS):
        begin, stay = int(draw.integers(0, 200)), int(draw.exponential(200))
        last = min(begin + stay, DAYS - 1)
        rows += [(customer, day) for day in range(begin, last + 1, 7)]
        if begin + stay < DAYS - 1:
            ends.append((customer, begin + stay))
    seen = pd.DataFrame(rows, columns=["customer", "day"])
    return Company(
        lines_of(draw, seen, 9.9),
        {"churn": {"definition": "termination", "horizons_days": [7, 30]}},
        pd.DataFrame(ends, columns=["customer", "day"]),
    )


def many_returns(draw: np.random.Generator) -> Company:
    """Two of five lines are returns."""
    seen = visits(draw, named(CUSTOMERS), gap=10)
    paid = money(draw, len(seen))
    return Company(lines_of(draw, seen, np.where(draw.random(len(seen)) < 0.4, -paid, paid)))


def negative_totals(draw: np.random.Generator) -> Company:
    """Returns of more than was bought: most customers have a revenue below 0."""
    seen = visits(draw, named(CUSTOMERS), gap=10)
    paid = money(draw, len(seen))
    return Company(lines_of(draw, seen, np.where(draw.random(len(seen)) < 0.5, -3 * paid, paid)))


def three_products(draw: np.random.Generator) -> Company:
    seen = visits(draw, named(CUSTOMERS))
    return Company(lines_of(draw, seen, money(draw, len(seen)), articles=3))


def long_ids(draw: np.random.Generator) -> Company:
    """Ids of 200 characters that differ only in the last four."""
    customers = [f"{'k' * 196}{n:04d}" for n in range(CUSTOMERS)]
    seen = visits(draw, customers)
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def thirty_days(draw: np.random.Generator) -> Company:
    """A history of thirty days."""
    seen = visits(draw, named(CUSTOMERS), 30, gap=5, stay=20)
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def year_without_sales(draw: np.random.Generator) -> Company:
    """Six years; in the fourth nobody bought anything."""
    seen = visits(draw, named(CUSTOMERS), 6 * DAYS, gap=40, stay=500)
    seen = seen[(seen["day"] < 3 * DAYS) | (seen["day"] >= 4 * DAYS)]
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def constant_covariates(draw: np.random.Generator) -> Company:
    """All customers began on one day and buy every tenth day for the same amount until they leave."""
    rows = []
    for customer in named(CUSTOMERS):
        last = min(int(draw.exponential(200)), DAYS - 1)
        rows += [(customer, day) for day in range(0, last + 1, 10)]
    seen = pd.DataFrame(rows, columns=["customer", "day"])
    return Company(lines_of(draw, seen, 10.0, articles=1))


def collinear_covariates(draw: np.random.Generator) -> Company:
    """Revenue is ten times the number of purchases, in every window."""
    return Company(lines_of(draw, visits(draw, named(CUSTOMERS)), 10.0, articles=1))


def no_event(draw: np.random.Generator) -> Company:
    """Nobody leaves: each customer buys at least every sixth day until the end."""
    rows = []
    for customer in named(300):
        day = int(draw.integers(0, 100))
        while day < DAYS:
            rows.append((customer, day))
            day += int(draw.integers(1, 7))
    seen = pd.DataFrame(rows, columns=["customer", "day"])
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def only_events(draw: np.random.Generator) -> Company:
    """Everyone left early: all bought in the first hundred days, except one shop's test customer."""
    seen = visits(draw, named(CUSTOMERS), 100, gap=10, stay=60)
    test = pd.DataFrame({"customer": "test", "day": range(0, DAYS, 5)})
    seen = pd.concat([seen, test], ignore_index=True)
    return Company(lines_of(draw, seen, money(draw, len(seen))))


def twelve_customers(draw: np.random.Generator) -> Company:
    seen = visits(draw, named(12), gap=8)
    return Company(lines_of(draw, seen, money(draw, len(seen))))


COMPANIES: dict[str, Callable[[np.random.Generator], Company]] = {
    make.__name__: make
    for make in (
        wide_amounts,
        no_amounts,
        one_purchase_each,
        one_day,
        twelve_customers,
        no_event,
        one_big_customer,
        weekly_contracts,
        constant_covariates,
        only_events,
        many_returns,
        negative_totals,
        thirty_days,
        year_without_sales,
        equal_amounts,
        collinear_covariates,
        three_products,
        long_ids,
    )
}


def company(name: str) -> Company:
    """The company of that name."""
    return COMPANIES[name](np.random.default_rng(zlib.crc32(name.encode())))
