"""The model card: what a reader must know before trusting a version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.churn.candidates import Candidate, TrainingData
from pipelines.churn.evaluation import value_of
from runtime.context import Context
from runtime.run_info import code_version

SHOWN = ("roc_auc", "average_precision", "brier", "log_loss", "lift_at_10", "precision_at_20")


def model_card(
    context: Context,
    data: TrainingData,
    chosen: Candidate,
    result: Mapping[str, Any],
    is_better: bool,
) -> str:
    """Markdown: data, dates, figures, threshold, limits, features."""
    settings, model = context.settings, chosen.model
    churn, rows = settings.churn, result["rows"]
    ends = churn.definition == "termination"
    meaning = "that the contract ends" if ends else "no purchase"
    limit = (
        "A contract that ends later than the horizon counts as kept."
        if ends
        else "Silence is not proof of leaving: see the share that comes back, in the report."
    )
    labels = data.held_out_label
    figures = "\n".join(
        f"| {metric} | {_cell(value_of(rows, chosen.name, 'all', metric))} | "
        f"{_cell(value_of(rows, 'recency_only', 'all', metric))} | "
        f"{_cell(value_of(rows, 'rfm_logistic', 'all', metric))} |"
        for metric in SHOWN
    )
    judged = judged_where_chosen(rows)
    inputs = "\n".join(f"- {n}: version {v}" for n, v in sorted(context.run.inputs.items()))
    return f"""# {settings.mlflow.model_name} version {result["version"]}: {chosen.name}

{"Promoted to champion" if is_better else "Not promoted"}. Churned means {meaning} within
{churn.primary_horizon_days} days from {churn.lead_days} days after as_of.

## Data
Environment `{settings.env}`, code `{code_version()}`.

{inputs}

- trained on {", ".join(model.metadata["trained_on"])}; the last of these tuned and calibrated it
- tested once, on {model.metadata["tested_on"]}
- on the validation date {labels.mean():.1%} of {len(labels):,} customers churned

## Figures of the test date, all customers
| metric | {chosen.name} | recency_only | rfm_logistic |
|---|---|---|---|
{figures}

Parameters: {dict(chosen.parameters)}. Calibration: {model.calibration.kind}.

## Threshold
{model.threshold:.4f}: where a campaign is expected to earn most, {chosen.expected_profit:.2f} a
customer, if keeping one is worth {settings.training.economics.value:g}, an incentive costs
{settings.training.economics.incentive_cost:g} and a contact
{settings.training.economics.contact_cost:g}. F1 is best at {chosen.thresholds["f1"]:.4f}.

## Limits
- It ranks who will {"leave" if ends else "fall silent"}; it does not say whom an offer would keep.
- Customers known for less than {model.metadata["cold_start_days"]} days get the rate of their like,
  in the tables and in these figures; `predict` and the model that MLflow serves give their own
  answer.
- {limit}
- Other horizons use the parameters that the {churn.primary_horizon_days} day search chose.{judged}

## Features ({len(model.encoder.feature_names)})
{", ".join(model.encoder.feature_names)}

Without a value in this data, left out: {", ".join(data.plain.left_out) or "none"}.
"""


def judged_where_chosen(rows: Sequence[Mapping[str, Any]]) -> str:
    """A sentence on the further horizons whose test dates had a part in the choice; or nothing."""
    found = sorted(
        {r["horizon_days"] for r in rows if "horizon_days" in r and r["split"] == "validation"}
    )
    if not found:
        return ""
    days = ", ".join(map(str, found))
    return (
        f" That search had read\n  the test dates of {days} days: these figures have split "
        "`validation`, and are no test."
    )


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
