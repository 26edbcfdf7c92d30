"""Learners behind one small interface: a Spark frame in, a portable ensemble out.

A learner's fit is distributed; what comes back to the driver is the model alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from models.tree_ensemble import TreeEnsemble

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Learner(Protocol):
    """Fits on columns `names` (float, NaN where unknown) and `label` (0 or 1)."""

    name: str

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble: ...


@dataclass(frozen=True)
class XgboostLearner:
    """Gradient-boosted trees by xgboost.spark, the histogram method.

    Rows are spread by customer and sorted, so that the same table gives the same trees whatever
    its files and partitions were.
    """

    parameters: Mapping[str, Any]
    seed: int
    workers: int
    name: str = "xgboost"

    def fit(self, frame: DataFrame, names: Sequence[str], label: str) -> TreeEnsemble:
        from xgboost.spark import SparkXGBClassifier

        spread = frame.repartition(self.workers, "customer_id").sortWithinPartitions(
            "as_of", "customer_id"
        )
        classifier = SparkXGBClassifier(
            features_col=list(names),
            label_col=label,
            num_workers=self.workers,
            random_state=self.seed,
            tree_method="hist",
            verbosity=0,
            verbose=False,
            **self.parameters,
        )
        return TreeEnsemble.from_xgboost(classifier.fit(spread).get_booster())
