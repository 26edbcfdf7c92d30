"""Read the list that a person sees first, and the strategies that it was compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from pipelines.reporting.report_data import MONEY, NOTHING, PURCHASES, Row, sorted_rows
from transforms import first_list
from transforms.consent import CONTACT, consent_counts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context
    from runtime.settings import Settings

    # Computes a frame once; the lake frees it later.
    Keep = Callable[[DataFrame], DataFrame]

MOST_CUSTOMERS = 20
MOST_REASONS = 3
DECISIONS, PLAN = "offer_decisions", "retention_plan"
OF_LIST = (DECISIONS, PLAN, "customer_scores", "customer_segments", "risk_factors")
# What a customer has at stake: unit -> column of gold.customer_scores. The first known one is used.
STAKES = {MONEY: "value_at_stake", PURCHASES: "expected_purchases_30d"}


def at_risk_unit(scores: DataFrame) -> str:
    """The unit of what customers have at stake; NOTHING if neither values nor purchases are known.

    `scores`: gold.customer_scores of one as_of.
    """
    stakes = first_list.known_stakes(scores, list(STAKES.values())).collect()[0]  # one row
    return next((unit for unit, column in STAKES.items() if stakes[column]), NOTHING)


def contact_list(
    slices: Mapping[str, DataFrame],
    customers: DataFrame,
    settings: Settings,
    *,
    profiles: DataFrame,
    keep: Keep,
) -> Row:
    """The source of the list, its first customers, and the totals over all of its customers.

    `slices`: gold tables by name without the schema, rows of one as_of. `customers` comes from
    `first_list.scored_customers`, `profiles` from `opt_outs`.
    """
    source, wanted = source_of_list(slices, customers, settings.plan.default_strategy)
    first = keep(first_list.first_to_contact(wanted, customers, MOST_CUSTOMERS))
    totals = first_list.list_totals(wanted, customers).collect()[0].asDict()  # one row
    rows = first_list.with_rising_factors(first, slices["risk_factors"], MOST_REASONS)
    order = ("-priority", "-tie", "-churn_probability", "customer_id")
    return {
        "list_source": source,
        "listed": totals["customers"],
        "listed_totals": totals,
        "listed_without_consent": without_consent(
            source,
            wanted.join(customers, on="customer_id", how="left_semi"),
            profiles,
            settings=settings,
        ),
        "customers": [with_factors(row) for row in sorted_rows(rows, *order)],  # MOST_CUSTOMERS
        "default_strategy": settings.plan.default_strategy,
        # One row per strategy.
        "strategies": sorted_rows(
            slices["strategy_comparison"].where("strategy = other_strategy"), "strategy"
        ),
    }


def without_consent(
    source: str | None, listed: DataFrame, profiles: DataFrame, *, settings: Settings
) -> int:
    """How many listed customers are held back from delivery; 0 without a plan."""
    if source is None or settings.contact.when_consent_unknown == CONTACT:
        return 0
    return consent_counts(listed, profiles).collect()[0]["unknown"]  # one row


def source_of_list(
    slices: Mapping[str, DataFrame], customers: DataFrame, strategy: str
) -> tuple[str | None, DataFrame]:
    """The table that the list comes from, and its customers; without a plan, all by their risk."""
    if slices[DECISIONS].limit(1).collect():
        return DECISIONS, first_list.decided(slices[DECISIONS])
    if slices[PLAN].where(f"strategy = '{strategy}'").limit(1).collect():
        return PLAN, first_list.planned(slices[PLAN], strategy)
    return None, first_list.by_risk(customers)


def first_list_of(context: Context) -> tuple[DataFrame, DataFrame]:
    """The scored customers of as_of with at_risk, and the first customers of the list, in order.

    For notebooks: the same list as on the screen and in the report.
    """
    customers, wanted, _ = _list_of(context)
    first = first_list.first_to_contact(wanted, customers, MOST_CUSTOMERS)
    return customers, first.drop("priority", "tie")


def whole_list(context: Context) -> Iterator[Row]:
    """Every customer of the list in order, with the factors. Rows arrive a part at a time."""
    customers, wanted, factors = _list_of(context)
    explained = first_list.with_rising_factors(wanted, factors, MOST_REASONS)
    ordered = first_list.first_to_contact(explained, customers)
    return map(with_factors, context.lake.stream(ordered))


def _list_of(context: Context) -> tuple[DataFrame, DataFrame, DataFrame]:
    """The scored customers of as_of, the list, and the risk factors."""
    slices = {name: context.slice(f"gold.{name}") for name in OF_LIST}
    scores = slices["customer_scores"]
    stake = STAKES.get(at_risk_unit(scores))
    customers = first_list.scored_customers(scores, slices["customer_segments"], stake)
    strategy = context.settings.plan.default_strategy
    _, wanted = source_of_list(slices, customers, strategy)
    return customers, wanted, slices["risk_factors"]


def with_factors(row: Row) -> Row:
    """The row with `factors`: the features that raise the risk, strongest first, with values."""
    places = range(1, MOST_REASONS + 1)
    factors = [{"feature": row[f"feature_{n}"], "value": row[f"value_{n}"]} for n in places]
    return row | {"factors": [factor for factor in factors if factor["feature"]]}
