"""Gold tables of model evaluation."""

from __future__ import annotations

from contracts.table import Column, Table

MODEL_COMPARISON = Table(
    name="gold.model_comparison",
    row="One row per model, metric, test date, split, population and horizon of a training run.",
    key=(
        "trained_at",
        "test_on",
        "model_name",
        "model_version",
        "data_set",
        "population",
        "horizon_days",
        "split",
        "metric",
    ),
    slice_by="trained_at",
    columns=(
        Column("trained_at", "timestamp", "When the training run started (UTC)", False),
        Column(
            "test_on",
            "date",
            "as_of of the customers that the metric was measured on; for split train: the test "
            "date of the training run",
            False,
        ),
        Column("model_name", "string", "Learner, baseline, or champion at the time", False),
        Column(
            "model_version",
            "string",
            "Version in the model registry; '-': not registered",
            False,
        ),
        Column("data_set", "string", "Environment that the data came from", False),
        Column(
            "population",
            "string",
            "all, or active_90d (customers with a purchase in the last 90 days)",
            False,
        ),
        Column("horizon_days", "int", "Horizon of the label in days", False),
        Column(
            "split",
            "string",
            "train, validation or test. A test date of a further horizon counts as validation if "
            "it was used to choose the learner and parameters of the primary horizon",
            False,
        ),
        Column(
            "metric",
            "string",
            "Metric name in scikit-learn; ..._threshold_half: threshold 0.5; ..._threshold_f1: "
            "threshold with the best F1; roc_auc_difference: ROC AUC minus that of the champion "
            "at the time, else of the chosen learner (interval paired by customer; significant "
            "only if the interval excludes 0); <metric>_against_rfm_logistic: the metric minus "
            "that of rfm_logistic on the same customers (paired interval), ..._mean: its mean over "
            "several test dates, of which test_on is the last; precision_at_30: churned share of "
            "the 30 % of the customers with the highest probability; precision_at_p30: churned "
            "share of the customers with a probability of at least 0.3; share_at_p30: share of "
            "customers with such a probability; calibration_<decile>_predicted, _observed: mean "
            "probability and churned share per decile of customers, 1: lowest probabilities; "
            "left_out: the model could not be fitted, see reason",
            False,
        ),
        Column("value", "double", "Value of the metric; null: undefined"),
        Column(
            "ci_low", "double", "Lower bound of the 95 % bootstrap interval; null: not computed"
        ),
        Column(
            "ci_high", "double", "Upper bound of the 95 % bootstrap interval; null: not computed"
        ),
        Column("reason", "string", "Why the model was left out; null: it was fitted and measured"),
    ),
)


FEATURE_SETS = Table(
    name="gold.feature_sets",
    row="One row per feature set and metric of the chosen learner, measured on the validation "
    "date.",
    key=("trained_at", "model_name", "feature_set", "metric"),
    slice_by="trained_at",
    columns=(
        Column("trained_at", "timestamp", "When the training run started (UTC)", False),
        Column("model_name", "string", "Name of the learner", False),
        Column("model_version", "string", "Version in the model registry from that run", False),
        Column("data_set", "string", "Environment that the data came from", False),
        Column(
            "feature_set",
            "string",
            "all, selected (strongest features by SHAP), or without_<family>",
            False,
        ),
        Column(
            "metric",
            "string",
            "features (number of features), roc_auc, average_precision, brier, or "
            "roc_auc_difference (ROC AUC minus that of the set all)",
            False,
        ),
        Column("value", "double", "Value of the metric; null: undefined"),
        Column(
            "ci_low", "double", "Lower bound of the 95 % bootstrap interval; null: not computed"
        ),
        Column(
            "ci_high", "double", "Upper bound of the 95 % bootstrap interval; null: not computed"
        ),
    ),
)


MODEL_VALIDATIONS = Table(
    name="gold.model_validations",
    row="One row per model version, champion that it was judged against, test date, check and "
    "segment.",
    key=("comparison", "check_name", "segment"),
    slice_by="comparison",
    columns=(
        Column(
            "comparison",
            "string",
            "Model, version, champion and test date, such as churn/3 against 2 on 2017-12-02",
            False,
        ),
        Column("model_name", "string", "Registered model", False),
        Column("model_version", "string", "Version that validate_model judged", False),
        Column("champion_version", "string", "Champion at that time; '-': there was none", False),
        Column(
            "tested_on",
            "date",
            "as_of of the customers: the newest date whose labels had matured",
            False,
        ),
        Column(
            "check_name",
            "string",
            "exact_explanations, signal (not passed: no learner ranks better than chance), "
            "roc_auc_over_recency_only (ROC AUC minus that of the rule), inference_ms (fastest of "
            "20 predictions for one customer), brier_rise (Brier score minus that of the "
            "champion), log_loss_rise (log loss minus that of the champion)",
            False,
        ),
        Column("segment", "string", "Segment of the customers, or all", False),
        Column("customers", "bigint", "Active and silent customers that were compared", False),
        Column("value", "double", "Measured value; null: the check has none, or it is undefined"),
        Column("ci_low", "double", "Lower bound of the paired 95 % interval; null: none"),
        Column("ci_high", "double", "Upper bound of the paired 95 % interval; null: none"),
        Column(
            "bound",
            "double",
            "Bound of conf (model_gate). brier_rise: ci_high must not exceed it; log_loss_rise: "
            "ci_low; inference_ms: value. roc_auc_over_recency_only: ci_low must lie above it. "
            "null: the check has none",
        ),
        Column("is_passed", "boolean", "Whether the version passed the check", False),
        Column(
            "is_accepted",
            "boolean",
            "Whether it passed all checks of this comparison, so that deploy_model may deploy it",
            False,
        ),
        Column("data_set", "string", "Environment that the data came from", False),
    ),
)
