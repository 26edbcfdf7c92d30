"""Which model scores whom: the champion, or in an A/B of models for some the challenger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.churn.model_metadata import check_meaning
from runtime.context import Context
from runtime.lakehouse.writes import Write
from runtime.model_registry import CHALLENGER, CHAMPION, Registered, Registry


@dataclass(frozen=True)
class Arm:
    """A version with the portable models beside it, in an experiment of two arms.

    experiment_id "": there is no experiment, and it scores everybody.
    """

    name: str
    model: Registered
    horizons: Mapping[str, str]
    reasons: Mapping[str, str]
    experiment_id: str = ""
    challenger_share: float = 0.0

    @property
    def share(self) -> float:
        """The share of the customers that it is meant to score."""
        return self.challenger_share if self.name == CHALLENGER else 1 - self.challenger_share

    @property
    def threshold(self) -> float:
        """From which probability on its prediction is 1."""
        from models.portable import PortableModel

        return PortableModel.from_json(self.model.portable).threshold

    def condition(self) -> Any:
        """A Column: the customer is of this arm. By a hash of the experiment and the id alone, so
        that nobody ever changes arms within an experiment."""
        from pyspark.sql import functions as F

        from transforms.decisions import is_in_share

        if not self.experiment_id:
            return F.lit(True)
        draw = (F.lit(self.experiment_id), F.col("customer_id"))
        is_challenged = is_in_share(self.challenger_share, *draw)
        return is_challenged if self.name == CHALLENGER else ~is_challenged


def serving_arms(context: Context) -> list[Arm]:
    """The champion; with model_ab.challenger_share the challenger too; none without a champion.

    ModelGateError where one was taught another horizon, lead or definition of churn than conf's.
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
    experiment_id = f"{champion.name}-v{champion.version}-v{rival.version}"
    other = _arm(registry, CHALLENGER, rival, experiment_id, share)
    if set(other.horizons) != set(alone.horizons) or set(other.reasons) != set(alone.reasons):
        context.progress.warn(
            f"no A/B of models: versions {champion.version} and {rival.version} know other "
            "horizons or reasons, and the tables would differ by arm. Train both with one conf."
        )
        return [alone]
    context.progress.say(f"      A/B of models {experiment_id}: {share:.0%} by the challenger")
    return [_arm(registry, CHAMPION, champion, experiment_id, share), other]


def arm_writes(context: Context, arms: Sequence[Arm]) -> list[Write]:
    """gold.model_arms of as_of; nothing where no experiment ever was."""
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
    registry: Registry, name: str, model: Registered, experiment_id: str = "", share: float = 0.0
) -> Arm:
    horizons = registry.further_models(model.run_id, "horizon")
    reasons = registry.further_models(model.run_id, "reason")
    return Arm(name, model, horizons, reasons, experiment_id, share)
