"""The share of the customers that training uses: of many rows, some customers by hash."""

from __future__ import annotations

from pipelines.churn.time_split import Schedule
from runtime.context import Context
from transforms.training_samples import keep_labels


def share_of_customers(context: Context, plan: Schedule, horizon: int) -> float:
    """The share of the customers that a horizon is trained and tested on; 1 if all are used."""
    churn = context.settings.churn
    labels = keep_labels(context.read("features.labels"), plan.all_dates, [horizon])
    meant = f"definition = '{churn.definition}' AND lead_days = {churn.lead_days}"
    labels = labels.where(meant)
    return min(1.0, context.settings.training.max_rows / max(labels.count(), 1))


def tell_share(context: Context, plan: Schedule) -> None:
    """Say which share of the customers the primary horizon is trained on, if not all are used."""
    share = share_of_customers(context, plan, context.settings.churn.primary_horizon_days)
    if share < 1:
        context.progress.say(f"      {share_text(share, context.settings.training.max_rows)}")


def share_text(share: float, most: int) -> str:
    """One sentence about the share of the customers.

    >>> share_text(0.25, 1_000_000)
    '25.0 % of the customers are used, chosen by a hash of the id (training.max_rows = 1,000,000)'
    """
    return (
        f"{100 * share:.1f} % of the customers are used, chosen by a hash of the id "
        f"(training.max_rows = {most:,})"
    )
