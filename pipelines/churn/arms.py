"""The arms of a scoring run: the champion, and in an A/B test of models the challenger too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipelines.churn.model_metadata import check_meaning
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHALLENGER, CHAMPION, Registered, Registry
from runtime.serving_models import experiment_of
from udfs.shares import is_in_share_column

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


@dataclass(frozen=True)
class Arm:
    """A model version and its further portable models (horizons, reasons), in an A/B test.

    experiment_id: "" without an A/B test. The arm then scores every customer.
    """

    name: str
    model: Registered
    horizons: Mapping[str, str]
    reasons: Mapping[str, str]
    experiment_id: str = ""
    challenger_share: float = 0.0

    @property
    def share(self) -> float:
        """The planned share of customers that this arm scores."""
        return self.challenger_share if self.name == CHALLENGER else 1 - self.challenger_share

    def customers(self, rows: DataFrame) -> DataFrame:
        """The rows of the customers in this arm.

        The arm depends only on a hash of the experiment and the customer id, so a customer never
        changes arms within an experiment.
        """
        if not self.experiment_id:
            return rows
        is_challenged = is_in_share_column(self.challenger_share, self.experiment_id, "customer_id")
        return rows.where(is_challenged if self.name == CHALLENGER else ~is_challenged)


def serving_arms(context: Context) -> list[Arm]:
    """The champion, and the challenger if model_ab.challenger_share is above 0.

    Empty without a champion. Raises ModelGateError if a model was trained with another horizon,
    lead or definition of churn than conf.
    """
    registry = Registry(context.settings)
    champion = registry.by_alias(CHAMPION)
    if champion is None:
        return []
    check_meaning(context, champion, "Nothing was written.")
    alone = _arm(registry, CHAMPION, champion)
    share = context.settings.model_ab.challenger_share
    rival = registry.by_alias(CHALLENGER) if share > 0 else None
    if rival is None or rival.version == champion.version:
        return [alone]
    check_meaning(context, rival, "Nothing was written.")
    experiment_id = experiment_of(champion, rival)
    other = _arm(registry, CHALLENGER, rival, experiment_id=experiment_id, share=share)
    if set(other.horizons) != set(alone.horizons) or set(other.reasons) != set(alone.reasons):
        context.progress.warn(
            f"A/B test of models: skipped, because versions {champion.version} and {rival.version} "
            "have models for different horizons or reasons. Train both versions with the same conf."
        )
        return [alone]
    context.progress.say(
        f"      A/B test of models {experiment_id}: the challenger scores {share:.0%} of customers"
    )
    first = _arm(registry, CHAMPION, champion, experiment_id=experiment_id, share=share)
    return [first, other]


def arm_writes(context: Context, arms: Sequence[Arm]) -> list[Write]:
    """gold.model_arms of as_of. No write if the table does not exist and there is no A/B test."""
    rows = [
        (context.as_of, arm.experiment_id, arm.name, arm.model.version, arm.share)
        for arm in arms
        if arm.experiment_id
    ]
    if not rows and not context.has("gold.model_arms"):
        return []
    table = context.table("gold.model_arms")
    return [Write(table, context.spark.createDataFrame(rows, table.ddl), [context.as_of])]


def _arm(
    registry: Registry,
    name: str,
    model: Registered,
    *,
    experiment_id: str = "",
    share: float = 0.0,
) -> Arm:
    horizons = registry.further_models(model, "horizon")
    reasons = registry.further_models(model, "reason")
    return Arm(name, model, horizons, reasons, experiment_id, share)
