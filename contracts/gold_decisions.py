"""Gold tables of decisions: which offer to whom, and what was written."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.silver import CUSTOMER_ID
from contracts.table import Column, Table

OFFER_DECISIONS = Table(
    name="gold.offer_decisions",
    row="One customer who is not terminated, with the offer decided, or why there is none.",
    key=("as_of", "customer_id"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("campaign_id", "string", "The campaign of this plan", False),
        Column("offer_id", "string", "The offer of conf/offers.yaml; null: none"),
        Column("is_held_out", "boolean", "True: chosen, but kept without it to measure by", False),
        Column("send_on", "date", "The day to send it; null: no offer"),
        Column("policy", "string", "One of gold.policy_comparison; rules: no experiment", False),
        Column("rule", "string", "The rule that fired; null under all policies but rules"),
        Column("effect", "double", "Fall in churn probability that the offer causes; null: none"),
        Column("effect_basis", "string", "experiment or assumed (conf); null: no offer"),
        Column("value_at_stake", "double", "12-month value if the customer stays, currency"),
        Column(
            "value_basis", "string", "value_at_stake, or revenue_a_year where no CLV is modelled"
        ),
        Column("expected_gain", "double", "effect x value_at_stake - cost, currency; null: none"),
        Column("expected_cost", "double", "Expected cost of the offer, currency; null: none"),
        Column(
            "no_offer_reason",
            "string",
            "opted_out, cooling_off, not_eligible, no_gain or budget; null: has one",
        ),
        Column("why", "string", "One sentence: the offer, the quantities behind it", False),
    ),
)

HOLD_OUT = Table(
    name="gold.hold_out",
    row="One customer for whom an offer was ever chosen: are offers kept from them, to measure by.",
    key=("customer_id",),
    cluster_by=("customer_id",),
    columns=(
        CUSTOMER_ID,
        Column("stratum", "string", "Segment when they were drawn; shares hold within it", False),
        Column("is_held_out", "boolean", "True: no plan sends them anything; never changes", False),
        Column("assigned_on", "date", "as_of of the plan that drew them", False),
    ),
)

OFFER_PLAN = Table(
    name="gold.offer_plan",
    row="One offer of a plan with its sums, and the price of the budget.",
    key=("as_of", "offer_id"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("offer_id", "string", "The offer of conf/offers.yaml", False),
        Column("customers", "bigint", "Customers to whom it is sent", False),
        Column("held_out", "bigint", "Customers chosen for it and held out", False),
        Column("expected_gain", "double", "Sum over both, currency", False),
        Column("expected_cost", "double", "Sum over both, currency", False),
        Column("budget", "double", "What the plan had: money, or a number of customers", False),
        Column("budget_unit", "string", "money or customers", False),
        Column(
            "shadow_price",
            "double",
            "Gain that one more unit of budget brings, currency; null: not chosen by gain",
        ),
        Column(
            "minimum_detectable_effect",
            "double",
            "Change of conversion that it finds 4 times in 5; null: nobody held out, or no effect",
        ),
        Column(
            "customers_needed",
            "bigint",
            "Customers, held out too, to find a change of 0.05 so often; null: no hold-out in conf",
        ),
    ),
)

MESSAGES = Table(
    name="gold.messages",
    row="One message to one customer of a campaign.",
    key=("campaign_id", "customer_id"),
    cluster_by=("customer_id",),
    columns=(
        Column("campaign_id", "string", "The campaign", False),
        CUSTOMER_ID,
        Column("offer_id", "string", "The offer that it states", False),
        Column("text", "string", "The message", False, personal=True, is_free_text=True),
        Column("language", "string", "Language of the text, as ISO 639-1", False),
        Column("theme", "string", "new features, support or savings", False),
        Column("written_by", "string", "claude or template", False),
        Column("model", "string", "The model that wrote it; null: the template"),
        Column("prompt_version", "string", "Hash of the instructions in use", False),
        Column(
            "brief_digest", "string", "Hash of brief and prompt: unchanged needs no call", False
        ),
        Column(
            "guard_verdict",
            "string",
            "passed, passed_second, refused: <rules>, or not_written: <reason>",
            False,
        ),
        Column("input_tokens", "bigint", "Tokens read by the model, all tries", False),
        Column("output_tokens", "bigint", "Tokens written by the model, all tries", False),
        Column("cost_usd", "double", "Cost of all tries, US dollars", False),
        Column("approved", "boolean", "True: a person released it; false: not yet", False),
    ),
)

MESSAGE_BATCHES = Table(
    name="gold.message_batches",
    row="One batch of requests to the Message Batches API, so that a killed run takes it up.",
    key=("batch_key",),
    columns=(
        Column("batch_key", "string", "Hash of the requests", False),
        Column("batch_id", "string", "The service's id; empty: about to be sent", False),
        Column("requests", "bigint", "How many messages it asks for", False),
    ),
)

OFFER_EFFECTS = Table(
    name="gold.offer_effects",
    row="One customer who can still be kept and one offer: what campaigns say it changes.",
    key=("as_of", "customer_id", "offer_id"),
    slice_by="as_of",
    cluster_by=("customer_id", "as_of"),
    columns=(
        AS_OF,
        CUSTOMER_ID,
        Column("offer_id", "string", "The offer of conf/offers.yaml", False),
        Column("effect", "double", "Fall in churn probability; below 0 it does harm", False),
        Column(
            "basis",
            "string",
            "individual; average where no heterogeneity was found; observational: no experiment",
            False,
        ),
        Column("learner", "string", "s_, t_, x_, dr_ or shift_learner", False),
    ),
)

UPLIFT_RESULTS = Table(
    name="gold.uplift_results",
    row="One metric of one learner for one offer, on campaigns that it did not learn from.",
    key=("as_of", "learner", "split", "offer_id", "metric"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("learner", "string", "s_, t_, x_, dr_ or shift_learner", False),
        Column(
            "split",
            "string",
            "validation (chose the learner), test, or observed: no hold-out",
            False,
        ),
        Column("offer_id", "string", "The offer, against the held-out, or against the rest", False),
        Column(
            "metric",
            "string",
            "qini, auuc, average_effect, calibration_slope, decile_<n> (the best first) or "
            "decile_<n>_predicted; of observed: average_effect (doubly robust), naive_difference, "
            "overlap_share, imbalance_before, imbalance_after (largest, in standard deviations), "
            "(un)treated_propensity_p<n>",
            False,
        ),
        Column("is_randomised", "boolean", "False: adjusted, and what was not seen stays", False),
        Column(
            "value",
            "double",
            "Value of the metric; of a decile: the observed fall, or the mean predicted one",
            False,
        ),
        Column("ci_low", "double", "Lower end of the 95 % interval; null: none computed"),
        Column("ci_high", "double", "Upper end of the 95 % interval; null: none computed"),
        Column("customers", "bigint", "Rows behind it", False),
        Column("verdict", "string", "What follows; null but for qini on test and overlap_share"),
    ),
)

POLICY_COMPARISON = Table(
    name="gold.policy_comparison",
    row="One policy and what it would have brought on the last randomised campaign, held out.",
    key=("as_of", "policy"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column(
            "policy", "string", "uplift, rules, by_risk, random, treat_all or treat_none", False
        ),
        Column("offer_id", "string", "The one offer of by_risk, random, treat_all; else null"),
        Column(
            "value_a_customer",
            "double",
            "Net value a customer over treat_none, doubly robust, currency",
            False,
        ),
        Column("ci_low", "double", "Lower end of its 95 % interval", False),
        Column("ci_high", "double", "Upper end of its 95 % interval", False),
        Column("treated_share", "double", "Share of the customers who are sent something", False),
        Column("is_within_budget", "boolean", "True: it spends no more than conf allows", False),
        Column(
            "is_chosen",
            "boolean",
            "True: decide_offers follows it: the greatest value within the budget, also where its "
            "interval holds 0",
            False,
        ),
        Column("customers", "bigint", "Customers of the campaign behind it", False),
    ),
)

GOLD_DECISIONS = (
    OFFER_DECISIONS,
    HOLD_OUT,
    OFFER_PLAN,
    OFFER_EFFECTS,
    UPLIFT_RESULTS,
    POLICY_COMPARISON,
    MESSAGES,
    MESSAGE_BATCHES,
)
