"""Gold tables of experiments: campaign results, and A/B tests of models."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.table import Column, Table

CAMPAIGN_RESULTS = Table(
    name="gold.campaign_results",
    row="One row per campaign, offer, segment, month and metric: treated versus held-out "
    "customers.",
    key=("campaign_id", "policy", "offer_id", "segment", "month", "metric"),
    columns=(
        Column("campaign_id", "string", "Campaign identifier", False),
        Column(
            "policy",
            "string",
            "personalised (offers chosen by a plan) or mass (random offers)",
            False,
        ),
        Column("offer_id", "string", "Offer identifier", False),
        Column("segment", "string", "Segment before the contact, or all", False),
        Column("month", "string", "Month of the contact, YYYY-MM", False),
        Column("metric", "string", "conversion, or retained_revenue (currency)", False),
        Column("treated", "bigint", "Customers who were sent the offer", False),
        Column("held_out", "bigint", "Customers randomly held out", False),
        Column("value_treated", "double", "Mean of the metric among treated customers", False),
        Column("value_held_out", "double", "Mean of the metric among held-out customers", False),
        Column("effect", "double", "value_treated - value_held_out", False),
        Column(
            "ci_low",
            "double",
            "Lower bound of the 95 % interval of effect (Welch; for conversion Agresti-Caffo)",
            False,
        ),
        Column(
            "ci_high",
            "double",
            "Upper bound of the 95 % interval of effect (Welch; for conversion Agresti-Caffo)",
            False,
        ),
        Column("p_value", "double", "Two-sided p-value, valid for a single look", False),
        Column(
            "p_value_corrected",
            "double",
            "p_value with Holm correction for the campaign's other offers",
            False,
        ),
        Column(
            "anytime_p_value", "double", "p-value that is valid under continuous monitoring", False
        ),
        Column(
            "effect_cuped",
            "double",
            "Effect adjusted for revenue before the contact (CUPED)",
            False,
        ),
        Column("ci_low_cuped", "double", "Lower bound of the 95 % interval of effect_cuped", False),
        Column(
            "ci_high_cuped", "double", "Upper bound of the 95 % interval of effect_cuped", False
        ),
        Column(
            "minimum_detectable_effect",
            "double",
            "Effect that such a campaign detects with 80 % power",
            False,
        ),
        Column(
            "srm_p_value",
            "double",
            "p-value of a sample ratio mismatch: a low value means that the sizes of the groups "
            "differ from the plan, so the effect may be wrong; null: the planned sizes are unknown",
        ),
    ),
)

MODEL_ARMS = Table(
    name="gold.model_arms",
    row="One row per as_of and arm of a model A/B test, with the model version that scored it.",
    key=("as_of", "experiment_id", "arm"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("experiment_id", "string", "Model name and both versions", False),
        Column("arm", "string", "champion or challenger", False),
        Column(
            "model_version", "string", "Version in the model registry that scored the arm", False
        ),
        Column("share", "double", "Planned share of the customers in the arm", False),
    ),
)

MODEL_AB = Table(
    name="gold.model_ab",
    row="One row per model A/B test, arm and metric, over dates whose horizon has passed.",
    key=("experiment_id", "arm", "metric"),
    columns=(
        Column("experiment_id", "string", "Model name and both versions", False),
        Column("arm", "string", "champion or challenger", False),
        Column(
            "metric",
            "string",
            "brier, log_loss (lower is better), retained, or retained_revenue (currency)",
            False,
        ),
        Column("customers", "bigint", "Customers in the arm, each counted once", False),
        Column(
            "value", "double", "Mean over customers of each customer's mean over as_of dates", False
        ),
        Column(
            "effect", "double", "Challenger minus champion, within segments; null: the champion"
        ),
        Column(
            "ci_low", "double", "Lower bound of the 95 % interval of effect; null: the champion"
        ),
        Column(
            "ci_high", "double", "Upper bound of the 95 % interval of effect; null: the champion"
        ),
        Column(
            "p_value", "double", "Two-sided p-value, valid for a single look; null: the champion"
        ),
        Column(
            "anytime_p_value",
            "double",
            "p-value that is valid under continuous monitoring; null: the champion",
        ),
        Column(
            "minimum_detectable_effect",
            "double",
            "Effect that this number of customers detects with 80 % power; null: the champion",
        ),
        Column(
            "srm_p_value", "double", "p-value of a sample ratio mismatch between the arms", False
        ),
    ),
)

GOLD_EXPERIMENTS = (CAMPAIGN_RESULTS, MODEL_ARMS, MODEL_AB)
