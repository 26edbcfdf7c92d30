"""Gold tables of plans: customers by strategy, the strategies compared, and offer decisions."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

# When the offer of a customer is sent. The same in both plans.
TIMING = (
    "now: churn is predicted, sent the day after as_of; in_period: on send_on, in the period of "
    "the plan; later: not in this plan; never: {never}"
)

RETENTION_PLAN = Table(
    name="gold.retention_plan",
    row="One row per strategy and customer: ranked, or left out with the reason.",
    key=("as_of", "strategy", "customer_id"),
    slice_by="as_of",
    cluster_by=("as_of", "strategy", "customer_id"),
    columns=(
        AS_OF,
        Column(
            "strategy",
            "string",
            "churn_probability, p_alive (expected_purchases where P(alive) is not identified), "
            "clv_at_risk, net_value or random",
            False,
        ),
        CUSTOMER_ID,
        Column(
            "rank",
            "bigint",
            "Rank among the customers with timing now or in_period, 1: highest priority; null: "
            "left out",
        ),
        Column("is_chosen", "boolean", "True: the customer is within the budget", False),
        Column(
            "timing",
            "string",
            TIMING.format(never="lost, terminated, opted out, or not eligible for the offer"),
        ),
        Column("offer_id", "string", "Offer of the rules, in conf/offers.yaml; null: left out"),
        Column(
            "send_on",
            "date",
            "Day to send the offer; for timing later the day planned so far; null: not chosen, or "
            "no day is known",
        ),
        Column(
            "expected_value_kept",
            "double",
            "Assumed reduction of churn probability by the offer x value_at_stake, gross: before "
            "cost, currency; null: left out, or no value known",
        ),
        Column(
            "cost",
            "double",
            "Expected cost of the offer, currency; null: left out, or no value known",
        ),
        Column(
            "why",
            "string",
            "One sentence: the two quantities that decided the rank, or why there is no rank",
            False,
        ),
    ),
)

STRATEGY_COMPARISON = Table(
    name="gold.strategy_comparison",
    row="One row per pair of strategies under the same budget. A strategy is also paired with "
    "itself.",
    key=("as_of", "strategy", "other_strategy"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("strategy", "string", "Strategy that the figures describe", False),
        Column("other_strategy", "string", "Strategy to compare with", False),
        Column("chosen", "bigint", "Customers that strategy chooses", False),
        Column("shared", "bigint", "Customers that both strategies choose", False),
        Column(
            "jaccard",
            "double",
            "shared / customers that either strategy chooses; null: neither chooses any",
        ),
        Column(
            "value_at_stake_covered",
            "double",
            "Share of the churn_probability x value_at_stake of all active and silent customers "
            "that the chosen customers hold; null: no value known",
        ),
        Column(
            "value_kept",
            "double",
            "Back-test one horizon earlier, gross (before cost): assumed effect x value_at_stake "
            "of the chosen customers who did leave and whose offer was sent in time, currency; "
            "null: no back-test, or no amounts",
        ),
        Column(
            "cost",
            "double",
            "Back-test: expected cost of all chosen offers, also those sent too late, currency; "
            "null: as for value_kept",
        ),
        Column(
            "net_value_kept",
            "double",
            "Back-test: value_kept - cost, currency; null: as for value_kept",
        ),
        Column(
            "ci_low",
            "double",
            "Lower bound of the 95 % interval of net_value_kept; null: as for value_kept",
        ),
        Column(
            "ci_high",
            "double",
            "Upper bound of the 95 % interval of net_value_kept; null: as for value_kept",
        ),
        Column(
            "next_1pct_value",
            "double",
            "expected_value_kept (gross) of the customers that strategy would add if the budget "
            "grew by 1 % of the customers (at least one), or by 1 % of the money, currency; null: "
            "unknown",
        ),
        Column(
            "next_1pct_cost",
            "double",
            "Expected cost of the offers to these customers, currency; null: unknown",
        ),
        Column(
            "assumption",
            "string",
            "Source of the offer's effect: assumed in conf, with the figures",
            False,
        ),
    ),
)

OFFER_DECISIONS = Table(
    name="gold.offer_decisions",
    row="One row per customer who is not terminated, with the chosen offer, or the reason for "
    "none.",
    key=("as_of", "customer_id"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("campaign_id", "string", "Campaign of this plan", False),
        Column("offer_id", "string", "Offer in conf/offers.yaml; null: none"),
        Column(
            "is_held_out", "boolean", "True: control group, the chosen offer is not sent", False
        ),
        Column(
            "timing",
            "string",
            TIMING.format(
                never="lost without an offer outside the budget, opted out, or not eligible for "
                "any offer"
            ),
        ),
        Column(
            "send_on",
            "date",
            "Day to send the offer; for timing later the day planned so far; null: no offer, or no "
            "day is known",
        ),
        Column(
            "policy",
            "string",
            "Policy in gold.policy_comparison; rules if there is no experiment",
            False,
        ),
        Column("rule", "string", "Rule that fired; null: the policy is not rules"),
        Column(
            "effect",
            "double",
            "Reduction of churn probability that the offer causes; null: no offer",
        ),
        Column("effect_basis", "string", "experiment, or assumed (in conf); null: no offer"),
        Column(
            "value_at_stake",
            "double",
            "12-month value of the customer if they stay, currency; null: unknown",
        ),
        Column(
            "value_basis",
            "string",
            "value_at_stake; revenue_a_year if there is no CLV model; expected_purchases in a "
            "company without amounts, which ranks by effect x expected purchases in 30 days",
        ),
        Column(
            "expected_gain",
            "double",
            "effect x value_at_stake - cost, net, currency; null: no offer, or no amounts",
        ),
        Column(
            "expected_cost",
            "double",
            "Expected cost of the offer, currency; null: no offer, or no amounts",
        ),
        Column(
            "no_offer_reason",
            "string",
            "opted_out, later (see timing), cooling_off, not_eligible, no_gain or budget; null: "
            "has an offer",
        ),
        Column("why", "string", "One sentence with the offer and the quantities behind it", False),
    ),
)
