"""Gold tables of decisions: control group, plans and policies."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.gold_plans import OFFER_DECISIONS
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

HOLD_OUT = Table(
    name="gold.hold_out",
    row="One row per customer who was ever chosen for an offer, with their control group "
    "assignment.",
    key=("customer_id",),
    cluster_by=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column(
            "stratum",
            "string",
            "Segment at assignment. The control group is stratified by it",
            False,
        ),
        Column(
            "is_held_out",
            "boolean",
            "True: control group, receives no offers. The assignment is permanent",
            False,
        ),
        Column("assigned_on", "date", "as_of of the plan that assigned the customer", False),
    ),
)

OFFER_PLAN = Table(
    name="gold.offer_plan",
    row="One row per plan and offer, with totals and the shadow price of the budget.",
    key=("as_of", "offer_id"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("offer_id", "string", "Offer in conf/offers.yaml", False),
        Column("customers", "bigint", "Customers who are sent the offer", False),
        Column("held_out", "bigint", "Customers chosen for the offer but held out", False),
        Column(
            "expected_gain", "double", "Total over sent and held-out customers, currency", False
        ),
        Column(
            "expected_cost", "double", "Total over sent and held-out customers, currency", False
        ),
        Column("budget", "double", "Budget of the plan, in budget_unit", False),
        Column("budget_unit", "string", "Unit of the budget: money or customers", False),
        Column(
            "shadow_price",
            "double",
            "Gain from one more unit of budget, currency; null: offers are not chosen by gain",
        ),
        Column(
            "minimum_detectable_effect",
            "double",
            "Change in conversion that the plan detects with 80 % power; null: no control group, "
            "or no effect",
        ),
        Column(
            "customers_needed",
            "bigint",
            "Customers, with the control group, needed to detect a change of 0.05 with 80 % power; "
            "null: no hold-out in conf",
        ),
    ),
)

OFFER_EFFECTS = Table(
    name="gold.offer_effects",
    row="One row per retainable customer and offer, with the effect estimated from campaigns.",
    key=("as_of", "customer_id", "offer_id"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("offer_id", "string", "Offer in conf/offers.yaml", False),
        Column(
            "effect",
            "double",
            "Reduction of churn probability; below 0: the offer does harm",
            False,
        ),
        Column(
            "basis",
            "string",
            "individual; average (no heterogeneity found); or observational (no experiment)",
            False,
        ),
        Column("learner", "string", "Uplift learner: s_, t_, x_, dr_ or shift_learner", False),
    ),
)

UPLIFT_RESULTS = Table(
    name="gold.uplift_results",
    row="One row per learner, split, offer and metric, on campaigns not used to fit the learner.",
    key=("as_of", "learner", "split", "offer_id", "metric"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("learner", "string", "Uplift learner: s_, t_, x_, dr_ or shift_learner", False),
        Column(
            "split",
            "string",
            "validation (used to choose the learner), test, or observed (no hold-out)",
            False,
        ),
        Column(
            "offer_id",
            "string",
            "Offer, compared with held-out customers, or with all others",
            False,
        ),
        Column(
            "metric",
            "string",
            "qini, auuc, average_effect, calibration_slope, decile_<n> (1: highest predicted "
            "effect) or decile_<n>_predicted; for observed: average_effect (doubly robust), "
            "naive_difference, overlap_share, imbalance_before, imbalance_after (largest, in "
            "standard deviations), (un)treated_propensity_p<n>",
            False,
        ),
        Column(
            "is_randomised",
            "boolean",
            "False: adjusted for observed confounders; unobserved bias may remain",
            False,
        ),
        Column(
            "value",
            "double",
            "Value of the metric; for a decile: observed or mean predicted reduction of churn",
            False,
        ),
        Column("ci_low", "double", "Lower bound of the 95 % interval; null: not computed"),
        Column("ci_high", "double", "Upper bound of the 95 % interval; null: not computed"),
        Column("customers", "bigint", "Number of rows used", False),
        Column(
            "verdict",
            "string",
            "Conclusion; null: the metric is not qini on test, nor overlap_share",
        ),
    ),
)

POLICY_COMPARISON = Table(
    name="gold.policy_comparison",
    row="One row per policy, with its estimated value on the last randomised campaign (not used "
    "to fit).",
    key=("as_of", "policy"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column(
            "policy",
            "string",
            "Policy: uplift, rules, by_risk, random, treat_all or treat_none",
            False,
        ),
        Column(
            "offer_id", "string", "Offer of by_risk, random and treat_all; null: another policy"
        ),
        Column(
            "value_a_customer",
            "double",
            "Net value per customer compared with treat_none, doubly robust, currency",
            False,
        ),
        Column("ci_low", "double", "Lower bound of the 95 % interval of value_a_customer", False),
        Column("ci_high", "double", "Upper bound of the 95 % interval of value_a_customer", False),
        Column("treated_share", "double", "Share of customers who are sent an offer", False),
        Column(
            "is_within_budget", "boolean", "True: the policy stays within the budget in conf", False
        ),
        Column(
            "is_chosen",
            "boolean",
            "True: decide_offers follows the policy. It has the greatest value within the budget, "
            "even if its interval contains 0",
            False,
        ),
        Column("customers", "bigint", "Customers of the campaign that were used", False),
    ),
)

GOLD_DECISIONS = (
    OFFER_DECISIONS,
    HOLD_OUT,
    OFFER_PLAN,
    OFFER_EFFECTS,
    UPLIFT_RESULTS,
    POLICY_COMPARISON,
)
