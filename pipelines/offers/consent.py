"""How many customers of a plan are held back because their consent is unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime.wording import consent_unknown
from transforms.consent import CONTACT, consent_counts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from runtime.context import Context


def opt_outs(context: Context) -> DataFrame:
    """One row per customer with a profile at as_of: customer_id, is_opted_out."""
    day = f"TIMESTAMP'{context.as_of} 00:00:00'"
    profiles = context.read("silver.customers")
    at_day = profiles.where(f"valid_from < {day} AND (valid_to IS NULL OR valid_to >= {day})")
    return at_day.select("customer_id", "is_opted_out")


def say_held_back(context: Context, customers: DataFrame, who: str) -> None:
    """Say how many of the customers are held back at as_of, if any. `customers`: customer_id."""
    if context.settings.contact.when_consent_unknown == CONTACT:
        return
    counts = consent_counts(customers, opt_outs(context)).collect()[0]  # one row
    if counts["unknown"]:
        said = consent_unknown(counts["unknown"], counts["customers"], who)
        context.progress.say(f"      {said}")
