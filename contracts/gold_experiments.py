"""Gold tables of experiments: what campaigns brought, and which model serves better."""

from __future__ import annotations

from contracts.features import AS_OF
from contracts.table import Column, Table

CAMPAIGN_RESULTS = Table(
    name="gold.campaign_results",
    row="One metric of one offer of a campaign: those sent it against those held out at random.",
    key=("campaign_id", "policy", "offer_id", "segment", "month", "metric"),
    columns=(
        Column("campaign_id", "string", "The campaign", False),
        Column("policy", "string", "personalised (by a plan) or mass (offers at random)", False),
        Column("offer_id", "string", "The offer", False),
        Column("segment", "string", "Segment before the contact, or all", False),
        Column("month", "string", "Month of the contact, YYYY-MM", False),
        Column("metric", "string", "conversion, or retained_revenue (currency)", False),
        Column("treated", "bigint", "Customers who were sent it", False),
        Column("held_out", "bigint", "Customers held out at random", False),
        Column("value_treated", "double", "Mean of the metric among the first", False),
        Column("value_held_out", "double", "Mean of the metric among the second", False),
        Column("effect", "double", "Difference of the means", False),
        Column(
            "ci_low",
            "double",
            "Lower end of its 95 % interval (Welch; of conversion Agresti-Caffo)",
            False,
        ),
        Column(
            "ci_high",
            "double",
            "Upper end of its 95 % interval (Welch; of conversion Agresti-Caffo)",
            False,
        ),
        Column("p_value", "double", "Two-sided, of one look", False),
        Column(
            "p_value_corrected", "double", "Corrected for the campaign's other offers (Holm)", False
        ),
        Column("anytime_p_value", "double", "Valid under looks at any time", False),
        Column(
            "effect_cuped", "double", "Effect less what revenue before the contact explains", False
        ),
        Column("ci_low_cuped", "double", "Lower end of its 95 % interval", False),
        Column("ci_high_cuped", "double", "Upper end of its 95 % interval", False),
        Column(
            "minimum_detectable_effect", "double", "What such a campaign finds 4 times in 5", False
        ),
        Column("srm_p_value", "double", "Of the arms' sizes against those meant; null: not known"),
    ),
)

MODEL_ARMS = Table(
    name="gold.model_arms",
    row="One arm of an experiment on models at an as_of: which version scored its customers.",
    key=("as_of", "experiment_id", "arm"),
    slice_by="as_of",
    columns=(
        AS_OF,
        Column("experiment_id", "string", "The model's name and both versions", False),
        Column("arm", "string", "champion or challenger", False),
        Column("model_version", "string", "Version in the registry that scored the arm", False),
        Column("share", "double", "Share of the customers meant for the arm", False),
    ),
)

MODEL_AB = Table(
    name="gold.model_ab",
    row="One metric of one arm of an experiment on models, where the horizon has passed.",
    key=("experiment_id", "arm", "metric"),
    columns=(
        Column("experiment_id", "string", "The model's name and both versions", False),
        Column("arm", "string", "champion or challenger", False),
        Column(
            "metric",
            "string",
            "brier, log_loss (less is better), retained, or retained_revenue (currency)",
            False,
        ),
        Column("customers", "bigint", "Customers of the arm, each counted once", False),
        Column("value", "double", "Mean over them, of each their own mean over as_of dates", False),
        Column("effect", "double", "Challenger less champion, within segments; null: the champion"),
        Column("ci_low", "double", "Lower end of its 95 % interval; null: the champion"),
        Column("ci_high", "double", "Upper end of its 95 % interval; null: the champion"),
        Column("p_value", "double", "Two-sided, of one look; null: the champion"),
        Column("anytime_p_value", "double", "Valid under looks at any time; null: the champion"),
        Column(
            "minimum_detectable_effect",
            "double",
            "What so many customers find 4 times in 5; null: the champion",
        ),
        Column("srm_p_value", "double", "Of the arms' sizes against those meant", False),
    ),
)

GOLD_EXPERIMENTS = (CAMPAIGN_RESULTS, MODEL_ARMS, MODEL_AB)
