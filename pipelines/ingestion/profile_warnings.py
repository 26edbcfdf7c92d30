"""Warnings about customers of new files: without a profile, and of unknown consent."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING

from pipelines.ingestion.intake import Intake
from runtime.wording import consent_unknown, plural, verb
from transforms.consent import consent_counts
from transforms.quality import split
from transforms.silver_rows import without_profile

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def missing_profiles(intake: Intake, versions: DataFrame) -> list[str]:
    """A warning if customers have no profile. Their rows are kept, with null attributes."""
    customers = without_profile(split(intake.rows)[0], versions).collect()[0]  # one row
    if not customers["missing"]:
        return []
    whole = plural(customers["customers"], "customer")
    has = verb(customers["missing"], "has", "have")
    return [f"{intake.name}: {customers['missing']:,} of {whole} {has} no profile"]


def unknown_consent(intakes: Sequence[Intake], versions: DataFrame) -> list[str]:
    """A warning if customers of the new files are not contacted, with what changes it."""
    frames = [split(i.rows)[0].select("customer_id") for i in intakes]
    customers = reduce(lambda above, below: above.unionByName(below), frames)
    counts = consent_counts(customers, versions.where("valid_to IS NULL")).collect()[0]  # one row
    if not counts["unknown"]:
        return []
    who = "customers of the new files"
    return [consent_unknown(counts["unknown"], counts["customers"], who)]
