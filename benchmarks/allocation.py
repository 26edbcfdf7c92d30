"""Allocation of six offers to millions of customers under a budget, against the upper bound."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import functions as F

from benchmarks.measure import Cost, Section, cost
from pipelines.offers.budget_allocation import Plan, allocate
from pipelines.offers.shadow_prices import Problem

OFFERS = ("a", "b", "c", "d", "e", "f")
SIZES = (100_000, 1_000_000, 10_000_000)
# Share of the cost of the cheapest offer with a positive gain for all customers.
BUDGET_SHARE = 0.3
CHECKED = 1_000_000


def stored(spark: Any, folder: Path, count: int) -> str:
    """Path of a Parquet folder, one row per customer: customer_id, gain_<offer>, cost_<offer>.

    A third of the offers is not allowed: both columns are null.
    """
    path = str(folder / f"options_{count}")
    if (Path(path) / "_SUCCESS").exists():
        return path

    def draw(salt: str) -> Any:
        return (F.pmod(F.xxhash64("id", F.lit(salt)), F.lit(1_000_000)) + 0.5) / 1_000_000.0

    # About log-normal, like yearly values: a sum of three uniform numbers is nearly normal.
    bell = (draw("v1") + draw("v2") + draw("v3") - 1.5) * 2
    rows = spark.range(count).select("id", F.exp(5 + bell).alias("value"))
    columns = []
    for name in OFFERS:
        may = draw(f"may_{name}") >= 0.33
        gain = F.col("value") * (0.35 * draw(f"gain_{name}") - 0.05)
        use = F.col("value") * (0.01 + 0.19 * draw(f"cost_{name}"))
        columns += [
            F.when(may, gain).alias(f"gain_{name}"),
            F.when(may, use).alias(f"cost_{name}"),
        ]
    customer = F.concat(F.lit("c"), F.col("id")).alias("customer_id")
    rows.select(customer, *columns).write.mode("overwrite").parquet(path)
    return path


def budget_for(options: Any) -> float:
    """BUDGET_SHARE times the cost of the cheapest offers with a positive gain."""
    cheapest = F.least(*[F.when(F.col(f"gain_{n}") > 0, F.col(f"cost_{n}")) for n in OFFERS])
    return BUDGET_SHARE * float(options.agg(F.sum(cheapest)).collect()[0][0])


def planned(options: Any, budget: float) -> Plan:
    """The plan of the product. Each intermediate frame is computed once, as on the lake."""
    held = []

    def keep(frame: Any) -> Any:
        held.append(frame.persist())
        held[-1].count()
        return held[-1]

    plan = allocate(Problem(options, OFFERS, "money", budget, {}), keep)
    for frame in held[:-1]:
        frame.unpersist()
    return plan


def worth_and_use(rows: Any) -> tuple[float, float]:
    """Total gain and total cost of the chosen offers."""
    of_choice = [
        F.sum(sum(F.when(F.col("choice") == n, F.col(f"{what}_{n}")).otherwise(0) for n in OFFERS))
        for what in ("gain", "cost")
    ]
    sums = rows.agg(*of_choice).collect()[0]
    return float(sums[0]), float(sums[1])


def bound(gain: NDArray[np.float64], use: NDArray[np.float64], budget: float) -> float:
    """Upper bound of the gain of all plans within the budget: minimum of the Lagrangian dual."""

    def dual(price: float) -> float:
        best = np.nanmax(np.column_stack([gain - price * use, np.zeros(len(gain))]), axis=1)
        return price * budget + float(best.sum())

    low, high = 0.0, float(np.nanmax(gain / use))
    for _ in range(60):  # convex in the price
        left, right = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, right) if dual(left) <= dual(right) else (left, high)
    return min(dual(low), dual(high), dual((low + high) / 2))


def check(options: Any, plan: Plan, budget: float) -> float:
    """Gain of the plan as a share of the bound. Fails if the plan exceeds the budget."""
    gained, used = worth_and_use(plan.rows)
    assert used <= budget * (1 + 1e-12), (used, budget)
    names = [f"{what}_{n}" for what in ("gain", "cost") for n in OFFERS]
    matrix = options.select(*names).toPandas().to_numpy(float)
    gain, use = matrix[:, : len(OFFERS)], matrix[:, len(OFFERS) :]
    return gained / bound(gain, use, budget)


def run(spark: Any, folder: Path) -> Section:
    """Measure the time by number of customers, and compare the gain with the bound."""
    section = Section(
        f"Allocation of {len(OFFERS)} offers",
        "The options of the customers are in Spark's memory; the time includes a count of the "
        f"plan. The budget is {BUDGET_SHARE:.0%} of the cost of the cheapest offers with a gain. "
        "The bound is the Lagrangian dual, minimised over the price in numpy.",
        ("customers", "wall seconds", "CPU seconds", "µs CPU per customer", "gain / bound"),
    )
    taken: dict[int, Cost] = {}
    warm = spark.read.parquet(stored(spark, folder, 10_000)).persist()
    planned(warm, budget_for(warm)).rows.unpersist()
    for count in SIZES:
        options = spark.read.parquet(stored(spark, folder, count)).persist()
        budget = budget_for(options)
        taken[count], plan = cost(lambda o=options, b=budget: planned(o, b))  # type: ignore[misc]
        share = check(options, plan, budget) if count <= CHECKED else float("nan")
        assert not share < 0.999, share
        said = "not computed" if np.isnan(share) else f"{share:.6f}"
        used = taken[count]
        section.add(f"{count:,}", used.wall, used.cpu, used.cpu / count * 1e6, said)
        plan.rows.unpersist()
        options.unpersist()
    section.reach("1 million customers, wall seconds", taken[1_000_000].wall, 60, at_least=False)
    grown = taken[10_000_000] / taken[1_000_000]
    ten = Cost(grown.wall / 10, grown.cpu / 10)
    section.reach_both("10 million: time x / customers x", ten, 1.1, at_least=False)
    return section
