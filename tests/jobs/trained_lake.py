"""Settings that train a model on a small lake in seconds."""

from __future__ import annotations

from tests.jobs.feature_lake import AS_OF

SMALL = {
    "training": {
        "train_dates": 3,
        "dated_attributes": ["plan"],
        # The expectations are those of xgboost, whether or not it beats rfm_logistic on so few rows.
        "rolling_dates": 0,
        "bootstrap_samples": 60,
        "leak_alarm_roc_auc": 0.99,
        "leak_alarm_roc_auc_active_90d": 0.99,
        "learners": ["xgboost"],
        "search": "none",
        "compare_feature_sets": False,
        "starts": {"xgboost": {"n_estimators": 20, "max_depth": 3}},
    }
}


def train_and_deploy(context):
    """Train a challenger, judge it, and make it the champion if it is accepted."""
    from pipelines.churn import churn_training, model_deployment, model_validation

    for step in (churn_training, model_validation, model_deployment):
        step.run(context)


def training_context(root, config=None, as_of=AS_OF, **overrides):
    """A run over the lake at `root`. `config`: settings that another run has logged."""
    from runtime.context import Context
    from runtime.progress import Progress
    from runtime.run_info import RunInfo
    from runtime.settings import Settings, load

    values = load("demo").model_dump()
    values["lakehouse"]["root"] = str(root)
    if config is None:
        changes = {**SMALL["training"], **overrides}
        starts = {**values["training"]["starts"], **changes.pop("starts")}
        values["training"]["spaces"] = {}
        values["training"]["stability"]["learners"] = []
        values["training"] |= {**changes, "starts": starts}
    settings = Settings(**{**values, **(config or {})})
    return Context(settings, RunInfo("test"), Progress(is_quiet=True), given_as_of=as_of)
