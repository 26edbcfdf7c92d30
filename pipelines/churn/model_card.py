"""The model card of a version: its data, dates, figures, threshold and limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.baselines import RFM
from models.metrics import Estimate
from pipelines.churn.candidates import Candidate, TrainingData
from pipelines.churn.evaluation import PAIRED, against_rfm, value_of
from pipelines.churn.rolling import told
from pipelines.churn.row_share import share_of_customers, share_text
from runtime.context import Context
from runtime.run_info import code_version
from runtime.wording import plural

SHOWN = (
    *("roc_auc", "average_precision", "brier", "log_loss", "lift_at_10", "precision_at_20"),
    *("precision_at_30", "precision_at_p30", "share_at_p30"),
)


def model_card(
    context: Context,
    data: TrainingData,
    chosen: Candidate,
    *,
    result: Mapping[str, Any],
) -> str:
    """The model card as Markdown text."""
    settings, model = context.settings, chosen.model
    churn, rows = settings.churn, result["rows"]
    ends = churn.definition == "termination"
    meaning = "the contract ends" if ends else "no purchase"
    limit = (
        "A contract that ends after the horizon counts as kept."
        if ends
        else "A customer without purchases may still come back. The report shows how many do."
    )
    labels = data.held_out_label
    figures = "\n".join(
        f"| {metric} | {_cell(value_of(rows, chosen.name, metric))} | "
        f"{_cell(value_of(rows, 'recency_only', metric))} | "
        f"{_cell(value_of(rows, 'rfm_logistic', metric))} |"
        for metric in SHOWN
    )
    judged = judged_where_chosen(rows)
    share = share_of_customers(context, data.plan, churn.primary_horizon_days)
    used = share_text(share, settings.training.max_rows) if share < 1 else "all customers are used"
    inputs = "\n".join(f"- {n}: version {v}" for n, v in sorted(context.run.inputs.items()))
    return f"""# {settings.mlflow.model_name} version {result["version"]}: {chosen.name}

`validate_model` judges whether it may become champion (tag `verdict`). Churned means: {meaning}
within {plural(churn.primary_horizon_days, "day")}. The days are counted from
{plural(churn.lead_days, "day")} after as_of.

## Data
Environment `{settings.env}`, code `{code_version()}`.

{inputs}

- {used}
- trained on {", ".join(model.metadata["trained_on"])}; the last date tuned the model
- tested once, on {model.metadata["tested_on"]}
- on the validation date {labels.mean():.1%} of {plural(len(labels), "customer")} churned

## Figures of the test date, all customers
| metric | {chosen.name} | recency_only | rfm_logistic |
|---|---|---|---|
{figures}

precision_at_30: churned share of the 30 % of customers with the highest probability.
precision_at_p30: churned share of the customers with a probability of at least 0.3, who are
share_at_p30 of all.

## Compared with rfm_logistic
{result["no_signal"] or compared_with_rfm(rows, chosen.name)}

Parameters: {dict(chosen.parameters)}. Calibration: {model.calibration.kind}.

## Threshold
{model.threshold:.4f}. At this threshold the expected profit of a campaign is highest:
{chosen.expected_profit:.2f} per customer, if a kept customer is worth
{settings.training.economics.value:g}, an incentive costs
{settings.training.economics.incentive_cost:g} and a contact costs
{settings.training.economics.contact_cost:g}. F1 is highest at {chosen.thresholds["f1"]:.4f}.

## Limits
- The model ranks customers by the probability that they {"leave" if ends else "stop buying"}. It
  does not say which customers an offer would keep.
- Customers known for less than {plural(model.metadata["cold_start_days"], "day")} get the
  cold-start base rate in the tables and in these figures. `predict` and the model that MLflow
  serves return the model's own probability for them.
- {limit}
- Other horizons use the parameters that the search chose for the horizon of
  {plural(churn.primary_horizon_days, "day")}. A longer horizon continues the shorter one: its
  probability is that of the shorter one times the probability of the step between them.{judged}

## Features ({len(model.encoder.feature_names)})
{", ".join(model.encoder.feature_names)}

Left out, because they have no value in this data: {", ".join(data.plain.left_out) or "none"}.

Left out, because it is unknown since when the company knew them (`training.dated_attributes`):
{", ".join(data.plain.undated) or "none"}.
"""


def compared_with_rfm(rows: Sequence[Mapping[str, Any]], name: str) -> str:
    """The mean gains over rfm_logistic among the scored, of each learner that was compared."""
    metrics = {f"{against_rfm(metric)}_mean": metric for metric in PAIRED}
    by_learner: dict[str, dict[str, Estimate]] = {}
    for row in rows:
        if row["metric"] in metrics and row["split"] == "test":
            gain = Estimate(row["value"], row["ci_low"], row["ci_high"])
            by_learner.setdefault(row["model_name"], {})[metrics[row["metric"]]] = gain
    if not by_learner:
        return "Not compared (training.rolling_dates: 0)."
    lines = [f"- {learner}: {told(gains)}" for learner, gains in by_learner.items()]
    verdict = (
        f"{name} is used: no learner is better beyond chance, and it is the simplest."
        if name == RFM
        else f"{name} is better beyond chance."
    )
    return (
        "Difference on the same active and silent customers, as the mean of the last test dates, "
        "with a\n95 % interval:\n\n" + "\n".join(lines) + f"\n\n{verdict}"
    )


def judged_where_chosen(rows: Sequence[Mapping[str, Any]]) -> str:
    """A sentence with the horizons whose test date the search also used. "" if there are none."""
    horizons = sorted(
        {r["horizon_days"] for r in rows if "horizon_days" in r and r["split"] == "validation"}
    )
    if not horizons:
        return ""
    days = ", ".join(map(str, horizons))
    return (
        f" The search used\n  the test dates of these horizons, in days: {days}. Their "
        "figures have split `validation` and are no test."
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
